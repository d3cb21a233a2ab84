/* SPDX-License-Identifier: MIT */
/*
 * A worker under every order of hand-overs, reloads, orders and what clients do. Its thread runs
 * only when the explorer says so, from one lock, look at the clock or wait to the next: the code is
 * the real one, and each run is the same again.
 */
#include <check.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "explore.h"
#include "loopback.h"
#include "suite.h"
#include "tlsecho/server/worker.h"
#include "yaml_snapshot.h"

enum {
    CLIENTS = 2,
    BYTES_MAX = 2, /* of each client */
    EVENTS_MAX = 4,
    EVENTS_MAX_WHOLE = 8,
    STEPS_MAX = 1000, /* of the thread, until it has ended */
    REST_WAITS = 4,   /* until it has served what there is */
    IDLE_MAX = 3,
};

/* ---- the thread ---- */

static pthread_t explorer;
static pthread_mutex_t baton = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t passed = PTHREAD_COND_INITIALIZER;
static bool scheduled; /* the worker's thread waits for its turns */
static bool parked, granted;
static unsigned place; /* of the thread: stops since its last wait */

static int lock(pthread_mutex_t *mutex)
{
    static int (*real)(pthread_mutex_t *);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "pthread_mutex_lock");
    return real(mutex);
}

/* In the worker's thread: waits until it may go on. */
static void park(bool waits)
{
    if (pthread_equal(pthread_self(), explorer) || !scheduled)
        return;
    lock(&baton);
    place = waits ? 0 : place + 1;
    parked = true;
    pthread_cond_broadcast(&passed);
    while (!granted)
        pthread_cond_wait(&passed, &baton);
    granted = parked = false;
    pthread_mutex_unlock(&baton);
}

/* Replaces the C library's. */
int pthread_mutex_lock(pthread_mutex_t *mutex)
{
    park(false);
    return lock(mutex);
}

/* Replaces the C library's. */
int clock_gettime(clockid_t clock, struct timespec *ret)
{
    park(false);
    return (int)syscall(SYS_clock_gettime, clock, ret);
}

/* Replaces the C library's: the worker's never waits. */
int epoll_wait(int fd, struct epoll_event *events, int count, int timeout_ms)
{
    park(true);
    bool waits = pthread_equal(pthread_self(), explorer) || !scheduled;
    return (int)syscall(SYS_epoll_pwait, fd, events, count, waits ? timeout_ms : 0, NULL, 8);
}

/* ---- the machine ---- */

static struct client {
    int fd; /* -1 = not yet handed over, or closed */
    bool handed, ended, closed;
    unsigned sent, returned;
} clients[CLIENTS];

static const struct config_snapshot *kept[2]; /* for all runs */
static const struct config_snapshot *current; /* the main thread's reference */
static struct reactor *owner;
static struct admission *admission;
static struct worker_group *group;
static struct worker *worker;
static enum worker_order order;
static unsigned handed, steps_idle;
static bool reloaded;

/* Lets the thread run to its next stop, or to its end. */
static void run_thread(void)
{
    lock(&baton);
    while (!parked && !worker_ended(worker)) {
        struct timespec soon;
        clock_gettime(CLOCK_REALTIME, &soon);
        soon.tv_nsec += 100000;
        soon.tv_sec += soon.tv_nsec / 1000000000;
        soon.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&passed, &baton, &soon);
    }
    pthread_mutex_unlock(&baton);
}

static void run_on(void)
{
    if (worker_ended(worker))
        return;
    lock(&baton);
    granted = true;
    parked = false;
    pthread_cond_broadcast(&passed);
    pthread_mutex_unlock(&baton);
    run_thread();
}

static void close_client(struct client *client)
{
    if (client->fd >= 0)
        close(client->fd);
    client->fd = -1;
}

static void finish_run(void)
{
    if (!worker)
        return;
    worker_order(worker, WORKER_STOP);
    for (int i = 0; i < STEPS_MAX && !worker_ended(worker); i++)
        run_on();
    bool ended = worker_ended(worker);
    if (ended)
        worker_join(worker);
    worker = NULL;
    if (!ended) /* the rule that was broken says more than a join that does not return */
        return;
    worker_group_free(group);
    admission_free(admission);
    reactor_free(owner);
    config_snapshot_free(current);
    for (size_t i = 0; i < CLIENTS; i++)
        close_client(&clients[i]);
}

static void must(bool holds, const struct error *err)
{
    if (!holds)
        ck_abort_msg("%s", err->text);
}

static void reset(void)
{
    struct error err;
    finish_run();
    for (size_t i = 0; i < CLIENTS; i++)
        clients[i] = (struct client){.fd = -1};
    order = WORKER_SERVE;
    handed = steps_idle = 0;
    reloaded = false;
    current = kept[0];
    config_snapshot_ref(current);
    must(reactor_new(&owner, &err) == 0, &err);
    must(admission_new(&admission, &err) == 0, &err);
    admission_limit(admission, current->config);
    must(worker_group_new(1, admission, &group, &err) == 0, &err);
    parked = granted = false;
    must(worker_new(owner, group, &worker, &err) == 0, &err);
    run_thread();
}

static bool over(void)
{
    return worker_ended(worker);
}

static void hand_over(struct explore *x)
{
    int ends[2];
    if (handed == CLIENTS || order != WORKER_SERVE)
        return;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
        ck_abort_msg("socketpair");
    config_snapshot_ref(current);
    const struct handoff given = {.fd = ends[1],
                                  .id = handed + 1,
                                  .listener = &current->listeners[0],
                                  .pass = {.admission = admission},
                                  .source = loopback_address("tcp://127.0.0.1:1")};
    clients[handed].fd = ends[0];
    clients[handed++].handed = true;
    explore_require(x, worker_hand_over(worker, &given, 1), "there is room");
}

/* What has come back is what was sent. */
static void receive(struct explore *x, struct client *client)
{
    char byte;
    ssize_t n = 0;
    while (client->fd >= 0 && (n = recv(client->fd, &byte, 1, 0)) == 1)
        explore_require(x, byte == (char)('a' + client->returned++), "each byte returns, in order");
    client->closed = client->closed || (client->fd >= 0 && (n == 0 || errno != EAGAIN));
    explore_require(x, client->returned <= client->sent, "no byte returns that was not sent");
}

static void act(struct client *client, unsigned how)
{
    char byte = (char)('a' + client->sent);
    if (client->fd < 0 || client->ended)
        return;
    if (how == 0) {
        if (client->sent < BYTES_MAX && send(client->fd, &byte, 1, MSG_NOSIGNAL) == 1)
            client->sent++;
    } else if (how == 1) {
        shutdown(client->fd, SHUT_WR);
        client->ended = true;
    } else {
        close_client(client);
        client->ended = true;
    }
}

/* The main thread gives its reference up; the worker's stay. */
static void reload(void)
{
    if (reloaded)
        return;
    reloaded = true;
    config_snapshot_free(current);
    current = kept[1];
    config_snapshot_ref(current);
}

static uint64_t ended_connections(void)
{
    const struct metrics_listener *m = &worker_metrics(worker)->listeners[0];
    uint64_t sum = 0;
    for (int i = 0; i < CONN_ENDS; i++)
        sum += metrics_read(&m->ended[i]);
    return sum;
}

static void check(struct explore *x)
{
    uint64_t accepted = metrics_read(&worker_metrics(worker)->listeners[0].accepted);
    for (size_t i = 0; i < CLIENTS; i++)
        receive(x, &clients[i]);
    explore_require(x, accepted <= handed, "a connection is started once");
    explore_require(x, ended_connections() <= accepted, "an end is counted once");
    explore_require(x, place > 0 || worker_load(worker) == handed - ended_connections(),
                    "the load is what has not ended");
    explore_require(x,
                    !worker_ended(worker) ||
                        (order != WORKER_SERVE && accepted == handed && worker_load(worker) == 0),
                    "it ends after an order, with its last connection");
}

static void give_order(enum worker_order next)
{
    if (next <= order)
        return;
    order = next;
    worker_order(worker, next);
}

static void step(struct explore *x)
{
    static const char *const events[] = {"the thread runs", "hand-over",     "reload",
                                         "drain",           "finish",        "stop",
                                         "client 1 sends",  "client 1 ends", "client 1 leaves",
                                         "client 2 sends",  "client 2 ends", "client 2 leaves"};
    unsigned event = explore_choose(x, "event", events, 12);
    steps_idle = event == 0 ? steps_idle + 1 : 0;
    switch (event) {
    case 0:
        run_on();
        break;
    case 1:
        hand_over(x);
        break;
    case 2:
        reload();
        break;
    case 3:
    case 4:
    case 5:
        give_order((enum worker_order)(event - 2));
        break;
    default:
        act(&clients[(event - 6) / 3], (event - 6) % 3);
        break;
    }
    check(x);
}

/* With the place of the thread, and how often it ran since the last event: it may have been woken.
 */
static uint64_t state(void)
{
    uint64_t accepted = metrics_read(&worker_metrics(worker)->listeners[0].accepted);
    uint64_t hash = explore_hash(steps_idle < IDLE_MAX ? steps_idle : IDLE_MAX, (uint64_t)order);
    hash = explore_hash(hash, place);
    hash = explore_hash(hash, explore_hash(handed, explore_hash(accepted, reloaded)));
    hash = explore_hash(hash, explore_hash(ended_connections(), worker_ended(worker)));
    for (size_t i = 0; i < CLIENTS; i++) {
        const struct client *c = &clients[i];
        hash = explore_hash(hash, (uint64_t)c->handed | (uint64_t)c->ended << 1 |
                                      (uint64_t)c->closed << 2 | (uint64_t)(c->fd >= 0) << 3);
        hash = explore_hash(hash, explore_hash(c->sent, c->returned));
    }
    return hash;
}

/* Whatever has been handed over and sent is served without another event. */
static void serve_all(struct explore *x)
{
    for (int waits = 0; waits < REST_WAITS && !over(); waits += place == 0)
        run_on();
    check(x);
    for (size_t i = 0; i < handed && order == WORKER_SERVE; i++)
        explore_require(x, clients[i].fd < 0 || clients[i].returned == clients[i].sent,
                        "it serves what was handed over");
    explore_require(x, worker_load(worker) == 0 || order < WORKER_STOP, "a stop ends all");
}

static void settle(struct explore *x)
{
    static const char *const ends[] = {"all clients end, and it drains", "it is stopped"};
    serve_all(x);
    bool drains = !over() && explore_choose(x, "at last", ends, 2) == 0;
    for (size_t i = 0; drains && i < CLIENTS; i++)
        act(&clients[i], 1);
    give_order(drains ? WORKER_DRAIN : WORKER_STOP);
    bool cut = order > WORKER_DRAIN;
    for (int i = 0; i < STEPS_MAX && !worker_ended(worker); i++) {
        run_on();
        check(x);
    }
    explore_require(x, worker_ended(worker), "it ends");
    check(x);
    explore_require(x, ended_connections() == handed, "each connection has ended once");
    for (size_t i = 0; i < CLIENTS; i++) {
        const struct client *c = &clients[i];
        explore_require(x, c->fd < 0 || c->closed, "each descriptor is closed");
        explore_require(x, cut || c->fd < 0 || c->returned == c->sent, "each byte has returned");
    }
}

START_TEST(every_order_of_events)
{
    static const char text[] = "listeners: [{listen: tcp://127.0.0.1:0}]\n"
                               "log: {connections: off}\n"
                               "timeouts: {handshake: 0, idle: 0, write: 0, linger: 0}\n";
    const struct explore_machine machine = {
        .name = "worker",
        .reset = reset,
        .step = step,
        .over = over,
        .state = state,
        .settle = settle,
        .depth_max = EVENTS_MAX,
        .whole_depth_max = EVENTS_MAX_WHOLE,
    };
    explorer = pthread_self();
    scheduled = true;
    for (size_t i = 0; i < 2; i++)
        kept[i] = yaml_snapshot("%s", text);
    explore_assert(&machine);
    finish_run();
    for (size_t i = 0; i < 2; i++)
        config_snapshot_free(kept[i]);
}
END_TEST

SUITE_OF_ONE_TEST("worker_orders", every_order_of_events)
