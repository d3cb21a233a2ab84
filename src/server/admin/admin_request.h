/* SPDX-License-Identifier: MIT */
/*
 * The parser for requests to the admin address: HTTP/1.0 and 1.1 (RFC 9112), GET and HEAD of three
 * paths. A pure function.
 *
 * Ownership: none.   Threads: any.
 */
#ifndef TLSECHO_ADMIN_REQUEST_H
#define TLSECHO_ADMIN_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

enum { ADMIN_REQUEST_BYTES = 4096 }; /* at most, from the first byte to the empty line */

enum admin_path { ADMIN_METRICS, ADMIN_HEALTHZ, ADMIN_READYZ };

struct admin_request {
    enum admin_path path;
    bool head;    /* the answer has no body */
    bool by_name; /* its Host is a name other than localhost */
};

/*
 * The status for the bytes received so far: 200 (then ret is filled), 400, 404, 405 or 431 (RFC
 * 9110 §15, RFC 6585 §5). 0 = incomplete; never from ADMIN_REQUEST_BYTES on. Bytes after the empty
 * line are ignored.
 */
int admin_request_parse(const char *data, size_t size, struct admin_request *ret);

#endif
