/* SPDX-License-Identifier: MIT */
/*
 * Shared by the TLS files, with types of OpenSSL.
 *
 * Ownership: see each declaration.   Threads: as for tls_context and transport.
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

/* How a client verifies a server. */
enum tls_trust {
    TLS_TRUST_CHAIN, /* chain, dates and name */
    TLS_TRUST_PIN,   /* only the leaf's SHA-256 */
    TLS_TRUST_ANY,
};

struct tls_context {
    SSL_CTX *ssl;
    enum tls_role role;
    enum tls_trust trust;
    unsigned char pin[TLS_PIN_BYTES];
    struct tls_certificate *certificates;
    size_t certificate_count;
    struct tls_session_file *session_file;     /* client; NULL = none */
    struct tls_session_memory *session_memory; /* likewise */
    struct tls_clients *clients;               /* server; NULL = no setting about clients */
    struct tls_ticket_keys *ticket_keys;       /* from a file; NULL = those of the process */
    EVP_MD *sha256;                            /* server; for the hashes in each handshake */
    unsigned char ticket_scope[TLS_TICKET_SCOPE_BYTES]; /* random until set */
    char certificate[256]; /* the name of the last one added, for messages */
    unsigned char *alpn;   /* ours, RFC 7301 §3.1's ProtocolNameList */
    size_t alpn_n;
    int keylog_fd;             /* -1 = none */
    atomic_int keylog_failure; /* errno of a failed write; 0 = none */
    enum tls_key_files key_files;
    struct tls_warning *warnings;
    size_t warning_count;
    struct tls_dated *dated;
    size_t dated_count;
    size_t client_hello_max_bytes; /* server; 0 = no limit besides that of OpenSSL */
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

/* Records a certificate for expiry warnings. path: of its file. ERROR_SYSTEM (memory). */
int tls_dated_add(struct tls_context *ctx, enum tls_dated_role role, const char *path,
                  X509 *certificate, struct error *err);
void tls_dated_free(struct tls_context *ctx);

/* The access mode for the context's files with secrets. */
enum tls_pem_access tls_exposure_access(const struct tls_context *ctx);

/* Adds a warning to a server's context for a file that others can write or, if it is a secret,
 * read, or whose folder others can write. ERROR_SYSTEM (memory). */
int tls_exposure_warn(struct tls_context *ctx, const char *path, bool secret, struct error *err);

/* Sets the default security level, versions, ciphers, suites and groups. */
bool tls_policy_set_defaults(SSL_CTX *ssl);

/* What an OCSP response (RFC 6960) says about a certificate. */
enum tls_ocsp {
    TLS_OCSP_NONE,
    TLS_OCSP_GOOD,
    TLS_OCSP_REVOKED,
    TLS_OCSP_EXPIRED, /* or not valid yet */
    TLS_OCSP_INVALID, /* no response, unsigned, or for another certificate */
};

/* The result of verifying the peer's certificate; all 0 before the handshake. */
struct tls_verdict {
    bool requested_client_certificate; /* the server requested one */
    bool untrusted, expired, name_mismatch;
    long error;                  /* X509_V_ERR_*, the decisive one; X509_V_OK = none */
    int depth;                   /* of the certificate with that error: 0 = the leaf */
    char text[ERROR_TEXT_BYTES]; /* what is wrong; "" = nothing */
    const char *remedy;          /* what a client can do about it */

    /* Client only: */
    STACK_OF(X509) * chain; /* as the server sent it, leaf first; NULL = not received */
    STACK_OF(X509) * path; /* as verified, from the leaf to the trust anchor; NULL = not verified */
    X509 *issuer;          /* of the leaf; NULL = unknown */
    enum tls_ocsp staple;
};

/* The kinds of faults of a chain, the worst first. */
enum tls_fault { TLS_FAULT_UNTRUSTED, TLS_FAULT_EXPIRED, TLS_FAULT_NAME, TLS_FAULTS };

struct tls_finding {
    long error; /* X509_V_ERR_* */
    int depth;
    X509 *certificate; /* owned by the chain and its store; NULL = none */
    X509_CRL *crl;
};

/* Call it before the handshake: the callbacks store their results in *verdict, which belongs to the
 * owner of ssl and must live as long. */
int tls_verdict_attach(SSL *ssl, struct tls_verdict *verdict, struct error *err);
struct tls_verdict *tls_verdict_of(const SSL *ssl);
void tls_verdict_free(struct tls_verdict *verdict);

/* Verifies the chain up to the first fault that makes it untrusted, and fills *v except text;
 * nothing else is known of an untrusted chain. Returns the decisive fault, whose error the store
 * has too: X509_V_OK if nothing is wrong. */
struct tls_finding tls_verdict_reach(X509_STORE_CTX *store, struct tls_verdict *v);

/*
 * Limits of a peer's chain: certificates, and bytes of DER. They are higher in a client, which
 * examines servers and has few connections.
 */
enum {
    TLS_CLIENT_CHAIN_COUNT = 8,
    TLS_CLIENT_CHAIN_BYTES = 32 * 1024,
    TLS_SERVER_CHAIN_COUNT = 32,
    TLS_SERVER_CHAIN_BYTES = 100 * 1024,
    TLS_CRLS_OF_CA_MAX = 16, /* old and new ones, by old and new keys */
};

/* Limits the size of Certificate messages for a context. */
void tls_screen_limit(SSL_CTX *ssl, enum tls_role role);

/*
 * Checks a handshake message of the peer, in SSL_set_msg_callback(3). False: it is a Certificate
 * that must not be parsed, and has been zeroed, so that OpenSSL fails (decode_error); *verdict has
 * the reason.
 */
bool tls_screen_peer(SSL *ssl, const void *message, size_t n, struct tls_verdict *verdict);

/* The error kind of a verdict: untrusted, else expired, else name mismatch. */
enum error_kind tls_verdict_kind(const struct tls_verdict *verdict);

/*
 * Client: verifies a stored chain as if the server of ssl had sent it now. False: it would be
 * refused; the verdict is reset.
 */
bool tls_verify_again(struct tls_context *ctx, SSL *ssl, STACK_OF(X509) * chain);

/*
 * The status of the leaf in a DER response, which must be signed by the issuer or by a responder
 * that the issuer authorised (RFC 6960 §4.2.2.2). ret_revoked: date and reason of a revocation.
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

/* Client: offers the saved session if it is for this server and this client certificate, and if the
 * server's certificate would be accepted now. Call it after the server name is set. ERROR_SYSTEM.
 */
int tls_session_offer(struct tls_context *ctx, SSL *ssl, struct error *err);

/* A client's session in memory. */
struct tls_session_memory;
void tls_session_memory_free(struct tls_session_memory *memory);

/* Client: offers the session in memory, if there is one. ERROR_SYSTEM. */
int tls_session_recall(struct tls_context *ctx, SSL *ssl, struct error *err);

/* Client: sends (names only, RFC 6066 §3) and verifies server_name (RFC 9525 §6). ERROR_INPUT: not
 * a name or address; ERROR_SYSTEM: no memory. */
int tls_verify_prepare(SSL *ssl, const char *server_name, struct error *err);

/* Makes a client's context verify servers according to its `trust`. */
void tls_verify_install(struct tls_context *ctx);

void tls_keylog_close(struct tls_context *ctx);

/* Makes a server encrypt its tickets with the keys of the context or of the process; false = no
 * memory. tls_tickets_free cleanses and frees them. */
bool tls_tickets_install(struct tls_context *ctx);
void tls_tickets_free(struct tls_context *ctx);

/*
 * Sets the scope of a server's tickets. Before, they are valid within one context; afterwards in
 * all contexts with the same client authentication (mode, CAs, CRLs, names) and with certificates
 * for the same names; always only for the requested server name, RFC 6066 §3. Call it after all
 * certificates and client settings. ERROR_SYSTEM.
 */
bool tls_ticket_scope_install(struct tls_context *ctx);
int tls_ticket_scope_fix(struct tls_context *ctx, enum tls_client_auth mode, struct error *err);

/* Adds certificates, leaf first (the caller keeps the stack), and the key of the leaf added last;
 * `name` is for messages. ERROR_INPUT. */
int tls_context_add_certificates(struct tls_context *ctx, STACK_OF(X509) * certificates,
                                 const char *name, struct error *err);
int tls_context_add_key(struct tls_context *ctx, EVP_PKEY *key, const char *name,
                        struct error *err);

/* Fills everything except `verified`. Control characters are escaped. */
void tls_describe_certificate(X509 *certificate, struct peer_certificate *ret);

/* RFC 2253 in UTF-8, control characters escaped, cut to size. */
void tls_name_text(const X509_NAME *name, char *ret, size_t size);

/* NULL or empty: no certificates. ERROR_SYSTEM (memory). */
int tls_chain_describe(STACK_OF(X509) * certificates, struct tls_chain *ret, struct error *err);

/* The subjectAltNames of a certificate in the format of struct tls_chain_certificate; free with
 * OPENSSL_free. NULL = no memory. */
char *tls_certificate_all_names(X509 *certificate);

enum tls_names_of {
    TLS_NAMES_OF_HOSTS,  /* DNS names and addresses: "localhost, 127.0.0.1" */
    TLS_NAMES_WITH_KIND, /* all: "DNS:localhost, URI:spiffe://td/sa, email:a@example.org, IP:::1" */
};

/* The first subjectAltNames of a certificate, "a, b, c and 7 more"; "" if it has none. Control
 * characters are escaped. */
void tls_certificate_names(X509 *certificate, enum tls_names_of which, char *ret, size_t size);

/* The name or address that a client verifies, for messages; free it. NULL = no memory.
 */
char *tls_verify_name(X509_VERIFY_PARAM *param);

/* A date of a certificate in UTC, "2026-01-02 03:04". */
enum { TLS_DATE_BYTES = 32 };
void tls_date_text(const ASN1_TIME *date, char ret[TLS_DATE_BYTES]);

/* The same in seconds since 1970; 0 = unreadable. */
int64_t tls_date_seconds(const ASN1_TIME *date);

/* As error_set, and appends ": REASON" from the first error in OpenSSL's queue, which is emptied.
 * Always returns -1. */
int tls_error_set(struct error *err, enum error_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
