/* SPDX-License-Identifier: MIT */
#include "tlsecho/conn_log.h"

#include "tlsecho/log.h"
#include "tlsecho/tls_alert.h"

static void known_text(struct log_line *line, const char *key, const char *value)
{
    if (*value)
        log_text(line, key, value);
}

static void tls_fields(struct log_line *line, const struct peer *peer)
{
    known_text(line, "version", peer->version);
    known_text(line, "cipher", peer->cipher);
    known_text(line, "group", peer->group);
    known_text(line, "sni", peer->sni);
    known_text(line, "alpn", peer->alpn);
    if (*peer->version)
        log_switch(line, "resumed", peer->resumed);
    if (peer->certificate.present)
        log_text(line, "client", peer->certificate.subject);
}

static void reason_fields(struct log_line *line, const struct conn *c)
{
    if (c->error.alert >= 0)
        log_text(line, "alert", tls_alert_name(c->error.alert));
    known_text(line, "reason", c->error.text);
    if (c->client_hello)
        log_text(line, "note", "it began with a TLS ClientHello: a TLS client on a plain port?");
}

void conn_log(const struct conn *c, const struct handoff *origin, uint64_t duration_us)
{
    struct log_line line;
    if (!log_begin(&line, LOG_LEVEL_INFO, "connection"))
        return;
    char source[ADDRESS_TEXT_BYTES];
    address_text(&origin->source, source);
    log_number(&line, "id", origin->id);
    log_text(&line, "source", source);
    log_text(&line, "listener", origin->listener->config->name.value);
    log_text(&line, "transport", endpoint_scheme_name(origin->listener->config->listen.scheme));
    log_text(&line, "service", c->service->name);
    log_number(&line, "received_bytes", c->received_bytes);
    log_number(&line, "sent_bytes", c->sent_bytes);
    log_seconds(&line, "duration", duration_us);
    log_text(&line, "end", conn_end_name(c->end));
    reason_fields(&line, c);

    struct peer peer;
    transport_peer(c->transport, &peer);
    if (peer.tls)
        tls_fields(&line, &peer);
    log_end(&line);
}
