/* SPDX-License-Identifier: MIT */
/* The metrics, named by Prometheus' conventions: base units, _total, bounded labels. */
#include <string.h>

#include "metrics_text.h"
#include "tlsecho/base/log.h"
#include "tlsecho/base/version.h"
#include "tlsecho/server/metrics.h"
#include "tlsecho/tls/tls_context.h"

#define LABELS(...) ((const char *const[]){__VA_ARGS__, NULL})

static const char *const no_labels[] = {NULL};

static void print_one(FILE *out, const char *name, const char *type, const char *help,
                      uint64_t value)
{
    metrics_text_family(out, name, type, help);
    metrics_text_sample(out, name, no_labels, value);
}

static uint64_t accepted(const struct metrics_sum *sum)
{
    return sum->accepted;
}

static uint64_t live(const struct metrics_sum *sum)
{
    return sum->live;
}

static uint64_t received(const struct metrics_sum *sum)
{
    return sum->received_bytes;
}

static uint64_t sent(const struct metrics_sum *sum)
{
    return sum->sent_bytes;
}

static uint64_t datagrams_received(const struct metrics_sum *sum)
{
    return sum->datagrams_received;
}

static uint64_t datagrams_sent(const struct metrics_sum *sum)
{
    return sum->datagrams_sent;
}

static void print_per_listener(const struct metrics *m, FILE *out)
{
    static const struct {
        const char *name, *type, *help;
        uint64_t (*value)(const struct metrics_sum *sum);
        bool streams, datagrams;
    } families[] = {
        {"tlsecho_connections_accepted_total", "counter", "Connections accepted.", accepted, true,
         false},
        {"tlsecho_connections_active", "gauge", "Open connections.", live, true, false},
        {"tlsecho_datagrams_received_total", "counter", "Datagrams received.", datagrams_received,
         false, true},
        {"tlsecho_datagrams_sent_total", "counter", "Datagrams sent.", datagrams_sent, false, true},
        {"tlsecho_received_bytes_total", "counter",
         "Application data received, in bytes, without TLS overhead.", received, true, true},
        {"tlsecho_sent_bytes_total", "counter",
         "Application data sent, in bytes, without TLS overhead.", sent, true, true},
    };
    for (size_t f = 0; f < sizeof families / sizeof *families; f++) {
        metrics_text_family(out, families[f].name, families[f].type, families[f].help);
        for (unsigned slot = 0; slot < METRICS_LISTENERS; slot++) {
            struct metrics_sum sum;
            if (metrics_sum(m, slot, &sum) &&
                ((families[f].streams && sum.streams) || (families[f].datagrams && sum.datagrams)))
                metrics_text_sample(out, families[f].name,
                                    LABELS("listener", sum.listener, "transport", sum.transport),
                                    families[f].value(&sum));
        }
    }
}

static void print_ends(const struct metrics *m, FILE *out)
{
    static const char name[] = "tlsecho_connections_ended_total";
    metrics_text_family(out, name, "counter", "Connections by how they ended.");
    for (unsigned slot = 0; slot < METRICS_LISTENERS; slot++) {
        struct metrics_sum sum;
        if (!metrics_sum(m, slot, &sum) || !sum.streams)
            continue;
        for (enum conn_end end = CONN_END_NONE + 1; end < CONN_ENDS; end++)
            metrics_text_sample(out, name,
                                LABELS("listener", sum.listener, "transport", sum.transport, "end",
                                       conn_end_name(end)),
                                sum.ended[end]);
    }
}

static void print_drops(const struct metrics *m, FILE *out)
{
    static const char name[] = "tlsecho_datagrams_dropped_total";
    metrics_text_family(out, name, "counter", "Datagrams without an answer, by reason.");
    for (unsigned slot = 0; slot < METRICS_LISTENERS; slot++) {
        struct metrics_sum sum;
        if (!metrics_sum(m, slot, &sum) || !sum.datagrams)
            continue;
        for (enum datagram_drop drop = DATAGRAM_KEPT + 1; drop < DATAGRAM_DROPS; drop++)
            metrics_text_sample(out, name,
                                LABELS("listener", sum.listener, "transport", sum.transport,
                                       "reason", datagram_drop_name(drop)),
                                sum.dropped[drop]);
    }
}

/* The slot that all others share may have some of any transport. */
static void print_cookies(const struct metrics *m, FILE *out)
{
    static const char name[] = "tlsecho_dtls_hellos_total";
    static const char *const words[METRICS_COOKIES] = {"none", "wrong", "valid"};
    metrics_text_family(out, name, "counter",
                        "ClientHellos of DTLS before an association, by the cookie that they had.");
    for (unsigned slot = 0; slot < METRICS_LISTENERS; slot++) {
        struct metrics_sum sum;
        if (!metrics_sum(m, slot, &sum) || !sum.streams || !sum.datagrams)
            continue;
        for (unsigned cookie = 0; cookie < METRICS_COOKIES; cookie++)
            metrics_text_sample(out, name,
                                LABELS("listener", sum.listener, "cookie", words[cookie]),
                                sum.cookies[cookie]);
    }
}

static void print_refused(const struct metrics *m, FILE *out)
{
    static const char name[] = "tlsecho_connections_refused_total";
    metrics_text_family(out, name, "counter",
                        "Connections refused, by the limit or list that refused them.");
    for (enum admission_refusal r = ADMISSION_GRANTED + 1; m->admission && r < ADMISSION_REFUSALS;
         r++)
        metrics_text_sample(out, name, LABELS("reason", admission_refusal_name(r)),
                            admission_refused(m->admission, r));
}

static const char *truth(unsigned value)
{
    return value ? "true" : "false";
}

static void print_durations(const struct metrics *m, FILE *out)
{
    static const char handshakes[] = "tlsecho_handshake_duration_seconds";
    static const char connections[] = "tlsecho_connection_duration_seconds";
    metrics_text_family(out, handshakes, "histogram",
                        "Time from the start of a TLS connection to the end of its handshake.");
    for (unsigned resumed = 0; resumed < 2; resumed++) {
        struct metrics_text_histogram all = {.bounds = &metrics_handshake_bounds};
        for (unsigned s = 0; s < m->shard_count; s++)
            metrics_text_add(&all, &m->shards[s]->handshake_duration[resumed]);
        metrics_text_histogram(out, handshakes, LABELS("resumed", truth(resumed)), &all);
    }
    metrics_text_family(out, connections, "histogram",
                        "Time from the start of a connection to its end.");
    for (unsigned t = 0; t < METRICS_TRANSPORTS; t++) {
        if (t == ENDPOINT_UDP)
            continue; /* it has no connections */
        struct metrics_text_histogram all = {.bounds = &metrics_connection_bounds};
        for (unsigned s = 0; s < m->shard_count; s++)
            metrics_text_add(&all, &m->shards[s]->connection_duration[t]);
        const char *transport = endpoint_scheme_name((enum endpoint_scheme)t);
        metrics_text_histogram(out, connections, LABELS("transport", transport), &all);
    }
}

/* Most combinations never occur: only those that did are exported. */
static void print_handshakes(const struct metrics *m, FILE *out)
{
    static const char name[] = "tlsecho_handshakes_total";
    metrics_text_family(out, name, "counter",
                        "TLS handshakes by result: ok, or how the connection ended.");
    for (unsigned at = 0; at < METRICS_HANDSHAKES; at++) {
        struct metrics_handshake kind = metrics_handshake_at(at);
        uint64_t n = metrics_sum_handshakes(m, at);
        if (n > 0)
            metrics_text_sample(out, name,
                                LABELS("version", metrics_version_name(kind.version), "group",
                                       metrics_group_name(kind.group), "resumed",
                                       truth(kind.resumed), "result",
                                       kind.end ? conn_end_name(kind.end) : "ok"),
                                n);
    }
}

static void print_reloads(const struct metrics *m, FILE *out)
{
    static const char name[] = "tlsecho_reloads_total";
    metrics_text_family(out, name, "counter", "Reloads of the configuration or its files.");
    metrics_text_sample(out, name, LABELS("result", "ok"), m->reloads);
    metrics_text_sample(out, name, LABELS("result", "refused"), m->reloads_refused);
    print_one(out, "tlsecho_last_reload_successful", "gauge",
              "1 if the last reload took effect or there was none, 0 if it was refused.",
              !m->reload_refused);
    print_one(out, "tlsecho_config_timestamp_seconds", "gauge",
              "When the current configuration was loaded, Unix time.", (uint64_t)m->reloaded_at);
}

/* A file may be listed twice in a profile: the same certificate is one series. */
static bool is_repeated(const struct config_snapshot *snapshot, size_t i)
{
    const struct config_snapshot_certificate *c = &snapshot->certificates[i];
    for (size_t j = 0; j < i; j++) {
        const struct config_snapshot_certificate *before = &snapshot->certificates[j];
        bool same_file = c->file && before->file && strcmp(c->file, before->file) == 0;
        if (same_file && strcmp(c->profile, before->profile) == 0)
            return true;
    }
    return false;
}

static void print_date(FILE *out, const char *name, const char *profile, const char *file,
                       int64_t date)
{
    metrics_text_sample(out, name, LABELS("profile", profile, "file", file),
                        date > 0 ? (uint64_t)date : 0);
}

static void print_certificates(const struct config_snapshot *s, FILE *out)
{
    static const char certificates[] = "tlsecho_certificate_not_after_timestamp_seconds";
    static const char begins[] = "tlsecho_certificate_not_before_timestamp_seconds";
    static const char staples[] = "tlsecho_staple_next_update_timestamp_seconds";
    static const char crls[] = "tlsecho_crl_next_update_timestamp_seconds";
    metrics_text_family(
        out, certificates, "gauge",
        "Unix time of notAfter of a served certificate; file is empty if self-signed.");
    for (size_t i = 0; i < s->certificate_count; i++)
        if (!is_repeated(s, i))
            print_date(out, certificates, s->certificates[i].profile,
                       s->certificates[i].file ? s->certificates[i].file : "",
                       s->certificates[i].description.not_after);
    metrics_text_family(
        out, begins, "gauge",
        "Unix time of notBefore of a served certificate; file is empty if self-signed.");
    for (size_t i = 0; i < s->certificate_count; i++)
        if (!is_repeated(s, i))
            print_date(out, begins, s->certificates[i].profile,
                       s->certificates[i].file ? s->certificates[i].file : "",
                       s->certificates[i].description.not_before);
    metrics_text_family(out, staples, "gauge",
                        "Unix time of nextUpdate of the OCSP response of a certificate.");
    for (size_t i = 0; i < s->certificate_count; i++)
        if (s->certificates[i].staple && !is_repeated(s, i))
            print_date(out, staples, s->certificates[i].profile, s->certificates[i].file,
                       s->certificates[i].staple_until);
    metrics_text_family(out, crls, "gauge",
                        "Unix time from which a CA of the profile has no valid CRL.");
    for (size_t i = 0; i < s->config->profile_count; i++)
        if (s->crl_until[i] < INT64_MAX)
            print_date(out, crls, s->config->profiles[i].name.value,
                       s->config->profiles[i].crl.value, s->crl_until[i]);
}

/* Named as in every Prometheus client library. */
static void print_process(const struct metrics *m, FILE *out)
{
    struct metrics_process_now now;
    metrics_process_read(&m->process, &now);
    metrics_text_family(out, "process_start_time_seconds", "gauge",
                        "Unix time of the start of the process.");
    metrics_text_seconds(out, "process_start_time_seconds", no_labels,
                         (uint64_t)m->process.start_us);
    metrics_text_family(out, "process_cpu_seconds_total", "counter", "CPU time, user and system.");
    metrics_text_seconds(out, "process_cpu_seconds_total", no_labels, now.cpu_us);
    const struct {
        const char *name, *help;
        int64_t value;
    } gauges[] = {
        {"process_open_fds", "Open file descriptors.", now.open_fds},
        {"process_max_fds", "Maximum number of open file descriptors.", now.max_fds},
        {"process_virtual_memory_bytes", "Virtual memory size.", now.virtual_bytes},
        {"process_resident_memory_bytes", "Resident memory size.", now.resident_bytes},
    };
    for (size_t i = 0; i < sizeof gauges / sizeof *gauges; i++)
        if (gauges[i].value >= 0)
            print_one(out, gauges[i].name, "gauge", gauges[i].help, (uint64_t)gauges[i].value);
}

/* Labels are named as in the log. */
static void print_identity(const struct identity *identity, FILE *out)
{
    static const char name[] = "tlsecho_identity_info";
    metrics_text_family(out, name, "gauge", "Always 1; the labels are the identity of the server.");
    fprintf(out, "%s{identity=\"", name);
    metrics_text_value(out, identity->name);
    for (size_t i = 0; i < identity->count; i++) {
        fprintf(out, "\"," IDENTITY_PREFIX "%s=\"", identity->variables[i].name);
        metrics_text_value(out, identity->variables[i].value);
    }
    fputs("\"} 1\n", out);
}

void metrics_print(const struct metrics *metrics, FILE *out)
{
    metrics_text_family(out, "tlsecho_build_info", "gauge",
                        "Always 1; the labels are the versions.");
    metrics_text_sample(out, "tlsecho_build_info",
                        LABELS("version", tlsecho_version, "openssl", tls_version_running()), 1);
    print_identity(&metrics->snapshot->config->identity.effective, out);
    print_one(out, "tlsecho_workers", "gauge", "Worker threads.", metrics->shard_count);
    print_per_listener(metrics, out);
    print_ends(metrics, out);
    print_drops(metrics, out);
    print_cookies(metrics, out);
    if (metrics->stamp)
        print_one(out, "tlsecho_stamp_sessions", "gauge",
                  "STAMP sessions with sequence numbers of their own.",
                  stamp_sessions_count(metrics->stamp));
    print_refused(metrics, out);
    print_durations(metrics, out);
    print_handshakes(metrics, out);
    print_reloads(metrics, out);
    print_certificates(metrics->snapshot, out);
    print_one(out, "tlsecho_log_lines_dropped_total", "counter",
              "Log lines dropped because the queue was full or a write failed.",
              log_dropped_lines());
    print_process(metrics, out);
}
