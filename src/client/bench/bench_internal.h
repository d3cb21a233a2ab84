/* SPDX-License-Identifier: MIT */
/*
 * What the files of the load share: a run, its threads, their connections.
 *
 * Ownership: a run owns its threads, a thread its connections.   Threads: a thread's things are its
 * own, but for what is said to be shared.
 */
#ifndef TLSECHO_BENCH_INTERNAL_H
#define TLSECHO_BENCH_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "bench_pattern.h"
#include "tlsecho/client/bench.h"
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

/* A connection. Its messages are numbered from 0; offsets are those of its stream. */
/* For a server that does not echo: what a load can be all the same. */
#define BENCH_WITHOUT_ECHO    "add --expect none to compare nothing, or --handshakes to only connect"
#define BENCH_IF_WITHOUT_ECHO "if it is no echo server, " BENCH_WITHOUT_ECHO

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

/* bench_conn.c: its life */

/* How long the session took for TCP and TLS; 0 if there is none. */
uint64_t bench_conn_age_ns(const struct session *first);

/* Begins to connect. */
void bench_conn_open(struct bench_conn *c);

/* Nothing new is to be sent: ends it, unless something of it is on its way. */
void bench_conn_finish(struct bench_conn *c);

/* Ends it in order. */
void bench_conn_end(struct bench_conn *c);

/* Something of it is on its way. */
bool bench_conn_is_busy(const struct bench_conn *c);

/* Looks at its time-outs; opens it if it is closed. */
void bench_conn_sweep(struct bench_conn *c, uint64_t now_ns);

/* Takes it down: without a word, or counted. */
void bench_conn_drop(struct bench_conn *c);
void bench_conn_fail(struct bench_conn *c, enum phase phase, const struct error *err);
void bench_conn_fail_as(struct bench_conn *c, const struct outcome *outcome);

/* reactor_want; if that fails, so does the connection. */
void bench_conn_wait(struct bench_conn *c, unsigned want);

/* The load has started: it may send. */
void bench_conn_start(struct bench_conn *c);

/* Sends what may be sent now. */
void bench_conn_send(struct bench_conn *c, uint64_t now_ns);

/* bench_traffic.c: its messages. They know the connection's transport, and leave its life to
 * bench_conn.c. */

enum bench_step {
    BENCH_GO_ON,  /* when *ret_want is there */
    BENCH_DONE,   /* nothing more is to be sent or received */
    BENCH_FAILED, /* the outcome says why */
};

/* Sends what may be sent now; never BENCH_FAILED. */
enum bench_step bench_traffic_start(struct bench_conn *c, uint64_t now_ns, unsigned *ret_want);

/* Receives, compares, sends. */
enum bench_step bench_traffic_run(struct bench_conn *c, unsigned *ret_want, struct outcome *ret);

/* Sends what may be sent now, even if nothing may. Returns what to wait for. */
unsigned bench_traffic_send(struct bench_conn *c, uint64_t now_ns);

/* Nothing more is to be sent or received. */
bool bench_traffic_is_done(const struct bench_conn *c);

/* Whether something was sent to be echoed, and nothing at all came back. */
bool bench_traffic_lacks_echo(const struct bench_conn *c);

/* bench_thread.c */

/* When message number k of a connection is, or was, due; open loop only. */
uint64_t bench_thread_due_ns(const struct bench_thread *t, uint32_t number, uint64_t k);

/* ERROR_SYSTEM; bench_thread_done in any case. index: 0 to load.threads - 1. */
int bench_thread_init(struct bench_thread *t, struct bench_run *run, uint32_t index,
                      struct error *err);
void bench_thread_done(struct bench_thread *t);

/* The loop, for thread_start. */
void *bench_thread_main(void *thread);

/* bench_count.c: what its connections tell a thread. */

void bench_count_up(struct bench_conn *c);
void bench_count_message(struct bench_thread *t, uint64_t due_ns, uint64_t begun_ns,
                         uint64_t now_ns);
void bench_count_bytes(struct bench_thread *t, uint64_t sent, uint64_t received, uint64_t now_ns);
void bench_count_failure(struct bench_conn *c, const struct outcome *outcome);

/* Wakes who watches. */
void bench_count_news(struct bench_run *run);

/* Adds the thread's share to the run's present second. */
void bench_count_publish(struct bench_thread *t);

/* CPU that the calling thread has used. */
void bench_count_cpu(double *ret_user_s, double *ret_system_s);

#endif
