/* SPDX-License-Identifier: MIT */
/*
 * The settings of TLS connections: TLS 1.2 and 1.3, by default ECDHE with AEAD (RFC 9325 §4.2), no
 * renegotiation, no compression, one ticket. Call the setters before the first connection; later it
 * never changes.
 *
 * Ownership: reference-counted; a transport holds a reference. Threads: one for the setters, then
 * any.
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

/* For DTLS 1.2 (RFC 6347) instead, with the same setters and defaults; see dtls_session.h. */
int tls_context_new_dtls(enum tls_role role, struct tls_context **ret, struct error *err);
struct tls_context *tls_context_ref(struct tls_context *ctx);
void tls_context_free(struct tls_context *ctx);

/* Versions, "1.2" or "1.3"; NULL keeps the default. DTLS has only 1.2: a minimum of 1.3 is refused,
 * a maximum of 1.3 allowed. ERROR_INPUT. */
int tls_context_set_versions(struct tls_context *ctx, const char *min, const char *max,
                             struct error *err);

/*
 * Which files with secrets (keys, ticket keys, key log) are accepted: strict, the default, refuses
 * files that others can read, or that group or others can write; any accepts them with a warning.
 * Call it first.
 */
enum tls_key_files { TLS_KEY_FILES_STRICT, TLS_KEY_FILES_ANY };
/* The name of a value in the configuration; NULL past the last. */
const char *tls_key_files_name(size_t key_files);
void tls_context_set_key_files(struct tls_context *ctx, enum tls_key_files key_files);

/*
 * Adds a certificate with its chain from a PEM file, leaf first; add its key next with
 * tls_context_use_key. *ret describes the leaf. ERROR_INPUT names the file and the cause.
 */
int tls_context_use_certificate(struct tls_context *ctx, const char *path,
                                struct peer_certificate *ret, struct error *err);

/*
 * The private key (PEM) of the certificate added last. Refused if others can read the file or its
 * group can write it, if it is encrypted, or if it does not match. Never asks for a passphrase.
 * ERROR_INPUT.
 */
int tls_context_use_key(struct tls_context *ctx, const char *path, struct error *err);

/*
 * A self-signed certificate for this host (its name, localhost, 127.0.0.1, ::1), kept in
 * DIRECTORY/self-signed.pem (mode 0600) and renewed there 30 days before it expires, or if it is
 * not valid yet; NULL = in memory only.
 */
int tls_context_use_self_signed(struct tls_context *ctx, const char *directory,
                                struct peer_certificate *ret, struct error *err);

/*
 * Client: verify the server's chain against the PEM bundle at path; NULL = the system's, or
 * SSL_CERT_FILE and SSL_CERT_DIR if set, which must then be readable. Each certificate in it is a
 * trust anchor (RFC 5280 §6.1.1 d), even an intermediate or the server's own. ERROR_INPUT.
 */
int tls_context_trust(struct tls_context *ctx, const char *path, struct error *err);

/* Client: verify only the SHA-256 of the leaf (64 hex digits, either case, colons allowed).
 * ERROR_INPUT. */
int tls_context_pin(struct tls_context *ctx, const char *sha256, struct error *err);

/* Client: accept any certificate. The peer is reported as not verified. */
void tls_context_trust_any(struct tls_context *ctx);

/*
 * What a context offers and accepts: lists of names separated by ':', for TLS 1.2 ciphers, TLS 1.3
 * suites, and groups. An unknown name is refused (ERROR_INPUT, with similar names); `?NAME` is
 * skipped if the library does not have it. "" keeps the default.
 */
int tls_context_set_ciphers(struct tls_context *ctx, const char *list, struct error *err);
int tls_context_set_ciphersuites(struct tls_context *ctx, const char *list, struct error *err);
int tls_context_set_groups(struct tls_context *ctx, const char *list, struct error *err);

/*
 * ALPN (RFC 7301): what a client offers, or a server accepts, in order of preference; without a
 * match the handshake fails with no_application_protocol. count 0: ALPN is ignored. Names of 1..255
 * bytes. ERROR_INPUT.
 */
int tls_context_set_alpn(struct tls_context *ctx, const char *const *protocols, size_t count,
                         struct error *err);

/* Appends the secrets of every connection to an NSS key log (mode 0600; its readers can decrypt the
 * connections). ERROR_INPUT. */
int tls_context_set_keylog(struct tls_context *ctx, const char *path, struct error *err);

/* Fails if a line could not be written, for example to a full disk; connections continue.
 * ERROR_SYSTEM. Any thread. */
int tls_context_check_keylog(struct tls_context *ctx, struct error *err);

/*
 * Server: the DER OCSP response (RFC 6960) to staple (RFC 6066 §8) to the certificate added last
 * while it is in date. ERROR_INPUT: not a response, not "good", or for another certificate.
 */
int tls_context_use_staple(struct tls_context *ctx, const char *path, struct error *err);

/* The nextUpdate of the staple of the certificate added last (RFC 6960 §4.2.2.1) in seconds since
 * 1970, after which it is no longer sent; INT64_MAX without one. */
int64_t tls_context_staple_expires(const struct tls_context *ctx);

enum tls_client_auth { TLS_CLIENT_AUTH_OFF, TLS_CLIENT_AUTH_OPTIONAL, TLS_CLIENT_AUTH_REQUIRED };
/* The name of a value in the configuration; NULL past the last. */
const char *tls_client_auth_name(size_t client_auth);

/*
 * Server: client authentication. First set the CA bundle (PEM; an intermediate CA alone is an
 * anchor too), then the CRLs (PEM, a complete one per CA of the bundle, checked for every
 * certificate below the anchor), then patterns, one of which must match a subjectAltName
 * (`DNS:*.example.org`, `URI:spiffe://td/ns/STAR/sa`, `email:STAR@example.org`, a star is one label
 * or segment; the CN is ignored). Call set_client_auth last, in any mode and after the
 * certificates: it binds tickets to these settings, to the names of the certificates and to the
 * requested server name. Without it a ticket is valid only in its own context. Client
 * authentication in a ticket is valid for 24 hours. ERROR_INPUT.
 */
int tls_context_use_client_ca(struct tls_context *ctx, const char *path, struct error *err);
int tls_context_use_crl(struct tls_context *ctx, const char *path, struct error *err);
int tls_context_allow_name(struct tls_context *ctx, const char *pattern, struct error *err);
int tls_context_set_client_auth(struct tls_context *ctx, enum tls_client_auth mode,
                                struct error *err);

/*
 * Of several CRLs by one CA the newest in date is used. Expired or not yet valid: a CA has none in
 * date, and all its clients are refused; *ret_date is when the last one expired or the next one
 * becomes valid (RFC 5280 §5.1.2.4, §5.1.2.5), in seconds since 1970.
 */
enum tls_crl_state { TLS_CRL_IN_DATE, TLS_CRL_EXPIRED, TLS_CRL_NOT_YET_VALID };
enum tls_crl_state tls_context_crl_state(const struct tls_context *ctx, int64_t now,
                                         int64_t *ret_date);

/* When the first CA has no CRL in date any more, in seconds since 1970; INT64_MAX without CRLs. */
int64_t tls_context_crl_expires(const struct tls_context *ctx);

/*
 * Server: ticket keys from a file of N x 80 random bytes, N 1..8, newest first (RFC 5077 §4's key
 * name, HMAC and AES keys): the newest encrypts, all decrypt. Without a file all contexts share a
 * random key of the process, renewed every 12 hours. ERROR_INPUT.
 */
int tls_context_use_ticket_keys(struct tls_context *ctx, const char *path, struct error *err);

/*
 * Client: offers the session in the file at path, if it exists and is for the same server name and
 * client certificate, and if the server's certificate would be accepted now; otherwise the
 * handshake is full. Use one transport at a time. ERROR_INPUT: the file is something else, others
 * can write it, or its folder is not writable.
 */
int tls_context_use_session_file(struct tls_context *ctx, const char *path, struct error *err);

/*
 * Client: keeps the newest session and offers it on every later transport of any thread; all must
 * connect to the same server. ERROR_SYSTEM.
 */
int tls_context_remember_session(struct tls_context *ctx, struct error *err);

/*
 * Saves the newest session to that file, mode 0600; does nothing without a file or a new session.
 * With TLS 1.3 a session arrives after the handshake, and only a read receives it (RFC 8446
 * §4.6.1). ERROR_SYSTEM.
 */
int tls_context_save_session(struct tls_context *ctx, struct error *err);

/* A problem with a file that a setter has accepted. */
struct tls_warning {
    const char *event; /* name of the log event, docs/log.md; static */
    char *file;
    char reason[ERROR_TEXT_BYTES]; /* what is wrong, and the remedy */
};

/* All of them, the context's; NULL if there is none. */
const struct tls_warning *tls_context_warnings(const struct tls_context *ctx, size_t *ret_count);

/* A certificate of a server whose expiry is reported like the leaf's: an issuer sent with the leaf,
 * or a client CA. */
enum tls_dated_role { TLS_DATED_ISSUER, TLS_DATED_CLIENT_CA };
struct tls_dated {
    enum tls_dated_role role;
    char *file;
    char subject[PEER_NAME_BYTES];
    int64_t not_before, not_after; /* seconds since 1970, UTC */
};

/* All of them, the context's; NULL if there is none. */
const struct tls_dated *tls_context_dated(const struct tls_context *ctx, size_t *ret_count);

/* Server: limits the size of a ClientHello with its record headers; a longer one is answered with
 * illegal_parameter. Also limits the second one, after a HelloRetryRequest. 0, the default, = the
 * limit of OpenSSL, 131,396 bytes.
 */
void tls_context_limit_client_hello(struct tls_context *ctx, size_t max_bytes);

/* Whether the library supports a group of that name and would use it. */
bool tls_has_group(const char *name);

/* What the library offers, on one line: "X25519MLKEM768: yes; groups: ...; TLS 1.3 suites: ...".
 * Static text. */
const char *tls_features(void);

/* "OpenSSL 3.0.x ...": built with, running with. */
const char *tls_version_built(void);
const char *tls_version_running(void);

#endif
