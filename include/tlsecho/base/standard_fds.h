/* SPDX-License-Identifier: MIT */
/*
 * Descriptors 0, 1 and 2, stdin(3). If a process starts without one of them, its first socket or
 * file gets that number and would receive its log.
 *
 * Ownership: none.   Threads: before the first one.
 */
#ifndef TLSECHO_STANDARD_FDS_H
#define TLSECHO_STANDARD_FDS_H

enum standard_fds {
    STANDARD_FDS_NULL, /* like /dev/null */
    STANDARD_FDS_FAIL, /* every use of it fails, with EBADF */
};

/* Replaces each of the three that is closed. Call it first in main(). */
void standard_fds_open(enum standard_fds what);

#endif
