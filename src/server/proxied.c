/* SPDX-License-Identifier: MIT */
#include "tlsecho/proxied.h"

#include <stdlib.h>

static bool is_believed(const struct config_listener *listener, const struct address *peer)
{
    return cidr_match(listener->proxy_from.values, listener->proxy_from.count, peer);
}

bool proxied_is_expected(const struct config_listener *listener, const struct address *peer)
{
    return listener->proxy_protocol == PROXIED_REQUIRED ||
           (listener->proxy_protocol == PROXIED_TRUSTED && is_believed(listener, peer));
}

struct proxied *proxied_new(const struct address *peer, struct pool *pool)
{
    struct proxied *p = calloc(1, sizeof *p);
    if (p) {
        p->peer = *peer;
        p->pool = pool;
    }
    return p;
}

void proxied_free(struct proxied *proxied)
{
    if (!proxied)
        return;
    pool_return(proxied->pool, &proxied->received);
    free(proxied);
}

struct io proxied_introduce(struct proxied *p, const struct config_listener *listener, int fd,
                            struct error *err)
{
    if (!is_believed(listener, &p->peer)) {
        error_set(err, ERROR_INPUT, "PROXY header: from there none is believed (proxy_from)");
        return (struct io){.status = IO_FAILED};
    }
    if (!p->received.data && !pool_lend(p->pool, &p->received)) {
        error_set(err, ERROR_SYSTEM, "no memory for a buffer");
        return (struct io){.status = IO_FAILED};
    }
    struct io io = proxy_receive(fd, &p->received, &p->header, err);
    if (io.status != IO_WANT_READ || p->received.end == 0)
        pool_return(p->pool, &p->received);
    return io;
}

bool proxied_is_named(const struct proxied *proxied)
{
    return proxied && proxied->header.version != 0 && !proxied->header.local;
}
