/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/output_check.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "output_identity.h"
#include "output_json.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/base/text.h"
#include "tlsecho/client/interrupt.h"
#include "tlsecho/client/output.h"
#include "tlsecho/client/session_peer.h"

enum { SHOWN_INSTANCES = 8 };

/* The text before the '|' of a plug-in must not contain '|' or a line feed. */
static void put_plain(const char *text)
{
    char piece[TEXT_PIECE_BYTES];
    for (size_t left = strlen(text), n; left > 0; text += n, left -= n) {
        n = text_escape(text, left, piece);
        fputs(*piece == '|' ? "/" : piece, stdout);
    }
}

static const char *plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

/* ", 5 instances (web-1: 5, web-2: 4, ...)" */
static void print_instances(const struct check_series *series)
{
    printf(", %zu instance%s", series->instance_count, plural(series->instance_count));
    for (size_t i = 0; i < series->instance_count && i < SHOWN_INSTANCES; i++) {
        printf("%s", i ? ", " : " (");
        put_plain(series->instances[i].identity);
        printf(": %" PRIu64, series->instances[i].connections);
    }
    if (series->instance_count > SHOWN_INSTANCES)
        printf(", and %zu more", series->instance_count - SHOWN_INSTANCES);
    if (series->instance_count)
        putchar(')');
}

/* ", 10 connections, 1 failed (refused 1), 8 resumed, 2 instances (...), 1 certificate" */
static void print_series(const struct check_report *report)
{
    const struct check_series *series = &report->series;
    uint64_t failed = check_series_failed(series);
    const char *before = " (";
    if (!series->wanted)
        return;
    printf(", %" PRIu64 " connection%s", series->connections, plural(series->connections));
    if (failed)
        printf(", %" PRIu64 " failed", failed);
    for (int i = 0; i < RESULTS; i++) {
        if (!series->failures[i])
            continue;
        printf("%s%s %" PRIu64, before, result_word((enum result)i), series->failures[i]);
        before = ", ";
    }
    if (failed)
        putchar(')');
    if (report->options->resume)
        printf(", %" PRIu64 " resumed", series->resumed);
    if (report->options->expect == EXPECT_HELLO)
        print_instances(series);
    if (report->options->tls)
        printf(", %zu certificate%s", series->certificate_count, plural(series->certificate_count));
}

/* "tls://localhost:7443 (127.0.0.1:7443), TLSv1.3, ..., certificate \"...\" expires in 12 days
 * (...)" */
static void print_facts(const struct check_report *report)
{
    const struct session *session = report->session;
    char text[ENDPOINT_TEXT_BYTES + ADDRESS_TEXT_BYTES], identity[REPORT_IDENTITY_BYTES];
    endpoint_text(session->target->endpoint, text);
    put_plain(text);
    if (session->peer.length) {
        address_text(&session->peer, text);
        printf(" (");
        put_plain(text);
        putchar(')');
    }
    struct peer peer;
    session_peer(session, &peer);
    if (*peer.version)
        printf(", %s, %s", peer.version, peer.cipher);
    const struct check_expiry *expiry = &report->expiry, *unneeded = &report->unneeded;
    if (expiry->known) {
        clock_seconds_text(expiry->not_after, text);
        printf(", certificate \"");
        put_plain(expiry->subject);
        printf("\" expires in %" PRId64 " days (%s)", expiry->days, text);
    }
    if (unneeded->known && unneeded->days < 0) {
        clock_seconds_text(unneeded->not_after, text);
        printf(", certificate \"");
        put_plain(unneeded->subject);
        printf("\" is sent but not needed, and expired on %s", text);
    }
    print_series(report);
    if (!report->series.wanted && output_identity(report->exchange, identity)) {
        printf(", answered by ");
        put_plain(identity);
    }
    if (interrupt_happened())
        printf(", interrupted");
}

static const char *echo_text(const struct check_report *report)
{
    if (report->options->expect != EXPECT_NONE)
        return "every byte came back";
    return report->exchange->state == EXCHANGE_CUT ? "nothing sent, ended without close_notify"
                                                   : "nothing sent";
}

static void print_line(const struct check_report *report, const struct outcome *outcome)
{
    bool ok = outcome->result == RESULT_OK;
    printf("%s: ", !ok ? "failed" : outcome->warning ? "warning" : "ok");
    print_facts(report);
    printf("%s%s, %.3f ms\n", ok ? ", " : "", ok ? echo_text(report) : "",
           (double)report->duration_us / 1e3);
}

static void print_series_performance(const struct check_report *report)
{
    const struct check_series *series = &report->series;
    if (!series->wanted)
        return;
    printf(" connections=%" PRIu64 ";;;0 failed=%" PRIu64 ";;;0", series->connections,
           check_series_failed(series));
    if (report->options->resume)
        printf(" resumed=%" PRIu64 ";;;0", series->resumed);
    if (report->options->expect == EXPECT_HELLO)
        printf(" instances=%zu;;;0", series->instance_count);
    if (report->options->tls)
        printf(" certificates=%zu;;;0", series->certificate_count);
}

/* 'label'=value[UOM];[warn];[crit];[min];[max] */
static void print_performance(const struct check_report *report)
{
    static const char *const names[PHASES] = {[PHASE_DNS] = "dns",
                                              [PHASE_CONNECT] = "connect",
                                              [PHASE_HANDSHAKE] = "handshake",
                                              [PHASE_ECHO] = "first_echo"};
    printf("|time=%.6fs;;;0", (double)report->duration_us / 1e6);
    for (int i = 0; i < PHASES; i++) {
        uint64_t us = report->session->phase_us[i];
        if (names[i] && us != SESSION_UNKNOWN_US)
            printf(" %s=%.6fs;;;0", names[i], (double)us / 1e6);
    }
    const struct options *options = report->options;
    print_series_performance(report);
    if (report->expiry.known) {
        printf(" certificate_days=%" PRId64 ";", report->expiry.days);
        if (options->expiry_warn_days)
            printf("%" PRIu64 ":", options->expiry_warn_days);
        putchar(';');
        if (options->expiry_crit_days)
            printf("%" PRIu64 ":", options->expiry_crit_days);
    }
    putchar('\n');
}

static void print_nagios(const struct check_report *report, const struct outcome *outcome)
{
    char phase[OUTPUT_PHASE_BYTES];
    if (outcome->result == RESULT_USAGE) {
        output_check_usage(&outcome->error);
        return;
    }
    if (outcome->result != RESULT_OK) {
        printf("TLSECHO %s - %s: %s", outcome->result == RESULT_LOCAL_IO ? "UNKNOWN" : "CRITICAL",
               result_word(outcome->result), output_phase_prefix(outcome, true, phase));
        put_plain(outcome->error.text);
        printf(" - ");
    } else {
        printf("TLSECHO %s - ", outcome->warning ? "WARNING" : "OK");
    }
    print_facts(report);
    print_performance(report);
}

void output_check_usage(const struct error *err)
{
    printf("TLSECHO UNKNOWN - ");
    put_plain(err->text);
    putchar('\n');
}

static void add_expiry(json_t *json, const char *key, const struct check_expiry *expiry)
{
    char end[CLOCK_TEXT_BYTES];
    if (!expiry->known)
        return;
    json_t *shown = json_object();
    clock_seconds_text(expiry->not_after, end);
    output_json_add_text(shown, "subject", expiry->subject);
    output_json_add_text(shown, "not_after", end);
    json_object_set_new(shown, "days", json_integer((json_int_t)expiry->days));
    json_object_set_new(json, key, shown);
}

static json_t *instances_json(const struct check_series *series)
{
    json_t *json = json_array();
    for (size_t i = 0; i < series->instance_count; i++) {
        const struct check_instance *instance = &series->instances[i];
        json_t *shown = json_object();
        output_json_add_text(shown, "identity", instance->identity);
        output_json_add_count(shown, "connections", instance->connections);
        output_json_add_count(shown, "resumed", instance->resumed);
        json_array_append_new(json, shown);
    }
    return json;
}

static json_t *certificates_json(const struct check_series *series)
{
    json_t *json = json_array();
    for (size_t i = 0; i < series->certificate_count; i++) {
        const struct check_certificate *certificate = &series->certificates[i];
        json_t *shown = json_object();
        output_json_add_text(shown, "sha256", certificate->sha256);
        output_json_add_text(shown, "subject", certificate->subject);
        output_json_add_count(shown, "handshakes", certificate->handshakes);
        json_array_append_new(json, shown);
    }
    return json;
}

static void add_series(json_t *json, const struct check_report *report)
{
    const struct check_series *series = &report->series;
    if (!series->connections)
        return;
    json_t *failures = json_object();
    for (int i = 0; i < RESULTS; i++)
        if (series->failures[i])
            output_json_add_count(failures, result_word((enum result)i), series->failures[i]);
    output_json_add_count(json, "connections", series->connections);
    json_object_set_new(json, "failures", failures);
    if (report->options->resume)
        output_json_add_count(json, "resumed", series->resumed);
    if (report->options->expect == EXPECT_HELLO)
        json_object_set_new(json, "instances", instances_json(series));
    if (report->options->tls)
        json_object_set_new(json, "certificates", certificates_json(series));
}

static void print_json(const struct check_report *report, const struct outcome *outcome)
{
    json_t *json = output_json_new(report->options, report->session, outcome);
    output_json_add_seconds(json, "duration", report->duration_us);
    output_json_add_count(json, "bytes_sent", report->exchange->sent_bytes);
    output_json_add_count(json, "bytes_received", report->exchange->received_bytes);
    json_object_set_new(json, "warning", json_boolean(outcome->warning));
    if (!report->series.wanted)
        output_identity_add(json, report->exchange);
    add_series(json, report);
    add_expiry(json, "expiry", &report->expiry);
    add_expiry(json, "unneeded", &report->unneeded);
    output_json_print(json, stdout);
}

/* What was seen of several connections is told even if some failed. */
static void print_text(const struct check_report *report, const struct outcome *outcome)
{
    bool shown = outcome->result == RESULT_OK || report->series.connections > 1;
    if (shown && report->options->verbosity > OPTIONS_QUIET)
        print_line(report, outcome);
    output_failure(outcome);
}

void output_check(const struct check_report *report, const struct outcome *outcome)
{
    if (report->options->nagios)
        print_nagios(report, outcome);
    else if (report->options->json)
        print_json(report, outcome);
    else
        print_text(report, outcome);
}
