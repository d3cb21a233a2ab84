/* SPDX-License-Identifier: MIT */
#include "output_bench_compare.h"

#include <inttypes.h>
#include <stdio.h>

#include "tlsecho/client/output_units.h"

/* A row, unless both are 0. If one is, such as a TLS handshake on TCP, there is no ratio. */
static void print_row(const char *name, double a, double b,
                      const char *(*text)(double, char[OUTPUT_UNIT_BYTES]))
{
    char left[OUTPUT_UNIT_BYTES] = "-", right[OUTPUT_UNIT_BYTES] = "-",
         ratio[OUTPUT_UNIT_BYTES] = "-";
    if (a <= 0 && b <= 0)
        return;
    if (a > 0)
        text(a, left);
    if (b > 0)
        text(b, right);
    if (a > 0 && b > 0)
        snprintf(ratio, sizeof ratio, "%.2f", b / a);
    printf("%-22s %16s %16s %8s\n", name, left, right, ratio);
}

/* 0 = too few samples; share 1 = the maximum. */
static double quantile_ns(const struct histogram *h, double share)
{
    return (double)(share == 1 ? histogram_quantile_ns(h, 1)
                               : histogram_known_quantile_ns(h, share));
}

static void print_times(const char *name, const struct bench_report reports[2],
                        enum bench_histogram which)
{
    static const struct {
        const char *name;
        double share;
    } quantiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}, {"max", 1}};
    const struct histogram *a = reports[0].measure.histograms[which];
    const struct histogram *b = reports[1].measure.histograms[which];
    char row[OUTPUT_UNIT_BYTES];
    for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles; i++) {
        snprintf(row, sizeof row, "%s %s", name, quantiles[i].name);
        print_row(row, quantile_ns(a, quantiles[i].share), quantile_ns(b, quantiles[i].share),
                  output_time_text);
    }
}

static double cpu_ns(const struct bench_measure *m)
{
    return m->messages ? (m->user_s + m->system_s) * 1e9 / (double)m->messages : 0;
}

void output_bench_compare(const struct bench_report reports[2])
{
    const struct bench_measure *a = &reports[0].measure, *b = &reports[1].measure;
    bool handshakes = reports[0].load.handshakes;
    printf("A = %s\nB = %s, each measured in two rounds, as A B B A%s\n\n", reports[0].name,
           reports[1].name, reports[0].interrupted ? ", interrupted" : "");
    printf("%-22s %16s %16s %8s\n", "", "A", "B", "B / A");
    print_row("measured", a->elapsed_s * 1e9, b->elapsed_s * 1e9, output_time_text);
    print_row(handshakes ? "handshakes/s" : "messages/s", bench_measure_rate(a, a->messages),
              bench_measure_rate(b, b->messages), output_count_text);
    print_row("connections", (double)a->connections, (double)b->connections, output_count_text);
    print_row("sent bytes/s", bench_measure_rate(a, a->sent_bytes),
              bench_measure_rate(b, b->sent_bytes), output_bytes_text);
    print_row("received bytes/s", bench_measure_rate(a, a->received_bytes),
              bench_measure_rate(b, b->received_bytes), output_bytes_text);
    print_times("latency", reports, BENCH_LATENCY);
    print_times("connect", reports, BENCH_CONNECT);
    print_times("TLS handshake", reports, BENCH_HANDSHAKE);
    print_row("client's CPU per each", cpu_ns(a), cpu_ns(b), output_time_text);
    if (bench_measure_errors(a) + bench_measure_errors(b))
        printf("%-22s %16" PRIu64 " %16" PRIu64 "\n", "failures", bench_measure_errors(a),
               bench_measure_errors(b));
}
