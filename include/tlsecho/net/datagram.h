/* SPDX-License-Identifier: MIT */
/*
 * Datagrams in batches (RFC 768), each with its addresses and with what the kernel knows of it:
 * recvmmsg(2), sendmmsg(2). A socket is connected, as a client's, or not, as a server's; both have
 * one table of operations.
 *
 * An operation does what it can without waiting and returns the result. There are no callbacks, and
 * nothing is allocated per datagram.
 *
 * Ownership: a socket owns its descriptor unless it was lent; the buffers of the datagrams are the
 * caller's. Threads: one at a time per socket.
 */
#ifndef TLSECHO_DATAGRAM_H
#define TLSECHO_DATAGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "tlsecho/base/error.h"
#include "tlsecho/net/address.h"
#include "tlsecho/net/dial.h"

enum {
    DATAGRAM_BATCH = 32,        /* more in one call cost more memory and gain nothing */
    DATAGRAM_BYTES_MAX = 65535, /* room for every datagram; over IPv4 65,507 at most */
    DATAGRAM_UNKNOWN = -1,      /* of ttl and tos */
};

/*
 * One datagram, received or to be sent. IPv4-mapped addresses appear as IPv4 (address_unmap), and
 * an IPv6 socket sends to IPv4 addresses too.
 */
struct datagram {
    struct address peer;  /* its source, or where to send it; to send, length 0 = connected peer */
    struct address own;   /* the address that it was sent to, or the source to send it from; without
                             its port (0). length 0 = unknown, or the kernel chooses */
    unsigned char *data;  /* the caller's buffer */
    size_t size;          /* of the buffer */
    size_t length;        /* of the payload: received, at most size; or to send */
    struct timespec time; /* when the kernel received it, CLOCK_REALTIME; 0 s = unknown */
    int ttl;              /* received: TTL or hop limit; DATAGRAM_UNKNOWN */
    int tos;              /* received: the octet with DSCP and ECN, RFC 2474, RFC 3168; likewise */
    bool truncated;       /* received: it was longer than the buffer, and its rest is lost */
    bool to_many;         /* received: it was sent to a multicast or broadcast address */
};

enum datagram_status {
    DATAGRAM_OK,     /* receive: n > 0 of them; send: all of them */
    DATAGRAM_WAIT,   /* call again once the descriptor is readable, or writable */
    DATAGRAM_FAILED, /* err says why; call again at once: the next may succeed */
};

struct datagram_io {
    enum datagram_status status;
    size_t n; /* how many were received or sent, in every case */
};

/* An ICMP error for an earlier datagram, or one of the local host (EMSGSIZE). */
struct datagram_error {
    int code;               /* errno: ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EMSGSIZE, ... */
    size_t mtu;             /* with EMSGSIZE: of the path, IP header included; else 0 */
    bool local;             /* of this host rather than by ICMP */
    bool receiving;         /* with local: nothing could be received, rather than sent */
    struct address from;    /* of the ICMP message; length 0 = none or unknown */
    unsigned char data[64]; /* the beginning of the payload that it is about */
    size_t length;          /* of data */
};

struct datagram_socket;

struct datagram_ops {
    /*
     * Receives up to `count` datagrams (of which a call takes at most DATAGRAM_BATCH) into their
     * buffers: the caller sets data and size, the rest is filled. Fewer than that: there is nothing
     * more for now. DATAGRAM_FAILED, with n 0: an error that ICMP has reported, or the socket's.
     */
    struct datagram_io (*receive)(struct datagram_socket *s, struct datagram items[], size_t count,
                                  struct error *err);

    /*
     * Sends data, length, to peer, from own. The first n have been sent. DATAGRAM_WAIT: the rest
     * finds no room now. DATAGRAM_FAILED: items[n] has failed, and those after it have not been
     * tried.
     */
    struct datagram_io (*send)(struct datagram_socket *s, const struct datagram items[],
                               size_t count, struct error *err);

    /* The oldest ICMP error that waits, with datagram_options.errors; false if there is none. They
     * wake the descriptor until they are taken. */
    bool (*take_error)(struct datagram_socket *s, struct datagram_error *ret);

    void (*free)(struct datagram_socket *s);
};

struct datagram_socket {
    const struct datagram_ops *ops;
    int fd; /* to wait on; only the operations read and write it */
    uint32_t
        kernel_drops; /* datagrams that the kernel dropped as the receive buffer was full, since
                         the socket was opened, as of the last one received; it wraps around */
};

/* What to ask the kernel for; each of them costs time per datagram. */
struct datagram_options {
    bool own;            /* datagram.own and to_many: IP_PKTINFO, IPV6_RECVPKTINFO. A socket bound
                            to one address needs neither, and sends from there alone */
    bool time;           /* datagram.time: SO_TIMESTAMPNS */
    bool ttl, tos;       /* IP_RECVTTL, IP_RECVTOS and their likes of IPv6 */
    bool errors;         /* take_error: IP_RECVERR, IPV6_RECVERR */
    bool never_fragment; /* a datagram that does not fit the path fails with EMSGSIZE:
                            IP_PMTUDISC_DO, ip(7) */
};

/* Wraps a bound or connected UDP socket that is non-blocking, and enlarges its receive buffer, so
 * that a burst, or a pause of the thread, loses nothing (SO_RCVBUF, socket(7)). lend: free leaves
 * fd open. Takes fd over otherwise, on failure too. ERROR_SYSTEM. */
int datagram_new(int fd, bool lend, const struct datagram_options *options,
                 struct datagram_socket **ret, struct error *err);

/* A new socket, connected to peer: only datagrams from there arrive. origin: NULL = the kernel's
 * defaults. ERROR_SYSTEM. */
int datagram_connect(const struct address *peer, const struct dial_origin *origin,
                     const struct datagram_options *options, struct datagram_socket **ret,
                     struct error *err);

/* Sets other options on an open socket. ERROR_SYSTEM. */
int datagram_set_options(struct datagram_socket *s, const struct datagram_options *options,
                         struct error *err);

/* The longest payload that goes to peer without fragments, as far as the kernel knows the path; 0 =
 * unknown. It takes four system calls. */
size_t datagram_path_room(const struct address *peer);

/* How many to receive at once after so many: few where few come, as each place costs time. */
static inline size_t datagram_next_batch(size_t last)
{
    return last < DATAGRAM_BATCH / 2 ? 2 * last + 1 : DATAGRAM_BATCH;
}

static inline struct datagram_io datagram_receive(struct datagram_socket *s,
                                                  struct datagram items[], size_t count,
                                                  struct error *err)
{
    return s->ops->receive(s, items, count, err);
}

static inline struct datagram_io datagram_send(struct datagram_socket *s,
                                               const struct datagram items[], size_t count,
                                               struct error *err)
{
    return s->ops->send(s, items, count, err);
}

static inline bool datagram_take_error(struct datagram_socket *s, struct datagram_error *ret)
{
    return s->ops->take_error(s, ret);
}

static inline void datagram_free(struct datagram_socket *s)
{
    if (s)
        s->ops->free(s);
}

#endif
