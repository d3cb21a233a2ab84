/* SPDX-License-Identifier: MIT */
/*
 * The acceptor and its workers under every order of connections, turns of their threads, shortages,
 * time, reloads and stops: each connection is served or refused, once, and nothing waits for ever.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "acceptor_internal.h"
#include "explore.h"
#include "explored_backlog.h"
#include "scheduler.h"
#include "suite.h"
#include "yaml_snapshot.h"

enum {
    WORKERS_MAX = 2,
    LIMIT = 2, /* of connections */
    RELOADS = 2,
    RESTS = 12, /* pauses, until it must have come to rest */
    PAUSE_US = 100 * 1000,
    SECOND_US = 1000 * 1000,
    LOW_LIMIT = 8, /* of descriptors: those of new connections are beyond it */
};

SCHEDULER_REPLACE_C_LIBRARY

static bool none_free, lowered; /* no descriptor is left; their limit is low */
static bool short_once;         /* something was missing at some time */
static bool short_now;          /* likewise, while the command runs */
static struct listen_set listen_sets[2];

static const struct acceptor *the_acceptor(void)
{
    return listen_sets[0].sockets[0].owner;
}

/* Replaces the C library's. The descriptor in reserve, once it is closed, is free. */
int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
    (void)flags;
    if (none_free && the_acceptor()->reserve.fd >= 0) {
        errno = EMFILE;
        return -1;
    }
    return explored_backlogs_accept(fd, address, length);
}

/* Replaces the C library's. */
int close(int fd)
{
    return explored_backlogs_close_fd(fd);
}

static void must(bool holds)
{
    if (!holds)
        ck_abort_msg("a descriptor, or memory");
}

static void set_lowered(bool low)
{
    static rlim_t before;
    struct rlimit limit;
    must(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    before = before ? before : limit.rlim_cur;
    limit.rlim_cur = low ? LOW_LIMIT : before;
    must(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    lowered = low;
}

/* ---- the process ---- */

static unsigned worker_count;
static bool fills;                                 /* the queues are full at first */
static bool comes_alone;                           /* a connection has come alone, and gone */
static const struct config_snapshot *snapshots[2]; /* for all runs */
static struct reactor *owner;
static struct admission *admission;
static struct worker_group *group;
static struct worker *workers[WORKERS_MAX];
static struct acceptor *acceptor;
static unsigned configuration, reloads, filled;

/* What the main thread does, in a thread of its own. */
static enum command { START, RELOAD, STOP } command;
static pthread_t main_id;
static unsigned main_thread;
static bool busy, stopped;
static bool waited[EXPLORED_CONNECTIONS]; /* in a backlog as it began */

static size_t bound(unsigned of)
{
    return snapshots[of]->config->listener_count;
}

static void *run_command(void *ignored)
{
    struct error err;
    const struct acceptor_plan plan = {.snapshot = snapshots[configuration],
                                       .listen_set = listen_sets[configuration],
                                       .admission = admission,
                                       .workers = workers,
                                       .worker_count = worker_count};
    (void)ignored;
    switch (command) {
    case START:
        must(acceptor_new(&plan, &acceptor, &err) == 0);
        break;
    case RELOAD:
        acceptor_replace(acceptor, snapshots[configuration], &listen_sets[configuration]);
        break;
    case STOP:
        acceptor_stop(acceptor);
        for (unsigned i = 0; i < worker_count; i++)
            worker_order(workers[i], WORKER_DRAIN);
        break;
    }
    return NULL;
}

/* Runs it up to its first stop. */
static void begin_command(enum command what)
{
    command = what;
    short_now = none_free || lowered || explored.aborts;
    for (unsigned i = 0; i < EXPLORED_CONNECTIONS; i++)
        waited[i] = explored.connections[i].stage == EXPLORED_WAITS;
    busy = true;
    must(pthread_create(&main_id, NULL, run_command, NULL) == 0);
    main_thread = scheduler_adopt();
}

/* Closes what the acceptor no longer uses, as the server does. */
static void end_command(void)
{
    if (!busy || !scheduler_has_ended(main_thread))
        return;
    must(pthread_join(main_id, NULL) == 0);
    busy = false;
    stopped = command == STOP;
    for (unsigned i = 0; i < EXPLORED_CONNECTIONS && !short_now; i++)
        if (waited[i] && explored.connections[i].stage == EXPLORED_WAITS)
            explored.violation = "what waits before a reload or a stop is accepted by it";
    for (size_t i = stopped ? 0 : bound(configuration); i < EXPLORED_BACKLOGS; i++)
        explored_backlogs_close((unsigned)i);
}

static void open_listening(unsigned of)
{
    for (unsigned i = 0; i < bound(of); i++) {
        explored_backlogs_open(i);
        listen_sets[of].sockets[i] = (struct listen_socket){
            .source = {.fd = explored.listening[i]},
            .listener = &snapshots[of]->listeners[i],
            .slot = i,
            .owner = i == 0 && listen_sets[of].count > 0 ? listen_sets[of].sockets[0].owner : NULL};
    }
    listen_sets[of].count = bound(of);
}

static void reload(void)
{
    set_lowered(false);
    reloads++;
    configuration = !configuration;
    open_listening(configuration);
    begin_command(RELOAD);
}

/* Of connections that have been reset. */
static void fill_queue(struct worker *worker, int reset_fd)
{
    struct handoff h = {.listener = &snapshots[0]->listeners[0]};
    do {
        h.fd = dup(reset_fd);
        must(h.fd >= 0);
        config_snapshot_ref(snapshots[0]);
    } while (worker_hand_over(worker, &h, 1) && ++filled);
    close(h.fd);
    config_snapshot_free(snapshots[0]);
}

static void fill_queues(void)
{
    int ends[2];
    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
    close(ends[0]);
    for (unsigned i = 0; i < worker_count; i++)
        fill_queue(workers[i], ends[1]);
    close(ends[1]);
}

/* Until nothing can go on, and no pause is left. */
static void run_to_rest(void)
{
    for (int i = 0; i < RESTS; i++) {
        scheduler_pass(i ? PAUSE_US : 0);
        if (!scheduler_run_all())
            explored.violation = "no thread goes round and round";
        end_command();
    }
}

static bool all_ended(void)
{
    bool ended = !busy;
    for (unsigned i = 0; i < scheduler_count(); i++)
        ended = ended && scheduler_has_ended(i);
    return ended;
}

static void stop_all(enum worker_order order)
{
    set_lowered(false);
    none_free = false;
    run_to_rest();
    if (!stopped && !busy) {
        begin_command(STOP);
        run_to_rest();
    }
    for (unsigned i = 0; i < worker_count; i++)
        if (!scheduler_has_ended(i))
            worker_order(workers[i], order);
    run_to_rest();
}

/* Threads that wait for ever stay: the end of that state says so. */
static void finish_run(void)
{
    if (!group)
        return;
    stop_all(WORKER_STOP);
    for (unsigned i = 0; i < EXPLORED_CONNECTIONS; i++)
        explored_backlogs_leave(&explored.connections[i]);
    if (!all_ended())
        return;
    for (unsigned i = 0; i < worker_count; i++)
        worker_join(workers[i]);
    worker_group_free(group);
    admission_free(admission);
    reactor_free(owner);
    group = NULL;
}

static void run_on(unsigned thread)
{
    while (scheduler_can_run(thread))
        scheduler_run(thread);
}

static void start_acceptor(void)
{
    if (worker_count == 1) {
        begin_command(START);
        must(scheduler_run_all());
        end_command();
        return;
    }
    command = START;
    run_command(NULL);
    scheduler_adopt();
}

static void reset(void)
{
    struct error err;
    finish_run();
    scheduler_begin();
    explored_backlogs_reset();
    none_free = short_once = busy = stopped = false;
    configuration = reloads = filled = 0;
    open_listening(0);
    must(reactor_new(&owner, &err) == 0 && admission_new(&admission, &err) == 0 &&
         worker_group_new(worker_count, admission, &group, &err) == 0);
    for (unsigned i = 0; i < worker_count; i++) {
        must(worker_new(owner, group, &workers[i], &err) == 0);
        scheduler_adopt();
    }
    if (fills)
        fill_queues();
    start_acceptor();
    if (fills || comes_alone)
        explored_backlogs_connect(0);
    if (comes_alone) {
        run_to_rest();
        explored_backlogs_leave(&explored.connections[0]);
        run_to_rest();
    }
    if (fills)
        run_on(worker_count); /* until it waits for room */
}

static bool over(void)
{
    return all_ended();
}

/* ---- events ---- */

static uint64_t sum_started(void)
{
    uint64_t sum = 0;
    for (unsigned w = 0; w < worker_count; w++)
        for (unsigned i = 0; i < EXPLORED_BACKLOGS; i++)
            sum += metrics_read(&worker_metrics(workers[w])->listeners[i].accepted);
    return sum;
}

static uint64_t sum_refused(void)
{
    uint64_t sum = 0;
    for (int i = 0; i < ADMISSION_REFUSALS; i++)
        sum += admission_refused(admission, (enum admission_refusal)i);
    return sum;
}

static void check(struct explore *x)
{
    explore_require(x, !explored.violation, explored.violation);
    explore_require(x, sum_started() + sum_refused() <= explored_backlogs_accepted() + filled,
                    "a connection is served or refused, once");
}

enum event {
    RUNS,
    RUNS_ON,
    CONNECTS,
    CONNECTS_TO_2,
    LEAVES,
    NONE_IS_FREE,
    LIMIT_CHANGES,
    ABORTS,
    PAUSE_PASSES,
    SECOND_PASSES,
    RELOADS_NOW,
    STOPS,
    EVENTS,
};

static bool is_possible(enum event event)
{
    bool any = false;
    switch (event) {
    case RUNS:
    case RUNS_ON:
        for (unsigned i = 0; i < scheduler_count(); i++)
            any = any || scheduler_can_run(i);
        return any;
    case CONNECTS:
        return !stopped && explored_backlogs_can_connect();
    case CONNECTS_TO_2:
        return explored.listening[1] >= 0 && explored_backlogs_can_connect();
    case LEAVES:
        return explored.connections[0].ours >= 0;
    case NONE_IS_FREE:
    case LIMIT_CHANGES:
        return !fills;
    case ABORTS:
        return !fills && !explored.aborts;
    case PAUSE_PASSES:
    case SECOND_PASSES:
    case EVENTS:
        return true;
    case RELOADS_NOW:
        return !busy && !stopped && reloads < RELOADS;
    case STOPS:
        return !busy && !stopped;
    }
    return false;
}

static enum event choose_event(struct explore *x)
{
    static const char *const names[EVENTS] = {
        "a thread runs",
        "a thread runs until it waits",
        "connection to 1",
        "connection to 2",
        "the first connection leaves",
        "no descriptor is left, or some are again",
        "the limit of descriptors falls, or rises",
        "the next connection aborts",
        "0.1 s",
        "1 s",
        "reload",
        "stop",
    };
    const char *options[EVENTS];
    enum event events[EVENTS];
    unsigned n = 0;
    for (unsigned i = 0; i < EVENTS; i++)
        if (is_possible((enum event)i)) {
            options[n] = names[i];
            events[n++] = (enum event)i;
        }
    return events[explore_choose(x, "event", options, n)];
}

/* Workers come first, then the acceptor unless it is a worker's guest, then commands. */
static void run_thread(struct explore *x, bool on)
{
    static const char *const names[SCHEDULER_THREADS] = {"0", "1", "2", "3", "4", "5", "6", "7"};
    const char *options[SCHEDULER_THREADS];
    unsigned threads[SCHEDULER_THREADS], n = 0;
    for (unsigned i = 0; i < scheduler_count(); i++)
        if (scheduler_can_run(i)) {
            options[n] = names[i];
            threads[n++] = i;
        }
    unsigned thread = threads[explore_choose(x, "thread", options, n)];
    scheduler_run(thread);
    if (on)
        run_on(thread);
    end_command();
}

static void connect_to(unsigned backlog)
{
    bool low = lowered;
    set_lowered(false);
    explored_backlogs_connect(backlog);
    set_lowered(low);
}

static void step(struct explore *x)
{
    enum event event = choose_event(x);
    bool changes = event == NONE_IS_FREE || event == LIMIT_CHANGES || event == ABORTS;
    short_once = short_once || changes;
    short_now = short_now || changes;
    switch (event) {
    case RUNS:
    case RUNS_ON:
        run_thread(x, event == RUNS_ON);
        break;
    case CONNECTS:
    case CONNECTS_TO_2:
        connect_to(event - CONNECTS);
        break;
    case LEAVES:
        explored_backlogs_leave(&explored.connections[0]);
        break;
    case NONE_IS_FREE:
        none_free = !none_free;
        break;
    case LIMIT_CHANGES:
        set_lowered(!lowered);
        break;
    case ABORTS:
        explored.aborts = true;
        break;
    case PAUSE_PASSES:
    case SECOND_PASSES:
        scheduler_pass(event == PAUSE_PASSES ? PAUSE_US : SECOND_US);
        break;
    case RELOADS_NOW:
        reload();
        break;
    case STOPS:
    case EVENTS:
        begin_command(STOP);
        break;
    }
    check(x);
}

static uint64_t until(uint64_t time_us)
{
    uint64_t at_us = scheduler_now_us();
    return time_us == UINT64_MAX ? UINT64_MAX : time_us > at_us ? time_us - at_us : 0;
}

static uint64_t acceptor_state(uint64_t hash)
{
    const struct acceptor *a = the_acceptor();
    if (stopped || (busy && command == STOP))
        return hash;
    hash = explore_hash(hash, explore_hash(until(a->resume_us), until(acceptor_due_us(a))));
    hash = explore_hash(hash, (uint64_t)a->stuck | (uint64_t)(a->reserve.fd >= 0) << 1 |
                                  (uint64_t)(a->next_snapshot != NULL) << 2 |
                                  (uint64_t)(a->reserve_fd < LOW_LIMIT) << 3 |
                                  (uint64_t)(a->alone > 0) << 4);
    for (unsigned i = 0; i < worker_count; i++)
        hash = explore_hash(hash, a->outgoing[i].count);
    return hash;
}

static uint64_t state(void)
{
    uint64_t hash = explore_hash(explored_backlogs_state(), scheduler_state());
    hash = explore_hash(hash, (uint64_t)none_free | (uint64_t)configuration << 1 |
                                  (uint64_t)lowered << 2 | (uint64_t)busy << 3 |
                                  (uint64_t)stopped << 4 | (uint64_t)command << 5 |
                                  (uint64_t)reloads << 7);
    for (unsigned i = 0; i < worker_count; i++)
        hash = explore_hash(hash, worker_load(workers[i]));
    return acceptor_state(explore_hash(hash, explore_hash(sum_started(), sum_refused())));
}

/* ---- how it ends ---- */

/* A byte comes back, or it has been closed. */
static void try_connection(struct explore *x, const struct explored_connection *c)
{
    char byte = 'x';
    if (c->stage != EXPLORED_ACCEPTED || c->ours < 0)
        return;
    ssize_t sent = send(c->ours, &byte, 1, MSG_NOSIGNAL);
    run_to_rest();
    ssize_t n = recv(c->ours, &byte, 1, 0);
    explore_require(x, n == 1 ? sent == 1 && byte == 'x' : n == 0 || errno != EAGAIN,
                    "what is accepted is served or closed");
    explore_require(x, (n == 1) == (c->theirs >= 0), "what is served is open");
}

static void check_rest(struct explore *x)
{
    explore_require(x, !busy, "a reload and a stop end");
    explore_require(x, sum_started() + sum_refused() == explored_backlogs_accepted() + filled,
                    "what is accepted is served or refused");
    explore_require(
        x, short_once || fills || explored_backlogs_accepted() > LIMIT || sum_refused() == 0,
        "nothing is refused below the limits");
    for (unsigned i = 0; i < EXPLORED_BACKLOGS && !stopped; i++)
        explore_require(x, !explored_backlogs_has_waiting(i), "what waits is accepted");
    for (unsigned i = 0; i < EXPLORED_CONNECTIONS && !stopped; i++)
        try_connection(x, &explored.connections[i]);
    check(x);
}

static void settle(struct explore *x)
{
    static const char *const turns[] = {"all threads take turns", "the command goes first"};
    static const char *const ends[] = {"it drains", "it is stopped"};
    if (busy && explore_choose(x, "then", turns, 2) == 1)
        run_on(main_thread);
    run_to_rest();
    none_free = explored.aborts = false;
    set_lowered(false);
    run_to_rest();
    check_rest(x);
    bool drains = explore_choose(x, "at last", ends, 2) == 0;
    stop_all(drains ? WORKER_DRAIN : WORKER_STOP);
    check(x);
    explore_require(x, all_ended(), "all threads end");
    for (unsigned i = 0; i < EXPLORED_CONNECTIONS; i++)
        explore_require(x, explored.connections[i].theirs < 0, "each descriptor is closed");
    for (unsigned i = 0; i < LIMIT; i++) {
        struct admission_pass pass = {.admission = NULL};
        explore_require(x,
                        admission_accept(admission, scheduler_now_us(), &pass) == ADMISSION_GRANTED,
                        "no connection counts any more");
    }
}

static void explore_orders(const char *name, unsigned depth_max, unsigned whole_depth_max)
{
    static const char rest[] = "limits: {connections: 2}\nlog: {connections: off}\n"
                               "timeouts: {handshake: 0, idle: 0, write: 0, linger: 100ms}\n";
    const struct explore_machine machine = {
        .name = name,
        .reset = reset,
        .step = step,
        .over = over,
        .state = state,
        .settle = settle,
        .depth_max = depth_max,
        .whole_depth_max = whole_depth_max,
    };
    for (unsigned i = 0; i < 2; i++) {
        listen_sets[i].sockets = calloc(EXPLORED_BACKLOGS, sizeof *listen_sets[i].sockets);
        must(listen_sets[i].sockets != NULL);
    }
    snapshots[0] = yaml_snapshot(
        "listeners: [{listen: tcp://127.0.0.1:7001}, {listen: tcp://127.0.0.1:7002}]\n%s", rest);
    snapshots[1] = yaml_snapshot("listeners: [{listen: tcp://127.0.0.1:7001}]\n%s", rest);
    explore_assert(&machine);
    finish_run();
    for (unsigned i = 0; i < 2; i++) {
        config_snapshot_free(snapshots[i]);
        free(listen_sets[i].sockets);
    }
}

START_TEST(every_order_in_the_thread_of_the_only_worker)
{
    worker_count = 1;
    explore_orders("acceptor, one worker", 3, 5);
}
END_TEST

/* Then it accepts one at a time, and what waits behind that one is left to a reload. */
START_TEST(every_order_after_a_connection_that_came_alone)
{
    worker_count = 1;
    comes_alone = true;
    explore_orders("acceptor, after a connection", 3, 5);
}
END_TEST

START_TEST(every_order_with_a_thread_of_its_own)
{
    worker_count = 2;
    explore_orders("acceptor, two workers", 2, 5);
}
END_TEST

START_TEST(every_order_while_the_queues_are_full)
{
    worker_count = 2;
    fills = true;
    explore_orders("acceptor, full queues", 1, 5);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("acceptor_orders");
    TCase *tcase = tcase_create("every order");
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, every_order_in_the_thread_of_the_only_worker);
    tcase_add_test(tcase, every_order_after_a_connection_that_came_alone);
    tcase_add_test(tcase, every_order_with_a_thread_of_its_own);
    tcase_add_test(tcase, every_order_while_the_queues_are_full);
    return suite_run(suite);
}
