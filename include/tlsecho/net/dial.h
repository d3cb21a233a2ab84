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
    struct address source; /* to bind to first; length 0 = whichever the kernel takes */
    unsigned dscp;         /* RFC 2474, SYN included; 0 = the kernel's default */
};

/*
 * Tries the addresses, at least one, families in turn (§4), each DIAL_DELAY_MS after the one before
 * or as soon as that has failed (§5); the first that connects wins, the others are closed. Waits
 * until then, or until clock_now_us() is deadline_us (UINT64_MAX = no deadline). source: the
 * address to bind to first, or NULL. stop_fd: -1, or a descriptor that says by being readable that
 * nobody waits any more. The descriptor is non-blocking and close-on-exec, with TCP_NODELAY set.
 *
 * *ret_index, also on failure: the address that has connected, or that err is about. err names the
 * others that were tried, and none that was not.
 *
 * ERROR_TIMEOUT: this attempt still waits for its answer. ERROR_UNACKNOWLEDGED: it waits although
 * its SYN was sent again. ERROR_INTERRUPTED: stop_fd became readable. ERROR_SYSTEM: all have
 * failed, and this is the last that was refused, or else was unreachable, or else failed.
 */
int dial(const struct address *addresses, size_t count, const struct dial_origin *origin,
         uint64_t deadline_us, int stop_fd, int *ret_fd, size_t *ret_index, struct error *err);

/*
 * One attempt, for a loop that must not wait. Writable, the descriptor (as dial's) is over with it,
 * and dial_finish says how it went. A Unix socket connects at once, or fails: with EAGAIN if its
 * backlog is full. ERROR_SYSTEM; dial_begin has closed the descriptor then, dial_finish has not.
 */
int dial_begin(const struct address *address, const struct dial_origin *origin, int *ret_fd,
               struct error *err);
int dial_finish(int fd, const struct address *address, struct error *err);

/* And one that is given up while it waits: ERROR_TIMEOUT or ERROR_UNACKNOWLEDGED, as dial. Always
 * returns -1. */
int dial_expire(int fd, const struct address *address, struct error *err);

#endif
