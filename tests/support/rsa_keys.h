/* SPDX-License-Identifier: MIT */
/*
 * RSA keys, which take long to make: the processes of one test program share them. The nth key of a
 * size is the same in each of them, and no other key of that process.
 *
 * Ownership: the caller's.   Threads: one; processes: one after the other, as Check runs them.
 */
#ifndef TLSECHO_TEST_RSA_KEYS_H
#define TLSECHO_TEST_RSA_KEYS_H

#include <openssl/evp.h>

/* What processes forked from now on make is shared. Without it each key is new. */
void rsa_keys_share(void);

/* Fails the test rather than return NULL. */
EVP_PKEY *rsa_keys_take(unsigned bits);

#endif
