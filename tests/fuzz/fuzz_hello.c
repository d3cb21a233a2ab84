/* SPDX-License-Identifier: MIT */
/*
 * The first bytes of a TLS connection in pieces of any size: the end of a ClientHello is found at
 * the same place as in one piece, and the parser never waits for more than the limit.
 */
#include <stdint.h>
#include <stdlib.h>

#include "tls_hello.h"

enum { MAX = 1024 };

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* In pieces of at most so many bytes. Returns how many had come when it was not a part any more. */
static size_t examine(const uint8_t *data, size_t size, size_t piece, bool second,
                      enum tls_hello_state *ret)
{
    struct tls_hello hello = {.second = second};
    size_t n = 0;
    do {
        n = size - n < piece ? size : n + piece;
        *ret = tls_hello_examine(&hello, data, n, MAX);
        require(*ret != TLS_HELLO_PART || n <= MAX);
        require(hello.record_at <= n);
    } while (*ret == TLS_HELLO_PART && n < size);
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    bool second = data[0] & 1;
    size_t piece = 1 + data[0] / 2;
    enum tls_hello_state each, some, all;
    data++;
    size--;
    size_t end = examine(data, size, 1, second, &each);
    require(examine(data, size, piece, second, &some) >= end);
    examine(data, size, SIZE_MAX, second, &all);
    require((some == TLS_HELLO_WHOLE) == (each == TLS_HELLO_WHOLE));
    require((all == TLS_HELLO_WHOLE) == (each == TLS_HELLO_WHOLE));
    require(all == TLS_HELLO_PART ? each == TLS_HELLO_PART : each != TLS_HELLO_PART);
    require(each != TLS_HELLO_WHOLE || end <= MAX);
    return 0;
}
