/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <math.h>

#include "output_html_chart.h"
#include "output_html_latency.h"
#include "output_html_parts.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/base/version.h"
#include "tlsecho/client/interrupt.h"
#include "tlsecho/client/output_html.h"
#include "tlsecho/client/output_units.h"

struct ping_page {
    const struct session *session;
    const struct ping_totals *totals;
    const struct outcome *outcome;
    char name[ENDPOINT_TEXT_BYTES];
};

static void count_card(FILE *out, uint64_t count, const char *name)
{
    char text[OUTPUT_UNIT_BYTES];
    snprintf(text, sizeof text, "%" PRIu64, count);
    output_html_card(out, text, name);
}

static void cards(FILE *out, const struct ping_totals *totals)
{
    const struct probes *probes = &totals->probes;
    const struct ledger *ledger = &probes->ledger;
    const struct histogram *h = probes_latency(probes);
    char text[OUTPUT_UNIT_BYTES];
    fputs("<div class=\"cards\">\n", out);
    count_card(out, ledger->sent, "probes");
    count_card(out, ledger->received, "received");
    if (ledger->late)
        count_card(out, ledger->late, "late");
    snprintf(text, sizeof text, "%.3g %%", probes_percent_lost(probes));
    output_html_card(out, text, "lost");
    if (ledger->on_way)
        count_card(out, ledger->on_way, "on their way");
    if (ledger->duplicated)
        count_card(out, ledger->duplicated, "duplicated");
    if (ledger->reordered)
        count_card(out, ledger->reordered, "out of order");
    output_html_time_card(out, h, 0.5, "round trip p50");
    output_html_time_card(out, h, 0.99, "round trip p99");
    output_html_time_card(out, h, 1, "round trip max");
    count_card(out, totals->connections, totals->connections == 1 ? "connection" : "connections");
    fputs("</div>\n", out);
}

static void heading(FILE *out, const struct ping_page *page)
{
    const struct options *options = page->session->target->options;
    const struct ping_totals *totals = page->totals;
    char started[CLOCK_TEXT_BYTES], size[OUTPUT_UNIT_BYTES];
    clock_wall_text(clock_wall_us(totals->started_us), started);
    fputs("<h1>", out);
    output_html_text(out, page->name);
    fprintf(out, "</h1>\n<p>Probes of %s, ", output_bytes_text((double)options->size_bytes, size));
    fputs(options->interval_ms ? "one every " : "each after the previous reply", out);
    if (options->interval_ms)
        output_html_label_time(out, (double)options->interval_ms * 1e6);
    fprintf(out, "; for %.3f s from %s. tlsecho-client %s</p>\n",
            (double)(totals->ended_us - totals->started_us) / 1e6, started, tlsecho_version);
    output_html_interrupted(out, interrupt_happened());
}

/* --- the round trips over time --- */

/* The points of the charts of a timeline. */
struct drawn {
    double times[2 * PING_POINTS_MAX][2]; /* minimum and maximum of each point */
    double late[2 * PING_POINTS_MAX][2];  /* maximum of each point with a late reply */
    double means[PING_POINTS_MAX][2], losses[PING_POINTS_MAX][2], connections[PING_POINTS_MAX][2];
    size_t time_count, late_count, mean_count, loss_count, connection_count;
    bool joined; /* a point has more than one reply */
};

static void add_bar(double bars[][2], size_t *count, double at_ns, const uint64_t ends_us[2])
{
    for (int i = 0; i < 2; i++) {
        bars[*count][0] = at_ns;
        bars[(*count)++][1] = (double)ends_us[i] * 1e3;
    }
}

/* The first connection is not a reconnection. */
static void fill_drawn(const struct ping_timeline *t, struct drawn *ret)
{
    uint64_t connections = 0;
    *ret = (struct drawn){.joined = false};
    for (size_t i = 0; i < t->count; i++) {
        const struct ping_point *point = &t->points[i];
        double at_ns = (double)point->start_us * 1e3;
        if (point->replies) {
            add_bar(ret->times, &ret->time_count, at_ns,
                    (uint64_t[2]){point->min_us, point->max_us});
            ret->means[ret->mean_count][0] = at_ns;
            ret->means[ret->mean_count++][1] = ping_point_mean_us(point) * 1e3;
            ret->joined |= point->replies > 1;
        }
        if (point->late)
            add_bar(ret->late, &ret->late_count, at_ns,
                    (uint64_t[2]){point->max_us, point->max_us});
        if (point->lost)
            ret->losses[ret->loss_count++][0] = at_ns;
        if (point->connections + connections > 1 && point->connections)
            ret->connections[ret->connection_count++][0] = at_ns;
        connections += point->connections;
    }
}

static void add(struct html_series *series, size_t *count, const struct html_series *one)
{
    if (one->count)
        series[(*count)++] = *one;
}

/* The shortest and the longest of all replies, the first ones too. */
static void time_axis(const struct ping_timeline *t, struct html_axis *ret)
{
    double low_us = INFINITY, high_us = 0;
    for (size_t i = 0; i < t->count; i++) {
        if (!t->points[i].replies)
            continue;
        low_us = fmin(low_us, (double)t->points[i].min_us);
        high_us = fmax(high_us, (double)t->points[i].max_us);
    }
    ret->low = fmax(low_us, 1) * 1e3 * 0.9;
    ret->high = fmax(high_us, 1) * 1e3 * 1.1;
}

enum { SERIES = 5 };

static size_t fill_series(const struct drawn *drawn, struct html_series ret[SERIES])
{
    size_t count = 0;
    add(ret, &count,
        &(struct html_series){.name = "reconnected",
                              .css_class = "faint dashed",
                              .points = (const double(*)[2])drawn->connections,
                              .count = drawn->connection_count,
                              .look = HTML_RULES});
    add(ret, &count,
        &(struct html_series){.name = "lost",
                              .css_class = "bad",
                              .points = (const double(*)[2])drawn->losses,
                              .count = drawn->loss_count,
                              .look = HTML_RULES});
    add(ret, &count,
        &(struct html_series){.name = drawn->joined ? "min to max" : "round trip",
                              .css_class = drawn->joined ? "a pale" : "a",
                              .points = (const double(*)[2])drawn->times,
                              .count = drawn->time_count,
                              .look = HTML_BARS});
    add(ret, &count,
        &(struct html_series){.name = "late",
                              .css_class = "b",
                              .points = (const double(*)[2])drawn->late,
                              .count = drawn->late_count,
                              .look = HTML_BARS});
    add(ret, &count,
        &(struct html_series){.name = "mean",
                              .css_class = "a",
                              .points = (const double(*)[2])drawn->means,
                              .count = drawn->joined ? drawn->mean_count : 0});
    return count;
}

static void timeline_chart(FILE *out, const struct ping_totals *totals)
{
    static struct drawn drawn;
    struct html_series series[SERIES];
    fill_drawn(&totals->timeline, &drawn);
    if (!drawn.time_count)
        return;
    struct html_chart chart = {
        .id = "timeline",
        .title = "Round trips over time",
        .description = "How long each reply took, by when its probe was sent; which probes were "
                       "lost, and where the client reconnected.",
        .x = {.name = "sent, since the start",
              .high = (double)(totals->ended_us - totals->started_us) * 1e3,
              .label = output_html_label_time},
        .y = {.name = "time", .logarithmic = true, .label = output_html_label_time},
    };
    time_axis(&totals->timeline, &chart.y);
    output_html_chart(out, &chart, series, fill_series(&drawn, series));
}

static void latency_charts(FILE *out, const struct probes *probes)
{
    struct html_latency latency = {
        .histograms = {probes_latency(probes)}, .count = 1, .what = "round trips"};
    output_html_latency_range(&latency);
    output_html_latency(out, &latency);
}

/* --- tables --- */

/* Each bar begins at the end of the previous one. */
static void phases_section(FILE *out, const struct ping_totals *totals)
{
    static const char *const names[PHASES] = {[PHASE_DNS] = "Name look-up",
                                              [PHASE_CONNECT] = "TCP connect",
                                              [PHASE_HANDSHAKE] = "TLS handshake",
                                              [PHASE_ECHO] = "First echo"};
    double sum_us = 0, before_us = 0;
    char text[OUTPUT_UNIT_BYTES];
    for (int i = 0; i < PHASES; i++)
        if (names[i] && totals->phase_us[i] != SESSION_UNKNOWN_US)
            sum_us += (double)totals->phase_us[i];
    if (sum_us <= 0)
        return;
    fputs("<section><h2>Phases of the connection</h2><table class=\"span\">\n", out);
    for (int i = 0; i < PHASES; i++) {
        if (!names[i] || totals->phase_us[i] == SESSION_UNKNOWN_US)
            continue;
        double us = (double)totals->phase_us[i];
        fprintf(out,
                "<tr><th scope=\"row\">%s</th><td>%s</td><td>"
                "<i style=\"margin-left:%.1f%%;width:%.1f%%\"></i></td></tr>\n",
                names[i], output_time_text(us * 1e3, text), 100 * before_us / sum_us,
                100 * us / sum_us);
        before_us += us;
    }
    fputs("</table></section>\n", out);
}

static void times_section(FILE *out, const struct ping_page *page)
{
    const struct probes *probes = &page->totals->probes;
    output_html_times_begin(out, page->name);
    output_html_times_row(out, "Round trip", probes->round_trips);
    output_html_times_row(out, "First reply", probes->first_replies);
    fputs("</table></section>\n", out);
}

static void kernel_section(FILE *out, const struct ping_page *page)
{
    const struct ping_totals *totals = page->totals;
    bool by_datagrams = endpoint_has_datagrams(page->session->target->endpoint->scheme);
    char text[OUTPUT_UNIT_BYTES];
    fputs("<section><h2>Transfer</h2><table>\n", out);
    output_html_row(out, "Sent", output_bytes_text((double)totals->bytes_sent, text));
    output_html_row(out, "Received", output_bytes_text((double)totals->bytes_received, text));
    if (by_datagrams && totals->probes.ledger.jitter.count > 1)
        output_html_row(out, "Jitter", output_time_text(totals->probes.ledger.jitter.ns, text));
    if (totals->kernel_tells) {
        output_html_row(out, "TCP round trip",
                        output_time_text((double)totals->kernel.rtt_us * 1e3, text));
        output_html_row(out, "TCP variance",
                        output_time_text((double)totals->kernel.rtt_variance_us * 1e3, text));
        snprintf(text, sizeof text, "%" PRIu64, totals->kernel.retransmits);
        output_html_row(out, "TCP retransmits", text);
    }
    fputs("</table></section>\n", out);
}

static const char *ms_text(int64_t ns, char ret[OUTPUT_UNIT_BYTES])
{
    snprintf(ret, OUTPUT_UNIT_BYTES, "%.3f ms", (double)ns / 1e6);
    return ret;
}

/* A row for each direction; clocks that do not agree may make a delay negative. */
static void stamp_row(FILE *out, enum stamp_direction direction, const struct stamp_way *way,
                      bool delays)
{
    char text[OUTPUT_UNIT_BYTES];
    fprintf(out, "<tr><th scope=\"row\">%s</th><td>%" PRIu64 "</td><td>%" PRIu64 "</td><td>%s</td>",
            stamp_direction_name(direction), way->lost, way->duplicated,
            way->jitter.count > 1 ? output_time_text(way->jitter.ns, text) : "");
    if (delays && way->jitter.count) {
        const struct stamp_delay *delay = &way->delay;
        fprintf(out, "<td>%s</td>", ms_text(delay->min_ns, text));
        fprintf(out, "<td>%s</td>",
                ms_text((int64_t)(delay->sum_ns / (double)way->jitter.count), text));
        fprintf(out, "<td>%s</td>", ms_text(delay->max_ns, text));
    }
    fputs("</tr>\n", out);
}

static void stamp_section(FILE *out, const struct ping_page *page)
{
    const struct stamp_result *stamp = &page->totals->stamp;
    bool delays = page->session->target->options->clocks_agree;
    if (!page->totals->by_stamp)
        return;
    fputs("<section><h2>Each direction (STAMP)</h2><table>\n<tr><th></th><th>lost</th>"
          "<th>duplicated</th><th>jitter</th>",
          out);
    fputs(delays ? "<th>delay, min</th><th>mean</th><th>max</th></tr>\n" : "</tr>\n", out);
    for (int i = 0; i < STAMP_DIRECTIONS; i++)
        stamp_row(out, (enum stamp_direction)i, &stamp->ways[i], delays);
    fputs("</table>\n", out);
    if (stamp->lost_somewhere)
        fprintf(out, "<p>%" PRIu64 " more lost, in an unknown direction.</p>\n",
                stamp->lost_somewhere);
    if (stamp->ways[STAMP_REVERSE].lost > stamp->reverse_lost_probes)
        fprintf(out, "<p>%" PRIu64 " of the replies lost in reverse %s duplicates.</p>\n",
                stamp->ways[STAMP_REVERSE].lost - stamp->reverse_lost_probes,
                stamp->forward_duplicated_max > stamp->ways[STAMP_FORWARD].duplicated
                    ? "may have answered"
                    : "answered");
    if (stamp_record_refusal(stamp->record))
        fprintf(out, "<p>Note: %s.</p>\n", stamp_record_refusal(stamp->record));
    if (stamp->ways[STAMP_REVERSE].lost && !stamp->stateful)
        fputs("<p>If the reflector is stateless, the direction of the losses is unknown.</p>\n",
              out);
    fputs("</section>\n", out);
}

static void write_page(FILE *out, const void *context)
{
    const struct ping_page *page = context;
    output_html_begin(out, page->name, " by --ping");
    heading(out, page);
    cards(out, page->totals);
    output_html_failures(out, page->totals->lost_by, page->outcome);
    fputs("<div class=\"charts\">\n", out);
    timeline_chart(out, page->totals);
    latency_charts(out, &page->totals->probes);
    phases_section(out, page->totals);
    fputs("</div>\n<br>\n", out);
    times_section(out, page);
    stamp_section(out, page);
    kernel_section(out, page);
    output_html_session(out, page->name, page->session);
    output_html_end(out);
}

int output_html_ping(const char *path, const struct session *session,
                     const struct ping_totals *totals, const struct outcome *outcome,
                     struct error *err)
{
    struct ping_page page = {.session = session, .totals = totals, .outcome = outcome};
    endpoint_text(session->target->endpoint, page.name);
    return output_html_write(path, write_page, &page, err);
}
