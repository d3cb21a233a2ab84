/* SPDX-License-Identifier: MIT */
/* What plain TCP alone does; what it shares with TLS is in the contract suite. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loopback.h"
#include "suite.h"
#include "tlsecho/net/transport.h"

static struct transport *transport;
static int peer;

/* A TCP connection over loopback: ours does not block, the peer's does. */
static void set_up(void)
{
    struct address address = loopback_address("tcp://127.0.0.1:0");
    int listening = loopback_listen(&address, 8);
    peer = loopback_connect(&address);
    int fd = loopback_accept(listening);
    close(listening);
    ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    struct error err;
    ck_assert_int_eq(transport_tcp_new(fd, &transport, &err), 0);
}

static void tear_down(void)
{
    if (peer >= 0)
        close(peer);
    transport_free(transport);
}

/* Closes the peer's end with an RST, which has arrived when this returns. */
static void reset_by_peer(void)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    ck_assert_int_eq(setsockopt(peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    close(peer);
    peer = -1;
    struct pollfd waiting = {.fd = transport->fd, .events = POLLIN};
    ck_assert_int_eq(poll(&waiting, 1, 5000), 1);
}

START_TEST(is_named_tcp_and_has_no_peer_information)
{
    struct peer seen = {.tls = true, .version = "x", .certificate.present = true};
    transport_peer(transport, &seen);
    ck_assert_str_eq(transport->ops->name, "tcp");
    ck_assert(!seen.tls);
    ck_assert_str_eq(seen.version, "");
    ck_assert(!seen.certificate.present);
}
END_TEST

START_TEST(has_no_handshake_to_do)
{
    struct error err;
    ck_assert_int_eq(transport_handshake(transport, &err).status, IO_OK);
}
END_TEST

START_TEST(every_read_after_a_reset_reports_it)
{
    char data[16];
    reset_by_peer();
    for (int i = 0; i < 3; i++) {
        struct error err;
        struct io io = transport_read(transport, data, sizeof data, &err);
        ck_assert_int_eq(io.status, IO_RESET);
        ck_assert_int_eq(err.kind, ERROR_SYSTEM);
        ck_assert_int_eq(err.code, ECONNRESET);
        ck_assert_str_eq(err.text, "receive: Connection reset by peer");
    }
}
END_TEST

/* The first write may fail with ECONNRESET, the next ones fail with EPIPE. */
START_TEST(a_write_after_a_reset_reports_it_and_raises_no_signal)
{
    reset_by_peer();
    signal(SIGPIPE, SIG_DFL);
    static const int codes[] = {ECONNRESET, EPIPE, EPIPE};
    for (int i = 0; i < 3; i++) {
        struct error err;
        struct io io = transport_write(transport, "x", 1, &err);
        ck_assert_int_eq(io.status, IO_RESET);
        ck_assert_uint_eq(io.n, 0);
        ck_assert_int_eq(err.code, codes[i]);
    }
}
END_TEST

START_TEST(a_read_reports_a_reset_that_a_write_has_reported_before)
{
    struct error err;
    char data[16];
    reset_by_peer();
    ck_assert_int_eq(transport_write(transport, "x", 1, &err).status, IO_RESET);
    ck_assert_int_eq(transport_read(transport, data, sizeof data, &err).status, IO_RESET);
}
END_TEST

START_TEST(a_second_shutdown_succeeds_too)
{
    struct error err;
    ck_assert_int_eq(transport_shutdown(transport, &err).status, IO_OK);
    ck_assert_int_eq(transport_shutdown(transport, &err).status, IO_OK);
    char byte;
    ck_assert_int_eq(read(peer, &byte, 1), 0);
}
END_TEST

START_TEST(reading_continues_after_a_shutdown)
{
    struct error err;
    char data[16];
    ck_assert_int_eq(transport_shutdown(transport, &err).status, IO_OK);
    ck_assert_int_eq(transport_read(transport, data, sizeof data, &err).status, IO_WANT_READ);
    ck_assert_int_eq(write(peer, "late", 4), 4);
    struct pollfd waiting = {.fd = transport->fd, .events = POLLIN};
    ck_assert_int_eq(poll(&waiting, 1, 5000), 1);
    struct io io = transport_read(transport, data, sizeof data, &err);
    ck_assert_int_eq(io.status, IO_OK);
    ck_assert_uint_eq(io.n, 4);
    ck_assert(io.progressed);
}
END_TEST

START_TEST(a_shutdown_after_a_reset_reports_the_reset)
{
    struct error err;
    reset_by_peer();
    ck_assert_int_eq(transport_shutdown(transport, &err).status, IO_RESET);
    ck_assert_int_eq(err.code, ECONNRESET);
}
END_TEST

START_TEST(a_finish_leaves_the_fin_to_the_close)
{
    struct error err;
    char byte;
    ck_assert_int_eq(transport_finish(transport, &err).status, IO_OK);
    ck_assert_int_eq(recv(peer, &byte, 1, MSG_DONTWAIT), -1);
    ck_assert_int_eq(errno, EAGAIN);
    transport_free(transport);
    transport = NULL;
    ck_assert_int_eq(read(peer, &byte, 1), 0);
}
END_TEST

START_TEST(an_empty_write_is_done_at_once)
{
    struct error err;
    reset_by_peer();
    struct io io = transport_write(transport, NULL, 0, &err);
    ck_assert_int_eq(io.status, IO_OK);
    ck_assert(!io.progressed);
}
END_TEST

START_TEST(reports_other_failures)
{
    struct error err;
    char data[1];
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    struct transport *nothing;
    ck_assert_int_eq(transport_tcp_new(fd, &nothing, &err), 0);
    ck_assert_int_eq(transport_read(nothing, data, 1, &err).status, IO_FAILED);
    ck_assert_int_eq(err.code, ENOTSOCK);
    ck_assert_int_eq(transport_write(nothing, "x", 1, &err).status, IO_FAILED);
    ck_assert_int_eq(transport_shutdown(nothing, &err).status, IO_FAILED);
    transport_free(nothing);
    ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
}
END_TEST

START_TEST(an_error_after_which_no_direction_works_is_a_reset)
{
    static const int codes[] = {ECONNRESET, EPIPE, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH};
    static const int others[] = {0, EBADF, ENOMEM, ENOTSOCK, EAGAIN, ENETDOWN, EHOSTDOWN};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        ck_assert_int_eq(transport_errno_status(codes[i]), IO_RESET);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        ck_assert_int_eq(transport_errno_status(others[i]), IO_FAILED);
}
END_TEST

START_TEST(hanging_up_closes_the_connection_once)
{
    char byte;
    int fd = transport->fd;
    transport_hang_up(transport);
    ck_assert_int_eq(transport->fd, -1);
    ck_assert_int_eq(read(peer, &byte, 1), 0);

    ck_assert_int_eq(dup2(peer, fd), fd); /* another has that number now */
    errno = 0;
    transport_hang_up(transport);
    ck_assert_int_eq(errno, 0);
    ck_assert_int_eq(fcntl(fd, F_GETFD), 0);
    close(fd);
}
END_TEST

START_TEST(hanging_up_closes_descriptor_0_like_any_other)
{
    char byte;
    struct error err;
    int input = dup(STDIN_FILENO);
    ck_assert_int_eq(dup2(transport->fd, STDIN_FILENO), STDIN_FILENO);
    transport_free(transport);
    ck_assert_int_eq(transport_tcp_new(STDIN_FILENO, &transport, &err), 0);
    transport_hang_up(transport);
    ck_assert_int_eq(fcntl(STDIN_FILENO, F_GETFD), -1);
    ck_assert_int_eq(read(peer, &byte, 1), 0);
    dup2(input, STDIN_FILENO);
    close(input);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("transport_tcp");
    TCase *tcase = tcase_create("transport_tcp");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, is_named_tcp_and_has_no_peer_information);
    tcase_add_test(tcase, has_no_handshake_to_do);
    tcase_add_test(tcase, every_read_after_a_reset_reports_it);
    tcase_add_test(tcase, a_write_after_a_reset_reports_it_and_raises_no_signal);
    tcase_add_test(tcase, a_read_reports_a_reset_that_a_write_has_reported_before);
    tcase_add_test(tcase, a_second_shutdown_succeeds_too);
    tcase_add_test(tcase, reading_continues_after_a_shutdown);
    tcase_add_test(tcase, a_shutdown_after_a_reset_reports_the_reset);
    tcase_add_test(tcase, a_finish_leaves_the_fin_to_the_close);
    tcase_add_test(tcase, an_empty_write_is_done_at_once);
    tcase_add_test(tcase, reports_other_failures);
    tcase_add_test(tcase, an_error_after_which_no_direction_works_is_a_reset);
    tcase_add_test(tcase, hanging_up_closes_the_connection_once);
    tcase_add_test(tcase, hanging_up_closes_descriptor_0_like_any_other);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
