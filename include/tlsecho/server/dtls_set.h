/* SPDX-License-Identifier: MIT */
/*
 * The dtls:// sockets of one worker. A set has duplicates of the descriptors, so that associations
 * can go on while the server drains and its listening sockets are closed.
 *
 * Ownership: the caller's until a worker takes it over.   Threads: the main one.
 */
#ifndef TLSECHO_DTLS_SET_H
#define TLSECHO_DTLS_SET_H

#include <stddef.h>
#include <stdint.h>

#include "tlsecho/base/error.h"
#include "tlsecho/server/datagram_server.h"

struct dtls_set;

/* As datagram_set_new. ERROR_SYSTEM. */
int dtls_set_new(const struct datagram_binding bindings[], size_t count, const uint16_t ports[],
                 size_t port_count, struct dtls_set **ret, struct error *err);
void dtls_set_free(struct dtls_set *set);

/* Sets in which slot of the metrics a socket of it counts. */
void dtls_set_count(struct dtls_set *set, int fd, unsigned slot);

#endif
