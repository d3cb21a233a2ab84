/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <errno.h>
#include <string.h>

#include "fake_transport.h"
#include "suite.h"
#include "tlsecho/server/conn.h"
#include "tlsecho/server/conn_info.h"

enum { BUFFER_BYTES = 4096 };

static struct fake_transport fake;
static struct pool pool;
static struct conn conn;
static unsigned described; /* how often */

/* Longer each time. */
static void describe(const struct conn *c, struct conn_info *ret)
{
    static unsigned times;
    described++;
    ck_assert_ptr_eq(c, &conn);
    *ret = (struct conn_info){.listener = "main", .connection = 42};
    memset(ret->server, 'x', ++times % sizeof ret->server);
}

static void set_up(void)
{
    described = 0;
    fake_init(&fake);
    pool_init(&pool, BUFFER_BYTES);
    conn_init(&conn, &fake.base, &service_echo, &pool, describe);
}

static void tear_down(void)
{
    conn_done(&conn);
    ck_assert_ptr_null(conn.transport);
    ck_assert_int_eq(fake.freed, 1);
    pool_done(&pool);
}

static void assert_written(const char *text)
{
    ck_assert_uint_eq(fake.written_bytes, strlen(text));
    ck_assert_mem_eq(fake.written, text, strlen(text));
}

static void assert_waits(unsigned want, enum conn_timeout timeout)
{
    ck_assert_int_ne(conn.state, CONN_OVER);
    ck_assert(!conn.runnable);
    ck_assert_uint_eq(conn.want, want);
    ck_assert_int_eq(conn.timeout, timeout);
}

static void assert_over(enum conn_end end)
{
    ck_assert_int_eq(conn.state, CONN_OVER);
    ck_assert_str_eq(conn_end_name(conn.end), conn_end_name(end));
}

START_TEST(echoes_with_one_read_and_one_write)
{
    fake_add_read(&fake, "hello");
    conn_run(&conn);
    assert_written("hello");
    ck_assert_int_eq(fake.read_calls, 1);
    ck_assert_int_eq(fake.write_calls, 1);
    assert_waits(WANT_READ, CONN_TIMEOUT_IDLE);
    ck_assert(conn.progressed);
}
END_TEST

START_TEST(the_service_determines_the_answer)
{
    conn.service = &service_upper;
    fake_add_read(&fake, "Gr\xc3\xbc\xc3\x9f z{`a");
    conn_run(&conn);
    assert_written("GR\xc3\xbc\xc3\x9f Z{`A");
}
END_TEST

START_TEST(waits_for_the_handshake_in_either_direction)
{
    fake_add(&fake.handshakes, IO_WANT_READ);
    fake_add(&fake.handshakes, IO_WANT_WRITE);
    conn_run(&conn);
    assert_waits(WANT_READ, CONN_TIMEOUT_HANDSHAKE);
    conn_run(&conn);
    assert_waits(WANT_WRITE, CONN_TIMEOUT_HANDSHAKE);
    ck_assert(!conn.established);
    conn_run(&conn);
    assert_waits(WANT_READ, CONN_TIMEOUT_IDLE);
    ck_assert(conn.established);
}
END_TEST

START_TEST(sends_the_rest_after_a_short_write)
{
    fake_add_read(&fake, "abcdef");
    fake_add_short_write(&fake, 1);
    fake_add_short_write(&fake, 3);
    conn_run(&conn);
    assert_waits(WANT_WRITE, CONN_TIMEOUT_WRITE);
    conn_run(&conn);
    ck_assert(conn.progressed);
    assert_waits(WANT_WRITE, CONN_TIMEOUT_WRITE);
    conn_run(&conn);
    assert_written("abcdef");
    assert_waits(WANT_READ, CONN_TIMEOUT_IDLE);
}
END_TEST

START_TEST(one_byte_writes_lose_and_repeat_nothing)
{
    fake_add_read(&fake, "0123456789");
    for (int i = 0; i < 10; i++)
        fake_add_short_write(&fake, 1);
    for (int i = 0; i <= 10; i++)
        conn_run(&conn);
    assert_written("0123456789");
    ck_assert_uint_eq(conn.sent_bytes, 10);
    ck_assert_uint_eq(conn.received_bytes, 10);
}
END_TEST

START_TEST(what_moved_earlier_in_a_turn_counts_as_progress)
{
    fake_add_read_more(&fake, "x");
    fake_add(&fake.reads, IO_WANT_READ);
    conn_run(&conn);
    ck_assert(conn.progressed);
    fake_add_read(&fake, "x");
    fake.writes.after.io.status = IO_WANT_WRITE;
    conn_run(&conn);
    ck_assert(conn.progressed);
}
END_TEST

START_TEST(does_not_read_while_output_is_pending)
{
    fake_add_read(&fake, "abc");
    fake_add_read(&fake, "def");
    fake_add_short_write(&fake, 1);
    fake_add_short_write(&fake, 0);
    conn_run(&conn);
    conn_run(&conn);
    ck_assert_int_eq(fake.read_calls, 1);
    ck_assert(!conn.progressed);
}
END_TEST

START_TEST(flushes_data_that_the_transport_accepted_but_did_not_send)
{
    fake_add_read(&fake, "abc");
    fake_add_short_write(&fake, 3);
    conn_run(&conn);
    assert_waits(WANT_WRITE, CONN_TIMEOUT_WRITE);
    ck_assert_ptr_null(conn.output.data);
    conn_run(&conn);
    ck_assert_int_eq(fake.write_calls, 2);
    assert_written("abc");
}
END_TEST

START_TEST(reads_on_while_the_transport_has_more)
{
    fake_add_read_more(&fake, "a");
    fake_add_read_more(&fake, "b");
    fake_add_read(&fake, "c");
    fake_add_read(&fake, "later");
    conn_run(&conn);
    assert_written("abc");
    assert_waits(WANT_READ, CONN_TIMEOUT_IDLE);
}
END_TEST

START_TEST(yields_when_its_budget_is_spent)
{
    fake.reads.after = (struct fake_step){.io = {.status = IO_OK, .more = true}, .data = "x"};
    conn_run(&conn);
    ck_assert(conn.runnable);
    ck_assert_int_eq(fake.read_calls, CONN_TURNS_MAX);
    ck_assert_int_eq(conn.timeout, CONN_TIMEOUT_IDLE);
    conn_run(&conn);
    ck_assert(conn.runnable);
    ck_assert_int_eq(fake.read_calls, 2 * CONN_TURNS_MAX);
}
END_TEST

START_TEST(answers_all_messages_that_came_together)
{
    fake.base.messages = true;
    for (int i = 0; i < 2 * CONN_TURNS_MAX; i++)
        fake_add_read_more(&fake, "x");
    conn_run(&conn);
    assert_written("xxxxxxxxxxxxxxxx");
    assert_waits(WANT_READ, CONN_TIMEOUT_IDLE);
}
END_TEST

START_TEST(messages_are_answered_by_a_service_that_also_generates_output)
{
    fake.base.messages = true;
    conn.service = &service_report;
    fake_add_read(&fake, "x");
    conn_run(&conn);
    ck_assert_int_eq(conn.state, CONN_SERVE);
    ck_assert_int_eq(fake.write_calls, 1);
    ck_assert_uint_eq(conn.received_bytes, 1);
    ck_assert_ptr_nonnull(strstr((char *)fake.written, "\"connection\":42"));
}
END_TEST

/* Is silent where the message is longer than a byte. */
static enum service_verdict reply_to_short(const struct service_request *request,
                                           struct datagram *datagram)
{
    ck_assert_uint_eq(request->room, BUFFER_BYTES);
    ck_assert_ptr_null(request->info);
    ck_assert_uint_eq(datagram->size, BUFFER_BYTES);
    datagram->data[0] = '=';
    return datagram->length == 1 ? SERVICE_ANSWERS : SERVICE_IS_SILENT;
}

START_TEST(a_message_is_answered_or_not)
{
    static const struct service service = {.name = "made-up", .reply = reply_to_short};
    fake.base.messages = true;
    conn.service = &service;
    fake_add_read(&fake, "two");
    conn_run(&conn);
    ck_assert_int_eq(fake.write_calls, 0);
    ck_assert_ptr_null(conn.output.data);
    fake_add_read(&fake, "1");
    conn_run(&conn);
    assert_written("=");
}
END_TEST

/* A transport that cannot splice is read again. */
START_TEST(a_read_of_more_than_half_of_a_buffer_is_bulk_data)
{
    static char bulk[BUFFER_BYTES / 2 + 2];
    memset(bulk, 'x', BUFFER_BYTES / 2);
    fake_add_read(&fake, bulk);
    conn_run(&conn);
    ck_assert(!conn.full);
    bulk[BUFFER_BYTES / 2] = 'x';
    fake_add_read(&fake, bulk);
    conn_run(&conn);
    ck_assert(conn.full);
    fake_add(&fake.reads, IO_WANT_READ);
    conn_run(&conn);
    ck_assert(conn.full);
    ck_assert_uint_eq(conn.sent_bytes, BUFFER_BYTES + 1);
}
END_TEST

START_TEST(an_idle_connection_holds_no_buffer)
{
    fake_add_read(&fake, "hello");
    conn_run(&conn);
    ck_assert_ptr_null(conn.output.data);
    ck_assert_uint_eq(pool.kept_count, 1);
}
END_TEST

START_TEST(pending_output_is_sent_after_the_peers_fin)
{
    fake_add_read(&fake, "owed");
    fake_add_short_write(&fake, 1);
    fake_add(&fake.reads, IO_EOF);
    conn_run(&conn);
    conn_run(&conn);
    assert_written("owed");
    ck_assert_int_eq(fake.shutdown_at, 4);
    assert_over(CONN_END_CLOSED);
}
END_TEST

START_TEST(a_fin_without_close_notify_is_closed_in_order_as_cut)
{
    fake_add_read(&fake, "owed");
    fake_add(&fake.reads, IO_CUT);
    conn_run(&conn);
    conn_run(&conn);
    assert_written("owed");
    ck_assert_int_eq(fake.shutdown_at, 4);
    assert_over(CONN_END_CUT);
}
END_TEST

START_TEST(a_reset_ends_it_at_once)
{
    fake_add_read(&fake, "x");
    conn_run(&conn);
    fake_add(&fake.reads, IO_RESET);
    conn_run(&conn);
    assert_over(CONN_END_RESET);
    ck_assert_int_eq(fake.shutdown_at, -1);
}
END_TEST

START_TEST(a_peer_that_the_kernel_no_longer_reaches_has_vanished)
{
    static const int codes[] = {ETIMEDOUT, EHOSTUNREACH, ENETUNREACH};
    fake.reset_errno = codes[_i];
    fake_add(&fake.reads, IO_RESET);
    conn_run(&conn);
    assert_over(CONN_END_VANISHED);
}
END_TEST

START_TEST(a_reset_with_pending_output_is_a_reset)
{
    fake_add_read(&fake, "owed");
    fake_add_short_write(&fake, 1);
    fake_add(&fake.writes, IO_RESET);
    conn_run(&conn);
    conn_run(&conn);
    assert_over(CONN_END_RESET);
    ck_assert_str_eq(conn.error->text, "the script: Connection reset by peer");
}
END_TEST

START_TEST(a_write_that_finds_the_peer_gone_is_a_reset)
{
    fake_add_read(&fake, "owed");
    fake_add(&fake.writes, IO_CUT);
    conn_run(&conn);
    assert_over(CONN_END_RESET);
    ck_assert_ptr_null(conn.error);
}
END_TEST

START_TEST(a_reset_during_the_handshake_is_a_reset)
{
    fake_add(&fake.handshakes, IO_RESET);
    fake.handshakes.steps[0].io.progressed = true;
    conn_run(&conn);
    assert_over(CONN_END_RESET);
}
END_TEST

START_TEST(a_peer_that_closes_during_the_handshake_fails_it)
{
    fake_add(&fake.handshakes, IO_CUT);
    fake.handshakes.steps[0].io.progressed = true;
    conn_run(&conn);
    assert_over(CONN_END_HANDSHAKE);
    ck_assert_ptr_nonnull(strstr(conn.error->text, "during the handshake"));
    ck_assert_int_eq(conn.error->kind, ERROR_TLS);
}
END_TEST

START_TEST(a_peer_that_closes_later_in_the_handshake_was_no_probe)
{
    fake_add(&fake.handshakes, IO_WANT_READ);
    fake.handshakes.steps[0].io.progressed = true;
    fake_add(&fake.handshakes, IO_CUT);
    conn_run(&conn);
    conn_run(&conn);
    assert_over(CONN_END_HANDSHAKE);
}
END_TEST

START_TEST(a_failed_handshake_sends_its_alert_and_lingers)
{
    fake_add(&fake.handshakes, IO_FAILED);
    conn_run(&conn);
    ck_assert_int_eq(fake.shutdown_at, 0);
    ck_assert_int_eq(conn.state, CONN_LINGER);
    assert_waits(WANT_READ, CONN_TIMEOUT_LINGER);
    fake.reads.after.io.status = IO_CUT;
    conn_run(&conn);
    assert_over(CONN_END_HANDSHAKE);
    ck_assert_str_eq(conn.error->text, "the script says so");
}
END_TEST

START_TEST(a_broken_record_sends_its_alert_and_lingers)
{
    fake_add(&fake.reads, IO_FAILED);
    conn_run(&conn);
    ck_assert_int_eq(conn.state, CONN_LINGER);
    ck_assert_int_eq(conn.end, CONN_END_TLS);
}
END_TEST

START_TEST(a_flood_has_an_end_of_its_own)
{
    fake.failure = ERROR_FLOOD;
    fake_add(&fake.reads, IO_FAILED);
    conn_run(&conn);
    ck_assert_int_eq(conn.state, CONN_LINGER);
    ck_assert_int_eq(conn.end, CONN_END_FLOOD);
}
END_TEST

START_TEST(a_failed_write_drops_pending_output)
{
    fake_add_read(&fake, "owed");
    fake_add(&fake.writes, IO_FAILED);
    conn_run(&conn);
    ck_assert_int_eq(conn.end, CONN_END_TLS);
    ck_assert_int_eq(conn.state, CONN_LINGER);
    ck_assert_ptr_null(conn.output.data);
}
END_TEST

START_TEST(a_local_failure_ends_it_as_failed)
{
    fake.failure = ERROR_SYSTEM;
    fake_add(&fake.reads, IO_FAILED);
    conn_run(&conn);
    assert_over(CONN_END_FAILED);
}
END_TEST

START_TEST(lingers_and_drops_until_the_peer_closes_too)
{
    conn_run(&conn);
    conn_expire(&conn);
    fake_add_read(&fake, "dropped");
    conn_run(&conn);
    ck_assert_int_eq(fake.shutdown_at, 0);
    ck_assert_int_eq(conn.state, CONN_LINGER);
    ck_assert_int_eq(fake.finish_calls, 0);
    assert_waits(WANT_READ, CONN_TIMEOUT_LINGER);
    ck_assert_uint_eq(conn.received_bytes, 0);
    ck_assert_uint_eq(pool.kept_count, 1); /* that of what was dropped */
    fake_add(&fake.reads, IO_EOF);
    conn_run(&conn);
    assert_over(CONN_END_IDLE_TIMEOUT);
    ck_assert_uint_eq(fake.written_bytes, 0);
}
END_TEST

START_TEST(nothing_changes_the_reason_of_an_end_that_lingers)
{
    conn_run(&conn);
    conn_expire(&conn);
    conn_run(&conn);
    conn_finish(&conn, CONN_END_LIFETIME);
    ck_assert_int_eq(conn.state, CONN_LINGER);
    assert_waits(WANT_READ, CONN_TIMEOUT_LINGER);
    ck_assert_int_eq(conn.end, CONN_END_IDLE_TIMEOUT);
}
END_TEST

START_TEST(a_shutdown_that_fails_is_the_end)
{
    conn_run(&conn);
    conn_expire(&conn);
    fake_add(&fake.shutdowns, _i ? IO_RESET : IO_FAILED);
    conn_run(&conn);
    assert_over(CONN_END_IDLE_TIMEOUT);
}
END_TEST

START_TEST(lingering_has_a_budget_and_an_end)
{
    conn_run(&conn);
    conn_expire(&conn);
    fake.reads.after = (struct fake_step){.io.status = IO_OK, .data = "flood"};
    int before = fake.read_calls;
    conn_run(&conn);
    ck_assert(conn.runnable);
    ck_assert_int_eq(fake.read_calls - before, CONN_TURNS_MAX);
    ck_assert_int_eq(conn.timeout, CONN_TIMEOUT_LINGER);
    conn_expire(&conn);
    assert_over(CONN_END_IDLE_TIMEOUT);
}
END_TEST

START_TEST(time_outs_have_their_names)
{
    static const struct {
        enum conn_timeout timeout;
        enum conn_end end;
        enum conn_state state;
    } expected[] = {
        {CONN_TIMEOUT_HANDSHAKE, CONN_END_HANDSHAKE_TIMEOUT, CONN_OVER},
        {CONN_TIMEOUT_IDLE, CONN_END_IDLE_TIMEOUT, CONN_SHUTDOWN},
        {CONN_TIMEOUT_WRITE, CONN_END_WRITE_TIMEOUT, CONN_OVER},
        {CONN_TIMEOUT_QUIET, CONN_END_DRAINED, CONN_SHUTDOWN},
    };
    conn.timeout = expected[_i].timeout;
    conn_expire(&conn);
    ck_assert_int_eq(conn.end, expected[_i].end);
    ck_assert_int_eq(conn.state, expected[_i].state);
}
END_TEST

START_TEST(pending_output_is_sent_before_an_external_end)
{
    fake_add_read(&fake, "owed");
    fake_add_short_write(&fake, 1);
    conn_run(&conn);
    conn_finish(&conn, CONN_END_LIFETIME);
    conn_run(&conn);
    assert_written("owed");
    ck_assert_int_eq(fake.shutdown_at, 4);
    ck_assert_int_eq(conn.end, CONN_END_LIFETIME);
}
END_TEST

START_TEST(an_external_end_keeps_its_reason_if_the_peer_does_not_read)
{
    fake_add_read(&fake, "owed");
    fake.writes.after.io.status = IO_WANT_WRITE;
    conn_run(&conn);
    conn_finish(&conn, CONN_END_LIFETIME);
    conn_run(&conn);
    assert_waits(WANT_WRITE, CONN_TIMEOUT_LINGER);
    conn_expire(&conn);
    assert_over(CONN_END_LIFETIME);
}
END_TEST

START_TEST(an_external_end_does_not_wait_for_a_handshake)
{
    fake_add(&fake.handshakes, IO_WANT_READ);
    conn_run(&conn);
    conn_finish(&conn, CONN_END_LIFETIME);
    assert_over(CONN_END_LIFETIME);
}
END_TEST

START_TEST(after_the_peers_end_the_fin_is_left_to_the_close)
{
    fake_add(&fake.reads, IO_EOF);
    conn_run(&conn);
    assert_over(CONN_END_PROBE);
    ck_assert_int_eq(fake.finish_calls, 1);
}
END_TEST

START_TEST(the_shutdown_is_tried_until_it_is_done)
{
    fake_add_read_more(&fake, "x");
    fake_add(&fake.reads, IO_EOF);
    fake_add(&fake.shutdowns, IO_WANT_WRITE);
    conn_run(&conn);
    assert_waits(WANT_WRITE, CONN_TIMEOUT_LINGER);
    conn_run(&conn);
    assert_over(CONN_END_CLOSED);
}
END_TEST

START_TEST(while_draining_it_closes_after_a_quiet_period)
{
    conn_run(&conn);
    conn_drain(&conn);
    ck_assert_int_eq(conn.timeout, CONN_TIMEOUT_QUIET);
    fake_add_read(&fake, "still talking");
    conn_run(&conn);
    assert_written("still talking");
    assert_waits(WANT_READ, CONN_TIMEOUT_QUIET);
    conn_expire(&conn);
    conn_run(&conn);
    ck_assert_int_eq(conn.end, CONN_END_DRAINED);
    ck_assert_int_eq(conn.state, CONN_LINGER);
}
END_TEST

START_TEST(draining_waits_for_a_handshake)
{
    fake_add(&fake.handshakes, IO_WANT_READ);
    conn_run(&conn);
    conn_drain(&conn);
    ck_assert_int_eq(conn.timeout, CONN_TIMEOUT_HANDSHAKE);
    conn_run(&conn);
    assert_waits(WANT_READ, CONN_TIMEOUT_QUIET);
}
END_TEST

START_TEST(detects_a_tls_client_on_a_plain_port)
{
    fake_add_read(&fake, "\x16\x03\x01\x02\x01\x01\xfc\x03");
    conn_run(&conn);
    ck_assert(conn.client_hello);
}
END_TEST

START_TEST(crossed_wants_are_passed_on)
{
    fake_add(&fake.reads, IO_WANT_WRITE);
    conn_run(&conn);
    assert_waits(WANT_WRITE, CONN_TIMEOUT_WRITE);
    fake_add_read(&fake, "x");
    fake_add(&fake.writes, IO_WANT_READ);
    conn_run(&conn);
    assert_waits(WANT_READ, CONN_TIMEOUT_WRITE);
    conn_run(&conn);
    assert_written("x");
}
END_TEST

/* A service that sends "one two " and ends. */
static size_t say(const struct conn_info *info, uint64_t offset, unsigned char *data, size_t size)
{
    static const char text[] = "one two ";
    ck_assert_ptr_null(info);
    size_t n = sizeof text - 1 - (size_t)offset < 4 ? sizeof text - 1 - (size_t)offset : 4;
    ck_assert_uint_le(n, size);
    memcpy(data, text + offset, n);
    return n;
}

static size_t babble(const struct conn_info *info, uint64_t offset, unsigned char *data,
                     size_t size)
{
    (void)info;
    (void)offset;
    memset(data, 'x', size);
    return size;
}

static const struct service service_say = {.name = "say", .produce = say};
static const struct service service_babble = {.name = "babble", .produce = babble, .endless = true};

static size_t repeat(unsigned char *data, size_t n)
{
    (void)data;
    return n;
}

static const struct service service_greet = {
    .name = "greet", .produce = say, .answer = repeat, .verbatim = true};

START_TEST(a_service_with_both_sends_its_output_and_then_answers)
{
    conn.service = &service_greet;
    fake_add_read(&fake, "hello");
    conn_run(&conn);
    ck_assert(conn.runnable);
    ck_assert_int_eq(fake.read_calls, 0);
    conn_run(&conn);
    assert_written("one two hello");
    assert_waits(WANT_READ, CONN_TIMEOUT_IDLE);
    ck_assert_uint_eq(conn.received_bytes, 5);
    fake_add(&fake.reads, IO_EOF);
    conn_run(&conn);
    assert_over(CONN_END_CLOSED);
}
END_TEST

START_TEST(input_waits_until_the_output_before_it_is_sent)
{
    conn.service = &service_greet;
    fake_add_short_write(&fake, 1);
    fake_add_read(&fake, "hello");
    conn_run(&conn);
    assert_waits(WANT_WRITE, CONN_TIMEOUT_WRITE); /* with WANT_READ the loop would spin */
    ck_assert_int_eq(fake.read_calls, 0);
    conn_run(&conn);
    conn_run(&conn);
    assert_written("one two hello");
}
END_TEST

START_TEST(a_discarding_service_counts_and_drops_its_input)
{
    conn.service = &service_discard;
    fake_add_read(&fake, "hello");
    conn_run(&conn);
    conn_run(&conn);
    assert_waits(WANT_READ, CONN_TIMEOUT_IDLE);
    ck_assert_uint_eq(conn.received_bytes, 5);
    ck_assert_int_eq(fake.write_calls, 0);
    ck_assert_ptr_null(conn.output.data);
}
END_TEST

START_TEST(what_is_known_later_adds_nothing_to_a_line_that_was_sent)
{
    conn.service = &service_hello;
    for (int i = 0; i < 5; i++)
        conn_run(&conn);
    ck_assert_ptr_eq(memchr(fake.written, '\n', fake.written_bytes),
                     fake.written + fake.written_bytes - 1);
    assert_waits(WANT_READ, CONN_TIMEOUT_IDLE);
}
END_TEST

START_TEST(a_service_with_finite_output_sends_it_at_once_and_ends)
{
    conn.service = &service_say;
    conn_run(&conn);
    ck_assert(conn.runnable);
    conn_run(&conn);
    assert_written("one two ");
    ck_assert_int_eq(fake.shutdown_at, 8);
    ck_assert_int_eq(conn.end, CONN_END_FINISHED);
    ck_assert_int_eq(conn.state, CONN_LINGER);
    fake_add(&fake.reads, IO_EOF);
    conn_run(&conn);
    assert_over(CONN_END_FINISHED);
}
END_TEST

START_TEST(generated_output_continues_after_a_short_write)
{
    conn.service = &service_say;
    for (int i = 0; i < 8; i++)
        fake_add_short_write(&fake, 1);
    for (int i = 0; i < 10; i++)
        conn_run(&conn);
    assert_written("one two ");
    ck_assert_int_eq(conn.end, CONN_END_FINISHED);
}
END_TEST

START_TEST(finite_output_is_sent_after_the_peers_fin)
{
    conn.service = &service_say;
    fake_add(&fake.reads, IO_EOF);
    conn_run(&conn);
    conn_run(&conn);
    ck_assert_int_eq(fake.read_calls, 1);
    assert_written("one two ");
    assert_over(CONN_END_FINISHED);
}
END_TEST

/* What is to be read then is the end, again and again. */
START_TEST(after_the_peers_fin_it_waits_for_writing_only)
{
    conn.service = &service_say;
    fake_add(&fake.reads, IO_EOF);
    fake_add_short_write(&fake, 1);
    conn_run(&conn);
    assert_waits(WANT_WRITE, CONN_TIMEOUT_WRITE);
}
END_TEST

static size_t produce_one(const struct conn_info *info, uint64_t offset, unsigned char *data,
                          size_t size)
{
    ck_assert_ptr_null(info);
    ck_assert_uint_ge(size, 1);
    data[0] = '1';
    return offset == 0;
}

START_TEST(an_output_of_one_byte_is_sent)
{
    static const struct service service_one = {.name = "one", .produce = produce_one};
    conn.service = &service_one;
    conn_run(&conn);
    conn_run(&conn);
    assert_written("1");
    ck_assert_int_eq(conn.end, CONN_END_FINISHED);
}
END_TEST

START_TEST(finite_output_is_sent_during_a_drain)
{
    conn.service = &service_say;
    conn_run(&conn);
    conn_drain(&conn);
    conn_run(&conn);
    assert_written("one two ");
    ck_assert_int_eq(conn.end, CONN_END_FINISHED);
}
END_TEST

START_TEST(endless_output_of_which_none_is_pending_ends_in_order)
{
    conn.service = &service_babble;
    fake_add(&fake.reads, IO_EOF);
    conn_run(&conn);
    ck_assert_int_eq(fake.shutdown_at, 0);
    ck_assert_int_eq(conn.state, CONN_OVER);
}
END_TEST

START_TEST(input_that_the_transport_has_already_is_read_while_a_write_waits)
{
    conn.service = &service_babble;
    fake.writes.after.io.status = IO_WANT_WRITE;
    fake_add_read_more(&fake, "a");
    fake_add_read(&fake, "b");
    conn_run(&conn);
    ck_assert_int_eq(fake.read_calls, 2);
    assert_waits(WANT_READ | WANT_WRITE, CONN_TIMEOUT_WRITE);
}
END_TEST

START_TEST(endless_output_stops_at_the_peers_fin_after_what_is_pending)
{
    conn.service = &service_babble;
    fake_add_short_write(&fake, 10);
    conn_run(&conn);
    assert_waits(WANT_READ | WANT_WRITE, CONN_TIMEOUT_WRITE);
    fake_add(&fake.reads, _i ? IO_CUT : IO_EOF);
    conn_run(&conn);
    assert_over(_i ? CONN_END_CUT : CONN_END_CLOSED);
    ck_assert_uint_eq(conn.sent_bytes, BUFFER_BYTES);
}
END_TEST

START_TEST(a_peer_that_closes_and_does_not_read_pending_output_ends_by_write_time_out)
{
    conn.service = &service_babble;
    fake.writes.after.io.status = IO_WANT_WRITE;
    fake_add(&fake.reads, IO_WANT_READ);
    fake_add(&fake.reads, IO_EOF);
    conn_run(&conn);
    conn_run(&conn);
    assert_waits(WANT_WRITE, CONN_TIMEOUT_LINGER);
    conn_expire(&conn);
    assert_over(CONN_END_WRITE_TIMEOUT);
}
END_TEST

START_TEST(endless_output_stops_at_a_drain)
{
    conn.service = &service_babble;
    conn_run(&conn);
    ck_assert(conn.runnable);
    conn_drain(&conn);
    conn_run(&conn);
    ck_assert_int_eq(conn.end, CONN_END_DRAINED);
    ck_assert_int_eq(conn.state, CONN_LINGER);
    ck_assert_int_eq(fake.shutdown_at, (int)fake.written_bytes);
}
END_TEST

START_TEST(endless_output_stops_at_an_external_end)
{
    conn.service = &service_babble;
    conn_run(&conn);
    conn_finish(&conn, CONN_END_LIFETIME);
    conn_run(&conn);
    ck_assert_int_eq(conn.end, CONN_END_LIFETIME);
    ck_assert_int_eq(conn.state, CONN_LINGER);
}
END_TEST

START_TEST(producing_yields_when_its_budget_is_spent)
{
    conn.service = &service_babble;
    conn_run(&conn);
    ck_assert(conn.runnable);
    ck_assert_int_eq(conn.timeout, CONN_TIMEOUT_WRITE);
    ck_assert_int_eq(fake.write_calls, CONN_BLOCKS_MAX);
    ck_assert(conn.progressed);
    ck_assert_uint_eq(described, 0);
}
END_TEST

START_TEST(input_does_not_prolong_the_write_time_out)
{
    conn.service = &service_babble;
    fake_add_short_write(&fake, 0);
    fake_add_short_write(&fake, 0);
    fake_add_read(&fake, "flood");
    fake_add_read(&fake, "flood");
    conn_run(&conn);
    conn_run(&conn);
    assert_waits(WANT_READ | WANT_WRITE, CONN_TIMEOUT_WRITE);
    ck_assert(!conn.progressed);
    ck_assert_uint_eq(conn.received_bytes, 10);
}
END_TEST

START_TEST(a_reset_while_producing_is_a_reset)
{
    conn.service = &service_babble;
    fake_add_short_write(&fake, 1);
    conn_run(&conn);
    fake_add(&fake.reads, IO_RESET);
    conn_run(&conn);
    assert_over(CONN_END_RESET);
}
END_TEST

START_TEST(reads_no_more_once_a_write_has_failed_by_a_reset)
{
    conn.service = &service_babble;
    fake_add_read(&fake, "x");
    fake_add(&fake.writes, IO_RESET);
    conn_run(&conn);
    assert_over(CONN_END_RESET);
    ck_assert_int_eq(fake.read_calls, 1);
    ck_assert_int_eq(fake.write_calls, 1);
}
END_TEST

/* All output was sent: nothing is lost. */
START_TEST(a_shutdown_that_is_not_done_in_time_is_the_peers_end_all_the_same)
{
    fake_add_read_more(&fake, "x");
    fake_add(&fake.reads, IO_EOF);
    fake_add(&fake.shutdowns, IO_WANT_WRITE);
    conn_run(&conn);
    assert_waits(WANT_WRITE, CONN_TIMEOUT_LINGER);
    if (_i)
        conn_abort(&conn, CONN_END_STOPPED);
    else
        conn_expire(&conn);
    assert_over(CONN_END_CLOSED);
}
END_TEST

START_TEST(a_connection_that_is_done_gives_its_buffer_back)
{
    fake_add_read(&fake, "owed");
    fake_add_short_write(&fake, 0);
    conn_run(&conn);
    ck_assert_uint_eq(pool.kept_count, 0);
    conn_done(&conn);
    ck_assert_uint_eq(pool.kept_count, 1);
    fake_init(&fake);
    conn_init(&conn, &fake.base, &service_echo, &pool, describe);
    ck_assert_int_eq(conn.timeout, CONN_TIMEOUT_HANDSHAKE); /* which runs from the start */
}
END_TEST

START_TEST(an_abort_sends_nothing_and_keeps_the_reason_of_an_end_that_had_begun)
{
    fake_add_read(&fake, "owed");
    fake_add_short_write(&fake, 0);
    conn_run(&conn);
    if (_i)
        conn_finish(&conn, CONN_END_LIFETIME);
    conn_abort(&conn, CONN_END_STOPPED);
    assert_over(_i ? CONN_END_LIFETIME : CONN_END_STOPPED);
    ck_assert_int_eq(fake.write_calls, 1);
    ck_assert_int_eq(fake.shutdown_at, -1);
}
END_TEST

/* Endless output is pending, and nothing of it has been sent, when the peer ends. */
static void end_with_output_pending(void)
{
    conn.service = &service_babble;
    fake_add_short_write(&fake, 0);
    fake_add(&fake.reads, IO_WANT_READ);
    fake_add(&fake.reads, IO_EOF);
    conn_run(&conn);
}

START_TEST(a_peer_that_is_still_sent_output_was_no_probe)
{
    end_with_output_pending();
    conn_run(&conn);
    assert_over(CONN_END_CLOSED);
    ck_assert_uint_eq(conn.sent_bytes, BUFFER_BYTES);
}
END_TEST

START_TEST(an_abort_that_loses_output_is_no_end_in_order)
{
    end_with_output_pending();
    fake_add_short_write(&fake, 0);
    conn_run(&conn);
    conn_abort(&conn, CONN_END_STOPPED);
    assert_over(CONN_END_STOPPED);
}
END_TEST

START_TEST(a_failed_write_that_loses_output_is_no_end_in_order)
{
    fake.failure = _i ? ERROR_SYSTEM : ERROR_TLS;
    end_with_output_pending();
    fake_add(&fake.writes, IO_FAILED);
    conn_run(&conn);
    assert_over(_i ? CONN_END_FAILED : CONN_END_TLS);
}
END_TEST

START_TEST(a_reset_that_loses_output_is_no_end_in_order)
{
    end_with_output_pending();
    fake_add_short_write(&fake, 1);
    conn_run(&conn);
    fake_add(&fake.writes, IO_RESET);
    conn_run(&conn);
    assert_over(CONN_END_RESET);
}
END_TEST

START_TEST(pending_output_is_dropped_once_reading_has_failed)
{
    conn.service = &service_babble;
    fake_add_short_write(&fake, 1);
    fake_add(&fake.reads, IO_WANT_READ);
    fake_add(&fake.reads, IO_FAILED);
    conn_run(&conn);
    conn_run(&conn);
    ck_assert_int_eq(fake.write_calls, 1);
    ck_assert_int_eq(fake.shutdown_at, 1);
    ck_assert_int_eq(conn.end, CONN_END_TLS);
    ck_assert_ptr_null(conn.output.data);
}
END_TEST

START_TEST(a_service_that_needs_info_gets_it)
{
    conn.service = &service_report;
    conn_run(&conn);
    ck_assert_ptr_nonnull(
        strstr((char *)fake.written, "\"listener\":\"main\",\"connection\":42}\n"));
    ck_assert_int_eq(conn.end, CONN_END_FINISHED);
    ck_assert_uint_eq(described, 1);
}
END_TEST

START_TEST(what_is_known_may_take_more_than_one_buffer)
{
    pool.buffer_bytes = 64;
    conn.service = &service_report;
    conn_run(&conn);
    ck_assert_uint_gt(fake.written_bytes, 64);
}
END_TEST

START_TEST(without_memory_for_a_buffer_it_fails)
{
    static const struct service *const services[] = {&service_echo, &service_babble,
                                                     &service_greet};
    pool.buffer_bytes = SIZE_MAX / 2 + 1;
    conn.service = services[_i];
    conn_run(&conn);
    assert_over(CONN_END_FAILED);
    ck_assert(!conn.runnable);
    ck_assert_str_eq(conn.error->text, "no memory for a buffer");
    ck_assert_int_eq(fake.shutdown_at, -1);
}
END_TEST

START_TEST(without_memory_for_a_buffer_it_does_not_linger)
{
    conn_run(&conn);
    conn_finish(&conn, CONN_END_LIFETIME);
    pool_done(&pool);
    pool_init(&pool, SIZE_MAX / 2 + 1);
    conn_run(&conn);
    assert_over(CONN_END_LIFETIME);
}
END_TEST

/* The results of its owner in CONN_PROXY, in order; the last one repeats. */
static enum io_status introductions[4];
static int introduced;
static enum conn_end refusal;
static bool arrived; /* bytes of a header that is not LOCAL have arrived */

static struct io read_proxy(struct conn *c, enum conn_end *ret_end, struct error *ret)
{
    ck_assert_ptr_eq(c, &conn);
    enum io_status status = introductions[introduced];
    introduced += introduced < 3;
    if (refusal)
        *ret_end = refusal;
    if (status == IO_FAILED)
        error_set(ret, fake.failure, "the proxy says so");
    errno = fake.reset_errno;
    if (status == IO_RESET)
        error_sys(ret, "the proxy");
    return (struct io){.status = status, .progressed = arrived};
}

static void expect_proxy(enum io_status first, enum io_status second)
{
    introductions[0] = first;
    introductions[1] = second;
    introduced = 0;
    refusal = CONN_END_NONE;
    arrived = true;
    conn_expect_proxy(&conn, read_proxy);
}

START_TEST(a_proxy_header_comes_before_the_handshake_within_its_time_out)
{
    expect_proxy(IO_WANT_READ, IO_OK);
    fake_add(&fake.handshakes, IO_WANT_READ);
    conn_run(&conn);
    assert_waits(WANT_READ, CONN_TIMEOUT_HANDSHAKE);
    ck_assert_int_eq(conn.state, CONN_PROXY);
    conn_run(&conn);
    assert_waits(WANT_READ, CONN_TIMEOUT_HANDSHAKE);
    ck_assert_int_eq(conn.state, CONN_HANDSHAKE);
    conn_run(&conn);
    ck_assert_int_eq(conn.state, CONN_SERVE);
}
END_TEST

START_TEST(a_failed_header_ends_it_without_sending_a_byte)
{
    static const struct {
        enum io_status status;
        enum error_kind kind;
        enum conn_end set, end;
    } cases[] = {
        {IO_FAILED, ERROR_INPUT, CONN_END_NONE, CONN_END_PROXY},
        {IO_FAILED, ERROR_SYSTEM, CONN_END_NONE, CONN_END_FAILED},
        {IO_FAILED, ERROR_INPUT, CONN_END_REFUSED, CONN_END_REFUSED},
        {IO_CUT, ERROR_INPUT, CONN_END_NONE, CONN_END_PROXY},
        {IO_RESET, ERROR_INPUT, CONN_END_NONE, CONN_END_RESET},
    };
    expect_proxy(cases[_i].status, IO_OK);
    fake.failure = cases[_i].kind;
    refusal = cases[_i].set;
    conn_run(&conn);
    assert_over(cases[_i].end);
    ck_assert_ptr_nonnull(conn.error);
    ck_assert_int_eq(conn.error->kind,
                     cases[_i].status == IO_RESET ? ERROR_SYSTEM : cases[_i].kind);
    ck_assert(cases[_i].status != IO_CUT || strstr(conn.error->text, "before the end of it"));
    ck_assert_int_eq(fake.shutdown_at, -1);
    ck_assert_int_eq(fake.write_calls, 0);
}
END_TEST

/* Every way in which a peer closes before it has sent a byte, and what is not a probe. */
START_TEST(a_peer_that_closes_before_any_byte_was_a_probe)
{
    static const struct {
        enum io_status proxy, handshake, read; /* IO_OK: it goes on */
        bool header, hello;
        const struct service *service;
        enum conn_end end;
    } cases[] = {
        {.read = IO_EOF, .end = CONN_END_PROBE},
        {.read = IO_RESET, .end = CONN_END_PROBE},
        {.read = IO_EOF, .service = &service_discard, .end = CONN_END_PROBE},
        {.handshake = IO_CUT, .end = CONN_END_PROBE},
        {.handshake = IO_RESET, .end = CONN_END_PROBE},
        {.proxy = IO_CUT, .end = CONN_END_PROBE},
        {.proxy = IO_RESET, .end = CONN_END_PROBE},
        {.handshake = IO_CUT, .hello = true, .end = CONN_END_HANDSHAKE},
        {.handshake = IO_RESET, .hello = true, .end = CONN_END_RESET},
        {.read = IO_CUT, .hello = true, .end = CONN_END_CUT},
        {.read = IO_EOF, .header = true, .end = CONN_END_CLOSED},
        {.handshake = IO_CUT, .header = true, .end = CONN_END_HANDSHAKE},
        {.proxy = IO_CUT, .header = true, .end = CONN_END_PROXY},
        {.read = IO_EOF, .service = &service_say, .end = CONN_END_FINISHED},
        {.read = IO_EOF, .service = &service_babble, .end = CONN_END_PROBE},
    };
    conn.service = cases[_i].service ? cases[_i].service : &service_echo;
    expect_proxy(cases[_i].proxy, IO_OK);
    arrived = cases[_i].header;
    fake_add(&fake.handshakes, cases[_i].handshake);
    fake.handshakes.steps[0].io.progressed = cases[_i].hello;
    fake.reads.after.io.status = cases[_i].read;
    for (int turn = 0; turn < 4 && conn.state != CONN_OVER; turn++)
        conn_run(&conn);
    assert_over(cases[_i].end);
    ck_assert(cases[_i].end != CONN_END_PROBE || fake.write_calls == 0);
    ck_assert(cases[_i].end != CONN_END_PROBE || !conn.error);
}
END_TEST

START_TEST(a_silent_connection_that_times_out_is_not_a_probe)
{
    conn_run(&conn);
    conn_expire(&conn);
    ck_assert_int_eq(conn.end, CONN_END_IDLE_TIMEOUT);
}
END_TEST

START_TEST(an_external_end_does_not_wait_for_a_header)
{
    expect_proxy(IO_WANT_READ, IO_WANT_READ);
    conn_run(&conn);
    conn_drain(&conn);
    ck_assert_int_eq(conn.timeout, CONN_TIMEOUT_HANDSHAKE);
    conn_finish(&conn, CONN_END_DRAINED);
    assert_over(CONN_END_DRAINED);
}
END_TEST

START_TEST(each_state_has_a_name)
{
    static const char *const names[] = {"proxy",    "handshake", "serve",  "produce",
                                        "converse", "shutdown",  "linger", "over"};
    ck_assert_str_eq(conn_state_name((enum conn_state)_i), names[_i]);
}
END_TEST

START_TEST(each_end_has_a_name_of_its_own)
{
    ck_assert_ptr_nonnull(conn_end_name((enum conn_end)_i));
    for (int i = 0; i < _i; i++)
        ck_assert_str_ne(conn_end_name((enum conn_end)i), conn_end_name((enum conn_end)_i));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conn");
    TCase *tc = tcase_create("life");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, echoes_with_one_read_and_one_write);
    tcase_add_test(tc, the_service_determines_the_answer);
    tcase_add_test(tc, waits_for_the_handshake_in_either_direction);
    tcase_add_test(tc, sends_the_rest_after_a_short_write);
    tcase_add_test(tc, one_byte_writes_lose_and_repeat_nothing);
    tcase_add_test(tc, what_moved_earlier_in_a_turn_counts_as_progress);
    tcase_add_test(tc, does_not_read_while_output_is_pending);
    tcase_add_test(tc, flushes_data_that_the_transport_accepted_but_did_not_send);
    tcase_add_test(tc, reads_on_while_the_transport_has_more);
    tcase_add_test(tc, yields_when_its_budget_is_spent);
    tcase_add_test(tc, answers_all_messages_that_came_together);
    tcase_add_test(tc, messages_are_answered_by_a_service_that_also_generates_output);
    tcase_add_test(tc, a_message_is_answered_or_not);
    tcase_add_test(tc, a_read_of_more_than_half_of_a_buffer_is_bulk_data);
    tcase_add_test(tc, an_idle_connection_holds_no_buffer);
    tcase_add_test(tc, pending_output_is_sent_after_the_peers_fin);
    tcase_add_test(tc, a_fin_without_close_notify_is_closed_in_order_as_cut);
    tcase_add_test(tc, a_reset_ends_it_at_once);
    tcase_add_loop_test(tc, a_peer_that_the_kernel_no_longer_reaches_has_vanished, 0, 3);
    tcase_add_test(tc, a_write_that_finds_the_peer_gone_is_a_reset);
    tcase_add_test(tc, a_reset_with_pending_output_is_a_reset);
    tcase_add_test(tc, a_reset_during_the_handshake_is_a_reset);
    tcase_add_test(tc, a_peer_that_closes_during_the_handshake_fails_it);
    tcase_add_test(tc, a_peer_that_closes_later_in_the_handshake_was_no_probe);
    tcase_add_test(tc, a_failed_handshake_sends_its_alert_and_lingers);
    tcase_add_test(tc, a_broken_record_sends_its_alert_and_lingers);
    tcase_add_test(tc, a_flood_has_an_end_of_its_own);
    tcase_add_test(tc, a_failed_write_drops_pending_output);
    tcase_add_test(tc, a_local_failure_ends_it_as_failed);
    tcase_add_test(tc, lingers_and_drops_until_the_peer_closes_too);
    tcase_add_test(tc, nothing_changes_the_reason_of_an_end_that_lingers);
    tcase_add_loop_test(tc, a_shutdown_that_fails_is_the_end, 0, 2);
    tcase_add_loop_test(tc, a_shutdown_that_is_not_done_in_time_is_the_peers_end_all_the_same, 0,
                        2);
    tcase_add_test(tc, a_connection_that_is_done_gives_its_buffer_back);
    tcase_add_test(tc, lingering_has_a_budget_and_an_end);
    tcase_add_loop_test(tc, time_outs_have_their_names, 0, 4);
    tcase_add_test(tc, pending_output_is_sent_before_an_external_end);
    tcase_add_test(tc, an_external_end_keeps_its_reason_if_the_peer_does_not_read);
    tcase_add_test(tc, an_external_end_does_not_wait_for_a_handshake);
    tcase_add_test(tc, after_the_peers_end_the_fin_is_left_to_the_close);
    tcase_add_test(tc, the_shutdown_is_tried_until_it_is_done);
    tcase_add_test(tc, while_draining_it_closes_after_a_quiet_period);
    tcase_add_test(tc, draining_waits_for_a_handshake);
    tcase_add_test(tc, detects_a_tls_client_on_a_plain_port);
    tcase_add_test(tc, crossed_wants_are_passed_on);
    tcase_add_test(tc, a_service_with_both_sends_its_output_and_then_answers);
    tcase_add_test(tc, input_waits_until_the_output_before_it_is_sent);
    tcase_add_test(tc, a_discarding_service_counts_and_drops_its_input);
    tcase_add_test(tc, what_is_known_later_adds_nothing_to_a_line_that_was_sent);
    tcase_add_test(tc, a_service_with_finite_output_sends_it_at_once_and_ends);
    tcase_add_test(tc, generated_output_continues_after_a_short_write);
    tcase_add_test(tc, finite_output_is_sent_after_the_peers_fin);
    tcase_add_test(tc, after_the_peers_fin_it_waits_for_writing_only);
    tcase_add_test(tc, an_output_of_one_byte_is_sent);
    tcase_add_test(tc, finite_output_is_sent_during_a_drain);
    tcase_add_test(tc, endless_output_of_which_none_is_pending_ends_in_order);
    tcase_add_test(tc, input_that_the_transport_has_already_is_read_while_a_write_waits);
    tcase_add_loop_test(tc, endless_output_stops_at_the_peers_fin_after_what_is_pending, 0, 2);
    tcase_add_test(tc, a_peer_that_closes_and_does_not_read_pending_output_ends_by_write_time_out);
    tcase_add_test(tc, endless_output_stops_at_a_drain);
    tcase_add_test(tc, endless_output_stops_at_an_external_end);
    tcase_add_test(tc, producing_yields_when_its_budget_is_spent);
    tcase_add_test(tc, input_does_not_prolong_the_write_time_out);
    tcase_add_test(tc, a_reset_while_producing_is_a_reset);
    tcase_add_test(tc, reads_no_more_once_a_write_has_failed_by_a_reset);
    tcase_add_loop_test(tc, an_abort_sends_nothing_and_keeps_the_reason_of_an_end_that_had_begun, 0,
                        2);
    tcase_add_test(tc, a_peer_that_is_still_sent_output_was_no_probe);
    tcase_add_test(tc, an_abort_that_loses_output_is_no_end_in_order);
    tcase_add_loop_test(tc, a_failed_write_that_loses_output_is_no_end_in_order, 0, 2);
    tcase_add_test(tc, a_reset_that_loses_output_is_no_end_in_order);
    tcase_add_test(tc, pending_output_is_dropped_once_reading_has_failed);
    tcase_add_test(tc, a_service_that_needs_info_gets_it);
    tcase_add_test(tc, what_is_known_may_take_more_than_one_buffer);
    tcase_add_loop_test(tc, without_memory_for_a_buffer_it_fails, 0, 3);
    tcase_add_test(tc, without_memory_for_a_buffer_it_does_not_linger);
    tcase_add_test(tc, a_proxy_header_comes_before_the_handshake_within_its_time_out);
    tcase_add_loop_test(tc, a_failed_header_ends_it_without_sending_a_byte, 0, 5);
    tcase_add_loop_test(tc, a_peer_that_closes_before_any_byte_was_a_probe, 0, 15);
    tcase_add_test(tc, a_silent_connection_that_times_out_is_not_a_probe);
    tcase_add_test(tc, an_external_end_does_not_wait_for_a_header);
    tcase_add_loop_test(tc, each_state_has_a_name, 0, CONN_OVER + 1);
    tcase_add_loop_test(tc, each_end_has_a_name_of_its_own, 0, CONN_ENDS);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
