/* SPDX-License-Identifier: MIT */
#include "tlsecho/server/worker.h"

#include <check.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "captured_log.h"
#include "kernel_clock.h"
#include "loopback.h"
#include "suite.h"
#include "tlsecho/tls/dtls_session.h"
#include "tlsecho/tls/tls_context.h"
#include "yaml_snapshot.h"

enum { TYPE_AT = 13, SERVER_HELLO = 2, DATAGRAM_BYTES = 2048 };

static const struct config_snapshot *snapshot;
static struct reactor *owner;
static struct admission *admission;
static struct worker_group *group;
static struct worker *worker;
static struct dtls_session *session; /* the client's */
static struct tls_context *context;
static int client, serving;
static struct error err;

/* By how much the test has advanced the clocks. */
static atomic_long turned_seconds;

/* Replaces the C library's. */
int clock_gettime(clockid_t clock, struct timespec *ret)
{
    int status = kernel_clock_gettime(clock, ret);
    ret->tv_sec += atomic_load(&turned_seconds);
    return status;
}

/* The clock of OpenSSL. */
int gettimeofday(struct timeval *restrict ret, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    *ret = (struct timeval){.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
    return 0;
}

static void start_worker(const char *options)
{
    snapshot = yaml_snapshot("listeners: [ { listen: 'dtls://127.0.0.1:0' } ]\n%s\n", options);
    captured_log_open(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    ck_assert_msg(reactor_new(&owner, &err) == 0, "%s", err.text);
    ck_assert_int_eq(admission_new(&admission, &err), 0);
    admission_limit(admission, snapshot->config);
    ck_assert_int_eq(worker_group_new(1, admission, &group, &err), 0);
    ck_assert_msg(worker_new(owner, group, &worker, &err) == 0, "%s", err.text);
}

static int bind_any(struct address *ret)
{
    struct address any = loopback_address("udp://127.0.0.1:0");
    const struct timeval patience = {.tv_sec = 10};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, &any.any, any.length), 0);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    ret->length = sizeof ret->ipv4;
    ck_assert_int_eq(getsockname(fd, &ret->any, &ret->length), 0);
    return fd;
}

static void start(const char *options)
{
    struct address at, ignored;
    struct worker_datagrams datagrams = {.server = NULL};
    start_worker(options);
    serving = bind_any(&at);
    struct datagram_binding binding = {
        .fd = serving, .listener = &snapshot->listeners[0], .port = address_port(&at)};
    ck_assert_int_eq(dtls_set_new(&binding, 1, &binding.port, 1, &datagrams.dtls, &err), 0);
    worker_serve_datagrams(worker, &datagrams);
    client = bind_any(&ignored);
    ck_assert_int_eq(connect(client, &at.any, at.length), 0);
    ck_assert_int_eq(tls_context_new_dtls(TLS_CLIENT, &context, &err), 0);
    const struct dtls_session_options how = {.ctx = context, .server_name = "localhost"};
    ck_assert_msg(dtls_session_new(&how, &session, &err) == 0, "%s", err.text);
}

static void finish(void)
{
    worker_order(worker, WORKER_STOP);
    while (!worker_ended(worker))
        reactor_turn(owner, REACTOR_WAIT);
    worker_join(worker);
    worker_group_free(group);
    admission_free(admission);
    reactor_free(owner);
    captured_log_close();
    config_snapshot_free(snapshot);
    dtls_session_free(session);
    tls_context_free(context);
    close(client);
    close(serving);
}

static size_t receive(unsigned char ret[DATAGRAM_BYTES])
{
    ssize_t n = recv(client, ret, DATAGRAM_BYTES, 0);
    ck_assert_msg(n > TYPE_AT, "nothing arrived");
    return (size_t)n;
}

/* What the client's session has to send next. */
static void send_flight(void)
{
    const unsigned char *data;
    size_t n;
    ck_assert_int_eq(dtls_session_handshake(session, &err), DTLS_WAIT);
    ck_assert(dtls_session_next(session, &data, &n));
    ck_assert_int_eq(send(client, data, n, 0), (ssize_t)n);
}

/* Waits for the beginning of a flight of the server. */
static void receive_flight(void)
{
    unsigned char datagram[DATAGRAM_BYTES];
    do
        receive(datagram);
    while (datagram[TYPE_AT] != SERVER_HELLO);
}

/* Up to the first flight of the server behind the cookie. */
static void begin_handshake(void)
{
    unsigned char cookie[DATAGRAM_BYTES];
    send_flight();
    dtls_session_feed(session, cookie, receive(cookie));
    send_flight();
    receive_flight();
}

/* Longer than any retransmission waits, RFC 6347 §4.2.4.1. */
static void let_time_pass(void)
{
    atomic_fetch_add(&turned_seconds, 61);
    reactor_wake(worker_reactor(worker));
}

START_TEST(a_client_that_never_answers_a_flight_has_vanished_after_a_dozen)
{
    start("timeouts: { handshake: 0 }");
    begin_handshake();
    for (int i = 0; i < 12; i++) {
        let_time_pass();
        receive_flight();
    }
    ck_assert_uint_eq(worker_load(worker), 1);
    let_time_pass();
    const char *line = captured_log_find(" event=connection ");
    ck_assert_msg(strstr(line, " end=vanished ") != NULL, "%s", line);
    finish();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("worker_dtls");
    TCase *tcase = tcase_create("worker_dtls");
    tcase_add_test(tcase, a_client_that_never_answers_a_flight_has_vanished_after_a_dozen);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
