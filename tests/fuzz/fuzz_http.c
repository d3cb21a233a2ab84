/* SPDX-License-Identifier: MIT */
/*
 * A client of the service `http` that sends anything, in pieces and windows of any size: the bytes
 * of the answers do not depend on them, and every answer is as long as it says.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tlsecho/server/conn_info.h"
#include "tlsecho/server/service.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OUTPUT_BYTES = 1 << 22 };

struct output {
    char *bytes;
    size_t n;
    enum conn_end end; /* CONN_END_NONE = the connection is open */
    struct error err;
};

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void write_some(struct service_talk *talk, size_t window, struct output *ret)
{
    static const struct conn_info info = {.listener = "<web>", .source = "192.0.2.1:1"};
    const struct service_output output = {
        .info = &info, .data = (unsigned char *)ret->bytes + ret->n, .size = window};
    size_t n = service_http.requests->write(talk, &output);
    require(n > 0 && n <= window);
    ret->n += n;
}

/* Returns false if the output is too long for the test. */
static bool converse(const uint8_t *data, size_t size, size_t piece, size_t window,
                     struct output *ret)
{
    const struct service_requests *http = service_http.requests;
    struct service_talk *talk = http->start();
    size_t used = 0;
    bool fits = true, cut = false;
    require(talk != NULL);
    for (;;) {
        enum service_next next = http->next(talk);
        if (next == SERVICE_ENDS)
            break;
        if (next == SERVICE_WRITES) {
            fits = ret->n + window <= OUTPUT_BYTES;
            if (!fits)
                break;
            write_some(talk, window, ret);
        } else if (used < size) {
            size_t n = piece < size - used ? piece : size - used;
            unsigned char *copy =
                malloc(n); /* of that size, so that a sanitizer finds an overrun */
            require(copy != NULL);
            memcpy(copy, data + used, n);
            size_t taken = http->take(talk, copy, n);
            free(copy);
            require(taken > 0 && taken <= n);
            used += taken;
        } else if (next == SERVICE_WAITS || cut) {
            break;
        } else {
            cut = true;
            http->cut(talk, SERVICE_CUT_ENDED);
        }
    }
    if (http->next(talk) == SERVICE_ENDS)
        ret->end = http->end(talk, &ret->err);
    http->free(talk);
    return fits;
}

/* Each is a head and as many bytes as its Content-Length says, or the head alone. */
static void check_answers(const struct output *o)
{
    static const char length[] = "\r\nContent-Length: ", ok[] = "HTTP/1.1 ";
    const char *at = o->bytes, *end = o->bytes + o->n;
    while (at < end) {
        const char *body = memmem(at, (size_t)(end - at), "\r\n\r\n", 4);
        require((size_t)(end - at) > sizeof ok && memcmp(at, ok, sizeof ok - 1) == 0 && body);
        const char *field = memmem(at, (size_t)(body - at), length, sizeof length - 1);
        unsigned long n = field ? strtoul(field + sizeof length - 1, NULL, 10) : 0;
        body += 4;
        bool alone = body == end || memcmp(body, ok, sizeof ok - 1) == 0; /* of HEAD */
        require(alone || (size_t)(end - body) >= n);
        at = alone ? body : body + n;
    }
}

/* "Date: Sun, 29 Nov 2026 12:00:00 GMT" may differ. */
static void hide_dates(struct output *o)
{
    static const char date[] = "\r\nDate: ";
    enum { TEXT_BYTES = 29 };
    char *at = o->bytes;
    while ((at = memmem(at, (size_t)(o->bytes + o->n - at), date, sizeof date - 1))) {
        at += sizeof date - 1;
        if (o->bytes + o->n - at < TEXT_BYTES)
            break;
        memset(at, '-', TEXT_BYTES);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char bytes[2][OUTPUT_BYTES];
    struct output whole = {.bytes = bytes[0]}, parts = {.bytes = bytes[1]};
    if (size < 2)
        return 0;
    size_t piece = (size_t)data[0] + 1, window = 16 * ((size_t)data[1] + 1);
    if (!converse(data + 2, size - 2, size, 65536, &whole))
        return 0;
    check_answers(&whole);
    if (!converse(data + 2, size - 2, piece, window, &parts))
        return 0;
    hide_dates(&whole);
    hide_dates(&parts);
    require(whole.n == parts.n && memcmp(whole.bytes, parts.bytes, whole.n) == 0);
    require(whole.end == parts.end);
    return 0;
}
