/* SPDX-License-Identifier: MIT */
/*
 * The results of a system call that a test replaces, in order. A call too many fails the test.
 *
 * Threads: one.
 */
#ifndef TLSECHO_TEST_SCRIPTED_CALL_H
#define TLSECHO_TEST_SCRIPTED_CALL_H

#include <stddef.h>
#include <sys/types.h>

enum { SCRIPTED_CALLS = 8 };

struct scripted_call {
    struct {
        ssize_t result;
        int code; /* errno */
    } answers[SCRIPTED_CALLS];
    unsigned expected, made;
    size_t sizes[SCRIPTED_CALLS]; /* that were asked for */
    size_t size;                  /* the last of them */
    int flags;                    /* likewise */
};

/* The next result. code 0: errno stays as it was. */
void scripted_call_expect(struct scripted_call *call, ssize_t result, int code);

/* The call itself. */
ssize_t scripted_call_make(struct scripted_call *call, size_t size, int flags);

/* That all were made. */
void scripted_call_check(const struct scripted_call *call);

#endif
