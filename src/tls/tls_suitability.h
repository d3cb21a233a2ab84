/* SPDX-License-Identifier: MIT */
/*
 * Defects of a server's certificate because of which clients refuse it.
 *
 * Ownership: the context's.   Threads: as tls_context.h.
 */
#ifndef TLSECHO_TLS_SUITABILITY_H
#define TLSECHO_TLS_SUITABILITY_H

#include <openssl/x509.h>

#include "tlsecho/base/error.h"

struct tls_context;

/* Adds a warning to a server's context for each defect of a leaf with the chain above it. path: of
 * its file. ERROR_SYSTEM (memory). */
int tls_suitability_warn(struct tls_context *ctx, X509 *leaf, STACK_OF(X509) * chain,
                         const char *path, struct error *err);

#endif
