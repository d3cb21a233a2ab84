/* SPDX-License-Identifier: MIT */
/* A server before the ClientHello is complete: what it allocates, and what it refuses.
 */
#include <check.h>
#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pair.h"
#include "suite.h"
#include "tlsecho/net/transport.h"
#include "tlsecho/tls/tls_alert.h"
#include "tlsecho/tls/tls_scratch.h"
#include "tlsecho/tls/transport_tls.h"

enum { LIMIT_BYTES = 4096, HELLO_BYTES = 16384 };

static struct tls_context *context;
static struct tls_scratch *scratch;
static struct transport *server;
static SSL_CTX *client_context;
static SSL *client;
static BIO *to_client, *from_client;
static int fds[2];
static struct error err;

/* What OpenSSL has allocated since the program began, in pieces. */
static size_t allocations;

static void *count_malloc(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    allocations++;
    return malloc(size);
}

static void *count_realloc(void *data, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    allocations++;
    return realloc(data, size);
}

static void count_free(void *data, const char *file, int line)
{
    (void)file;
    (void)line;
    free(data);
}

/* The test passes the records on: take_flight takes those of the client. */
static void open_client(const char *groups)
{
    client_context = SSL_CTX_new(TLS_client_method());
    client = SSL_new(client_context);
    ck_assert_int_eq(SSL_set1_groups_list(client, groups), 1);
    to_client = BIO_new(BIO_s_mem());
    from_client = BIO_new(BIO_s_mem());
    SSL_set_bio(client, to_client, from_client);
    SSL_set_connect_state(client);
}

static void set_up(void)
{
    struct peer_certificate ignored;
    ck_assert_int_eq(tls_context_new(TLS_SERVER, &context, &err), 0);
    ck_assert_int_eq(tls_context_use_self_signed(context, NULL, &ignored, &err), 0);
    tls_context_limit_client_hello(context, LIMIT_BYTES);
    scratch = tls_scratch_new();
    pair_sockets(false, fds);
    struct transport_tls_options options = {.ctx = context, .scratch = scratch};
    size_t before = allocations;
    ck_assert_int_eq(transport_tls_new(fds[1], &options, &server, &err), 0);
    ck_assert_uint_eq(allocations, before);
    open_client("P-256");
}

static void tear_down(void)
{
    transport_free(server);
    SSL_free(client);
    SSL_CTX_free(client_context);
    close(fds[0]);
    tls_scratch_free(scratch);
    tls_context_free(context);
}

static size_t take_flight(unsigned char *ret, size_t max)
{
    SSL_do_handshake(client);
    int n = BIO_read(from_client, ret, (int)max);
    ck_assert_int_gt(n, 0);
    return (size_t)n;
}

static void give(const void *data, size_t n)
{
    ck_assert_int_eq(send(fds[0], data, n, 0), (ssize_t)n);
}

static enum io_status shake(void)
{
    return transport_handshake(server, &err).status;
}

/* What the server has sent to the client. */
static void relay(void)
{
    unsigned char data[HELLO_BYTES];
    ssize_t n = recv(fds[0], data, sizeof data, MSG_DONTWAIT);
    ck_assert_int_gt(n, 0);
    ck_assert_int_eq(BIO_write(to_client, data, (int)n), (int)n);
}

static void finish(void)
{
    unsigned char flight[HELLO_BYTES];
    relay();
    give(flight, take_flight(flight, sizeof flight));
    ck_assert_int_eq(shake(), IO_OK);
    ck_assert(SSL_is_init_finished(client));
}

/* That alert, fatal, once, then FIN (RFC 8446 §6). */
static void assert_refused(unsigned char alert)
{
    unsigned char answer[HELLO_BYTES];
    ck_assert_int_eq(err.kind, ERROR_TLS);
    ck_assert_int_eq(err.alert, alert);
    ck_assert_int_eq(transport_shutdown(server, &err).status, IO_OK);
    ssize_t n = recv(fds[0], answer, sizeof answer, 0);
    ck_assert_int_ge(n, 7);
    ck_assert_mem_eq(answer + n - 7, ((unsigned char[]){21, 3}), 2);
    ck_assert_mem_eq(answer + n - 4, ((unsigned char[]){0, 2, 2, alert}), 4);
    for (ssize_t at = 0; at < n - 7; at += 5 + (answer[at + 3] << 8 | answer[at + 4]))
        ck_assert_int_ne(answer[at], 21);
    ck_assert_int_eq(recv(fds[0], answer, sizeof answer, 0), 0);
}

START_TEST(openssl_allocates_nothing_before_the_last_byte_of_a_hello)
{
    unsigned char hello[HELLO_BYTES];
    size_t n = take_flight(hello, sizeof hello);
    ck_assert_int_eq(shake(), IO_WANT_READ);
    size_t before = allocations;
    for (size_t i = 0; i < n - 1; i++) {
        give(hello + i, 1);
        struct io io = transport_handshake(server, &err);
        ck_assert_int_eq(io.status, IO_WANT_READ);
        ck_assert(io.progressed);
        ck_assert_uint_eq(allocations, before);
    }
    give(hello + n - 1, 1);
    ck_assert_int_eq(shake(), IO_WANT_READ);
    ck_assert_uint_gt(allocations, before);
    finish();
}
END_TEST

START_TEST(the_peer_is_unknown_before_a_hello)
{
    struct peer peer;
    char text[TLS_NAMES_BYTES];
    transport_peer(server, &peer);
    ck_assert(peer.tls && !peer.certificate.present);
    ck_assert_str_eq(peer.version, "");
    transport_tls_exporter(server, text);
    ck_assert_str_eq(text, "");
    transport_tls_own_sha256(server, text);
    ck_assert_str_eq(text, "");
    transport_tls_peer_names(server, text);
    ck_assert_str_eq(text, "");
    ck_assert(!transport_tls_resumed(server));
    ck_assert_int_eq(transport_shutdown(server, &err).status, IO_OK);
}
END_TEST

START_TEST(accepts_a_hello_in_records_of_one_byte)
{
    unsigned char hello[HELLO_BYTES];
    tls_context_limit_client_hello(context, 0);
    size_t n = take_flight(hello, sizeof hello);
    static unsigned char split[6 * HELLO_BYTES];
    for (size_t i = 5; i < n; i++)
        memcpy(split + 6 * (i - 5), (unsigned char[]){22, 3, 1, 0, 1, hello[i]}, 6);
    give(split, 6 * (n - 5));
    ck_assert_int_eq(shake(), IO_WANT_READ);
    finish();
}
END_TEST

START_TEST(a_hello_longer_than_the_limit_gets_illegal_parameter_and_no_memory)
{
    ck_assert_int_eq(shake(), IO_WANT_READ);
    size_t before = allocations;
    give("\x16\x03\x01\x00\x04\x01\x00\x10\x00", 9); /* 4096 and a header, in two records */
    ck_assert_int_eq(shake(), IO_FAILED);
    ck_assert_uint_eq(allocations, before);
    ck_assert_ptr_nonnull(strstr(err.text, "ClientHello"));
    assert_refused(TLS_ALERT_ILLEGAL_PARAMETER);
    ck_assert_uint_eq(allocations, before);
    ck_assert_int_eq(transport_read(server, (char[1]){0}, 1, &err).status, IO_WANT_READ);
}
END_TEST

START_TEST(refuses_data_after_a_hello_in_its_record)
{
    unsigned char hello[HELLO_BYTES];
    size_t n = take_flight(hello, sizeof hello);
    memcpy(hello + n, "\x01\x01\x00\x00", 4);
    hello[3] = (unsigned char)((n - 5 + 4) >> 8);
    hello[4] = (unsigned char)(n - 5 + 4);
    give(hello, n + 4);
    ck_assert_int_eq(shake(), IO_FAILED);
    assert_refused(TLS_ALERT_UNEXPECTED_MESSAGE);
}
END_TEST

/* OpenSSL must not keep memory while it waits for more. */
START_TEST(refuses_other_records_once_they_are_complete)
{
    static const struct {
        const char *bytes;
        size_t n;
    } others[] = {{"\x15\x03\x01\x00\x02\x01\x5a", 7},         /* a warning: user_canceled */
                  {"\x14\x03\x01\x00\x01\x01", 6},             /* change_cipher_spec */
                  {"\x17\x03\x03\x00\x01x", 6},                /* data */
                  {"\x16\x03\x01\x00\x04\x02\x00\x00\x00", 9}, /* a ServerHello */
                  {"\x16\x03\x01\x00\x04\x00\x00\x00\x00", 9}, /* a HelloRequest */
                  {"\x16\x03\x01\x00\x02\x01\x00\x15\x03\x01\x00\x02\x01\x5a", 14}};
    size_t n = others[_i].n;
    ck_assert_int_eq(shake(), IO_WANT_READ);
    size_t before = allocations;
    give(others[_i].bytes, n - 1);
    ck_assert_int_eq(shake(), IO_WANT_READ);
    ck_assert_uint_eq(allocations, before);
    give(others[_i].bytes + n - 1, 1);
    ck_assert_int_eq(shake(), IO_FAILED);
    assert_refused(TLS_ALERT_UNEXPECTED_MESSAGE);
}
END_TEST

/* Up to the HelloRetryRequest: what the client offers needs another key share. */
static void retry(unsigned char *ret_second, size_t *ret_n)
{
    unsigned char hello[HELLO_BYTES];
    SSL_free(client);
    SSL_CTX_free(client_context);
    open_client("P-521:P-256");
    give(hello, take_flight(hello, sizeof hello));
    ck_assert_int_eq(shake(), IO_WANT_READ);
    relay();
    *ret_n = take_flight(ret_second, HELLO_BYTES);
}

START_TEST(the_second_hello_after_a_retry_is_gathered_likewise)
{
    unsigned char hello[HELLO_BYTES];
    size_t n;
    retry(hello, &n);
    size_t before = allocations;
    for (size_t i = 0; i < n - 1; i++) {
        give(hello + i, 1);
        ck_assert_int_eq(shake(), IO_WANT_READ);
        ck_assert_uint_eq(allocations, before);
    }
    give(hello + n - 1, 1);
    ck_assert_int_eq(shake(), IO_WANT_READ);
    finish();
}
END_TEST

START_TEST(the_second_hello_has_the_same_limit)
{
    unsigned char hello[HELLO_BYTES];
    size_t n;
    retry(hello, &n);
    size_t before = allocations;
    give("\x14\x03\x03\x00\x01\x01\x16\x03\x03\x00\x04\x01\x01\x00\x00", 15);
    ck_assert_int_eq(shake(), IO_FAILED);
    ck_assert_uint_eq(allocations, before);
    assert_refused(TLS_ALERT_ILLEGAL_PARAMETER);
}
END_TEST

/* OpenSSL waits for more after a user_canceled of TLS 1.3 (RFC 8446 §6.1). */
START_TEST(refuses_other_records_instead_of_the_second_hello)
{
    unsigned char hello[HELLO_BYTES];
    size_t n;
    retry(hello, &n);
    give("\x15\x03\x03\x00\x02\x01\x5a", 7);
    ck_assert_int_eq(shake(), IO_FAILED);
    assert_refused(TLS_ALERT_UNEXPECTED_MESSAGE);
}
END_TEST

/* A client that expects the HelloRetryRequest sends both at once: OpenSSL must not see the second
 * yet.
 */
START_TEST(the_limit_applies_to_a_second_hello_that_came_with_the_first)
{
    unsigned char hello[HELLO_BYTES];
    SSL_free(client);
    SSL_CTX_free(client_context);
    open_client("P-521:P-256");
    size_t n = take_flight(hello, sizeof hello);
    memcpy(hello + n, "\x16\x03\x03\x00\x04\x01\x02\x00\x00", 9);
    give(hello, n + 9);
    ck_assert_int_eq(shake(), IO_FAILED);
    assert_refused(TLS_ALERT_ILLEGAL_PARAMETER);
}
END_TEST

START_TEST(reports_a_client_that_closes_before_its_hello_is_complete)
{
    if (_i)
        give("\x16\x03\x01\x02\x00\x01", 6);
    struct io io = {.status = IO_WANT_READ};
    if (_i)
        io = transport_handshake(server, &err);
    ck_assert_int_eq(io.status, IO_WANT_READ);
    ck_assert_int_eq(io.progressed, _i);
    ck_assert_int_eq(shutdown(fds[0], SHUT_WR), 0);
    io = transport_handshake(server, &err);
    ck_assert_int_eq(io.status, IO_CUT);
    ck_assert(!io.progressed);
}
END_TEST

int main(void)
{
    CRYPTO_set_mem_functions(count_malloc, count_realloc, count_free);
    Suite *suite = suite_create("transport_hello");
    TCase *tc = tcase_create("hello");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, openssl_allocates_nothing_before_the_last_byte_of_a_hello);
    tcase_add_test(tc, the_peer_is_unknown_before_a_hello);
    tcase_add_test(tc, accepts_a_hello_in_records_of_one_byte);
    tcase_add_test(tc, a_hello_longer_than_the_limit_gets_illegal_parameter_and_no_memory);
    tcase_add_test(tc, refuses_data_after_a_hello_in_its_record);
    tcase_add_loop_test(tc, refuses_other_records_once_they_are_complete, 0, 6);
    tcase_add_test(tc, the_second_hello_after_a_retry_is_gathered_likewise);
    tcase_add_test(tc, the_second_hello_has_the_same_limit);
    tcase_add_test(tc, refuses_other_records_instead_of_the_second_hello);
    tcase_add_test(tc, the_limit_applies_to_a_second_hello_that_came_with_the_first);
    tcase_add_loop_test(tc, reports_a_client_that_closes_before_its_hello_is_complete, 0, 2);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
