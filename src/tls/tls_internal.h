/* SPDX-License-Identifier: MIT */
/*
 * What the TLS files share among themselves, OpenSSL's types included.
 *
 * Ownership: as said below.   Threads: as for tls_context and transport.
 */
#ifndef TLSECHO_TLS_INTERNAL_H
#define TLSECHO_TLS_INTERNAL_H

#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "tls_pem.h"
#include "tlsecho/base/error.h"
#include "tlsecho/net/peer.h"
#include "tlsecho/net/transport.h"
#include "tlsecho/tls/tls_chain.h"
#include "tlsecho/tls/tls_context.h"
#include "tlsecho/tls/transport_tls.h"

enum { TLS_PIN_BYTES = 32, TLS_TICKET_SCOPE_BYTES = 32 }; /* SHA-256 */

/* How a client judges a server. */
enum tls_trust {
    TLS_TRUST_CHAIN, /* chain, dates and name */
    TLS_TRUST_PIN,   /* nothing but the leaf's SHA-256 */
    TLS_TRUST_ANYONE,
};

struct tls_context {
    SSL_CTX *ssl;
    enum tls_role role;
    enum tls_trust trust;
    unsigned char pin[TLS_PIN_BYTES];
    struct tls_certificate *certificates;
    size_t certificate_count;
    struct tls_session_file *session_file;     /* a client's; NULL = none */
    struct tls_session_memory *session_memory; /* likewise */
    struct tls_clients *clients;               /* of a server; NULL = nothing was said about them */
    struct tls_ticket_keys *ticket_keys;       /* from a file; NULL = the process's own */
    EVP_MD *sha256;                            /* of a server, for what each handshake hashes */
    unsigned char ticket_scope[TLS_TICKET_SCOPE_BYTES]; /* random until it is fixed */
    char certificate[256]; /* what the one added last is called in messages */
    unsigned char *alpn;   /* ours, RFC 7301 §3.1's ProtocolNameList */
    size_t alpn_n;
    int keylog_fd;             /* -1 = none */
    atomic_int keylog_failure; /* the errno of a line that was not written; 0 = none */
    enum tls_key_files key_files;
    struct tls_warning *warnings;
    size_t warning_count;
    struct tls_dated *dated;
    size_t dated_count;
    size_t client_hello_max_bytes; /* of a server; 0 = no limit of ours */
    atomic_uint count;
};

/* As in struct tls_warning. */
struct tls_warning_topic {
    const char *event, *file;
};

/* Adds a warning; the format and what follows make its reason. ERROR_SYSTEM (memory). */
int tls_warning_add(struct tls_context *ctx, struct tls_warning_topic topic, struct error *err,
                    const char *format, ...) __attribute__((format(printf, 4, 5)));
void tls_warnings_free(struct tls_context *ctx);

/* Keeps what expiry warnings need of a certificate, whose dates count. path: of its file.
 * ERROR_SYSTEM (memory). */
int tls_dated_add(struct tls_context *ctx, enum tls_dated_role role, const char *path,
                  X509 *certificate, struct error *err);
void tls_dated_free(struct tls_context *ctx);

/* How a file of the context's that holds secrets is opened. */
enum tls_pem_access tls_exposure_access(const struct tls_context *ctx);

/* Adds a warning to a server's context for a file that too many can write or, if it is a secret,
 * read, or whose folder others can write. ERROR_SYSTEM (memory). */
int tls_exposure_warn(struct tls_context *ctx, const char *path, bool secret, struct error *err);

/* Levels, versions, ciphers, suites and groups of a context that was told nothing else. */
bool tls_policy_set_defaults(SSL_CTX *ssl);

/* What an OCSP response (RFC 6960) says about a certificate. */
enum tls_ocsp {
    TLS_OCSP_NONE,
    TLS_OCSP_GOOD,
    TLS_OCSP_REVOKED,
    TLS_OCSP_EXPIRED, /* or not valid yet */
    TLS_OCSP_INVALID, /* no response, unsigned, or for another certificate */
};

/* What was found about the peer's certificate; zero before the handshake. */
struct tls_verdict {
    bool requested_client_certificate; /* the server asked for ours */
    bool untrusted, expired, name_mismatch;
    long error; /* X509_V_ERR_*, the one that decided; X509_V_OK if there is none */
    int depth;  /* of the certificate that it is about: 0 = the leaf */
    char text[ERROR_TEXT_BYTES]; /* what is wrong; "" if nothing is */
    const char *remedy;          /* what a client can do about it */

    /* A client's: */
    STACK_OF(X509) * chain; /* as the server sent it, leaf first; NULL = none yet */
    STACK_OF(X509) * path; /* as verified, from the leaf to the trust anchor; NULL = not verified */
    X509 *issuer;          /* of the leaf; NULL = unknown */
    enum tls_ocsp staple;
};

/* What a chain can be accused of, the worst first. */
enum tls_fault { TLS_FAULT_UNTRUSTED, TLS_FAULT_EXPIRED, TLS_FAULT_NAME, TLS_FAULTS };

struct tls_finding {
    long error; /* X509_V_ERR_* */
    int depth;
    X509 *certificate; /* these two belong to the chain and its store; NULL = not about one */
    X509_CRL *crl;
};

/* Before the handshake: what the callbacks find out goes to *verdict, which is the owner's of ssl
 * and lives as long. */
int tls_verdict_attach(SSL *ssl, struct tls_verdict *verdict, struct error *err);
struct tls_verdict *tls_verdict_of(const SSL *ssl);
void tls_verdict_free(struct tls_verdict *verdict);

/* Verifies the chain up to the first fault that makes it untrusted, and fills all of *v but its
 * text (of an untrusted chain nothing else is known). Returns what decided; its error is the
 * store's, and X509_V_OK if nothing is wrong. */
struct tls_finding tls_verdict_reach(X509_STORE_CTX *store, struct tls_verdict *v);

/*
 * What is read of a peer's chain at most: certificates, and bytes of DER. A client is there to look
 * at servers, and has one of them at a time.
 */
enum {
    TLS_CLIENT_CHAIN_COUNT = 8,
    TLS_CLIENT_CHAIN_BYTES = 32 * 1024,
    TLS_SERVER_CHAIN_COUNT = 32,
    TLS_SERVER_CHAIN_BYTES = 100 * 1024,
    TLS_CRLS_OF_CA_MAX = 16, /* old and new, of old and new keys */
};

/* Bounds the Certificate messages that a context reads. */
void tls_screen_limit(SSL_CTX *ssl, enum tls_role role);

/*
 * A handshake message of the peer, from SSL_set_msg_callback(3). False: it is a Certificate that
 * must not be parsed; OpenSSL now finds it empty and fails (decode_error), *verdict says why.
 */
bool tls_screen_peer(SSL *ssl, const void *message, size_t n, struct tls_verdict *verdict);

/* The kind of the error that a verdict decided: untrusted, then expired, then name mismatch. */
enum error_kind tls_verdict_kind(const struct tls_verdict *verdict);

/*
 * Client: judges a chain that is known from before as if the server of ssl had sent it now. False:
 * it would be refused, and the verdict is as if there had been none.
 */
bool tls_verify_again(struct tls_context *ctx, SSL *ssl, STACK_OF(X509) * chain);

/*
 * What a DER response says about the leaf. issuer: whose key must have signed it, or the key of a
 * responder that it appointed (RFC 6960 §4.2.2.2). ret_revoked: when it was revoked, and why.
 */
enum { TLS_REVOKED_BYTES = 80 };
enum tls_ocsp tls_ocsp_judge(const unsigned char *der, long n, X509 *leaf, X509 *issuer,
                             char ret_revoked[TLS_REVOKED_BYTES]);
const char *tls_ocsp_name(enum tls_ocsp staple);

/* verdict may be NULL on a server. */
void tls_peer_describe(SSL *ssl, const struct tls_verdict *verdict, struct peer *ret);

/* As transport_tls_exporter, transport_tls_own_sha256 and transport_tls_peer_names. */
void tls_peer_own_sha256(SSL *ssl, char ret[PEER_SHA256_BYTES]);
void tls_peer_exporter(SSL *ssl, char ret[TLS_EXPORTER_BYTES]);
void tls_peer_names(SSL *ssl, char ret[TLS_NAMES_BYTES]);

/* A client's session file. */
struct tls_session_file;
void tls_session_file_free(struct tls_session_file *file);

/* Client: offers the saved session if it is for this server, this identity of ours, and a
 * certificate that would be accepted now. The server's name is set by then. ERROR_SYSTEM. */
int tls_session_offer(struct tls_context *ctx, SSL *ssl, struct error *err);

/* A client's session in memory. */
struct tls_session_memory;
void tls_session_memory_free(struct tls_session_memory *memory);

/* Client: offers the session that is remembered, if there is one. ERROR_SYSTEM. */
int tls_session_recall(struct tls_context *ctx, SSL *ssl, struct error *err);

/* Client: sends (names only, RFC 6066 §3) and verifies server_name (RFC 9525 §6). ERROR_INPUT: it
 * cannot be a name; ERROR_SYSTEM: no memory. */
int tls_verify_prepare(SSL *ssl, const char *server_name, struct error *err);

/* Makes a client's context verify as its `trust` says. */
void tls_verify_install(struct tls_context *ctx);

void tls_keylog_close(struct tls_context *ctx);

/* Makes a server seal and open its tickets with ours; false = no memory. And what is freed with the
 * context, cleansed. */
bool tls_tickets_install(struct tls_context *ctx);
void tls_tickets_free(struct tls_context *ctx);

/*
 * Where a server's tickets are good: within one context, until the scope is fixed; then in every
 * context that authenticates clients in the same way (mode, CAs, CRLs, names) and whose
 * certificates are for the same names; and only for the server name asked for, RFC 6066 §3.
 * Certificates and all about clients are set by then. ERROR_SYSTEM.
 */
bool tls_ticket_scope_install(struct tls_context *ctx);
int tls_ticket_scope_fix(struct tls_context *ctx, enum tls_client_auth mode, struct error *err);

/* Adds certificates, leaf first (the stack stays the caller's), and the key that belongs to the
 * leaf added last; `name` is for messages. ERROR_INPUT. */
int tls_context_add_certificates(struct tls_context *ctx, STACK_OF(X509) * certificates,
                                 const char *name, struct error *err);
int tls_context_add_key(struct tls_context *ctx, EVP_PKEY *key, const char *name,
                        struct error *err);

/* Fills everything but `verified`. Control characters are escaped. */
void tls_describe_certificate(X509 *certificate, struct peer_certificate *ret);

/* RFC 2253 in UTF-8, control characters escaped, cut to size. */
void tls_name_text(const X509_NAME *name, char *ret, size_t size);

/* NULL or empty: no certificates. ERROR_SYSTEM (memory). */
int tls_chain_describe(STACK_OF(X509) * certificates, struct tls_chain *ret, struct error *err);

/* All names of a certificate (its subjectAltName) as struct tls_chain_certificate keeps them, for
 * OPENSSL_free; NULL = no memory. */
char *tls_certificate_all_names(X509 *certificate);

enum tls_names_of {
    TLS_NAMES_OF_HOSTS,  /* what a client may ask for: "localhost, 127.0.0.1" */
    TLS_NAMES_WITH_KIND, /* all: "DNS:localhost, URI:spiffe://td/sa, email:a@example.org, IP:::1" */
};

/* The first few names that a certificate is for (its subjectAltName), "a, b, c and 7 more"; "" if
 * it has none. Control characters are escaped. */
void tls_certificate_names(X509 *certificate, enum tls_names_of which, char *ret, size_t size);

/* The name or address that a client verifies, for messages; the caller's to free. NULL = no memory.
 */
char *tls_verify_name(X509_VERIFY_PARAM *param);

/* A date of a certificate in UTC, "2026-01-02 03:04". */
enum { TLS_DATE_BYTES = 32 };
void tls_date_text(const ASN1_TIME *date, char ret[TLS_DATE_BYTES]);

/* The same in seconds since 1970; 0 = unreadable. */
int64_t tls_date_seconds(const ASN1_TIME *date);

/* error_set with ": REASON" at its end, the innermost one in OpenSSL's queue, which is emptied.
 * Always returns -1. */
int tls_error_set(struct error *err, enum error_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
