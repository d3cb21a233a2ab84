/* SPDX-License-Identifier: MIT */
/* Where records, buffers and handshakes end, and what a TLS transport tells and does there. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "folder.h"
#include "pki.h"
#include "suite.h"
#include "tls_bio.h"
#include "tls_pair.h"
#include "tlsecho/tls/tls_alert.h"
#include "tlsecho/tls/tls_scratch.h"
#include "tlsecho/tls/transport_tls.h"

enum { TLS12, TLS13, VERSIONS };

static const char *const versions[VERSIONS] = {"1.2", "1.3"};
static struct error err;

static const size_t overheads[VERSIONS] = {29, 22}; /* of a record of AES-GCM, RFC 5288, RFC 8446 */

/* These replace the C library's. send: the errno with which it fails, 0 = it does not; or all is
 * kept here. recv notes for how much it is asked. */
static int send_fails;
static unsigned char *kept;
static size_t kept_n, asked_bytes;

ssize_t send(int fd, const void *data, size_t size, int flags)
{
    errno = send_fails;
    if (send_fails)
        return -1;
    if (!kept)
        return sendto(fd, data, size, flags, NULL, 0);
    memcpy(kept + kept_n, data, size);
    kept_n += size;
    return (ssize_t)size;
}

ssize_t recv(int fd, void *data, size_t size, int flags)
{
    asked_bytes = size;
    return recvfrom(fd, data, size, flags, NULL, NULL);
}

static void set_up(void)
{
    send_fails = 0;
    kept = NULL;
    kept_n = 0;
    tls_pair_set_up();
}

static void write_client(size_t n)
{
    static const char data[200000];
    struct io io = transport_write(pair.client, data, n, &err);
    ck_assert_int_eq(io.status, IO_OK);
    ck_assert(io.progressed);
}

static struct io read_server(size_t size)
{
    static unsigned char data[64 * 1024];
    memset(data, '#', sizeof data);
    struct io io = transport_read(pair.server, data, size, &err);
    ck_assert_uint_le(io.n, size);
    ck_assert_int_eq(data[size], '#');
    return io;
}

START_TEST(says_more_only_where_there_is_more)
{
    tls_pair_connect(versions[_i]);
    write_client(50);
    ck_assert_int_eq(read_server(50).status, IO_WANT_READ); /* receives as much */
    struct io io = read_server(50);
    ck_assert_uint_eq(io.n, 50);
    ck_assert(!io.more);

    write_client(10);
    write_client(62);
    io = read_server(10 + 62 + overheads[_i]); /* a part of the second record */
    ck_assert_uint_eq(io.n, 10);
    ck_assert(!io.more);
    ck_assert_uint_eq(read_server(100).n, 62);
}
END_TEST

START_TEST(a_record_that_fits_partly_is_read_partly)
{
    enum { FIRST = 60, SECOND = 70, SIZE = 100 };
    tls_pair_connect(versions[_i]);
    write_client(FIRST);
    ck_assert_int_eq(read_server(FIRST + overheads[_i] - 1).status, IO_WANT_READ);
    write_client(SECOND);
    struct io io = read_server(SIZE);
    ck_assert_uint_eq(io.n, SIZE);
    ck_assert(io.more);
    io = read_server(SIZE);
    ck_assert_uint_eq(io.n, FIRST + SECOND - SIZE);
    ck_assert(io.progressed);
    ck_assert(!io.more);
}
END_TEST

START_TEST(the_last_byte_of_a_record_is_progress)
{
    tls_pair_connect(versions[_i]);
    write_client(51);
    ck_assert_int_eq(read_server(50).status, IO_WANT_READ);
    struct io io = read_server(50);
    ck_assert_uint_eq(io.n, 50);
    ck_assert(io.more);
    io = read_server(50);
    ck_assert_uint_eq(io.n, 1);
    ck_assert(io.progressed);
    ck_assert(!io.more);
}
END_TEST

START_TEST(writes_all_of_what_needs_several_sends)
{
    enum { SIZE = 120000 };
    static unsigned char data[SIZE], got[SIZE + 64 * 1024];
    tls_pair_connect(versions[_i]);
    for (size_t i = 0; i < SIZE; i++)
        data[i] = (unsigned char)(i ^ i >> 8 ^ i >> 16);
    size_t received = 0;
    for (size_t sent = 0; received < SIZE;) {
        struct io io = transport_write(pair.client, data + sent, SIZE - sent, &err);
        ck_assert(io.status == IO_OK || io.status == IO_WANT_WRITE);
        sent += io.n;
        do {
            io = transport_read(pair.server, got + received, 64 * 1024, &err);
            received += io.n;
        } while (io.progressed);
    }
    ck_assert_mem_eq(got, data, SIZE);
}
END_TEST

START_TEST(puts_as_much_as_fits_into_each_record)
{
    enum { SIZE = 6 * TLS_RECORD_BYTES + 1 };
    static const unsigned char data[SIZE];
    static unsigned char records[SIZE + 1024];
    tls_pair_connect(versions[_i]);
    kept = records;
    struct io io = transport_write(pair.server, data, SIZE, &err);
    ck_assert_int_eq(io.status, IO_OK);
    ck_assert_uint_eq(io.n, SIZE);
    size_t at = 0;
    for (int i = 0; i < 6; i++, at += TLS_RECORD_BYTES + overheads[_i])
        ck_assert_uint_eq(5 + (records[at + 3] << 8 | records[at + 4]),
                          TLS_RECORD_BYTES + overheads[_i]);
    ck_assert_uint_eq(kept_n - at, 1 + overheads[_i]);
}
END_TEST

/* So that what is left of a record need not be copied; a smaller buffer has no such room. */
START_TEST(receives_so_much_that_a_part_of_a_record_fits_too)
{
    static const struct {
        size_t size, asked;
    } reads[] = {{1, 1},
                 {2 * TLS_RECORD_BYTES, 2 * TLS_RECORD_BYTES},
                 {2 * TLS_RECORD_BYTES + 1, TLS_RECORD_BYTES + 1},
                 {64000, 64000 - TLS_RECORD_BYTES}};
    tls_pair_connect(versions[TLS13]);
    for (size_t i = 0; i < sizeof reads / sizeof *reads; i++) {
        ck_assert_int_eq(read_server(reads[i].size).status, IO_WANT_READ);
        ck_assert_uint_eq(asked_bytes, reads[i].asked);
    }
}
END_TEST

START_TEST(says_more_of_an_end_that_came_behind_a_byte)
{
    tls_pair_connect(versions[_i]);
    write_client(1);
    ck_assert_int_eq(transport_shutdown(pair.client, &err).status, IO_OK);
    struct io io = read_server(1000);
    ck_assert_int_eq(io.status, IO_OK);
    ck_assert_uint_eq(io.n, 1);
    ck_assert(io.more); /* the kernel has only the FIN left */
    ck_assert_int_eq(read_server(1000).status, IO_EOF);
}
END_TEST

/* The server fails and sends an alert; RFC 8446 §6.2. */
START_TEST(sends_nothing_after_the_fatal_alert_of_the_peer)
{
    char data[100];
    unsigned char record[5 + 40] = {23, 3, 3, 0, 40};
    tls_pair_connect(versions[_i]);
    ck_assert_int_eq(write(pair.client->fd, record, sizeof record), sizeof record);
    ck_assert_int_eq(read_server(100).status, IO_FAILED);
    ck_assert_int_eq(transport_shutdown(pair.server, &err).status, IO_OK);
    ck_assert_int_eq(transport_read(pair.client, data, sizeof data, &err).status, IO_FAILED);
    ck_assert_msg(strstr(err.text, "bad_record_mac") != NULL, "%s", err.text);
    ck_assert_int_eq(transport_shutdown(pair.client, &err).status, IO_OK);
    ck_assert_int_eq(recvfrom(pair.server->fd, data, sizeof data, 0, NULL, NULL), 0);
}
END_TEST

START_TEST(writes_nothing_after_its_own_end)
{
    tls_pair_connect(versions[_i]);
    ck_assert_int_eq(transport_shutdown(pair.server, &err).status, IO_OK);
    struct io io = transport_write(pair.server, "x", 1, &err);
    ck_assert_int_eq(io.status, IO_FAILED);
    ck_assert_uint_eq(io.n, 0);
}
END_TEST

START_TEST(an_end_that_waits_for_the_kernel_is_kept)
{
    char data[100];
    tls_pair_connect(versions[_i]);
    send_fails = EAGAIN;
    ck_assert_int_eq(transport_shutdown(pair.server, &err).status, IO_WANT_WRITE);
    send_fails = 0;
    ck_assert_int_eq(transport_shutdown(pair.server, &err).status, IO_OK);
    ck_assert_int_eq(transport_read(pair.client, data, sizeof data, &err).status, IO_EOF);
    ck_assert_int_eq(transport_shutdown(pair.client, &err).status, IO_OK);
    ck_assert(!transport_tls_refused_renegotiation(pair.client)); /* an alert of another kind */
}
END_TEST

/* Of two connections with one scratch. */
START_TEST(ends_the_connection_that_is_meant)
{
    char data[100];
    struct pair other;
    struct error ignored;
    int other_fds[2];
    tls_pair_connect(versions[_i]);
    pair_sockets(false, other_fds);
    struct transport_tls_options of_client = {
        .ctx = client_context, .scratch = pair.client_scratch, .server_name = "localhost"};
    struct transport_tls_options of_server = {.ctx = server_context,
                                              .scratch = pair.server_scratch};
    other = (struct pair){0};
    ck_assert_int_eq(transport_tls_new(other_fds[0], &of_client, &other.client, &err), 0);
    ck_assert_int_eq(transport_tls_new(other_fds[1], &of_server, &other.server, &err), 0);
    ck_assert_int_eq(pair_handshake(&other, &err, NULL, &ignored), IO_OK);
    ck_assert_int_eq(transport_shutdown(pair.server, &err).status, IO_OK);
    ck_assert_int_eq(transport_read(pair.client, data, sizeof data, &err).status, IO_EOF);
    pair_done(&other);
}
END_TEST

/* The server's last flight: its tickets. */
START_TEST(a_handshake_is_done_once_its_last_flight_is_sent)
{
    tls_pair_make_with(versions[TLS13]);
    ck_assert_int_eq(transport_handshake(pair.client, &err).status, IO_WANT_READ);
    ck_assert_int_eq(transport_handshake(pair.server, &err).status, IO_WANT_READ);
    ck_assert_int_eq(transport_handshake(pair.client, &err).status, IO_OK);
    send_fails = EAGAIN;
    ck_assert_int_eq(transport_handshake(pair.server, &err).status, IO_WANT_WRITE);
    send_fails = 0;
    ck_assert_int_eq(transport_handshake(pair.server, &err).status, IO_OK);
}
END_TEST

/* A certificate with many names. */
START_TEST(a_flight_may_be_longer_than_the_buffer_for_it)
{
    enum { NAMES = 1800 };
    static char names[NAMES * 50];
    struct folder folder;
    struct error ignored;
    char *end = names + sprintf(names, "DNS:localhost");
    for (int i = 0; i < NAMES; i++)
        end += sprintf(end, ",DNS:host-%034d", i);
    folder_new(&folder);
    struct pki large = pki_make(&(struct pki_spec){.subject = "large", .names = names});
    tls_context_free(server_context);
    ck_assert_int_eq(tls_context_new(TLS_SERVER, &server_context, &err), 0);
    struct peer_certificate own = pki_present(&folder, &large, server_context);
    ck_assert_int_eq(tls_context_pin(client_context, own.sha256, &err), 0);
    tls_pair_make_with(versions[TLS13]);
    ck_assert_int_eq(transport_handshake(pair.client, &err).status, IO_WANT_READ);
    ck_assert_int_eq(transport_handshake(pair.server, &err).status, IO_WANT_WRITE);
    ck_assert_int_eq(pair_handshake(&pair, &err, NULL, &ignored), IO_OK);
    pki_free(&large);
    folder_remove(&folder);
}
END_TEST

START_TEST(says_that_a_later_record_is_none_of_the_session)
{
    char data[100];
    unsigned char record[5 + 40] = {23, 3, 3, 0, 40};
    tls_pair_connect(versions[_i]);
    ck_assert_int_eq(write(pair.server->fd, record, sizeof record), sizeof record);
    ck_assert_int_eq(transport_read(pair.client, data, sizeof data, &err).status, IO_FAILED);
    ck_assert_msg(strstr(err.text, "is not a record of this session") != NULL, "%s", err.text);
}
END_TEST

/* A client whose server is the test, at fds[1]. */
static void open_client(void)
{
    pair.client_scratch = tls_scratch_new();
    struct transport_tls_options options = {
        .ctx = client_context, .scratch = pair.client_scratch, .server_name = "localhost"};
    ck_assert_int_eq(transport_tls_new(fds[0], &options, &pair.client, &err), 0);
}

/* The client fails once it has that answer to its ClientHello. */
static void answer(const unsigned char *records, size_t n)
{
    open_client();
    ck_assert_int_eq(transport_handshake(pair.client, &err).status, IO_WANT_READ);
    ck_assert_int_eq(write(fds[1], records, n), (ssize_t)n);
    ck_assert_int_eq(transport_handshake(pair.client, &err).status, IO_FAILED);
    close(fds[1]);
}

START_TEST(a_client_knows_a_first_message_that_is_no_server_hello)
{
    static const unsigned char certificate[] = {22, 3, 1, 0, 6, 11, 0, 0, 2, 3, 1};
    answer(certificate, sizeof certificate);
    ck_assert_msg(strstr(err.text, "obsolete") == NULL, "%s", err.text);
}
END_TEST

/* It ends before its version, or behind it. */
START_TEST(a_client_calls_a_short_server_hello_malformed)
{
    unsigned char record[] = {22, 3, 1, 0, (unsigned char)(4 + _i), 2, 0, 0, (unsigned char)_i,
                              3,  1};
    answer(record, 9 + (size_t)_i);
    ck_assert_int_eq(err.alert, TLS_ALERT_DECODE_ERROR);
    ck_assert_msg(strstr(err.text, "obsolete") == NULL, "%s", err.text);
}
END_TEST

/* Where a ServerHello has its version, a ServerKeyExchange has the type of a curve (RFC 8422 §5.4):
 * named_curve, 3. */
START_TEST(no_later_message_names_a_version)
{
    static const unsigned char alert[] = {21, 3, 3, 0, 2, 2, 70}; /* protocol_version */
    tls_pair_make_with(versions[TLS12]);
    ck_assert_int_eq(transport_handshake(pair.client, &err).status, IO_WANT_READ);
    ck_assert_int_eq(transport_handshake(pair.server, &err).status, IO_WANT_READ);
    ck_assert_int_eq(write(pair.server->fd, alert, sizeof alert), sizeof alert);
    enum io_status status;
    do
        status = transport_handshake(pair.client, &err).status;
    while (status == IO_WANT_READ);
    ck_assert_int_eq(status, IO_FAILED);
    ck_assert_msg(strstr(err.text, "protocol_version") != NULL, "%s", err.text);
    ck_assert_msg(strstr(err.text, "SSL 3.0") == NULL, "%s", err.text);
}
END_TEST

START_TEST(a_server_that_refuses_renegotiation_is_none_that_asked_for_it)
{
    static const unsigned char warning[] = {21, 3, 3, 0, 2, 1, 100}; /* no_renegotiation */
    answer(warning, sizeof warning);
    ck_assert(!transport_tls_refused_renegotiation(pair.client));
}
END_TEST

/* RFC 5246 §7.4.1.3: the version, random, no session, a cipher, no compression. */
START_TEST(names_an_obsolete_version_of_the_server)
{
    static const char *const names[] = {"speaks SSL 3.0", "speaks TLS 1.0", "speaks TLS 1.1"};
    unsigned char record[5 + 4 + 38] = {22, 3, 1, 0, 42, 2, 0, 0, 38, 3, (unsigned char)_i};
    record[9 + 35] = 0xc0, record[9 + 36] = 0x09;
    answer(record, sizeof record);
    ck_assert_msg(strstr(err.text, names[_i]) != NULL, "%s", err.text);
}
END_TEST

START_TEST(a_server_offers_only_the_protocols_of_its_options)
{
    static const char *const offered[] = {"h2", "http/1.1"}, *const only[] = {"http/1.1", NULL};
    struct error ignored;
    struct peer peer;
    ck_assert_int_eq(tls_context_set_alpn(client_context, offered, 2, &err), 0);
    ck_assert_int_eq(tls_context_set_alpn(server_context, offered, 2, &err), 0);
    pair = (struct pair){.client_scratch = tls_scratch_new(), .server_scratch = tls_scratch_new()};
    struct transport_tls_options of_client = {
        .ctx = client_context, .scratch = pair.client_scratch, .server_name = "localhost"};
    struct transport_tls_options of_server = {
        .ctx = server_context, .scratch = pair.server_scratch, .alpn = _i == 0 ? only : NULL};
    ck_assert_int_eq(transport_tls_new(fds[0], &of_client, &pair.client, &err), 0);
    ck_assert_int_eq(transport_tls_new(fds[1], &of_server, &pair.server, &err), 0);
    ck_assert_int_eq(pair_handshake(&pair, &err, NULL, &ignored), IO_OK);
    transport_peer(pair.client, &peer);
    ck_assert_str_eq(peer.alpn, _i == 0 ? "http/1.1" : "h2");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("transport_tls_edges");
    TCase *tcase = tcase_create("connected");
    tcase_add_checked_fixture(tcase, set_up, tls_pair_tear_down);
    tcase_add_loop_test(tcase, says_more_only_where_there_is_more, 0, VERSIONS);
    tcase_add_loop_test(tcase, a_record_that_fits_partly_is_read_partly, 0, VERSIONS);
    tcase_add_loop_test(tcase, the_last_byte_of_a_record_is_progress, 0, VERSIONS);
    tcase_add_loop_test(tcase, writes_all_of_what_needs_several_sends, 0, VERSIONS);
    tcase_add_loop_test(tcase, puts_as_much_as_fits_into_each_record, 0, VERSIONS);
    tcase_add_test(tcase, receives_so_much_that_a_part_of_a_record_fits_too);
    tcase_add_loop_test(tcase, says_more_of_an_end_that_came_behind_a_byte, 0, VERSIONS);
    tcase_add_loop_test(tcase, sends_nothing_after_the_fatal_alert_of_the_peer, 0, VERSIONS);
    tcase_add_loop_test(tcase, writes_nothing_after_its_own_end, 0, VERSIONS);
    tcase_add_loop_test(tcase, an_end_that_waits_for_the_kernel_is_kept, 0, VERSIONS);
    tcase_add_loop_test(tcase, ends_the_connection_that_is_meant, 0, VERSIONS);
    tcase_add_loop_test(tcase, says_that_a_later_record_is_none_of_the_session, 0, VERSIONS);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("handshake");
    tcase_add_checked_fixture(tcase, set_up, tls_pair_tear_down);
    tcase_add_test(tcase, a_handshake_is_done_once_its_last_flight_is_sent);
    tcase_add_test(tcase, a_client_knows_a_first_message_that_is_no_server_hello);
    tcase_add_test(tcase, a_flight_may_be_longer_than_the_buffer_for_it);
    tcase_add_loop_test(tcase, a_client_calls_a_short_server_hello_malformed, 0, 3);
    tcase_add_test(tcase, no_later_message_names_a_version);
    tcase_add_test(tcase, a_server_that_refuses_renegotiation_is_none_that_asked_for_it);
    tcase_add_loop_test(tcase, names_an_obsolete_version_of_the_server, 0, 3);
    tcase_add_loop_test(tcase, a_server_offers_only_the_protocols_of_its_options, 0, 2);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
