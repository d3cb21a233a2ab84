/* SPDX-License-Identifier: MIT */
/*
 * The context: what its setters have set. The modules of this room read and fill their fields;
 * tls_context_lifetime.c knows these modules, and none of them knows it.
 *
 * Ownership: the context owns what it points to.   Threads: as tls_context.h.
 */
#ifndef TLSECHO_TLS_CONTEXT_INTERNAL_H
#define TLSECHO_TLS_CONTEXT_INTERNAL_H

#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "tlsecho/tls/tls_context.h"

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
    bool dtls;
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

#endif
