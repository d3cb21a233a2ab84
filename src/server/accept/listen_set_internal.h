/* SPDX-License-Identifier: MIT */
/*
 * Shared by listen_set.c, listen_set_open.c and listen_set_inherited.c.
 *
 * Threads: as listen_set.h.
 */
#ifndef TLSECHO_LISTEN_SET_INTERNAL_H
#define TLSECHO_LISTEN_SET_INTERNAL_H

#include "tlsecho/server/listen_set.h"

/* Whether the path of a Unix socket still names this socket. */
bool listen_set_has_file(const struct listen_socket *socket);

/* Records which file that is. */
void listen_set_note_file(struct listen_socket *socket);

/* Closes it, and removes its file if it is still its own. */
void listen_set_close_socket(struct listen_socket *socket);

bool listen_set_has(const struct listen_set *listen_set, int fd);

/* The socket options, on the listening socket: accepted ones inherit them. ERROR_SYSTEM. */
int listen_set_apply_options(const struct listen_socket *socket, const struct config *config,
                             struct error *err);

/* All specs while they are being opened. */
struct listen_opening {
    const struct listen_spec *specs;
    size_t spec_count;
    const struct listen_set *existing; /* open before, or inherited; may be NULL */
    struct listen_set all;             /* opened so far */
    const struct listen_spec *spec;    /* that is being opened */
    struct address_list addresses;     /* its own */
    size_t first;                      /* of its sockets in `all` */
    bool shared;                       /* existing sockets share their ports for now */
};

/* TCP and UDP have ports of their own. */
static inline bool listen_set_is_kind(const struct listen_socket *socket,
                                      const struct listen_spec *spec)
{
    return socket->datagrams == endpoint_has_datagrams(spec->endpoint->scheme);
}

/* Adds that socket to the spec that is being opened. Copies only what never changes: another thread
 * may be using the rest. ERROR_SYSTEM. */
int listen_set_reuse(struct listen_opening *o, const struct listen_socket *existing,
                     const struct address *configured, struct error *err);

/* Reuses the inherited sockets for the spec that is being opened, if any. ERROR_SYSTEM. */
int listen_set_reuse_inherited(struct listen_opening *o, struct error *err);

/* After the last spec: that each inherited socket has its listener. ERROR_SYSTEM. */
int listen_set_check_inherited(const struct listen_opening *o, struct error *err);

/* After EADDRINUSE: that it is no inherited socket that holds the address. ERROR_SYSTEM. */
int listen_set_check_unheld(const struct listen_opening *o, const struct address *address,
                            struct error *err);

#endif
