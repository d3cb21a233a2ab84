/* SPDX-License-Identifier: MIT */
/*
 * What a process has once of OpenSSL. It is made at its first use; if memory is short then, the
 * next use tries again, which a CRYPTO_ONCE would not.
 *
 * Ownership: it stays.   Threads: any.
 */
#ifndef TLSECHO_TLS_ONCE_H
#define TLSECHO_TLS_ONCE_H

#include <openssl/bio.h>
#include <stdatomic.h>

/* An index for ex_data of a class, CRYPTO_EX_INDEX_*. *index: 0 at first. -1: no memory. */
int tls_once_index(atomic_int *index, int class_index);

struct tls_once_functions {
    const char *name;
    int (*read)(BIO *bio, char *data, int size);
    int (*write)(BIO *bio, const char *data, int size);
    long (*ctrl)(BIO *bio, int command, long number, void *pointer);
};

/* *method: NULL at first. NULL: no memory. */
const BIO_METHOD *tls_once_method(_Atomic(BIO_METHOD *) *method,
                                  const struct tls_once_functions *functions);

#endif
