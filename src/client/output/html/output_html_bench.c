/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <inttypes.h>
#include <time.h>

#include "output_html_curves.h"
#include "output_html_parts.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/base/timestamp.h"
#include "tlsecho/base/version.h"
#include "tlsecho/client/output_html.h"
#include "tlsecho/client/output_units.h"

static const char *const letters[] = {"a", "b"}, *const sides[] = {"A", "B"};

static bool has_run(const struct bench_report *report)
{
    return report->measure.elapsed_s > 0;
}

/* Nothing of nothing. */
static void count_card(FILE *out, uint64_t count, const char *name)
{
    char text[OUTPUT_UNIT_BYTES];
    snprintf(text, sizeof text, "%" PRIu64, count);
    if (count)
        output_html_card(out, text, name);
}

static void cards(FILE *out, const struct bench_report *report)
{
    const struct bench_measure *m = &report->measure;
    const struct histogram *latency = m->histograms[BENCH_LATENCY];
    char text[OUTPUT_UNIT_BYTES + 8], bytes[OUTPUT_UNIT_BYTES];
    if (!has_run(report))
        return;
    fputs("<div class=\"cards\">\n", out);
    snprintf(text, sizeof text, "%s/s",
             output_count_text(bench_measure_rate(m, m->messages), bytes));
    if (m->messages)
        output_html_card(out, text, report->load.handshakes ? "handshakes" : "messages");
    output_html_time_card(out, latency, 0.5, "latency p50");
    output_html_time_card(out, latency, 0.99, "latency p99");
    output_html_time_card(out, latency, 0.999, "latency p99.9");
    output_html_time_card(out, latency, 1, "latency max");
    snprintf(text, sizeof text, "%s/s",
             output_bytes_text(bench_measure_rate(m, m->sent_bytes), bytes));
    if (m->sent_bytes)
        output_html_card(out, text, "sent");
    snprintf(text, sizeof text, "%s/s",
             output_bytes_text(bench_measure_rate(m, m->received_bytes), bytes));
    if (m->received_bytes)
        output_html_card(out, text, "received");
    count_card(out, m->lost, "lost");
    count_card(out, m->duplicated, "duplicated");
    count_card(out, m->reordered, "out of order");
    count_card(out, m->kernel_drops, "dropped by this host");
    snprintf(text, sizeof text, "%" PRIu64, bench_measure_errors(m));
    output_html_card(out, text, "failures");
    fputs("</div>\n", out);
}

static void measured(FILE *out, const struct bench_report *report)
{
    char at[CLOCK_TEXT_BYTES], late[OUTPUT_UNIT_BYTES];
    fprintf(out, "measured for %.3g s", report->measure.elapsed_s);
    if (!report->load.start_at_us)
        return;
    timestamp_text(report->load.start_at_us, at);
    fprintf(out, ", start %s, %s late", at,
            output_time_text(report->measure.start_late_s * 1e9, late));
}

static void load_line(FILE *out, const struct bench_report *report, size_t count)
{
    const struct bench_load *load = &report->load;
    char size[OUTPUT_UNIT_BYTES], now[CLOCK_TEXT_BYTES];
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    clock_text(&at, now);
    fprintf(out, "<p>%" PRIu32 " connection%s%s, %" PRIu32 " thread%s, ", load->connections,
            load->connections == 1 ? "" : "s", load->handshakes ? " at a time" : "", load->threads,
            load->threads == 1 ? "" : "s");
    if (load->handshakes)
        fputs("handshakes", out);
    else
        fprintf(out, "%s a message, %s loop", output_bytes_text((double)load->size_bytes, size),
                load->rate > 0 ? "open" : "closed");
    if (load->rate > 0)
        fprintf(out, " at %.10g messages/s", load->rate);
    if (load->pipeline > 1)
        fprintf(out, ", %" PRIu32 " on their way on each", load->pipeline);
    fputs("; ", out);
    if (count == 1)
        measured(out, report);
    else
        fputs("each measured in two rounds, as A B B A", out);
    fprintf(out, ". tlsecho-client %s, %s</p>\n", tlsecho_version, now);
    output_html_interrupted(out, report->interrupted);
}

static void times_section(FILE *out, const struct bench_report *report)
{
    const struct bench_measure *m = &report->measure;
    if (!has_run(report))
        return;
    output_html_times_begin(out, report->name);
    output_html_times_row(out, "Latency", m->histograms[BENCH_LATENCY]);
    output_html_times_row(out, "Service time", m->histograms[BENCH_SERVICE]);
    output_html_times_row(out, "TCP connect", m->histograms[BENCH_CONNECT]);
    output_html_times_row(out, "TLS handshake", m->histograms[BENCH_HANDSHAKE]);
    fputs("</table></section>\n", out);
}

static void warnings(FILE *out, const struct bench_report *report)
{
    output_html_failures(out, report->measure.errors, &report->outcome);
    if (bench_measure_client_limited(&report->measure))
        fputs("<p class=\"bad\">The client was the bottleneck.</p>\n", out);
}

static void heading(FILE *out, const struct bench_report *reports, size_t count)
{
    fputs("<h1>", out);
    for (size_t i = 0; i < count; i++) {
        if (count > 1)
            fputs(i ? " and " : "", out);
        output_html_text(out, reports[i].name);
    }
    fputs("</h1>\n", out);
    load_line(out, &reports[0], count);
}

struct reports {
    const struct bench_report *items;
    size_t count;
};

static void write_page(FILE *out, const void *context)
{
    const struct reports *all = context;
    const struct bench_report *reports = all->items;
    size_t count = all->count;
    assert(count <= sizeof letters / sizeof *letters);
    output_html_begin(out, reports[0].name, " under load");
    heading(out, reports, count);
    for (size_t i = 0; i < count; i++) {
        if (count > 1) {
            fprintf(out, "<p><span class=\"key %s\"></span>%s: ", letters[i], sides[i]);
            output_html_text(out, reports[i].name);
            fputs(", ", out);
            measured(out, &reports[i]);
            fputs("</p>\n", out);
        }
        cards(out, &reports[i]);
        warnings(out, &reports[i]);
    }
    fputs("<div class=\"charts\">\n", out);
    output_html_curves(out, reports, count);
    fputs("</div>\n<br>\n", out);
    for (size_t i = 0; i < count; i++)
        times_section(out, &reports[i]);
    for (size_t i = 0; i < count; i++)
        output_html_session(out, reports[i].name, reports[i].session);
    output_html_end(out);
}

int output_html_bench(const char *path, const struct bench_report *reports, size_t count,
                      struct error *err)
{
    const struct reports all = {reports, count};
    return output_html_write(path, write_page, &all, err);
}
