/* SPDX-License-Identifier: MIT */
/* Requests: a made-up service reads letters up to '.', answers with as many '!', and ends at 'q'.
 */
#include <check.h>
#include <string.h>

#include "fake_transport.h"
#include "suite.h"
#include "tlsecho/server/conn.h"
#include "tlsecho/server/conn_info.h"

enum { BUFFER_BYTES = 4096 };

static struct fake_transport fake;
static struct pool pool;
static struct conn conn;

struct service_talk {
    enum service_next next;
    size_t letters, answer;
    enum conn_end end;
} talk;

static bool without_memory, stopping;
static int talks; /* that were not freed */

static struct service_talk *start(void)
{
    talk = (struct service_talk){.next = SERVICE_WAITS, .end = CONN_END_FINISHED};
    talks += !without_memory;
    return without_memory ? NULL : &talk;
}

static void talk_free(struct service_talk *t)
{
    ck_assert(!t || t == &talk);
    talks -= t != NULL;
}

static unsigned steps; /* that were asked for */

static enum service_next next(const struct service_talk *t)
{
    steps++;
    return t->next;
}

/* A '-' is where the body begins. */
static size_t take(struct service_talk *t, const unsigned char *data, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (data[i] == '.') {
            t->answer = t->letters;
            t->next = SERVICE_WRITES;
            return i + 1;
        }
        t->letters++;
        t->next = data[i] == '-' ? SERVICE_READS_BODY : SERVICE_READS_HEAD;
        if (data[i] == 'q') {
            t->next = SERVICE_ENDS;
            return i + 1;
        }
    }
    return n;
}

static size_t talk_write(struct service_talk *t, const struct service_output *output)
{
    ck_assert_uint_eq(output->info->connection, 42);
    ck_assert_int_eq(t->next, SERVICE_WRITES);
    size_t n = t->answer < output->size ? t->answer : output->size;
    memset(output->data, output->last ? '?' : '!', n);
    t->answer -= n;
    if (t->answer == 0) {
        t->letters = 0;
        t->next = t->end == CONN_END_FINISHED ? SERVICE_WAITS : SERVICE_ENDS;
    }
    return n;
}

static void cut(struct service_talk *t, enum service_cut how)
{
    t->answer = how == SERVICE_CUT_LATE ? 1 : 2;
    t->end = how == SERVICE_CUT_LATE ? CONN_END_REQUEST_TIMEOUT : CONN_END_REQUEST;
    t->next = SERVICE_WRITES;
}

static enum conn_end end(const struct service_talk *t, struct error *err)
{
    if (t->end != CONN_END_FINISHED)
        error_set(err, ERROR_INPUT, "the reason");
    return t->end;
}

static const struct service_requests requests = {start,      talk_free, next, take,
                                                 talk_write, cut,       end};
static const struct service service = {.name = "made-up", .requests = &requests};

static void describe(const struct conn *c, struct conn_info *ret)
{
    ck_assert_ptr_eq(c, &conn);
    *ret = (struct conn_info){.listener = "main", .connection = 42, .stopping = stopping};
}

static void set_up(void)
{
    without_memory = stopping = false;
    talks = 0;
    fake_init(&fake);
    pool_init(&pool, BUFFER_BYTES);
    conn_init(&conn, &fake.base, &service, &pool, describe);
}

static void tear_down(void)
{
    conn_done(&conn);
    ck_assert_int_eq(talks, 0);
    pool_done(&pool);
}

static void assert_written(const char *text)
{
    ck_assert_uint_eq(fake.written_bytes, strlen(text));
    ck_assert_mem_eq(fake.written, text, strlen(text));
}

static void assert_waits(unsigned want, enum conn_timeout timeout)
{
    ck_assert_int_eq(conn.state, CONN_CONVERSE);
    ck_assert(!conn.runnable);
    ck_assert_uint_eq(conn.want, want);
    ck_assert_int_eq(conn.timeout, timeout);
}

START_TEST(answers_requests_one_after_the_other)
{
    fake_add_read(&fake, "abc.de.f");
    conn_run(&conn);
    assert_written("!!!!!");
    assert_waits(WANT_READ, CONN_TIMEOUT_HANDSHAKE);
    ck_assert(conn.timeout_anew);
    ck_assert_uint_eq(conn.received_bytes, 8);
    ck_assert_uint_eq(conn.sent_bytes, 5);
    fake_add_read(&fake, ".");
    conn_run(&conn);
    assert_written("!!!!!!");
    assert_waits(WANT_READ, CONN_TIMEOUT_IDLE);
    ck_assert(!conn.timeout_anew);
    ck_assert_ptr_null(conn.output.data);
}
END_TEST

START_TEST(bytes_of_a_request_are_progress_and_nothing_else_is)
{
    fake_add_read_more(&fake, "a");
    fake_add(&fake.reads, IO_WANT_READ);
    conn_run(&conn);
    ck_assert(conn.progressed);
    conn_run(&conn);
    ck_assert(!conn.progressed);
    ck_assert_uint_eq(pool.kept_count, 1);
    fake_add_read(&fake, "b");
    conn_run(&conn);
    ck_assert(conn.progressed);
}
END_TEST

START_TEST(an_answer_may_be_empty)
{
    fake_add_read(&fake, ".");
    conn_run(&conn);
    ck_assert_int_eq(fake.write_calls, 0);
    ck_assert_ptr_null(conn.output.data);
    assert_waits(WANT_READ, CONN_TIMEOUT_IDLE);
}
END_TEST

START_TEST(a_broken_record_sends_its_alert_and_lingers)
{
    fake_add(&fake.reads, IO_FAILED);
    conn_run(&conn);
    ck_assert_int_eq(conn.end, CONN_END_TLS);
    ck_assert_int_eq(fake.shutdown_at, 0);
    ck_assert_int_eq(conn.state, CONN_LINGER);
}
END_TEST

START_TEST(one_read_and_no_second_try)
{
    fake_add_read(&fake, "ab.");
    conn_run(&conn);
    ck_assert_int_eq(fake.read_calls, 1);
    ck_assert_int_eq(fake.write_calls, 1);
}
END_TEST

START_TEST(the_time_of_a_head_runs_from_its_first_byte)
{
    fake_add_read(&fake, "a");
    conn_run(&conn);
    ck_assert(conn.timeout_anew);
    fake_add_read(&fake, "b");
    conn_run(&conn);
    assert_waits(WANT_READ, CONN_TIMEOUT_HANDSHAKE);
    ck_assert(!conn.timeout_anew);
    fake_add_read(&fake, ".c");
    conn_run(&conn);
    assert_waits(WANT_READ, CONN_TIMEOUT_HANDSHAKE);
    ck_assert(conn.timeout_anew); /* another head */
}
END_TEST

START_TEST(a_head_in_many_parts_gets_no_more_time)
{
    for (int i = 0; i < FAKE_STEPS; i++)
        fake_add_read_more(&fake, "a");
    for (int turn = 0; turn < 3; turn++) {
        conn_run(&conn);
        ck_assert(conn.runnable);
        ck_assert_int_eq(conn.timeout, CONN_TIMEOUT_HANDSHAKE);
        ck_assert(conn.timeout_anew == (turn == 0));
    }
}
END_TEST

START_TEST(the_time_of_an_answer_is_not_that_of_a_head)
{
    fake_add_read(&fake, "a");
    conn_run(&conn);
    ck_assert(conn.timeout_anew);
    fake_add_read(&fake, "b.");
    fake_add_short_write(&fake, 1);
    conn_run(&conn);
    assert_waits(WANT_WRITE, CONN_TIMEOUT_WRITE);
    ck_assert(!conn.timeout_anew);
}
END_TEST

START_TEST(a_peer_that_does_not_let_it_write_is_not_answered_as_late)
{
    fake_add_read(&fake, "a");
    fake_add(&fake.reads, IO_WANT_WRITE);
    conn_run(&conn);
    conn_run(&conn);
    assert_waits(WANT_WRITE, CONN_TIMEOUT_WRITE);
    conn_expire(&conn);
    ck_assert_int_eq(conn.state, CONN_OVER);
    ck_assert_int_eq(conn.end, CONN_END_WRITE_TIMEOUT);
}
END_TEST

START_TEST(input_waits_while_an_answer_is_being_sent)
{
    fake_add_read(&fake, "abc.de.");
    fake_add_short_write(&fake, 1);
    conn_run(&conn);
    assert_written("!");
    assert_waits(WANT_WRITE, CONN_TIMEOUT_WRITE);
    ck_assert_int_eq(fake.read_calls, 1);
    conn_run(&conn);
    assert_written("!!!!!");
}
END_TEST

START_TEST(a_late_head_or_body_is_answered_and_ends_the_connection)
{
    fake_add_read(&fake, _i ? "a-" : "a");
    conn_run(&conn);
    assert_waits(WANT_READ, _i ? CONN_TIMEOUT_IDLE : CONN_TIMEOUT_HANDSHAKE);
    conn_expire(&conn);
    conn_run(&conn);
    assert_written("!");
    ck_assert_int_eq(conn.end, CONN_END_REQUEST_TIMEOUT);
    ck_assert_int_eq(conn.state, CONN_LINGER);
    ck_assert_str_eq(conn.error->text, "the reason");
}
END_TEST

START_TEST(an_idle_connection_ends_without_an_answer)
{
    fake_add_read(&fake, "a.");
    conn_run(&conn);
    conn_expire(&conn);
    conn_run(&conn);
    assert_written("!");
    ck_assert_int_eq(conn.end, CONN_END_IDLE_TIMEOUT);
}
END_TEST

START_TEST(what_arrived_before_the_end_is_answered)
{
    fake_add_read_more(&fake, "ab.c.");
    fake_add(&fake.reads, _i ? IO_CUT : IO_EOF);
    conn_run(&conn);
    assert_written("!!!");
    ck_assert_int_eq(conn.state, CONN_OVER);
    ck_assert_int_eq(conn.end, _i ? CONN_END_CUT : CONN_END_CLOSED);
}
END_TEST

START_TEST(a_request_that_ends_early_is_refused)
{
    fake_add_read_more(&fake, "ab");
    fake_add(&fake.reads, IO_EOF);
    conn_run(&conn);
    assert_written("!!");
    ck_assert_int_eq(conn.state, CONN_OVER);
    ck_assert_int_eq(conn.end, CONN_END_REQUEST);
}
END_TEST

START_TEST(a_peer_without_a_byte_is_a_probe)
{
    fake_add(&fake.reads, IO_EOF);
    conn_run(&conn);
    ck_assert_int_eq(conn.end, CONN_END_PROBE);
}
END_TEST

START_TEST(ends_when_the_service_does_and_drops_the_rest)
{
    fake_add_read(&fake, "aq.");
    conn_run(&conn);
    assert_written("");
    ck_assert_ptr_null(conn.conversation);
    ck_assert_int_eq(fake.shutdown_at, 0);
    ck_assert_int_eq(conn.end, CONN_END_FINISHED);
    ck_assert_int_eq(conn.state, CONN_LINGER);
}
END_TEST

START_TEST(a_drain_waits_for_the_answer_and_says_that_it_is_the_last)
{
    fake_add_read(&fake, _i ? "a-" : "a");
    conn_run(&conn);
    conn_drain(&conn);
    assert_waits(WANT_READ, _i ? CONN_TIMEOUT_IDLE : CONN_TIMEOUT_HANDSHAKE);
    fake_add_read(&fake, "b");
    conn_run(&conn);
    assert_waits(WANT_READ, CONN_TIMEOUT_HANDSHAKE);
    fake_add_read(&fake, "-");
    conn_run(&conn);
    assert_waits(WANT_READ, CONN_TIMEOUT_IDLE);
    fake_add_read(&fake, ".");
    conn_run(&conn);
    assert_written(_i ? "????" : "???");
    assert_waits(WANT_READ, CONN_TIMEOUT_QUIET);
    conn_expire(&conn);
    conn_run(&conn);
    ck_assert_int_eq(conn.end, CONN_END_DRAINED);
}
END_TEST

START_TEST(an_answer_of_a_server_that_stops_soon_is_the_last)
{
    fake_add_read(&fake, "a.");
    conn_run(&conn);
    stopping = true;
    assert_waits(WANT_READ, CONN_TIMEOUT_IDLE);
    fake_add_read(&fake, "b.");
    conn_run(&conn);
    assert_written("!?");
    fake_add_read(&fake, "q");
    conn_run(&conn);
    ck_assert_int_eq(conn.end, CONN_END_DRAINED);
}
END_TEST

START_TEST(a_drain_closes_a_connection_without_a_request)
{
    fake_add_read(&fake, "a.");
    conn_run(&conn);
    conn_drain(&conn);
    ck_assert_int_eq(conn.timeout, CONN_TIMEOUT_QUIET);
    conn_finish(&conn, CONN_END_DRAINED);
    conn_run(&conn);
    assert_written("!");
    ck_assert_int_eq(conn.end, CONN_END_DRAINED);
}
END_TEST

START_TEST(the_end_of_a_drain_answers_an_incomplete_request)
{
    fake_add_read(&fake, _i ? "a-" : "a");
    conn_run(&conn);
    conn_drain(&conn);
    conn_finish(&conn, CONN_END_DRAINED);
    conn_run(&conn);
    assert_written("?");
    ck_assert_int_eq(conn.end, CONN_END_DRAINED);
    ck_assert_int_eq(conn.state, CONN_LINGER);
}
END_TEST

START_TEST(other_connections_get_their_turn)
{
    char many[200];
    memset(many, '.', sizeof many);
    for (size_t i = 0; i < sizeof many; i += 2)
        many[i] = 'a';
    many[sizeof many - 1] = '\0';
    fake_add_read(&fake, many);
    steps = 0;
    conn_run(&conn);
    ck_assert(conn.runnable);
    ck_assert_uint_eq(steps, CONN_STEPS_MAX + 1); /* the one that is left for the next turn too */
    ck_assert_uint_eq(fake.written_bytes, (CONN_STEPS_MAX - 1) / 2); /* a read, then two each */
    for (int i = 0; i < 100 && conn.runnable; i++)
        conn_run(&conn);
    ck_assert_uint_eq(fake.written_bytes, 99);
}
END_TEST

START_TEST(a_reset_ends_it)
{
    fake_add_read_more(&fake, "a");
    fake_add(&fake.reads, IO_RESET);
    conn_run(&conn);
    ck_assert_int_eq(conn.state, CONN_OVER);
    ck_assert_int_eq(conn.end, CONN_END_RESET);
}
END_TEST

START_TEST(without_memory_the_connection_fails)
{
    without_memory = true;
    conn_run(&conn);
    ck_assert_int_eq(conn.state, CONN_OVER);
    ck_assert_int_eq(conn.end, CONN_END_FAILED);
}
END_TEST

START_TEST(without_memory_for_a_buffer_the_connection_fails)
{
    fake_add_read(&fake, "a");
    if (_i) /* the buffer for the answer: that of the input holds another request */
        conn_run(&conn);
    pool.buffer_bytes = SIZE_MAX / 2 + 1;
    fake_add_read(&fake, ".b");
    conn_run(&conn);
    ck_assert_int_eq(conn.state, CONN_OVER);
    ck_assert_int_eq(conn.end, CONN_END_FAILED);
    ck_assert_str_eq(conn.error->text, "no memory for a request");
    ck_assert_int_eq(fake.shutdown_at, -1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conn_converse");
    TCase *tcase = tcase_create("conn_converse");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, answers_requests_one_after_the_other);
    tcase_add_test(tcase, bytes_of_a_request_are_progress_and_nothing_else_is);
    tcase_add_test(tcase, an_answer_may_be_empty);
    tcase_add_test(tcase, a_broken_record_sends_its_alert_and_lingers);
    tcase_add_test(tcase, one_read_and_no_second_try);
    tcase_add_test(tcase, the_time_of_a_head_runs_from_its_first_byte);
    tcase_add_test(tcase, a_head_in_many_parts_gets_no_more_time);
    tcase_add_test(tcase, the_time_of_an_answer_is_not_that_of_a_head);
    tcase_add_test(tcase, a_peer_that_does_not_let_it_write_is_not_answered_as_late);
    tcase_add_test(tcase, input_waits_while_an_answer_is_being_sent);
    tcase_add_loop_test(tcase, a_late_head_or_body_is_answered_and_ends_the_connection, 0, 2);
    tcase_add_test(tcase, an_idle_connection_ends_without_an_answer);
    tcase_add_loop_test(tcase, what_arrived_before_the_end_is_answered, 0, 2);
    tcase_add_test(tcase, a_request_that_ends_early_is_refused);
    tcase_add_test(tcase, a_peer_without_a_byte_is_a_probe);
    tcase_add_test(tcase, ends_when_the_service_does_and_drops_the_rest);
    tcase_add_loop_test(tcase, a_drain_waits_for_the_answer_and_says_that_it_is_the_last, 0, 2);
    tcase_add_test(tcase, an_answer_of_a_server_that_stops_soon_is_the_last);
    tcase_add_test(tcase, a_drain_closes_a_connection_without_a_request);
    tcase_add_loop_test(tcase, the_end_of_a_drain_answers_an_incomplete_request, 0, 2);
    tcase_add_test(tcase, other_connections_get_their_turn);
    tcase_add_test(tcase, a_reset_ends_it);
    tcase_add_test(tcase, without_memory_the_connection_fails);
    tcase_add_loop_test(tcase, without_memory_for_a_buffer_the_connection_fails, 0, 2);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
