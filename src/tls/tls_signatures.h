/* SPDX-License-Identifier: MIT */
/*
 * The signature schemes that OpenSSL's configuration leaves for a key.
 *
 * Ownership: the context's.   Threads: as tls_context.h.
 */
#ifndef TLSECHO_TLS_SIGNATURES_H
#define TLSECHO_TLS_SIGNATURES_H

#include <openssl/x509.h>

#include "tlsecho/base/error.h"

struct tls_context;

/* Adds a warning to a server's context if none is left for the key of that certificate. path: of
 * its file. ERROR_SYSTEM (memory). */
int tls_signatures_warn(struct tls_context *ctx, X509 *leaf, const char *path, struct error *err);

#endif
