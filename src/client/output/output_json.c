/* SPDX-License-Identifier: MIT */
#include "output_json.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tlsecho/base/clock.h"
#include "tlsecho/base/json.h"
#include "tlsecho/base/text.h"
#include "tlsecho/client/interrupt.h"
#include "tlsecho/client/json_memory.h"
#include "tlsecho/client/session_peer.h"
#include "tlsecho/tls/tls_chain.h"

static bool lost; /* an object, for lack of memory */

enum { PRECISION = 15 }; /* nanoseconds of over an hour */

/* jansson refuses text that is not UTF-8, as in file names or certificates. */
json_t *output_json_text(const char *value)
{
    json_t *json = json_string(value);
    if (json)
        return json;

    char escaped[ERROR_TEXT_BYTES];
    text_copy(value, strlen(value), escaped, sizeof escaped);
    return json_string(escaped);
}

void output_json_add_text(json_t *object, const char *key, const char *value)
{
    if (*value)
        json_object_set_new(object, key, output_json_text(value));
}

void output_json_add_seconds(json_t *object, const char *key, uint64_t us)
{
    json_object_set_new(object, key, json_real((double)us / 1e6));
}

void output_json_add_count(json_t *object, const char *key, uint64_t count)
{
    json_object_set_new(object, key, json_integer((json_int_t)count));
}

static void add_address(json_t *object, const struct address *address)
{
    char value[ADDRESS_TEXT_BYTES];
    if (!address->length)
        return;
    address_text(address, value);
    output_json_add_text(object, "address", value);
}

static json_t *phases(const struct session *session)
{
    static const char *const names[PHASES] = {[PHASE_DNS] = "dns",
                                              [PHASE_CONNECT] = "connect",
                                              [PHASE_HANDSHAKE] = "handshake",
                                              [PHASE_ECHO] = "first_echo"};
    json_t *json = json_object();
    for (int i = 0; i < PHASES; i++) {
        if (names[i] && session->phase_us[i] != SESSION_UNKNOWN_US)
            output_json_add_seconds(json, names[i], session->phase_us[i]);
    }
    return json;
}

static void add_time(json_t *object, const char *key, int64_t seconds)
{
    char value[CLOCK_TEXT_BYTES];
    clock_seconds_text(seconds, value);
    output_json_add_text(object, key, value);
}

/* subjectAltName as struct tls_chain_certificate has it. */
static json_t *sans(const char *names)
{
    json_t *json = json_array();
    for (; *names; names += strlen(names) + 1)
        json_array_append_new(json, output_json_text(names));
    return json;
}

static json_t *certificate(const struct tls_chain_certificate *shown)
{
    json_t *json = json_object();
    output_json_add_text(json, "subject", shown->about.subject);
    output_json_add_text(json, "issuer", shown->about.issuer);
    if (*shown->names)
        json_object_set_new(json, "sans", sans(shown->names));
    add_time(json, "not_before", shown->about.not_before);
    add_time(json, "not_after", shown->about.not_after);
    output_json_add_text(json, "sha256", shown->about.sha256);
    return json;
}

/* The negotiated parameters, after the handshake. */
static void add_agreed(json_t *object, const struct peer *peer)
{
    output_json_add_text(object, "version", peer->version);
    output_json_add_text(object, "cipher", peer->cipher);
    output_json_add_text(object, "group", peer->group);
    output_json_add_text(object, "signature", peer->signature);
    json_object_set_new(object, "resumed", json_boolean(peer->resumed));
    output_json_add_text(object, "alpn", peer->alpn);
    output_json_add_text(object, "staple", peer->staple);
}

/* "peer" is the first of "chain". */
static void add_certificates(json_t *object, const struct tls_chain *chain)
{
    json_t *all = json_array();
    for (size_t i = 0; i < chain->count; i++)
        json_array_append_new(all, certificate(&chain->certificates[i]));
    json_object_set(object, "peer", json_array_get(all, 0));
    json_object_set_new(object, "chain", all);
}

static void add_tls(json_t *object, const struct session *session)
{
    struct peer peer;
    struct tls_chain chain;
    struct error ignored; /* no memory: without certificates */
    session_peer(session, &peer);
    if (!*peer.version && !peer.certificate.present)
        return; /* plain, or the handshake failed before */

    json_t *json = json_object();
    if (*peer.version)
        add_agreed(json, &peer);
    json_object_set_new(json, "verified", json_boolean(peer.certificate.verified));
    output_json_add_text(json, "verification", peer.verification);
    if (session_peer_chain(session, &chain, &ignored) == 0 && chain.count)
        add_certificates(json, &chain);
    tls_chain_done(&chain);
    json_object_set_new(object, "tls", json);
}

static json_t *failure(const struct outcome *outcome)
{
    json_t *json = json_object();
    json_object_set_new(json, "phase", output_json_text(phase_name(outcome->phase)));
    json_object_set_new(json, "message", output_json_text(outcome->error.text));
    if (outcome->error.alert >= 0)
        output_json_add_count(json, "alert", (uint64_t)outcome->error.alert);
    return json;
}

void output_json_add_started(json_t *object, uint64_t at_us)
{
    char value[CLOCK_TEXT_BYTES];
    clock_wall_text(clock_wall_us(at_us), value);
    output_json_add_text(object, "started", value);
}

void output_json_add_result(json_t *object, const char *mode, const struct outcome *outcome)
{
    output_json_add_count(object, "schema", OUTPUT_JSON_SCHEMA);
    output_json_add_text(object, "mode", mode);
    output_json_add_text(object, "result", result_word(outcome->result));
    output_json_add_count(object, "exit", outcome->result);
    if (interrupt_happened())
        json_object_set_new(object, "interrupted", json_true());
    output_json_add_started(object, clock_now_us());
    if (outcome->result != RESULT_OK)
        json_object_set_new(object, "error", failure(outcome));
}

json_t *output_json_refusal(const struct options *options, const struct outcome *outcome)
{
    json_t *json = json_object();
    output_json_add_result(json, options_mode_name(options->mode), outcome);
    return json;
}

json_t *output_json_new(const struct options *options, const struct session *session,
                        const struct outcome *outcome)
{
    json_t *json = output_json_refusal(options, outcome);
    output_json_add_started(json, session->started_us);
    output_json_add_text(json, "transport",
                         endpoint_scheme_name(session->target->endpoint->scheme));
    add_address(json, &session->peer);
    output_json_add_seconds(json, "duration", clock_now_us() - session->started_us);
    json_object_set_new(json, "phases", phases(session));
    add_tls(json, session);
    if (outcome->result != RESULT_OK)
        add_address(json_object_get(json, "error"), &session->peer);
    return json;
}

/* jansson does not escape DEL, C1 and bidirectional controls. */
static void print_escaped(const char *line, FILE *out)
{
    char piece[JSON_PIECE_BYTES];
    size_t n;
    while (!ferror(out) && (n = json_escape_json(&line, piece)) > 0)
        fwrite(piece, 1, n, out);
    fputc('\n', out);
}

void output_json_print(json_t *object, FILE *out)
{
    char *line = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(PRECISION));
    bool whole = line && !json_memory_ran_out();
    if (whole)
        print_escaped(line, out);
    lost |= !whole;
    free(line);
    json_decref(object);
}

int output_json_finish(struct error *err)
{
    errno = ENOMEM;
    return lost ? error_sys(err, "write the JSON object") : 0;
}
