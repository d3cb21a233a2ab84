/* SPDX-License-Identifier: MIT */
/*
 * The exchange under every order of events: input, its end, whatever the transport returns, a
 * server that sends a wrong byte or one too many, output that is not taken, time-outs. The rules in
 * `check` hold after each event, and from every state it comes to each kind of end.
 */
#include <check.h>
#include <string.h>

#include "explore.h"
#include "explored_transport.h"
#include "suite.h"
#include "tlsecho/client/exchange.h"

enum {
    PENDING_MAX = 3, /* bytes that have not come back; then there is no more input */
    RESULTS_MAX = 2, /* of operations, in one event */
    RESULTS_MAX_WHOLE = 4,
    ROUNDS_MAX = 32,
    HELLO_FIRST_BYTES = 10,
};

static const char hello[] = "{\"schema\":1}\n";

static struct explored_transport transport;
static struct exchange exchange;
static bool begun;
static bool wrong;      /* the next bytes are not what is expected */
static bool wrong_came; /* such a byte, or one too many, has arrived */
static uint64_t put_bytes, taken_bytes;
static enum exchange_state state_before;

static const struct setup {
    const char *name;
    enum expect_kind kind;
} * setup;

static const struct setup setups[] = {
    {"exchange, echo", EXPECT_ECHO},
    {"exchange, upper", EXPECT_UPPER},
    {"exchange, none", EXPECT_NONE},
    {"exchange, hello", EXPECT_HELLO},
};

static uint64_t hello_bytes(void)
{
    return setup->kind == EXPECT_HELLO ? sizeof hello - 1 : 0;
}

static unsigned char letter_at(uint64_t position)
{
    return (unsigned char)('a' + position % 23);
}

static unsigned char echo_at(uint64_t position)
{
    unsigned char letter = letter_at(position);
    return setup->kind == EXPECT_UPPER ? (unsigned char)(letter - 'a' + 'A') : letter;
}

static unsigned char sent_by_server(uint64_t position)
{
    if (wrong || position >= hello_bytes() + transport.written) {
        wrong_came = true;
        return '#';
    }
    return position < hello_bytes() ? (unsigned char)hello[position]
                                    : echo_at(position - hello_bytes());
}

static void require(bool holds, const char *rule)
{
    explore_require(transport.x, holds, rule);
}

static void finish_run(void)
{
    if (begun)
        exchange_done(&exchange);
    begun = false;
}

static void reset(void)
{
    struct error err;
    finish_run();
    explored_init(&transport, false);
    transport.shaken = true;
    transport.in_max = PENDING_MAX;
    transport.sent_by_peer = sent_by_server;
    transport.expected = letter_at;
    wrong = wrong_came = false;
    put_bytes = taken_bytes = 0;
    if (exchange_init(&exchange, &transport.base, setup->kind, &err) < 0)
        ck_abort_msg("%s", err.text);
    begun = true;
}

static bool over(void)
{
    return exchange.state != EXCHANGE_OPEN;
}

static uint64_t pending_bytes(void)
{
    return hello_bytes() + put_bytes - transport.arrived;
}

static struct outcome judged(void)
{
    struct outcome outcome;
    exchange_judge(&exchange, !exchange.ending, &outcome);
    return outcome;
}

static bool is_complete(void)
{
    return transport.arrived == hello_bytes() + put_bytes && transport.written == put_bytes;
}

static void check_judgement(void)
{
    enum result result = judged().result;
    bool compares = setup->kind != EXPECT_NONE;
    require(!(compares && wrong_came) || result == RESULT_CORRUPT, "a wrong byte is told");
    require(result != RESULT_CORRUPT || (compares && wrong_came), "only a wrong byte is corrupt");
    require(result != RESULT_OK || !compares || (is_complete() && exchange.ending),
            "ok only if every byte has come back");
    require(result != RESULT_OK || compares || exchange.state == EXCHANGE_ENDED,
            "ok without a comparison only if the server has ended in order");
    require(exchange.state != EXCHANGE_ENDED || !is_complete() || !exchange.ending || wrong_came ||
                result == RESULT_OK,
            "a whole echo with an end in order is ok");
}

static void check(void)
{
    require(state_before == EXCHANGE_OPEN || exchange.state == state_before,
            "an end is named once");
    require(exchange.state != EXCHANGE_ENDED || transport.input == IO_EOF,
            "ended in order only by an end in order");
    require(exchange.sent_bytes == transport.written, "what was sent is counted");
    require(!exchange.flushing || transport.input != IO_OK || exchange.send_failed ||
                exchange_room(&exchange) == 0,
            "no input is taken while bytes wait to be sent");
    if (exchange.state != EXCHANGE_OPEN)
        check_judgement();
}

static void begin_event(struct explore *x, unsigned results_max)
{
    explored_begin(&transport, x, results_max);
    state_before = exchange.state;
    if (transport.peer == EXPLORED_SERVES || !wrong)
        transport.in_limit = hello_bytes() + transport.written;
}

/* What is handed to the caller is what arrived, in order. */
static void take_output(void)
{
    for (size_t i = exchange.in.start; i < exchange.in.end; i++, taken_bytes++)
        require(wrong_came || exchange.in.data[i] == echo_at(taken_bytes),
                "each byte is handed over once, in order");
    buf_take(&exchange.in, buf_waiting(&exchange.in));
}

static void send(void)
{
    unsigned calls = transport.calls;
    unsigned want = exchange_send(&exchange);
    require(transport.calls == calls || want == transport.blocked || exchange.ended,
            "sending waits for what the transport waits for");
    require(transport.calls > calls || want == WANT_NOTHING, "no wait without a reason");
    if (transport.peer != EXPLORED_FREE || !wrong)
        transport.in_limit = hello_bytes() + transport.written;
}

static void receive(bool takes)
{
    unsigned calls = transport.calls;
    bool full = buf_waiting(&exchange.in) > 0;
    unsigned want = exchange_receive(&exchange);
    require(!(full || state_before != EXCHANGE_OPEN) || transport.calls == calls,
            "nothing is read while bytes wait, or after the end");
    require(exchange.state != EXCHANGE_OPEN || buf_waiting(&exchange.in) ||
                want == transport.blocked,
            "receiving waits for what the transport waits for");
    require(exchange.state != EXCHANGE_OPEN || buf_waiting(&exchange.in) || want != WANT_NOTHING,
            "it waits for something");
    if (takes)
        take_output();
}

static void run(struct explore *x)
{
    static const char *const outputs[] = {"is taken", "is blocked"};
    send();
    receive(false);
    if (buf_waiting(&exchange.in) &&
        (transport.peer != EXPLORED_FREE || explore_choose(x, "output", outputs, 2) == 0))
        take_output();
    check();
}

static void put(size_t n)
{
    if (exchange_room(&exchange) < n || pending_bytes() + n > PENDING_MAX || wrong)
        return;
    for (size_t i = 0; i < n; i++)
        exchange.out.data[i] = letter_at(put_bytes++);
    exchange.out.end = n;
}

/* Once. A hello line is known by its first bytes; what follows in it may be anything. */
static void send_wrong(void)
{
    bool in_hello = transport.arrived >= HELLO_FIRST_BYTES && transport.arrived < hello_bytes();
    if (wrong || in_hello)
        return;
    wrong = true;
    transport.in_limit = transport.arrived + 1;
}

static void step(struct explore *x)
{
    static const char *const events[] = {"run",          "a byte of input", "bytes of input",
                                         "end of input", "time-out",        "a wrong byte"};
    begin_event(x, explore_is_whole() ? RESULTS_MAX_WHOLE : RESULTS_MAX);
    switch (explore_choose(x, "event", events, 6)) {
    case 0:
        break;
    case 1:
        put(1);
        break;
    case 2:
        put(2);
        break;
    case 3:
        exchange.ending = exchange.ending || exchange_room(&exchange) > 0;
        break;
    case 4:
        exchange_expire(&exchange, 1000000);
        require(judged().result == RESULT_TIMEOUT, "a time-out is told");
        check();
        return;
    case 5:
        send_wrong();
        return;
    }
    run(x);
}

static uint64_t state(void)
{
    const unsigned values[] = {
        exchange.state,
        exchange.verdict,
        exchange.flushing,
        exchange.ending,
        exchange.ended,
        exchange.send_failed,
        exchange.reset,
        exchange.given_up,
        (unsigned)buf_waiting(&exchange.out),
        (unsigned)buf_waiting(&exchange.in),
        (unsigned)expect_missing(&exchange.expect),
        (unsigned)exchange.hello.n,
        exchange.hello.complete,
        (unsigned)pending_bytes(),
        (unsigned)(put_bytes - transport.written),
        (unsigned)(taken_bytes + buf_waiting(&exchange.in) + hello_bytes() - transport.arrived),
        wrong,
        wrong_came,
        (unsigned)(transport.in_limit - transport.arrived),
    };
    if (over())
        return explore_hash(1, exchange.state);
    uint64_t hash = explored_state(&transport, 0);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        hash = explore_hash(hash, values[i]);
    return hash;
}

static void check_nothing_follows(struct explore *x)
{
    begin_event(x, 0);
    take_output();
    exchange.ending = true;
    exchange_send(&exchange);
    exchange_receive(&exchange);
    require(transport.calls == 0, "nothing follows the end");
    check();
}

/* All of the input has been put, and the server does as an echo server. */
static void serve(struct explore *x)
{
    bool whole = !wrong && !exchange.send_failed && !transport.failed && transport.input == IO_OK;
    transport.peer = EXPLORED_SERVES;
    for (int rounds = 0; !over(); rounds++) {
        begin_event(x, 0);
        require(rounds < ROUNDS_MAX || !whole, "it ends once the server ends");
        require(rounds < ROUNDS_MAX || !exchange.send_failed || exchange.ended,
                "a failed send ends our direction");
        if (rounds >= ROUNDS_MAX)
            return;
        run(x);
        exchange.ending = exchange.ending || exchange_room(&exchange) > 0;
    }
    require(!whole || judged().result == RESULT_OK, "a whole echo is ok");
}

static void settle(struct explore *x)
{
    static const char *const ends[] = {"ends in order", "ends without close_notify", "resets",
                                       "echoes all of it"};
    static const enum explored_peer peers[] = {EXPLORED_ENDS, EXPLORED_CUTS, EXPLORED_RESETS};
    if (!over()) {
        begin_event(x, 0);
        unsigned how = explore_choose(x, "from now on the server", ends, 4);
        if (how == 3) {
            serve(x);
            return;
        }
        transport.peer = peers[how];
        take_output();
        run(x);
        require(over(), "it ends once the server ends");
    }
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
    explore_assert(&machine);
    finish_run();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("exchange_orders");
    TCase *tcase = tcase_create("every order");
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, every_order_of_events, 0, sizeof setups / sizeof *setups);
    return suite_run(suite);
}
