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
#include <stdint.h>

struct dtls_bio {
    const unsigned char *in; /* the caller's; NULL = nothing to read */
    size_t in_n;
    unsigned char *out; /* each datagram behind its length, a size_t */
    size_t out_n, out_size, out_at;
    uint64_t number_offset; /* added to the numbers of records that are not encrypted */
    uint64_t first_number;  /* of the first record to be written; 0 = OpenSSL's */
};

void dtls_bio_done(struct dtls_bio *wire);

/* For SSL_set_bio(3), which takes over this reference; wire must outlive it. NULL = no memory. */
BIO *dtls_bio_bio(struct dtls_bio *wire);
struct dtls_bio *dtls_bio_of(BIO *bio);

/* RFC 6347 §4.2.1: the first record of a server has the number of the ClientHello, or a client may
 * take it for a replay. Since 3.2 OpenSSL begins with 1. */
void dtls_bio_number_from(struct dtls_bio *wire, const unsigned char *hello, size_t n);

/* The next datagram that was written; it stays until the next one is written or taken. */
bool dtls_bio_take(struct dtls_bio *wire, const unsigned char **ret, size_t *ret_n);

#endif
