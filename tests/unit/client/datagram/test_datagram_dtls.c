/* SPDX-License-Identifier: MIT */
/* A DTLS socket over one whose datagrams a server in memory takes and makes. */
#include "tlsecho/client/datagram_dtls.h"

#include <check.h>
#include <errno.h>
#include <string.h>

#include "folder.h"
#include "pki.h"
#include "suite.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/tls/tls_context.h"

enum { PLAIN_MAX = 32, PLAIN_BYTES = 2048 };

struct queue {
    unsigned char data[PLAIN_MAX][PLAIN_BYTES];
    size_t bytes[PLAIN_MAX];
    size_t first, end;
};

static struct queue to_server, to_client;
static bool full;        /* the plain socket has no room */
static int send_code;    /* with which the plain socket refuses to send; 0 = it does not */
static int receive_code; /* likewise, to receive */
static struct datagram_socket plain;
static struct datagram_socket *client;
static struct tls_context *context;
static struct folder folder;
static struct pki ca;
static struct error err;
static unsigned char buffer[DATAGRAM_BYTES_MAX];

static void put(struct queue *q, const unsigned char *data, size_t n)
{
    ck_assert(q->end < PLAIN_MAX && n <= PLAIN_BYTES);
    memcpy(q->data[q->end], data, n);
    q->bytes[q->end++] = n;
}

static struct datagram_io refuse(int code, struct error *ret)
{
    errno = code;
    error_sys(ret, "plain");
    return (struct datagram_io){.status = DATAGRAM_FAILED};
}

static struct datagram_io plain_receive(struct datagram_socket *s, struct datagram items[],
                                        size_t count, struct error *ret)
{
    (void)s, (void)count;
    if (receive_code)
        return refuse(receive_code, ret);
    if (to_client.first == to_client.end)
        return (struct datagram_io){.status = DATAGRAM_WAIT};
    items[0].length = to_client.bytes[to_client.first];
    memcpy(items[0].data, to_client.data[to_client.first++], items[0].length);
    return (struct datagram_io){.status = DATAGRAM_OK, .n = 1};
}

static struct datagram_io plain_send(struct datagram_socket *s, const struct datagram items[],
                                     size_t count, struct error *ret)
{
    (void)s, (void)count;
    if (send_code)
        return refuse(send_code, ret);
    if (full)
        return (struct datagram_io){.status = DATAGRAM_WAIT};
    put(&to_server, items[0].data, items[0].length);
    return (struct datagram_io){.status = DATAGRAM_OK, .n = 1};
}

static bool plain_take_error(struct datagram_socket *s, struct datagram_error *ret)
{
    (void)s, (void)ret;
    return false;
}

static void plain_free(struct datagram_socket *s)
{
    (void)s;
}

static const struct datagram_ops plain_ops = {
    .receive = plain_receive,
    .send = plain_send,
    .take_error = plain_take_error,
    .free = plain_free,
};

static void set_up(void)
{
    const struct dtls_session_options options = {.server_name = "localhost"};
    struct dtls_session_options with = options;
    to_server.first = to_server.end = to_client.first = to_client.end = 0;
    full = false;
    send_code = receive_code = 0;
    plain = (struct datagram_socket){.ops = &plain_ops, .fd = -1};
    folder_new(&folder);
    ca = pki_make(&(struct pki_spec){.subject = "Test CA", .ca = true});
    ck_assert_int_eq(tls_context_new_dtls(TLS_CLIENT, &context, &err), 0);
    pki_trust(&folder, &ca, context);
    with.ctx = context;
    ck_assert_int_eq(datagram_dtls_new(&plain, &with, &client, &err), 0);
}

static void tear_down(void)
{
    datagram_free(client);
    tls_context_free(context);
    pki_free(&ca);
    folder_remove(&folder);
}

START_TEST(a_handshake_begins_with_a_client_hello_and_waits)
{
    ck_assert_int_eq(datagram_dtls_handshake(client, &err), DTLS_WAIT);
    ck_assert_uint_eq(to_server.end, 1);
    ck_assert_uint_eq(to_server.data[0][0], 22); /* handshake */
    uint64_t due_us = datagram_dtls_due_us(client), now_us = clock_now_us();
    ck_assert_uint_gt(due_us, now_us);
    ck_assert_uint_le(due_us, now_us + 1000000);
}
END_TEST

START_TEST(silence_garbage_and_an_echo_are_told_apart)
{
    static const unsigned char text[] = "220 ready\r\n", bytes[] = {0, 1, 2};
    ck_assert_int_eq(datagram_dtls_handshake(client, &err), DTLS_WAIT);
    ck_assert_int_eq(datagram_dtls_describe_silence(client, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_TIMEOUT);
    ck_assert_ptr_nonnull(strstr(err.text, "sent 1 time:"));

    put(&to_client, text, sizeof text - 1);
    put(&to_client, bytes, sizeof bytes);
    ck_assert_int_eq(datagram_dtls_handshake(client, &err), DTLS_WAIT);
    ck_assert_int_eq(datagram_dtls_describe_silence(client, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_NOT_TLS);
    ck_assert_ptr_nonnull(strstr(err.text, "its answer began with \"220 ready\""));

    put(&to_client, to_server.data[0], to_server.bytes[0]);
    ck_assert_int_eq(datagram_dtls_handshake(client, &err), DTLS_FAILED);
    ck_assert_int_eq(err.kind, ERROR_NOT_TLS);
    ck_assert_ptr_nonnull(strstr(err.text, "plain echo server, write udp://"));
}
END_TEST

START_TEST(what_is_no_text_is_shown_in_hex)
{
    static const unsigned char bytes[] = {0, 1, 0xff};
    put(&to_client, bytes, sizeof bytes);
    ck_assert_int_eq(datagram_dtls_handshake(client, &err), DTLS_WAIT);
    datagram_dtls_describe_silence(client, &err);
    ck_assert_ptr_nonnull(strstr(err.text, "(its answer began with 00 01 ff)"));
}
END_TEST

START_TEST(an_empty_answer_is_told)
{
    put(&to_client, buffer, 0);
    ck_assert_int_eq(datagram_dtls_handshake(client, &err), DTLS_WAIT);
    datagram_dtls_describe_silence(client, &err);
    ck_assert_ptr_nonnull(strstr(err.text, "an empty datagram"));
}
END_TEST

START_TEST(an_alert_ends_the_handshake)
{
    static const unsigned char alert[] = {21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 40};
    ck_assert_int_eq(datagram_dtls_handshake(client, &err), DTLS_WAIT);
    put(&to_client, alert, sizeof alert);
    ck_assert_int_eq(datagram_dtls_handshake(client, &err), DTLS_FAILED);
    ck_assert_int_eq(err.kind, ERROR_TLS);
    ck_assert_int_eq(err.alert, 40);
    ck_assert_ptr_nonnull(strstr(err.text, "handshake_failure"));
}
END_TEST

START_TEST(without_room_a_flight_is_lost_and_nothing_fails)
{
    full = true;
    ck_assert_int_eq(datagram_dtls_handshake(client, &err), DTLS_WAIT);
    ck_assert_uint_eq(to_server.end, 0);
    ck_assert_uint_lt(datagram_dtls_due_us(client), UINT64_MAX);
}
END_TEST

START_TEST(a_host_that_cannot_receive_ends_the_handshake)
{
    receive_code = ENOMEM;
    ck_assert_int_eq(datagram_dtls_handshake(client, &err), DTLS_FAILED);
    ck_assert_int_eq(err.kind, ERROR_SYSTEM);
    ck_assert_int_eq(err.code, ENOMEM);
}
END_TEST

START_TEST(what_icmp_reports_does_not)
{
    receive_code = ECONNREFUSED;
    ck_assert_int_eq(datagram_dtls_handshake(client, &err), DTLS_WAIT);
}
END_TEST

START_TEST(silence_after_a_flight_that_was_not_sent_says_why)
{
    send_code = EPERM; /* a firewall of this host */
    ck_assert_int_eq(datagram_dtls_handshake(client, &err), DTLS_WAIT);
    ck_assert_int_eq(datagram_dtls_describe_silence(client, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_SYSTEM);
    ck_assert_int_eq(err.code, EPERM);
}
END_TEST

START_TEST(a_plain_socket_has_no_session_and_does_not_end)
{
    ck_assert_ptr_null(datagram_dtls_session(&plain));
    ck_assert_ptr_null(datagram_dtls_session(NULL));
    ck_assert_int_eq(datagram_dtls_end(&plain, &err), DTLS_OK);
    datagram_dtls_close(&plain);
    ck_assert_uint_eq(to_server.end, 0);
    ck_assert_ptr_nonnull(datagram_dtls_session(client));
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("datagram_dtls");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, a_handshake_begins_with_a_client_hello_and_waits);
    tcase_add_test(cases, silence_garbage_and_an_echo_are_told_apart);
    tcase_add_test(cases, what_is_no_text_is_shown_in_hex);
    tcase_add_test(cases, an_empty_answer_is_told);
    tcase_add_test(cases, an_alert_ends_the_handshake);
    tcase_add_test(cases, without_room_a_flight_is_lost_and_nothing_fails);
    tcase_add_test(cases, a_host_that_cannot_receive_ends_the_handshake);
    tcase_add_test(cases, what_icmp_reports_does_not);
    tcase_add_test(cases, silence_after_a_flight_that_was_not_sent_says_why);
    tcase_add_test(cases, a_plain_socket_has_no_session_and_does_not_end);

    Suite *suite = suite_create("datagram_dtls");
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
