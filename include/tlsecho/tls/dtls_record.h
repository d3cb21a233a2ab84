/* SPDX-License-Identifier: MIT */
/*
 * What a datagram of DTLS begins with, so that it can be given to the session that it is for.
 *
 * Ownership: values.   Threads: any.
 */
#ifndef TLSECHO_DTLS_RECORD_H
#define TLSECHO_DTLS_RECORD_H

#include <stddef.h>

enum { DTLS_RANDOM_BYTES = 32 };

enum dtls_record {
    DTLS_RECORD_NONE,      /* not a record of DTLS */
    DTLS_RECORD_HELLO,     /* the beginning of a ClientHello, not encrypted */
    DTLS_RECORD_PLAIN,     /* another one of a handshake, not encrypted (epoch 0) */
    DTLS_RECORD_ENCRYPTED, /* of a later epoch */
};

/* What the first record of a datagram is. random: of the ClientHello, which is the same when it is
 * sent again, with or without a cookie; NULL = not wanted. */
enum dtls_record dtls_record_look(const unsigned char *data, size_t length,
                                  unsigned char ret_random[DTLS_RANDOM_BYTES]);

#endif
