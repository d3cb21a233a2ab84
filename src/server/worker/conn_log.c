/* SPDX-License-Identifier: MIT */
#include "conn_log.h"

#include <pthread.h>
#include <stdio.h>

#include "tlsecho/base/clock.h"
#include "tlsecho/base/log.h"
#include "tlsecho/base/rate_limited_count.h"
#include "tlsecho/base/token_bucket.h"
#include "tlsecho/tls/tls_alert.h"

/* Connections that end before the service starts. Never used on the path of the others. */
static struct {
    pthread_mutex_t mutex;
    struct token_bucket bucket;
    struct rate_limited_count not_logged;
} early_ends = {
    .mutex = PTHREAD_MUTEX_INITIALIZER,
    .bucket = {TOKEN_BUCKET_FULL(CONN_LOG_PER_SECOND, CONN_LOG_BURST)},
};

/* Whether one more may be logged; otherwise it is counted. */
static bool take_log_token(void)
{
    pthread_mutex_lock(&early_ends.mutex);
    bool granted = token_bucket_take(&early_ends.bucket, clock_now_us());
    if (!granted)
        rate_limited_count_add(&early_ends.not_logged);
    pthread_mutex_unlock(&early_ends.mutex);
    return granted;
}

uint64_t conn_log_flush(uint64_t now_us)
{
    pthread_mutex_lock(&early_ends.mutex);
    uint64_t count = rate_limited_count_take(&early_ends.not_logged, now_us);
    uint64_t due_us = rate_limited_count_due_us(&early_ends.not_logged);
    pthread_mutex_unlock(&early_ends.mutex);

    struct log_line line;
    if (count > 0 && log_begin(&line, LOG_LEVEL_WARNING, "connections_not_logged")) {
        log_number(&line, "count", count);
        log_text(&line, "reason", "too many connections end before they are served");
        log_end(&line);
    }
    return due_us;
}

enum {
    PEER_TEXT_BYTES = 256, /* of one value from the peer */
    REASON_BYTES = 512,
};

static void known_text(struct log_line *line, const char *key, const char *value)
{
    if (*value)
        log_text_capped(line, key, value, PEER_TEXT_BYTES);
}

static void address_field(struct log_line *line, const char *key, const struct address *address)
{
    char text[ADDRESS_TEXT_BYTES];
    address_text(address, text);
    log_text_capped(line, key, text, PEER_TEXT_BYTES);
}

/* The local address of the connection, which a wildcard listener does not show, or the destination
 * in the PROXY header. */
static void destination_field(struct log_line *line, const struct handoff *origin,
                              const struct address *own)
{
    if (proxied_is_named(origin->proxied))
        address_field(line, "destination", &origin->proxied->header.destination);
    else if (own->length > 0)
        address_field(line, "destination", own);
}

/* The negotiated parameters, and the verified name. */
static void session_fields(struct log_line *line, const struct peer *peer)
{
    known_text(line, "version", peer->version);
    known_text(line, "cipher", peer->cipher);
    known_text(line, "group", peer->group);
    if (*peer->version)
        log_switch(line, "resumed", peer->resumed);
    if (peer->certificate.present)
        log_text_capped(line, "client", peer->certificate.subject, PEER_TEXT_BYTES);
    known_text(line, "client_names", peer->certificate.names);
}

static void reason_field(struct log_line *line, const struct conn *c)
{
    if (c->error)
        log_text_capped(line, "reason", c->error->text, REASON_BYTES);
}

static void origin_fields(struct log_line *line, const struct handoff *origin)
{
    log_number(line, "id", origin->id);
    address_field(line, "source", &origin->source);
    if (!proxied_is_named(origin->proxied))
        return;
    address_field(line, "proxy", &origin->proxied->peer);
    known_text(line, "unique_id", origin->proxied->header.unique_id);
}

static void service_fields(struct log_line *line, const struct conn *c,
                           const struct handoff *origin)
{
    log_text(line, "listener", origin->listener->config->name.value);
    log_text(line, "transport", endpoint_scheme_name(origin->listener->config->listen.scheme));
    log_text(line, "service", c->service->name);
}

void conn_log_failed(const struct handoff *origin, const char *reason)
{
    struct log_line line;
    if (!take_log_token() || !log_begin(&line, LOG_LEVEL_ERROR, "connection_failed"))
        return;
    origin_fields(&line, origin);
    log_text(&line, "reason", reason);
    log_end(&line);
}

void conn_log(const struct conn *c, const struct handoff *origin, const struct address *own,
              uint64_t duration_us)
{
    struct log_line line;
    enum log_level level = c->end == CONN_END_PROBE ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO;
    if (!log_enabled(level) || (!c->established && !take_log_token()) ||
        !log_begin(&line, level, "connection"))
        return;
    origin_fields(&line, origin);
    destination_field(&line, origin, own);
    service_fields(&line, c, origin);
    log_number(&line, "received_bytes", c->received_bytes);
    log_number(&line, "sent_bytes", c->sent_bytes);
    log_seconds(&line, "duration", duration_us);
    log_text(&line, "end", conn_end_name(c->end));
    if (c->error && c->error->alert >= 0)
        log_text(&line, "alert", tls_alert_name(c->error->alert));
    if (c->client_hello && !endpoint_has_tls(origin->listener->config->listen.scheme))
        log_text(&line, "note", "received a TLS ClientHello: a TLS client on a plain port?");

    /* Values from the peer come last and are capped, so that they never push the server's own
     * values out of the line. */
    struct peer peer;
    transport_peer(c->transport, &peer);
    session_fields(&line, &peer);
    reason_field(&line, c);
    known_text(&line, "sni", peer.sni);
    known_text(&line, "alpn", peer.alpn);
    log_end(&line);
}

static void syn_options_field(struct log_line *line, const struct syn *syn)
{
    char names[SYN_OPTIONS_MAX * (SYN_OPTION_TEXT_BYTES + 1)], name[SYN_OPTION_TEXT_BYTES];
    size_t used = 0;
    names[0] = '\0';
    for (size_t i = 0; i < syn->option_count; i++) {
        syn_option_text(syn->options[i], name);
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i ? "," : "", name);
    }
    known_text(line, "options", names);
    if (syn->malformed < 0)
        return;
    syn_option_text((unsigned)syn->malformed, name);
    log_text(line, "malformed", name);
}

void conn_log_syn(const struct handoff *origin, const struct syn *syn)
{
    struct log_line line;
    if (!log_begin(&line, LOG_LEVEL_DEBUG, "syn"))
        return;
    origin_fields(&line, origin);
    log_text(&line, "listener", origin->listener->config->name.value);
    log_number(&line, "ttl", syn->ttl);
    log_number(&line, "dscp", syn->dscp);
    log_switch(&line, "ece", syn->ece);
    log_switch(&line, "cwr", syn->cwr);
    if (syn->mss >= 0)
        log_number(&line, "mss", (uint64_t)syn->mss);
    log_number(&line, "window", syn->window);
    if (syn->window_scale >= 0)
        log_number(&line, "window_scale", (uint64_t)syn->window_scale);
    log_switch(&line, "sack", syn->sack);
    if (syn->timestamps)
        log_number(&line, "tsval", syn->tsval);
    syn_options_field(&line, syn);
    log_end(&line);
}

void conn_log_live(const struct conn *c, const struct handoff *origin, uint64_t age_us,
                   uint64_t idle_us)
{
    struct log_line line;
    if (!log_begin(&line, LOG_LEVEL_INFO, "live"))
        return;
    origin_fields(&line, origin);
    service_fields(&line, c, origin);
    log_text(&line, "state", conn_state_name(c->state));
    log_number(&line, "received_bytes", c->received_bytes);
    log_number(&line, "sent_bytes", c->sent_bytes);
    log_seconds(&line, "age", age_us);
    log_seconds(&line, "idle", idle_us);
    log_end(&line);
}
