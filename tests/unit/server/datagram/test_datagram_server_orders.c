/* SPDX-License-Identifier: MIT */
/*
 * The sockets of a server under every order of arrivals, turns of its loop, failures, full buffers,
 * reloads and time. Each datagram is answered once, or counted once; the order stays; a pause ends,
 * as does a drain.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "datagram_fixture.h"
#include "datagram_server_internal.h"
#include "explore.h"
#include "kernel_clock.h"
#include "loopback.h"
#include "suite.h"
#include "tlsecho/base/container_of.h"
#include "yaml_snapshot.h"

enum {
    LISTENERS = 2,
    CROWD = 4 * DATAGRAM_BATCH + 2, /* more than a socket has in one turn */
    ENDLESS = 200 * DATAGRAM_BATCH, /* more than is answered before a socket is closed */
    SECOND_US = 1000 * 1000,
    EVENTS_MAX = 3,
    EVENTS_MAX_WHOLE = 7,
    SETTLED = 200, /* turns until all has been answered */
};

/* What comes to a port, over all sockets that it has one after the other. */
struct link {
    int fd;                                   /* readable while there are some; -1 = closed */
    uint32_t next, taken;                     /* numbers of datagrams, which are their payloads */
    uint32_t answered, unsent, lost;          /* lost: with a socket that was closed */
    uint32_t kernel_drops, told, told_before; /* told: with the last datagram of this socket */
    bool fails;                               /* the next receive */
};

struct link_socket {
    struct datagram_socket base;
    struct link *link;
};

static uint64_t now_us;
static const struct config_snapshot *snapshots[2]; /* for all runs */
static struct address client;
static struct link links[LISTENERS];
static struct explore *explorer;
static unsigned configuration;
static bool full, refuses, drained; /* full: no answer finds room; refuses: the next one fails */
static struct datagram_fixture at;
static unsigned open_sockets;

/* Replaces the C library's. */
int clock_gettime(clockid_t clock, struct timespec *ret)
{
    if (clock != CLOCK_MONOTONIC)
        return kernel_clock_gettime(clock, ret);
    *ret = (struct timespec){.tv_sec = (time_t)(now_us / 1000000),
                             .tv_nsec = (long)(now_us % 1000000 * 1000)};
    return 0;
}

static void must(bool holds)
{
    if (!holds)
        ck_abort_msg("a descriptor, or memory");
}

/* ---- the sockets ---- */

static struct link *link_of(struct datagram_socket *s)
{
    return container_of(s, struct link_socket, base)->link;
}

static struct datagram_io take(struct datagram_socket *s, struct datagram items[], size_t count,
                               struct error *err)
{
    struct link *link = link_of(s);
    size_t n = 0;
    uint64_t ignored;
    if (link->fails) {
        link->fails = false;
        error_set(err, ERROR_SYSTEM, "receive a datagram");
        return (struct datagram_io){.status = DATAGRAM_FAILED};
    }
    for (; n < count && link->taken < link->next; n++) {
        items[n].peer = items[n].own = client;
        items[n].length = sizeof link->taken;
        memcpy(items[n].data, &link->taken, sizeof link->taken);
        link->taken++;
        s->kernel_drops = link->told = link->kernel_drops;
    }
    if (link->taken == link->next)
        (void)!read(link->fd, &ignored, sizeof ignored);
    return (struct datagram_io){.status = n ? DATAGRAM_OK : DATAGRAM_WAIT, .n = n};
}

static struct datagram_io put(struct datagram_socket *s, const struct datagram items[],
                              size_t count, struct error *err)
{
    struct link *link = link_of(s);
    for (size_t n = 0; n < count; n++) {
        uint32_t number;
        if (full) {
            link->unsent += (uint32_t)(count - n);
            return (struct datagram_io){.status = DATAGRAM_WAIT, .n = n};
        }
        if (refuses) {
            refuses = false;
            link->unsent++;
            error_set(err, ERROR_SYSTEM, "send a datagram");
            return (struct datagram_io){.status = DATAGRAM_FAILED, .n = n};
        }
        memcpy(&number, items[n].data, sizeof number);
        explore_require(explorer, items[n].length == sizeof number, "an answer is as long");
        explore_require(explorer, number == link->answered + link->unsent + link->lost,
                        "each is answered once, in order");
        link->answered++;
    }
    return (struct datagram_io){.status = DATAGRAM_OK, .n = count};
}

static void free_socket(struct datagram_socket *s)
{
    open_sockets--;
    free(container_of(s, struct link_socket, base));
}

static const struct datagram_ops ops = {.receive = take, .send = put, .free = free_socket};

static struct datagram_socket *new_socket(struct link *link)
{
    struct link_socket *s = malloc(sizeof *s);
    must(s);
    *s = (struct link_socket){.base = {.ops = &ops, .fd = link->fd}, .link = link};
    open_sockets++;
    return &s->base;
}

/* ---- the server ---- */

static size_t bound(void)
{
    return drained ? 0 : snapshots[configuration]->config->listener_count;
}

static void open_link(struct link *link)
{
    if (link->fd >= 0)
        return;
    link->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    must(link->fd >= 0);
}

static void close_link(struct link *link)
{
    if (link->fd < 0)
        return;
    close(link->fd);
    link->fd = -1;
    link->lost += link->next - link->taken;
    link->taken = link->next;
    link->told_before += link->told;
    link->kernel_drops = link->told = 0;
}

static void serve(void)
{
    const struct config_snapshot *snapshot = snapshots[configuration];
    struct datagram_set *set = calloc(1, sizeof *set + LISTENERS * sizeof set->listeners[0]);
    must(set && (set->ports = calloc(1, sizeof *set->ports)));
    set->count = snapshot->config->listener_count;
    for (unsigned i = 0; i < set->count; i++) {
        open_link(&links[i]);
        set->listeners[i] = (struct datagram_listener){
            .source = {.fd = links[i].fd},
            .socket = new_socket(&links[i]),
            .listener = &snapshot->listeners[i],
            .slot = i,
            .port = (uint16_t)(7007 + i),
        };
    }
    admission_limit(at.admission, snapshot->config);
    datagram_server_replace(at.server, set);
    for (size_t i = bound(); i < LISTENERS; i++)
        close_link(&links[i]);
}

static void finish_run(void)
{
    datagram_fixture_done(&at);
    for (size_t i = 0; i < LISTENERS; i++)
        close_link(&links[i]);
}

static void reset(void)
{
    finish_run();
    now_us = SECOND_US;
    configuration = 0;
    full = refuses = drained = false;
    open_sockets = 0;
    for (size_t i = 0; i < LISTENERS; i++)
        links[i] = (struct link){.fd = -1};
    datagram_fixture_init(&at);
    serve();
}

static bool over(void)
{
    return drained;
}

/* As a worker's loop does. */
static void turn(void)
{
    reactor_turn(at.reactor, REACTOR_LOOK);
    if (now_us >= datagram_server_due_us(at.server))
        datagram_server_expire(at.server, now_us);
}

/* ---- events ---- */

static void arrive(struct link *link, uint32_t count)
{
    uint64_t one = 1;
    if (link->fd < 0)
        return;
    link->next += count;
    must(write(link->fd, &one, sizeof one) == sizeof one);
}

static uint64_t sum(const struct metrics_counter *counters, int from, int to)
{
    uint64_t all = 0;
    for (int i = from; i < to; i++)
        all += metrics_read(&counters[i]);
    return all;
}

static void check(struct explore *x)
{
    for (size_t i = 0; i < LISTENERS; i++) {
        const struct metrics_listener *m = &at.metrics->listeners[i];
        const struct link *link = &links[i];
        uint32_t received = link->answered + link->unsent;
        explore_require(x, received + link->lost == link->taken, "what is received is answered");
        explore_require(x,
                        metrics_read(&m->datagrams_received) == received &&
                            metrics_read(&m->datagrams_sent) == link->answered,
                        "each is counted once");
        explore_require(x, metrics_read(&m->dropped[DATAGRAM_DROP_UNSENT]) == link->unsent,
                        "what is not sent is counted once");
        explore_require(
            x, metrics_read(&m->dropped[DATAGRAM_DROP_KERNEL]) == link->told_before + link->told,
            "what the kernel has dropped is counted once");
        explore_require(x, sum(m->dropped, 0, DATAGRAM_DROP_UNSENT) == 0,
                        "nothing else is dropped");
    }
    explore_require(x, open_sockets == bound(), "each socket is freed once");
}

static void drain(struct explore *x)
{
    uint32_t waiting = links[0].next - links[0].taken;
    bool failed = links[0].fails;
    datagram_server_replace(at.server, NULL);
    drained = true;
    explore_require(x, links[0].taken == links[0].next || failed || waiting > ENDLESS / 2,
                    "what waits is answered before the socket is closed");
    explore_require(x, open_sockets == 0, "each socket is freed");
    explore_require(x, datagram_server_due_us(at.server) == UINT64_MAX, "nothing is left to do");
}

static void reload(struct explore *x)
{
    const struct link *link = &links[1];
    uint32_t lost = link->lost;
    bool answers = !link->fails && link->next - link->taken < ENDLESS / 2;
    configuration = !configuration;
    serve();
    explore_require(x, !answers || link->lost == lost,
                    "what waits is answered before the socket is closed");
}

static void step(struct explore *x)
{
    static const char *const events[] = {"the loop turns",
                                         "comes to 1",
                                         "comes to 2",
                                         "a crowd comes to 1",
                                         "a flood comes to 2",
                                         "comes to 1 after a drop by the kernel",
                                         "receive fails",
                                         "no room",
                                         "a send fails",
                                         "0.1 s",
                                         "reload",
                                         "drain"};
    explorer = x;
    switch (explore_choose(x, "event", events, 12)) {
    case 0:
        turn();
        break;
    case 1:
        arrive(&links[0], 1);
        break;
    case 2:
        arrive(&links[1], 1);
        break;
    case 3:
        arrive(&links[0], CROWD);
        break;
    case 4:
        if (links[1].next == links[1].taken)
            arrive(&links[1], ENDLESS);
        break;
    case 5:
        links[0].kernel_drops++;
        arrive(&links[0], 1);
        break;
    case 6:
        links[0].fails = links[1].fails = true;
        break;
    case 7:
        full = !full;
        break;
    case 8:
        refuses = true;
        break;
    case 9:
        now_us += DATAGRAM_PAUSE_US;
        break;
    case 10:
        reload(x);
        break;
    case 11:
        drain(x);
        break;
    }
    check(x);
}

static uint64_t until(uint64_t time_us)
{
    return time_us == UINT64_MAX ? UINT64_MAX : time_us > now_us ? time_us - now_us : 0;
}

static uint64_t state(void)
{
    uint64_t hash = explore_hash(configuration,
                                 (uint64_t)full | (uint64_t)refuses << 1 | (uint64_t)drained << 2);
    hash = explore_hash(hash, until(at.server->resume_us));
    hash = explore_hash(hash, until(at.server->log.due_us));
    hash = explore_hash(
        hash, explore_hash(at.server->failures.count, until(at.server->failures.next_us)));
    for (size_t i = 0; i < LISTENERS; i++) {
        const struct link *link = &links[i];
        hash = explore_hash(hash, (uint64_t)(link->next - link->taken) << 1 | link->fails);
        hash =
            explore_hash(hash, (uint64_t)(link->kernel_drops - link->told) << 1 | (link->told > 0));
    }
    for (size_t i = 0; i < bound(); i++) {
        hash = explore_hash(hash, at.server->set->listeners[i].last_batch);
        hash = explore_hash(hash, at.server->set->listeners[i].source.want);
    }
    return hash;
}

static bool is_waiting(void)
{
    bool waiting = false;
    for (size_t i = 0; i < bound(); i++)
        waiting = waiting || links[i].taken < links[i].next;
    return waiting;
}

/* It serves what there is, and ends when it is told to. */
static void settle(struct explore *x)
{
    explorer = x;
    if (drained)
        return;
    if (explore_choose(x, "at last", (const char *const[]){"it goes on", "it drains"}, 2) == 0) {
        for (size_t i = 0; i < bound(); i++)
            arrive(&links[i], 1);
        for (int i = 0; i < SETTLED && is_waiting(); i++, now_us += DATAGRAM_PAUSE_US)
            turn();
        now_us += DATAGRAM_LOG_EVERY_US;
        turn();
        check(x);
        explore_require(x, !is_waiting(), "what comes is served");
        explore_require(x, at.server->log.count == 0, "what was served is logged");
    }
    drain(x);
}

START_TEST(every_order_of_events)
{
    static const char rest[] = "limits: {datagram_rate: 0}\nlog: {connections: off}\n";
    const struct explore_machine machine = {
        .name = "datagram server",
        .reset = reset,
        .step = step,
        .over = over,
        .state = state,
        .settle = settle,
        .depth_max = EVENTS_MAX,
        .whole_depth_max = EVENTS_MAX_WHOLE,
    };
    client = loopback_address("udp://192.0.2.1:5000");
    for (size_t i = 0; i < LISTENERS; i++)
        links[i].fd = -1;
    snapshots[0] = yaml_snapshot(
        "listeners: [{listen: 'udp://127.0.0.1:7007'}, {listen: 'udp://127.0.0.1:7008'}]\n%s",
        rest);
    snapshots[1] = yaml_snapshot("listeners: [{listen: 'udp://127.0.0.1:7007'}]\n%s", rest);
    explore_assert(&machine);
    finish_run();
    config_snapshot_free(snapshots[0]);
    config_snapshot_free(snapshots[1]);
}
END_TEST

SUITE_OF_ONE_TEST("datagram_server_orders", every_order_of_events)
