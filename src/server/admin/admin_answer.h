/* SPDX-License-Identifier: MIT */
/*
 * An HTTP response.
 *
 * Ownership: the caller frees text.   Threads: any.
 */
#ifndef TLSECHO_ADMIN_ANSWER_H
#define TLSECHO_ADMIN_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "tlsecho/net/http.h"

struct admin_body {
    const char *type; /* Content-Type */
    const char *text;
    size_t size;
};

/* The head (RFC 9112 §4 and §5) and, unless head_only, the body. NULL = no memory. */
char *admin_answer(enum http_status status, const struct admin_body *body, bool head_only,
                   size_t *ret_size);

/* The body for a status, one line. */
const char *admin_answer_text(enum http_status status);

#endif
