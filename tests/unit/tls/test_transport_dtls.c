/* SPDX-License-Identifier: MIT */
/* A server's transport over a socket in memory, with a client's session at the other end. */
#include "tlsecho/tls/transport_dtls.h"

#include <check.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <unistd.h>

#include "fake_datagram.h"
#include "folder.h"
#include "kernel.h"
#include "loopback.h"
#include "pki.h"
#include "suite.h"
#include "tlsecho/tls/dtls_cookie.h"
#include "tlsecho/tls/dtls_session.h"
#include "tlsecho/tls/tls_context.h"

enum { SECOND_US = 1000000, NARROW_MTU = 500 };

static struct folder folder;
static struct pki ca, leaf;
static struct tls_context *server_context, *client_context;
static struct dtls_cookies *cookies;
static struct dtls_session *client, *session; /* session: the transport's */
static struct transport *transport;
static struct transport_dtls_path path;
static struct fake_datagrams wire; /* what the transport sends */
static struct datagram_outbox outbox;
static size_t taken;                  /* of wire.out, by the client */
static size_t collected;              /* bytes of on_the_way */
static size_t lengths[16], datagrams; /* in them */
static enum dtls_status client_status;
static struct io last; /* of the handshake of the transport */
static struct error err;
static unsigned char received[DTLS_DATA_MAX], on_the_way[4 * FAKE_DATAGRAM_BYTES];
static uint64_t now_us;
static size_t mtu; /* of the server's flight */

/* The clock of OpenSSL. */
int gettimeofday(struct timeval *restrict ret, void *restrict zone)
{
    (void)zone;
    *ret = (struct timeval){.tv_sec = (time_t)(now_us / SECOND_US),
                            .tv_usec = (suseconds_t)(now_us % SECOND_US)};
    return 0;
}

static void make_contexts(void)
{
    ck_assert_int_eq(tls_context_new_dtls(TLS_SERVER, &server_context, &err), 0);
    ck_assert_int_eq(tls_context_new_dtls(TLS_CLIENT, &client_context, &err), 0);
    pki_present(&folder, &leaf, server_context);
    pki_trust(&folder, &ca, client_context);
}

/* The next datagram of the client; the test's own copy. */
static size_t take_from_client(void)
{
    const unsigned char *data;
    size_t n;
    if (!dtls_session_next(client, &data, &n))
        return 0;
    memcpy(on_the_way, data, n);
    return n;
}

/* The server's end, made from the client's second ClientHello. */
static void accept_hello(void)
{
    unsigned char answer[DTLS_COOKIE_ANSWER_BYTES];
    struct dtls_first_flight flight = {.peer = &path.peer, .own = &path.own, .data = on_the_way};
    flight.length = take_from_client();
    ck_assert_int_eq(dtls_cookies_check(cookies, &flight, now_us, answer), DTLS_FIRST_ASK);
    dtls_session_feed(client, answer, sizeof answer);
    ck_assert_int_eq(dtls_session_handshake(client, &err), DTLS_WAIT);
    flight.length = take_from_client();
    ck_assert_int_eq(dtls_cookies_check(cookies, &flight, now_us, answer), DTLS_FIRST_PROVEN);
    const struct dtls_session_options options = {
        .ctx = server_context, .mtu = mtu, .hello = on_the_way, .hello_length = flight.length};
    ck_assert_int_eq(dtls_session_new(&options, &session, &err), 0);
    ck_assert_int_eq(transport_dtls_new(session, &path, &transport, &err), 0);
}

static void set_up_with(size_t bytes)
{
    mtu = bytes;
    now_us = 1000 * (uint64_t)SECOND_US;
    folder_new(&folder);
    ca = pki_make(&(struct pki_spec){.subject = "Test CA", .ca = true});
    leaf = pki_make(&(struct pki_spec){.subject = "leaf", .names = "DNS:localhost", .issuer = &ca});
    make_contexts();
    ck_assert_int_eq(dtls_cookies_new(&cookies, &err), 0);
    fake_datagrams_init(&wire);
    memset(&outbox, 0, sizeof outbox);
    taken = collected = datagrams = 0;
    path = (struct transport_dtls_path){.socket = &wire.base,
                                        .outbox = &outbox,
                                        .peer = loopback_address("udp://127.0.0.1:4000"),
                                        .own = loopback_address("udp://127.0.0.2:7443")};
    const struct dtls_session_options options = {.ctx = client_context, .server_name = "localhost"};
    ck_assert_int_eq(dtls_session_new(&options, &client, &err), 0);
    client_status = dtls_session_handshake(client, &err);
    accept_hello();
}

/* Each datagram of a handshake has room in an outbox. */
static void set_up(void)
{
    set_up_with(DATAGRAM_OUTBOX_BYTES);
}

static void tear_down(void)
{
    dtls_session_free(client);
    transport_free(transport);
    dtls_cookies_free(cookies);
    tls_context_free(client_context);
    tls_context_free(server_context);
    pki_free(&leaf);
    pki_free(&ca);
    folder_remove(&folder);
}

/* What the client has to send follows what it sent before. */
static void collect(void)
{
    const unsigned char *data;
    size_t n;
    while (dtls_session_next(client, &data, &n)) {
        ck_assert_uint_le(collected + n, sizeof on_the_way);
        memcpy(on_the_way + collected, data, n);
        collected += n;
        lengths[datagrams++] = n;
    }
}

static void client_takes(void)
{
    for (; taken < wire.out_count; taken++) {
        dtls_session_feed(client, wire.out[taken].data, wire.out[taken].length);
        if (client_status == DTLS_WAIT)
            client_status = dtls_session_handshake(client, &err);
        collect();
    }
}

/* The server gets it all as one datagram. */
static void feed(void)
{
    dtls_session_feed(session, on_the_way, collected);
    collected = datagrams = 0;
}

/* The server gets each datagram of a flight. */
static void feed_flight(void)
{
    size_t at = 0;
    for (size_t i = 0; i < datagrams; i++) {
        dtls_session_feed(session, on_the_way + at, lengths[i]);
        last = transport_handshake(transport, &err);
        at += lengths[i];
    }
    collected = datagrams = 0;
}

static void shake(void)
{
    last = transport_handshake(transport, &err);
    for (int round = 0; round < 5 && last.status == IO_WANT_READ; round++) {
        client_takes();
        feed_flight();
    }
    client_takes();
}

static void shake_well(void)
{
    shake();
    ck_assert_msg(last.status == IO_OK, "%s", err.text);
    ck_assert_int_eq(client_status, DTLS_OK);
}

static void client_writes(const char *text)
{
    ck_assert_int_eq(dtls_session_write(client, text, strlen(text), &err), DTLS_OK);
    collect();
}

static void client_reads(const char *text)
{
    size_t n;
    ck_assert_uint_lt(taken, wire.out_count);
    dtls_session_feed(client, wire.out[taken].data, wire.out[taken].length);
    taken++;
    ck_assert_int_eq(dtls_session_read(client, received, sizeof received, &n, &err), DTLS_OK);
    ck_assert_uint_eq(n, strlen(text));
    ck_assert_mem_eq(received, text, n);
}

static void reads(size_t size, const char *text, bool more)
{
    struct io io = transport_read(transport, received, size, &err);
    ck_assert_int_eq(io.status, IO_OK);
    ck_assert_uint_eq(io.n, strlen(text));
    ck_assert_mem_eq(received, text, io.n);
    ck_assert(io.progressed);
    ck_assert(io.more == more);
}

static void reads_nothing(void)
{
    struct io io = transport_read(transport, received, sizeof received, &err);
    ck_assert_int_eq(io.status, IO_WANT_READ);
    ck_assert_uint_eq(io.n, 0);
    ck_assert(!io.progressed);
    ck_assert(!io.more);
}

START_TEST(is_named_dtls_and_carries_messages)
{
    ck_assert_str_eq(transport->ops->name, "dtls");
    ck_assert(transport->messages);
    ck_assert_int_eq(transport->fd, -1);
}
END_TEST

START_TEST(a_handshake_sends_each_flight_at_once)
{
    struct peer peer;
    datagram_outbox_open(&outbox, &wire.base);
    err.kind = ERROR_TIMEOUT; /* of something else */
    last = transport_handshake(transport, &err);
    ck_assert_int_eq(last.status, IO_WANT_READ);
    ck_assert(last.progressed);
    ck_assert_uint_gt(wire.out_count, 0);
    ck_assert_uint_eq(path.sent, wire.out_count);
    ck_assert_uint_eq(path.unsent, 0);
    ck_assert_uint_eq(outbox.count, 0);
    ck_assert(address_equal(&wire.out[0].peer, &path.peer));
    ck_assert(address_equal(&wire.out[0].own, &path.own));
    datagram_outbox_close(&outbox);
    shake_well();
    ck_assert(last.progressed);
    transport_peer(transport, &peer);
    ck_assert_str_eq(peer.version, "DTLSv1.2");
}
END_TEST

START_TEST(after_the_handshake_it_puts_messages_into_an_open_outbox)
{
    shake_well();
    uint64_t sent = path.sent;
    datagram_outbox_open(&outbox, &wire.base);
    struct io io = transport_write(transport, "hello", 5, &err);
    ck_assert_int_eq(io.status, IO_OK);
    ck_assert_uint_eq(io.n, 5);
    ck_assert(io.progressed);
    ck_assert_uint_eq(outbox.count, 1);
    ck_assert_uint_eq(path.sent, sent);
    datagram_outbox_close(&outbox);
    client_reads("hello");
    ck_assert_int_eq(transport_write(transport, "at once", 7, &err).status, IO_OK);
    ck_assert_uint_eq(path.sent, sent + 1);
    client_reads("at once");
}
END_TEST

START_TEST(refuses_a_message_that_no_record_can_carry)
{
    static unsigned char data[DTLS_DATA_MAX + 1];
    shake_well();
    size_t before = wire.out_count;
    struct io io = transport_write(transport, data, sizeof data, &err);
    ck_assert_int_eq(io.status, IO_FAILED);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_uint_eq(io.n, 0);
    ck_assert(!io.progressed);
    ck_assert_uint_eq(wire.out_count, before);
}
END_TEST

START_TEST(reads_each_message_of_a_datagram)
{
    shake_well();
    client_writes("one");
    client_writes("two");
    feed();
    reads(sizeof received, "one", true);
    reads(sizeof received, "two", false);
    reads_nothing();
}
END_TEST

START_TEST(drops_a_message_that_is_longer_than_the_buffer)
{
    shake_well();
    client_writes("longer than it");
    client_writes("as long");
    client_writes("next");
    feed();
    received[7] = '#';
    reads(7, "as long", true);
    ck_assert_int_eq(received[7], '#');
    ck_assert_uint_eq(path.too_long, 1);
    reads(7, "next", false);
    ck_assert_uint_eq(path.too_long, 1);
    ck_assert_int_eq(transport_read(transport, received, 7, &err).status, IO_WANT_READ);
}
END_TEST

START_TEST(reads_nothing_more_once_it_has_closed)
{
    size_t n;
    shake_well();
    ck_assert_int_eq(transport_shutdown(transport, &err).status, IO_OK);
    ck_assert_uint_eq(wire.out_count, taken + 1);
    dtls_session_feed(client, wire.out[taken].data, wire.out[taken].length);
    ck_assert_int_eq(dtls_session_read(client, received, sizeof received, &n, &err), DTLS_CLOSED);
    ck_assert_int_eq(transport_read(transport, received, sizeof received, &err).status, IO_EOF);
}
END_TEST

/* Whatever comes behind it. */
START_TEST(the_end_of_the_peer_is_an_eof)
{
    unsigned char end[64];
    shake_well();
    client_writes("late");
    size_t late = collected;
    dtls_session_close(client);
    collect();
    size_t n = collected - late;
    ck_assert_uint_le(n, sizeof end);
    memcpy(end, on_the_way + late, n);
    memmove(on_the_way + n, on_the_way, late);
    memcpy(on_the_way, end, n);
    feed();
    struct io io = transport_read(transport, received, sizeof received, &err);
    ck_assert_int_eq(io.status, IO_EOF);
    ck_assert(!io.progressed);
    ck_assert(!io.more);
}
END_TEST

START_TEST(a_client_that_repeats_the_end_of_its_handshake_is_answered_again)
{
    size_t n;
    const unsigned char *data;
    last = transport_handshake(transport, &err);
    client_takes();
    feed_flight();
    ck_assert_int_eq(last.status, IO_OK);
    size_t lost = wire.out_count;
    now_us += dtls_session_timeout_us(client);
    ck_assert_int_eq(dtls_session_retransmit(client, &err), DTLS_OK);
    while (dtls_session_next(client, &data, &n)) {
        dtls_session_feed(session, data, n);
        reads_nothing();
    }
    ck_assert_uint_gt(wire.out_count, lost);
    taken = lost;
    client_takes();
    ck_assert_int_eq(client_status, DTLS_OK);
}
END_TEST

START_TEST(a_client_that_does_not_trust_the_server_fails_the_handshake)
{
    static const unsigned char unknown_ca[] = {21, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 48};
    last = transport_handshake(transport, &err);
    dtls_session_feed(session, unknown_ca, sizeof unknown_ca);
    last = transport_handshake(transport, &err);
    ck_assert_int_eq(last.status, IO_FAILED);
    ck_assert_int_eq(err.kind, ERROR_TLS);
}
END_TEST

START_TEST(what_finds_no_room_is_counted)
{
    wire.room = 0;
    last = transport_handshake(transport, &err);
    ck_assert_int_eq(last.status, IO_WANT_READ);
    ck_assert_uint_gt(path.unsent, 0);
    ck_assert_uint_eq(path.sent, 0);
}
END_TEST

START_TEST(a_flight_that_is_too_long_for_the_path_goes_again_in_smaller_datagrams)
{
    tear_down();
    set_up_with(DTLS_MTU_DEFAULT);
    wire.fail_at = 0;
    wire.fail_code = _i ? EPERM : EMSGSIZE;
    last = transport_handshake(transport, &err);
    ck_assert_int_eq(last.status, IO_WANT_READ);
    ck_assert_uint_eq(path.unsent, 1);
    ck_assert_uint_eq(path.sent, wire.out_count);
    ck_assert_uint_eq(dtls_session_mtu(session), _i ? DTLS_MTU_DEFAULT : 1024);
}
END_TEST

START_TEST(a_message_that_cannot_be_sent_in_fragments_either_is_counted)
{
    shake_well();
    uint64_t sent = path.sent;
    wire.fail_at = wire.tried;
    ck_assert_int_eq(transport_write(transport, "hello", 5, &err).status, IO_OK);
    ck_assert_uint_eq(path.sent, sent);
    ck_assert_uint_eq(path.unsent, 1);
}
END_TEST

START_TEST(sends_a_flight_again_once_that_is_due)
{
    last = transport_handshake(transport, &err);
    uint64_t flight = path.sent;
    transport_dtls_retransmit(transport);
    ck_assert_uint_eq(path.sent, flight);
    now_us += dtls_session_timeout_us(session);
    transport_dtls_retransmit(transport);
    ck_assert_uint_gt(path.sent, flight);
    shake_well();
}
END_TEST

static void assert_gave_up(void)
{
    ck_assert_int_eq(last.status, IO_RESET);
    ck_assert_int_eq(err.code, ETIMEDOUT);
    ck_assert_str_eq(err.text, "the peer does not answer: Connection timed out");
}

START_TEST(gives_up_once_a_flight_has_been_sent_too_often)
{
    last = transport_handshake(transport, &err);
    for (int i = 0; i < 30 && last.status == IO_WANT_READ; i++) {
        uint64_t us = dtls_session_timeout_us(session);
        now_us += us == UINT64_MAX ? 0 : us;
        if (_i == 0)
            transport_dtls_retransmit(transport);
        last = transport_handshake(transport, &err);
    }
    assert_gave_up();
    last = transport_handshake(transport, &err);
    ck_assert(_i == 1 || last.status == IO_RESET);
}
END_TEST

/* A network of its own whose loopback carries 500 bytes; false where that is not allowed. */
static bool make_narrow_network(void)
{
    struct ifreq lo = {.ifr_name = "lo"};
    if (unshare(CLONE_NEWNET) < 0)
        return false;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    lo.ifr_mtu = NARROW_MTU;
    ck_assert_int_eq(ioctl(fd, SIOCSIFMTU, &lo), 0);
    lo.ifr_flags = IFF_UP;
    ck_assert_int_eq(ioctl(fd, SIOCSIFFLAGS, &lo), 0);
    close(fd);
    return true;
}

/* What the transport sends goes to `peer`, a socket of its own. */
static int open_narrow_path(struct datagram_socket **ret)
{
    const struct datagram_options options = {.own = true, .never_fragment = true};
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int peer = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
        fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ck_assert_int_eq(bind(peer, (struct sockaddr *)&any, sizeof any), 0);
    path.peer.length = sizeof path.peer.ipv4;
    ck_assert_int_eq(getsockname(peer, &path.peer.any, &path.peer.length), 0);
    any.sin_addr.s_addr = htonl(INADDR_ANY);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&any, sizeof any), 0);
    ck_assert_int_eq(datagram_new(fd, false, &options, ret, &err), 0);
    path.socket = *ret;
    return peer;
}

START_TEST(a_message_that_is_too_long_for_the_path_goes_in_fragments)
{
    static char message[3000];
    static unsigned char datagram[DTLS_DATA_MAX];
    struct datagram_socket *socket;
    int mode;
    size_t n;
    memset(message, 'm', sizeof message - 1);
    shake_well();
    if (!make_narrow_network())
        return; /* only root may */
    int peer = open_narrow_path(&socket);
    uint64_t sent = path.sent;
    ck_assert_int_eq(transport_write(transport, message, sizeof message, &err).status, IO_OK);
    ck_assert_uint_eq(path.sent, sent + 1);
    ck_assert_uint_eq(path.unsent, 0);
    ssize_t got = recv(peer, datagram, sizeof datagram, 0);
    ck_assert_int_gt(got, (ssize_t)sizeof message);
    dtls_session_feed(client, datagram, (size_t)got);
    ck_assert_int_eq(dtls_session_read(client, received, sizeof received, &n, &err), DTLS_OK);
    ck_assert_uint_eq(n, sizeof message);
    ck_assert_int_eq(
        getsockopt(socket->fd, IPPROTO_IP, IP_MTU_DISCOVER, &mode, &(socklen_t){sizeof mode}), 0);
    ck_assert_int_eq(mode, IP_PMTUDISC_DO);
    ck_assert_int_eq(
        getsockopt(socket->fd, IPPROTO_IP, IP_PKTINFO, &mode, &(socklen_t){sizeof mode}), 0);
    ck_assert_int_eq(mode, 1);
    datagram_free(socket);
    close(peer);
}
END_TEST

START_TEST(a_flight_heeds_what_the_kernel_knows_of_the_path)
{
    struct datagram_socket *socket;
    tear_down();
    set_up_with(DTLS_DATA_MAX);
    if (!kernel_has(KERNEL_PATH_MTU) || !make_narrow_network())
        return; /* only root may make a network */
    int peer = open_narrow_path(&socket);
    last = transport_handshake(transport, &err);
    ck_assert_uint_eq(dtls_session_mtu(session), NARROW_MTU - 28);
    datagram_free(socket);
    close(peer);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("transport_dtls");
    TCase *tcase = tcase_create("transport_dtls");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, is_named_dtls_and_carries_messages);
    tcase_add_test(tcase, a_handshake_sends_each_flight_at_once);
    tcase_add_test(tcase, after_the_handshake_it_puts_messages_into_an_open_outbox);
    tcase_add_test(tcase, refuses_a_message_that_no_record_can_carry);
    tcase_add_test(tcase, reads_each_message_of_a_datagram);
    tcase_add_test(tcase, drops_a_message_that_is_longer_than_the_buffer);
    tcase_add_test(tcase, reads_nothing_more_once_it_has_closed);
    tcase_add_test(tcase, the_end_of_the_peer_is_an_eof);
    tcase_add_test(tcase, a_client_that_repeats_the_end_of_its_handshake_is_answered_again);
    tcase_add_test(tcase, a_client_that_does_not_trust_the_server_fails_the_handshake);
    tcase_add_test(tcase, what_finds_no_room_is_counted);
    tcase_add_loop_test(
        tcase, a_flight_that_is_too_long_for_the_path_goes_again_in_smaller_datagrams, 0, 2);
    tcase_add_test(tcase, a_message_that_is_too_long_for_the_path_goes_in_fragments);
    tcase_add_test(tcase, a_flight_heeds_what_the_kernel_knows_of_the_path);
    tcase_add_test(tcase, a_message_that_cannot_be_sent_in_fragments_either_is_counted);
    tcase_add_test(tcase, sends_a_flight_again_once_that_is_due);
    tcase_add_loop_test(tcase, gives_up_once_a_flight_has_been_sent_too_often, 0, 2);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
