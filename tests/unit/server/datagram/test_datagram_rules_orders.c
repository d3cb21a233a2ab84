/* SPDX-License-Identifier: MIT */
/*
 * What is answered, under every order of datagrams from sources that share an address or a set of
 * the tables, of returned answers, of time and of reloads. What becomes of each is told beforehand
 * from what its own source has sent: no source is punished for another, and each drop is counted
 * once, under its reason.
 */
#include <arpa/inet.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "datagram_fixture.h"
#include "datagram_server_internal.h"
#include "explore.h"
#include "fake_datagram.h"
#include "kernel_clock.h"
#include "loopback.h"
#include "suite.h"
#include "tlsecho/base/token_bucket.h"
#include "yaml_snapshot.h"

enum {
    LISTENERS = 2,
    SOURCES = 5,
    CROWD = DATAGRAM_LOG_SOURCES + 2, /* of other sources, one datagram each */
    PLACES = 4,                       /* in a set of either table */
    PAYLOADS = 2,
    BYTES = 5,                        /* of each */
    RETURNS = DATAGRAM_LOOPS_MAX + 1, /* the first of them may be a new one */
    HALF_SECOND_US = 500 * 1000,
    SECOND_US = 1000 * 1000,
    MINUTE_US = 60 * 1000 * 1000,
    TICK_US = 10 * 1000, /* states are told apart by so much time */
    EVENTS_MAX = 3,
    EVENTS_MAX_WHOLE = 6,
};

static const char *const names[SOURCES] = {"192.0.2.1:5000", "192.0.2.1:5001", "10.18.45.1:5000",
                                           "9.121.30.1:5000", "192.0.2.1:53"};
enum { DENIED_AT_FIRST = 3, LATER_DENIED = 2, LOW_PORT = 4 };
static const char *const payloads[PAYLOADS] = {"hello", "HELLO"};

static uint64_t now_us;
static struct address sources[SOURCES + CROWD];
static const struct config_snapshot *snapshots[2]; /* for all runs */
static unsigned configuration;
static struct fake_datagrams fakes[LISTENERS];
static struct datagram_fixture at;
static uint64_t received, dropped; /* of all listeners, before the lines that the log has now */

/* Replaces the C library's: which sources share a set of a table is known. */
ssize_t getrandom(void *buffer, size_t size, unsigned flags)
{
    (void)flags;
    memset(buffer, 0, size);
    return (ssize_t)size;
}

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
        ck_abort_msg("memory, or other sources");
}

/* ---- what has to become of a datagram ---- */

/* What a table of fixed size knows of sources with that address. */
static struct host {
    uint32_t address; /* 0 = none */
    struct token_bucket bucket;
} hosts[PLACES];

static struct partner {
    uint64_t last_us, ignore_us; /* last_us 0 = none */
    unsigned listener, source;
    bool answered[PAYLOADS];
    unsigned returned;
} partners[PLACES];

static bool is_denied(unsigned source)
{
    return source == DENIED_AT_FIRST || (configuration == 1 && source == LATER_DENIED);
}

static bool has_token(unsigned source)
{
    uint32_t address = sources[source].ipv4.sin_addr.s_addr;
    uint64_t rate = snapshots[configuration]->config->limits.datagram_rate;
    struct host *mine = NULL, *oldest = &hosts[0];
    for (struct host *h = hosts; h < hosts + PLACES; h++) {
        if (h->address == address)
            mine = h;
        if (h->bucket.at_us < oldest->bucket.at_us)
            oldest = h;
    }
    if (!mine)
        *(mine = oldest) = (struct host){.address = address};
    if (mine->bucket.per_second != rate)
        token_bucket_init(&mine->bucket, rate, rate);
    return token_bucket_take(&mine->bucket, now_us);
}

static uint64_t busy_us(const struct partner *p)
{
    return p->ignore_us > p->last_us ? p->ignore_us : p->last_us;
}

static struct partner *find_partner(unsigned listener, unsigned source)
{
    struct partner *mine = NULL, *oldest = &partners[0];
    for (struct partner *p = partners; p < partners + PLACES; p++) {
        if (p->last_us > 0 && p->listener == listener && p->source == source)
            mine = p;
        if (busy_us(p) < busy_us(oldest))
            oldest = p;
    }
    if (!mine)
        *(mine = oldest) = (struct partner){.listener = listener, .source = source};
    mine->last_us = now_us;
    return mine;
}

static bool is_loop(struct partner *partner, unsigned payload)
{
    if (now_us < partner->ignore_us)
        return true;
    partner->returned = partner->answered[payload] ? partner->returned + 1 : 0;
    if (partner->returned < DATAGRAM_LOOPS_MAX)
        return false;
    partner->ignore_us = now_us + DATAGRAM_LOOPS_IGNORE_US;
    partner->returned = 0;
    memset(partner->answered, 0, sizeof partner->answered);
    return true;
}

static enum datagram_drop foretell(unsigned listener, unsigned source, unsigned payload)
{
    if (source == LOW_PORT)
        return DATAGRAM_DROP_PORT;
    if (is_denied(source))
        return DATAGRAM_DROP_DENY;
    if (!has_token(source))
        return DATAGRAM_DROP_RATE;
    struct partner *partner = find_partner(listener, source);
    if (is_loop(partner, payload))
        return DATAGRAM_DROP_LOOP;
    partner->answered[listener == 1 ? 1 : payload] = true; /* it raises letters */
    return DATAGRAM_KEPT;
}

/* ---- the server ---- */

static bool is_bound(unsigned listener)
{
    return listener < snapshots[configuration]->config->listener_count;
}

static void serve(void)
{
    const struct config_snapshot *snapshot = snapshots[configuration];
    size_t count = snapshot->config->listener_count;
    struct datagram_set *set = calloc(1, sizeof *set + count * sizeof set->listeners[0]);
    must(set && (set->ports = calloc(1, sizeof *set->ports)));
    set->count = count;
    for (unsigned i = 0; i < count; i++)
        set->listeners[i] = (struct datagram_listener){
            .source = {.fd = 1000 + (int)i},
            .socket = &fakes[i].base,
            .listener = &snapshot->listeners[i],
            .slot = i,
            .port = (uint16_t)(7007 + i),
        };
    admission_limit(at.admission, snapshot->config);
    datagram_server_replace(at.server, set);
    at.server->resume_us = UINT64_MAX; /* no event loop can wait for these descriptors */
}

static void finish_run(void)
{
    datagram_fixture_done(&at);
}

static void reset(void)
{
    finish_run();
    now_us = MINUTE_US;
    configuration = 0;
    received = dropped = 0;
    memset(hosts, 0, sizeof hosts);
    memset(partners, 0, sizeof partners);
    datagram_fixture_init(&at);
    serve();
}

static bool over(void)
{
    return false;
}

/* ---- events ---- */

static uint64_t all_received(void)
{
    return metrics_read(&at.metrics->listeners[0].datagrams_received) +
           metrics_read(&at.metrics->listeners[1].datagrams_received);
}

static uint64_t all_dropped(void)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < LISTENERS * DATAGRAM_DROPS; i++)
        sum += metrics_read(&at.metrics->listeners[i / DATAGRAM_DROPS].dropped[i % DATAGRAM_DROPS]);
    return sum;
}

/* The lines of the log say what the metrics say. */
static void check_log(struct explore *x)
{
    const struct datagram_log *log = &at.server->log;
    uint64_t in = log->others.received, out = log->others.dropped;
    explore_require(x, log->count <= DATAGRAM_LOG_SOURCES, "the lines of the log are bounded");
    for (unsigned i = 0; i < log->count; i++) {
        in += log->sources[i].received;
        out += log->sources[i].dropped;
    }
    explore_require(x, in == all_received() - received, "the log has each datagram once");
    explore_require(x, out == all_dropped() - dropped, "the log has each drop once");
}

static void flush_log(struct explore *x)
{
    check_log(x);
    datagram_server_expire(at.server, now_us);
    if (at.server->log.due_us != UINT64_MAX)
        return;
    received = all_received();
    dropped = all_dropped();
}

/* Sends it, and checks all that it changes. */
static void send_one(struct explore *x, unsigned listener, unsigned source, unsigned payload)
{
    const struct metrics_listener *now = &at.metrics->listeners[listener];
    const struct metrics_listener before = *now;
    struct fake_datagrams *fake = &fakes[listener];
    now_us++; /* so that of two sources one has been silent for longer */
    enum datagram_drop drop = foretell(listener, source, payload);
    size_t answers = drop == DATAGRAM_KEPT;
    fake->in_taken = fake->out_count = 0;
    fake->in_count = 1;
    fake->in[0].peer = sources[source];
    memcpy(fake->in[0].data, payloads[payload], BYTES);
    datagram_server_serve(&at.server->set->listeners[listener]);

    explore_require(x, fake->out_count <= answers, "it gets no answer");
    explore_require(x, fake->out_count == answers, "it gets an answer");
    explore_require(x, !answers || address_equal(&fake->out[0].peer, &sources[source]),
                    "the answer goes to its source");
    explore_require(x, !answers || fake->out[0].length == BYTES, "the answer is as long");
    explore_require(
        x,
        metrics_read(&now->datagrams_received) == metrics_read(&before.datagrams_received) + 1 &&
            metrics_read(&now->datagrams_sent) == metrics_read(&before.datagrams_sent) + answers,
        "it is counted once");
    for (int i = 0; i < DATAGRAM_DROPS; i++)
        explore_require(x,
                        metrics_read(&now->dropped[i]) ==
                            metrics_read(&before.dropped[i]) + (!answers && i == (int)drop),
                        "a drop is counted once, under its reason");
}

/* A loop, which is found. A second apart no rate limits them. */
static void send_returns(struct explore *x, unsigned listener, unsigned source)
{
    for (int i = 0; i < RETURNS; i++) {
        send_one(x, listener, source, 1);
        now_us += SECOND_US;
    }
}

static void step(struct explore *x)
{
    static const char *const events[] = {
        "comes", "comes back often", "a crowd comes", "0.5 s", "60 s", "reload"};
    static const char *const bytes[] = {"hello", "HELLO"};
    unsigned event = explore_choose(x, "event", events, 6), listener = 0, source = 0;
    if (event < 2) {
        listener = is_bound(1) ? explore_choose(x, "to listener", NULL, LISTENERS) : 0;
        source = explore_choose(x, "from", names,
                                event == 1 ? LATER_DENIED
                                : listener ? DENIED_AT_FIRST
                                           : SOURCES);
    }
    switch (event) {
    case 0:
        send_one(x, listener, source, source == 0 ? explore_choose(x, "payload", bytes, 2) : 0);
        break;
    case 1:
        send_returns(x, listener, source);
        break;
    case 2:
        for (unsigned i = 0; i < CROWD; i++)
            send_one(x, 0, SOURCES + i, 0);
        break;
    case 3:
        now_us += HALF_SECOND_US;
        break;
    case 4:
        now_us += MINUTE_US;
        break;
    case 5:
        configuration = !configuration;
        serve();
        received = all_received();
        dropped = all_dropped();
        break;
    }
    flush_log(x);
}

static uint64_t ticks_until(uint64_t time_us)
{
    return time_us > now_us ? (time_us - now_us + TICK_US - 1) / TICK_US : 0;
}

/* What of it has been refilled by now, which is all that matters. */
static uint64_t level(const struct host *host)
{
    struct token_bucket bucket = host->bucket;
    uint64_t tokens = bucket.per_second ? 0 : bucket.burst + 1;
    while (bucket.per_second && tokens <= bucket.burst && token_bucket_take(&bucket, now_us))
        tokens++;
    return tokens << 32 | bucket.millionths / TICK_US;
}

static int compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int by_use(const void *a, const void *b)
{
    const struct host *x = a, *y = b;
    return compare(x->bucket.at_us, y->bucket.at_us);
}

static int by_silence(const void *a, const void *b)
{
    return compare(busy_us(a), busy_us(b));
}

/* Which place of a table an entry has does not matter, only the order in which they were used. */
static uint64_t state(void)
{
    struct host used[PLACES];
    struct partner heard[PLACES];
    memcpy(used, hosts, sizeof used);
    memcpy(heard, partners, sizeof heard);
    qsort(used, PLACES, sizeof used[0], by_use);
    qsort(heard, PLACES, sizeof heard[0], by_silence);

    uint64_t hash = explore_hash(configuration, ticks_until(at.server->log.due_us));
    for (unsigned i = 0; i < PLACES; i++) {
        const struct partner *p = &heard[i];
        hash = explore_hash(hash, used[i].address);
        hash = explore_hash(hash, level(&used[i]));
        hash = explore_hash(hash, (uint64_t)p->listener << 32 | p->source);
        hash = explore_hash(hash, (uint64_t)(p->last_us > 0) << 32 | p->returned);
        hash = explore_hash(hash, ticks_until(p->ignore_us) << 2 | (uint64_t)p->answered[0] << 1 |
                                      p->answered[1]);
    }
    return hash;
}

/* Whether it shares a set with the first source: of rates, as admission_source_key.c has it, and of
 * loops, which looks at the last ten bits of an address, in some order. */
static bool is_together(uint32_t ipv4)
{
    enum { SET_BITS = 14, FIRST = 0xc0000201, LOOPS = 0xc0ff };
    uint64_t mine = ipv4 * UINT64_C(0x9e3779b97f4a7c15);
    uint64_t other = FIRST * UINT64_C(0x9e3779b97f4a7c15);
    return ((mine ^ mine >> 32) ^ (other ^ other >> 32)) >> (64 - SET_BITS) == 0 &&
           ((ipv4 ^ FIRST) & LOOPS) == 0;
}

static void set_addresses(void)
{
    char text[ADDRESS_TEXT_BYTES];
    uint32_t ipv4 = 11 << 24 | 1;
    for (unsigned i = 0; i < SOURCES + CROWD; i++) {
        snprintf(text, sizeof text, "udp://%s", names[i < SOURCES ? i : 0]);
        sources[i] = loopback_address(text);
        if (i >= SOURCES) {
            do
                ipv4 += 1 << 8;
            while (!is_together(ipv4));
            sources[i].ipv4.sin_addr.s_addr = htonl(ipv4);
        }
        must(is_together(ntohl(sources[i].ipv4.sin_addr.s_addr)));
    }
}

START_TEST(every_order_of_events)
{
    const struct explore_machine machine = {
        .name = "datagram rules",
        .reset = reset,
        .step = step,
        .over = over,
        .state = state,
        .depth_max = EVENTS_MAX,
        .whole_depth_max = EVENTS_MAX_WHOLE,
    };
    set_addresses();
    for (unsigned i = 0; i < LISTENERS; i++) {
        fake_datagrams_init(&fakes[i]);
        fake_datagrams_add(&fakes[i], "udp://192.0.2.1:5000", payloads[0], BYTES);
    }
    snapshots[0] = yaml_snapshot(
        "listeners: [{listen: 'udp://127.0.0.1:7007', deny: [9.121.30.1]},\n"
        "            {listen: 'udp://127.0.0.1:7008', service: upper, deny: [9.121.30.1]}]\n"
        "limits: {datagram_rate: 1}\nlog: {connections: off}\n");
    snapshots[1] = yaml_snapshot(
        "listeners: [{listen: 'udp://127.0.0.1:7007', deny: [9.121.30.1, 10.18.45.1]}]\n"
        "limits: {datagram_rate: 2}\nlog: {connections: off}\n");
    explore_assert(&machine);
    finish_run();
    config_snapshot_free(snapshots[0]);
    config_snapshot_free(snapshots[1]);
}
END_TEST

SUITE_OF_ONE_TEST("datagram_rules_orders", every_order_of_events)
