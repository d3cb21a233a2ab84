/* SPDX-License-Identifier: MIT */
/*
 * What a peer is expected to send back.
 *
 * Ownership: none.   Threads: any.
 */
#ifndef TLSECHO_EXPECT_KIND_H
#define TLSECHO_EXPECT_KIND_H

#include "tlsecho/base/error.h"

enum expect_kind {
    EXPECT_ECHO,  /* every byte as it was sent (RFC 862) */
    EXPECT_UPPER, /* likewise, but a..z come back as A..Z */
    EXPECT_NONE,  /* anything */
    EXPECT_HELLO, /* as EXPECT_ECHO, after a line that says which server answers */
    EXPECT_STAMP, /* the packets of a STAMP reflector (RFC 8762); UDP only */
};

/* "echo", "upper", "none", "hello", "stamp". ERROR_INPUT lists them. */
int expect_kind_find(const char *name, enum expect_kind *ret, struct error *err);

const char *expect_kind_name(enum expect_kind kind);

#endif
