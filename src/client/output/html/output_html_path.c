/* SPDX-License-Identifier: MIT */
/* A path as a page: where on it something is wrong, what was found, and all that was tried. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "output_html_chart.h"
#include "output_html_parts.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/base/version.h"
#include "tlsecho/client/interrupt.h"
#include "tlsecho/client/output_html.h"
#include "tlsecho/client/output_units.h"

/* What is on the page. */
struct path_page {
    const struct path_verdict *verdict;
    const struct outcome *outcome;
    char name[ENDPOINT_TEXT_BYTES];
};

static void heading(FILE *out, const struct path_page *page)
{
    const struct path_verdict *verdict = page->verdict;
    char started[CLOCK_TEXT_BYTES];
    clock_wall_text(clock_wall_us(verdict->started_us), started);
    fputs("<h1>Path to ", out);
    output_html_text(out, page->name);
    fprintf(out, "</h1>\n<p>Examined for %.3f s from %s. tlsecho-client %s</p>\n",
            (double)(verdict->ended_us - verdict->started_us) / 1e6, started, tlsecho_version);
    output_html_interrupted(out, interrupt_happened());
}

static size_t findings_of(const struct path_verdict *verdict, const char *stage)
{
    size_t count = 0;
    for (size_t i = 0; i < verdict->finding_count; i++)
        count += strcmp(verdict->findings[i].kind->stage, stage) == 0;
    return count;
}

static void cards(FILE *out, const struct path_verdict *verdict)
{
    char text[OUTPUT_UNIT_BYTES];
    size_t steps = 0, done = 0;
    for (size_t i = 0; i < verdict->stage_count; i++) {
        steps += verdict->stages[i].step_count;
        done += verdict->stages[i].state == PATH_DONE;
    }
    fputs("<div class=\"cards\">\n", out);
    snprintf(text, sizeof text, "%zu", verdict->finding_count);
    output_html_card(out, text, verdict->finding_count == 1 ? "finding" : "findings");
    snprintf(text, sizeof text, "%zu of %zu", done, verdict->stage_count);
    output_html_card(out, text, "stages done");
    snprintf(text, sizeof text, "%zu", steps);
    output_html_card(out, text, "things tried");
    if (verdict->server_count && verdict->servers[0].address.length)
        output_html_card(out, output_time_text((double)verdict->servers[0].rtt_us * 1e3, text),
                         "round trip");
    fputs("</div>\n", out);
}

/* --- the picture of the path --- */

enum { MAP_WIDTH = 640, MAP_HEIGHT = 92, MAP_END = 92, MAP_LINE_Y = 30, MAP_DOT = 11 };

static void draw_end(FILE *out, int x, const char *name)
{
    fprintf(out,
            "<rect class=\"end\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"44\" rx=\"6\"/>"
            "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>\n",
            x, MAP_LINE_Y - 22, MAP_END, x + MAP_END / 2, MAP_LINE_Y + 4, name);
}

static size_t count_steps(const struct path_stage_result *stage, const char *word)
{
    size_t count = 0;
    for (size_t i = 0; i < stage->step_count; i++)
        count += strcmp(path_step_word(&stage->steps[i]), word) == 0;
    return count;
}

/* "ok", or how many steps were not: "1 some, 2 none". */
static void steps_word(const struct path_stage_result *stage, char ret[OUTPUT_UNIT_BYTES])
{
    size_t some = count_steps(stage, "some"), none = count_steps(stage, "none");
    if (some && none)
        snprintf(ret, OUTPUT_UNIT_BYTES, "%zu some, %zu none", some, none);
    else if (some || none)
        snprintf(ret, OUTPUT_UNIT_BYTES, "%zu %s", some + none, some ? "some" : "none");
    else
        snprintf(ret, OUTPUT_UNIT_BYTES, "ok");
}

/* A stage that found what another one tells, has no finding of its own. */
static const char *stage_class(const struct path_stage_result *stage)
{
    if (stage->found)
        return "bad";
    return stage->state == PATH_DONE ? "a" : "faint";
}

static void stage_word(const struct path_stage_result *stage, size_t findings,
                       char ret[OUTPUT_UNIT_BYTES])
{
    if (findings)
        snprintf(ret, OUTPUT_UNIT_BYTES, "%zu finding%s", findings, findings == 1 ? "" : "s");
    else if (stage->found)
        snprintf(ret, OUTPUT_UNIT_BYTES, "same finding");
    else if (stage->state == PATH_DONE)
        steps_word(stage, ret);
    else
        snprintf(ret, OUTPUT_UNIT_BYTES, "%s", path_state_word(stage->state));
}

/* A mark for each stage; one that found something has a cross in it. */
static void draw_stage(FILE *out, const struct path_verdict *verdict, size_t index)
{
    const struct path_stage_result *stage = &verdict->stages[index];
    double room = (double)(MAP_WIDTH - 2 * MAP_END) / (double)verdict->stage_count;
    double x = (double)MAP_END + room * ((double)index + 0.5);
    char word[OUTPUT_UNIT_BYTES];
    stage_word(stage, findings_of(verdict, stage->name), word);
    fprintf(out, "<circle class=\"mark %s\" cx=\"%.1f\" cy=\"%d\" r=\"%d\"/>", stage_class(stage),
            x, MAP_LINE_Y, MAP_DOT);
    if (stage->found)
        fprintf(out, "<path class=\"cross\" d=\"M%.1f %dl9 9m0 -9l-9 9\"/>", x - 4.5,
                MAP_LINE_Y - 4);
    fprintf(out,
            "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>"
            "<text class=\"word\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n",
            x, MAP_LINE_Y + 32, stage->name, x, MAP_LINE_Y + 48, word);
}

static void map(FILE *out, const struct path_verdict *verdict)
{
    fprintf(out,
            "<section><h2>The path</h2>\n<svg class=\"map\" viewBox=\"0 0 %d %d\" role=\"img\" "
            "aria-labelledby=\"map-title map-text\"><title id=\"map-title\">The path</title>"
            "<desc id=\"map-text\">From this host to the server, with a mark for each stage: "
            "whether it found something.</desc>\n"
            "<path class=\"grid\" d=\"M%d %dH%d\"/>\n",
            MAP_WIDTH, MAP_HEIGHT, MAP_END, MAP_LINE_Y, MAP_WIDTH - MAP_END);
    draw_end(out, 0, "this host");
    draw_end(out, MAP_WIDTH - MAP_END, "server");
    for (size_t i = 0; i < verdict->stage_count; i++)
        draw_stage(out, verdict, i);
    fputs("</svg></section>\n", out);
}

/* --- findings --- */

static void findings(FILE *out, const struct path_verdict *verdict)
{
    for (size_t i = 0; i < verdict->finding_count; i++) {
        const struct path_finding *finding = &verdict->findings[i];
        char endpoint[ENDPOINT_TEXT_BYTES];
        endpoint_text(finding->server->endpoint, endpoint);
        fprintf(out, "<section class=\"finding\"><h2>%s</h2>\n<p>Stage %s: ", finding->kind->name,
                finding->kind->stage);
        output_html_text(out, finding->kind->meaning);
        fputs(".</p>\n<table>\n", out);
        output_html_row(out, "Endpoint", endpoint);
        output_html_row(out, "Evidence", finding->evidence);
        output_html_row(out, "Remedy", finding->remedy);
        fputs("</table></section>\n", out);
    }
}

/* --- sizes and silences against outcome --- */

enum {
    DOTS_MIN = 2,
    MANY_TIMES = 4, /* between sizes that are nearer to each other, size is not what is tried */
};

/* What the steps of a stage differ in. */
enum axis { BY_BYTES, BY_PACKETS, BY_SILENCE };
enum { AXES = BY_SILENCE + 1 };

struct dots {
    double passed[PATH_STEPS_MAX][2], failed[PATH_STEPS_MAX][2];
    size_t passed_count, failed_count;
    double low, high;
};

/* 0 = it is not about that. */
static double place_of(const struct path_step *step, enum axis axis)
{
    switch (axis) {
    case BY_BYTES:
        return step->bounded ? 0 : (double)step->bytes;
    case BY_PACKETS:
        return step->bounded ? (double)step->packet_bytes : 0;
    case BY_SILENCE:
        return (double)step->silence_us * 1e3;
    }
    return 0; /* not reached: the switch is complete */
}

static void add_dot(struct dots *dots, double x, const struct path_step *step)
{
    double share = step->tries ? 1 - (double)step->failed / (double)step->tries : 0;
    double(*into)[2] = step->passed ? dots->passed : dots->failed;
    size_t *count = step->passed ? &dots->passed_count : &dots->failed_count;
    into[*count][0] = x;
    into[(*count)++][1] = 100 * share;
    dots->low = fmin(dots->low, x);
    dots->high = fmax(dots->high, x);
}

static void collect(const struct path_stage_result *stage, enum axis axis, struct dots *ret)
{
    *ret = (struct dots){.low = INFINITY};
    for (size_t i = 0; i < stage->step_count; i++) {
        double x = place_of(&stage->steps[i], axis);
        if (x > 0)
            add_dot(ret, x, &stage->steps[i]);
    }
}

static void label_share(FILE *out, double percent)
{
    fprintf(out, "%.0f %%", percent);
}

static void label_bytes(FILE *out, double bytes)
{
    fprintf(out, "%.0f", bytes);
}

static void chart_of(FILE *out, const struct path_stage_result *stage, enum axis axis)
{
    static struct dots dots;
    static const double shares[] = {0, 50, 100};
    static const char *const names[] = {
        [BY_BYTES] = "size", [BY_PACKETS] = "size of IP packet", [BY_SILENCE] = "silence"};
    char id[OUTPUT_UNIT_BYTES], title[3 * OUTPUT_UNIT_BYTES];
    collect(stage, axis, &dots);
    bool alike = axis == BY_BYTES && dots.high < (double)MANY_TIMES * dots.low;
    if (dots.passed_count + dots.failed_count < DOTS_MIN || alike)
        return;
    snprintf(id, sizeof id, "%.20s-%d", stage->name, (int)axis);
    snprintf(title, sizeof title, "%.20s: what passes, by %s", stage->name, names[axis]);
    struct html_chart chart = {
        .id = id,
        .title = title,
        .description = "How many of the tries passed.",
        .x = {.name = axis == BY_SILENCE ? "silence" : "bytes",
              .low = dots.low * 0.9,
              .high = dots.high * 1.1,
              .logarithmic = true,
              .label = axis == BY_SILENCE ? output_html_label_time : label_bytes},
        .y = {.name = "share of the tries that passed",
              .high = 100,
              .label = label_share,
              .ticks = shares,
              .tick_count = 3},
    };
    struct html_series series[] = {{.name = "passed",
                                    .css_class = "a",
                                    .points = (const double(*)[2])dots.passed,
                                    .count = dots.passed_count,
                                    .look = HTML_DOTS},
                                   {.name = "failed",
                                    .css_class = "bad",
                                    .points = (const double(*)[2])dots.failed,
                                    .count = dots.failed_count,
                                    .look = HTML_DOTS}};
    output_html_chart(out, &chart, series, 2);
}

/* --- what was tried --- */

static void step_row(FILE *out, const struct path_step *step)
{
    fprintf(out, "<tr><th scope=\"row\"%s>%s</th><td class=\"text\">",
            step->blamed ? " class=\"bad\"" : "", path_step_word(step));
    output_html_text(out, step->what);
    fputs("</td><td class=\"text\">", out);
    output_html_text(out, step->happened);
    fputs("</td></tr>\n", out);
}

static void stage_section(FILE *out, const struct path_stage_result *stage)
{
    fprintf(out, "<section><h2>Stage %s: %s</h2>\n", stage->name, path_state_word(stage->state));
    if (*stage->reason) {
        fputs("<p>", out);
        output_html_text(out, stage->reason);
        fputs("</p>\n", out);
    }
    for (size_t i = 0; i < stage->note_count; i++) {
        fputs("<p>Note: ", out);
        output_html_text(out, stage->notes[i]);
        fputs(".</p>\n", out);
    }
    if (stage->step_count) {
        fputs("<table>\n", out);
        for (size_t i = 0; i < stage->step_count; i++)
            step_row(out, &stage->steps[i]);
        fputs("</table>\n", out);
    }
    fputs("</section>\n", out);
}

static void servers_section(FILE *out, const struct path_verdict *verdict)
{
    fputs("<section><h2>Servers</h2><table>\n", out);
    for (size_t i = 0; i < verdict->server_count; i++) {
        const struct path_server *server = &verdict->servers[i];
        char endpoint[ENDPOINT_TEXT_BYTES], address[ADDRESS_TEXT_BYTES] = "";
        endpoint_text(server->endpoint, endpoint);
        if (server->address.length)
            address_text(&server->address, address);
        output_html_row(out, endpoint, *server->error ? server->error : address);
    }
    fputs("</table></section>\n", out);
}

static void write_page(FILE *out, const void *context)
{
    static const uint64_t no_failures[RESULTS];
    const struct path_page *page = context;
    const struct path_verdict *verdict = page->verdict;
    output_html_begin(out, page->name, " by --path");
    heading(out, page);
    cards(out, verdict);
    output_html_failures(out, no_failures, page->outcome);
    if (verdict->stage_count)
        map(out, verdict);
    findings(out, verdict);
    fputs("<div class=\"charts\">\n", out);
    for (size_t i = 0; i < verdict->stage_count * AXES; i++)
        chart_of(out, &verdict->stages[i / AXES], (enum axis)(i % AXES));
    fputs("</div>\n<br>\n", out);
    for (size_t i = 0; i < verdict->stage_count; i++)
        stage_section(out, &verdict->stages[i]);
    servers_section(out, verdict);
    output_html_end(out);
}

int output_html_path(const char *path, const struct path_verdict *verdict,
                     const struct outcome *outcome, struct error *err)
{
    struct path_page page = {.verdict = verdict, .outcome = outcome};
    if (verdict->server_count)
        endpoint_text(verdict->servers[0].endpoint, page.name);
    return output_html_write(path, write_page, &page, err);
}
