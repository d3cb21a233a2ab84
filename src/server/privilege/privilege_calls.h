/* SPDX-License-Identifier: MIT */
/*
 * The system calls that the server needs once it has given up its privileges.
 * privilege_filter_main.c makes a filter of them, for seccomp(2).
 */
#ifndef TLSECHO_SERVER_PRIVILEGE_CALLS_H
#define TLSECHO_SERVER_PRIVILEGE_CALLS_H

#include <stdint.h>

/* A call is allowed if the bits of the mask in its argument have that value; mask 0 = always. */
struct privilege_call {
    const char *name;
    unsigned argument;
    uint64_t mask, value;
};

extern const struct privilege_call privilege_calls[]; /* the last one has no name */

#endif
