/* SPDX-License-Identifier: MIT */
#include "tlsecho/tls/dtls_record.h"

#include <string.h>

#include "dtls_hello.h"

_Static_assert((int)DTLS_RANDOM_BYTES == (int)DTLS_HELLO_RANDOM_BYTES, "of a ClientHello");

enum dtls_record dtls_record_look(const unsigned char *data, size_t length,
                                  unsigned char ret_random[DTLS_RANDOM_BYTES])
{
    struct dtls_hello hello;
    if (!dtls_hello_is_record(data, length))
        return DTLS_RECORD_NONE;
    if (dtls_hello_is_encrypted(data))
        return DTLS_RECORD_ENCRYPTED;
    if (!dtls_hello_parse(data, length, &hello))
        return DTLS_RECORD_PLAIN;
    if (ret_random)
        memcpy(ret_random, hello.random, DTLS_RANDOM_BYTES);
    return DTLS_RECORD_HELLO;
}
