/* SPDX-License-Identifier: MIT */
/* A request in pieces of any size gets one answer, always the same. */
#include <stdlib.h>
#include <string.h>

#include "admin_request.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void require(int holds)
{
    if (!holds)
        abort();
}

static int is_status(enum http_status status)
{
    return status == HTTP_MORE || status == HTTP_OK || status >= HTTP_BAD_REQUEST;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct admin_request whole, part;
    memset(&whole, 0xff, sizeof whole);
    enum http_status answer = admin_request_parse((const char *)data, size, &whole);
    require(is_status(answer));
    require(answer != HTTP_MORE || size < ADMIN_REQUEST_BYTES);
    require(answer != HTTP_OK || (whole.path <= ADMIN_READYZ && (int)whole.head <= 1));

    size_t step = size > 16 ? size / 16 : 1;
    for (size_t n = 0; n < size; n += step) {
        char *copy = malloc(n + 1); /* of exactly that size, so that a sanitizer finds an overrun */
        if (!copy)
            abort();
        memcpy(copy, data, n);
        enum http_status early = admin_request_parse(copy, n, &part);
        require(early == HTTP_MORE || early == answer);
        free(copy);
    }
    return 0;
}
