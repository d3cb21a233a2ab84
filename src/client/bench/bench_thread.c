/* SPDX-License-Identifier: MIT */
#include "bench_thread.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench_conn.h"
#include "bench_count.h"
#include "bench_traffic.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/tls/tls_scratch.h"
#include "tlsecho/tls/transport_tls.h"

enum {
    OPENING_MAX =
        64, /* connections of a thread between dial and up, so that the backlog suffices */
    MESSAGES_PER_TURN = 64,     /* that a thread sends before it reads replies */
    SWEEP_EVERY_NS = 100000000, /* the precision of time-outs */
    SECOND_NS = 1000000000,
};

static uint64_t quota_of(const struct bench_load *load, uint32_t number)
{
    if (!load->messages)
        return UINT64_MAX;
    return load->messages / load->connections + (number < load->messages % load->connections);
}

/* Consecutive numbers go to different threads, so that the threads alternate in the open loop. */
static void place_connections(struct bench_thread *t, uint32_t index)
{
    const struct bench_load *load = t->run->load;
    for (uint32_t i = 0; i < t->count; i++) {
        struct bench_conn *c = &t->conns[i];
        c->thread = t;
        c->source.fd = -1;
        c->number = index + i * load->threads;
        c->quota = quota_of(load, c->number);
        c->begun_ns = t->rings + (size_t)i * load->pipeline;
    }
}

int bench_thread_init(struct bench_thread *t, struct bench_run *run, uint32_t index,
                      struct error *err)
{
    const struct bench_load *load = run->load;
    *t = (struct bench_thread){.run = run,
                               .begin_ns = UINT64_MAX,
                               .end_ns = UINT64_MAX,
                               .count = load->connections / load->threads +
                                        (index < load->connections % load->threads)};
    if (reactor_new(&t->reactor, err) < 0 || bench_measure_init(&t->measure, err) < 0)
        return -1;
    t->scratch = tls_scratch_new();
    t->in = malloc(BENCH_PIECE_BYTES);
    t->conns = calloc(t->count, sizeof *t->conns);
    t->rings = calloc((size_t)t->count * load->pipeline, sizeof *t->rings);
    t->latency = histogram_new();
    if (!t->scratch || !t->in || !t->conns || !t->rings || !t->latency)
        return error_sys(err, "memory for connections");
    place_connections(t, index);
    return 0;
}

void bench_thread_done(struct bench_thread *t)
{
    reactor_free(t->reactor);
    tls_scratch_free(t->scratch);
    free(t->in);
    free(t->conns);
    free(t->rings);
    histogram_free(t->latency);
    bench_measure_done(&t->measure);
}

/* --- the open loop --- */

/* When the next message of any connection is due. Each connection has one message per round, so
 * that no search is needed. */
static uint64_t next_due_ns(const struct bench_thread *t)
{
    if (t->run->load->rate <= 0 || !t->start_ns || t->finishing)
        return UINT64_MAX;
    return bench_traffic_due_ns(t, t->conns[t->turn].number, t->round);
}

static struct bench_conn *take_turn(struct bench_thread *t)
{
    struct bench_conn *c = &t->conns[t->turn];
    if (t->round < c->quota) /* other connections may have more to send */
        c->due = t->round + 1;
    if (++t->turn == t->count) {
        t->turn = 0;
        t->round++;
    }
    return c;
}

static void send_due(struct bench_thread *t, uint64_t now_ns, unsigned most)
{
    for (; most && next_due_ns(t) <= now_ns && next_due_ns(t) < t->end_ns; most--) {
        struct bench_conn *c = take_turn(t);
        if (c->state == BENCH_RUNNING)
            bench_conn_send(c, clock_now_ns());
    }
}

/* Messages that were due before the end and were not sent. */
static void count_unsent(struct bench_thread *t)
{
    for (uint32_t i = 0; i < t->count; i++)
        if (t->conns[i].due > t->conns[i].begun)
            t->measure.unsent += t->conns[i].due - t->conns[i].begun;
}

/* --- timed events --- */

static void start(struct bench_thread *t, uint64_t start_ns)
{
    struct bench_run *run = t->run;
    const struct bench_load *load = run->load;
    uint_least64_t none = 0;
    if (atomic_compare_exchange_strong(&run->started_ns, &none, clock_now_ns()))
        atomic_store(&run->unsettled, load->connections - atomic_load(&run->settled));
    t->start_ns = start_ns;
    t->begin_ns = start_ns + load->omit_ns;
    if (load->measured_ns)
        t->end_ns = t->begin_ns + load->measured_ns;
}

/* Starts some connections that are up. Not all at once, as replies would wait unread meanwhile. */
static void start_some(struct bench_thread *t)
{
    for (int i = 0; i < MESSAGES_PER_TURN && t->started < t->opened; i++) {
        struct bench_conn *c = &t->conns[t->started++];
        if (c->state == BENCH_WAITING)
            bench_conn_start(c);
    }
}

static bool has_to_start(const struct bench_thread *t)
{
    return t->start_ns && !t->finishing && t->started < t->opened;
}

/* From now on nothing new is sent. */
static void finish(struct bench_thread *t, uint64_t now_ns)
{
    double user_s, system_s;
    if (t->measuring_ns) {
        bench_count_cpu(&user_s, &system_s);
        t->measure.user_s = user_s - t->user_s;
        t->measure.system_s = system_s - t->system_s;
        double used_s = t->measure.user_s + t->measure.system_s;
        double passed_s = (double)(clock_now_ns() - t->measuring_ns) / 1e9;
        t->measure.busiest = used_s < passed_s ? used_s / passed_s : 1;
    }
    if (now_ns < t->end_ns && t->run->load->measured_ns)
        t->end_ns = now_ns; /* interrupted */
    t->finished_ns = now_ns;
    send_due(t, now_ns, UINT_MAX);
    count_unsent(t);
    t->finishing = true;
    t->opened = t->count;
    for (uint32_t i = 0; i < t->count; i++)
        bench_conn_finish(&t->conns[i]);
}

static bool has_messages_left(const struct bench_thread *t)
{
    for (uint32_t i = 0; t->run->load->messages && i < t->count; i++) {
        enum bench_state state = t->conns[i].state;
        if ((state == BENCH_RUNNING || state == BENCH_WAITING) &&
            t->conns[i].begun < t->conns[i].quota)
            return true;
    }
    return false;
}

/* -n messages are sent however long it takes, and that is then the measured time. */
static void fall_behind(struct bench_thread *t)
{
    t->behind = true;
    t->end_ns = UINT64_MAX;
    for (uint32_t i = 0; i < t->count; i++)
        if (t->conns[i].state == BENCH_RUNNING && t->run->carrier->is_done(&t->conns[i]))
            bench_conn_end(&t->conns[i]);
}

static uint64_t next_open_ns(const struct bench_thread *t)
{
    const struct bench_load *load = t->run->load;
    bool crowded = !load->handshakes && t->opening >= OPENING_MAX;
    if (t->opened == t->count || crowded)
        return UINT64_MAX;
    uint64_t number = t->conns[t->opened].number;
    return t->run->opening_ns + load->ramp_ns * number / load->connections;
}

static void open_some(struct bench_thread *t, uint64_t now_ns)
{
    while (next_open_ns(t) <= now_ns)
        bench_conn_open(&t->conns[t->opened++]);
}

static void sweep(struct bench_thread *t, uint64_t now_ns)
{
    for (uint32_t i = 0; i < t->opened; i++)
        bench_conn_sweep(&t->conns[i], now_ns);
    t->sweep_ns = now_ns + SWEEP_EVERY_NS;
}

static uint64_t next_publish_ns(const struct bench_thread *t)
{
    return t->start_ns ? t->start_ns + (atomic_load(&t->published) + 1ull) * SECOND_NS : UINT64_MAX;
}

/* Does everything that is due. */
static void do_what_is_due(struct bench_thread *t, uint64_t now_ns)
{
    struct bench_run *run = t->run;
    uint64_t start_ns = atomic_load(&run->start_ns);
    if (!t->start_ns && start_ns && now_ns >= start_ns)
        start(t, start_ns);
    if (!t->measuring_ns && now_ns >= t->begin_ns) {
        t->measuring_ns = clock_now_ns();
        bench_count_cpu(&t->user_s, &t->system_s);
    }
    if (!t->finishing && now_ns >= t->end_ns && has_messages_left(t))
        fall_behind(t);
    if (!t->finishing && (now_ns >= t->end_ns || atomic_load(&run->stopping)))
        finish(t, now_ns);
    while (now_ns >= next_publish_ns(t))
        bench_count_publish(t);
    open_some(t, now_ns);
    if (has_to_start(t))
        start_some(t);
    send_due(t, now_ns, MESSAGES_PER_TURN);
    if (now_ns >= t->sweep_ns)
        sweep(t, now_ns);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t next_ns(const struct bench_thread *t)
{
    if (has_to_start(t))
        return 0;
    uint64_t start_ns = t->start_ns ? 0 : atomic_load(&t->run->start_ns);
    uint64_t next = earlier(t->sweep_ns, next_publish_ns(t));
    next = start_ns ? earlier(next, start_ns) : next;
    next = earlier(next, next_open_ns(t));
    next = earlier(next, next_due_ns(t));
    return t->finishing ? next : earlier(next, t->end_ns);
}

/* Sleeps until the next thing is due or a connection is ready. */
static void turn(struct bench_thread *t, uint64_t now_ns)
{
    uint64_t next = next_ns(t);
    if (next <= now_ns) {
        reactor_turn(t->reactor, REACTOR_LOOK);
        return;
    }
    reactor_alarm(t->reactor, next / 1000); /* rounded down: the loop checks the clock again */
    reactor_turn(t->reactor, REACTOR_WAIT);
}

/* The end of the measured time for this thread. In a closed loop it lasts until the last reply, or
 * else the rate of a slow server would be too high. */
static uint64_t measured_until_ns(const struct bench_thread *t)
{
    const struct bench_load *load = t->run->load;
    uint64_t end_ns = earlier(t->finished_ns, t->end_ns);
    if ((!load->measured_ns || t->behind) && !atomic_load(&t->run->stopping))
        return t->last_ns;
    bool waited = load->rate <= 0 && !load->handshakes && load->size_bytes;
    return waited && t->last_ns > end_ns ? t->last_ns : end_ns;
}

static void measure_time(struct bench_thread *t)
{
    struct bench_measure *m = &t->measure;
    uint64_t until_ns = measured_until_ns(t);
    if (t->start_ns && until_ns > t->begin_ns)
        m->elapsed_s = (double)(until_ns - t->begin_ns) / 1e9;
}

void *bench_thread_main(void *thread)
{
    struct bench_thread *t = thread;
    uint64_t now_ns = clock_now_ns();
    t->start_ns = 0;
    while (t->over < t->count && !atomic_load(&t->run->abandoned)) {
        do_what_is_due(t, now_ns);
        turn(t, now_ns);
        now_ns = clock_now_ns();
    }
    if (!t->finishing)
        finish(t, now_ns);
    for (uint32_t i = 0; i < t->count; i++)
        if (t->conns[i].state != BENCH_OVER)
            bench_conn_drop(&t->conns[i]);
    measure_time(t);
    atomic_fetch_sub(&t->run->running, 1);
    bench_count_publish(t);
    return NULL;
}
