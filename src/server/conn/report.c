/* SPDX-License-Identifier: MIT */
#include "tlsecho/server/report.h"

#include <string.h>

#include "tlsecho/base/clock.h"

enum { SCHEMA = 1 };

static void put_known(struct json *json, const char *key, const char *value)
{
    if (*value)
        json_text(json, key, value);
}

static void put_identity(struct json *json, const struct identity *identity)
{
    if (!identity)
        return;
    json_open(json, "identity");
    put_known(json, "name", identity->name);
    if (identity->count > 0) {
        json_open(json, "env");
        for (size_t i = 0; i < identity->count; i++)
            json_text(json, identity->variables[i].name, identity->variables[i].value);
        json_close(json);
    }
    json_close(json);
}

static void put_client(struct json *json, const struct conn_info *info)
{
    const struct peer_certificate *certificate = &info->peer.certificate;
    if (!certificate->present)
        return;
    json_open(json, "client");
    put_known(json, "subject", certificate->subject);
    json_open_array(json, "sans");
    for (const char *name = info->client_names; *name; name += strlen(name) + 1)
        json_text(json, NULL, name);
    json_close_array(json);
    json_text(json, "sha256", certificate->sha256);
    json_switch(json, "verified", certificate->verified);
    json_close(json);
}

static void put_tls(struct json *json, const struct conn_info *info)
{
    const struct peer *peer = &info->peer;
    if (!peer->tls)
        return;
    json_open(json, "tls");
    put_known(json, "version", peer->version);
    put_known(json, "cipher", peer->cipher);
    put_known(json, "group", peer->group);
    put_known(json, "signature", peer->signature);
    put_known(json, "sni", peer->sni);
    put_known(json, "alpn", peer->alpn);
    json_switch(json, "resumed", peer->resumed);
    put_known(json, "exporter", info->exporter);
    put_known(json, "certificate_sha256", info->certificate);
    put_client(json, info);
    json_close(json);
}

static void put_proxy_tls(struct json *json, const struct proxy_tls *tls)
{
    if (!tls->present)
        return;
    json_open(json, "tls");
    put_known(json, "version", tls->version);
    put_known(json, "cipher", tls->cipher);
    put_known(json, "group", tls->group);
    if (tls->certificate) {
        json_open(json, "client");
        put_known(json, "common_name", tls->common_name);
        json_switch(json, "verified", tls->verified);
        json_close(json);
    }
    json_close(json);
}

static void put_proxy(struct json *json, const struct conn_info *info)
{
    const struct proxy *proxy = info->proxy;
    if (!proxy)
        return;
    json_open(json, "proxy");
    json_number(json, "version", (uint64_t)proxy->version);
    json_switch(json, "local", proxy->local);
    put_known(json, "source", info->proxy_source);
    put_known(json, "destination", info->proxy_destination);
    put_known(json, "alpn", proxy->alpn);
    put_known(json, "authority", proxy->authority);
    put_known(json, "unique_id", proxy->unique_id);
    if (info->proxy_tcp)
        json_text(json, "syn_sender", "proxy");
    put_proxy_tls(json, &proxy->tls);
    json_close(json);
}

static void put_syn_options(struct json *json, const struct syn *syn)
{
    char name[SYN_OPTION_TEXT_BYTES];
    json_open_array(json, "options");
    for (size_t i = 0; i < syn->option_count; i++) {
        syn_option_text(syn->options[i], name);
        json_text(json, NULL, name);
    }
    json_close_array(json);
    if (syn->malformed < 0)
        return;
    syn_option_text((unsigned)syn->malformed, name);
    json_text(json, "malformed", name);
}

static void put_syn(struct json *json, const struct syn *syn)
{
    if (!syn)
        return;
    json_open(json, "syn");
    json_number(json, "ttl", syn->ttl);
    json_number(json, "dscp", syn->dscp);
    json_switch(json, "ece", syn->ece);
    json_switch(json, "cwr", syn->cwr);
    if (syn->mss >= 0)
        json_number(json, "mss", (uint64_t)syn->mss);
    json_number(json, "window", syn->window);
    if (syn->window_scale >= 0)
        json_number(json, "window_scale", (uint64_t)syn->window_scale);
    json_switch(json, "sack", syn->sack);
    if (syn->timestamps) {
        json_open(json, "timestamps");
        json_number(json, "tsval", syn->tsval);
        json_number(json, "tsecr", syn->tsecr);
        json_close(json);
    }
    put_syn_options(json, syn);
    json_close(json);
}

/* RFC 2474, RFC 3168 */
static void put_datagram(struct json *json, const struct datagram *datagram)
{
    enum { ECN = 3, DSCP_SHIFT = 2 };
    if (!datagram)
        return;
    json_open(json, "datagram");
    json_number(json, "bytes", datagram->length);
    if (datagram->ttl >= 0)
        json_number(json, "ttl", (uint64_t)datagram->ttl);
    if (datagram->tos >= 0) {
        json_number(json, "dscp", (uint64_t)datagram->tos >> DSCP_SHIFT);
        json_number(json, "ecn", (uint64_t)datagram->tos & ECN);
    }
    json_close(json);
}

static void put_who(struct json *json, const struct conn_info *info)
{
    char time[CLOCK_TEXT_BYTES];
    clock_text(&info->time, time);
    json_number(json, "schema", SCHEMA);
    json_text(json, "time", time);
    put_known(json, "server", info->server);
    put_identity(json, info->identity);
    json_text(json, "listener", info->listener);
    if (info->connection > 0)
        json_number(json, "connection", info->connection);
    put_known(json, "source", info->source);
}

void report_put(struct json *json, const struct conn_info *info)
{
    put_who(json, info);
    put_known(json, "destination", info->destination);
    put_proxy(json, info);
    put_syn(json, info->syn);
    put_datagram(json, info->datagram);
    put_tls(json, info);
}

void report_put_hello(struct json *json, const struct conn_info *info)
{
    put_who(json, info);
    put_tls(json, info);
}
