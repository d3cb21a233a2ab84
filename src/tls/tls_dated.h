/* SPDX-License-Identifier: MIT */
/*
 * The certificates of a context whose dates are checked daily.
 *
 * Ownership: the context's.   Threads: as tls_context.h.
 */
#ifndef TLSECHO_TLS_DATED_H
#define TLSECHO_TLS_DATED_H

#include <openssl/x509.h>

#include "tlsecho/tls/tls_context.h"

/* Records a certificate for expiry warnings. path: of its file. ERROR_SYSTEM (memory). */
int tls_dated_add(struct tls_context *ctx, enum tls_dated_role role, const char *path,
                  X509 *certificate, struct error *err);
void tls_dated_free(struct tls_context *ctx);

#endif
