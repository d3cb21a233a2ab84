/* SPDX-License-Identifier: MIT */
/*
 * A BIO of datagrams in memory: it reads the one that was fed, and keeps those that were written,
 * in one allocation until all are taken.
 *
 * Ownership: the caller's, with dtls_bio_done.   Threads: the session's.
 */
#ifndef TLSECHO_DTLS_BIO_H
#define TLSECHO_DTLS_BIO_H

#include <openssl/bio.h>
#include <stdbool.h>
#include <stddef.h>

struct dtls_bio {
    const unsigned char *in; /* the caller's; NULL = nothing to read */
    size_t in_n;
    unsigned char *out; /* each datagram behind its length, a size_t */
    size_t out_n, out_size, out_at;
};

void dtls_bio_done(struct dtls_bio *wire);

/* For SSL_set_bio(3), which takes over this reference; wire must outlive it. NULL = no memory. */
BIO *dtls_bio_bio(struct dtls_bio *wire);
struct dtls_bio *dtls_bio_of(BIO *bio);

/* The next datagram that was written; it stays until the next one is written or taken. */
bool dtls_bio_take(struct dtls_bio *wire, const unsigned char **ret, size_t *ret_n);

#endif
