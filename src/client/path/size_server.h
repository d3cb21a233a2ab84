/* SPDX-License-Identifier: MIT */
/*
 * A server to which messages can be sent, and what it does with them.
 *
 * Ownership: a size_server owns its target; the peer is the caller's.   Threads: one.
 */
#ifndef TLSECHO_SIZE_SERVER_H
#define TLSECHO_SIZE_SERVER_H

#include "path_internal.h"

enum size_service {
    SIZE_OTHER, /* reason says what it does instead */
    SIZE_ECHO,
    SIZE_DISCARD,   /* takes all and says nothing, RFC 863 */
    SIZE_CHARGEN,   /* sends by itself without end, RFC 864 */
    SIZE_HANDSHAKE, /* none of these: a TLS handshake is what there is, with a certificate from it
                     */
};

struct size_server {
    struct path_peer *peer;
    struct target target;
    enum size_service service;
    bool opened; /* a connection came up, TLS included */
    /* of SIZE_OTHER: */
    char reason[PATH_TEXT_BYTES]; /* "it sends first, so it is no echo", or why it could not be
                                     asked */
    enum result result;           /* of a run that needs it, if it could be asked */
};

/* Connects and looks. -1: interrupted; or it could not be asked, p->phase and err say why. Call
 * size_server_done in any case. */
int size_server_open(struct path *p, struct path_peer *peer, struct size_server *ret,
                     struct error *err);
void size_server_done(struct size_server *server);

#endif
