/* SPDX-License-Identifier: MIT */
#include "conn_log.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "captured_log.h"
#include "fake_transport.h"
#include "loopback.h"
#include "suite.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/tls/tls_alert.h"

static struct fake_transport fake;
static struct pool pool;
static struct conn conn;
static struct peer peer;
static char name[] = "front";
static struct config_listener config;
static struct listener listener = {.config = &config};
static struct handoff origin;
static struct address own_address;
static struct transport_ops ops;

static void tell_peer(const struct transport *t, struct peer *ret)
{
    (void)t;
    *ret = peer;
}

static void set_up(void)
{
    fake_init(&fake);
    ops = *fake.base.ops;
    ops.peer = tell_peer;
    fake.base.ops = &ops;
    peer = (struct peer){.tls = false};
    pool_init(&pool, 4096);
    conn_init(&conn, &fake.base, &service_upper, &pool, NULL);
    conn.end = CONN_END_CLOSED;
    conn.received_bytes = 12;
    conn.sent_bytes = 11;
    config = (struct config_listener){.name.value = name};
    origin = (struct handoff){
        .id = 42, .listener = &listener, .source = loopback_address("tcp://192.0.2.1:4711")};
    own_address = (struct address){.length = 0};
    captured_log_open(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
}

static void tear_down(void)
{
    captured_log_close();
    conn_done(&conn);
    pool_done(&pool);
}

static struct error *error_of_conn(void)
{
    conn.error = malloc(sizeof *conn.error);
    ck_assert_ptr_nonnull(conn.error);
    return conn.error;
}

/* The line, from its event on. */
static void assert_line(const char *expected)
{
    conn_log(&conn, &origin, &own_address, 1500000);
    const char *line = strstr(captured_log_line(), "event=");
    ck_assert_ptr_nonnull(line);
    ck_assert_str_eq(line, expected);
}

#define FIELDS(TRANSPORT, END)                                                                     \
    "event=connection id=42 source=192.0.2.1:4711 listener=front transport=" TRANSPORT             \
    " service=upper received_bytes=12 sent_bytes=11 duration=1.500000 end=" END

START_TEST(logs_source_service_bytes_duration_and_end)
{
    assert_line(FIELDS("tcp", "closed"));
}
END_TEST

START_TEST(logs_the_local_address_as_destination)
{
    own_address = loopback_address("tcp://127.0.0.1:7007");
    conn_log(&conn, &origin, &own_address, 0);
    ck_assert_ptr_nonnull(strstr(captured_log_line(), " destination=127.0.0.1:7007 listener="));
}
END_TEST

START_TEST(logs_the_source_in_a_proxy_header_and_the_proxy)
{
    struct proxied proxied = {
        .peer = loopback_address("tcp://127.0.0.1:99"),
        .header = {.version = 2, .destination = loopback_address("tcp://198.51.100.1:443")},
    };
    origin.proxied = &proxied;
    assert_line("event=connection id=42 source=192.0.2.1:4711 proxy=127.0.0.1:99 "
                "destination=198.51.100.1:443 listener=front transport=tcp service=upper "
                "received_bytes=12 sent_bytes=11 duration=1.500000 end=closed");
    proxied.header.local = true;
    assert_line(FIELDS("tcp", "closed"));
}
END_TEST

START_TEST(names_an_unnamed_local_peer)
{
    origin.source = (struct address){.length = sizeof(sa_family_t)};
    origin.source.any.sa_family = AF_UNIX;
    conn_log(&conn, &origin, &own_address, 0);
    ck_assert_ptr_nonnull(strstr(captured_log_line(), " source=unix listener="));
}
END_TEST

START_TEST(logs_the_parameters_that_tls_negotiated)
{
    config.listen.scheme = ENDPOINT_TLS;
    peer = (struct peer){.tls = true,
                         .version = "TLSv1.3",
                         .cipher = "TLS_AES_128_GCM_SHA256",
                         .group = "X25519",
                         .sni = "localhost",
                         .alpn = "h2",
                         .resumed = true,
                         .certificate = {.present = true, .subject = "CN=client,O=Example"}};
    assert_line(FIELDS("tls", "closed") " version=TLSv1.3 cipher=TLS_AES_128_GCM_SHA256"
                                        " group=X25519 resumed=yes"
                                        " client=\"CN=client,O=Example\" sni=localhost alpn=h2");
}
END_TEST

START_TEST(leaves_out_what_a_failed_handshake_did_not_negotiate)
{
    config.listen.scheme = ENDPOINT_TLS;
    peer = (struct peer){.tls = true, .sni = "localhost"};
    conn.end = CONN_END_HANDSHAKE;
    error_set(error_of_conn(), ERROR_TLS, "no shared cipher");
    conn.error->alert = TLS_ALERT_HANDSHAKE_FAILURE;
    assert_line(FIELDS("tls", "handshake_failed") " alert=handshake_failure"
                                                  " reason=\"no shared cipher\""
                                                  " sni=localhost");
}
END_TEST

START_TEST(logs_a_reason_without_an_alert_if_there_was_none)
{
    conn.end = CONN_END_RESET;
    error_set(error_of_conn(), ERROR_SYSTEM, "receive: Connection reset by peer");
    assert_line(FIELDS("tcp", "reset") " reason=\"receive: Connection reset by peer\"");
}
END_TEST

START_TEST(close_notify_is_an_alert_too)
{
    error_set(error_of_conn(), ERROR_TLS, "x");
    conn.error->alert = 0;
    assert_line(FIELDS("tcp", "closed") " alert=close_notify reason=x");
}
END_TEST

START_TEST(logs_a_note_for_a_tls_client_on_a_plain_port)
{
    conn.client_hello = true;
    assert_line(FIELDS("tcp", "closed") " note=\"received a TLS ClientHello: a TLS"
                                        " client on a plain port?\"");
}
END_TEST

/* TLS within TLS, or a capture that is played. */
START_TEST(logs_no_note_for_a_client_hello_that_was_encrypted)
{
    config.listen.scheme = ENDPOINT_TLS;
    conn.client_hello = true;
    assert_line(FIELDS("tls", "closed"));
}
END_TEST

START_TEST(a_name_that_a_client_sends_cannot_forge_a_line)
{
    config.listen.scheme = ENDPOINT_TLS;
    peer = (struct peer){.tls = true, .sni = "x\nevent=\"forged\""};
    assert_line(FIELDS("tls", "closed") " sni=\"x\\u000aevent=\\\"forged\\\"\"");
}
END_TEST

static void fill(char *text, size_t size, char c)
{
    memset(text, c, size - 1);
    text[size - 1] = '\0';
}

/* Every value that a peer can choose has its maximum length, and bytes that are escaped to six
 * each. */
START_TEST(values_from_the_peer_never_push_out_the_others)
{
    config.listen.scheme = ENDPOINT_TLS;
    conn.end = CONN_END_TLS;
    peer = (struct peer){.tls = true,
                         .version = "TLSv1.3",
                         .cipher = "TLS_CHACHA20_POLY1305_SHA256",
                         .group = "SecP256r1MLKEM768",
                         .certificate = {.present = true}};
    fill(peer.sni, sizeof peer.sni, '\xff');
    fill(peer.alpn, sizeof peer.alpn, '\x1b');
    fill(peer.certificate.subject, sizeof peer.certificate.subject, '\x01');
    memcpy(peer.certificate.subject, "CN=known", strlen("CN=known"));
    fill(peer.certificate.names, sizeof peer.certificate.names, '\x7f');
    memcpy(peer.certificate.names, "DNS:known", strlen("DNS:known"));
    fill(error_of_conn()->text, sizeof conn.error->text, '\xff');
    conn.error->alert = TLS_ALERT_HANDSHAKE_FAILURE;
    origin.source = loopback_address("tcp://[1111:2222:3333:4444:5555:6666:7777:8888]:65535");
    struct proxied proxied = {.peer = origin.source, .header = {.version = 2}};
    proxied.header.destination = origin.source;
    origin.proxied = &proxied;

    log_set(LOG_LEVEL_INFO, _i ? LOG_FORMAT_JSON : LOG_FORMAT_LOGFMT);
    conn_log(&conn, &origin, &own_address, UINT64_MAX);
    const char *line = captured_log_line();
    static const char *const known[] = {"SecP256r1MLKEM768", "CN=known\\u0001", "DNS:known\\u007f"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        ck_assert_msg(strstr(line, known[i]) != NULL, "%s: %s", known[i], line);
    ck_assert_ptr_nonnull(strstr(line, "handshake_failure"));
    ck_assert_ptr_nonnull(strstr(line, _i ? ",\"reason\":\"\\ufffd" : " reason=\"\\ufffd"));
}
END_TEST

START_TEST(is_silent_below_its_level)
{
    captured_log_close();
    captured_log_open(LOG_LEVEL_WARNING, LOG_FORMAT_LOGFMT);
    conn_log(&conn, &origin, &own_address, 0);
    log_reason(LOG_LEVEL_WARNING, "marker", "x");
    ck_assert_ptr_nonnull(strstr(captured_log_line(), " event=marker "));
}
END_TEST

/* Lines of connections until the marker; the counts of those left out are added up. */
static unsigned lines_until_marker(uint64_t *ret_left_out)
{
    unsigned lines = 0;
    const char *line;
    *ret_left_out = 0;
    log_reason(LOG_LEVEL_INFO, "marker", "x");
    while (!strstr(line = captured_log_line(), " event=marker ")) {
        const char *count = strstr(line, " event=connections_not_logged count=");
        if (count)
            *ret_left_out += strtoull(strstr(count, "count=") + strlen("count="), NULL, 10);
        else
            lines++;
    }
    return lines;
}

START_TEST(beyond_the_rate_early_ends_are_counted_not_logged)
{
    enum { FLOOD = 200 }; /* their lines fit into a pipe */
    uint64_t start_us = clock_now_us(), left_out;
    conn.established = false;
    for (int i = 0; i < FLOOD; i++)
        conn_log(&conn, &origin, &own_address, 0);
    conn_log_failed(&origin, "no memory for a connection");
    conn_log_flush(UINT64_MAX);
    unsigned lines = lines_until_marker(&left_out);
    uint64_t seconds = (clock_now_us() - start_us) / 1000000;
    ck_assert_uint_ge(lines, CONN_LOG_BURST);
    ck_assert_uint_le(lines, CONN_LOG_BURST + (seconds + 1) * CONN_LOG_PER_SECOND);
    ck_assert_uint_eq(lines + left_out, FLOOD + 1);
    ck_assert_uint_eq(conn_log_flush(UINT64_MAX), UINT64_MAX);

    conn.established = true;
    conn_log(&conn, &origin, &own_address, 0);
    ck_assert_ptr_nonnull(strstr(captured_log_line(), " event=connection "));
}
END_TEST

START_TEST(the_number_not_logged_is_logged_at_most_once_a_second)
{
    enum { SECOND = 1000000 };
    uint64_t now_us = clock_now_us(), left_out;
    conn.established = false;
    for (int i = 0; i < CONN_LOG_BURST + 20; i++)
        conn_log(&conn, &origin, &own_address, 0);
    ck_assert_uint_eq(conn_log_flush(now_us), UINT64_MAX); /* logged */
    for (int i = 0; i < 20; i++)
        conn_log(&conn, &origin, &own_address, 0);
    ck_assert_uint_eq(conn_log_flush(now_us + SECOND - 1), now_us + SECOND);
    lines_until_marker(&left_out);
    ck_assert_uint_gt(left_out, 0);
    conn_log_flush(now_us + SECOND);
    const char *line = captured_log_line();
    ck_assert_msg(strstr(line, " level=warning event=connections_not_logged count="), "%s", line);
}
END_TEST

START_TEST(with_logging_off_nothing_counts_as_not_logged)
{
    conn.established = false;
    log_set(LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
    for (int i = 0; i < 2 * CONN_LOG_BURST; i++)
        conn_log(&conn, &origin, &own_address, 0);
    log_set(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    conn_log_flush(UINT64_MAX);
    conn_log(&conn, &origin, &own_address, 0);
    ck_assert_ptr_nonnull(strstr(captured_log_line(), " event=connection "));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conn_log");
    TCase *tcase = tcase_create("conn_log");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, logs_source_service_bytes_duration_and_end);
    tcase_add_test(tcase, logs_the_local_address_as_destination);
    tcase_add_test(tcase, logs_the_source_in_a_proxy_header_and_the_proxy);
    tcase_add_test(tcase, names_an_unnamed_local_peer);
    tcase_add_test(tcase, logs_the_parameters_that_tls_negotiated);
    tcase_add_test(tcase, leaves_out_what_a_failed_handshake_did_not_negotiate);
    tcase_add_test(tcase, logs_a_reason_without_an_alert_if_there_was_none);
    tcase_add_test(tcase, close_notify_is_an_alert_too);
    tcase_add_test(tcase, logs_a_note_for_a_tls_client_on_a_plain_port);
    tcase_add_test(tcase, logs_no_note_for_a_client_hello_that_was_encrypted);
    tcase_add_test(tcase, a_name_that_a_client_sends_cannot_forge_a_line);
    tcase_add_loop_test(tcase, values_from_the_peer_never_push_out_the_others, 0, 2);
    tcase_add_test(tcase, is_silent_below_its_level);
    tcase_add_test(tcase, beyond_the_rate_early_ends_are_counted_not_logged);
    tcase_add_test(tcase, the_number_not_logged_is_logged_at_most_once_a_second);
    tcase_add_test(tcase, with_logging_off_nothing_counts_as_not_logged);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
