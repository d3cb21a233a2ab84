/* SPDX-License-Identifier: MIT */
/* What an exchange says of its end, word by word, and which remedy it has. */
#include "tlsecho/client/exchange.h"

#include <check.h>
#include <errno.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "fake_transport.h"
#include "suite.h"
#include "tlsecho/base/clock.h"

#define REMEDY     "connect to a listener with `service: hello`, or leave out --expect hello"
#define SLOW       "; if it is only slow, raise --idle-timeout"
#define LATE_RESET ", or something on the way, reset the connection"

enum { ENDLESS_US = 1000 * 1000 * 1000 };

static struct fake_transport fake;
static struct exchange x;
static struct tcp_info kernel; /* what TCP tells of every descriptor; all 0 = nothing */

/* Both replace the C library's: no connection here has lost anything. */
int getsockopt(int fd, int level, int name, void *ret, socklen_t *length)
{
    (void)fd, (void)level;
    errno = ENOPROTOOPT;
    if (name != TCP_INFO || kernel.tcpi_snd_mss == 0)
        return -1;
    memcpy(ret, &kernel, *length < sizeof kernel ? *length : sizeof kernel);
    return 0;
}

int ioctl(int fd, unsigned long request, ...)
{
    va_list args;
    (void)fd;
    va_start(args, request);
    if (request == SIOCOUTQ)
        *va_arg(args, int *) = (int)kernel.tcpi_bytes_sent;
    va_end(args);
    return 0;
}

static void start(enum expect_kind kind)
{
    struct error err;
    fake_init(&fake);
    ck_assert_int_eq(exchange_init(&x, &fake.base, kind, &err), 0);
}

static void set_up(void)
{
    memset(&kernel, 0, sizeof kernel);
}

static void tear_down(void)
{
    exchange_done(&x);
}

static void send_text(const char *text)
{
    memcpy(x.out.data, text, strlen(text));
    x.out.end = strlen(text);
    exchange_send(&x);
}

static void receive_all(void)
{
    do {
        buf_take(&x.in, buf_waiting(&x.in));
        exchange_receive(&x);
    } while (buf_waiting(&x.in));
}

static void says(bool input_left, enum result result, const char *text)
{
    struct outcome outcome;
    exchange_judge(&x, input_left, &outcome);
    ck_assert_str_eq(outcome.error.text, text);
    ck_assert_str_eq(result_word(outcome.result), result_word(result));
    ck_assert_int_eq(outcome.phase, PHASE_ECHO);
    ck_assert_int_eq(outcome.error.alert, -1);
}

static const char *remedy(void)
{
    struct outcome outcome;
    exchange_judge(&x, false, &outcome);
    const char *found = exchange_remedy(&x, &outcome);
    return found ? found : "none";
}

/* What comes back for "abcdef", and what is said of it. */
static const struct answer {
    enum expect_kind kind;
    const char *reads[3];
    enum io_status end;
    enum result result;
    const char *says, *remedy;
} answers[] = {
    {EXPECT_ECHO, {"abcdef"}, IO_EOF, RESULT_OK, "", "none"},
    {EXPECT_UPPER, {"ABCDEF"}, IO_EOF, RESULT_OK, "", "none"},
    {EXPECT_NONE, {"other"}, IO_EOF, RESULT_OK, "", "none"},
    {EXPECT_ECHO,
     {NULL},
     IO_EOF,
     RESULT_TRUNCATED,
     "the server closed the connection with 6 of 6 bytes missing",
     "if it is not an echo server, add --expect none"},
    {EXPECT_ECHO,
     {"abcd"},
     IO_EOF,
     RESULT_TRUNCATED,
     "the server closed the connection with 2 of 6 bytes missing",
     "none"},
    {EXPECT_ECHO,
     {NULL},
     IO_CUT,
     RESULT_TRUNCATED,
     "the server closed the connection without close_notify with 6 of 6 bytes missing",
     "if it is not an echo server, add --expect none"},
    {EXPECT_ECHO,
     {NULL},
     IO_RESET,
     RESULT_RESET,
     "the server" LATE_RESET " with 6 of 6 bytes missing",
     "if it is not an echo server, add --expect none"},
    {EXPECT_ECHO, {NULL}, IO_FAILED, RESULT_HANDSHAKE, "the script says so", "none"},
    {EXPECT_NONE,
     {"other"},
     IO_CUT,
     RESULT_TRUNCATED,
     "the server closed the connection without close_notify: what it sent may be incomplete; see "
     "its log, or look for what cuts connections on the way",
     "none"},
    {EXPECT_NONE, {"other"}, IO_RESET, RESULT_RESET, "the server" LATE_RESET, "none"},
    {EXPECT_ECHO,
     {"SSH-2.0-x\r\n"},
     IO_EOF,
     RESULT_CORRUPT,
     "the server sent \"SSH-2.0-x\" instead of our bytes",
     "it is not an echo server: if that is intended, add --expect none"},
    {EXPECT_ECHO,
     {"abc", "SSH"},
     IO_EOF,
     RESULT_CORRUPT,
     "byte 3 came back as 0x53 instead of 0x64",
     "none"},
    {EXPECT_ECHO,
     {"ABCDEF"},
     IO_EOF,
     RESULT_CORRUPT,
     "byte 0 came back as 0x41 instead of 0x61",
     "it returns upper case: add --expect upper"},
    {EXPECT_ECHO,
     {"abcdef", "gh"},
     IO_EOF,
     RESULT_CORRUPT,
     "byte 6 (0x67) came back, but only 6 were sent",
     "none"},
    {EXPECT_ECHO,
     {"{\"schema\":1}\n"},
     IO_EOF,
     RESULT_CORRUPT,
     "the server sent \"{\"schema\":1}\" instead of our bytes",
     "it begins with a hello line: add --expect hello"},
    {EXPECT_ECHO,
     {"PROXY TCP4 ::1"},
     IO_EOF,
     RESULT_CORRUPT,
     "our PROXY header came back: the server expects none, leave out --proxy-protocol",
     "none"},
    {EXPECT_ECHO,
     {"abcdef", "PROXY TCP4 ::1"},
     IO_EOF,
     RESULT_CORRUPT,
     "byte 6 (0x50) came back, but only 6 were sent",
     "none"},
    {EXPECT_ECHO,
     {"\x15\x03"},
     IO_EOF,
     RESULT_CORRUPT,
     "byte 0 came back as 0x15 instead of 0x61; the server answered with a TLS alert: it speaks "
     "TLS, add --tls or write tls://",
     "none"},
    {EXPECT_ECHO,
     {"\x15"},
     IO_EOF,
     RESULT_CORRUPT,
     "byte 0 came back as 0x15 instead of 0x61",
     "it is not an echo server: if that is intended, add --expect none"},
    {EXPECT_ECHO,
     {"\x15\x02"},
     IO_EOF,
     RESULT_CORRUPT,
     "byte 0 came back as 0x15 instead of 0x61",
     "it is not an echo server: if that is intended, add --expect none"},
    {EXPECT_ECHO,
     {"\x16\x03"},
     IO_EOF,
     RESULT_CORRUPT,
     "byte 0 came back as 0x16 instead of 0x61",
     "it is not an echo server: if that is intended, add --expect none"},
    {EXPECT_HELLO, {"{\"schema\":1}\n", "abcdef"}, IO_EOF, RESULT_OK, "", "none"},
    {EXPECT_HELLO, {"{\"schema\":1}\nabcd", "ef"}, IO_EOF, RESULT_OK, "", "none"},
    {EXPECT_HELLO,
     {"{\"schema\":1}\n", "{\"schema\":1}\n"},
     IO_EOF,
     RESULT_CORRUPT,
     "the server sent \"{\"schema\":1}\" instead of our bytes",
     "it is not an echo server: if that is intended, add --expect none"},
    {EXPECT_HELLO,
     {"{\"schema\":1"},
     IO_EOF,
     RESULT_TRUNCATED,
     "the server closed the connection before its hello line was complete; " REMEDY,
     "none"},
    {EXPECT_HELLO,
     {"{\"schema\":1"},
     IO_RESET,
     RESULT_RESET,
     "the server" LATE_RESET " before its hello line was complete; " REMEDY,
     "none"},
    {EXPECT_HELLO,
     {"SSH-2.0-x\r\n"},
     IO_EOF,
     RESULT_CORRUPT,
     "the server sent \"SSH-2.0-x\" instead of a hello line; " REMEDY,
     "none"},
    {EXPECT_HELLO,
     {"{\"schemes\":1}\n"},
     IO_EOF,
     RESULT_CORRUPT,
     "what the server sent first is not a hello line; " REMEDY,
     "none"},
    {EXPECT_HELLO,
     {"\x15\x03\x03"},
     IO_EOF,
     RESULT_CORRUPT,
     "what the server sent first is not a hello line; " REMEDY "; the server answered with a TLS "
     "alert: it speaks TLS, add --tls or write tls://",
     "none"},
    {EXPECT_HELLO,
     {"PROXY TCP4 ::1"},
     IO_EOF,
     RESULT_CORRUPT,
     "our PROXY header came back: the server expects none, leave out --proxy-protocol",
     "none"},
};

START_TEST(says_what_came_back_and_what_may_help)
{
    const struct answer *answer = &answers[_i];
    start(answer->kind);
    send_text("abcdef");
    for (size_t i = 0; i < 3 && answer->reads[i]; i++)
        fake_add_read(&fake, answer->reads[i]);
    fake_add(&fake.reads, answer->end);
    receive_all();
    says(false, answer->result, answer->says);
    ck_assert_str_eq(remedy(), answer->remedy);
}
END_TEST

/* Nothing was sent: an echo server sends nothing either. */
START_TEST(has_no_remedy_where_nothing_was_asked)
{
    static const enum io_status ends[] = {IO_EOF, IO_CUT, IO_RESET};
    static const char *const before[] = {
        "the server closed the connection before the input had ended",
        "the server closed the connection without close_notify before the input had ended",
        "the server" LATE_RESET " before the input had ended"};
    start(EXPECT_ECHO);
    fake_add(&fake.reads, ends[_i]);
    receive_all();
    says(true, _i == 2 ? RESULT_RESET : RESULT_TRUNCATED, before[_i]);
    struct outcome outcome;
    exchange_judge(&x, true, &outcome);
    ck_assert_ptr_null(exchange_remedy(&x, &outcome));
}
END_TEST

START_TEST(counts_what_was_not_sent_as_missing)
{
    start(EXPECT_ECHO);
    fake_add_short_write(&fake, 2);
    send_text("abcdef");
    fake_add_read(&fake, "a");
    fake_add(&fake.reads, IO_EOF);
    receive_all();
    says(false, RESULT_TRUNCATED, "the server closed the connection with 5 of 6 bytes missing");
}
END_TEST

START_TEST(an_interrupt_says_what_was_waited_for)
{
    start(EXPECT_HELLO);
    says(false, RESULT_TIMEOUT, "interrupted before its hello line was complete; " REMEDY);
    exchange_done(&x);
    start(EXPECT_ECHO);
    says(true, RESULT_TIMEOUT, "interrupted before the input had ended");
    ck_assert_str_eq(remedy(), "none");
}
END_TEST

static void expires(uint64_t limit_us, const char *text)
{
    exchange_expire(&x, limit_us);
    says(false, RESULT_TIMEOUT, text);
    exchange_done(&x);
}

START_TEST(a_time_out_says_whether_the_server_was_sending)
{
    start(EXPECT_ECHO);
    expires(1000000, "no data for 1 s, and the server has not closed its side" SLOW);
    start(EXPECT_ECHO);
    fake_add_short_write(&fake, 1);
    send_text("abc");
    expires(2500000, "no data for 2.5 s, with 3 bytes missing" SLOW);
    start(EXPECT_HELLO);
    expires(1000000, "no data for 1 s, without a whole hello line; " REMEDY SLOW);

    start(EXPECT_ECHO);
    send_text("abc");
    fake_add_read(&fake, "ab");
    receive_all();
    expires(ENDLESS_US, "the server was still sending after 1000 s, with 1 bytes missing" SLOW);
    start(EXPECT_ECHO);
    send_text("abc");
    fake_add_read(&fake, "abc");
    receive_all();
    expires(ENDLESS_US, "the server was still sending after 1000 s" SLOW);
    start(EXPECT_ECHO);
    send_text("abc");
    fake_add_read(&fake, "abc");
    receive_all();
    x.last_activity_us -= 1000000;
    expires(1000, "no data for 0.001 s, and the server has not closed its side" SLOW);
    start(EXPECT_ECHO);
}
END_TEST

static void lose(void)
{
    kernel.tcpi_snd_mss = 1000;
    kernel.tcpi_bytes_sent = 6;
    kernel.tcpi_retransmits = 2;
}

#define GONE                                                                                       \
    "6 bytes were sent 3 times and never acknowledged: the peer is gone, or something on the way " \
    "drops its packets"

START_TEST(a_time_out_says_what_was_lost)
{
    start(EXPECT_ECHO);
    send_text("abcdef");
    lose();
    exchange_expire(&x, 1000000);
    says(false, RESULT_TIMEOUT, "no data for 1 s, with 6 bytes missing; " GONE);
}
END_TEST

START_TEST(what_the_kernel_gave_up_says_what_was_lost)
{
    start(_i == 0 ? EXPECT_ECHO : EXPECT_NONE);
    send_text("abcdef");
    lose();
    fake.reset_errno = ETIMEDOUT;
    fake_add(&fake.reads, IO_RESET);
    receive_all();
    ck_assert(x.given_up && x.reset);
    says(false, RESULT_TIMEOUT, "the script: Connection timed out; " GONE);
    ck_assert_str_eq(remedy(), "none");
}
END_TEST

START_TEST(an_end_says_what_was_lost)
{
    start(EXPECT_ECHO);
    send_text("abcdef");
    lose();
    fake_add(&fake.reads, IO_CUT);
    receive_all();
    says(false, RESULT_TRUNCATED,
         "the server closed the connection without close_notify with 6 of 6 bytes missing; " GONE);
    x.sent_bytes = 0;
    x.expect.count = 0;
    says(true, RESULT_TRUNCATED,
         "the server closed the connection without close_notify before the input had ended; " GONE);
    exchange_done(&x);
    start(EXPECT_HELLO);
    fake_add(&fake.reads, IO_CUT);
    receive_all();
    says(false, RESULT_TRUNCATED,
         "the server closed the connection without close_notify before its hello line was "
         "complete; " REMEDY "; " GONE);
}
END_TEST

/* Sooner than half of the smallest round trip. */
START_TEST(a_reset_that_comes_too_soon_is_not_the_server_s)
{
    static const int codes[] = {ECONNRESET, EPIPE};
    for (int kind = 0; kind < 2; kind++) {
        struct outcome outcome;
        start(kind == 0 ? EXPECT_ECHO : EXPECT_NONE);
        kernel.tcpi_snd_mss = 1000;
        kernel.tcpi_min_rtt = UINT32_MAX - 1;
        fake.reset_errno = codes[_i];
        send_text("abcdef");
        ck_assert_uint_eq(x.reset_after_us, UINT64_MAX);
        fake_add(&fake.reads, IO_RESET);
        receive_all();
        ck_assert_uint_lt(x.reset_after_us, 1000 * 1000 * 1000);
        ck_assert(!x.given_up);
        exchange_judge(&x, false, &outcome);
        ck_assert_int_eq(outcome.result, RESULT_RESET);
        ck_assert_ptr_nonnull(strstr(outcome.error.text, "; the reset arrived"));
        exchange_done(&x);
    }
    start(EXPECT_ECHO);
}
END_TEST

static void describe_tls(const struct transport *t, struct peer *ret)
{
    (void)t;
    *ret = (struct peer){.tls = true};
}

START_TEST(a_tls_alert_within_tls_is_none)
{
    start(EXPECT_ECHO);
    struct transport_ops ops = *fake.base.ops;
    ops.peer = describe_tls;
    fake.base.ops = &ops;
    send_text("abcdef");
    fake_add_read(&fake, "\x15\x03\x03");
    receive_all();
    says(false, RESULT_CORRUPT, "byte 0 came back as 0x15 instead of 0x61");
}
END_TEST

/* What looks like a header are our own bytes. */
START_TEST(an_echo_of_a_proxy_header_in_the_data_is_none_of_ours)
{
    start(EXPECT_ECHO);
    send_text("PROXY TCP4 x");
    fake_add_read(&fake, "PROXY TCP4 y");
    receive_all();
    says(false, RESULT_CORRUPT, "byte 11 came back as 0x79 instead of 0x78");
}
END_TEST

START_TEST(a_reset_of_our_end_is_a_reset_whatever_came_first)
{
    start(EXPECT_ECHO);
    fake_add(&fake.writes, IO_FAILED);
    fake_add(&fake.shutdowns, IO_RESET);
    send_text("abcdef");
    ck_assert(x.send_failed && x.ended && x.reset);
    ck_assert_int_eq(x.error.kind, ERROR_TLS); /* of the write */
    fake_add(&fake.reads, IO_EOF);
    receive_all();
    says(false, RESULT_RESET, "the server" LATE_RESET " with 6 of 6 bytes missing");
}
END_TEST

/* Expecting nothing too: its data has not been sent. */
START_TEST(what_this_host_could_not_send_is_told_whatever_followed)
{
    static const enum io_status ends[] = {IO_EOF, IO_CUT, IO_RESET};
    start(_i < 3 ? EXPECT_ECHO : EXPECT_NONE);
    fake.failure = ERROR_SYSTEM;
    fake_add(&fake.writes, IO_FAILED);
    fake_add(&fake.shutdowns, IO_RESET);
    send_text("abcdef");
    fake_add(&fake.reads, ends[_i % 3]);
    receive_all();
    says(false, RESULT_LOCAL_IO, "the script says so");
}
END_TEST

START_TEST(a_failure_of_our_end_alone_is_told)
{
    start(EXPECT_ECHO);
    x.ending = true;
    fake_add(&fake.shutdowns, IO_FAILED);
    ck_assert_uint_eq(exchange_send(&x), WANT_NOTHING);
    ck_assert(x.send_failed && !x.ended && !x.reset);
    fake_add(&fake.reads, IO_EOF);
    receive_all();
    says(true, RESULT_HANDSHAKE, "the script says so");
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("exchange_judge");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_loop_test(cases, says_what_came_back_and_what_may_help, 0,
                        sizeof answers / sizeof *answers);
    tcase_add_loop_test(cases, has_no_remedy_where_nothing_was_asked, 0, 3);
    tcase_add_test(cases, counts_what_was_not_sent_as_missing);
    tcase_add_test(cases, an_interrupt_says_what_was_waited_for);
    tcase_add_test(cases, a_time_out_says_whether_the_server_was_sending);
    tcase_add_test(cases, a_time_out_says_what_was_lost);
    tcase_add_loop_test(cases, what_the_kernel_gave_up_says_what_was_lost, 0, 2);
    tcase_add_test(cases, an_end_says_what_was_lost);
    tcase_add_loop_test(cases, a_reset_that_comes_too_soon_is_not_the_server_s, 0, 2);
    tcase_add_test(cases, a_tls_alert_within_tls_is_none);
    tcase_add_test(cases, an_echo_of_a_proxy_header_in_the_data_is_none_of_ours);
    tcase_add_test(cases, a_reset_of_our_end_is_a_reset_whatever_came_first);
    tcase_add_loop_test(cases, what_this_host_could_not_send_is_told_whatever_followed, 0, 6);
    tcase_add_test(cases, a_failure_of_our_end_alone_is_told);
    Suite *suite = suite_create("exchange_judge");
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
