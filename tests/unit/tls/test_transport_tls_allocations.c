/* SPDX-License-Identifier: MIT */
/* What a TLS transport tells when memory is short, and that it frees all that it has. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "allocations.h"
#include "suite.h"
#include "tls_pair.h"
#include "tlsecho/tls/tls_memory.h"
#include "tlsecho/tls/tls_scratch.h"
#include "tlsecho/tls/transport_tls.h"

static struct error err;

static void set_up(void)
{
    tls_memory_ran_out();
    tls_pair_set_up();
}

/* An allocation of OpenSSL fails. */
static void run_out(void)
{
    ck_assert_ptr_null(OPENSSL_malloc(SIZE_MAX / 2 + 1));
}

static long left(void)
{
    ERR_clear_error(); /* holds texts */
    return allocations_left();
}

static void assert_no_memory(const char *text)
{
    ck_assert_msg(err.kind == ERROR_SYSTEM && err.code == ENOMEM, "%s", err.text);
    ck_assert_msg(strncmp(err.text, text, strlen(text)) == 0, "%s", err.text);
}

static struct io shake_server(void)
{
    return transport_handshake(pair.server, &err);
}

static void shake_client(enum io_status status)
{
    ck_assert_int_eq(transport_handshake(pair.client, &err).status, status);
}

static void send_garbage(int fd)
{
    unsigned char record[5 + 40] = {23, 3, 3, 0, 40};
    ck_assert_int_eq(write(fd, record, sizeof record), sizeof record);
}

/* At its first use, that of what a process has once too. */
START_TEST(one_that_cannot_be_made_tells_it_and_the_next_can)
{
    unsigned n = 0;
    int result;
    struct tls_context *ctx = _i ? server_context : client_context;
    struct tls_scratch *scratch = tls_scratch_new();
    struct transport_tls_options options = {
        .ctx = ctx, .scratch = scratch, .server_name = _i ? NULL : "localhost"};
    struct transport *t = NULL;
    do {
        int fd = fcntl(fds[0], F_DUPFD_CLOEXEC, 0);
        allocations_fail_after(n++);
        result = transport_tls_new(fd, &options, &t, &err);
        ck_assert(allocations_have_failed() == (result < 0));
        if (result < 0) {
            assert_no_memory("");
            ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
        }
    } while (result < 0);
    ck_assert_uint_gt(n, 1);
    transport_free(t);
    tls_scratch_free(scratch);
    close(fds[0]);
    close(fds[1]);
}
END_TEST

START_TEST(frees_all_that_it_has)
{
    struct tls_context *client, *server;
    struct pair other, early;
    int others[2];
    tls_pair_make();
    pair_connect(&pair); /* makes what a process has once */
    long before = left();
    pair_contexts(&client, &server);
    pair_sockets(false, others);
    pair_tls(&other, others, client, server, "localhost");
    pair_connect(&other);
    pair_done(&other);
    pair_sockets(false, others);
    pair_tls(&early, others, client, server, "localhost");
    ck_assert_int_eq(write(early.client->fd, "\x16\x03\x01", 3), 3); /* of a ClientHello */
    ck_assert_int_eq(transport_handshake(early.server, &err).status, IO_WANT_READ);
    pair_done(&early);
    tls_context_free(client);
    tls_context_free(server);
    ck_assert_int_eq(left(), before);
}
END_TEST

/* At the ClientHello, and at the client's Finished. */
START_TEST(a_server_whose_handshake_fails_for_lack_of_memory_tells_it)
{
    enum { STEP = 17 };
    int failures = 0;
    bool failed = true;
    for (unsigned n = 0; failed; n += STEP) {
        tls_pair_make();
        shake_client(IO_WANT_READ);
        if (_i == 1) {
            ck_assert_int_eq(shake_server().status, IO_WANT_READ);
            shake_client(IO_OK);
        }
        allocations_fail_after(n);
        enum io_status status = shake_server().status;
        failed = allocations_have_failed();
        if (status == IO_FAILED) {
            ck_assert_msg(err.code == ENOMEM, "%u: %s", n, err.text);
            failures++;
        }
        pair_done(&pair);
        pair_sockets(false, fds);
    }
    ck_assert_int_gt(failures, _i == 0 ? 10 : 0);
    tls_pair_make();
}
END_TEST

START_TEST(a_client_without_memory_for_a_hello_sends_nothing)
{
    char data[10];
    tls_pair_make();
    allocations_fail_after(0);
    shake_client(IO_FAILED);
    assert_no_memory("memory for the TLS handshake");
    ck_assert_int_eq(transport_shutdown(pair.client, &err).status, IO_OK);
    ck_assert_int_eq(read(pair.server->fd, data, sizeof data), 0);
}
END_TEST

/* OpenSSL did without some, but no further. */
START_TEST(memory_that_was_missing_is_why_the_handshake_fails_later)
{
    tls_pair_make();
    shake_client(IO_WANT_READ);
    ck_assert_int_eq(shake_server().status, IO_WANT_READ);
    run_out();
    ck_assert_int_eq(shake_server().status, IO_WANT_READ);
    ck_assert(!tls_memory_ran_out()); /* as another connection would ask */
    send_garbage(pair.client->fd);
    ck_assert_int_eq(shake_server().status, IO_FAILED);
    assert_no_memory("memory for the TLS handshake");
}
END_TEST

START_TEST(memory_that_was_not_needed_is_not_why_the_session_fails_later)
{
    char data[100];
    tls_pair_make();
    shake_client(IO_WANT_READ);
    ck_assert_int_eq(shake_server().status, IO_WANT_READ);
    shake_client(IO_OK);
    run_out();
    ck_assert_int_eq(shake_server().status, IO_OK);
    tls_memory_ran_out(); /* likewise */
    send_garbage(pair.client->fd);
    ck_assert_int_eq(transport_read(pair.server, data, sizeof data, &err).status, IO_FAILED);
    ck_assert_int_eq(err.kind, ERROR_TLS);
}
END_TEST

START_TEST(what_another_connection_lacked_is_not_its_own)
{
    static const char request[] = "GET / HTTP/1.0\r\n\r\n";
    tls_pair_make();
    run_out();
    ck_assert_int_eq(write(pair.client->fd, request, sizeof request), sizeof request);
    ck_assert_int_eq(shake_server().status, IO_FAILED);
    ck_assert_int_eq(err.kind, ERROR_NOT_TLS);
}
END_TEST

START_TEST(a_read_without_memory_tells_it)
{
    char data[100];
    tls_pair_make();
    pair_connect(&pair);
    ck_assert_int_eq(transport_write(pair.client, "x", 1, &err).status, IO_OK);
    allocations_fail_after(0);
    ck_assert_int_eq(transport_read(pair.server, data, sizeof data, &err).status, IO_FAILED);
    assert_no_memory("memory for a TLS record");
}
END_TEST

START_TEST(memory_that_was_missing_is_why_a_read_fails)
{
    char data[100];
    tls_pair_make();
    pair_connect(&pair);
    send_garbage(pair.client->fd);
    run_out();
    ck_assert_int_eq(transport_read(pair.server, data, sizeof data, &err).status, IO_FAILED);
    assert_no_memory("memory for a TLS record");
}
END_TEST

START_TEST(a_write_without_memory_tells_it)
{
    tls_pair_make();
    pair_connect(&pair);
    allocations_fail_after(0);
    ck_assert_int_eq(transport_write(pair.server, "x", 1, &err).status, IO_FAILED);
    assert_no_memory("memory for a TLS record");
}
END_TEST

START_TEST(an_end_without_memory_tells_it)
{
    tls_pair_make();
    pair_connect(&pair);
    allocations_fail_after(0);
    ck_assert_int_eq(transport_shutdown(pair.server, &err).status, IO_FAILED);
    assert_no_memory("memory for a TLS record");
}
END_TEST

START_TEST(what_another_connection_lacked_is_no_reason_to_fail_at_the_end)
{
    char data[100];
    tls_pair_make();
    pair_connect(&pair);
    run_out();
    ck_assert_int_eq(transport_shutdown(pair.client, &err).status, IO_OK);
    ck_assert_int_eq(transport_read(pair.server, data, sizeof data, &err).status, IO_EOF);
}
END_TEST

int main(void)
{
    tls_memory_watch();
    Suite *suite = suite_create("transport_tls_allocations");
    TCase *tcase = tcase_create("transport_tls_allocations");
    tcase_add_checked_fixture(tcase, set_up, tls_pair_tear_down);
    tcase_add_loop_test(tcase, one_that_cannot_be_made_tells_it_and_the_next_can, 0, 2);
    tcase_add_test(tcase, frees_all_that_it_has);
    tcase_add_loop_test(tcase, a_server_whose_handshake_fails_for_lack_of_memory_tells_it, 0, 2);
    tcase_add_test(tcase, a_client_without_memory_for_a_hello_sends_nothing);
    tcase_add_test(tcase, memory_that_was_missing_is_why_the_handshake_fails_later);
    tcase_add_test(tcase, memory_that_was_not_needed_is_not_why_the_session_fails_later);
    tcase_add_test(tcase, what_another_connection_lacked_is_not_its_own);
    tcase_add_test(tcase, a_read_without_memory_tells_it);
    tcase_add_test(tcase, memory_that_was_missing_is_why_a_read_fails);
    tcase_add_test(tcase, a_write_without_memory_tells_it);
    tcase_add_test(tcase, an_end_without_memory_tells_it);
    tcase_add_test(tcase, what_another_connection_lacked_is_no_reason_to_fail_at_the_end);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
