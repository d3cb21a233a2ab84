/* SPDX-License-Identifier: MIT */
/*
 * Settings to a TLS context: TLS 1.2 and 1.3, ECDHE with AEAD only (RFC 9325 §4.2), no
 * renegotiation, no compression, one ticket. Built once, by setters, before its first connection;
 * never changed after.
 *
 * Ownership: counted; a transport holds its own count.   Threads: the setters one, then any.
 */
#ifndef TLSECHO_TLS_CONTEXT_H
#define TLSECHO_TLS_CONTEXT_H

#include <stdint.h>

#include "tlsecho/error.h"
#include "tlsecho/peer.h"

struct tls_context;

enum tls_role { TLS_SERVER, TLS_CLIENT };

int tls_context_new(enum tls_role role, struct tls_context **ret, struct error *err);
struct tls_context *tls_context_ref(struct tls_context *ctx);
void tls_context_free(struct tls_context *ctx);

/* Versions as users write them, "1.2" or "1.3"; NULL leaves the default. ERROR_INPUT. */
int tls_context_set_versions(struct tls_context *ctx, const char *min, const char *max,
                             struct error *err);

/*
 * Adds a certificate with its chain from a PEM file, leaf first; the key that belongs to it follows
 * by tls_context_use_key. ret gets the leaf's description. ERROR_INPUT names the file and the
 * reason.
 */
int tls_context_use_certificate(struct tls_context *ctx, const char *path,
                                struct peer_certificate *ret, struct error *err);

/*
 * The private key (PEM) of the certificate added last. Refused if others can read the file, if it
 * is encrypted, or if it does not match. Never asks on a terminal. ERROR_INPUT.
 */
int tls_context_use_key(struct tls_context *ctx, const char *path, struct error *err);

/*
 * A self-signed certificate for this host (its name, localhost, 127.0.0.1, ::1), kept in
 * DIRECTORY/self-signed.pem (mode 0600) and renewed there 30 days before its end; NULL = in memory
 * only.
 */
int tls_context_use_self_signed(struct tls_context *ctx, const char *directory,
                                struct peer_certificate *ret, struct error *err);

/*
 * Client: verify the server's chain against the PEM bundle at path; NULL = the system's, by
 * SSL_CERT_FILE and SSL_CERT_DIR where set. ERROR_INPUT.
 */
int tls_context_trust(struct tls_context *ctx, const char *path, struct error *err);

/* Client: verify nothing but the SHA-256 of the leaf (64 hex digits, either case, colons allowed).
 * ERROR_INPUT. */
int tls_context_pin(struct tls_context *ctx, const char *sha256, struct error *err);

/* Client: verify nothing at all. The peer is then reported as not verified. */
void tls_context_trust_anyone(struct tls_context *ctx);

/* "OpenSSL 3.0.x ...": built with, running with. */
const char *tls_version_built(void);
const char *tls_version_running(void);

#endif
