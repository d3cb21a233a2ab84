/* SPDX-License-Identifier: MIT */
/*
 * A load on one server: many connections, with messages or only their handshakes, and what was
 * measured. Each thread has its own connections, loop and measures.
 *
 * Ownership: the target and what a watch points to stay the caller's.   Threads: the caller's gets
 * the progress; the threads of the load end before bench_run returns.
 */
#ifndef TLSECHO_BENCH_H
#define TLSECHO_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#include "tlsecho/client/bench_load.h"
#include "tlsecho/client/bench_measure.h"
#include "tlsecho/client/result.h"
#include "tlsecho/client/target.h"

enum { BENCH_LAST_REPLIES_MS = 50 }; /* after an interrupt: for what is on its way */

/* The state of a running load, reported ten times a second and at each second's end. */
struct bench_progress {
    uint32_t connections, connections_up; /* before the start of the load */
    bool started;
    double starts_in_s;                /* --start-at: until then; 0 = it has started, or is due */
    double elapsed_s, whole_s;         /* since its start; 0 = unknown how long it takes */
    const struct bench_second *second; /* the last whole one; NULL before that */
    bool new_second;                   /* it has just ended */
};

struct session;

struct bench_watch {
    struct session *first; /* used as connection 1, and hung up at its end; NULL = none */
    int interrupt_fd;      /* of interrupt.h; -1 = none */
    void (*progress)(void *context, const struct bench_progress *progress); /* NULL = none */
    void *context;
};

/*
 * Runs the load on the target, which has been prepared and looked up: its addresses share the
 * connections, and a connection that one refuses goes to the next. Blocks until the end; an
 * interrupt ends the load within BENCH_LAST_REPLIES_MS. Adds the results to *ret, which has been
 * initialized; the outcome gets the first error of a connection. -1: nothing was measured for lack
 * of memory or threads, as the outcome says.
 */
int bench_run(const struct bench_load *load, struct target *target, struct bench_watch *watch,
              struct bench_measure *ret, struct outcome *outcome);

#endif
