/* SPDX-License-Identifier: MIT */
/* What a load came to, in words. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tlsecho/output_bench.h"

enum { TEXT_BYTES = 32 };

/* Three digits with a unit: "71.2 us". */
static const char *time_text(double ns, char ret[TEXT_BYTES])
{
    static const struct {
        double ns;
        const char *unit;
    } units[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "us"}, {1, "ns"}};
    size_t i = 0;
    while (i < 3 && ns < units[i].ns)
        i++;
    double value = ns / units[i].ns;
    snprintf(ret, TEXT_BYTES, "%.*f %s",
             value < 10    ? 2
             : value < 100 ? 1
                           : 0,
             value, units[i].unit);
    return ret;
}

static const char *bytes_text(double bytes, char ret[TEXT_BYTES])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t i = 0;
    for (; i < 4 && bytes >= 1024; i++)
        bytes /= 1024;
    snprintf(ret, TEXT_BYTES, "%.*f %s",
             i == 0 || bytes >= 100 ? 0
             : bytes < 10           ? 2
                                    : 1,
             bytes, units[i]);
    return ret;
}

static void print_load(const struct bench_load *load)
{
    printf("%" PRIu32 " connection%s, %" PRIu32 " thread%s", load->connections,
           load->connections == 1 ? "" : "s", load->threads, load->threads == 1 ? "" : "s");
    if (load->size_bytes)
        printf(", %" PRIu64 " bytes a message", load->size_bytes);
    if (load->size_bytes && load->rate > 0)
        printf(", open loop at %.0f messages/s", load->rate);
    else if (load->size_bytes)
        printf(", closed loop");
    if (load->pipeline > 1)
        printf(", %" PRIu32 " on their way", load->pipeline);
    putchar('\n');
}

static void print_bytes(const char *name, const struct bench_measure *m, uint64_t bytes)
{
    char all[TEXT_BYTES], rate[TEXT_BYTES];
    if (bytes)
        printf("%-11s %s, %s/s (%.0f Mbit/s)\n", name, bytes_text((double)bytes, all),
               bytes_text(bench_measure_rate(m, bytes), rate),
               bench_measure_rate(m, bytes) * 8 / 1e6);
}

static void print_times(const char *name, const struct histogram *h)
{
    char text[7][TEXT_BYTES];
    struct histogram_summary all;
    histogram_summarize(h, &all);
    if (!all.count)
        return;
    printf("%-11s min %s, mean %s, stddev %s, max %s\n", name,
           time_text((double)all.min_ns, text[0]), time_text(all.mean_ns, text[1]),
           time_text(all.stddev_ns, text[2]), time_text((double)all.max_ns, text[3]));
    printf("%-11s p50 %s, p90 %s, p99 %s, p99.9 %s\n", "",
           time_text((double)histogram_quantile_ns(h, 0.5), text[3]),
           time_text((double)histogram_quantile_ns(h, 0.9), text[4]),
           time_text((double)histogram_quantile_ns(h, 0.99), text[5]),
           time_text((double)histogram_quantile_ns(h, 0.999), text[6]));
}

static void print_client(const struct bench_measure *m)
{
    char text[TEXT_BYTES];
    double cpu_s = m->user_s + m->system_s;
    printf("%-11s %.2f s of CPU (user %.2f, system %.2f), its busiest thread %.0f %% of one",
           "client", cpu_s, m->user_s, m->system_s, m->busiest * 100);
    if (m->messages)
        printf(", %s a message", time_text(cpu_s * 1e9 / (double)m->messages, text));
    putchar('\n');
}

static void print_errors(const struct bench_measure *m)
{
    const char *separator = "";
    if (!bench_measure_errors(m))
        return;
    printf("%-11s %" PRIu64 ": ", "errors", bench_measure_errors(m));
    for (int i = 0; i < RESULTS; i++) {
        if (!m->errors[i])
            continue;
        printf("%s%s %" PRIu64, separator, result_word((enum result)i), m->errors[i]);
        separator = ", ";
    }
    putchar('\n');
}

void output_bench(const struct bench_report *report)
{
    const struct bench_measure *m = &report->measure;
    print_load(report->load);
    printf("%-11s %.3f s\n", "measured", m->elapsed_s);
    if (m->messages)
        printf("%-11s %" PRIu64 ", %.0f/s\n", report->load->handshakes ? "handshakes" : "messages",
               m->messages, bench_measure_rate(m, m->messages));
    print_bytes("sent", m, m->sent_bytes);
    print_bytes("received", m, m->received_bytes);
    print_times("latency", m->histograms[BENCH_LATENCY]);
    print_times("service", m->histograms[BENCH_SERVICE]);
    print_times("connect", m->histograms[BENCH_CONNECT]);
    print_times("handshake", m->histograms[BENCH_HANDSHAKE]);
    print_client(m);
    print_errors(m);
}
