/* SPDX-License-Identifier: MIT */
/*
 * What a load consists of.
 *
 * Ownership: values.   Threads: any.
 */
#ifndef TLSECHO_BENCH_LOAD_H
#define TLSECHO_BENCH_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "tlsecho/client/expect_kind.h"

enum { BENCH_DATAGRAM_WAIT_MS = 2000 }; /* over UDP: a message that is not back then is lost */

struct bench_load {
    bool handshakes;      /* instead of messages */
    uint32_t connections; /* with handshakes: that many at a time */
    uint32_t threads;     /* no more than connections */
    uint32_t pipeline;    /* messages in flight per connection */
    uint64_t size_bytes;  /* of a message; 0 = send nothing, only receive */
    uint64_t messages;    /* to send, over all connections; 0 = by time */
    uint64_t measured_ns; /* 0 = until all messages are back; at a rate all are due within it */
    uint64_t omit_ns;     /* before the measured time */
    uint64_t ramp_ns;     /* connections begin one after the other within it; in a closed loop they
                             are used at once. 0 = as fast as they come up */
    int64_t start_at_us;  /* wall clock: all connections begin earlier and wait for it; handshakes
                             begin then. 0 = when all are up */
    double rate;          /* messages per second over all connections, each due at its time whatever
                             became of those before (open loop); 0 = as fast as the server answers */
    enum expect_kind expect;
    uint64_t connect_timeout_ns, idle_timeout_ns; /* 0 = none */
};

#endif
