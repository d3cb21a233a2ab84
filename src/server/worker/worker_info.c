/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conn_log.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/net/socket.h"
#include "tlsecho/server/conn_info.h"
#include "tlsecho/tls/dtls_session.h"
#include "tlsecho/tls/transport_tls.h"
#include "worker_conn.h"

enum { SYN_BYTES = 2048 }; /* IPv6 extension headers are in it */

static void gather_addresses(const struct worker_conn *s, struct conn_info *ret)
{
    struct address own;
    address_text(&s->origin.source, ret->source);
    worker_conn_own_address(s, &own);
    if (own.length > 0)
        address_text(&own, ret->destination);
    const struct proxied *proxied = s->origin.proxied;
    if (!proxied)
        return;
    ret->proxy = &proxied->header;
    ret->proxy_tcp = proxied->peer.any.sa_family != AF_UNIX;
    address_text(&proxied->peer, ret->proxy_source);
    memcpy(ret->proxy_destination, ret->destination, sizeof ret->destination);
    if (proxied_is_named(proxied))
        address_text(&proxied->header.destination, ret->destination);
}

void worker_info_take_syn(struct worker_conn *s)
{
    const struct handoff *origin = &s->origin;
    unsigned char data[SYN_BYTES];
    struct syn syn;
    size_t n = socket_saved_syn(s->source.fd, data, sizeof data);
    bool is_of_proxy = proxied_is_expected(origin->listener->config, &origin->source);
    if (is_of_proxy || !syn_parse(data, n, &syn) || !(s->syn = malloc(sizeof syn)))
        return;
    *s->syn = syn;
    conn_log_syn(origin, &syn);
}

/* When it was accepted, by the present wall clock. */
static struct timespec start_time(const struct worker_conn *s)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
    us -= (int64_t)(clock_now_us() - s->start_us);
    return (struct timespec){.tv_sec = (time_t)(us / 1000000),
                             .tv_nsec = (long)(us % 1000000) * 1000};
}

void worker_info_gather(const struct worker_conn *s, struct conn_info *ret)
{
    *ret = (struct conn_info){
        .time = start_time(s),
        .identity = &s->generation->snapshot->config->identity.effective,
        .listener = s->origin.listener->config->name.value,
        .connection = s->origin.id,
        .stopping = worker_group_stops_soon(s->loop->group),
    };
    if (gethostname(ret->server, sizeof ret->server - 1) < 0)
        ret->server[0] = '\0';
    gather_addresses(s, ret);
    ret->syn = s->syn;
    const struct transport *t = s->conn.transport;
    transport_peer(t, &ret->peer);
    if (s->association) {
        dtls_session_exporter(s->association->session, ret->exporter);
        dtls_session_own_sha256(s->association->session, ret->certificate);
        dtls_session_peer_names(s->association->session, ret->client_names);
        return;
    }
    transport_tls_exporter(t, ret->exporter);
    transport_tls_own_sha256(t, ret->certificate);
    transport_tls_peer_names(t, ret->client_names);
}
