/* SPDX-License-Identifier: MIT */
/*
 * Refuses a peer's Certificate message before OpenSSL parses it (tls_screen.h).
 *
 * Ownership: the caller's.   Threads: the transport's.
 */
#ifndef TLSECHO_TLS_SCREEN_PEER_H
#define TLSECHO_TLS_SCREEN_PEER_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

#include "tlsecho/tls/tls_context.h"

struct tls_verification;

/*
 * Limits of a peer's chain: certificates, and bytes of DER. They are higher in a client, which
 * examines servers and has few connections.
 */
enum {
    TLS_CLIENT_CHAIN_COUNT = 8,
    TLS_CLIENT_CHAIN_BYTES = 32 * 1024,
    TLS_SERVER_CHAIN_COUNT = 32,
    TLS_SERVER_CHAIN_BYTES = 100 * 1024,
};

/* Limits the size of Certificate messages for a context. */
void tls_screen_limit(SSL_CTX *ssl, enum tls_role role);

/*
 * Checks a handshake message of the peer, in SSL_set_msg_callback(3). False: it is a Certificate
 * that must not be parsed, and has been zeroed, so that OpenSSL fails (decode_error); *verification
 * has the reason.
 */
bool tls_screen_peer(SSL *ssl, const void *message, size_t n,
                     struct tls_verification *verification);

#endif
