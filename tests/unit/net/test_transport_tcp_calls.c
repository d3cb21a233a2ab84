/* SPDX-License-Identifier: MIT */
/* What plain TCP makes of each result of a system call; these replace those of the C library. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "scripted_call.h"
#include "suite.h"
#include "tlsecho/net/transport.h"

enum { FD = 1000, PIPE_READ, PIPE_WRITE, SIZE = 100, CALLS = 5 };

static struct scripted_call receives, sends, reads, in, out; /* in, out: splices from and to the
                                                                socket */
static struct transport *transport;
static struct error err;
static unsigned char data[SIZE];
static const struct buf into = {.data = data, .size = SIZE};
static const int pipe_fds[2] = {PIPE_READ, PIPE_WRITE};
static size_t back;

ssize_t recv(int fd, void *buffer, size_t size, int flags)
{
    ck_assert_int_eq(fd, FD);
    ck_assert_int_eq(flags, 0);
    ck_assert_ptr_eq(buffer, data);
    return scripted_call_make(&receives, size, flags);
}

ssize_t send(int fd, const void *buffer, size_t size, int flags)
{
    ck_assert_int_eq(fd, FD);
    ck_assert_int_eq(flags, MSG_NOSIGNAL);
    ck_assert_ptr_eq(buffer, data);
    return scripted_call_make(&sends, size, flags);
}

ssize_t splice(int from, off64_t *from_at, int to, off64_t *to_at, size_t size, unsigned flags)
{
    ck_assert_ptr_null(from_at);
    ck_assert_ptr_null(to_at);
    ck_assert_uint_eq(flags, SPLICE_F_NONBLOCK);
    ck_assert_int_eq(from, to == FD ? PIPE_READ : FD);
    ck_assert_int_eq(to, from == FD ? PIPE_WRITE : FD);
    return scripted_call_make(from == FD ? &in : &out, size, 0);
}

/* Each byte that it reads is the number of its call. */
ssize_t read(int fd, void *buffer, size_t size)
{
    ck_assert_int_eq(fd, PIPE_READ);
    ssize_t n = scripted_call_make(&reads, size, 0);
    if (n > 0)
        memset(buffer, (int)reads.made, (size_t)n);
    return n;
}

static void set_up(void)
{
    memset(&receives, 0, sizeof receives);
    memset(&sends, 0, sizeof sends);
    memset(&reads, 0, sizeof reads);
    memset(&in, 0, sizeof in);
    memset(&out, 0, sizeof out);
    memset(data, 0, sizeof data);
    back = 1;
    ck_assert_int_eq(transport_tcp_new(FD, &transport, &err), 0);
}

static void tear_down(void)
{
    const struct scripted_call *calls[CALLS] = {&receives, &sends, &reads, &in, &out};
    for (size_t i = 0; i < CALLS; i++)
        scripted_call_check(calls[i]);
    transport_free(transport);
}

static void read_gives(enum io_status status, size_t n)
{
    struct io io = transport_read(transport, data, SIZE, &err);
    ck_assert_int_eq(io.status, status);
    ck_assert_uint_eq(io.n, n);
    ck_assert(io.progressed == (n > 0));
    ck_assert(!io.more);
}

static void write_gives(enum io_status status, size_t n)
{
    struct io io = transport_write(transport, data, SIZE, &err);
    ck_assert_int_eq(io.status, status);
    ck_assert_uint_eq(io.n, n);
    ck_assert(io.progressed == (n > 0));
}

static void splice_gives(enum io_status status, size_t n, size_t spliced)
{
    struct io io = transport_splice(transport, pipe_fds, &into, &back, &err);
    ck_assert_int_eq(io.status, status);
    ck_assert_uint_eq(io.n, n);
    ck_assert(io.progressed == (n > 0));
    ck_assert_uint_eq(back, spliced);
}

START_TEST(a_call_that_a_signal_interrupts_is_repeated)
{
    scripted_call_expect(&receives, -1, EINTR);
    scripted_call_expect(&receives, -1, EINTR);
    scripted_call_expect(&receives, 1, 0);
    read_gives(IO_OK, 1);
    scripted_call_expect(&sends, -1, EINTR);
    scripted_call_expect(&sends, SIZE, 0);
    write_gives(IO_OK, SIZE);
    scripted_call_expect(&in, -1, EINTR);
    scripted_call_expect(&in, 7, 0);
    scripted_call_expect(&out, -1, EINTR);
    scripted_call_expect(&out, 7, 0);
    splice_gives(IO_OK, 7, 7);
}
END_TEST

START_TEST(an_earlier_interruption_means_nothing)
{
    scripted_call_expect(&sends, -1, EINTR);
    scripted_call_expect(&sends, 0, 0);
    write_gives(IO_WANT_WRITE, 0);
    scripted_call_expect(&in, -1, EINTR);
    scripted_call_expect(&in, 0, 0);
    scripted_call_expect(&receives, 3, 0);
    splice_gives(IO_OK, 3, 0);
    scripted_call_expect(&receives, -1, EINTR);
    scripted_call_expect(&receives, 0, 0);
    read_gives(IO_EOF, 0);
}
END_TEST

START_TEST(after_the_fin_nothing_is_received)
{
    scripted_call_expect(&receives, 0, 0);
    read_gives(IO_EOF, 0);
    read_gives(IO_EOF, 0);
    splice_gives(IO_EOF, 0, 0);
}
END_TEST

START_TEST(waits_for_input)
{
    scripted_call_expect(&receives, -1, EAGAIN);
    read_gives(IO_WANT_READ, 0);
}
END_TEST

/* The kernel reports it once, and then an end. */
START_TEST(a_reset_is_reported_again_with_its_own_error)
{
    scripted_call_expect(&receives, -1, ECONNRESET);
    read_gives(IO_RESET, 0);
    scripted_call_expect(&receives, -1, EAGAIN);
    read_gives(IO_WANT_READ, 0);
    scripted_call_expect(&sends, -1, EPIPE);
    write_gives(IO_RESET, 0);
    ck_assert_int_eq(err.code, EPIPE);
    scripted_call_expect(&receives, 0, 0);
    read_gives(IO_RESET, 0);
    ck_assert_int_eq(err.code, ECONNRESET);
}
END_TEST

START_TEST(an_end_after_another_failure_is_an_end)
{
    scripted_call_expect(&receives, -1, ENOMEM);
    read_gives(IO_FAILED, 0);
    ck_assert_int_eq(err.code, ENOMEM);
    scripted_call_expect(&receives, 0, 0);
    read_gives(IO_EOF, 0);
}
END_TEST

START_TEST(a_write_returns_how_much_the_kernel_took)
{
    scripted_call_expect(&sends, SIZE, 0);
    write_gives(IO_OK, SIZE);
    scripted_call_expect(&sends, 1, 0);
    write_gives(IO_WANT_WRITE, 1);
    scripted_call_expect(&sends, 0, 0);
    write_gives(IO_WANT_WRITE, 0);
    scripted_call_expect(&sends, -1, EAGAIN);
    write_gives(IO_WANT_WRITE, 0);
    scripted_call_expect(&sends, -1, ENOMEM);
    write_gives(IO_FAILED, 0);
}
END_TEST

START_TEST(reads_where_a_splice_moves_nothing)
{
    static const int codes[] = {EAGAIN, EINVAL, EPERM, ENOSYS};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        scripted_call_expect(&in, -1, codes[i]);
        scripted_call_expect(&receives, 5, 0);
        splice_gives(IO_OK, 5, 0);
    }
    scripted_call_expect(&in, 0, 0);
    scripted_call_expect(&receives, -1, EAGAIN);
    splice_gives(IO_WANT_READ, 0, 0);
}
END_TEST

START_TEST(does_not_read_where_a_splice_fails)
{
    scripted_call_expect(&in, -1, ENOMEM);
    splice_gives(IO_FAILED, 0, 0);
    scripted_call_expect(&in, -1, ECONNRESET);
    splice_gives(IO_RESET, 0, 0);
    ck_assert_uint_eq(in.sizes[0], SIZE);
}
END_TEST

START_TEST(splices_back_until_the_pipe_is_empty)
{
    scripted_call_expect(&in, 3, 0);
    scripted_call_expect(&out, 1, 0);
    scripted_call_expect(&out, 2, EAGAIN);
    splice_gives(IO_OK, 3, 3);
    ck_assert_uint_eq(out.sizes[0], 3);
    ck_assert_uint_eq(out.sizes[1], 2);
    scripted_call_expect(&in, 1, 0);
    scripted_call_expect(&out, 1, 0);
    splice_gives(IO_OK, 1, 1);
}
END_TEST

/* Whether the socket accepts nothing, or says so. */
START_TEST(what_the_peer_does_not_accept_is_read_out_of_the_pipe)
{
    static const unsigned char expected[] = {1, 3, 3, 3, 4, 0};
    scripted_call_expect(&in, 9, 0);
    scripted_call_expect(&out, 4, 0);
    scripted_call_expect(&out, _i - 1, EAGAIN);
    scripted_call_expect(&reads, 1, 0);
    scripted_call_expect(&reads, -1, EINTR);
    scripted_call_expect(&reads, 3, 0);
    scripted_call_expect(&reads, 1, 0);
    splice_gives(IO_OK, 9, 4);
    ck_assert_mem_eq(data, expected, sizeof expected);
    ck_assert_uint_eq(reads.sizes[0], 5);
    ck_assert_uint_eq(reads.sizes[1], 4);
    ck_assert_uint_eq(reads.sizes[3], 1);
}
END_TEST

START_TEST(one_byte_is_not_left_in_the_pipe)
{
    scripted_call_expect(&in, 2, 0);
    scripted_call_expect(&out, 1, 0);
    scripted_call_expect(&out, -1, EAGAIN);
    scripted_call_expect(&reads, 1, 0);
    splice_gives(IO_OK, 2, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("transport_tcp_calls");
    TCase *tcase = tcase_create("transport_tcp_calls");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, a_call_that_a_signal_interrupts_is_repeated);
    tcase_add_test(tcase, an_earlier_interruption_means_nothing);
    tcase_add_test(tcase, after_the_fin_nothing_is_received);
    tcase_add_test(tcase, waits_for_input);
    tcase_add_test(tcase, a_reset_is_reported_again_with_its_own_error);
    tcase_add_test(tcase, an_end_after_another_failure_is_an_end);
    tcase_add_test(tcase, a_write_returns_how_much_the_kernel_took);
    tcase_add_test(tcase, reads_where_a_splice_moves_nothing);
    tcase_add_test(tcase, does_not_read_where_a_splice_fails);
    tcase_add_test(tcase, splices_back_until_the_pipe_is_empty);
    tcase_add_loop_test(tcase, what_the_peer_does_not_accept_is_read_out_of_the_pipe, 0, 2);
    tcase_add_test(tcase, one_byte_is_not_left_in_the_pipe);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
