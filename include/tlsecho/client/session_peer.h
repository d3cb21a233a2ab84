/* SPDX-License-Identifier: MIT */
/*
 * What a session knows of its peer, over a stream or over DTLS: as transport_peer and the functions
 * of transport_tls.h say. Without a connection nothing is known.
 *
 * Ownership: the caller's.   Threads: one at a time.
 */
#ifndef TLSECHO_SESSION_PEER_H
#define TLSECHO_SESSION_PEER_H

#include "tlsecho/base/error.h"
#include "tlsecho/client/session.h"
#include "tlsecho/net/peer.h"
#include "tlsecho/tls/transport_tls.h"

struct tls_chain;

void session_peer(const struct session *s, struct peer *ret);

/* ERROR_SYSTEM (memory). */
int session_peer_chain(const struct session *s, struct tls_chain *ret, struct error *err);
int session_peer_path(const struct session *s, struct tls_chain *ret, struct error *err);

void session_peer_exporter(const struct session *s, char ret[TLS_EXPORTER_BYTES]);
void session_peer_own_sha256(const struct session *s, char ret[PEER_SHA256_BYTES]);

#endif
