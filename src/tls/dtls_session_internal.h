/* SPDX-License-Identifier: MIT */
/*
 * What the files of a DTLS session share: dtls_session.c (the operations), _peer.c (what is known
 * of the peer).
 *
 * Ownership, Threads: as dtls_session.h.
 */
#ifndef TLSECHO_DTLS_SESSION_INTERNAL_H
#define TLSECHO_DTLS_SESSION_INTERNAL_H

#include "dtls_bio.h"
#include "tls_bio.h"
#include "tls_failure.h"
#include "tlsecho/tls/dtls_session.h"

struct tls_verification;

struct dtls_session {
    struct tls_context *ctx;
    SSL *ssl;
    struct dtls_bio wire;
    struct tls_verification *verification; /* NULL if no certificate is requested */
    struct tls_failure failure;
    size_t mtu;
    size_t overhead; /* of each record, once established: dtls_trim_overhead */
    unsigned retransmissions;
    unsigned vain; /* retransmissions of one flight */
    unsigned ask_credit;
    bool established;
    bool answered; /* something was fed */
    bool released; /* OpenSSL's buffers */
    bool failed;
    bool closed;         /* close_notify has been written */
    bool accepted;       /* something of what was fed last */
    bool hello_returned; /* client: the ClientHello came back */
};

#endif
