/* SPDX-License-Identifier: MIT */
/* What a TLS transport makes of system calls that fail, and of operations that are repeated. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "suite.h"
#include "tls_pair.h"
#include "tlsecho/tls/tls_scratch.h"
#include "tlsecho/tls/transport_tls.h"

enum { TLS12, TLS13, VERSIONS };

enum { RECORD_HEADER_BYTES = 5, UNEXPECTED_MESSAGE = 10 /* RFC 8446 §6 */ };

static const char *const versions[VERSIONS] = {"1.2", "1.3"};
static struct error err;

/* These replace the C library's: the errno with which they fail, 0 = call the real one. */
static int send_fails, shutdown_fails;
static int shutdown_calls;

ssize_t send(int fd, const void *data, size_t size, int flags)
{
    errno = send_fails;
    return send_fails ? -1 : sendto(fd, data, size, flags, NULL, 0);
}

int shutdown(int fd, int how)
{
    (void)fd, (void)how;
    shutdown_calls++;
    errno = shutdown_fails;
    return shutdown_fails ? -1 : 0;
}

static void set_up(void)
{
    send_fails = shutdown_fails = shutdown_calls = 0;
    tls_pair_set_up();
}

static void set_mark(void)
{
    err = (struct error){.kind = ERROR_INPUT, .text = "of another"};
}

static void has_mark(void)
{
    ck_assert_str_eq(err.text, "of another");
    ck_assert_int_eq(err.kind, ERROR_INPUT);
}

static struct io read_server(void *data, size_t size)
{
    return transport_read(pair.server, data, size, &err);
}

static void write_client(const char *text)
{
    ck_assert_int_eq(transport_write(pair.client, text, strlen(text), &err).status, IO_OK);
}

START_TEST(an_operation_that_does_not_fail_leaves_the_error_as_it_is)
{
    char data[100];
    tls_pair_connect(versions[_i]);
    set_mark();
    ck_assert_int_eq(read_server(data, sizeof data).status, IO_WANT_READ);
    ck_assert_int_eq(transport_write(pair.server, "x", 1, &err).status, IO_OK);
    send_fails = EAGAIN;
    ck_assert_int_eq(transport_write(pair.server, "x", 1, &err).status, IO_WANT_WRITE);
    ck_assert_int_eq(transport_shutdown(pair.server, &err).status, IO_WANT_WRITE);
    ck_assert_int_eq(shutdown_calls, 0);
    send_fails = 0;
    ck_assert_int_eq(transport_shutdown(pair.server, &err).status, IO_OK);
    ck_assert_int_eq(transport_read(pair.client, data, sizeof data, &err).status, IO_OK);
    transport_free(pair.client);
    pair.client = NULL;
    ck_assert_int_eq(read_server(data, sizeof data).status, IO_CUT);
    has_mark();
}
END_TEST

START_TEST(an_error_of_another_connection_is_not_its_own)
{
    char data[100];
    tls_pair_connect(versions[_i]);
    ERR_raise(ERR_LIB_SSL, SSL_R_BAD_PACKET);
    ck_assert_int_eq(read_server(data, sizeof data).status, IO_WANT_READ);
    write_client("0123456789");
    ERR_raise(ERR_LIB_SSL, SSL_R_BAD_PACKET);
    ck_assert_int_eq(read_server(data, sizeof data).status, IO_OK);
}
END_TEST

START_TEST(ends_once_however_often_it_is_asked)
{
    enum { FIRST = 50 };
    static const char text[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    char data[100];
    unsigned char records[100];
    tls_pair_connect(versions[_i]);
    write_client(text);
    struct io io = read_server(data, FIRST); /* receives as much: not a whole record */
    ck_assert_int_eq(io.status, IO_WANT_READ);
    io = read_server(data, FIRST);
    ck_assert_uint_eq(io.n, FIRST);
    ck_assert(io.more);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(transport_shutdown(pair.server, &err).status, IO_OK);
    io = read_server(data + FIRST, sizeof data - FIRST);
    ck_assert_int_eq(io.status, IO_OK);
    ck_assert_uint_eq(FIRST + io.n, sizeof text - 1);
    ck_assert(io.progressed);
    ck_assert_mem_eq(data, text, sizeof text - 1);

    ssize_t n = recv(fds[0], records, sizeof records, MSG_DONTWAIT | MSG_PEEK);
    ck_assert_int_gt(n, RECORD_HEADER_BYTES);
    ck_assert_int_eq(n, RECORD_HEADER_BYTES + (records[3] << 8 | records[4]));
    ck_assert_int_eq(transport_read(pair.client, data, sizeof data, &err).status, IO_EOF);
}
END_TEST

START_TEST(an_end_that_the_kernel_refuses_is_told)
{
    tls_pair_connect(versions[_i]);
    shutdown_fails = ENOTCONN;
    ck_assert_int_eq(transport_shutdown(pair.server, &err).status, IO_RESET);
    ck_assert_int_eq(err.code, ECONNRESET);
    shutdown_fails = EBADF;
    ck_assert_int_eq(transport_shutdown(pair.server, &err).status, IO_FAILED);
    ck_assert_int_eq(err.code, EBADF);
    ck_assert_ptr_nonnull(strstr(err.text, "shut down"));
    shutdown_calls = 0;
    send_fails = ENOBUFS;
    ck_assert_int_eq(transport_shutdown(pair.client, &err).status, IO_FAILED);
    ck_assert_int_eq(err.code, ENOBUFS);
    ck_assert_int_eq(shutdown_calls, 1); /* the peer would wait otherwise */
}
END_TEST

START_TEST(a_lost_connection_is_not_shut_down)
{
    tls_pair_connect(versions[_i]);
    send_fails = EPIPE;
    ck_assert_int_eq(transport_shutdown(pair.server, &err).status, IO_RESET);
    ck_assert_int_eq(err.code, EPIPE);
    ck_assert_ptr_nonnull(strstr(err.text, "send"));
    ck_assert_int_eq(shutdown_calls, 0);
}
END_TEST

/* A server to which something came that is not TLS. Returns the other end of its connection. */
static int serve_raw(void)
{
    static const char text[] = "GET / HTTP/1.0\r\n\r\n";
    int raw = fcntl(fds[0], F_DUPFD_CLOEXEC, 0);
    tls_pair_make_with(versions[TLS13]);
    transport_free(pair.client);
    pair.client = NULL;
    ck_assert_int_eq(write(raw, text, sizeof text - 1), sizeof text - 1);
    return raw;
}

START_TEST(the_alert_of_a_failed_handshake_waits_for_the_kernel)
{
    static const unsigned char alert[] = {21, 3, 3, 0, 2, 2, UNEXPECTED_MESSAGE};
    unsigned char answer[100];
    int raw = serve_raw();
    send_fails = EAGAIN;
    struct io io = transport_handshake(pair.server, &err);
    ck_assert_int_eq(io.status, IO_FAILED);
    ck_assert(io.progressed);
    ck_assert_int_eq(err.kind, ERROR_NOT_TLS);
    ck_assert_int_eq(err.alert, UNEXPECTED_MESSAGE);
    ck_assert_int_eq(transport_shutdown(pair.server, &err).status, IO_WANT_WRITE);
    send_fails = 0;
    ck_assert_int_eq(transport_shutdown(pair.server, &err).status, IO_OK);
    ck_assert_int_eq(recv(raw, answer, sizeof answer, 0), sizeof alert);
    ck_assert_mem_eq(answer, alert, sizeof alert);
    close(raw);
}
END_TEST

START_TEST(an_alert_that_cannot_be_sent_does_not_hide_why)
{
    int raw = serve_raw();
    send_fails = ENOMEM;
    ck_assert_int_eq(transport_handshake(pair.server, &err).status, IO_FAILED);
    ck_assert_int_eq(err.kind, ERROR_NOT_TLS);
    close(raw);
}
END_TEST

START_TEST(after_a_failure_it_only_discards)
{
    char data[10];
    int raw = serve_raw();
    ck_assert_int_eq(transport_handshake(pair.server, &err).status, IO_FAILED);
    set_mark();
    ck_assert_int_eq(write(raw, "more of it", 10), 10);
    for (int i = 0; i < 2; i++) {
        struct io io = read_server(data, sizeof data);
        ck_assert_int_eq(io.status, IO_WANT_READ);
        ck_assert_uint_eq(io.n, 0);
        ck_assert_int_eq(recv(pair.server->fd, data, 1, MSG_DONTWAIT | MSG_PEEK), -1);
    }
    ck_assert_int_gt(recv(raw, data, sizeof data, 0), 0); /* the alert */
    close(raw);
    ck_assert_int_eq(read_server(data, sizeof data).status, IO_CUT);
    has_mark();
}
END_TEST

START_TEST(a_handshake_tells_whether_something_came)
{
    tls_pair_make_with(versions[_i]);
    struct io io = transport_handshake(pair.server, &err);
    ck_assert_int_eq(io.status, IO_WANT_READ);
    ck_assert(!io.progressed);
    ck_assert(!transport_handshake(pair.client, &err).progressed);
    io = transport_handshake(pair.server, &err);
    ck_assert_int_eq(io.status, IO_WANT_READ);
    ck_assert(io.progressed);
    io = transport_handshake(pair.server, &err);
    ck_assert_int_eq(io.status, IO_WANT_READ);
    ck_assert(!io.progressed);
}
END_TEST

START_TEST(a_flight_that_waits_for_the_kernel_waits_for_writing)
{
    tls_pair_make_with(versions[_i]);
    send_fails = EAGAIN;
    ck_assert_int_eq(transport_handshake(pair.client, &err).status, IO_WANT_WRITE);
    send_fails = 0;
    ck_assert_int_eq(transport_handshake(pair.client, &err).status, IO_WANT_READ);
    ck_assert_int_eq(transport_handshake(pair.server, &err).status, IO_WANT_READ);
    struct error server_err;
    enum io_status server;
    ck_assert_int_eq(pair_handshake(&pair, &err, &server, &server_err), IO_OK);
}
END_TEST

START_TEST(a_name_that_is_none_is_refused)
{
    struct transport *t = NULL;
    struct tls_scratch *scratch = tls_scratch_new();
    struct transport_tls_options options = {
        .ctx = client_context, .scratch = scratch, .server_name = "not a name"};
    ck_assert_int_eq(transport_tls_new(fds[0], &options, &t, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_ptr_null(t);
    ck_assert_int_eq(fcntl(fds[0], F_GETFD), -1); /* it was given away */
    close(fds[1]);
    tls_scratch_free(scratch);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("transport_tls_calls");
    TCase *tcase = tcase_create("connected");
    tcase_add_checked_fixture(tcase, set_up, tls_pair_tear_down);
    tcase_add_loop_test(tcase, an_operation_that_does_not_fail_leaves_the_error_as_it_is, 0,
                        VERSIONS);
    tcase_add_loop_test(tcase, an_error_of_another_connection_is_not_its_own, 0, VERSIONS);
    tcase_add_loop_test(tcase, ends_once_however_often_it_is_asked, 0, VERSIONS);
    tcase_add_loop_test(tcase, an_end_that_the_kernel_refuses_is_told, 0, VERSIONS);
    tcase_add_loop_test(tcase, a_lost_connection_is_not_shut_down, 0, VERSIONS);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("handshake");
    tcase_add_checked_fixture(tcase, set_up, tls_pair_tear_down);
    tcase_add_test(tcase, the_alert_of_a_failed_handshake_waits_for_the_kernel);
    tcase_add_test(tcase, an_alert_that_cannot_be_sent_does_not_hide_why);
    tcase_add_test(tcase, after_a_failure_it_only_discards);
    tcase_add_loop_test(tcase, a_handshake_tells_whether_something_came, 0, VERSIONS);
    tcase_add_loop_test(tcase, a_flight_that_waits_for_the_kernel_waits_for_writing, 0, VERSIONS);
    tcase_add_test(tcase, a_name_that_is_none_is_refused);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
