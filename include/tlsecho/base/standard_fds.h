/* SPDX-License-Identifier: MIT */
/*
 * Descriptors 0, 1 and 2, stdin(3). A process that was started without one of them would get it for
 * its first socket or file, and write its log there.
 *
 * Ownership: none.   Threads: before the first one.
 */
#ifndef TLSECHO_STANDARD_FDS_H
#define TLSECHO_STANDARD_FDS_H

enum standard_fds {
    STANDARD_FDS_NULL, /* like /dev/null */
    STANDARD_FDS_FAIL, /* every use of it fails, with EBADF */
};

/* What is put in the place of each of the three that is closed. The first thing a program does. */
void standard_fds_open(enum standard_fds what);

#endif
