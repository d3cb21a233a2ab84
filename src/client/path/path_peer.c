/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "path_internal.h"
#include "tlsecho/net/tcp_stats.h"

/* Paths to two addresses are two paths: from now on the target has only the one that answered. */
static void keep_address(struct path_peer *peer, struct target *tried, const struct session *s)
{
    peer->target.addresses = tried->addresses;
    tried->addresses = (struct address_list){0};
    peer->target.addresses.items[0] = s->peer;
    peer->target.addresses.count = 1;
    peer->about->address = s->peer;
}

uint64_t path_peer_reset_us(uint64_t rtt_us)
{
    enum { GRACE_US = 50 * 1000 };
    return 2 * rtt_us + GRACE_US;
}

int path_peer_open_session(struct path *p, struct session *session, struct error *err)
{
    int result = session_open(session, err);
    p->phase = session->phase;
    return result;
}

/* TCP alone, since TLS is what is looked at later. */
static int connect_once(struct path *p, struct path_peer *peer, struct error *err)
{
    struct endpoint plain = *peer->about->endpoint;
    struct target target;
    struct session session;
    struct tcp_stats stats;
    plain.scheme = ENDPOINT_TCP;
    target_init(&target, &p->options, &plain);
    session_init(&session, &target);
    int result = path_peer_open_session(p, &session, err);
    if (result == 0) {
        keep_address(peer, &target, &session);
        if (tcp_stats_read(session.transport->fd, &stats))
            peer->about->rtt_us = stats.min_rtt_us ? stats.min_rtt_us : stats.rtt_us;
    }
    session_close(&session);
    target_done(&target);
    return result;
}

int path_peer_open(struct path *p, struct path_peer *peer, struct error *err)
{
    p->phase = PHASE_OPTIONS;
    target_init(&peer->target, &p->small, peer->about->endpoint);
    if (target_prepare(&peer->target, err) < 0)
        return -1;
    return connect_once(p, peer, err);
}

bool path_peer_wants_again(const struct path_peer *peer, const struct tcp_stats *stats)
{
    enum { TIMES = 3, MARGIN_US = 200 * 1000 };
    return stats->rtt_us > TIMES * peer->about->rtt_us + MARGIN_US;
}

int path_peer_give_address(const struct path_peer *peer, struct target *target, struct error *err)
{
    target->addresses.items = malloc(sizeof *target->addresses.items);
    if (!target->addresses.items)
        return error_sys(err, "memory for an address");
    target->addresses.items[0] = peer->about->address;
    target->addresses.count = 1;
    return 0;
}

void path_peer_done(struct path_peer *peer)
{
    target_done(&peer->target);
}

static bool serves(const struct path_peer *peer, enum path_need need)
{
    switch (need) {
    case PATH_NEEDS_TLS:
        return target_is_tls(&peer->target);
    case PATH_NEEDS_SERVER:
        return true;
    }
    return false; /* not reached: the switch is complete */
}

int path_peer_serving(struct path *p, enum path_need need, struct path_peer **ret,
                      struct error *err)
{
    static const char *const reasons[] = {
        [PATH_NEEDS_TLS] = "no endpoint has TLS: give one as tls://HOST:PORT",
        [PATH_NEEDS_SERVER] = "there is no endpoint",
    };
    const struct path_peer *failed = NULL;
    *ret = NULL;
    for (size_t i = 0; i < p->verdict->server_count && !*ret; i++) {
        struct path_peer *peer = &p->peers[i];
        if (serves(peer, need) && !peer->failed)
            *ret = peer;
        else if (serves(peer, need) && !failed)
            failed = peer;
    }
    if (*ret)
        return 0;
    if (!failed) {
        path_record_skip(p, "%s", reasons[need]);
        return 0;
    }
    p->phase = failed->phase;
    *err = failed->error;
    return -1;
}
