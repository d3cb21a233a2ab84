/* SPDX-License-Identifier: MIT */
/*
 * How a connection ended: the one list, for the log and the metrics.
 *
 * Ownership: none.   Threads: any.
 */
#ifndef TLSECHO_CONN_END_H
#define TLSECHO_CONN_END_H

enum conn_end {
    CONN_END_NONE,              /* it is open */
    CONN_END_CLOSED,            /* the peer closed it, and was sent all output */
    CONN_END_CUT,               /* likewise, but with FIN and no close_notify */
    CONN_END_FINISHED,          /* the service has sent all of its output */
    CONN_END_PROBE,             /* the peer closed it before any byte */
    CONN_END_REFUSED,           /* deny, allow or per_source, by the source of the PROXY header */
    CONN_END_RESET,             /* RST */
    CONN_END_VANISHED,          /* the kernel timed out: keepalive or retransmission */
    CONN_END_PROXY,             /* no PROXY header, a bad one, or its source is not in proxy_from */
    CONN_END_HANDSHAKE,         /* the handshake failed, or the peer closed during it */
    CONN_END_HANDSHAKE_LIMIT,   /* the oldest unfinished handshake, above limits.handshakes */
    CONN_END_TLS,               /* a TLS error after the handshake */
    CONN_END_FLOOD,             /* too many key updates, empty records, ... */
    CONN_END_HANDSHAKE_TIMEOUT, /* no complete PROXY header and handshake in time */
    CONN_END_REQUEST,           /* a request was refused */
    CONN_END_REQUEST_TIMEOUT,   /* a request was not complete in time */
    CONN_END_IDLE_TIMEOUT,      /* no byte either way */
    CONN_END_REPLACED,          /* DTLS: the client began another association from its port */
    CONN_END_WRITE_TIMEOUT,     /* the peer did not accept pending output */
    CONN_END_LIFETIME,          /* timeouts.lifetime */
    CONN_END_DRAINED, /* the server is stopping, and it was quiet or timeouts.drain expired */
    CONN_END_STOPPED, /* the server stopped at once */
    CONN_END_FAILED,  /* no memory here, or a system call failed */
    CONN_ENDS,
};

/* The word in the log. */
const char *conn_end_name(enum conn_end reason);

#endif
