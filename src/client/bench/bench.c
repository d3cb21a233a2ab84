/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/bench.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "bench_datagram.h"
#include "bench_dial.h"
#include "bench_stream.h"
#include "bench_thread.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/base/thread.h"
#include "tlsecho/base/want.h"
#include "tlsecho/client/interrupt.h"
#include "tlsecho/client/session_wait.h"

enum { PROGRESS_EVERY_MS = 100, SOON_MS = 10, SECOND_NS = 1000000000 };

#define SHORTEST_S 0.1

struct bench {
    struct bench_run run;
    struct bench_thread *threads;
    uint32_t thread_count, started; /* of threads: initialized; running or finished */
    unsigned seconds;               /* collected */
    struct bench_watch *watch;
    uint64_t abandon_us; /* interrupted: when to stop waiting; 0 = not interrupted */
    struct bench_measure *measure;
};

static int init_run(struct bench_run *run, const struct bench_load *load, struct error *err)
{
    pthread_mutex_init(&run->lock, NULL);
    run->outcome = (struct outcome){.result = RESULT_OK, .error.alert = -1};
    run->news_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    run->latency = histogram_new();
    if (run->news_fd < 0 || !run->latency)
        return error_sys(err, "prepare the load");
    return bench_pattern_new(load->expect, &run->pattern, err);
}

static void done_run(struct bench_run *run)
{
    if (run->news_fd >= 0)
        close(run->news_fd);
    histogram_free(run->latency);
    bench_pattern_free(run->pattern);
    pthread_mutex_destroy(&run->lock);
}

/*
 * --start-at is converted once: a clock that is set meanwhile is not followed. If it has passed,
 * the load starts as if it were not given. With a ramp, and with handshakes, the load starts with
 * the first connection; but not in an open loop, where messages would be due on connections that do
 * not exist yet.
 */
static void plan_start(struct bench_run *run)
{
    const struct bench_load *load = run->load;
    uint64_t now_ns = clock_now_ns();
    int64_t wait_us = load->start_at_us ? load->start_at_us - clock_wall_us(now_ns / 1000) : 0;
    run->opening_ns = now_ns;
    if (wait_us > 0) {
        atomic_store(&run->start_ns, now_ns + (uint64_t)wait_us * 1000);
        run->opening_ns = load->handshakes ? atomic_load(&run->start_ns) : now_ns;
        return;
    }
    if (load->handshakes)
        run->opening_ns -= bench_dial_session_ns(run->first);
    if (load->handshakes || (load->ramp_ns && load->rate <= 0))
        atomic_store(&run->start_ns, run->opening_ns);
}

static int start_threads(struct bench *b, struct error *err)
{
    const struct bench_load *load = b->run.load;
    b->threads = calloc(load->threads, sizeof *b->threads);
    if (!b->threads)
        return error_sys(err, "memory for threads");
    for (; b->thread_count < load->threads; b->thread_count++)
        if (bench_thread_init(&b->threads[b->thread_count], &b->run, b->thread_count, err) < 0) {
            b->thread_count++;
            return -1;
        }
    plan_start(&b->run);
    for (uint32_t i = 0; i < load->threads; i++) {
        struct bench_thread *t = &b->threads[i];
        atomic_fetch_add(&b->run.running, 1);
        if (thread_start(&t->id, "load", bench_thread_main, t, err) < 0) {
            atomic_fetch_sub(&b->run.running, 1);
            atomic_store(&b->run.abandoned, true);
            return -1;
        }
        b->started++;
    }
    return 0;
}

static void wake_threads(struct bench *b)
{
    for (uint32_t i = 0; i < b->thread_count; i++)
        reactor_wake(b->threads[i].reactor);
}

/* Every connection is up, or has failed. */
static void start_if_all_are_up(struct bench *b)
{
    struct bench_run *run = &b->run;
    if (atomic_load(&run->start_ns) || atomic_load(&run->settled) < run->load->connections)
        return;
    atomic_store(&run->start_ns, clock_now_ns());
    wake_threads(b);
}

/* Whether all threads have published the next second. */
static bool second_is_complete(const struct bench *b)
{
    for (uint32_t i = 0; i < b->thread_count; i++)
        if (atomic_load(&b->threads[i].published) <= b->seconds)
            return false;
    return true;
}

static void take_second(struct bench *b, struct bench_second *ret)
{
    struct bench_run *run = &b->run;
    struct histogram_summary summary;
    pthread_mutex_lock(&run->lock);
    *ret = run->second;
    histogram_summarize(run->latency, &summary);
    ret->p50_ns = histogram_known_quantile_ns(run->latency, 0.5);
    ret->p99_ns = histogram_known_quantile_ns(run->latency, 0.99);
    ret->max_ns = summary.max_ns;
    histogram_clear(run->latency);
    run->second = (struct bench_second){.start_s = 0};
    pthread_mutex_unlock(&run->lock);
}

static double since_start_s(const struct bench *b)
{
    uint64_t start_ns = atomic_load(&b->run.start_ns), now_ns = clock_now_ns();
    return start_ns && now_ns > start_ns ? (double)(now_ns - start_ns) / 1e9 : 0;
}

/* 0 = it has started, or the time is unknown. */
static double until_start_s(const struct bench *b)
{
    uint64_t start_ns = atomic_load(&b->run.start_ns), now_ns = clock_now_ns();
    return start_ns > now_ns ? (double)(start_ns - now_ns) / 1e9 : 0;
}

static void report_progress(struct bench *b, const struct bench_second *new_second)
{
    const struct bench_load *load = b->run.load;
    const struct bench_measure *m = b->measure;
    if (!b->watch->progress)
        return;
    struct bench_progress progress = {
        .connections = load->connections,
        .connections_up = atomic_load(&b->run.up),
        .started = since_start_s(b) > 0,
        .starts_in_s = until_start_s(b),
        .elapsed_s = since_start_s(b),
        .whole_s = load->measured_ns ? (double)(load->omit_ns + load->measured_ns) / 1e9 : 0,
        .second = m->second_count ? &m->seconds[m->second_count - 1] : NULL,
        .new_second = new_second,
    };
    b->watch->progress(b->watch->context, &progress);
}

/* length_s: 1, except for the last. Without memory a second is missing, nothing else. */
static void collect_second(struct bench *b, double length_s)
{
    struct bench_second second;
    struct error ignored;
    take_second(b, &second);
    second.start_s = b->seconds;
    second.length_s = length_s;
    second.omitted = (b->seconds + UINT64_C(1)) * SECOND_NS <= b->run.load->omit_ns;
    b->seconds++;
    if (bench_measure_add_second(b->measure, &second, &ignored) == 0)
        report_progress(b, &second);
}

/* The rest of the run after its last whole second. A short rest is added to that second. */
static void collect_rest(struct bench *b, double length_s)
{
    struct bench_measure *m = b->measure;
    struct bench_second rest;
    if (length_s >= SHORTEST_S || !m->second_count) {
        collect_second(b, length_s);
        return;
    }
    take_second(b, &rest);
    struct bench_second *last = &m->seconds[m->second_count - 1];
    last->length_s += length_s;
    last->messages += rest.messages;
    last->sent_bytes += rest.sent_bytes;
    last->received_bytes += rest.received_bytes;
    last->errors += rest.errors;
    if (rest.max_ns > last->max_ns)
        last->max_ns = rest.max_ns;
}

static void take_interrupt(struct bench *b)
{
    b->abandon_us = interrupt_us() + BENCH_LAST_REPLIES_MS * 1000;
    atomic_store(&b->run.stopping, true);
    wake_threads(b);
}

static void abandon_if_due(struct bench *b)
{
    if (!b->abandon_us || clock_now_us() < b->abandon_us)
        return;
    atomic_store(&b->run.abandoned, true);
    wake_threads(b);
}

/* Until a thread has news, or for a while. What is interrupted stays readable. */
static int wait_for_news(struct bench *b, struct error *err)
{
    int every_ms = b->abandon_us ? SOON_MS : PROGRESS_EVERY_MS;
    struct session_wait wait = {.fd = b->run.news_fd,
                                .want = WANT_READ,
                                .stop_fd = b->abandon_us ? -1 : b->watch->interrupt_fd,
                                .due_us = clock_now_us() + (uint64_t)every_ms * 1000};
    return session_wait(&wait, err);
}

/* Without it nobody would notice an interrupt, or the end. */
static int abandon(struct bench *b)
{
    atomic_store(&b->run.abandoned, true);
    wake_threads(b);
    return -1;
}

static int watch_run(struct bench *b, struct error *err)
{
    uint64_t news;
    while (atomic_load(&b->run.running)) {
        start_if_all_are_up(b);
        int event = wait_for_news(b, err);
        if (event < 0)
            return abandon(b);
        if (event == SESSION_STOPPED)
            take_interrupt(b);
        abandon_if_due(b);
        if (read(b->run.news_fd, &news, sizeof news) < 0)
            report_progress(b, NULL);
        while (atomic_load(&b->run.running) && second_is_complete(b))
            collect_second(b, 1);
    }
    return 0;
}

static void join_threads(struct bench *b)
{
    for (uint32_t i = 0; i < b->started; i++) {
        pthread_join(b->threads[i].id, NULL);
        bench_measure_add(b->measure, &b->threads[i].measure);
    }
}

/* When the measured time began. */
static void take_start(struct bench *b)
{
    struct bench_run *run = &b->run;
    uint64_t start_ns = atomic_load(&run->start_ns), started_ns = atomic_load(&run->started_ns);
    b->measure->begun_us = (start_ns + run->load->omit_ns) / 1000;
    if (!run->load->start_at_us || !started_ns)
        return;
    int64_t late_us = clock_wall_us(started_ns / 1000) - run->load->start_at_us;
    b->measure->begun_us = (started_ns + run->load->omit_ns) / 1000;
    b->measure->start_late_s = late_us > 0 ? (double)late_us / 1e6 : 0;
    b->measure->connections_late = run->load->handshakes ? 0 : atomic_load(&run->unsettled);
}

static int run_all(struct bench *b, struct error *err)
{
    struct error ignored;
    if (init_run(&b->run, b->run.load, err) < 0)
        return -1;
    int result = start_threads(b, err);
    if (watch_run(b, result < 0 ? &ignored : err) < 0)
        result = -1;
    join_threads(b);
    double rest_s = since_start_s(b) - b->seconds;
    if (rest_s + b->seconds > 0)
        take_start(b);
    if (result == 0 && rest_s > 0)
        collect_rest(b, rest_s);
    return result;
}

int bench_run(const struct bench_load *load, struct target *target, struct bench_watch *watch,
              struct bench_measure *ret, struct outcome *outcome)
{
    struct error err;
    bool datagrams = endpoint_has_datagrams(target->endpoint->scheme);
    struct bench b = {.run = {.load = load,
                              .carrier = datagrams ? &bench_datagram : &bench_stream,
                              .target = target,
                              .first = watch->first,
                              .news_fd = -1},
                      .watch = watch,
                      .measure = ret};
    int result = run_all(&b, &err);
    if (result < 0)
        outcome_fail(outcome, PHASE_LOCAL, &err);
    else if (b.run.outcome.result != RESULT_OK)
        *outcome = b.run.outcome;
    for (uint32_t i = 0; i < b.thread_count; i++)
        bench_thread_done(&b.threads[i]);
    free(b.threads);
    done_run(&b.run);
    return result;
}
