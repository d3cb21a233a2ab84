/* SPDX-License-Identifier: MIT */
/*
 * Moves the records of one connection between the kernel and OpenSSL, through the two buffers of
 * its thread's tls_scratch and a BIO over them. One recv(2) receives several records, one send(2)
 * sends several. What is left after an operation is copied to the connection, so that the next
 * connection can use the scratch.
 *
 * The BIO only reports "try again" to OpenSSL, never a FIN or RST: OpenSSL treats them as fatal,
 * but writing is still possible after a FIN. in_end and out_end keep them.
 *
 * Ownership: owns what it keeps, not fd and not scratch.   Threads: its transport's.
 */
#ifndef TLSECHO_TLS_BIO_H
#define TLSECHO_TLS_BIO_H

#include <openssl/bio.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tlsecho/net/transport.h"

enum {
    TLS_RECORD_BYTES = 16384,  /* plaintext in one record, RFC 8446 §5.1 */
    TLS_RECORD_OVERHEAD = 512, /* header, tag, padding; and a KeyUpdate that may precede it */
    TLS_BIO_FIRST_BYTES = 8,   /* the first bytes received: enough to recognise what is not TLS */
};

/* Every connection has one: ordered to avoid padding. */
struct tls_bio {
    struct tls_scratch *scratch;
    const unsigned char *in; /* received, not yet read by OpenSSL */
    size_t in_n;
    unsigned char *in_kept;  /* the buffer of `in` if that is not the scratch; usually NULL */
    unsigned char *out_kept; /* written by OpenSSL, not yet sent; usually NULL */
    size_t out_n;            /* bytes in out_kept, or in the scratch during an operation */

    uint64_t received_bytes, sent_bytes; /* from and to the kernel */
    int fd, in_errno, out_errno;
    enum io_status in_end : 8; /* IO_OK until IO_CUT, IO_RESET or IO_FAILED */
    enum io_status
        out_end : 8; /* IO_OK until IO_RESET or IO_FAILED: nothing can be sent any more */
    unsigned char first[TLS_BIO_FIRST_BYTES];
    unsigned char first_n;
    bool stopped; /* the BIO returns no more data */
};

void tls_bio_init(struct tls_bio *wire, int fd, struct tls_scratch *scratch);
void tls_bio_done(struct tls_bio *wire);

/*
 * The BIO for SSL_set_bio(3), which takes over this reference. All SSLs of a scratch share it: it
 * reads and writes for the connection between tls_bio_begin and tls_bio_end. NULL = no memory.
 */
BIO *tls_bio_bio(struct tls_bio *wire);

/* The connection between begin and end. */
struct tls_bio *tls_bio_current(BIO *bio);

/* Begins an operation, which may receive once, at most receive_bytes. */
void tls_bio_begin(struct tls_bio *wire, size_t receive_bytes);

/* Ends an operation, also after an error, and leaves nothing in the scratch. */
void tls_bio_end(struct tls_bio *wire);

/* Receives and appends to `in`, for a parser that runs before OpenSSL. Allocates only for what was
 * received. */
void tls_bio_gather(struct tls_bio *wire);

/* Makes the BIO return no data until tls_bio_go_on; tls_bio_discard still works. */
void tls_bio_stop(struct tls_bio *wire);
void tls_bio_go_on(struct tls_bio *wire);

/* Sends what is pending: IO_OK (all sent), IO_WANT_WRITE, IO_RESET, IO_FAILED. */
enum io_status tls_bio_flush(struct tls_bio *wire);

/* Likewise before shutdown(2): the kernel sends the last bytes and the FIN in one segment.
 */
enum io_status tls_bio_flush_last(struct tls_bio *wire);

/* Whether there is room for another record. */
bool tls_bio_has_room(const struct tls_bio *wire);

/* Appends bytes to send; false, and nothing appended, without room for all. */
bool tls_bio_put(struct tls_bio *wire, const void *data, size_t n);

/* After a failure: receives once and discards it. IO_WANT_READ, then IO_CUT, IO_RESET or IO_FAILED.
 */
enum io_status tls_bio_discard(struct tls_bio *wire);

#endif
