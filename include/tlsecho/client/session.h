/* SPDX-License-Identifier: MIT */
/*
 * One connection to the server, from the name look-up to the end of the handshake, with the
 * duration of each phase. Several sessions, one after the other, may share a target.
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

struct dtls_session;

struct session {
    struct target *target;
    struct transport *transport;     /* NULL until TCP is connected */
    const struct dtls_session *dtls; /* of datagram_link.h, which owns it; NULL unless DTLS */
    enum phase phase;                /* the current one; after a failure the one that failed */
    struct address peer, own;        /* length 0 = unknown; peer is that of the last attempt */
    uint64_t started_us;             /* clock_now_us */
    /* How long each took; SESSION_UNKNOWN_US = not finished, or none. PHASE_ECHO is the first echo
     * only, and is set by the mode. */
    uint64_t phase_us[PHASES];

    /* What ends session_open early; may be set after session_init. */
    uint64_t deadline_us; /* UINT64_MAX = none but connect_timeout_ms of the options */
    int stop_fd;          /* readable: stop waiting; -1 = none; initially interrupt_fd() */
};

void session_init(struct session *s, struct target *target);

/*
 * Prepares and resolves the target unless that has been done, connects (RFC 8305) and does the
 * handshake. Blocks at most for options->connect_timeout_ms once the files of the options have been
 * read. On failure s->phase is the one that failed; ERROR_INTERRUPTED: by stop_fd.
 */
int session_open(struct session *s, struct error *err);

/*
 * The part of session_open before it connects: prepares and resolves the target if that has not
 * been done. *ret_deadline_us: when the rest has to be done. Errors as of session_open.
 */
int session_resolve(struct session *s, uint64_t *ret_deadline_us, struct error *err);

/* Saves the TLS session if `resume` of the options asks for it, and checks that the key log was
 * written. A failure becomes the outcome unless that is a failure already. */
void session_keep(struct session *s, struct outcome *outcome);

/* Ends our direction unless that has been done, and closes. The state is that of session_init. */
void session_close(struct session *s);

#endif
