/* SPDX-License-Identifier: MIT */
/*
 * The certificates that a server sent, for showing.
 *
 * Ownership: the caller's, freed by tls_chain_done.   Threads: any.
 */
#ifndef TLSECHO_TLS_CHAIN_H
#define TLSECHO_TLS_CHAIN_H

#include <stddef.h>

#include "tlsecho/net/peer.h"

struct tls_chain_certificate {
    struct peer_certificate about;
    char
        *names; /* subjectAltName, "DNS:localhost", "IP:::1", ...: texts in a row, the last empty */
    char *pem;  /* RFC 7468, with its line feeds */
};

struct tls_chain {
    size_t count;
    struct tls_chain_certificate *certificates; /* leaf first, as they came */
};

/* A chain of zeros may be given too. */
void tls_chain_done(struct tls_chain *chain);

#endif
