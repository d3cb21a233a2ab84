/* SPDX-License-Identifier: MIT */
#include "tlsecho/server/proxied.h"

#include <stdlib.h>

static bool is_trusted(const struct config_listener *listener, const struct address *peer)
{
    return cidr_match(listener->proxy_from.values, listener->proxy_from.count, peer);
}

bool proxied_is_expected(const struct config_listener *listener, const struct address *peer)
{
    return listener->proxy_protocol == CONFIG_PROXY_REQUIRED ||
           (listener->proxy_protocol == CONFIG_PROXY_TRUSTED && is_trusted(listener, peer));
}

struct proxied *proxied_new(const struct address *peer)
{
    struct proxied *p = calloc(1, sizeof *p);
    if (p)
        p->peer = *peer;
    return p;
}

void proxied_free(struct proxied *proxied)
{
    if (!proxied)
        return;
    free(proxied->received.data);
    free(proxied);
}

struct io proxied_read_header(struct proxied *p, const struct config_listener *listener, int fd,
                              struct error *err)
{
    if (!is_trusted(listener, &p->peer)) {
        error_set(err, ERROR_INPUT, "PROXY header: the source is not in proxy_from");
        return (struct io){.status = IO_FAILED};
    }
    if (!p->received.data && !(p->received.data = malloc(PROXY_BYTES_MAX))) {
        error_set(err, ERROR_SYSTEM, "no memory for a PROXY header");
        return (struct io){.status = IO_FAILED};
    }
    p->received.size = PROXY_BYTES_MAX;
    struct io io = proxy_receive(fd, &p->received, &p->header, err);
    io.progressed = p->received.end > 0 && !p->header.local;
    if (io.status != IO_WANT_READ || p->received.end == 0) {
        free(p->received.data);
        p->received = (struct buf){.data = NULL};
    }
    return io;
}

bool proxied_is_named(const struct proxied *proxied)
{
    return proxied && proxied->header.version != 0 && !proxied->header.local;
}
