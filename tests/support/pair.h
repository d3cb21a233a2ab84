/* SPDX-License-Identifier: MIT */
/*
 * Two transports that talk to each other over a socket pair.
 *
 * Ownership: pair_done closes what is still open.   Threads: one.
 */
#ifndef TLSECHO_TEST_PAIR_H
#define TLSECHO_TEST_PAIR_H

#include <stdbool.h>

#include "tlsecho/net/transport.h"
#include "tlsecho/tls/tls_context.h"

struct pair {
    struct transport *client, *server;
    struct tls_scratch *client_scratch, *server_scratch;
};

/* Non-blocking AF_UNIX stream sockets, with kernel buffers as small as they get if tiny. */
void pair_sockets(bool tiny, int ret[2]);

/* Plain transports. */
void pair_tcp(struct pair *pair, const int fds[2]);

/* A server's context with a self-signed certificate, which it returns, and a client's that has
 * pinned it. */
struct peer_certificate pair_contexts(struct tls_context **ret_client,
                                      struct tls_context **ret_server);

/* TLS; fds[0] is the client's. */
void pair_tls(struct pair *pair, const int fds[2], struct tls_context *client,
              struct tls_context *server, const char *server_name);
void pair_done(struct pair *pair);

/* Steps both sides until each is done or has failed. Returns the client's status; the server's too
 * where asked. */
enum io_status pair_handshake(struct pair *pair, struct error *ret_client,
                              enum io_status *ret_server, struct error *ret_server_error);

/* A handshake over sockets of its own. Returns the client's status; what it knows of the server,
 * and its error where it failed. */
enum io_status pair_meet(struct tls_context *client, struct tls_context *server,
                         const char *server_name, struct peer *ret, struct error *err);

/* Until both are through, and the client has read its tickets. */
void pair_connect(struct pair *pair);

#endif
