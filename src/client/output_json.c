/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tlsecho/clock.h"
#include "tlsecho/output.h"
#include "tlsecho/tls_chain.h"

enum { SCHEMA = 1, PRECISION = 9 };

/* jansson refuses what is not UTF-8, which a file name or a certificate may be. */
static json_t *text(const char *value)
{
    json_t *json = json_string(value);
    if (json)
        return json;

    char ascii[ERROR_TEXT_BYTES];
    size_t n = strnlen(value, sizeof ascii - 1);
    for (size_t i = 0; i < n; i++)
        ascii[i] = (value[i] & 0x80) ? '?' : value[i];
    return json_stringn(ascii, n);
}

/* What is unknown is absent. */
static void add_text(json_t *object, const char *key, const char *value)
{
    if (*value)
        json_object_set_new(object, key, text(value));
}

static void add_seconds(json_t *object, const char *key, uint64_t us)
{
    json_object_set_new(object, key, json_real((double)us / 1e6));
}

static void add_count(json_t *object, const char *key, uint64_t count)
{
    json_object_set_new(object, key, json_integer((json_int_t)count));
}

static void add_address(json_t *object, const struct address *address)
{
    char value[ADDRESS_TEXT_BYTES];
    if (!address->length)
        return;
    address_text(address, value);
    add_text(object, "address", value);
}

static json_t *phases(const struct session *session, const struct exchange *exchange)
{
    json_t *json = json_object();
    for (int i = PHASE_DNS; i <= PHASE_HANDSHAKE; i++) {
        if (session->phase_us[i] != SESSION_UNKNOWN_US)
            add_seconds(json, phase_name((enum phase)i), session->phase_us[i]);
    }
    if (exchange->first_sent_us && exchange->first_echo_us >= exchange->first_sent_us)
        add_seconds(json, "first_echo", exchange->first_echo_us - exchange->first_sent_us);
    return json;
}

static void add_time(json_t *object, const char *key, int64_t seconds)
{
    char value[CLOCK_TEXT_BYTES];
    clock_seconds_text(seconds, value);
    add_text(object, key, value);
}

/* subjectAltName as struct tls_chain_certificate has it. */
static json_t *sans(const char *names)
{
    json_t *json = json_array();
    for (; *names; names += strlen(names) + 1)
        json_array_append_new(json, text(names));
    return json;
}

static json_t *certificate(const struct tls_chain_certificate *shown)
{
    json_t *json = json_object();
    add_text(json, "subject", shown->about.subject);
    add_text(json, "issuer", shown->about.issuer);
    if (*shown->names)
        json_object_set_new(json, "sans", sans(shown->names));
    add_time(json, "not_before", shown->about.not_before);
    add_time(json, "not_after", shown->about.not_after);
    add_text(json, "sha256", shown->about.sha256);
    return json;
}

/* What was agreed on, once the handshake is done. */
static void add_agreed(json_t *object, const struct peer *peer)
{
    add_text(object, "version", peer->version);
    add_text(object, "cipher", peer->cipher);
    add_text(object, "group", peer->group);
    add_text(object, "signature", peer->signature);
    json_object_set_new(object, "resumed", json_boolean(peer->resumed));
    add_text(object, "alpn", peer->alpn);
    add_text(object, "staple", peer->staple);
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
    struct peer peer = {0};
    struct tls_chain chain = {0};
    struct error ignored; /* no memory: what else there is */
    if (!session->transport)
        return;
    transport_peer(session->transport, &peer);
    if (!*peer.version && !peer.certificate.present)
        return; /* plain, or the handshake did not get so far */

    json_t *json = json_object();
    if (*peer.version)
        add_agreed(json, &peer);
    json_object_set_new(json, "verified", json_boolean(peer.certificate.verified));
    add_text(json, "verification", peer.verification);
    if (transport_tls_chain(session->transport, &chain, &ignored) == 0 && chain.count)
        add_certificates(json, &chain);
    tls_chain_done(&chain);
    json_object_set_new(object, "tls", json);
}

static json_t *failure(const struct session *session, const struct outcome *outcome)
{
    json_t *json = json_object();
    json_object_set_new(json, "phase", text(phase_name(outcome->phase)));
    json_object_set_new(json, "message", text(outcome->error.text));
    if (outcome->error.alert >= 0)
        add_count(json, "alert", (uint64_t)outcome->error.alert);
    add_address(json, &session->peer);
    return json;
}

static json_t *whole(const struct options *options, const struct session *session,
                     const struct exchange *exchange, const struct outcome *outcome)
{
    json_t *json = json_object();
    add_count(json, "schema", SCHEMA);
    json_object_set_new(json, "result", text(result_word(outcome->result)));
    add_count(json, "exit", outcome->result);
    add_text(json, "transport", endpoint_scheme_name(options->endpoint.scheme));
    add_address(json, &session->peer);
    add_count(json, "bytes_sent", exchange->sent_bytes);
    add_count(json, "bytes_received", exchange->received_bytes);
    add_seconds(json, "duration", clock_now_us() - session->started_us);
    json_object_set_new(json, "phases", phases(session, exchange));
    add_tls(json, session);
    if (options->tls && (exchange->state == EXCHANGE_ENDED || exchange->state == EXCHANGE_CUT))
        json_object_set_new(json, "close_notify", json_boolean(exchange->state == EXCHANGE_ENDED));
    if (outcome->result != RESULT_OK)
        json_object_set_new(json, "error", failure(session, outcome));
    return json;
}

void output_json(const struct options *options, const struct session *session,
                 const struct exchange *exchange, const struct outcome *outcome)
{
    json_t *json = whole(options, session, exchange, outcome);
    char *line = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(PRECISION));
    if (line)
        fprintf(stderr, "%s\n", line);
    free(line);
    json_decref(json);
}
