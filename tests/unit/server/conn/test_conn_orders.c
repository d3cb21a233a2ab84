/* SPDX-License-Identifier: MIT */
/*
 * A connection under every order of events: whatever its transport returns, time-outs, the start of
 * a drain, its end, a stop. The rules in `check` hold after each event, those of the transport in
 * each, and from every state each kind of end is reached.
 */
#include <check.h>

#include "explore.h"
#include "explored_service.h"
#include "explored_transport.h"
#include "suite.h"
#include "tlsecho/server/conn.h"
#include "tlsecho/server/conn_info.h"

enum {
    BUFFER_BYTES = 8,
    REQUEST_PART_BYTES = 3, /* that a read brings */
    RESULTS_MAX = 1,        /* of operations, in one event */
    RESULTS_MAX_WHOLE = 3,
    ROUNDS_MAX = 32, /* until a connection has come to its end */
};

static struct explored_transport transport;
static struct pool pool;
static struct conn conn;
static bool begun;
static bool head_timed; /* the time of the present head runs */
static enum conn_end end_before;
static bool sending_before;
static bool received, sent; /* in any run */

/* The machine explored. */
static const struct setup {
    const char *name;
    const struct explored_service *kind;
    bool proxy, messages, splices;
} * setup;

static const struct setup setups[] = {
    {"conn, answers", &explored_answers, .proxy = false},
    {"conn, answers behind PROXY", &explored_answers, .proxy = true},
    {"conn, answers messages", &explored_answers, .messages = true},
    {"conn, splices", &explored_echoes, .splices = true},
    {"conn, drops", &explored_drops, .proxy = false},
    {"conn, generates", &explored_generates, .proxy = false},
    {"conn, writes a line", &explored_line, .proxy = false},
    {"conn, writes a line and answers", &explored_line_and_answers, .proxy = false},
    {"conn, converses", &explored_converses, .proxy = false},
};

static void describe(const struct conn *c, struct conn_info *ret)
{
    (void)c;
    *ret = (struct conn_info){.listener = "main"};
}

static struct io read_proxy(struct conn *c, enum conn_end *ret_end, struct error *err)
{
    explore_require(transport.x, c->state == CONN_PROXY, "PROXY comes first");
    struct io io = explored_handshake(&transport, "PROXY header", err);
    if (io.status == IO_FAILED && err->kind == ERROR_TLS)
        *ret_end = CONN_END_REFUSED;
    return io;
}

static void finish_run(void)
{
    if (!begun)
        return;
    conn_done(&conn);
    if (transport.freed != 1)
        ck_abort_msg("the transport was freed %u times", transport.freed);
    pool_done(&pool);
    begun = false;
}

static void reset(void)
{
    finish_run();
    explored_init(&transport, setup->splices);
    transport.base.messages = setup->messages;
    transport.sent_by_peer = setup->kind->sent_by_peer;
    transport.expected = setup->kind->expected;
    transport.in_max = setup->kind == &explored_converses ? REQUEST_PART_BYTES : 0;
    head_timed = false;
    explored_talk = (struct service_talk){.next = SERVICE_WAITS};
    pool_init(&pool, BUFFER_BYTES);
    conn_init(&conn, &transport.base, &setup->kind->service, &pool, describe);
    if (setup->proxy)
        conn_expect_proxy(&conn, read_proxy);
    begun = true;
}

static bool over(void)
{
    return conn.state == CONN_OVER;
}

static void require(bool holds, const char *rule)
{
    explore_require(transport.x, holds, rule);
}

static uint64_t to_be_written(void)
{
    uint64_t line = setup->kind == &explored_line_and_answers ? EXPLORED_LINE_BYTES : 0;
    if (setup->kind == &explored_drops)
        return 0;
    if (setup->kind == &explored_converses || setup->kind == &explored_generates)
        return explored_talk.generated;
    return setup->kind == &explored_line ? EXPLORED_LINE_BYTES : line + conn.received_bytes;
}

static bool is_in_order(enum conn_end end)
{
    return end == CONN_END_CLOSED || end == CONN_END_CUT || end == CONN_END_FINISHED;
}

/* An end is named once; another name follows only if output is lost after it. */
static void check_name(void)
{
    require(*conn_end_name(conn.end), "an end has a name");
    require((conn.end == CONN_END_NONE) == (conn.state < CONN_SHUTDOWN),
            "an end is named once it begins");
    bool lost = sending_before && !is_in_order(conn.end);
    require(end_before == CONN_END_NONE || conn.end == end_before || lost, "an end is named once");
    require(conn.end != CONN_END_PROBE || transport.arrived + transport.written == 0,
            "a probe has neither sent nor received a byte");
}

static void check_over(void)
{
    require(!is_in_order(conn.end) || (transport.written == to_be_written() && !transport.buffered),
            "an end in order has lost no byte");
    require(conn.end != CONN_END_CLOSED || conn.peer_ended, "closed: the peer has ended");
    require(conn.end != CONN_END_CUT || conn.peer_ended, "cut: the peer has ended");
}

static void check_head_time(void)
{
    if (conn.state != CONN_CONVERSE || !(conn.runnable || conn.want == WANT_READ) || conn.sending)
        return;
    head_timed = head_timed && !explored_talk.answers;
    explored_talk.answers = false;
    bool in_head = explored_talk.next == SERVICE_READS_HEAD;
    require(conn.timeout_anew == (in_head && !head_timed),
            "the time of a head runs from its first byte");
    head_timed = in_head;
}

static void check_waits(void)
{
    bool reads_beside = conn.state == CONN_PRODUCE && !conn.peer_ended && !conn.service->answer;
    require(conn.timeout < CONN_TIMEOUTS, "a time-out runs");
    if (conn.runnable)
        return;
    require(conn.want != WANT_NOTHING, "it waits for something");
    require(conn.want == WANT_READ || conn.want == WANT_WRITE || reads_beside,
            "it waits for one direction");
    require((conn.want & transport.blocked) == transport.blocked,
            "it waits for what the transport waits for");
    require(conn.sending || transport.blocked || conn.want & WANT_READ,
            "it waits for input when nothing else is to be done");
    require(!reads_beside || conn.want & WANT_READ, "it watches for the peer's end");
    require(conn.sending || !transport.more || transport.blocked,
            "what the transport has left is read before a wait");
    require(conn.state != CONN_SERVE || conn.sending || !conn.output.data,
            "an idle connection holds no buffer");
    require(conn.timeout != CONN_TIMEOUT_IDLE || !conn.draining ||
                explored_talk.next != SERVICE_WAITS,
            "a drain ends a quiet connection soon");
}

/* After an event that ran it. */
static void check(void)
{
    received = received || conn.received_bytes > 0;
    sent = sent || conn.sent_bytes > 0;
    check_name();
    require(!explored_talk.out_of_order, "input is taken once, in order");
    require(conn.received_bytes <= transport.arrived, "no byte is counted twice");
    require(conn.sent_bytes == transport.written, "what is written is counted");
    if (conn.state == CONN_OVER) {
        check_over();
        return;
    }
    if (conn.state < CONN_SHUTDOWN)
        require(conn.received_bytes == transport.arrived, "each byte is counted");
    check_head_time();
    check_waits();
}

static void begin_event(struct explore *x, unsigned results_max)
{
    explored_begin(&transport, x, results_max);
    transport.more = false;
    end_before = conn.end;
    sending_before = conn.sending;
}

static void run(void)
{
    conn_run(&conn);
    check();
}

static void step(struct explore *x)
{
    static const char *const events[] = {"run",  "time-out",         "drain",
                                         "stop", "its life is over", "the drain is over"};
    begin_event(x, explore_is_whole() ? RESULTS_MAX_WHOLE : RESULTS_MAX);
    switch (explore_choose(x, "event", events, 6)) {
    case 0:
        run();
        break;
    case 1:
        conn_expire(&conn);
        run();
        break;
    case 2:
        conn_drain(&conn);
        break;
    case 3:
        conn_abort(&conn, CONN_END_STOPPED);
        check();
        break;
    case 4:
        conn_finish(&conn, CONN_END_LIFETIME);
        run();
        break;
    case 5:
        conn_finish(&conn, CONN_END_DRAINED);
        run();
        break;
    }
}

/* The talk matters only while requests are read. */
static uint64_t hash_talk(uint64_t hash)
{
    const unsigned values[] = {
        explored_talk.next,
        explored_talk.letters > 1,
        explored_talk.answer,
        explored_talk.end,
        head_timed,
        (unsigned)(transport.arrived % EXPLORED_REQUESTS_PERIOD),
        (unsigned)(transport.arrived - explored_talk.taken),
    };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        hash = explore_hash(hash, values[i]);
    return hash;
}

static uint64_t state(void)
{
    bool line = setup->kind == &explored_line || setup->kind == &explored_line_and_answers;
    if (conn.state == CONN_OVER)
        return explore_hash(0, conn.end);
    const unsigned values[] = {
        conn.state,
        conn.end,
        conn.timeout,
        conn.established,
        conn.hello_begun,
        conn.proxy_begun,
        conn.runnable,
        conn.sending,
        conn.peer_ended,
        conn.draining,
        conn.full && setup->splices,
        conn.want,
        conn.error != NULL,
        conn.received_bytes > 0,
        conn.sent_bytes > 0,
        conn.output.data != NULL,
        (unsigned)buf_waiting(&conn.output),
        line && conn.sent_bytes < EXPLORED_LINE_BYTES ? (unsigned)conn.sent_bytes
                                                      : EXPLORED_LINE_BYTES,
        conn.conversation != NULL,
    };
    uint64_t hash = explored_state(&transport, 0);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        hash = explore_hash(hash, values[i]);
    return conn.state == CONN_CONVERSE ? hash_talk(hash) : hash;
}

/* Runs it while it is to be called at once or, if `ready`, what it waits for is ready. */
static void run_while(struct explore *x, bool ready)
{
    int rounds = 0;
    begin_event(x, 0);
    while (conn.state != CONN_OVER && (conn.runnable || ready || rounds == 0)) {
        require(rounds++ < ROUNDS_MAX, "it comes to rest");
        run();
        begin_event(x, 0);
    }
}

static void expire_until_over(struct explore *x)
{
    int rounds = 0;
    transport.peer = EXPLORED_SILENT;
    run_while(x, false);
    while (conn.state != CONN_OVER) {
        require(rounds++ < ROUNDS_MAX, "time-outs end it");
        begin_event(x, 0);
        conn_expire(&conn);
        run_while(x, false);
    }
}

static void check_nothing_follows(struct explore *x)
{
    enum conn_end end = conn.end;
    begin_event(x, 0);
    conn_run(&conn);
    conn_drain(&conn);
    conn_finish(&conn, CONN_END_LIFETIME);
    conn_run(&conn);
    require(conn.state == CONN_OVER && conn.end == end && transport.calls == 0,
            "nothing follows the end");
}

static void settle(struct explore *x)
{
    static const char *const ends[] = {"ends in order", "ends without close_notify", "resets",
                                       "is silent"};
    begin_event(x, 0);
    if (conn.state != CONN_OVER) {
        unsigned how = explore_choose(x, "from now on the peer", ends, 4);
        transport.peer = (enum explored_peer)(EXPLORED_ENDS + how);
        if (transport.peer == EXPLORED_SILENT)
            expire_until_over(x);
        else
            run_while(x, true);
    }
    require(conn.state == CONN_OVER, "it ends");
    check_nothing_follows(x);
}

START_TEST(every_order_of_events)
{
    setup = &setups[_i];
    const struct explore_machine machine = {
        .name = setup->name,
        .reset = reset,
        .step = step,
        .over = over,
        .state = state,
        .settle = settle,
    };
    bool complete = explore_assert(&machine);
    ck_assert(!complete || (received && (sent || setup->kind == &explored_drops)));
    finish_run();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conn_orders");
    TCase *tcase = tcase_create("every order");
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, every_order_of_events, 0, sizeof setups / sizeof *setups);
    return suite_run(suite);
}
