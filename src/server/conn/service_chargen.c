/* SPDX-License-Identifier: MIT */
/* RFC 864's pattern: lines of 72 of the 95 printable characters, each line beginning one further.
 */
#include <string.h>

#include "tlsecho/server/service.h"

enum { LINE_BYTES = 72, PRINTABLE = 95, ROW_BYTES = LINE_BYTES + 2 /* CR LF */ };

static const char printable[] =
    " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz"
    "{|}~"
    " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz"
    "{|}~";

_Static_assert(sizeof printable == 2 * PRINTABLE + 1, "twice, so that no line wraps around");

static size_t produce(const struct conn_info *info, uint64_t offset, unsigned char *data,
                      size_t size)
{
    (void)info;
    uint64_t row = offset / ROW_BYTES;
    size_t column = (size_t)(offset % ROW_BYTES);
    for (size_t n = 0; n < size;) {
        char line[ROW_BYTES];
        memcpy(line, printable + row % PRINTABLE, LINE_BYTES);
        line[LINE_BYTES] = '\r';
        line[LINE_BYTES + 1] = '\n';
        size_t part = ROW_BYTES - column < size - n ? ROW_BYTES - column : size - n;
        memcpy(data + n, line + column, part);
        n += part;
        row++;
        column = 0;
    }
    return size;
}

const struct service service_chargen = {.name = "chargen", .produce = produce, .endless = true};
