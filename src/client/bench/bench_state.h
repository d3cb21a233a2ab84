/* SPDX-License-Identifier: MIT */
/*
 * The state of a load: a run, its threads, their connections.
 *
 * Ownership: a run owns its threads, a thread its connections.   Threads: what a thread has is its
 * own, unless a field says that it is shared.
 */
#ifndef TLSECHO_BENCH_STATE_H
#define TLSECHO_BENCH_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "bench_pattern.h"
#include "tlsecho/client/bench_load.h"
#include "tlsecho/client/bench_measure.h"
#include "tlsecho/client/target.h"
#include "tlsecho/net/reactor.h"
#include "tlsecho/net/transport.h"

enum bench_state {
    BENCH_CLOSED,      /* not opened yet, or to be opened again */
    BENCH_CONNECTING,  /* TCP */
    BENCH_HANDSHAKING, /* TLS */
    BENCH_WAITING,     /* up, until the load starts */
    BENCH_RUNNING,
    BENCH_ENDING, /* our end is out, theirs is awaited */
    BENCH_OVER,
};

/* What a connection's module did with it. */
enum bench_step {
    BENCH_GO_ON,  /* call again when *ret_want is there */
    BENCH_DONE,   /* its part is complete */
    BENCH_FAILED, /* for the reason in *ret */
};

/* A connection. Its messages are numbered from 0; offsets are those of its stream. */
struct bench_conn {
    struct reactor_source source;
    struct bench_thread *thread;
    struct transport *transport; /* NULL while closed, connecting or over */
    uint32_t number;             /* among all of the run: the pattern's, and its turn */
    enum bench_state state;
    uint64_t first;    /* address of the target that the present attempt begins with, modulo them */
    uint32_t tried;    /* and those of them that have refused */
    bool settled;      /* it has come up, or failed, once */
    bool flushing;     /* the transport took bytes that it has not handed on */
    bool write_closed; /* nothing can be sent any more; what is still to be read says why */
    bool notified;     /* our end is out */
    bool borrowed;     /* the transport is a session's */
    uint64_t last_activity_ns; /* when anything came or went last, or the present state began */
    uint64_t dialled_ns;       /* when the present attempt began; 0 = it has not */
    uint64_t connected_ns;     /* TCP */
    uint64_t up_ns;            /* TLS too */
    uint64_t quota;            /* messages that it may send */
    uint64_t due;              /* open loop: messages whose time has come */
    uint64_t begun;            /* messages whose first byte was to be sent */
    uint64_t answered;         /* messages that are back */
    uint64_t unsent_bytes;     /* of those begun */
    uint64_t sent, received;   /* offsets */
    uint64_t *begun_ns;        /* when the messages on their way began: a ring of load.pipeline */
};

/* What threads share. */
struct bench_run {
    const struct bench_load *load;
    struct target *target;
    struct session *first; /* of bench_watch */
    struct bench_pattern *pattern;
    uint64_t opening_ns; /* when the first connection was to be made */

    atomic_uint settled;            /* connections */
    atomic_uint up;                 /* connections */
    atomic_uint running;            /* threads */
    int news_fd;                    /* eventfd(2): a thread has said something */
    atomic_uint_least64_t start_ns; /* of the load; 0 = not yet */
    atomic_bool stopping;           /* end now: interrupted, or something wrong came back */
    atomic_bool abandoned;          /* and do not wait for what is on its way */

    pthread_mutex_t lock;      /* for what follows */
    struct outcome outcome;    /* the first error */
    struct histogram *latency; /* of the present second */
    struct bench_second second;
};

struct bench_thread {
    struct bench_run *run;
    pthread_t id;
    struct reactor *reactor;
    struct tls_scratch *scratch;
    unsigned char *in; /* BENCH_PIECE_BYTES: what is just being received */
    struct bench_conn *conns;
    uint64_t *rings; /* what conns' begun_ns point into */
    uint32_t count;
    uint32_t opened, opening, over; /* connections: ever begun; between dial and up; done with */
    uint32_t started;               /* connections that were told of the start */
    uint64_t sweep_ns;              /* the next look at time-outs */
    uint64_t start_ns, begin_ns,
        end_ns;              /* of the load, of the measured time; UINT64_MAX = unknown */
    uint32_t turn;           /* open loop: whose message is due next */
    uint64_t round;          /* and its number */
    double ns_per_message;   /* open loop, of the whole run */
    uint64_t measuring_ns;   /* when it was seen that begin_ns is past; 0 = it is not */
    bool behind;             /* a count at a rate: its time is over, and not all could be sent */
    bool finishing;          /* nothing new is sent */
    uint64_t finished_ns;    /* since then */
    atomic_uint published;   /* seconds */
    uint64_t last_ns;        /* when anything was counted last */
    double user_s, system_s; /* CPU at begin_ns */
    struct bench_measure measure;
    struct histogram *latency; /* of the present second */
    struct bench_second second;
};

#endif
