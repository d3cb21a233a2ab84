/* SPDX-License-Identifier: MIT */
/*
 * The first datagrams of a DTLS client, before anything is kept of it (RFC 6347 §4.2.1): the answer
 * to a ClientHello is a cookie, shorter than the ClientHello, and only who returns it receives at
 * its source address. A cookie is an HMAC over both addresses under a key that changes every
 * minute; the key before is still accepted.
 *
 * Ownership: the creator's.   Threads: one at a time.
 */
#ifndef TLSECHO_DTLS_COOKIE_H
#define TLSECHO_DTLS_COOKIE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tlsecho/base/error.h"
#include "tlsecho/net/address.h"

struct dtls_cookies;

/* ERROR_SYSTEM. */
int dtls_cookies_new(struct dtls_cookies **ret, struct error *err);
void dtls_cookies_free(struct dtls_cookies *cookies);

enum { DTLS_COOKIE_ANSWER_BYTES = 60, DTLS_KEY_US = 60 * 1000 * 1000 };

enum dtls_first {
    DTLS_FIRST_ASK,      /* no cookie yet: *ret_answer is a HelloVerifyRequest to send */
    DTLS_FIRST_WRONG,    /* a cookie that is not ours for these addresses, or no longer: likewise */
    DTLS_FIRST_PROVEN,   /* it returned a cookie of ours for these addresses */
    DTLS_FIRST_OTHER,    /* not a ClientHello, or a malformed one */
    DTLS_FIRST_TOO_LONG, /* a ClientHello of more than max_bytes */
};

/* A datagram that may be a ClientHello. */
struct dtls_first_flight {
    const struct address *peer, *own; /* own with its port */
    const unsigned char *data;
    size_t length;
    size_t max_bytes; /* of the ClientHello; 0 = any */
};

/* Nothing is kept of it. now_us: the clock's (clock.h). */
enum dtls_first dtls_cookies_check(struct dtls_cookies *cookies,
                                   const struct dtls_first_flight *flight, uint64_t now_us,
                                   unsigned char ret_answer[DTLS_COOKIE_ANSWER_BYTES]);

#endif
