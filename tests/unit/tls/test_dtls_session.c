/* SPDX-License-Identifier: MIT */
/* Two sessions in memory, with the losses of a test's choice and a clock that it sets. */
#include "tlsecho/tls/dtls_session.h"

#include <check.h>
#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "dtls_session_internal.h"
#include "tls_context_internal.h"

#include "folder.h"
#include "loopback.h"
#include "pki.h"
#include "suite.h"
#include "tlsecho/tls/dtls_cookie.h"
#include "tlsecho/tls/tls_alert.h"
#include "tlsecho/tls/tls_chain.h"
#include "tlsecho/tls/tls_context.h"
#include "tlsecho/tls/tls_memory.h"

enum { SECOND_US = 1000000, LATENESS_US = 20000 /* below it OpenSSL rounds to 0 */ };

static struct folder folder;
static struct pki ca, leaf, client_leaf;
static struct tls_context *server_context, *client_context;
static struct dtls_cookies *cookies;
static struct dtls_session *client, *server;
static struct error err, server_error;
static enum dtls_status client_status, server_status;
static unsigned long lost_by_client, lost_by_server; /* bit n: its datagram number n */
static unsigned sent_by_client, sent_by_server, refused_by_server;
static size_t longest_by_server;
static unsigned char
    number_of_first; /* of the first record that the server sent after the cookie */
static unsigned char message[DTLS_DATA_MAX];
static uint64_t now_us;
static void (*before_server)(void); /* its session is made */

/* The clock of OpenSSL. */
int gettimeofday(struct timeval *restrict ret, void *restrict zone)
{
    (void)zone;
    *ret = (struct timeval){.tv_sec = (time_t)(now_us / SECOND_US),
                            .tv_usec = (suseconds_t)(now_us % SECOND_US)};
    return 0;
}

static void set_up(void)
{
    now_us = 1000 * (uint64_t)SECOND_US;
    folder_new(&folder);
    ca = pki_make(&(struct pki_spec){.subject = "Test CA", .ca = true});
    leaf = pki_make(&(struct pki_spec){.subject = "leaf", .names = "DNS:localhost", .issuer = &ca});
    client_leaf = pki_make(
        &(struct pki_spec){.subject = "client", .names = "DNS:a.example.org", .issuer = &ca});
    ck_assert_int_eq(tls_context_new_dtls(TLS_SERVER, &server_context, &err), 0);
    ck_assert_int_eq(tls_context_new_dtls(TLS_CLIENT, &client_context, &err), 0);
    ck_assert_int_eq(dtls_cookies_new(&cookies, &err), 0);
    pki_present(&folder, &leaf, server_context);
    pki_trust(&folder, &ca, client_context);
    lost_by_client = lost_by_server = refused_by_server = 0;
    sent_by_client = sent_by_server = 0;
    number_of_first = 0;
    longest_by_server = 0;
    before_server = NULL;
    client_status = server_status = DTLS_WAIT;
}

static void hang_up(void)
{
    if (client)
        dtls_session_close(client); /* else OpenSSL forgets the session */
    dtls_session_free(client);
    dtls_session_free(server);
    client = server = NULL;
    client_status = server_status = DTLS_WAIT;
}

static void tear_down(void)
{
    hang_up();
    dtls_cookies_free(cookies);
    tls_context_free(client_context);
    tls_context_free(server_context);
    pki_free(&client_leaf);
    pki_free(&leaf);
    pki_free(&ca);
    folder_remove(&folder);
}

static void dial_with(size_t mtu)
{
    const struct dtls_session_options options = {
        .ctx = client_context, .server_name = "localhost", .mtu = mtu};
    ck_assert_msg(dtls_session_new(&options, &client, &err) == 0, "%s", err.text);
    client_status = dtls_session_handshake(client, &err);
    ck_assert_int_eq(client_status, DTLS_WAIT);
}

static void to_client(const unsigned char *data, size_t n)
{
    unsigned number = sent_by_server++;
    longest_by_server = n > longest_by_server ? n : longest_by_server;
    if (server && number_of_first == 0)
        number_of_first = data[10];
    if (lost_by_server >> number & 1)
        return;
    dtls_session_feed(client, data, n);
    if (client_status != DTLS_FAILED)
        client_status = dtls_session_handshake(client, &err);
}

static void to_server(const unsigned char *data, size_t n)
{
    unsigned char answer[DTLS_COOKIE_ANSWER_BYTES];
    struct address peer = loopback_address("udp://192.0.2.1:4000"),
                   own = loopback_address("udp://192.0.2.2:7443");
    const struct dtls_first_flight flight = {.peer = &peer, .own = &own, .data = data, .length = n};
    const struct dtls_session_options options = {
        .ctx = server_context, .mtu = 600, .hello = data, .hello_length = n};
    bool fed = server;
    if (lost_by_client >> sent_by_client++ & 1)
        return;
    if (server) {
        dtls_session_feed(server, data, n);
    } else {
        switch (dtls_cookies_check(cookies, &flight, now_us, answer)) {
        case DTLS_FIRST_ASK:
        case DTLS_FIRST_WRONG:
            to_client(answer, sizeof answer);
            return;
        case DTLS_FIRST_PROVEN:
            if (before_server)
                before_server();
            ck_assert_msg(dtls_session_new(&options, &server, &server_error) == 0, "%s",
                          server_error.text);
            break;
        case DTLS_FIRST_OTHER:
        case DTLS_FIRST_TOO_LONG:
            ck_abort_msg("not a ClientHello");
        }
    }
    if (server_status == DTLS_WAIT)
        server_status = dtls_session_handshake(server, &server_error);
    size_t none;
    if (server_status == DTLS_OK)
        dtls_session_read(server, message, sizeof message, &none, &server_error);
    refused_by_server += fed && !dtls_session_accepted(server);
}

/* Everything that is on the way arrives, or is lost. */
static void deliver(void)
{
    const unsigned char *data;
    unsigned char copy[DTLS_DATA_MAX + DTLS_OVERHEAD_MAX];
    size_t n;
    bool moved;
    do {
        moved = false;
        while (client && dtls_session_next(client, &data, &n)) {
            memcpy(copy, data, n);
            to_server(copy, n);
            moved = true;
        }
        while (server && dtls_session_next(server, &data, &n)) {
            memcpy(copy, data, n);
            to_client(copy, n);
            moved = true;
        }
    } while (moved);
}

static void shake(void)
{
    dial_with(0);
    deliver();
    ck_assert_msg(client_status == DTLS_OK, "%s", err.text);
    ck_assert_msg(server_status == DTLS_OK, "%s", server_error.text);
}

/* The time until `s` sends again, which passes. */
static uint64_t wait_for(struct dtls_session *s)
{
    uint64_t us = dtls_session_timeout_us(s);
    ck_assert_uint_ne(us, UINT64_MAX);
    now_us += us;
    ck_assert_uint_eq(dtls_session_timeout_us(s), 0);
    ck_assert_int_eq(dtls_session_retransmit(s, &err), DTLS_OK);
    return us;
}

static void is_about(uint64_t us, uint64_t expected_us)
{
    ck_assert_uint_le(us, expected_us);
    ck_assert_uint_ge(us + LATENESS_US, expected_us);
}

/* A message of `from` as one datagram. */
static size_t write_one(struct dtls_session *from, const void *data, size_t n,
                        unsigned char *ret_datagram)
{
    const unsigned char *made, *more;
    size_t length;
    ck_assert_msg(dtls_session_write(from, data, n, &err) == DTLS_OK, "%s", err.text);
    ck_assert(dtls_session_next(from, &made, &length));
    memcpy(ret_datagram, made, length);
    size_t ignored;
    ck_assert(!dtls_session_next(from, &more, &ignored));
    return length;
}

static void reads(struct dtls_session *to, const void *data, size_t n)
{
    size_t got;
    ck_assert_int_eq(dtls_session_read(to, message, sizeof message, &got, &err), DTLS_OK);
    ck_assert_mem_eq(message, data, n);
    ck_assert_uint_eq(got, n);
}

static void reads_nothing(struct dtls_session *to)
{
    size_t got;
    ck_assert_int_eq(dtls_session_read(to, message, sizeof message, &got, &err), DTLS_WAIT);
    ck_assert_uint_eq(got, 0);
}

START_TEST(shakes_hands_behind_a_cookie)
{
    struct peer peer;
    char ours[TLS_EXPORTER_BYTES], theirs[TLS_EXPORTER_BYTES];
    shake();
    dtls_session_peer(client, &peer);
    ck_assert_str_eq(peer.version, "DTLSv1.2");
    ck_assert_str_eq(peer.cipher, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
    ck_assert(peer.certificate.verified);
    ck_assert_str_eq(peer.certificate.subject, "CN=leaf");
    dtls_session_exporter(client, ours);
    dtls_session_exporter(server, theirs);
    ck_assert_str_eq(ours, theirs);
    ck_assert_uint_eq(strlen(ours), TLS_EXPORTER_BYTES - 1);
    ck_assert_uint_eq(dtls_session_timeout_us(client), UINT64_MAX);
    ck_assert_uint_eq(dtls_session_timeout_us(server), UINT64_MAX);
    ck_assert_uint_eq(dtls_session_retransmissions(client), 0);
}
END_TEST

START_TEST(carries_messages_whole_and_in_the_order_of_arrival)
{
    static const size_t sizes[] = {1, 100, 1400, DTLS_DATA_MAX};
    static unsigned char data[DTLS_DATA_MAX], first[DTLS_DATA_MAX + DTLS_OVERHEAD_MAX],
        second[DTLS_DATA_MAX + DTLS_OVERHEAD_MAX];
    shake();
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        memset(data, (int)i + 'a', sizes[i]);
        size_t n = write_one(client, data, sizes[i], first);
        ck_assert_uint_le(n, sizes[i] + DTLS_OVERHEAD_MAX);
        dtls_session_feed(server, first, n);
        reads(server, data, sizes[i]);
        reads_nothing(server);
    }
    size_t first_n = write_one(server, "1", 1, first), second_n = write_one(server, "2", 1, second);
    dtls_session_feed(client, second, second_n);
    reads(client, "2", 1);
    dtls_session_feed(client, first, first_n);
    reads(client, "1", 1);
}
END_TEST

START_TEST(refuses_a_message_that_no_record_can_carry)
{
    static unsigned char data[DTLS_DATA_MAX + 1];
    unsigned char datagram[100];
    shake();
    ck_assert_int_eq(dtls_session_write(client, data, sizeof data, &err), DTLS_FAILED);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_int_eq(dtls_session_write(client, data, 0, &err), DTLS_FAILED);
    ck_assert_str_eq(err.text, "a message over DTLS has 1 to 16384 bytes");
    ck_assert_uint_gt(write_one(client, data, 1, datagram), 1); /* the session goes on */
}
END_TEST

START_TEST(reads_several_records_of_one_datagram)
{
    unsigned char both[300];
    shake();
    size_t n = write_one(client, "one", 3, both);
    n += write_one(client, "two", 3, both + n);
    dtls_session_feed(server, both, n);
    ck_assert(dtls_session_has_more(server));
    reads(server, "one", 3);
    ck_assert(dtls_session_has_more(server));
    reads(server, "two", 3);
    ck_assert(!dtls_session_has_more(server));
    reads_nothing(server);
}
END_TEST

START_TEST(rests_and_goes_on)
{
    unsigned char both[300];
    shake();
    dtls_session_rest(server);
    size_t n = write_one(client, "one", 3, both);
    n += write_one(client, "two", 3, both + n);
    dtls_session_feed(server, both, n);
    reads(server, "one", 3);
    dtls_session_rest(server); /* what waits is not lost */
    reads(server, "two", 3);
    dtls_session_rest(server);
    dtls_session_feed(client, both, write_one(server, "back", 4, both));
    reads(client, "back", 4);
}
END_TEST

START_TEST(drops_what_is_no_record_of_the_session)
{
    unsigned char datagram[300], bad[300];
    shake();
    size_t n = write_one(client, "hello", 5, datagram);
    memcpy(bad, datagram, n);
    bad[n - 1] ^= 1;
    dtls_session_feed(server, bad, n); /* altered */
    reads_nothing(server);
    ck_assert(!dtls_session_accepted(server));
    dtls_session_feed(server, datagram, n - 1); /* truncated */
    reads_nothing(server);
    dtls_session_feed(server, (const unsigned char *)"GET / HTTP/1.0", 14);
    reads_nothing(server);
    dtls_session_feed(server, datagram, 0);
    reads_nothing(server);
    dtls_session_feed(server, datagram, n);
    reads(server, "hello", 5);
    ck_assert(dtls_session_accepted(server));
    dtls_session_feed(server, datagram, n); /* replayed */
    reads_nothing(server);
    ck_assert(!dtls_session_accepted(server));
}
END_TEST

/* Which anybody can forge. */
START_TEST(accepts_no_plain_part_of_a_message_once_it_is_established)
{
    static const unsigned char part[] = {
        22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 99, 0, 13, /* record */
        1,  0,    0,    9, 0, 9, 0, 0, 0, 0, 0,  1, 'x'};
    shake();
    dtls_session_feed(server, part, sizeof part);
    reads_nothing(server);
    ck_assert(!dtls_session_accepted(server));
}
END_TEST

/* A forged record with a body of n bytes: application data, or an alert, of the epoch after the
 * handshake. */
static size_t forge(unsigned char type, size_t n, unsigned char *ret)
{
    const unsigned char header[] = {
        type, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 1, (unsigned char)n, 0, (unsigned char)n};
    memcpy(ret, header, sizeof header);
    memset(ret + sizeof header, 'x', n);
    return sizeof header + n;
}

enum { FORGED_MAX = 80 };

static const char *const ciphers[] = {
    "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES128-CCM",
    "ECDHE-ECDSA-AES128-CCM8",       "ECDHE-ECDSA-AES128-SHA",        "ECDHE-ECDSA-AES128-SHA256",
    "ECDHE-ECDSA-AES256-SHA384"};

/* False: this library does not allow it. */
static bool use_cipher(const char *cipher)
{
    if (tls_context_set_ciphers(server_context, cipher, &err) < 0)
        return false;
    ck_assert_int_eq(tls_context_set_ciphers(client_context, cipher, &err), 0);
    return true;
}

static void drops_forged_records(struct dtls_session *to, struct dtls_session *from)
{
    unsigned char datagram[DTLS_DATA_MAX + DTLS_OVERHEAD_MAX];
    for (size_t n = 0; n < FORGED_MAX; n++)
        for (unsigned char type = 21; type <= 23; type++) {
            dtls_session_feed(to, datagram, forge(type, n, datagram));
            reads_nothing(to);
        }
    size_t behind = write_one(from, "ab", 2, datagram);
    behind += forge(23, 1, datagram + behind);
    dtls_session_feed(to, datagram, behind);
    reads(to, "ab", 2);
    reads_nothing(to);
}

START_TEST(survives_forged_records_of_any_length)
{
    if (!use_cipher(ciphers[_i]))
        return;
    shake();
    drops_forged_records(server, client);
    drops_forged_records(client, server);
}
END_TEST

/* OpenSSL keeps records of the next epoch until it begins. */
START_TEST(survives_forged_records_during_the_handshake)
{
    unsigned char datagram[FORGED_MAX + 16];
    dial_with(0);
    lost_by_server = 2; /* the first flight */
    deliver();
    for (size_t n = 0; n < FORGED_MAX; n++) {
        size_t length = forge(23, n, datagram);
        dtls_session_feed(client, datagram, length);
        client_status = dtls_session_handshake(client, &err);
        ck_assert_int_eq(client_status, DTLS_WAIT);
        dtls_session_feed(server, datagram, length);
        server_status = dtls_session_handshake(server, &server_error);
        ck_assert_int_eq(server_status, DTLS_WAIT);
    }
    wait_for(server);
    deliver();
    ck_assert_msg(client_status == DTLS_OK, "%s", err.text);
    ck_assert_msg(server_status == DTLS_OK, "%s", server_error.text);
    reads_nothing(client);
    reads_nothing(server);
}
END_TEST

/* RFC 6347 §4.2.4.1: 1 s, doubled each time. */
START_TEST(sends_a_flight_again_after_1_2_and_4_seconds)
{
    lost_by_client = 7;
    dial_with(0);
    deliver();
    is_about(wait_for(client), SECOND_US);
    deliver();
    is_about(wait_for(client), 2 * SECOND_US);
    deliver();
    is_about(wait_for(client), 4 * SECOND_US);
    deliver();
    ck_assert_int_eq(client_status, DTLS_OK);
    ck_assert_int_eq(server_status, DTLS_OK);
    ck_assert_uint_eq(dtls_session_retransmissions(client), 3);
    ck_assert_uint_eq(number_of_first, 4); /* as the ClientHello that it answers, §4.2.1 */
}
END_TEST

/* Both have finished after so many retransmissions at most. */
static void finish(int most)
{
    dial_with(0);
    deliver();
    for (int i = 0; i < most && (client_status != DTLS_OK || server_status != DTLS_OK); i++) {
        if (dtls_session_timeout_us(client) != UINT64_MAX)
            wait_for(client);
        else
            wait_for(server);
        deliver();
    }
    ck_assert_msg(client_status == DTLS_OK, "%s", err.text);
    ck_assert_msg(server_status == DTLS_OK, "%s", server_error.text);
}

/* Each datagram of the handshake once: the client's, then the server's. */
START_TEST(survives_the_loss_of_any_datagram)
{
    lost_by_client = _i < 4 ? 1UL << _i : 0;
    lost_by_server = _i < 4 ? 0 : 1UL << (_i - 4);
    finish(3);
}
END_TEST

static unsigned long random_bits(double share)
{
    unsigned long bits = 0;
    for (size_t i = 0; i < 8 * sizeof bits; i++)
        bits |= (unsigned long)(drand48() < share) << i;
    return bits;
}

START_TEST(completes_under_a_loss_of_5_per_cent)
{
    unsigned retransmissions = 0;
    srand48(1);
    for (int i = 0; i < 50; i++) {
        sent_by_client = sent_by_server = 0;
        lost_by_client = random_bits(0.05);
        lost_by_server = random_bits(0.05);
        finish(6);
        retransmissions += dtls_session_retransmissions(client);
        hang_up();
    }
    ck_assert_uint_gt(retransmissions, 10);
}
END_TEST

START_TEST(sends_nothing_again_before_it_is_due)
{
    lost_by_client = 1;
    dial_with(0);
    deliver();
    now_us += dtls_session_timeout_us(client) - LATENESS_US;
    ck_assert_int_eq(dtls_session_retransmit(client, &err), DTLS_OK);
    ck_assert_uint_eq(dtls_session_retransmissions(client), 0);
    now_us += LATENESS_US;
    ck_assert_int_eq(dtls_session_retransmit(client, &err), DTLS_OK);
    ck_assert_uint_eq(dtls_session_retransmissions(client), 1);
}
END_TEST

START_TEST(gives_up_when_nothing_answers)
{
    int times = 0;
    enum dtls_status status = DTLS_OK;
    dial_with(0);
    while (status == DTLS_OK && times++ < 30) {
        now_us += dtls_session_timeout_us(client);
        status = dtls_session_retransmit(client, &err);
    }
    ck_assert_int_eq(status, DTLS_FAILED);
    ck_assert_int_eq(err.kind, ERROR_TIMEOUT);
    ck_assert_uint_eq(dtls_session_timeout_us(client), UINT64_MAX);
}
END_TEST

/* It does so itself where a call comes after the time and before the timer of its user. */
START_TEST(gives_up_alike_when_openssl_retransmits_by_itself)
{
    int times = 0;
    enum dtls_status status = DTLS_WAIT;
    dial_with(0);
    while (status == DTLS_WAIT && times++ < 30) {
        now_us += dtls_session_timeout_us(client);
        status = dtls_session_handshake(client, &err);
    }
    ck_assert_int_eq(status, DTLS_FAILED);
    ck_assert_int_eq(err.kind, ERROR_TIMEOUT);
    ck_assert_uint_eq(dtls_session_timeout_us(client), UINT64_MAX);
}
END_TEST

START_TEST(keeps_a_flight_within_the_mtu)
{
    shake(); /* the server's is 600 */
    ck_assert_uint_le(longest_by_server, 600);
    ck_assert_uint_eq(dtls_session_mtu(server), 600);
    dtls_session_lower_mtu(server, 400);
    ck_assert_uint_eq(dtls_session_mtu(server), 400);
    dtls_session_lower_mtu(server, 500);
    ck_assert_uint_eq(dtls_session_mtu(server), 400);
    dtls_session_lower_mtu(server, 10);
    ck_assert_uint_eq(dtls_session_mtu(server), DTLS_MTU_MIN);
}
END_TEST

START_TEST(lowers_the_mtu_from_one_usual_one_to_the_next)
{
    static const size_t usual[] = {1472, 1200, 1024, 548, DTLS_MTU_MIN, DTLS_MTU_MIN};
    dial_with(9000);
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        dtls_session_lower_mtu(client, 0);
        ck_assert_uint_eq(dtls_session_mtu(client), usual[i]);
    }
}
END_TEST

START_TEST(sends_again_in_smaller_datagrams)
{
    lost_by_server = 0x7e; /* all but the cookie, three times two datagrams */
    dial_with(0);
    deliver();
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_eq(dtls_session_mtu(server), 600);
        longest_by_server = 0;
        wait_for(server);
        deliver();
    }
    ck_assert_uint_eq(dtls_session_mtu(server), 548);
    ck_assert_uint_le(longest_by_server, 548);
    ck_assert_int_eq(client_status, DTLS_OK);
}
END_TEST

START_TEST(knows_how_much_fits_a_datagram)
{
    static unsigned char data[DTLS_DATA_MAX], datagram[DTLS_DATA_MAX + DTLS_OVERHEAD_MAX];
    static const size_t sizes[] = {100, 255, 256, 1200, 1472, 9000};
    shake();
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t room = dtls_session_data_room(client, sizes[i]);
        ck_assert_uint_eq(write_one(client, data, room, datagram), sizes[i]);
    }
    ck_assert_uint_eq(dtls_session_data_room(client, 65507), DTLS_DATA_MAX);
    ck_assert_uint_eq(dtls_session_data_room(client, 20), 0);
    ck_assert_uint_eq(dtls_session_mtu(client), DTLS_MTU_DEFAULT);
}
END_TEST

/* The longest message that fits is found, and no record is longer than all users of
 * DTLS_OVERHEAD_MAX have room for. */
START_TEST(knows_what_each_cipher_adds)
{
    static unsigned char data[DTLS_DATA_MAX + 1], datagram[2 * DTLS_DATA_MAX];
    if (!use_cipher(ciphers[_i]))
        return;
    shake();
    for (size_t n = 1; n <= 64; n++)
        ck_assert_uint_le(write_one(client, data, n, datagram), n + DTLS_OVERHEAD_MAX);
    for (size_t size = 1; size < 300; size++) {
        size_t room = dtls_session_data_room(client, size);
        ck_assert_uint_gt(write_one(client, data, room + 1, datagram), size);
        if (room > 0)
            ck_assert_uint_le(write_one(client, data, room, datagram), size);
    }
}
END_TEST

START_TEST(ends_with_close_notify)
{
    const unsigned char *data;
    size_t n, none;
    shake();
    dtls_session_close(client);
    ck_assert(dtls_session_next(client, &data, &n));
    dtls_session_feed(server, data, n);
    ck_assert_int_eq(dtls_session_read(server, message, sizeof message, &none, &err), DTLS_CLOSED);
    ck_assert(!dtls_session_next(client, &data, &n));
    dtls_session_close(client);
    ck_assert(!dtls_session_next(client, &data, &n));
}
END_TEST

START_TEST(reads_on_after_its_close_notify)
{
    unsigned char late[100];
    const unsigned char *data;
    size_t ignored;
    shake();
    size_t n = write_one(server, "late", 4, late);
    dtls_session_close(client);
    ck_assert(dtls_session_next(client, &data, &ignored));
    dtls_session_feed(client, late, n);
    dtls_session_close(client);
    reads(client, "late", 4);
}
END_TEST

/* The client does not trust the server. */
static void distrust(void)
{
    tls_context_free(client_context);
    ck_assert_int_eq(tls_context_new_dtls(TLS_CLIENT, &client_context, &err), 0);
    pki_trust(&folder, &client_leaf, client_context);
}

START_TEST(verifies_the_server)
{
    struct tls_chain chain;
    distrust();
    dial_with(0);
    deliver();
    ck_assert_int_eq(client_status, DTLS_FAILED);
    ck_assert_int_eq(err.kind, ERROR_UNTRUSTED);
    ck_assert_int_eq(err.alert, TLS_ALERT_UNKNOWN_CA);
    ck_assert_int_eq(server_status, DTLS_FAILED);
    ck_assert_str_eq(server_error.text, "the client sent the alert unknown_ca");
    ck_assert_int_eq(dtls_session_chain(client, &chain, &err), 0);
    ck_assert_uint_eq(chain.count, 1);
    tls_chain_done(&chain);
}
END_TEST

START_TEST(refuses_a_chain_before_it_is_parsed)
{
    struct pki odd = pki_make(&(struct pki_spec){.subject = "odd", .explicit_curve = true});
    SSL_CTX_add1_chain_cert(server_context->ssl, odd.certificate);
    dial_with(0);
    deliver();
    ck_assert_int_eq(client_status, DTLS_FAILED);
    ck_assert_int_eq(err.kind, ERROR_UNTRUSTED);
    ck_assert_int_eq(err.code, ERROR_CODE_UNREAD);
    ck_assert_msg(strstr(err.text, "explicit curve parameters") != NULL, "%s", err.text);
    pki_free(&odd);
}
END_TEST

static void run_out_of_memory(void)
{
    ck_assert_ptr_null(OPENSSL_malloc(SIZE_MAX / 2 + 1));
}

START_TEST(memory_that_was_missing_is_why_the_handshake_fails_later)
{
    distrust();
    dial_with(0);
    run_out_of_memory();
    ck_assert_int_eq(dtls_session_handshake(client, &err), DTLS_WAIT);
    deliver();
    ck_assert_int_eq(client_status, DTLS_FAILED);
    ck_assert_int_eq(err.code, ENOMEM);
}
END_TEST

START_TEST(memory_that_another_session_lacked_is_not_why_this_one_fails)
{
    distrust();
    before_server = run_out_of_memory;
    dial_with(0);
    deliver();
    ck_assert_int_eq(server_status, DTLS_FAILED);
    ck_assert_str_eq(server_error.text, "the client sent the alert unknown_ca");
}
END_TEST

/* A HelloRequest (RFC 5246 §7.4.1.1), which our server never sends. */
static size_t ask_for_renegotiation(unsigned char ret[100])
{
    const unsigned char *data;
    size_t n;
    SSL_clear_options(server->ssl, SSL_OP_NO_RENEGOTIATION);
    ck_assert_int_eq(SSL_renegotiate(server->ssl), 1);
    SSL_do_handshake(server->ssl);
    ck_assert(dtls_session_next(server, &data, &n));
    memcpy(ret, data, n);
    return n;
}

/* The server takes so many warnings as an attack; the client gets its alert. */
static void feed_alert(void)
{
    enum { WARNINGS_MAX = 5 };
    unsigned char datagram[100];
    const unsigned char *data;
    size_t n, none;
    enum dtls_status status = DTLS_WAIT;
    for (int i = 0; i < WARNINGS_MAX && status == DTLS_WAIT; i++) {
        dtls_session_feed(client, datagram, ask_for_renegotiation(datagram));
        reads_nothing(client);
        ck_assert(dtls_session_next(client, &data, &n)); /* no_renegotiation */
        dtls_session_feed(server, data, n);
        status = dtls_session_read(server, message, sizeof message, &none, &server_error);
    }
    ck_assert_int_eq(status, DTLS_FAILED);
    ck_assert(dtls_session_next(server, &data, &n));
    dtls_session_feed(client, data, n);
}

START_TEST(says_that_the_server_gave_up_as_renegotiation_was_refused)
{
    size_t none;
    shake();
    feed_alert();
    ck_assert_int_eq(dtls_session_read(client, message, sizeof message, &none, &err), DTLS_FAILED);
    ck_assert_msg(strstr(err.text, "the server asked for renegotiation") != NULL, "%s", err.text);
}
END_TEST

START_TEST(memory_that_was_missing_is_why_a_read_fails)
{
    size_t none;
    shake();
    feed_alert();
    run_out_of_memory();
    ck_assert_int_eq(dtls_session_read(client, message, sizeof message, &none, &err), DTLS_FAILED);
    ck_assert_int_eq(err.code, ENOMEM);
}
END_TEST

START_TEST(fails_after_a_flood_of_requests_for_renegotiation)
{
    unsigned char datagram[100];
    size_t none;
    int requests = 0;
    shake();
    do
        dtls_session_feed(client, datagram, ask_for_renegotiation(datagram));
    while (dtls_session_read(client, message, sizeof message, &none, &err) == DTLS_WAIT &&
           ++requests < 1000);
    ck_assert_int_eq(requests, 64);
    ck_assert_int_eq(err.kind, ERROR_FLOOD);
}
END_TEST

static void require_client(void)
{
    ck_assert_int_eq(tls_context_use_client_ca(server_context,
                                               pki_write_certificate(&folder, "ca.pem", &ca), &err),
                     0);
    ck_assert_int_eq(tls_context_allow_name(server_context, "DNS:a.example.org", &err), 0);
    ck_assert_int_eq(tls_context_set_client_auth(server_context, TLS_CLIENT_AUTH_REQUIRED, &err),
                     0);
}

START_TEST(authenticates_the_client)
{
    struct peer peer;
    require_client();
    pki_present(&folder, &client_leaf, client_context);
    shake();
    dtls_session_peer(server, &peer);
    ck_assert(peer.certificate.verified);
    ck_assert_str_eq(peer.certificate.names, "DNS:a.example.org");
}
END_TEST

START_TEST(accepts_the_parts_of_a_message)
{
    require_client();
    pki_present(&folder, &client_leaf, client_context);
    dial_with(DTLS_MTU_MIN);
    deliver();
    ck_assert_int_eq(server_status, DTLS_OK);
    ck_assert_uint_gt(sent_by_client, 4); /* the certificate is in several */
    ck_assert_uint_eq(refused_by_server, 0);
}
END_TEST

START_TEST(refuses_a_client_without_a_certificate)
{
    require_client();
    dial_with(0);
    deliver();
    ck_assert_int_eq(server_status, DTLS_FAILED);
    ck_assert_int_eq(server_error.kind, ERROR_UNTRUSTED);
    ck_assert_int_eq(client_status, DTLS_FAILED);
    ck_assert_int_eq(err.kind, ERROR_CLIENT_CERTIFICATE);
}
END_TEST

START_TEST(resumes_a_session_by_its_ticket)
{
    ck_assert_int_eq(tls_context_set_client_auth(server_context, TLS_CLIENT_AUTH_OFF, &err), 0);
    ck_assert_int_eq(tls_context_remember_session(client_context, &err), 0);
    shake();
    ck_assert(!dtls_session_resumed(client));
    hang_up();
    shake();
    ck_assert(dtls_session_resumed(client));
    ck_assert(dtls_session_resumed(server));
}
END_TEST

START_TEST(says_that_an_echo_server_has_no_dtls)
{
    const unsigned char *data;
    unsigned char copy[600];
    size_t n;
    dial_with(0);
    ck_assert(dtls_session_next(client, &data, &n));
    memcpy(copy, data, n);
    dtls_session_feed(client, copy, n);
    ck_assert_int_eq(dtls_session_handshake(client, &err), DTLS_FAILED);
    ck_assert_int_eq(err.kind, ERROR_NOT_TLS);
}
END_TEST

START_TEST(says_what_the_server_sent_instead_of_a_hello)
{
    static const unsigned char done[] = {22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12, /* record */
                                         14, 0,    0,    0, 0, 0, 0, 0, 0, 0, 0, 0};
    dial_with(0);
    dtls_session_feed(client, done, sizeof done);
    ck_assert_int_eq(dtls_session_handshake(client, &err), DTLS_FAILED);
    ck_assert_msg(strstr(err.text, "unexpected message") != NULL, "%s", err.text);
    ck_assert_msg(strstr(err.text, "ClientHello") == NULL, "%s", err.text);
}
END_TEST

START_TEST(refuses_an_mtu_that_no_handshake_fits)
{
    const struct dtls_session_options options = {
        .ctx = client_context, .server_name = "localhost", .mtu = 100};
    ERR_raise(ERR_LIB_SSL, SSL_R_BAD_LENGTH); /* of something before */
    ck_assert_int_eq(dtls_session_new(&options, &client, &err), -1);
    ck_assert_str_eq(err.text, "set the MTU of a DTLS session: no reason given");
}
END_TEST

START_TEST(has_only_version_1_2)
{
    ck_assert_int_eq(tls_context_set_versions(server_context, "1.2", "1.3", &err), 0);
    ck_assert_int_eq(tls_context_set_versions(server_context, NULL, "1.2", &err), 0);
    ck_assert_int_eq(tls_context_set_versions(server_context, "1.3", "1.3", &err), -1);
    ck_assert_str_eq(err.text,
                     "the minimum TLS version is 1.3, and DTLS has only 1.2: set it to 1.2");
    ck_assert_int_eq(tls_context_set_versions(server_context, "1.1", NULL, &err), -1);
}
END_TEST

int main(void)
{
    tls_memory_watch();
    Suite *suite = suite_create("dtls_session");
    TCase *tcase = tcase_create("dtls_session");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, shakes_hands_behind_a_cookie);
    tcase_add_test(tcase, carries_messages_whole_and_in_the_order_of_arrival);
    tcase_add_test(tcase, refuses_a_message_that_no_record_can_carry);
    tcase_add_test(tcase, reads_several_records_of_one_datagram);
    tcase_add_test(tcase, rests_and_goes_on);
    tcase_add_test(tcase, drops_what_is_no_record_of_the_session);
    tcase_add_test(tcase, accepts_no_plain_part_of_a_message_once_it_is_established);
    tcase_add_loop_test(tcase, survives_forged_records_of_any_length, 0,
                        sizeof ciphers / sizeof *ciphers);
    tcase_add_test(tcase, survives_forged_records_during_the_handshake);
    tcase_add_test(tcase, sends_a_flight_again_after_1_2_and_4_seconds);
    tcase_add_loop_test(tcase, survives_the_loss_of_any_datagram, 0, 8);
    tcase_add_test(tcase, completes_under_a_loss_of_5_per_cent);
    tcase_add_test(tcase, sends_nothing_again_before_it_is_due);
    tcase_add_test(tcase, gives_up_when_nothing_answers);
    tcase_add_test(tcase, gives_up_alike_when_openssl_retransmits_by_itself);
    tcase_add_test(tcase, keeps_a_flight_within_the_mtu);
    tcase_add_test(tcase, lowers_the_mtu_from_one_usual_one_to_the_next);
    tcase_add_test(tcase, sends_again_in_smaller_datagrams);
    tcase_add_test(tcase, knows_how_much_fits_a_datagram);
    tcase_add_loop_test(tcase, knows_what_each_cipher_adds, 0, sizeof ciphers / sizeof *ciphers);
    tcase_add_test(tcase, ends_with_close_notify);
    tcase_add_test(tcase, reads_on_after_its_close_notify);
    tcase_add_test(tcase, verifies_the_server);
    tcase_add_test(tcase, refuses_a_chain_before_it_is_parsed);
    tcase_add_test(tcase, memory_that_was_missing_is_why_the_handshake_fails_later);
    tcase_add_test(tcase, memory_that_another_session_lacked_is_not_why_this_one_fails);
    tcase_add_test(tcase, says_that_the_server_gave_up_as_renegotiation_was_refused);
    tcase_add_test(tcase, memory_that_was_missing_is_why_a_read_fails);
    tcase_add_test(tcase, fails_after_a_flood_of_requests_for_renegotiation);
    tcase_add_test(tcase, authenticates_the_client);
    tcase_add_test(tcase, accepts_the_parts_of_a_message);
    tcase_add_test(tcase, refuses_a_client_without_a_certificate);
    tcase_add_test(tcase, resumes_a_session_by_its_ticket);
    tcase_add_test(tcase, says_that_an_echo_server_has_no_dtls);
    tcase_add_test(tcase, says_what_the_server_sent_instead_of_a_hello);
    tcase_add_test(tcase, refuses_an_mtu_that_no_handshake_fits);
    tcase_add_test(tcase, has_only_version_1_2);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
