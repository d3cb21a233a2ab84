/* SPDX-License-Identifier: MIT */
/* What a TLS transport tells when OpenSSL, whose allocations the test makes fail, gets no memory.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lean_memory.h"
#include "pair.h"
#include "suite.h"
#include "tlsecho/tls/tls_memory.h"
#include "tlsecho/tls/tls_scratch.h"
#include "tlsecho/tls/transport_tls.h"

static struct tls_context *client_context, *server_context;
static struct pair pair;
static int fds[2];
static struct error err;

static void set_up(void)
{
    tls_memory_ran_out();
    pair_contexts(&client_context, &server_context);
    pair_sockets(false, fds);
}

static void tear_down(void)
{
    lean_memory_end();
    pair_done(&pair);
    pair = (struct pair){0};
    tls_context_free(client_context);
    tls_context_free(server_context);
}

static void assert_no_memory(const char *text)
{
    ck_assert_msg(err.kind == ERROR_SYSTEM && err.code == ENOMEM, "%s", err.text);
    ck_assert_msg(strncmp(err.text, text, strlen(text)) == 0, "%s", err.text);
}

static void start(void)
{
    pair_tls(&pair, fds, client_context, server_context, "localhost");
}

static void send_garbage(int fd)
{
    unsigned char record[5 + 40] = {23, 3, 3, 0, 40};
    ck_assert_int_eq(write(fd, record, sizeof record), sizeof record);
}

/* At its first use, that of what a process has once too. */
START_TEST(a_client_that_cannot_be_made_tells_it_and_the_next_can)
{
    int n = 0, result = -1;
    struct tls_scratch *scratch = tls_scratch_new();
    struct transport_tls_options options = {
        .ctx = client_context, .scratch = scratch, .server_name = "localhost"};
    struct transport *t = NULL;
    for (; result < 0; n++) {
        int fd = fcntl(fds[0], F_DUPFD_CLOEXEC, 0);
        lean_memory_fail_after(n);
        result = transport_tls_new(fd, &options, &t, &err);
        lean_memory_end();
        if (result == 0)
            break;
        ck_assert_msg(err.code == ENOMEM, "%d: %s", n, err.text);
        ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
    }
    ck_assert_int_gt(n, 1);
    transport_free(t);
    tls_scratch_free(scratch);
    close(fds[0]);
    close(fds[1]);
}
END_TEST

/* The server's allocation fails after n others, while the client has enough. False: there were
 * fewer. */
static bool shake_with_a_lean_server(int n, enum io_status *ret)
{
    struct error ignored;
    enum io_status client = IO_WANT_READ;
    *ret = IO_WANT_READ;
    for (int turn = 0; turn < 10 && *ret == IO_WANT_READ; turn++) {
        if (client == IO_WANT_READ)
            client = transport_handshake(pair.client, &ignored).status;
        if (n >= 0)
            lean_memory_fail_after(n);
        *ret = transport_handshake(pair.server, &err).status;
        n = lean_memory_end();
    }
    return n < 0;
}

START_TEST(a_server_whose_handshake_fails_for_lack_of_memory_tells_it)
{
    enum { STEP = 17 };
    enum io_status status;
    int failures = 0, n = 0;
    bool more = true;
    for (; more; n += STEP) {
        start();
        more = shake_with_a_lean_server(n, &status);
        if (status == IO_FAILED) {
            ck_assert_msg(err.code == ENOMEM, "%d: %s", n, err.text);
            failures++;
        }
        pair_done(&pair);
        pair_sockets(false, fds);
    }
    ck_assert_int_eq(status, IO_OK);
    ck_assert_int_gt(failures, 10);
    start();
}
END_TEST

START_TEST(a_client_without_memory_for_a_hello_sends_nothing)
{
    char data[10];
    start();
    lean_memory_fail_after(0);
    ck_assert_int_eq(transport_handshake(pair.client, &err).status, IO_FAILED);
    assert_no_memory("memory for the TLS handshake");
    ck_assert_int_eq(transport_shutdown(pair.client, &err).status, IO_OK);
    ck_assert_int_eq(read(pair.server->fd, data, sizeof data), 0);
}
END_TEST

/* An operation of the server during which OpenSSL notices that memory is missing, and goes on. */
static struct io shake_short_of_memory(void)
{
    lean_memory_note_after(0);
    struct io io = transport_handshake(pair.server, &err);
    ck_assert_int_eq(lean_memory_end(), -1);
    tls_memory_ran_out(); /* as another connection would ask */
    return io;
}

START_TEST(memory_that_was_missing_is_why_the_handshake_fails_later)
{
    start();
    ck_assert_int_eq(transport_handshake(pair.client, &err).status, IO_WANT_READ);
    ck_assert_int_eq(shake_short_of_memory().status, IO_WANT_READ);
    send_garbage(pair.client->fd);
    ck_assert_int_eq(transport_handshake(pair.server, &err).status, IO_FAILED);
    assert_no_memory("memory for the TLS handshake");
}
END_TEST

START_TEST(memory_that_was_not_needed_is_not_why_the_session_fails_later)
{
    char data[100];
    start();
    ck_assert_int_eq(transport_handshake(pair.client, &err).status, IO_WANT_READ);
    ck_assert_int_eq(transport_handshake(pair.server, &err).status, IO_WANT_READ);
    ck_assert_int_eq(transport_handshake(pair.client, &err).status, IO_OK);
    ck_assert_int_eq(shake_short_of_memory().status, IO_OK);
    send_garbage(pair.client->fd);
    ck_assert_int_eq(transport_read(pair.server, data, sizeof data, &err).status, IO_FAILED);
    ck_assert_int_eq(err.kind, ERROR_TLS);
}
END_TEST

START_TEST(what_another_connection_lacked_is_not_its_own)
{
    static const char request[] = "GET / HTTP/1.0\r\n\r\n";
    start();
    lean_memory_run_out();
    ck_assert_int_eq(write(pair.client->fd, request, sizeof request), sizeof request);
    ck_assert_int_eq(transport_handshake(pair.server, &err).status, IO_FAILED);
    ck_assert_int_eq(err.kind, ERROR_NOT_TLS);
}
END_TEST

START_TEST(a_read_without_memory_tells_it)
{
    char data[100];
    start();
    pair_connect(&pair);
    ck_assert_int_eq(transport_write(pair.client, "x", 1, &err).status, IO_OK);
    lean_memory_fail_after(0);
    ck_assert_int_eq(transport_read(pair.server, data, sizeof data, &err).status, IO_FAILED);
    assert_no_memory("memory for a TLS record");
}
END_TEST

START_TEST(memory_that_was_missing_is_why_a_read_fails)
{
    char data[100];
    start();
    pair_connect(&pair);
    send_garbage(pair.client->fd);
    lean_memory_note_after(0);
    ck_assert_int_eq(transport_read(pair.server, data, sizeof data, &err).status, IO_FAILED);
    assert_no_memory("memory for a TLS record");
}
END_TEST

START_TEST(a_write_without_memory_tells_it)
{
    start();
    pair_connect(&pair);
    lean_memory_fail_after(0);
    ck_assert_int_eq(transport_write(pair.server, "x", 1, &err).status, IO_FAILED);
    assert_no_memory("memory for a TLS record");
}
END_TEST

int main(void)
{
    lean_memory_watch();
    Suite *suite = suite_create("transport_tls_memory");
    TCase *tcase = tcase_create("transport_tls_memory");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, a_client_that_cannot_be_made_tells_it_and_the_next_can);
    tcase_add_test(tcase, a_server_whose_handshake_fails_for_lack_of_memory_tells_it);
    tcase_add_test(tcase, a_client_without_memory_for_a_hello_sends_nothing);
    tcase_add_test(tcase, memory_that_was_missing_is_why_the_handshake_fails_later);
    tcase_add_test(tcase, memory_that_was_not_needed_is_not_why_the_session_fails_later);
    tcase_add_test(tcase, what_another_connection_lacked_is_not_its_own);
    tcase_add_test(tcase, a_read_without_memory_tells_it);
    tcase_add_test(tcase, memory_that_was_missing_is_why_a_read_fails);
    tcase_add_test(tcase, a_write_without_memory_tells_it);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
