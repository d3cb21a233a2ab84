/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/hello_line.h"

/* The first field of hello.json; letters alone could be an echo. */
static const char first[] = "{\"schema\":";

enum { FIRST_BYTES = sizeof first - 1 };

bool hello_line_take(struct hello_line *line, const unsigned char *data, size_t n, size_t *ret_used)
{
    size_t used = 0;
    while (used < n && !line->complete) {
        bool other = line->n < FIRST_BYTES && data[used] != (unsigned char)first[line->n];
        if (other || line->n == HELLO_LINE_BYTES_MAX)
            return false;
        line->complete = data[used] == '\n';
        line->n++;
        used++;
    }
    *ret_used = used;
    return true;
}

bool hello_line_begins(const unsigned char *data, size_t n)
{
    struct hello_line line = {.n = 0};
    size_t used;
    return n >= FIRST_BYTES && hello_line_take(&line, data, n, &used);
}
