/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/output_ping.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <time.h>

#include "output_json.h"
#include "output_latency.h"
#include "output_stamp.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/client/output.h"
#include "tlsecho/client/output_session.h"
#include "tlsecho/client/session_peer.h"

static bool prints_lines(const struct options *options)
{
    return !options->json && options->verbosity > OPTIONS_QUIET;
}

static bool prints_json_lines(const struct options *options)
{
    return options->json && options->verbosity == OPTIONS_VERBOSE;
}

static bool by_datagrams(const struct session *session)
{
    return endpoint_has_datagrams(session->target->endpoint->scheme);
}

static double ms(uint64_t us)
{
    return (double)us / 1e3;
}

/* As ping -D prints it. */
static void print_stamp(const struct options *options)
{
    struct timespec now;
    if (!options->timestamps)
        return;
    clock_gettime(CLOCK_REALTIME, &now);
    printf("[%lld.%06ld] ", (long long)now.tv_sec, now.tv_nsec / 1000);
}

/* {"seq": ..., "status": ...} */
static json_t *line(const struct options *options, uint64_t seq, const char *status)
{
    json_t *json = json_object();
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (options->timestamps)
        json_object_set_new(json, "timestamp",
                            json_real((double)now.tv_sec + (double)now.tv_nsec / 1e9));
    output_json_add_count(json, "seq", seq);
    output_json_add_text(json, "status", status);
    return json;
}

/* "dns 0.123, connect 0.045, handshake 1.200 ms" */
static void print_phases(const uint64_t phase_us[PHASES], enum phase last)
{
    const char *separator = "";
    for (int i = 0; i <= (int)last; i++) {
        if (phase_us[i] == SESSION_UNKNOWN_US)
            continue;
        printf("%s%s%s %.3f", separator, i == PHASE_ECHO ? "first " : "", phase_name((enum phase)i),
               ms(phase_us[i]));
        separator = ", ";
    }
    fputs(" ms", stdout);
}

static void print_tls(const struct session *session)
{
    struct peer peer;
    session_peer(session, &peer);
    if (*peer.version)
        printf(", %s%s", peer.version, peer.resumed ? " resumed" : "");
}

void output_ping_connected(const struct options *options, const struct session *session,
                           const struct ping_totals *totals)
{
    char target[ENDPOINT_TEXT_BYTES], peer[ADDRESS_TEXT_BYTES];
    output_session(options, session);
    if (options->json)
        return;
    endpoint_text(session->target->endpoint, target);
    address_text(&session->peer, peer);
    if (totals->connections > 1 && options->verbosity == OPTIONS_QUIET)
        return;
    if (totals->connections > 1)
        print_stamp(options);
    printf("%s %s (%s): ", totals->connections == 1 ? "PING" : "RECONNECTED to", target, peer);
    print_phases(totals->connections == 1 ? totals->phase_us : session->phase_us, PHASE_HANDSHAKE);
    print_tls(session);
    fputc('\n', stdout);
}

void output_ping_reply(const struct options *options, const struct session *session,
                       const struct probe *probe, uint64_t size_bytes)
{
    if (prints_json_lines(options)) {
        json_t *json = line(options, probe->seq, probe->overdue ? "late" : "reply");
        output_json_add_seconds(json, "time", probe->time_ns / 1000);
        json_object_set_new(json, "first", json_boolean(probe->first));
        if (probe->reordered)
            json_object_set_new(json, "reordered", json_true());
        output_json_print(json, stdout);
    } else if (prints_lines(options)) {
        char peer[ADDRESS_TEXT_BYTES];
        address_text(&session->peer, peer);
        print_stamp(options);
        printf("%" PRIu64 " bytes from %s: seq=%" PRIu64 " time=%.3f ms%s%s%s\n", size_bytes, peer,
               probe->seq, ms(probe->time_ns / 1000), probe->first ? " (first)" : "",
               probe->overdue ? " (late)" : "", probe->reordered ? " (out of order)" : "");
    }
}

/* Without its time: it is no round trip, and jitter leaves it out. */
void output_ping_duplicate(const struct options *options, uint64_t seq)
{
    if (prints_json_lines(options))
        output_json_print(line(options, seq, "duplicate"), stdout);
    else if (prints_lines(options)) {
        print_stamp(options);
        printf("duplicate reply: seq=%" PRIu64 "\n", seq);
    }
}

void output_ping_overdue(const struct options *options, const struct probe *probe)
{
    if (prints_json_lines(options))
        output_json_print(line(options, probe->seq, "overdue"), stdout);
    else if (prints_lines(options)) {
        print_stamp(options);
        printf("no reply yet: seq=%" PRIu64 "\n", probe->seq);
    }
}

void output_ping_lost(const struct options *options, uint64_t first_seq, uint64_t count,
                      const struct outcome *why)
{
    if (prints_json_lines(options)) {
        json_t *json = line(options, first_seq, "lost");
        output_json_add_count(json, "count", count);
        output_json_add_text(json, "result", result_word(why->result));
        output_json_add_text(json, "phase", phase_name(why->phase));
        output_json_add_text(json, "message", why->error.text);
        output_json_print(json, stdout);
    } else if (prints_lines(options)) {
        char phase[OUTPUT_PHASE_BYTES];
        print_stamp(options);
        printf("lost: seq=%" PRIu64, first_seq);
        if (count > 1)
            printf("..%" PRIu64, first_seq + count - 1);
        printf(" %s: %s%s\n", result_word(why->result), output_phase_prefix(why, true, phase),
               why->error.text);
    }
}

void output_ping_interim(const struct ping_totals *totals)
{
    const struct probes *probes = &totals->probes;
    const struct ledger *ledger = &probes->ledger;
    struct histogram_summary all;
    const struct histogram *h = probes_latency(probes);
    histogram_summarize(h, &all);
    fprintf(stderr, "\r%" PRIu64 "/%" PRIu64 " probes, %.3g%% lost", ledger->received, ledger->sent,
            probes_percent_lost(probes));
    if (ledger->on_way)
        fprintf(stderr, ", %zu on their way", ledger->on_way);
    if (all.count)
        fprintf(stderr, ", min/avg/max = %.3f/%.3f/%.3f ms", (double)all.min_ns / 1e6,
                all.mean_ns / 1e6, (double)all.max_ns / 1e6);
    if (histogram_has_quantile(h, 0.99))
        fprintf(stderr, ", p99 = %.3f ms", (double)histogram_quantile_ns(h, 0.99) / 1e6);
    fputc('\n', stderr);
}

static void print_summary(const struct session *session, const struct ping_totals *totals)
{
    const struct probes *probes = &totals->probes;
    const struct ledger *ledger = &probes->ledger;
    char target[ENDPOINT_TEXT_BYTES];
    endpoint_text(session->target->endpoint, target);
    printf("\n--- %s ping statistics ---\n", target);
    printf("%" PRIu64 " probes transmitted, %" PRIu64 " received, %" PRIu64 " late, %.3g%% lost",
           ledger->sent, ledger->received, ledger->late, probes_percent_lost(probes));
    if (by_datagrams(session))
        printf(", %" PRIu64 " duplicated, %" PRIu64 " out of order", ledger->duplicated,
               ledger->reordered);
    if (ledger->on_way)
        printf(", %zu on their way", ledger->on_way);
    if (totals->connections > 1)
        printf(", %" PRIu64 " connections", totals->connections);
    printf(", time %.0f ms\n", ms(totals->ended_us - totals->started_us));
    if (totals->connections) {
        print_phases(totals->phase_us, PHASE_ECHO);
        fputc('\n', stdout);
    }
    if (probes->round_trips)
        output_latency_print(stdout, "rtt", probes_latency(probes));
    if (by_datagrams(session) && ledger->jitter.count > 1)
        printf("jitter = %.3f ms\n", ledger->jitter.ns / 1e6);
    if (totals->by_stamp)
        output_stamp_print(session->target->options, &totals->stamp);
    if (totals->kernel_tells)
        printf("kernel: rtt %.3f ms, variance %.3f ms, %" PRIu64 " retransmits\n",
               ms(totals->kernel.rtt_us), ms(totals->kernel.rtt_variance_us),
               totals->kernel.retransmits);
}

static json_t *probes_json(const struct session *session, const struct ping_totals *totals)
{
    const struct ledger *ledger = &totals->probes.ledger;
    json_t *json = json_object(), *lost_by = json_object();
    output_json_add_count(json, "sent", ledger->sent);
    output_json_add_count(json, "received", ledger->received);
    output_json_add_count(json, "late", ledger->late);
    output_json_add_count(json, "lost", ledger->lost);
    output_json_add_count(json, "on_their_way", ledger->on_way);
    if (by_datagrams(session)) {
        output_json_add_count(json, "duplicated", ledger->duplicated);
        output_json_add_count(json, "reordered", ledger->reordered);
    }
    for (int i = 0; i < RESULTS; i++) {
        if (totals->lost_by[i])
            output_json_add_count(lost_by, result_word((enum result)i), totals->lost_by[i]);
    }
    json_object_set_new(json, "failures", lost_by);
    return json;
}

static json_t *point_json(const struct ping_point *point)
{
    json_t *json = json_object();
    output_json_add_seconds(json, "start", point->start_us);
    output_json_add_count(json, "replies", point->replies);
    output_json_add_count(json, "late", point->late);
    output_json_add_count(json, "lost", point->lost);
    output_json_add_count(json, "connections", point->connections);
    if (point->replies) {
        output_json_add_seconds(json, "min", point->min_us);
        json_object_set_new(json, "mean", json_real(ping_point_mean_us(point) / 1e6));
        output_json_add_seconds(json, "max", point->max_us);
    }
    return json;
}

static json_t *timeline_json(const struct ping_timeline *timeline)
{
    json_t *json = json_object(), *points = json_array();
    output_json_add_seconds(json, "resolution", timeline->resolution_us);
    for (size_t i = 0; i < timeline->count; i++)
        json_array_append_new(points, point_json(&timeline->points[i]));
    json_object_set_new(json, "points", points);
    return json;
}

static void print_json(const struct options *options, const struct session *session,
                       const struct ping_totals *totals, const struct outcome *outcome)
{
    json_t *json = output_json_new(options, session, outcome);
    output_json_add_started(json, totals->started_us);
    output_json_add_seconds(json, "duration", totals->ended_us - totals->started_us);
    output_json_add_count(json, "bytes_sent", totals->bytes_sent);
    output_json_add_count(json, "bytes_received", totals->bytes_received);
    output_json_add_count(json, "connections", totals->connections);
    json_object_set_new(json, "probes", probes_json(session, totals));
    if (totals->probes.round_trips)
        output_json_add_latency(json, "latency", probes_latency(&totals->probes));
    if (by_datagrams(session) && totals->probes.ledger.jitter.count > 1)
        json_object_set_new(json, "jitter", json_real(totals->probes.ledger.jitter.ns / 1e9));
    if (totals->by_stamp)
        json_object_set_new(json, "stamp", output_stamp_json(options, &totals->stamp));
    if (totals->timeline.count)
        json_object_set_new(json, "timeline", timeline_json(&totals->timeline));
    if (totals->kernel_tells) {
        json_t *kernel = json_object();
        output_json_add_seconds(kernel, "rtt", totals->kernel.rtt_us);
        output_json_add_seconds(kernel, "rtt_variance", totals->kernel.rtt_variance_us);
        output_json_add_count(kernel, "retransmits", totals->kernel.retransmits);
        json_object_set_new(json, "kernel", kernel);
    }
    output_json_print(json, stdout);
}

void output_ping(const struct options *options, const struct session *session,
                 const struct ping_totals *totals, const struct outcome *outcome)
{
    if (options->json) {
        print_json(options, session, totals, outcome);
        return;
    }
    if (outcome->result == RESULT_OK || outcome->phase != PHASE_OPTIONS)
        print_summary(session, totals);
    output_failure(outcome);
}
