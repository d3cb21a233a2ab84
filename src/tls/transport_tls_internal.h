/* SPDX-License-Identifier: MIT */
/*
 * What the files of the TLS transport share: transport_tls.c (the operations), _hello.c (before
 * OpenSSL comes in), _peer.c (what is known of the other end).
 *
 * Ownership, Threads: as transport.h.
 */
#ifndef TLSECHO_TRANSPORT_TLS_INTERNAL_H
#define TLSECHO_TRANSPORT_TLS_INTERNAL_H

#include "tls_bio.h"
#include "tls_failure.h"
#include "tls_hello.h"
#include "tls_internal.h"
#include "tlsecho/net/transport.h"
#include "tlsecho/tls/transport_tls.h"

struct transport_tls {
    struct transport base;
    struct tls_context *ctx;
    SSL *ssl; /* NULL at a server until the ClientHello is whole */
    struct tls_bio wire;
    struct tls_verdict *verdict; /* NULL where the peer is not asked for a certificate */
    struct tls_failure failure;
    struct tls_hello hello; /* of a server */
    bool hello_due;         /* OpenSSL must not read before the ClientHello is whole */
    bool failed;            /* OpenSSL gave up: only the alert can still go out */
    bool failure_told;      /* and the caller knows */
    bool closing;           /* close_notify, or the alert, is on its way */
    bool established;
    unsigned rekey_credit_bytes;
};

extern const struct transport_ops transport_tls_ops;

/* Makes the SSL. ERROR_SYSTEM, ERROR_INPUT (server_name, a client's; else NULL). */
int transport_tls_prepare(struct transport_tls *t, const char *server_name, struct error *err);

/* Why the wire ended, in words. */
struct io transport_tls_wire_ended(enum io_status status, int code, const char *what,
                                   struct error *err);

/* OpenSSL sends no alert to what does not look like TLS, and we send one before it is there: in a
 * record without encryption, RFC 8446 §5.1. */
void transport_tls_put_plain_alert(struct transport_tls *t, unsigned char alert);

/*
 * Server: gathers the ClientHello that is due, and makes the SSL once it is whole. IO_OK: OpenSSL
 * may read. Else as a handshake.
 */
struct io transport_tls_gather_hello(struct transport_tls *t, struct error *err);

/* Server: OpenSSL has written that message. After a HelloRetryRequest (RFC 8446 §4.1.4) another
 * ClientHello is due. */
void transport_tls_after_message(struct transport_tls *t, const unsigned char *data, size_t n);

/* Server: OpenSSL would wait for more behind what was no ClientHello. */
struct io transport_tls_refuse_other(struct transport_tls *t, struct error *err);

void transport_tls_peer(const struct transport *transport, struct peer *ret);

#endif
