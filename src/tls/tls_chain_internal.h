/* SPDX-License-Identifier: MIT */
/*
 * A chain, from OpenSSL's types.
 *
 * Ownership: as tls_chain.h.   Threads: any.
 */
#ifndef TLSECHO_TLS_CHAIN_INTERNAL_H
#define TLSECHO_TLS_CHAIN_INTERNAL_H

#include <openssl/x509.h>

#include "tlsecho/base/error.h"
#include "tlsecho/tls/tls_chain.h"

/* NULL or empty: no certificates. ERROR_SYSTEM (memory). */
int tls_chain_describe(STACK_OF(X509) * certificates, struct tls_chain *ret, struct error *err);

#endif
