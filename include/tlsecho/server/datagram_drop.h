/* SPDX-License-Identifier: MIT */
/*
 * Why a datagram gets no answer: the one list, for the log and the metrics.
 *
 * Ownership: none.   Threads: any.
 */
#ifndef TLSECHO_DATAGRAM_DROP_H
#define TLSECHO_DATAGRAM_DROP_H

enum datagram_drop {
    DATAGRAM_KEPT, /* it is not dropped */
    DATAGRAM_DROP_DENY,
    DATAGRAM_DROP_ALLOW,
    DATAGRAM_DROP_RATE,        /* limits.datagram_rate */
    DATAGRAM_DROP_PORT,        /* its source port is below 1024 */
    DATAGRAM_DROP_LISTENER,    /* its source port is that of a udp:// listener */
    DATAGRAM_DROP_MANY,        /* to or from a multicast or broadcast address */
    DATAGRAM_DROP_DESTINATION, /* where it was sent to is not known */
    DATAGRAM_DROP_LOOP,        /* its source returns the answers */
    DATAGRAM_DROP_SHORT,       /* too short for its service, or for the answer */
    DATAGRAM_DROP_LONG,        /* dtls://: its message is longer than limits.buffer */
    DATAGRAM_DROP_INVALID,     /* dtls://: not a record of DTLS, or of its association */
    DATAGRAM_DROP_UNKNOWN,     /* dtls://: of no association */
    DATAGRAM_DROP_LIMIT,       /* dtls://: a limit allows no further association */
    DATAGRAM_DROP_UNSENT,      /* the answer could not be sent */
    DATAGRAM_DROP_KERNEL,      /* the receive buffer was full */
    DATAGRAM_DROPS,
};

/* The word in the log and the metrics, such as "loop". */
const char *datagram_drop_name(enum datagram_drop drop);

#endif
