/* SPDX-License-Identifier: MIT */
/*
 * One TLS connection over a socket pair, the world of the tests of transport_tls. Whatever fails,
 * fails the test.
 *
 * Ownership: tls_pair_tear_down.   Threads: one.
 */
#ifndef TLSECHO_TEST_TLS_PAIR_H
#define TLSECHO_TEST_TLS_PAIR_H

#include "pair.h"

extern struct tls_context *client_context, *server_context;
extern struct pair pair;
extern int fds[2]; /* the client's, the server's */

/* The contexts and the sockets. */
void tls_pair_set_up(void);
void tls_pair_tear_down(void);

/* The transports, of any version or of one, "1.2", before the handshake. */
void tls_pair_make(void);
void tls_pair_make_with(const char *version);

/* The same, and the handshake. */
void tls_pair_connect(const char *version);

#endif
