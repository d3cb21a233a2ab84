/* SPDX-License-Identifier: MIT */
/*
 * What is known of the peer of an SSL.
 *
 * Ownership: the caller's.   Threads: the transport's.
 */
#ifndef TLSECHO_TLS_PEER_H
#define TLSECHO_TLS_PEER_H

#include <openssl/ssl.h>

#include "tlsecho/net/peer.h"
#include "tlsecho/tls/transport_tls.h"

struct tls_verification;

/* verification may be NULL on a server. established: the handshake was complete, which OpenSSL
 * forgets with the first error. */
void tls_peer_describe(SSL *ssl, const struct tls_verification *verification, bool established,
                       struct peer *ret);

/* As transport_tls_exporter, transport_tls_own_sha256 and transport_tls_peer_names. */
void tls_peer_own_sha256(SSL *ssl, char ret[PEER_SHA256_BYTES]);
void tls_peer_exporter(SSL *ssl, char ret[TLS_EXPORTER_BYTES]);
void tls_peer_names(SSL *ssl, char ret[TLS_NAMES_BYTES]);

#endif
