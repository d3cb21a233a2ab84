/* SPDX-License-Identifier: MIT */
/*
 * A datagram socket that receives what a test has put there, and remembers what was sent.
 *
 * Ownership: embedded in the test; `free` only counts.   Threads: one.
 */
#ifndef TLSECHO_FAKE_DATAGRAM_H
#define TLSECHO_FAKE_DATAGRAM_H

#include "tlsecho/net/datagram.h"

enum { FAKE_DATAGRAMS = 256, FAKE_DATAGRAM_BYTES = 2048 };

struct fake_datagram {
    struct address peer, own;
    unsigned char data[FAKE_DATAGRAM_BYTES];
    size_t length;
    bool to_many;
    int ttl, tos;
    struct timespec time;
};

struct fake_datagrams {
    struct datagram_socket base;
    struct fake_datagram in[FAKE_DATAGRAMS], out[FAKE_DATAGRAMS];
    size_t in_count, in_taken, out_count;
    size_t room;      /* how many more can be sent before DATAGRAM_WAIT */
    size_t fail_at;   /* which of those sent fails, from 0; SIZE_MAX = none */
    int fail_code;    /* its errno */
    size_t tried;     /* datagrams to send */
    size_t calls;     /* of send */
    int receive_code; /* errno of every receive; 0 = none */
    int freed;
};

void fake_datagrams_init(struct fake_datagrams *fake);

/* One that waits to be received, from the address of an endpoint's text to 127.0.0.1. */
struct fake_datagram *fake_datagrams_add(struct fake_datagrams *fake, const char *from,
                                         const void *data, size_t length);

#endif
