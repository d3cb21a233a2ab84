/* SPDX-License-Identifier: MIT */
/*
 * The records of one connection between the kernel and OpenSSL, by way of its thread's scratch: two
 * buffers, and a BIO over them. One recv(2) feeds all the records it brought, one send(2) takes
 * several along. What cannot be dealt with now is kept for the connection, so that the scratch
 * serves the next one.
 *
 * OpenSSL is only ever told "try again": it never learns of a FIN or RST, which would be fatal to
 * it although what is owed can still be written after a FIN. The wire remembers them.
 *
 * Ownership: the wire owns what it keeps, not fd and not scratch.   Threads: its transport's.
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
    TLS_RECORD_OVERHEAD = 512, /* header, tag, padding; and a KeyUpdate that may go before it */
    TLS_BIO_FIRST_BYTES = 8,   /* of what arrived first: enough to tell what is not TLS */
};

/* Each connection has one for as long as it lives: no holes. */
struct tls_bio {
    struct tls_scratch *scratch;
    const unsigned char *in; /* arrived, not yet taken by OpenSSL */
    size_t in_n;
    unsigned char *in_kept; /* what `in` points into, unless into the scratch; NULL mostly */
    size_t receive_bytes;   /* what the present operation may still receive; 0 after its one recv */

    unsigned char *out_kept; /* accepted, refused by the kernel so far; NULL mostly */
    size_t out_n;            /* bytes in out_kept, or in the scratch during an operation */

    uint64_t received_bytes, sent_bytes; /* that the kernel gave, that it took */
    int fd;
    enum io_status in_end; /* IO_OK until the kernel has said IO_CUT, IO_RESET or IO_FAILED */
    int in_errno;
    enum io_status out_end; /* IO_OK until IO_RESET or IO_FAILED: nothing can be sent any more */
    int out_errno;
    unsigned char first[TLS_BIO_FIRST_BYTES];
    unsigned char first_n;
    bool stopped; /* OpenSSL gets nothing more to read */
};

void tls_bio_init(struct tls_bio *wire, int fd, struct tls_scratch *scratch);
void tls_bio_done(struct tls_bio *wire);

/*
 * The BIO for SSL_set_bio(3), which takes this reference over. All SSLs of a scratch have the same
 * one: it reads and writes for the wire that has begun. NULL = no memory.
 */
BIO *tls_bio_bio(struct tls_bio *wire);

/* The wire that the BIO works for. */
struct tls_bio *tls_bio_at_work(BIO *bio);

/* Every operation begins so: it may receive once, at most receive_bytes. */
void tls_bio_begin(struct tls_bio *wire, size_t receive_bytes);

/* And ends so, whatever happened: nothing of this connection stays in the scratch. */
void tls_bio_end(struct tls_bio *wire);

/* Receives for whoever looks at `in` before OpenSSL may: what arrives is added to it. Nothing is
 * kept that has not been received, and no more room is taken than that needs. */
void tls_bio_gather(struct tls_bio *wire);

/* From now on OpenSSL finds nothing to read, until it may go on; tls_bio_discard still does. */
void tls_bio_stop(struct tls_bio *wire);
void tls_bio_go_on(struct tls_bio *wire);

/* Hands what waits to the kernel: IO_OK (nothing waits), IO_WANT_WRITE, IO_RESET, IO_FAILED. */
enum io_status tls_bio_flush(struct tls_bio *wire);

/* Likewise, where shutdown(2) follows at once: the kernel sends the last bytes and the FIN as one.
 */
enum io_status tls_bio_flush_last(struct tls_bio *wire);

/* Room for another record? */
bool tls_bio_has_room(const struct tls_bio *wire);

/* Adds bytes to be sent; false, and none of them, if there is no room. */
bool tls_bio_put(struct tls_bio *wire, const void *data, size_t n);

/* After a failure: reads once and drops it. IO_WANT_READ until the end: IO_CUT, IO_RESET,
 * IO_FAILED. */
enum io_status tls_bio_discard(struct tls_bio *wire);

#endif
