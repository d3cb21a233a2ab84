/* SPDX-License-Identifier: MIT */
/* What is made of each result of recv(2), which these replace. */
#include <check.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "suite.h"
#include "tlsecho/net/proxy.h"

enum { FD = 1000, ANSWERS = 8 };

#define HEADER "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"

static struct {
    ssize_t result;
    int code;   /* errno; 0: it stays as it was */
    bool peeks; /* or reads */
    size_t size;
    const char *data;
} answers[ANSWERS];
static unsigned expected, made;
static unsigned char bytes[PROXY_BYTES_MAX];
static struct buf received;
static struct proxy proxy;
static struct error err;

ssize_t recv(int fd, void *data, size_t size, int flags)
{
    ck_assert_int_eq(fd, FD);
    ck_assert_msg(made < expected, "one call too many");
    ck_assert_int_eq(flags, answers[made].peeks ? MSG_PEEK : 0);
    ck_assert_uint_eq(size, answers[made].size);
    if (answers[made].code)
        errno = answers[made].code;
    if (answers[made].result > 0)
        memcpy(data, answers[made].data, (size_t)answers[made].result);
    return answers[made++].result;
}

static void expect(bool peeks, size_t size, ssize_t result, int code)
{
    ck_assert_uint_lt(expected, ANSWERS);
    answers[expected].peeks = peeks;
    answers[expected].size = size;
    answers[expected].code = code;
    answers[expected++].result = result;
}

static void peek_gives(size_t received_before, const char *data)
{
    answers[expected].data = data;
    expect(true, PROXY_BYTES_MAX - received_before, (ssize_t)strlen(data), 0);
}

static void read_gives(size_t size, const char *data)
{
    answers[expected].data = data;
    expect(false, size, (ssize_t)strlen(data), 0);
}

static void set_up(void)
{
    expected = made = 0;
    received = (struct buf){.data = bytes, .size = sizeof bytes};
}

static void tear_down(void)
{
    ck_assert_uint_eq(made, expected);
}

static struct io receive(void)
{
    return proxy_receive(FD, &received, &proxy, &err);
}

START_TEST(reads_a_header_and_no_byte_after_it)
{
    peek_gives(0, HEADER "GET");
    read_gives(strlen(HEADER), HEADER);
    struct io io = receive();
    ck_assert_int_eq(io.status, IO_OK);
    ck_assert(io.progressed);
    ck_assert_uint_eq(received.end, strlen(HEADER));
}
END_TEST

START_TEST(reads_what_there_is_of_an_incomplete_header)
{
    peek_gives(0, "PROXY ");
    read_gives(6, "PROXY ");
    expect(true, PROXY_BYTES_MAX - 6, -1, EAGAIN);
    ck_assert_int_eq(receive().status, IO_WANT_READ);
    peek_gives(6, &(HEADER "GET")[6]);
    read_gives(strlen(HEADER) - 6, &HEADER[6]);
    ck_assert_int_eq(receive().status, IO_OK);
}
END_TEST

START_TEST(goes_on_after_a_short_read)
{
    peek_gives(0, HEADER);
    read_gives(strlen(HEADER), "PROXY TCP4");
    peek_gives(10, &HEADER[10]);
    read_gives(strlen(HEADER) - 10, &HEADER[10]);
    ck_assert_int_eq(receive().status, IO_OK);
}
END_TEST

START_TEST(a_call_that_a_signal_interrupts_is_repeated)
{
    expect(true, PROXY_BYTES_MAX, -1, EINTR);
    peek_gives(0, HEADER);
    expect(false, strlen(HEADER), -1, EINTR);
    read_gives(strlen(HEADER), HEADER);
    ck_assert_int_eq(receive().status, IO_OK);
}
END_TEST

START_TEST(an_earlier_interruption_means_nothing)
{
    expect(true, PROXY_BYTES_MAX, -1, EINTR);
    expect(true, PROXY_BYTES_MAX, 0, 0);
    ck_assert_int_eq(receive().status, IO_CUT);
}
END_TEST

/* Of the peek, or of the read after it. */
START_TEST(an_end_or_a_failure_is_what_it_is)
{
    static const struct {
        ssize_t result;
        int code;
        enum io_status status;
    } cases[] = {{0, 0, IO_CUT},
                 {-1, EAGAIN, IO_WANT_READ},
                 {-1, ECONNRESET, IO_RESET},
                 {-1, ENOMEM, IO_FAILED}};
    for (size_t i = 0; i < 4; i++) {
        expected = made = 0;
        if (_i)
            peek_gives(0, HEADER);
        expect(!_i, _i ? strlen(HEADER) : PROXY_BYTES_MAX, cases[i].result, cases[i].code);
        err = (struct error){.code = 0};
        ck_assert_int_eq(receive().status, cases[i].status);
        ck_assert_int_eq(err.code, cases[i].code == EAGAIN ? 0 : cases[i].code);
        ck_assert_uint_eq(received.end, 0);
    }
}
END_TEST

START_TEST(a_header_that_is_not_valid_is_left_where_it_is)
{
    peek_gives(0, "GET / HTTP/1.0\r\n");
    ck_assert_int_eq(receive().status, IO_FAILED);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("proxy_receive");
    TCase *tcase = tcase_create("proxy_receive");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, reads_a_header_and_no_byte_after_it);
    tcase_add_test(tcase, reads_what_there_is_of_an_incomplete_header);
    tcase_add_test(tcase, goes_on_after_a_short_read);
    tcase_add_test(tcase, a_call_that_a_signal_interrupts_is_repeated);
    tcase_add_test(tcase, an_earlier_interruption_means_nothing);
    tcase_add_loop_test(tcase, an_end_or_a_failure_is_what_it_is, 0, 2);
    tcase_add_test(tcase, a_header_that_is_not_valid_is_left_where_it_is);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
