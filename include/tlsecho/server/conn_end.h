/* SPDX-License-Identifier: MIT */
/*
 * How a connection ended: the one list, for the log and for whoever counts.
 *
 * Ownership: none.   Threads: any.
 */
#ifndef TLSECHO_CONN_END_H
#define TLSECHO_CONN_END_H

enum conn_end {
    CONN_END_NONE,              /* it lives */
    CONN_END_CLOSED,            /* the peer ended it, and got everything that was owed */
    CONN_END_CUT,               /* likewise, but its FIN came without close_notify */
    CONN_END_FINISHED,          /* the service had sent all that it has */
    CONN_END_PROBE,             /* the peer ended it, and no byte came or went */
    CONN_END_REFUSED,           /* the client that a PROXY header named may not come in */
    CONN_END_RESET,             /* RST */
    CONN_END_VANISHED,          /* the kernel gave it up: keepalive or retransmission timed out */
    CONN_END_PROXY,             /* no PROXY header, a bad one, or from where none is believed */
    CONN_END_HANDSHAKE,         /* the handshake failed, or the peer left in the middle of it */
    CONN_END_HANDSHAKE_LIMIT,   /* the oldest unfinished one, when there were too many */
    CONN_END_TLS,               /* the TLS protocol broke after the handshake */
    CONN_END_FLOOD,             /* key updates, renegotiation, empty records, warning alerts */
    CONN_END_HANDSHAKE_TIMEOUT, /* no complete PROXY header and handshake in time */
    CONN_END_IDLE_TIMEOUT,      /* no byte either way */
    CONN_END_WRITE_TIMEOUT,     /* the peer took nothing of what was owed */
    CONN_END_LIFETIME,          /* it lived as long as it may */
    CONN_END_DRAINED,           /* we are stopping, and it was quiet or out of time */
    CONN_END_STOPPED,           /* we stopped at once */
    CONN_END_FAILED,            /* our own side: memory, or a system call */
    CONN_ENDS,
};

/* The word in the log. */
const char *conn_end_name(enum conn_end reason);

#endif
