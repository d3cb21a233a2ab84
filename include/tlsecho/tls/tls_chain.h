/* SPDX-License-Identifier: MIT */
/*
 * The certificates that a server sent, for display.
 *
 * Ownership: the caller's; free with tls_chain_done.   Threads: any.
 */
#ifndef TLSECHO_TLS_CHAIN_H
#define TLSECHO_TLS_CHAIN_H

#include <stddef.h>

#include "tlsecho/net/peer.h"

struct tls_chain_certificate {
    struct peer_certificate about;
    char *names; /* subjectAltName, "DNS:localhost", "IP:::1", ...: each ended by a NUL, then an
                    empty one */
    char *pem;   /* RFC 7468, with its line feeds */
};

struct tls_chain {
    size_t count;
    struct tls_chain_certificate *certificates; /* in the order received, leaf first */
};

/* Accepts a zeroed chain. */
void tls_chain_done(struct tls_chain *chain);

#endif
