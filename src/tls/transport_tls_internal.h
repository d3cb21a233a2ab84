/* SPDX-License-Identifier: MIT */
/*
 * What the files of the TLS transport share: transport_tls.c (the operations), _hello.c (before
 * there is an SSL), _peer.c (what is known of the peer).
 *
 * Ownership, Threads: as transport.h.
 */
#ifndef TLSECHO_TRANSPORT_TLS_INTERNAL_H
#define TLSECHO_TRANSPORT_TLS_INTERNAL_H

#include "tls_bio.h"
#include "tls_failure.h"
#include "tls_hello.h"
#include "tlsecho/net/transport.h"
#include "tlsecho/tls/transport_tls.h"

struct tls_verification;

struct transport_tls {
    struct transport base;
    struct tls_context *ctx;
    SSL *ssl;                /* server: NULL until the ClientHello is complete */
    const char *const *alpn; /* server: the only protocols to offer; NULL = the context's */
    struct tls_bio wire;
    struct tls_verification *verification; /* NULL if no certificate is requested */
    struct tls_failure failure;
    struct tls_hello hello; /* server only */
    bool hello_due;         /* OpenSSL must not read before the ClientHello is complete */
    bool failed;            /* OpenSSL has failed: only the alert can be sent */
    bool failure_reported;  /* the caller has got the error */
    bool closing;           /* close_notify or the alert has been written */
    bool established;
    unsigned rekey_credit_bytes;
};

extern const struct transport_ops transport_tls_ops;

/* Makes the SSL. server_name: client only, else NULL. ERROR_SYSTEM, ERROR_INPUT (server_name). */
int transport_tls_prepare(struct transport_tls *t, const char *server_name, struct error *err);

/* Fills err if the connection has failed. */
struct io transport_tls_io_ended(enum io_status status, int code, const char *what,
                                 struct error *err);

/* Writes an alert in an unencrypted record (RFC 8446 §5.1): before there is an SSL, and for what
 * does not look like TLS, to which OpenSSL sends none. */
void transport_tls_put_plain_alert(struct transport_tls *t, unsigned char alert);

/*
 * Server: receives the ClientHello, and makes the SSL when it is complete. IO_OK: OpenSSL may read.
 * Else as the handshake.
 */
struct io transport_tls_gather_hello(struct transport_tls *t, struct error *err);

/* Call it when OpenSSL has written that message. After a HelloRetryRequest (RFC 8446 §4.1.4)
 * another ClientHello is expected. */
void transport_tls_after_message(struct transport_tls *t, const unsigned char *data);

/* Server: refuses a peer that did not send a ClientHello, where OpenSSL would wait for more. */
struct io transport_tls_refuse_other(struct transport_tls *t, struct error *err);

void transport_tls_peer(const struct transport *transport, struct peer *ret);

#endif
