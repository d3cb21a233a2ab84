/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/output_bench.h"

#include <inttypes.h>
#include <stdio.h>

#include "output_bench_compare.h"
#include "output_bench_json.h"
#include "tlsecho/base/timestamp.h"
#include "tlsecho/client/output.h"
#include "tlsecho/client/output_units.h"
#include "tlsecho/client/session_peer.h"

static const char *plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

static void print_load(const struct bench_load *load)
{
    char size[OUTPUT_UNIT_BYTES];
    printf("%" PRIu32 " connection%s%s, %" PRIu32 " thread%s", load->connections,
           plural(load->connections), load->handshakes ? " at a time" : "", load->threads,
           plural(load->threads));
    if (!load->handshakes && load->size_bytes)
        printf(", %s a message", output_bytes_text((double)load->size_bytes, size));
    if (!load->handshakes && load->rate > 0)
        printf(", open loop at %.10g messages/s", load->rate);
    else if (!load->handshakes && load->size_bytes)
        printf(", closed loop");
    if (load->pipeline > 1)
        printf(", %" PRIu32 " on their way", load->pipeline);
    putchar('\n');
}

static void print_peer(const struct bench_report *report)
{
    char address[ADDRESS_TEXT_BYTES];
    struct peer peer = {.tls = false};
    fputs(report->name, stdout);
    if (report->session && report->session->peer.length) {
        address_text(&report->session->peer, address);
        printf(" (%s)", address);
    }
    if (report->session)
        session_peer(report->session, &peer);
    if (*peer.version)
        printf(", %s, %s, %s", peer.version, peer.cipher, peer.group);
    putchar('\n');
}

static void print_bytes(const char *name, const struct bench_measure *m, uint64_t bytes)
{
    char all[OUTPUT_UNIT_BYTES], rate[OUTPUT_UNIT_BYTES], bits[OUTPUT_UNIT_BYTES];
    if (bytes)
        printf("%-11s %s, %s/s (%s/s)\n", name, output_bytes_text((double)bytes, all),
               output_bytes_text(bench_measure_rate(m, bytes), rate),
               output_bits_text(bench_measure_rate(m, bytes) * 8, bits));
}

static void print_times(const char *name, const struct histogram *h)
{
    static const struct {
        const char *name;
        double share;
    } quantiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}};
    char text[4][OUTPUT_UNIT_BYTES];
    struct histogram_summary all;
    histogram_summarize(h, &all);
    if (!all.count)
        return;
    printf("%-11s min %s, mean %s", name, output_time_text((double)all.min_ns, text[0]),
           output_time_text(all.mean_ns, text[1]));
    if (all.count > 1) /* one sample has none */
        printf(", stddev %s", output_time_text(all.stddev_ns, text[2]));
    printf(", max %s\n", output_time_text((double)all.max_ns, text[3]));
    for (int i = 0; i < 4 && histogram_has_quantile(h, quantiles[i].share); i++)
        printf("%s%s %s", i ? ", " : "            ", quantiles[i].name,
               output_time_text((double)histogram_quantile_ns(h, quantiles[i].share), text[i]));
    if (histogram_has_quantile(h, quantiles[0].share))
        putchar('\n');
}

static void print_client(const struct bench_report *report)
{
    const struct bench_measure *m = &report->measure;
    char text[OUTPUT_UNIT_BYTES];
    double cpu_s = m->user_s + m->system_s;
    printf("%-11s %.2f s of CPU (user %.2f, system %.2f), busiest thread %.0f %% of a CPU",
           "client", cpu_s, m->user_s, m->system_s, m->busiest * 100);
    if (m->messages)
        printf(", %s per %s", output_time_text(cpu_s * 1e9 / (double)m->messages, text),
               report->load.handshakes ? "handshake" : "message");
    putchar('\n');
}

static void print_failures(const struct bench_measure *m)
{
    const char *separator = "";
    if (!bench_measure_errors(m))
        return;
    printf("%-11s %" PRIu64 ": ", "failures", bench_measure_errors(m));
    for (int i = 0; i < RESULTS; i++) {
        if (!m->errors[i])
            continue;
        printf("%s%s %" PRIu64, separator, result_word((enum result)i), m->errors[i]);
        separator = ", ";
    }
    putchar('\n');
}

/* Some failed, or the run was over before --ramp had opened them. */
static bool lacks_connections(const struct bench_report *report)
{
    return !report->load.handshakes && report->measure.connections < report->wanted_connections;
}

static void print_datagrams(const struct bench_report *report)
{
    const struct bench_measure *m = &report->measure;
    if (!bench_report_is_udp(report))
        return;
    printf("%-11s %" PRIu64, "lost", m->lost);
    if (m->lost + m->messages)
        printf(" (%.3g %%)", 100.0 * (double)m->lost / (double)(m->lost + m->messages));
    printf(", %" PRIu64 " duplicated, %" PRIu64 " out of order\n", m->duplicated, m->reordered);
    if (m->kernel_drops)
        printf("%-11s %" PRIu64 " replies dropped by this host, whose socket was full: more -P or "
               "--threads, a lower --rate, or a larger net.core.rmem_max\n",
               "", m->kernel_drops);
}

/* "2026-11-29T17:00:00.000000Z, 120 us late" */
static void print_start(const struct bench_report *report)
{
    char at[CLOCK_TEXT_BYTES], late[OUTPUT_UNIT_BYTES];
    if (!report->load.start_at_us)
        return;
    timestamp_text(report->load.start_at_us, at);
    printf("%-11s %s, %s late\n", "start", at,
           output_time_text(report->measure.start_late_s * 1e9, late));
}

static void print_measure(const struct bench_report *report)
{
    const struct bench_measure *m = &report->measure;
    char rate[OUTPUT_UNIT_BYTES];
    print_start(report);
    printf("%-11s %.3f s%s\n", "measured", m->elapsed_s,
           report->interrupted ? ", interrupted" : "");
    if (m->messages)
        printf("%-11s %" PRIu64 ", %s/s\n", report->load.handshakes ? "handshakes" : "messages",
               m->messages, output_count_text(bench_measure_rate(m, m->messages), rate));
    if (lacks_connections(report))
        printf("%-11s %" PRIu64 " of %" PRIu64 "\n", "connections", m->connections,
               report->wanted_connections);
    if (report->resumes)
        printf("%-11s %" PRIu64 " of %" PRIu64 "\n", "resumed", m->resumed, m->connections);
    print_datagrams(report);
    print_bytes("sent", m, m->sent_bytes);
    print_bytes("received", m, m->received_bytes);
    print_times("latency", m->histograms[BENCH_LATENCY]);
    print_times("service", m->histograms[BENCH_SERVICE]);
    print_times("connect", m->histograms[BENCH_CONNECT]);
    print_times("handshake", m->histograms[BENCH_HANDSHAKE]);
    print_client(report);
    print_failures(m);
}

/* A start that is later than this is no longer that of the other clients. */
#define LATE_S 0.05

static void warn_of_start(const struct bench_report *report)
{
    const struct bench_measure *m = &report->measure;
    char text[ERROR_TEXT_BYTES];
    if (m->start_late_s > LATE_S) {
        snprintf(text, sizeof text,
                 "the load started %.3f s after --start-at: give a later time, so that there is "
                 "time to connect",
                 m->start_late_s);
        output_warn(report->options, text);
    }
    if (m->connections_late) {
        snprintf(text, sizeof text,
                 "%" PRIu64 " of %" PRIu64 " connections were not up at --start-at: give a later "
                 "time, or a shorter --ramp",
                 m->connections_late, report->wanted_connections);
        output_warn(report->options, text);
    }
}

/* A thread without a connection does nothing. */
static bool more_threads(const struct bench_load *load)
{
    return load->threads < load->connections && load->threads < OPTIONS_THREADS_MAX;
}

static void warn(const struct bench_report *report)
{
    const struct bench_measure *m = &report->measure;
    char text[ERROR_TEXT_BYTES];
    warn_of_start(report);
    if (bench_measure_client_limited(m)) {
        snprintf(text, sizeof text,
                 "this client was the bottleneck: its busiest thread used %.0f %% of a CPU; use "
                 "%sseveral machines (--merge)",
                 m->busiest * 100, more_threads(&report->load) ? "more --threads or " : "");
        output_warn(report->options, text);
    }
    if (lacks_connections(report) && report->load.ramp_ns && !bench_measure_errors(m)) {
        snprintf(text, sizeof text,
                 "only %" PRIu64 " of %" PRIu64 " connections were opened: the run was over before "
                 "--ramp; use a shorter --ramp or a longer run",
                 m->connections, report->wanted_connections);
        output_warn(report->options, text);
    }
    if (m->unsent) {
        snprintf(text, sizeof text,
                 "%" PRIu64 " messages were due but never sent, because the server or this client "
                 "did not keep up: lower --rate, or raise --pipeline or -P",
                 m->unsent);
        output_warn(report->options, text);
    }
}

static bool has_run(const struct bench_report *report)
{
    return report->measure.elapsed_s > 0;
}

void output_bench(const struct bench_report *reports, size_t count, const struct outcome *outcome)
{
    const struct options *options = reports[0].options;
    for (size_t i = 0; i < count; i++)
        warn(&reports[i]);
    if (options->json) {
        output_bench_json(reports, count, outcome);
        return;
    }
    if (count > 1 && has_run(&reports[0]) && has_run(&reports[1])) {
        print_load(&reports[0].load);
        output_bench_compare(reports);
    } else if (has_run(&reports[0])) {
        print_peer(&reports[0]);
        print_load(&reports[0].load);
        print_measure(&reports[0]);
    }
    if (count > 1) /* its message begins with the endpoint */
        output_failure_elsewhere(outcome);
    else
        output_failure(outcome);
}

/* If all clients failed, only the failures. */
static void print_merged(const struct bench_report *report)
{
    const struct bench_measure *m = &report->measure;
    char rate[OUTPUT_UNIT_BYTES];
    printf("%" PRIu64 " client%s", report->clients, plural(report->clients));
    if (report->clients_failed)
        printf(", of which %" PRIu64 " failed", report->clients_failed);
    if (!has_run(report)) {
        putchar('\n');
        print_failures(m);
        return;
    }
    fputs(", ", stdout);
    print_load(&report->load);
    print_measure(report);
    if (report->times.clients > 1)
        printf("%-11s within %s of each other\n", "starts",
               output_time_text(bench_times_spread_s(&report->times) * 1e9, rate));
    if (m->messages && report->clients > 1)
        printf("%-11s %s/s: the rates of the clients, added up\n", "sum",
               output_count_text(report->rates_sum, rate));
}

void output_merge(const struct bench_report *report)
{
    if (report->options->json) {
        output_bench_json_merged(report);
        return;
    }
    if (report->clients)
        print_merged(report);
    output_failure_elsewhere(&report->outcome);
}
