/* SPDX-License-Identifier: MIT */
/*
 * Parts of a message: shared by the files of the parser.
 *
 * Ownership: none.   Threads: any.
 */
#ifndef TLSECHO_HTTP_TEXT_H
#define TLSECHO_HTTP_TEXT_H

#include "tlsecho/net/http.h"

/* RFC 9110 §5.6.2 */
bool http_text_is_token_char(unsigned char c);
bool http_text_is_token(struct http_span span);

struct http_span http_text_trim(struct http_span span);

/* Removes the part before the first c, and the c, from rest. False if there is no c. */
bool http_text_split(struct http_span *rest, char c, struct http_span *ret);

/* Takes the first entry off a list that commas separate (RFC 9110 §5.6.1), trimmed; false: none is
 * left. Empty entries are left out. */
bool http_text_next_entry(struct http_span *list, struct http_span *ret);

/* RFC 9110 §4.2.1, §7.2: a host, which must not be empty, and an optional port. */
bool http_host_is_valid(struct http_span host);

/* The authority of a target in absolute form (RFC 9112 §3.2.2). False: it has another form. */
bool http_target_authority(struct http_span target, struct http_span *ret);

#endif
