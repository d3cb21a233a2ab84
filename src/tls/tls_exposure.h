/* SPDX-License-Identifier: MIT */
/*
 * Whether the mode of a file exposes a secret in it.
 *
 * Ownership: values.   Threads: any.
 */
#ifndef TLSECHO_TLS_EXPOSURE_H
#define TLSECHO_TLS_EXPOSURE_H

#include <stdbool.h>

/* How a secret is exposed, to complete a sentence about it, and the argument of chmod(1) that ends
 * it. */
struct tls_exposure {
    const char *how, *remedy;
};

/* Whether a file with that mode is exposed. */
bool tls_exposure_of_secret(unsigned mode, struct tls_exposure *ret);

#endif
