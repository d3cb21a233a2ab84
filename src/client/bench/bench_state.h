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
#include "tlsecho/client/hello_line.h"
#include "tlsecho/client/target.h"
#include "tlsecho/net/reactor.h"
#include "tlsecho/net/transport.h"

enum bench_state {
    BENCH_CLOSED,      /* not opened yet, or to be reopened */
    BENCH_CONNECTING,  /* TCP */
    BENCH_HANDSHAKING, /* TLS */
    BENCH_WAITING,     /* up; the load has not started */
    BENCH_RUNNING,
    BENCH_ENDING, /* we have ended; waiting for the end of the server */
    BENCH_OVER,
};

/* The result of a step of a connection. */
enum bench_step {
    BENCH_GO_ON,  /* call again when *ret_want is there */
    BENCH_DONE,   /* the part is complete */
    BENCH_FAILED, /* for the reason in *ret */
};

struct bench_conn;

/* What carries the messages of connections: one for streams, one for datagrams. */
struct bench_carrier {
    /* Begins to open it, in the state BENCH_CLOSED, and goes on with that. BENCH_DONE: it is up. */
    enum bench_step (*open)(struct bench_conn *c, unsigned *ret_want, struct outcome *ret);
    enum bench_step (*opening)(struct bench_conn *c, unsigned *ret_want, struct outcome *ret);

    /* Until the load starts: notices the end of the connection, and bytes that nothing asked for.
     */
    enum bench_step (*wait)(struct bench_conn *c, unsigned *ret_want, struct outcome *ret);

    /* As it begins to run: sends what may be sent now; never BENCH_FAILED. */
    enum bench_step (*start)(struct bench_conn *c, uint64_t now_ns, unsigned *ret_want);

    /* Receives, compares, sends. */
    enum bench_step (*run)(struct bench_conn *c, unsigned *ret_want, struct outcome *ret);

    /* Sends what may be sent now, even if nothing may. Returns what to wait for. */
    unsigned (*send)(struct bench_conn *c, uint64_t now_ns);

    /* Now and then while it runs: what has waited for too long. */
    enum bench_step (*sweep)(struct bench_conn *c, uint64_t now_ns, unsigned *ret_want,
                             struct outcome *ret);

    /* Something is to be sent, or an answer is to come; nothing more is to be sent or received. */
    bool (*is_busy)(const struct bench_conn *c);
    bool (*is_done)(const struct bench_conn *c);

    /* Ends it in order. BENCH_DONE: it has ended. */
    enum bench_step (*end)(struct bench_conn *c, unsigned *ret_want, struct outcome *ret);
};

/* A connection. Its messages are numbered from 0; offsets are those of its stream. */
struct bench_conn {
    struct reactor_source source;
    struct bench_thread *thread;
    struct transport *transport;       /* NULL while closed, connecting or over, and over UDP */
    struct bench_datagrams *datagrams; /* over UDP, while it is open */
    uint32_t number;                   /* within the run: selects the pattern and the order */
    enum bench_state state;
    uint64_t first;            /* index of the first address to try, modulo their number */
    uint32_t tried;            /* addresses that have refused */
    bool settled;              /* it has come up or failed at least once */
    bool flushing;             /* the transport has bytes that it has not sent */
    bool write_closed;         /* nothing can be sent any more; reading continues for the reason */
    int failure;               /* errno of a send that failed for this host's reason; 0 = none */
    bool notified;             /* close_notify and FIN are sent */
    bool borrowed;             /* the transport belongs to a session */
    uint64_t last_activity_ns; /* the last data in either direction, or the start of the state */
    uint64_t dialled_ns;       /* start of the attempt; 0 = not started */
    uint64_t connected_ns;     /* TCP */
    uint64_t up_ns;            /* TLS too */
    uint64_t quota;            /* messages that it may send */
    uint64_t due;              /* open loop: messages that are due */
    uint64_t begun;            /* messages begun */
    uint64_t answered;         /* messages that came back */
    uint64_t unsent_bytes;     /* of those begun */
    uint64_t sent, received;   /* offsets */
    struct hello_line hello;   /* with EXPECT_HELLO: what precedes the received bytes */
    uint64_t *begun_ns;        /* start of each message on its way: a ring of load.pipeline */
};

/* Shared by the threads. */
struct bench_run {
    const struct bench_load *load;
    const struct bench_carrier *carrier;
    struct target *target;
    struct session *first; /* of bench_watch */
    struct bench_pattern *pattern;
    uint64_t opening_ns; /* when the first connection was due */

    atomic_uint settled;            /* connections */
    atomic_uint up;                 /* connections */
    atomic_uint running;            /* threads */
    int news_fd;                    /* eventfd(2): a thread has news */
    atomic_uint_least64_t start_ns; /* start of the load, which may be in the future; 0 = unknown */
    atomic_uint_least64_t started_ns; /* when the first thread noticed it; 0 = not yet */
    atomic_uint unsettled;            /* connections that were still being opened then */
    atomic_bool stopping;             /* end now: interrupted, or wrong bytes came back */
    atomic_bool abandoned;            /* and do not wait for outstanding replies */

    pthread_mutex_t lock;      /* for what follows */
    struct outcome outcome;    /* the first error */
    struct histogram *latency; /* of the current second */
    struct bench_second second;
};

struct bench_thread {
    struct bench_run *run;
    pthread_t id;
    struct reactor *reactor;
    struct tls_scratch *scratch;
    unsigned char *in; /* BENCH_PIECE_BYTES, for received bytes */
    struct bench_conn *conns;
    uint64_t *rings; /* what conns' begun_ns point into */
    uint32_t count;
    uint32_t opened, opening, over; /* connections: begun; between dial and up; finished */
    uint32_t started;               /* connections that have been started */
    uint64_t sweep_ns;              /* next check of time-outs */
    uint64_t start_ns, begin_ns,
        end_ns;              /* of the load, of the measured time; UINT64_MAX = unknown */
    uint32_t turn;           /* open loop: index of the connection whose message is due next */
    uint64_t round;          /* and its number */
    double ns_per_message;   /* open loop, of the whole run */
    uint64_t measuring_ns;   /* start of the CPU measurement; 0 = not yet */
    bool behind;             /* -n at a rate: the time is over, but messages are left to send */
    bool finishing;          /* nothing new is sent any more */
    uint64_t finished_ns;    /* since then */
    atomic_uint published;   /* seconds */
    uint64_t last_ns;        /* last time that something was counted */
    double user_s, system_s; /* CPU at begin_ns */
    struct bench_measure measure;
    struct histogram *latency; /* of the current second */
    struct bench_second second;
};

#endif
