/* SPDX-License-Identifier: MIT */
/*
 * A load on one server: many connections, messages on them or only their handshakes, and what was
 * measured. Each thread has its own connections, loop and measures.
 *
 * Ownership: the target and what a watch points to stay the caller's.   Threads: one calls, and is
 * told; the connections' own end with the call.
 */
#ifndef TLSECHO_BENCH_H
#define TLSECHO_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tlsecho/client/bench_measure.h"
#include "tlsecho/client/expect_kind.h"
#include "tlsecho/client/result.h"
#include "tlsecho/client/target.h"
#include "tlsecho/net/address.h"

enum {
    BENCH_LAST_REPLIES_MS = 50,   /* after an interrupt: for what is on its way */
    BENCH_SPARE_DESCRIPTORS = 64, /* beside those of the connections */
};

struct bench_load {
    bool handshakes;      /* instead of messages */
    uint32_t connections; /* with handshakes: as many at a time */
    uint32_t threads;     /* no more than connections */
    uint32_t pipeline;    /* messages on their way, per connection */
    uint64_t size_bytes;  /* of a message; 0 = send nothing, only receive */
    uint64_t messages;    /* to send, over all connections; 0 = by time */
    uint64_t measured_ns; /* 0 = until all messages are back; with a rate all are due in it */
    uint64_t omit_ns;     /* before it, and not measured */
    uint64_t ramp_ns;     /* connections begin one after the other within it; in a closed loop they
                             are used at once. 0 = as fast as they come up */
    double rate;          /* messages per second over all connections, each due at its time whatever
                             became of those before (open loop); 0 = as fast as the server answers */
    enum expect_kind expect;
    uint64_t connect_timeout_ns, idle_timeout_ns; /* 0 = none */
};

/* What somebody who watches is told, ten times a second and at each second's end. */
struct bench_progress {
    uint32_t connections, connections_up; /* before the start of the load */
    bool started;
    double elapsed_s, whole_s;         /* since its start; 0 if nobody knows how long it takes */
    const struct bench_second *second; /* the last whole one; NULL before that */
    bool new_second;                   /* it has just ended */
};

struct session;

struct bench_watch {
    struct session *first; /* an open one is connection 1, and is hung up; NULL = none */
    int interrupt_fd;      /* of interrupt.h; -1 = none */
    void (*progress)(void *context, const struct bench_progress *progress); /* NULL = nobody */
    void *context;
};

/*
 * Puts the load on the target, which has been prepared and looked up: its addresses share the
 * connections, and one that refuses leaves its share to the next. Blocks until it is
 * over; an interrupt ends it within BENCH_LAST_REPLIES_MS. *ret, which has been initialized, is
 * added to; the outcome gets the first error of a connection, if there was one. -1: nothing was
 * measured for want of memory or threads, as the outcome says.
 */
int bench_run(const struct bench_load *load, struct target *target, struct bench_watch *watch,
              struct bench_measure *ret, struct outcome *outcome);

#endif
