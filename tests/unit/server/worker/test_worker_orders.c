/* SPDX-License-Identifier: MIT */
/*
 * A worker under every order of hand-overs, reloads, orders and what clients do, and of the turns
 * of its thread.
 */
#include <check.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "explore.h"
#include "loopback.h"
#include "scheduler.h"
#include "suite.h"
#include "tlsecho/server/worker.h"
#include "yaml_snapshot.h"

enum {
    CLIENTS = 2,
    BYTES_MAX = 2, /* of each client */
    EVENTS_MAX = 5,
};

SCHEDULER_REPLACE_C_LIBRARY

/* ---- the machine ---- */

static struct client {
    int fd;                               /* -1 = not yet handed over, or closed */
    bool handed, reloaded, ended, closed; /* reloaded: handed over after the reload */
    unsigned sent, returned;
} clients[CLIENTS];

enum action { SENDS, ENDS, LEAVES, ACTIONS };

enum event {
    RUNS,
    HANDS_OVER,
    RELOADS,
    DRAINS,
    FINISHES,
    STOPS,
    ACTS, /* an event for each action of each client */
    EVENTS = ACTS + CLIENTS * ACTIONS,
};

static const struct config_snapshot *kept[2]; /* for all runs */
static const struct config_snapshot *current; /* the main thread's reference */
static struct reactor *owner;
static struct admission *admission;
static struct worker_group *group;
static struct worker *worker;
static enum worker_order order;
static unsigned handed;
static bool reloaded;

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
    scheduler_run_all();
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
    scheduler_begin();
    scheduler_stop_often(true);
    for (size_t i = 0; i < CLIENTS; i++)
        clients[i] = (struct client){.fd = -1};
    order = WORKER_SERVE;
    handed = 0;
    reloaded = false;
    current = kept[0];
    config_snapshot_ref(current);
    must(reactor_new(&owner, &err) == 0, &err);
    must(admission_new(&admission, &err) == 0, &err);
    admission_limit(admission, current->config);
    must(worker_group_new(1, admission, &group, &err) == 0, &err);
    must(worker_new(owner, group, &worker, &err) == 0, &err);
    scheduler_adopt();
}

static bool over(void)
{
    return worker_ended(worker);
}

static void hand_over(struct explore *x)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
        ck_abort_msg("socketpair");
    config_snapshot_ref(current);
    const struct handoff given = {.fd = ends[1],
                                  .id = handed + 1,
                                  .listener = &current->listeners[0],
                                  .pass = {.admission = admission},
                                  .source = loopback_address("tcp://127.0.0.1:1")};
    clients[handed].fd = ends[0];
    clients[handed].reloaded = reloaded;
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

static void end(struct client *client)
{
    shutdown(client->fd, SHUT_WR);
    client->ended = true;
}

static void act(struct client *client, enum action action)
{
    char byte = (char)('a' + client->sent);
    switch (action) {
    case SENDS:
        if (send(client->fd, &byte, 1, MSG_NOSIGNAL) == 1)
            client->sent++;
        break;
    case ENDS:
        end(client);
        break;
    case LEAVES:
    case ACTIONS:
        close_client(client);
        client->ended = true;
        break;
    }
}

/* The main thread gives its reference up; the worker's stay. */
static void reload(void)
{
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
    explore_require(x, scheduler_can_run(0) || worker_load(worker) == handed - ended_connections(),
                    "the load is what has not ended");
    explore_require(x,
                    !worker_ended(worker) ||
                        (order != WORKER_SERVE && accepted == handed && worker_load(worker) == 0),
                    "it ends after an order, with its last connection");
}

static void give_order(enum worker_order next)
{
    order = next;
    worker_order(worker, next);
}

static bool can_act(const struct client *client, enum action action)
{
    return client->fd >= 0 && !client->ended && (action != SENDS || client->sent < BYTES_MAX);
}

static bool is_possible(unsigned event)
{
    switch (event) {
    case RUNS:
        return scheduler_can_run(0);
    case HANDS_OVER:
        return handed < CLIENTS && order == WORKER_SERVE;
    case RELOADS:
        return !reloaded;
    case DRAINS:
    case FINISHES:
    case STOPS:
        return event - DRAINS + WORKER_DRAIN > (unsigned)order;
    default:
        return can_act(&clients[(event - ACTS) / ACTIONS], (enum action)((event - ACTS) % ACTIONS));
    }
}

static unsigned choose_event(struct explore *x)
{
    static const char *const names[EVENTS] = {
        "the thread runs", "hand-over",      "reload",         "drain",
        "finish",          "stop",           "client 1 sends", "client 1 ends",
        "client 1 leaves", "client 2 sends", "client 2 ends",  "client 2 leaves"};
    const char *options[EVENTS];
    unsigned events[EVENTS], n = 0;
    for (unsigned i = 0; i < EVENTS; i++)
        if (is_possible(i)) {
            options[n] = names[i];
            events[n++] = i;
        }
    return n ? events[explore_choose(x, "event", options, n)] : EVENTS;
}

static void step(struct explore *x)
{
    unsigned event = choose_event(x);
    switch (event) {
    case RUNS:
        scheduler_run(0);
        break;
    case HANDS_OVER:
        hand_over(x);
        break;
    case RELOADS:
        reload();
        break;
    case DRAINS:
    case FINISHES:
    case STOPS:
        give_order((enum worker_order)(event - DRAINS + WORKER_DRAIN));
        break;
    case EVENTS:
        break;
    default:
        act(&clients[(event - ACTS) / ACTIONS], (enum action)((event - ACTS) % ACTIONS));
        break;
    }
    check(x);
}

static uint64_t state(void)
{
    uint64_t accepted = metrics_read(&worker_metrics(worker)->listeners[0].accepted);
    uint64_t hash = explore_hash(scheduler_state(), (uint64_t)order);
    hash = explore_hash(hash, explore_hash(handed, explore_hash(accepted, reloaded)));
    hash = explore_hash(hash, explore_hash(ended_connections(), worker_ended(worker)));
    for (size_t i = 0; i < CLIENTS; i++) {
        const struct client *c = &clients[i];
        hash = explore_hash(hash, (uint64_t)c->handed | (uint64_t)c->ended << 1 |
                                      (uint64_t)c->closed << 2 | (uint64_t)(c->fd >= 0) << 3 |
                                      (uint64_t)c->reloaded << 4);
        hash = explore_hash(hash, explore_hash(c->sent, c->returned));
    }
    return hash;
}

/* Whatever has been handed over and sent is served without another event. */
static void serve_all(struct explore *x)
{
    explore_require(x, scheduler_run_all(), "it does not go round and round");
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
        if (clients[i].fd >= 0)
            end(&clients[i]);
    if (order < (drains ? WORKER_DRAIN : WORKER_STOP))
        give_order(drains ? WORKER_DRAIN : WORKER_STOP);
    bool cut = order > WORKER_DRAIN;
    scheduler_run_all();
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
    };
    for (size_t i = 0; i < 2; i++)
        kept[i] = yaml_snapshot("%s", text);
    explore_assert(&machine);
    finish_run();
    for (size_t i = 0; i < 2; i++)
        config_snapshot_free(kept[i]);
}
END_TEST

SUITE_OF_ONE_TEST("worker_orders", every_order_of_events)
