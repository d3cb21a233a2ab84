/* SPDX-License-Identifier: MIT */
/*
 * The largest ClientHello that is answered, to the byte.
 *
 * Ownership: values.   Threads: one.
 */
#ifndef TLSECHO_HELLO_BISECT_H
#define TLSECHO_HELLO_BISECT_H

#include "hello_case.h"

struct hello_limit {
    bool found;                 /* else the path changed its mind: there is no limit */
    struct hello_score passing; /* the largest that is answered, at the end */
    struct hello_score failing; /* the next larger one that is not */
    struct hello_score control; /* an unpadded one at the same time */
    unsigned count;             /* of ClientHellos that it took to find it */
};

/* Between two sizes, of which the smaller is answered and the larger is not. At the end both are
 * tried again, with the control, and recorded as steps. Errors as of hello_cases_try. */
int hello_bisect(struct hellos *h, size_t passing_bytes, size_t failing_bytes,
                 struct hello_limit *ret, struct error *err);

#endif
