/* SPDX-License-Identifier: MIT */
/*
 * Requests to the admin address: GET and HEAD of three paths. A pure function.
 *
 * Ownership: none.   Threads: any.
 */
#ifndef TLSECHO_ADMIN_REQUEST_H
#define TLSECHO_ADMIN_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "tlsecho/net/http.h"

enum { ADMIN_REQUEST_BYTES = 4096 }; /* at most, from the first byte to the empty line */

enum admin_path { ADMIN_METRICS, ADMIN_HEALTHZ, ADMIN_READYZ };

struct admin_request {
    enum admin_path path;
    bool head;    /* the answer has no body */
    bool by_name; /* its Host is a name other than localhost */
};

/*
 * The status for the bytes received so far: HTTP_OK, or that of a refusal. HTTP_MORE = incomplete;
 * never from ADMIN_REQUEST_BYTES on. ret->head is set in any case, the rest of ret if it is
 * HTTP_OK. Bytes after the empty line are ignored.
 */
enum http_status admin_request_parse(const char *data, size_t size, struct admin_request *ret);

#endif
