/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/exchange.h"

#include <check.h>
#include <errno.h>
#include <string.h>

#include "fake_transport.h"
#include "suite.h"
#include "tlsecho/base/clock.h"

static struct fake_transport fake;
static struct exchange x;

static void start(enum expect_kind kind)
{
    struct error err;
    exchange_done(&x);
    fake_init(&fake);
    ck_assert_int_eq(exchange_init(&x, &fake.base, kind, &err), 0);
}

static void setup(void)
{
    start(EXPECT_ECHO);
}

static void teardown(void)
{
    exchange_done(&x);
}

static void put(const char *text)
{
    ck_assert_uint_ge(exchange_room(&x), strlen(text));
    memcpy(x.out.data, text, strlen(text));
    x.out.end = strlen(text);
}

/* Receives until the transport waits or the exchange has ended. */
static unsigned receive_all(void)
{
    for (;;) {
        unsigned want = exchange_receive(&x);
        if (!buf_waiting(&x.in))
            return want;
        buf_take(&x.in, buf_waiting(&x.in));
    }
}

static const struct outcome *judged(bool input_left)
{
    static struct outcome outcome;
    outcome = (struct outcome){.result = RESULT_USAGE, .error.text = "of something else"};
    exchange_judge(&x, input_left, &outcome);
    return &outcome;
}

START_TEST(an_echo_to_the_last_byte_is_ok)
{
    put("hello");
    ck_assert_uint_eq(exchange_room(&x), 0);
    ck_assert_uint_eq(exchange_send(&x), WANT_NOTHING);
    ck_assert_uint_gt(x.sent_us, 0);
    fake_add_read(&fake, "he");
    fake_add_read(&fake, "llo");
    ck_assert_uint_eq(exchange_receive(&x), WANT_NOTHING);
    buf_take(&x.in, buf_waiting(&x.in));
    fake_add(&fake.reads, IO_EOF);
    receive_all();
    ck_assert_uint_eq(exchange_room(&x), 0);
    ck_assert_int_eq(judged(false)->result, RESULT_OK);
    ck_assert_str_eq(judged(false)->error.text, "");
    ck_assert_uint_eq(x.sent_bytes, 5);
    ck_assert_uint_eq(x.received_bytes, 5);
    ck_assert_uint_ge(x.first_echo_us, x.first_sent_us);
}
END_TEST

static uint64_t writing_us;

/* Receives everything, for long enough that the clock advances. */
static struct io write_slowly(struct transport *t, const void *data, size_t size, struct error *err)
{
    (void)t, (void)data, (void)err;
    writing_us = clock_now_us();
    while (clock_now_us() == writing_us)
        ;
    return (struct io){.status = IO_OK, .n = size, .progressed = true};
}

START_TEST(the_first_echo_is_measured_from_before_the_write)
{
    struct transport_ops ops = *fake.base.ops;
    ops.write = write_slowly;
    fake.base.ops = &ops;
    put("hello");
    exchange_send(&x);
    ck_assert_uint_gt(x.first_sent_us, 0);
    ck_assert_uint_le(x.first_sent_us, writing_us);
}
END_TEST

START_TEST(the_rest_of_a_short_write_is_sent_before_anything_else)
{
    fake_add_short_write(&fake, 2);
    put("hello");
    ck_assert_uint_eq(exchange_send(&x), WANT_WRITE);
    ck_assert_uint_eq(exchange_room(&x), 0);
    ck_assert_uint_eq(expect_missing(&x.expect), 2);
    ck_assert_uint_eq(exchange_send(&x), WANT_NOTHING);
    ck_assert_uint_eq(fake.written_bytes, 5);
    ck_assert_int_eq(memcmp(fake.written, "hello", 5), 0);
    ck_assert_uint_gt(exchange_room(&x), 0);
}
END_TEST

START_TEST(bytes_in_the_transport_are_flushed_before_more_is_taken)
{
    fake_add_short_write(&fake, 5);
    put("hello");
    ck_assert_uint_eq(exchange_send(&x), WANT_WRITE);
    ck_assert_uint_eq(exchange_room(&x), 0);
    ck_assert_uint_eq(exchange_send(&x), WANT_NOTHING);
    ck_assert_int_eq(fake.write_calls, 2);
    ck_assert_uint_gt(exchange_room(&x), 0);
}
END_TEST

START_TEST(our_end_is_sent_once_after_all_waiting_bytes)
{
    fake_add_short_write(&fake, 1);
    put("hello");
    x.ending = true;
    ck_assert_uint_eq(exchange_send(&x), WANT_WRITE);
    ck_assert_int_eq(fake.shutdown_at, -1);
    fake_add(&fake.shutdowns, IO_WANT_WRITE);
    ck_assert_uint_eq(exchange_send(&x), WANT_WRITE);
    ck_assert_int_eq(fake.shutdown_at, 5);
    ck_assert_uint_eq(exchange_send(&x), WANT_NOTHING);
    ck_assert(x.ended);
}
END_TEST

START_TEST(a_read_that_needs_to_write_and_a_write_that_needs_to_read_are_passed_on)
{
    fake_add(&fake.writes, IO_WANT_READ);
    fake_add(&fake.reads, IO_WANT_WRITE);
    put("x");
    ck_assert_uint_eq(exchange_send(&x), WANT_READ);
    ck_assert_uint_eq(exchange_receive(&x), WANT_WRITE);
}
END_TEST

START_TEST(nothing_is_read_while_the_caller_has_not_taken_the_last)
{
    start(EXPECT_NONE);
    fake_add_read(&fake, "one");
    fake_add_read(&fake, "two");
    exchange_receive(&x);
    exchange_receive(&x);
    ck_assert_int_eq(fake.read_calls, 1);
    ck_assert_uint_eq(buf_waiting(&x.in), 3);
}
END_TEST

START_TEST(after_a_failed_write_the_reason_is_read)
{
    fake_add(&fake.writes, IO_RESET);
    put("x");
    ck_assert_uint_eq(exchange_send(&x), WANT_NOTHING);
    ck_assert_int_eq(x.state, EXCHANGE_OPEN);
    fake.failure = ERROR_CLIENT_CERTIFICATE;
    fake_add(&fake.reads, IO_FAILED);
    receive_all();
    ck_assert_int_eq(judged(false)->result, RESULT_CLIENT_CERTIFICATE);
}
END_TEST

START_TEST(a_reset_that_only_the_write_noticed_is_a_reset)
{
    fake_add(&fake.writes, IO_RESET);
    fake_add(&fake.reads, IO_EOF);
    put("x");
    exchange_send(&x);
    receive_all();
    ck_assert_int_eq(judged(false)->result, RESULT_RESET);
}
END_TEST

START_TEST(a_failed_write_is_the_error_if_reading_has_none)
{
    fake_add(&fake.writes, IO_FAILED);
    fake_add(&fake.reads, IO_EOF);
    put("x");
    exchange_send(&x);
    receive_all();
    struct outcome outcome = *judged(false);
    ck_assert_int_eq(outcome.result, RESULT_HANDSHAKE);
    ck_assert_ptr_nonnull(strstr(outcome.error.text, "the script says so"));
}
END_TEST

START_TEST(a_failed_write_ends_our_direction_once)
{
    fake_add(&fake.writes, IO_FAILED);
    fake_add(&fake.shutdowns, IO_WANT_WRITE);
    put("x");
    ck_assert_uint_eq(exchange_send(&x), WANT_WRITE);
    ck_assert_int_eq(fake.shutdown_at, 0);
    ck_assert_uint_eq(exchange_send(&x), WANT_NOTHING);
    ck_assert_uint_eq(exchange_send(&x), WANT_NOTHING);
    ck_assert_uint_eq(fake.shutdowns.next, 1);
    ck_assert_int_eq(fake.write_calls, 1);
    ck_assert(x.ended);
    ck_assert_uint_eq(exchange_room(&x), 0);
}
END_TEST

START_TEST(where_the_end_fails_too_the_write_is_the_error)
{
    fake_add(&fake.writes, IO_FAILED);
    fake.shutdowns.after.io.status = IO_FAILED;
    put("x");
    fake.failure = ERROR_CLIENT_CERTIFICATE;
    ck_assert_uint_eq(exchange_send(&x), WANT_NOTHING);
    ck_assert(x.ended);
    ck_assert_int_eq(x.error.kind, ERROR_CLIENT_CERTIFICATE);
}
END_TEST

START_TEST(a_failed_read_has_the_error_of_the_transport)
{
    fake_add(&fake.reads, IO_FAILED);
    receive_all();
    ck_assert_int_eq(judged(false)->result, RESULT_HANDSHAKE);
}
END_TEST

static const enum io_status ends[] = {IO_EOF, IO_CUT, IO_RESET};

START_TEST(however_it_ends_it_is_ok_once_every_byte_is_back)
{
    put("x");
    exchange_send(&x);
    fake_add_read(&fake, "x");
    fake_add(&fake.reads, ends[_i]);
    receive_all();
    ck_assert_int_eq(judged(false)->result, RESULT_OK);
}
END_TEST

START_TEST(however_it_ends_missing_bytes_are_not_ok)
{
    put("xyz");
    exchange_send(&x);
    fake_add_read(&fake, "x");
    fake_add(&fake.reads, ends[_i]);
    receive_all();
    struct outcome outcome = *judged(false);
    ck_assert_int_eq(outcome.result, ends[_i] == IO_RESET ? RESULT_RESET : RESULT_TRUNCATED);
    ck_assert_ptr_nonnull(strstr(outcome.error.text, "2 of 3 bytes missing"));
}
END_TEST

START_TEST(however_it_ends_unsent_input_is_not_ok)
{
    fake_add(&fake.reads, ends[_i]);
    receive_all();
    ck_assert_int_eq(judged(true)->result, ends[_i] == IO_RESET ? RESULT_RESET : RESULT_TRUNCATED);
}
END_TEST

static const struct {
    int code;
    enum result result;
} given_up[] = {{ETIMEDOUT, RESULT_TIMEOUT}, {EHOSTUNREACH, RESULT_UNREACHABLE}};

START_TEST(a_connection_that_the_kernel_gave_up_is_not_a_reset)
{
    fake.reset_errno = given_up[_i].code;
    put("xyz");
    exchange_send(&x);
    fake_add(&fake.reads, IO_RESET);
    receive_all();
    struct outcome outcome = *judged(false);
    ck_assert_int_eq(outcome.result, given_up[_i].result);
    ck_assert_ptr_null(strstr(outcome.error.text, "reset the connection"));
}
END_TEST

START_TEST(a_connection_that_the_kernel_gave_up_is_ok_once_every_byte_is_back)
{
    fake.reset_errno = given_up[_i].code;
    put("x");
    exchange_send(&x);
    fake_add_read(&fake, "x");
    fake_add(&fake.reads, IO_RESET);
    receive_all();
    ck_assert_int_eq(judged(false)->result, RESULT_OK);
}
END_TEST

START_TEST(bytes_that_were_never_sent_are_missing_too)
{
    fake_add(&fake.writes, IO_WANT_WRITE);
    put("xyz");
    exchange_send(&x);
    fake_add(&fake.reads, IO_EOF);
    receive_all();
    ck_assert_ptr_nonnull(strstr(judged(false)->error.text, "3 of 3 bytes missing"));
}
END_TEST

START_TEST(with_none_a_cut_and_a_reset_are_not_ok)
{
    start(EXPECT_NONE);
    put("x");
    exchange_send(&x);
    fake_add_read(&fake, "other");
    fake_add(&fake.reads, ends[_i]);
    receive_all();
    static const enum result expected[] = {RESULT_OK, RESULT_TRUNCATED, RESULT_RESET};
    struct outcome outcome = *judged(true);
    ck_assert_int_eq(outcome.result, expected[_i]);
    ck_assert_int_eq(outcome.result != RESULT_OK, *outcome.error.text != '\0');
}
END_TEST

START_TEST(a_difference_ends_the_exchange)
{
    put("abc");
    exchange_send(&x);
    fake_add_read(&fake, "aXc");
    fake_add_read(&fake, "abc");
    receive_all();
    ck_assert_int_eq(fake.read_calls, 1);
    struct outcome outcome = *judged(false);
    ck_assert_int_eq(outcome.result, RESULT_CORRUPT);
    ck_assert_str_eq(outcome.error.text, "byte 1 came back as 0x58 instead of 0x62");
}
END_TEST

START_TEST(a_tls_alert_on_plain_tcp_suggests_tls)
{
    put("abc");
    exchange_send(&x);
    fake_add_read(&fake, "\x15\x03\x03");
    receive_all();
    ck_assert_ptr_nonnull(strstr(judged(false)->error.text, "add --tls"));
}
END_TEST

/* Replies to "abc", with the message and the remedy for each. */
static const struct {
    const char *answer, *says, *remedy; /* NULL = none */
} answers[] = {
    {"HTTP/1.1 400 Bad Request\r\n", "the server sent \"HTTP/1.1 400 Bad Request\"",
     "--expect none"},
    {"SSH-2.0-x\r\n", "the server sent \"SSH-2.0-x\"", "it is not an echo server"},
    {"+OK\r\n", "the server sent \"+OK\"", "--expect none"},
    {"x\033[2J", "byte 0 came back as 0x78 instead of 0x61", "--expect none"},
    {"ABC", "byte 0 came back as 0x41 instead of 0x61", "--expect upper"},
    {"abX", "byte 2 came back as 0x58 instead of 0x63", NULL},
    {"\x15\x03\x03", "add --tls", NULL},
};

START_TEST(a_reply_that_is_no_echo_is_shown_and_differs_from_a_changed_byte)
{
    put("abc");
    exchange_send(&x);
    fake_add_read(&fake, answers[_i].answer);
    receive_all();
    struct outcome outcome = *judged(false);
    const char *remedy = exchange_remedy(&x, &outcome);
    ck_assert_int_eq(outcome.result, RESULT_CORRUPT);
    ck_assert_msg(strstr(outcome.error.text, answers[_i].says) != NULL, "%s", outcome.error.text);
    if (answers[_i].remedy)
        ck_assert_msg(remedy && strstr(remedy, answers[_i].remedy), "%s", remedy);
    else
        ck_assert_ptr_null(remedy);
}
END_TEST

START_TEST(idle_time_counts_from_the_last_progress_in_the_kernel)
{
    ck_assert_uint_eq(exchange_due_us(&x, 0), UINT64_MAX);
    x.last_activity_us = 1;
    ck_assert_uint_eq(exchange_due_us(&x, 10), 11);
    exchange_receive(&x); /* nothing comes */
    ck_assert_uint_eq(x.last_activity_us, 1);
    fake.reads.after.io.progressed = true; /* half a record */
    exchange_receive(&x);
    ck_assert_uint_gt(x.last_activity_us, 1);

    put("x");
    exchange_send(&x);
    exchange_expire(&x, 1500000);
    struct outcome outcome = *judged(false);
    ck_assert_int_eq(outcome.result, RESULT_TIMEOUT);
    ck_assert_str_eq(outcome.error.text, "no data for 1.5 s, with 1 bytes missing; if it is only "
                                         "slow, raise --idle-timeout");
}
END_TEST

START_TEST(a_proxy_header_that_comes_back_is_recognized)
{
    static const char *const headers[] = {"PROXY TCP4 ::1", "\r\n\r\n"};
    put("hello");
    exchange_send(&x);
    fake_add_read(&fake, headers[_i]);
    receive_all();
    struct outcome outcome = *judged(false);
    bool ours = _i == 0; /* the rest of version 2's has not come */
    ck_assert_int_eq(outcome.result, RESULT_CORRUPT);
    ck_assert_int_eq(strstr(outcome.error.text, "leave out --proxy-protocol") != NULL, ours);
    ck_assert_int_eq(exchange_remedy(&x, &outcome) == NULL, ours);
}
END_TEST

START_TEST(idle_time_without_sent_bytes_has_no_missing_bytes_and_no_remedy_of_echo)
{
    x.ending = true;
    exchange_send(&x);
    exchange_expire(&x, 1000000);
    struct outcome outcome = *judged(false);
    ck_assert_int_eq(outcome.result, RESULT_TIMEOUT);
    ck_assert_ptr_null(strstr(outcome.error.text, "0 bytes"));
    ck_assert_ptr_null(exchange_remedy(&x, &outcome));
}
END_TEST

START_TEST(more_than_was_sent_is_told_as_such)
{
    put("ab");
    exchange_send(&x);
    fake_add_read(&fake, "abc");
    receive_all();
    ck_assert_str_eq(judged(false)->error.text, "byte 2 (0x63) came back, but only 2 were sent");
}
END_TEST

START_TEST(what_is_no_text_is_not_shown_instead_of_a_hello_line)
{
    start(EXPECT_HELLO);
    fake_add_read(&fake, "\x01\x02\n");
    receive_all();
    struct outcome outcome = *judged(false);
    ck_assert_int_eq(outcome.result, RESULT_CORRUPT);
    ck_assert_ptr_nonnull(strstr(outcome.error.text, "what the server sent first is not a hello"));
}
END_TEST

START_TEST(a_reset_with_bytes_missing_is_told_as_a_reset)
{
    put("hello");
    exchange_send(&x);
    fake_add(&fake.reads, IO_RESET);
    receive_all();
    struct outcome outcome = *judged(false);
    ck_assert_int_eq(outcome.result, RESULT_RESET);
    ck_assert_ptr_nonnull(strstr(outcome.error.text, "reset the connection with 5 of 5 bytes"));
}
END_TEST

/* Silence, an end and a failure, without a byte of an echo. */
START_TEST(a_server_that_returns_nothing_may_be_no_echo_server)
{
    put("hello");
    exchange_send(&x);
    if (_i == 0)
        exchange_expire(&x, 1000);
    else
        fake_add(&fake.reads, _i == 1 ? IO_EOF : IO_FAILED);
    receive_all();
    struct outcome outcome = *judged(false);
    const char *remedy = exchange_remedy(&x, &outcome);
    ck_assert(_i == 2 ? !remedy
                      : strcmp(remedy, "if it is not an echo server, add --expect none") == 0);
}
END_TEST

START_TEST(an_interrupted_exchange_is_judged_by_the_missing_bytes)
{
    ck_assert_int_eq(judged(false)->result, RESULT_OK);
    put("x");
    exchange_send(&x);
    struct outcome outcome = *judged(false);
    ck_assert_int_eq(outcome.result, RESULT_TIMEOUT);
    ck_assert_str_eq(outcome.error.text, "interrupted with 1 of 1 bytes missing");
}
END_TEST

/* In parts, and with the first bytes behind it. */
START_TEST(a_hello_line_is_kept_apart_and_not_counted)
{
    static const char line[] = "{\"schema\":1}\n";
    start(EXPECT_HELLO);
    put("hello");
    exchange_send(&x);
    fake_add_read(&fake, "{\"sche");
    fake_add_read(&fake, "ma\":1}\n");
    ck_assert_uint_eq(exchange_receive(&x), WANT_READ);
    ck_assert_int_eq(fake.read_calls, 3);
    ck_assert(x.hello.complete);
    ck_assert_uint_eq(x.hello.n, sizeof line - 1);
    ck_assert_mem_eq(x.hello_text, line, sizeof line - 1);
    ck_assert_uint_eq(x.received_bytes, 0);
    ck_assert_uint_eq(x.first_echo_us, 0);
    fake_add_read(&fake, "hel");
    ck_assert_uint_eq(exchange_receive(&x), WANT_NOTHING);
    ck_assert_uint_gt(x.first_echo_us, 0);

    start(EXPECT_HELLO);
    put("hello");
    exchange_send(&x);
    fake_add_read(&fake, "{\"schema\":1}\nhel");
    ck_assert_uint_eq(exchange_receive(&x), WANT_NOTHING);
    ck_assert_uint_eq(buf_waiting(&x.in), 3);
    ck_assert_mem_eq(x.in.data, "hel", 3);
    ck_assert_mem_eq(x.first, "hel", 3);
    ck_assert_mem_eq(x.hello_text, line, sizeof line - 1);
    ck_assert_uint_eq(x.received_bytes, 3);
}
END_TEST

START_TEST(the_first_bytes_are_kept_in_order)
{
    static const char text[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    start(EXPECT_NONE);
    fake_add_read(&fake, "abcdefghijklmnop");
    fake_add_read(&fake, "qrstuvwxyz0123456789");
    receive_all();
    ck_assert_mem_eq(x.first, text, EXCHANGE_FIRST_BYTES);
    ck_assert_uint_eq(x.received_bytes, sizeof text - 1);
}
END_TEST

START_TEST(times_are_those_of_the_first_bytes)
{
    put("a");
    exchange_send(&x);
    fake_add_read(&fake, "a");
    receive_all();
    uint64_t sent_us = x.first_sent_us, echo_us = x.first_echo_us;
    while (clock_now_us() <= echo_us)
        ;
    put("b");
    exchange_send(&x);
    fake_add_read(&fake, "b");
    receive_all();
    ck_assert_uint_eq(x.first_sent_us, sent_us);
    ck_assert_uint_eq(x.first_echo_us, echo_us);
    ck_assert_uint_gt(x.sent_us, echo_us);
    ck_assert_uint_ge(x.last_activity_us, x.sent_us);
}
END_TEST

START_TEST(there_is_room_for_what_can_be_compared)
{
    ck_assert_uint_eq(exchange_room(&x), EXCHANGE_BUFFER_BYTES);
    x.expect.count = EXPECT_MAX_BYTES - EXCHANGE_BUFFER_BYTES + 1;
    ck_assert_uint_eq(exchange_room(&x), EXCHANGE_BUFFER_BYTES - 1);
    x.expect.count = EXPECT_MAX_BYTES;
    ck_assert_uint_eq(exchange_room(&x), 0);
    x.expect.count = 0;
    x.flushing = true;
    ck_assert_uint_eq(exchange_room(&x), 0);
    x.flushing = false;
    x.send_failed = true;
    ck_assert_uint_eq(exchange_room(&x), 0);
    x.send_failed = false;
    x.ending = true;
    ck_assert_uint_eq(exchange_room(&x), 0);
    x.ending = false;
    x.state = EXCHANGE_ENDED;
    ck_assert_uint_eq(exchange_room(&x), 0);
}
END_TEST

START_TEST(nothing_is_sent_after_the_server_s_end)
{
    fake_add(&fake.reads, IO_EOF);
    receive_all();
    x.out.end = 1;
    x.ending = true;
    ck_assert_uint_eq(exchange_send(&x), WANT_NOTHING);
    ck_assert_int_eq(fake.write_calls, 0);
    ck_assert_int_eq(fake.shutdown_at, -1);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("exchange");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, an_echo_to_the_last_byte_is_ok);
    tcase_add_test(cases, the_first_echo_is_measured_from_before_the_write);
    tcase_add_test(cases, the_rest_of_a_short_write_is_sent_before_anything_else);
    tcase_add_test(cases, bytes_in_the_transport_are_flushed_before_more_is_taken);
    tcase_add_test(cases, our_end_is_sent_once_after_all_waiting_bytes);
    tcase_add_test(cases, a_read_that_needs_to_write_and_a_write_that_needs_to_read_are_passed_on);
    tcase_add_test(cases, nothing_is_read_while_the_caller_has_not_taken_the_last);
    tcase_add_test(cases, after_a_failed_write_the_reason_is_read);
    tcase_add_test(cases, a_reset_that_only_the_write_noticed_is_a_reset);
    tcase_add_test(cases, a_failed_write_is_the_error_if_reading_has_none);
    tcase_add_test(cases, a_failed_write_ends_our_direction_once);
    tcase_add_test(cases, where_the_end_fails_too_the_write_is_the_error);
    tcase_add_test(cases, a_failed_read_has_the_error_of_the_transport);
    tcase_add_loop_test(cases, however_it_ends_it_is_ok_once_every_byte_is_back, 0, 3);
    tcase_add_loop_test(cases, however_it_ends_missing_bytes_are_not_ok, 0, 3);
    tcase_add_loop_test(cases, however_it_ends_unsent_input_is_not_ok, 0, 3);
    tcase_add_loop_test(cases, a_connection_that_the_kernel_gave_up_is_not_a_reset, 0, 2);
    tcase_add_loop_test(cases, a_connection_that_the_kernel_gave_up_is_ok_once_every_byte_is_back,
                        0, 2);
    tcase_add_test(cases, bytes_that_were_never_sent_are_missing_too);
    tcase_add_loop_test(cases, with_none_a_cut_and_a_reset_are_not_ok, 0, 3);
    tcase_add_test(cases, a_difference_ends_the_exchange);
    tcase_add_test(cases, a_tls_alert_on_plain_tcp_suggests_tls);
    tcase_add_loop_test(cases, a_reply_that_is_no_echo_is_shown_and_differs_from_a_changed_byte, 0,
                        sizeof answers / sizeof *answers);
    tcase_add_test(cases, idle_time_counts_from_the_last_progress_in_the_kernel);
    tcase_add_loop_test(cases, a_proxy_header_that_comes_back_is_recognized, 0, 2);
    tcase_add_test(cases, idle_time_without_sent_bytes_has_no_missing_bytes_and_no_remedy_of_echo);
    tcase_add_test(cases, more_than_was_sent_is_told_as_such);
    tcase_add_test(cases, what_is_no_text_is_not_shown_instead_of_a_hello_line);
    tcase_add_test(cases, a_reset_with_bytes_missing_is_told_as_a_reset);
    tcase_add_loop_test(cases, a_server_that_returns_nothing_may_be_no_echo_server, 0, 3);
    tcase_add_test(cases, an_interrupted_exchange_is_judged_by_the_missing_bytes);
    tcase_add_test(cases, a_hello_line_is_kept_apart_and_not_counted);
    tcase_add_test(cases, the_first_bytes_are_kept_in_order);
    tcase_add_test(cases, times_are_those_of_the_first_bytes);
    tcase_add_test(cases, there_is_room_for_what_can_be_compared);
    tcase_add_test(cases, nothing_is_sent_after_the_server_s_end);

    Suite *suite = suite_create("exchange");
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
