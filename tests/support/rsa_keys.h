/* SPDX-License-Identifier: MIT */
/*
 * RSA keys, which take long to make: all programs of a build, and all their processes, share them.
 * The nth key of a size is the same in each process, and no other key of that process.
 *
 * Ownership: the caller's.   Threads: one; processes: any number at once.
 */
#ifndef TLSECHO_TEST_RSA_KEYS_H
#define TLSECHO_TEST_RSA_KEYS_H

#include <openssl/evp.h>

/* Shares keys by the file that the environment's TLSECHO_TEST_KEYS names; without one, with the
 * processes that are forked from now on. Without this call each key is new. */
void rsa_keys_share(void);

/* Fails the test rather than return NULL. */
EVP_PKEY *rsa_keys_take(unsigned bits);

#endif
