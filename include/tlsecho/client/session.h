/* SPDX-License-Identifier: MIT */
/*
 * One connection to the server, from its name to a finished handshake, with the time that each
 * phase took. Several sessions, one after the other, may share a target.
 *
 * Ownership: a session owns its transport; the target is the caller's and outlives it.
 * Threads: one at a time, and one for all sessions of a target.
 */
#ifndef TLSECHO_SESSION_H
#define TLSECHO_SESSION_H

#include <stdint.h>

#include "tlsecho/base/error.h"
#include "tlsecho/client/result.h"
#include "tlsecho/client/target.h"
#include "tlsecho/net/socket.h"
#include "tlsecho/net/transport.h"

#define SESSION_UNKNOWN_US UINT64_MAX

struct session {
    struct target *target;
    struct transport *transport; /* NULL until TCP is connected */
    enum phase phase;            /* the present one; after a failure the one that failed */
    struct address peer, own;    /* length 0 = unknown; peer is the one that was tried last */
    uint64_t started_us;         /* clock_now_us */
    /* How long each took; SESSION_UNKNOWN_US = not finished, or none. PHASE_ECHO is the first echo
     * alone, and its mode's to fill in. */
    uint64_t phase_us[PHASES];

    /* What ends session_open early; may be set after session_init. */
    uint64_t deadline_us; /* UINT64_MAX = none but connect_timeout_ms of the options */
    int stop_fd;          /* readable: nobody waits any more; -1 = none; interrupt_fd() at first */
};

void session_init(struct session *s, struct target *target);

/*
 * Prepares and resolves the target if that has not been done, connects (RFC 8305), shakes hands.
 * Blocks, at most for options->connect_timeout_ms once the files of the options are read. On
 * failure s->phase says how far it came, and err why: ERROR_INTERRUPTED by stop_fd.
 */
int session_open(struct session *s, struct error *err);

/* Saves what `resume` of the options will want next time, if there is anything, and looks whether
 * the key log is whole. A failure becomes the outcome unless an earlier one is. */
void session_keep(struct session *s, struct outcome *outcome);

/* Ends our direction if that has not been done, and closes. Then it is as after session_init. */
void session_close(struct session *s);

#endif
