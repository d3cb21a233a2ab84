/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/output_check.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "output_json.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/base/text.h"
#include "tlsecho/client/interrupt.h"
#include "tlsecho/client/output.h"

/* The text before the '|' of a plug-in must not contain '|' or a line feed. */
static void put_plain(const char *text)
{
    char piece[TEXT_PIECE_BYTES];
    for (size_t left = strlen(text), n; left > 0; text += n, left -= n) {
        n = text_escape(text, left, piece);
        fputs(*piece == '|' ? "/" : piece, stdout);
    }
}

/* "tls://localhost:7443 (127.0.0.1:7443), TLSv1.3, ..., certificate \"...\" expires in 12 days
 * (...)" */
static void print_facts(const struct check_report *report)
{
    const struct session *session = report->session;
    char text[ENDPOINT_TEXT_BYTES + ADDRESS_TEXT_BYTES];
    endpoint_text(session->target->endpoint, text);
    put_plain(text);
    if (session->peer.length) {
        address_text(&session->peer, text);
        printf(" (");
        put_plain(text);
        putchar(')');
    }
    struct peer peer = {0};
    if (session->transport)
        transport_peer(session->transport, &peer);
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

static void print_line(const struct check_report *report, bool warning)
{
    printf("%s: ", warning ? "warning" : "ok");
    print_facts(report);
    printf(", %s, %.3f ms\n", echo_text(report), (double)report->duration_us / 1e3);
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
        printf("TLSECHO CRITICAL - %s: %s", result_word(outcome->result),
               output_phase_prefix(outcome, true, phase));
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

static void print_json(const struct check_report *report, const struct outcome *outcome)
{
    json_t *json = output_json_new(report->options, report->session, outcome);
    output_json_add_seconds(json, "duration", report->duration_us);
    output_json_add_count(json, "bytes_sent", report->exchange->sent_bytes);
    output_json_add_count(json, "bytes_received", report->exchange->received_bytes);
    json_object_set_new(json, "warning", json_boolean(outcome->warning));
    add_expiry(json, "expiry", &report->expiry);
    add_expiry(json, "unneeded", &report->unneeded);
    output_json_print(json, stdout);
}

void output_check(const struct check_report *report, const struct outcome *outcome)
{
    if (report->options->nagios)
        print_nagios(report, outcome);
    else if (report->options->json)
        print_json(report, outcome);
    else if (outcome->result != RESULT_OK)
        output_failure(outcome);
    else if (report->options->verbosity > OPTIONS_QUIET)
        print_line(report, outcome->warning);
}
