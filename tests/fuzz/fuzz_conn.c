/* SPDX-License-Identifier: MIT */
/*
 * A connection under an arbitrary script of transport results, time-outs, drains and ends. The
 * invariants in `check` hold after each.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fake_transport.h"
#include "tlsecho/server/conn.h"
#include "tlsecho/server/conn_info.h"

static struct fake_transport fake;

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check(const struct conn *c)
{
    require(*conn_end_name(c->end));
    bool answers = !c->service->produce && !c->service->requests;
    bool both = c->service->produce && c->service->answer;
    require(!answers || c->sent_bytes + buf_waiting(&c->output) <= c->received_bytes);
    if (c->state == CONN_OVER) {
        require(c->end != CONN_END_NONE);
        require(c->end != CONN_END_CLOSED || buf_waiting(&c->output) == 0);
        return;
    }
    bool reads = c->state == CONN_PRODUCE && !c->peer_ended && !both;
    require(c->runnable || c->want == WANT_READ || c->want == WANT_WRITE ||
            (reads && c->want == (WANT_READ | WANT_WRITE)));
    require(!reads || c->runnable || c->want & WANT_READ);
    require(c->timeout < CONN_TIMEOUTS);
    require((c->end == CONN_END_NONE) == (c->state < CONN_SHUTDOWN));
    require(c->state != CONN_SERVE || c->runnable || c->sending || !c->output.data);
    require(both || (c->state == CONN_SERVE ? answers : c->state != CONN_PRODUCE || !answers));
    require(c->state != CONN_CONVERSE || c->service->requests);
}

static enum io_status status_of(uint8_t byte)
{
    return (enum io_status)(byte % (IO_FAILED + 1));
}

static void script(struct fake_script *into, uint8_t status, uint8_t size)
{
    static const char text[] =
        "\x16\x03\x01\x02\x05\x01 some bytes to be echoed, which may be taken in parts";
    into->after.io =
        (struct io){.status = status_of(status), .more = status & 0x80, .n = size % 64};
    into->after.data = text + size % 48;
}

static struct fake_script introductions;

static struct io read_proxy(struct conn *c, enum conn_end *ret_end, struct error *err)
{
    struct io io = introductions.after.io;
    require(c->state == CONN_PROXY);
    if (io.status == IO_FAILED && io.more)
        *ret_end = CONN_END_REFUSED;
    if (io.status == IO_FAILED || io.status == IO_RESET)
        error_set(err, fake.failure, "the script says so");
    return io;
}

/* One byte says what happens next, two more the details. */
static void step(struct conn *c, uint8_t what, uint8_t a, uint8_t b)
{
    switch (what % 10) {
    case 0:
        script(&fake.handshakes, a, b);
        break;
    case 1:
        script(&fake.reads, a, b);
        break;
    case 2:
        script(&fake.writes, a, b);
        break;
    case 3:
        script(&fake.shutdowns, a, b);
        break;
    case 4:
        conn_expire(c);
        break;
    case 5:
        conn_drain(c);
        break;
    case 6:
        conn_finish(c, a & 1 ? CONN_END_LIFETIME : CONN_END_DRAINED);
        break;
    case 7:
        fake.failure = a & 1 ? ERROR_SYSTEM : a & 2 ? ERROR_FLOOD : ERROR_TLS;
        break;
    case 9:
        script(&introductions, a, b);
        break;
    case 8:
        conn_run(c);
        check(c);
        break;
    }
}

static void describe(const struct conn *c, struct conn_info *ret)
{
    /* In SHUTDOWN: for the answer to a request that the end of a drain cuts. */
    require(c->state == CONN_PRODUCE || c->state == CONN_CONVERSE ||
            (c->state == CONN_SHUTDOWN && c->conversation));
    *ret = (struct conn_info){.listener = "main"};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fake_init(&fake);
    struct pool pool;
    struct conn conn;
    pool_init(&pool, 4096);
    const struct service *service = service_find(service_name(size % 5));
    if (size / 10 % 2 && service == &service_report)
        service = &service_hello;
    if (size / 10 % 2 && service == &service_discard)
        service = &service_http;
    conn_init(&conn, &fake.base, service, &pool, describe);
    introductions.after.io.status = IO_OK;
    if (size / 5 % 2)
        conn_expect_proxy(&conn, read_proxy);
    for (size_t i = 0; i + 2 < size && conn.state != CONN_OVER; i += 3)
        step(&conn, data[i], data[i + 1], data[i + 2]);
    if (conn.state == CONN_OVER)
        check(&conn);
    conn_done(&conn);
    require(fake.freed == 1);
    pool_done(&pool);
    return 0;
}
