/* SPDX-License-Identifier: MIT */
/*
 * A transport each of whose results is a choice of the explorer. It keeps the contract of
 * transport.h (an end, a reset or a failure lasts), and requires that its caller keeps it too. It
 * knows each byte of both directions by its place in the stream, so none can be lost, repeated or
 * reordered unnoticed.
 *
 * Ownership: embedded in the test; `free` only counts.   Threads: one.
 */
#ifndef TLSECHO_EXPLORED_TRANSPORT_H
#define TLSECHO_EXPLORED_TRANSPORT_H

#include "explore.h"
#include "tlsecho/base/want.h"
#include "tlsecho/net/transport.h"

/* What the peer does. */
enum explored_peer {
    EXPLORED_FREE,   /* anything: each result is chosen */
    EXPLORED_ENDS,   /* it takes all that is sent, and closes its direction */
    EXPLORED_CUTS,   /* the same, without close_notify */
    EXPLORED_RESETS, /* RST */
    EXPLORED_SILENT, /* it neither sends nor takes anything */
    EXPLORED_SERVES, /* it takes all, sends up to in_limit, and ends once our direction has */
};

struct explored_transport {
    struct transport base;
    struct explore *x; /* of this step */
    enum explored_peer peer;
    unsigned choices_left; /* in this step; then the peer is silent until its end */
    size_t in_max;         /* bytes that a read brings at the most; 0 = as many as there is room */
    uint64_t in_limit;     /* bytes that arrive at the most */
    unsigned char (*sent_by_peer)(uint64_t position);
    unsigned char (*expected)(uint64_t position); /* what has to be written */

    bool shaken;          /* the handshake is done */
    enum io_status input; /* IO_OK until it has ended: IO_EOF, IO_CUT or IO_RESET */
    bool failed;          /* IO_FAILED was returned */
    bool buffered;        /* bytes were accepted, but not yet sent */
    bool more;            /* the last read said that there is more */
    bool shut;            /* our direction is closed */
    bool finished;        /* by transport_finish */
    bool works, flood;    /* until the end of this step: writes work; and reads, with more */
    unsigned blocked;     /* enum want: what the last operation waits for, 0 = nothing */
    uint64_t arrived, written;
    unsigned calls, freed;
};

/* splices: it offers transport_splice. */
void explored_init(struct explored_transport *t, bool splices);

/* Before each step. choices_max: results of operations that are chosen in this step. */
void explored_begin(struct explored_transport *t, struct explore *x, unsigned choices_max);

/* The result of a handshake: of the transport's own, or of a PROXY header's reader before it. */
struct io explored_handshake(struct explored_transport *t, const char *what, struct error *err);

uint64_t explored_state(const struct explored_transport *t, uint64_t hash);

#endif
