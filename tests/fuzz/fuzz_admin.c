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

static int is_status(int status)
{
    return status == 0 || status == 200 || status == 400 || status == 404 || status == 405 ||
           status == 431;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct admin_request whole, part;
    memset(&whole, 0xff, sizeof whole);
    int answer = admin_request_parse((const char *)data, size, &whole);
    require(is_status(answer));
    require(answer != 0 || size < ADMIN_REQUEST_BYTES);
    require(answer != 200 || (whole.path <= ADMIN_READYZ && (int)whole.head <= 1));

    size_t step = size > 16 ? size / 16 : 1;
    for (size_t n = 0; n < size; n += step) {
        char *copy = malloc(n + 1); /* of exactly that size, so that a sanitizer finds an overrun */
        if (!copy)
            abort();
        memcpy(copy, data, n);
        int early = admin_request_parse(copy, n, &part);
        require(early == 0 || early == answer);
        free(copy);
    }
    return 0;
}
