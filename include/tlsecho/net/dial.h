/* SPDX-License-Identifier: MIT */
/*
 * Connecting to the first of several addresses that answers: RFC 8305, "Happy Eyeballs".
 *
 * Ownership: the descriptor is the caller's to close.   Threads: any.
 */
#ifndef TLSECHO_DIAL_H
#define TLSECHO_DIAL_H

#include <stddef.h>
#include <stdint.h>

#include "tlsecho/base/error.h"
#include "tlsecho/net/address.h"

enum { DIAL_DELAY_MS = 250 }; /* RFC 8305 §5: Connection Attempt Delay */

/* Where connections come from, and what their packets carry. */
struct dial_origin {
    struct address source;  /* to bind to first; length 0 = the kernel chooses */
    unsigned dscp;          /* RFC 2474, SYN included; 0 = the kernel's default */
    unsigned segment_bytes; /* TCP_MAXSEG, tcp(7): neither end sends larger ones; 0 = likewise */
};

struct dial_request {
    const struct address *addresses; /* at least one */
    size_t count;
    const struct dial_origin *origin; /* NULL = the kernel's defaults */
    uint64_t deadline_us;             /* of clock_now_us; UINT64_MAX = none */
    int stop_fd;                      /* readable = stop waiting; -1 = none */
};

/*
 * Tries the addresses, families in turn (RFC 8305 §4), each DIAL_DELAY_MS after the one before or
 * as soon as that has failed (§5). The first connection wins, the others are closed. Waits until
 * then, until the deadline, or until stop_fd is readable. The descriptor is non-blocking and
 * close-on-exec, with TCP_NODELAY set.
 *
 * *ret_index, also on failure: the address that has connected, or that err is about. err names the
 * others that were tried, and none that was not.
 *
 * ERROR_TIMEOUT: no answer from that address in time. ERROR_UNACKNOWLEDGED: likewise, although its
 * SYN was sent again. ERROR_INTERRUPTED: stop_fd became readable. ERROR_SYSTEM: all have failed;
 * err is about the last one that was refused, else that was unreachable, else that failed.
 */
int dial(const struct dial_request *request, int *ret_fd, size_t *ret_index, struct error *err);

/*
 * One attempt, for an event loop. When the descriptor (made as by dial) is writable, the attempt is
 * over, and dial_finish returns its result. A Unix socket connects at once, or fails: with EAGAIN
 * if its backlog is full. ERROR_SYSTEM: dial_begin has closed the descriptor, dial_finish has not.
 */
int dial_begin(const struct address *address, const struct dial_origin *origin, int *ret_fd,
               struct error *err);
int dial_finish(int fd, const struct address *address, struct error *err);

/* The error of an attempt that got no answer in time: ERROR_TIMEOUT or ERROR_UNACKNOWLEDGED, as
 * dial. Always returns -1. */
int dial_expire(int fd, const struct address *address, struct error *err);

#endif
