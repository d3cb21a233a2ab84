/* SPDX-License-Identifier: MIT */
/*
 * A client that is none of ours, OpenSSL's own: it presents a certificate, keeps the newest session
 * and offers it again. It trusts anyone.
 *
 * Ownership: foreign_free.   Threads: one.
 */
#ifndef TLSECHO_TEST_FOREIGN_H
#define TLSECHO_TEST_FOREIGN_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include "pki.h"
#include "tlsecho/net/transport.h"
#include "tlsecho/tls/tls_context.h"

struct foreign {
    SSL_CTX *ctx;
    SSL_SESSION *session; /* the newest; NULL = none yet */
    const char *sni;      /* what it asks for, as it stands; NULL = nothing */
};

/* How a handshake went. */
struct foreign_result {
    enum io_status status; /* the server's */
    struct error err;      /* the server's, if it failed */
    int alert;             /* that the client read; -1 = none */
    int cas;               /* how many CAs the server named */
    bool resumed;          /* as the client sees it */
    struct peer peer;      /* as the server sees the client */
    char server[64];       /* CN of the certificate that the server showed, "" = none */
    int chain;             /* how many certificates came with it, itself included */
    unsigned char staple[4096];
    size_t staple_n; /* 0 = none came */
};

/* version is 1.2 or 1.3. */
void foreign_new(struct foreign *foreign, const char *version);
void foreign_free(struct foreign *foreign);

/* From now on it presents this certificate, with its issuer where given. */
void foreign_present(struct foreign *foreign, const struct pki *leaf, const struct pki *issuer);

/* Shakes hands with a server, one exchange of a byte included, which brings the tickets. */
struct foreign_result foreign_shake(struct foreign *foreign, struct tls_context *server);

#endif
