/* SPDX-License-Identifier: MIT */
/*
 * Settings of a TLS context: TLS 1.2 and 1.3, ECDHE with AEAD unless told otherwise (RFC 9325
 * §4.2), no renegotiation, no compression, one ticket. Built once, by setters, before its first
 * connection; never changed after.
 *
 * Ownership: counted; a transport holds its own count.   Threads: the setters one, then any.
 */
#ifndef TLSECHO_TLS_CONTEXT_H
#define TLSECHO_TLS_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tlsecho/base/error.h"
#include "tlsecho/net/peer.h"

struct tls_context;

enum tls_role { TLS_SERVER, TLS_CLIENT };

int tls_context_new(enum tls_role role, struct tls_context **ret, struct error *err);
struct tls_context *tls_context_ref(struct tls_context *ctx);
void tls_context_free(struct tls_context *ctx);

/* Versions as users write them, "1.2" or "1.3"; NULL leaves the default. ERROR_INPUT. */
int tls_context_set_versions(struct tls_context *ctx, const char *min, const char *max,
                             struct error *err);

/*
 * What files with secrets (keys, ticket keys, a key log) may be like: strict, which is the default,
 * refuses those that others can read or anyone but the owner can write; any takes them with a
 * warning. Comes first.
 */
enum tls_key_files { TLS_KEY_FILES_STRICT, TLS_KEY_FILES_ANY };
/* The word for it, as users write it; NULL past the last. */
const char *tls_key_files_name(size_t key_files);
void tls_context_set_key_files(struct tls_context *ctx, enum tls_key_files key_files);

/*
 * Adds a certificate with its chain from a PEM file, leaf first; the key that belongs to it follows
 * by tls_context_use_key. ret gets the leaf's description. ERROR_INPUT names the file and the
 * reason.
 */
int tls_context_use_certificate(struct tls_context *ctx, const char *path,
                                struct peer_certificate *ret, struct error *err);

/*
 * The private key (PEM) of the certificate added last. Refused if others can read the file or its
 * group can write it, if it is encrypted, or if it does not match. Never asks on a terminal.
 * ERROR_INPUT.
 */
int tls_context_use_key(struct tls_context *ctx, const char *path, struct error *err);

/*
 * A self-signed certificate for this host (its name, localhost, 127.0.0.1, ::1), kept in
 * DIRECTORY/self-signed.pem (mode 0600) and renewed there 30 days before its end, or when it is not
 * valid yet; NULL = in memory only.
 */
int tls_context_use_self_signed(struct tls_context *ctx, const char *directory,
                                struct peer_certificate *ret, struct error *err);

/*
 * Client: verify the server's chain against the PEM bundle at path; NULL = the system's, by
 * SSL_CERT_FILE and SSL_CERT_DIR where set, which must be readable then. Each certificate there is
 * a trust anchor (RFC 5280 §6.1.1 d), also an intermediate, or the server's own. ERROR_INPUT.
 */
int tls_context_trust(struct tls_context *ctx, const char *path, struct error *err);

/* Client: verify nothing but the SHA-256 of the leaf (64 hex digits, either case, colons allowed).
 * ERROR_INPUT. */
int tls_context_pin(struct tls_context *ctx, const char *sha256, struct error *err);

/* Client: verify nothing at all. The peer is then reported as not verified. */
void tls_context_trust_anyone(struct tls_context *ctx);

/*
 * What a context offers and accepts, as lists that users write: names separated by ':'. Each name
 * is looked up on its own; an unknown one is refused (ERROR_INPUT, with names that are near),
 * `?NAME` is skipped where the library lacks it. "" leaves the default. TLS 1.2 ciphers, TLS 1.3
 * suites, groups.
 */
int tls_context_set_ciphers(struct tls_context *ctx, const char *list, struct error *err);
int tls_context_set_ciphersuites(struct tls_context *ctx, const char *list, struct error *err);
int tls_context_set_groups(struct tls_context *ctx, const char *list, struct error *err);

/*
 * ALPN (RFC 7301): what a client offers, or what a server prefers in this order; no match ends the
 * handshake with no_application_protocol. count 0: ALPN is ignored. Names of 1..255 bytes.
 * ERROR_INPUT.
 */
int tls_context_set_alpn(struct tls_context *ctx, const char *const *protocols, size_t count,
                         struct error *err);

/* Appends the secrets of every connection to an NSS key log (mode 0600; whoever may read it can
 * decrypt). ERROR_INPUT. */
int tls_context_set_keylog(struct tls_context *ctx, const char *path, struct error *err);

/* Whether every line so far is in it: a full disk ends no connection. ERROR_SYSTEM. Any thread. */
int tls_context_check_keylog(struct tls_context *ctx, struct error *err);

/*
 * Server: the DER OCSP response (RFC 6960) that is stapled (RFC 6066 §8) to the certificate added
 * last, as long as it is in date. ERROR_INPUT: no response, not "good", or for another certificate.
 */
int tls_context_use_staple(struct tls_context *ctx, const char *path, struct error *err);

/* The nextUpdate of the staple of the certificate added last (RFC 6960 §4.2.2.1) in seconds since
 * 1970, after which it is no longer sent; INT64_MAX without one. */
int64_t tls_context_staple_expires(const struct tls_context *ctx);

enum tls_client_auth { TLS_CLIENT_AUTH_OFF, TLS_CLIENT_AUTH_OPTIONAL, TLS_CLIENT_AUTH_REQUIRED };
/* The word for it, as users write it; NULL past the last. */
const char *tls_client_auth_name(size_t client_auth);

/*
 * Server: who may connect. First the CA bundle (PEM; an intermediate CA alone is an anchor too),
 * then the CRLs (PEM, a complete one per CA of the bundle, checked for every certificate below the
 * anchor), then patterns of which one must match a subjectAltName
 * (`DNS:*.example.org`, `URI:spiffe://td/ns/STAR/sa`, `email:STAR@example.org`, a star is one label
 * or segment; never the CN). set_client_auth comes last, off or not, once the certificates are
 * there too: it ties tickets to all of this, to the names of the certificates and to the server
 * name that each client asks for; before it, a ticket is good within its own context only. What a
 * client proved by its certificate is good for 24 hours. ERROR_INPUT.
 */
int tls_context_use_client_ca(struct tls_context *ctx, const char *path, struct error *err);
int tls_context_use_crl(struct tls_context *ctx, const char *path, struct error *err);
int tls_context_allow_name(struct tls_context *ctx, const char *pattern, struct error *err);
int tls_context_set_client_auth(struct tls_context *ctx, enum tls_client_auth mode,
                                struct error *err);

/*
 * Of several CRLs by one CA the newest in date counts. Expired or not yet valid: from a CA without
 * one in date all clients are refused; ret_date is when the last one ended, or the next one begins
 * (RFC 5280 §5.1.2.4, §5.1.2.5), in seconds since 1970.
 */
enum tls_crl_state { TLS_CRL_IN_DATE, TLS_CRL_EXPIRED, TLS_CRL_NOT_YET_VALID };
enum tls_crl_state tls_context_crl_state(const struct tls_context *ctx, int64_t now,
                                         int64_t *ret_date);

/* When the first CA will have no CRL in date any more, in seconds since 1970; INT64_MAX without
 * CRLs. */
int64_t tls_context_crl_expires(const struct tls_context *ctx);

/*
 * Server: ticket keys from a file of N x 80 random bytes, N 1..8, newest first (RFC 5077 §4's key
 * name, HMAC and AES keys): the newest encrypts, all decrypt. Without a file the process has a key
 * of its own, which is renewed every 12 hours and shared by all contexts. ERROR_INPUT.
 */
int tls_context_use_ticket_keys(struct tls_context *ctx, const char *path, struct error *err);

/*
 * Client: offers the session saved in the file at path, if it is there and was made for the same
 * server name and identity of ours, with a certificate that would be accepted now; otherwise the
 * handshake is a full one. One transport at a time then. ERROR_INPUT: it holds something else,
 * others can write it, or its folder cannot be written.
 */
int tls_context_use_session_file(struct tls_context *ctx, const char *path, struct error *err);

/*
 * Client: remembers the newest session, and offers it on every transport that follows, of any
 * thread; so all must be to the same server. ERROR_SYSTEM.
 */
int tls_context_remember_session(struct tls_context *ctx, struct error *err);

/*
 * Saves the newest session there, mode 0600; nothing without a file or a new session. On TLS 1.3
 * the server gives one after the handshake, and only reading takes it (RFC 8446 §4.6.1).
 * ERROR_SYSTEM.
 */
int tls_context_save_session(struct tls_context *ctx, struct error *err);

/* Something about a file of the context that its setters took, and that does harm all the same. */
struct tls_warning {
    const char *event; /* of the log, docs/log.md; static */
    char *file;
    char reason[ERROR_TEXT_BYTES]; /* what is wrong, and the remedy */
};

/* All of them, the context's; NULL if there is none. */
const struct tls_warning *tls_context_warnings(const struct tls_context *ctx, size_t *ret_count);

/* A certificate of a server's files whose dates count as the leaf's do: of an issuer that is sent
 * with the leaf, or of a CA of clients. */
enum tls_dated_role { TLS_DATED_ISSUER, TLS_DATED_CLIENT_CA };
struct tls_dated {
    enum tls_dated_role role;
    char *file;
    char subject[PEER_NAME_BYTES];
    int64_t not_before, not_after; /* seconds since 1970, UTC */
};

/* All of them, the context's; NULL if there is none. */
const struct tls_dated *tls_context_dated(const struct tls_context *ctx, size_t *ret_count);

/* Server: so many bytes may arrive before the ClientHello is whole, the headers of its records
 * included; more is answered by illegal_parameter. The second one, after a HelloRetryRequest,
 * likewise. 0 = no limit of ours, as in the beginning: OpenSSL takes 131,396 bytes of ClientHello.
 */
void tls_context_limit_client_hello(struct tls_context *ctx, size_t max_bytes);

/* Whether the library has a group of that name, and would use it. */
bool tls_has_group(const char *name);

/* What the library offers, on one line: "X25519MLKEM768: yes; groups: ...; TLS 1.3 suites: ...".
 * Static text. */
const char *tls_features(void);

/* "OpenSSL 3.0.x ...": built with, running with. */
const char *tls_version_built(void);
const char *tls_version_running(void);

#endif
