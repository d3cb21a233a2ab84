/* SPDX-License-Identifier: MIT */
#include "tlsecho/server/worker.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "captured_log.h"
#include "kernel_clock.h"
#include "loopback.h"
#include "suite.h"
#include "talk.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/net/transport.h"
#include "tlsecho/tls/tls_context.h"
#include "tlsecho/tls/tls_scratch.h"
#include "tlsecho/tls/transport_tls.h"
#include "yaml_snapshot.h"

static const struct config_snapshot *snapshot;
static struct reactor *owner;
static struct admission *admission;
static struct worker_group *group;
static struct worker *worker;
static uint64_t next_id;

enum { PLAIN, TLS, HTTP }; /* the listeners */

/* The monotonic clock: the time at which it is stopped (0 = it runs), and by how much the test has
 * advanced it. */
static atomic_llong stands_at_ns, turned_ns;

/* Replaces the C library's. */
int clock_gettime(clockid_t clock, struct timespec *ret)
{
    enum { SECOND_NS = 1000000000 };
    int status = kernel_clock_gettime(clock, ret);
    if (clock != CLOCK_MONOTONIC)
        return status;
    long long stands = atomic_load(&stands_at_ns);
    long long now = stands ? stands : (long long)ret->tv_sec * SECOND_NS + ret->tv_nsec;
    now += atomic_load(&turned_ns);
    *ret =
        (struct timespec){.tv_sec = (time_t)(now / SECOND_NS), .tv_nsec = (long)(now % SECOND_NS)};
    return status;
}

/* Before another thread can have seen it run. From here on only the test advances it. */
static void stop_clock(void)
{
    atomic_store(&stands_at_ns, (long long)clock_now_ns() - atomic_load(&turned_ns));
}

static void start(const char *options)
{
    struct error err;
    snapshot = yaml_snapshot("listeners:\n"
                             "  - listen: tcp://127.0.0.1:0\n"
                             "  - listen: tls://127.0.0.1:0\n"
                             "  - { listen: tcp://127.0.0.1:0, name: http, service: http }\n"
                             "%s\n",
                             options);
    captured_log_open(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    ck_assert_msg(reactor_new(&owner, &err) == 0, "%s", err.text);
    ck_assert_int_eq(admission_new(&admission, &err), 0);
    admission_limit(admission, snapshot->config);
    ck_assert_int_eq(worker_group_new(2, admission, &group, &err), 0);
    ck_assert_msg(worker_new(owner, group, &worker, &err) == 0, "%s", err.text);
}

static void wait_for_end(void)
{
    while (!worker_ended(worker))
        reactor_turn(owner, REACTOR_WAIT);
}

static void finish(enum worker_order order)
{
    worker_order(worker, order);
    wait_for_end();
    ck_assert_uint_eq(worker_load(worker), 0);
    worker_join(worker);
    worker_group_free(group);
    admission_free(admission);
    reactor_free(owner);
    captured_log_close();
    config_snapshot_free(snapshot);
}

static struct handoff handoff(int fd, int listener)
{
    config_snapshot_ref(snapshot); /* for the worker */
    return (struct handoff){.fd = fd,
                            .id = ++next_id,
                            .listener = &snapshot->listeners[listener],
                            .pass = {.admission = admission},
                            .source = loopback_address("tcp://127.0.0.1:1")};
}

/* Both ends of a connection with buffers of that size, or the usual ones. */
static void make_pair(int buffer_bytes, int ret[2])
{
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ret), 0);
    for (int i = 0; buffer_bytes && i < 2; i++)
        ck_assert_int_eq(
            setsockopt(ret[i], SOL_SOCKET, SO_SNDBUF, &buffer_bytes, sizeof buffer_bytes), 0);
    ck_assert_int_eq(fcntl(ret[1], F_SETFL, O_NONBLOCK), 0);
}

/* Hands one end over and returns the other. */
static int connect_to(int listener)
{
    int ends[2];
    make_pair(0, ends);
    struct handoff given = handoff(ends[1], listener);
    worker_hand_over(worker, &given, 1);
    return ends[0];
}

static void assert_logged(const char *part)
{
    const char *line = captured_log_find(" event=connection ");
    ck_assert_msg(strstr(line, part) != NULL, "\"%s\" has not \"%s\"", line, part);
}

START_TEST(echoes_and_closes_when_the_client_does)
{
    start("");
    int client = connect_to(PLAIN);
    talk_echo(client, "hello");
    shutdown(client, SHUT_WR);
    talk_ends(client);
    assert_logged(" end=closed");
    close(client);
    finish(WORKER_DRAIN);
}
END_TEST

START_TEST(serves_many_connections_at_once)
{
    start("");
    struct handoff given[WORKER_HANDOFFS_MAX];
    int clients[WORKER_HANDOFFS_MAX];
    for (int i = 0; i < WORKER_HANDOFFS_MAX; i++) {
        int ends[2];
        make_pair(0, ends);
        clients[i] = ends[0];
        given[i] = handoff(ends[1], PLAIN);
    }
    worker_hand_over(worker, given, WORKER_HANDOFFS_MAX);
    ck_assert_uint_eq(worker_load(worker), WORKER_HANDOFFS_MAX);
    for (int i = 0; i < WORKER_HANDOFFS_MAX; i++)
        talk_echo(clients[i], "hello");
    ck_assert_uint_eq(worker_load(worker), WORKER_HANDOFFS_MAX);
    for (int i = 0; i < WORKER_HANDOFFS_MAX; i++)
        close(clients[i]);
    finish(WORKER_DRAIN);
}
END_TEST

static int gate[2]; /* a pipe: the worker is held up until something is in it */

static size_t wait_at_gate(unsigned char *data, size_t n)
{
    char passed;
    (void)data;
    while (read(gate[0], &passed, 1) < 0)
        ;
    return n;
}

enum { MANY = 20 * WORKER_HANDOFFS_MAX }; /* more than the queue of a worker holds */

START_TEST(connections_that_do_not_fit_in_the_queue_stay_the_callers_and_others_are_served)
{
    const struct service slow_service = {.name = "slow", .answer = wait_at_gate};
    struct handoff many[MANY];
    int clients[MANY], ends[2];
    start("log: { connections: off }"); /* more lines than fit in the pipe, which is not read */
    ck_assert_int_eq(pipe(gate), 0);
    make_pair(0, ends);
    struct handoff slow = handoff(ends[1], PLAIN);
    struct listener slow_listener = *slow.listener;
    slow_listener.service = &slow_service;
    slow.listener = &slow_listener;
    ck_assert_int_eq(write(ends[0], "x", 1), 1);
    ck_assert(worker_hand_over(worker, &slow, 1));
    for (int i = 0; i < MANY; i++) {
        int pair[2];
        make_pair(0, pair);
        clients[i] = pair[0];
        many[i] = handoff(pair[1], PLAIN);
    }
    unsigned taken = 0;
    while (taken < MANY && worker_hand_over(worker, &many[taken], WORKER_HANDOFFS_MAX))
        taken += WORKER_HANDOFFS_MAX;
    ck_assert_uint_lt(taken, MANY);
    ck_assert_uint_eq(worker_load(worker), 1 + taken);
    ck_assert(!worker_wait_for_room(worker, 0));
    ck_assert_int_eq(write(gate[1], "", 1), 1);
    while (taken < MANY) {
        ck_assert(worker_wait_for_room(worker, 10000));
        ck_assert(worker_hand_over(worker, &many[taken], WORKER_HANDOFFS_MAX));
        taken += WORKER_HANDOFFS_MAX;
    }
    for (int i = 0; i < MANY; i++) {
        talk_echo(clients[i], "hello");
        close(clients[i]);
    }
    close(ends[0]);
    close(gate[0]);
    close(gate[1]);
    finish(WORKER_DRAIN);
}
END_TEST

START_TEST(its_load_falls_when_a_connection_ends)
{
    start("");
    int leaving = connect_to(PLAIN), staying = connect_to(PLAIN);
    talk_echo(leaving, "hello");
    ck_assert_uint_eq(worker_load(worker), 2);
    close(leaving);
    assert_logged(" end=closed");
    talk_echo(staying, "served after the other's end");
    ck_assert_uint_eq(worker_load(worker), 1);
    close(staying);
    finish(WORKER_DRAIN);
}
END_TEST

static struct transport *make_client(int fd, struct tls_scratch *scratch)
{
    struct tls_context *ctx;
    struct transport *t;
    struct error err;
    ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    ck_assert_msg(tls_context_new(TLS_CLIENT, &ctx, &err) == 0, "%s", err.text);
    tls_context_trust_any(ctx);
    struct transport_tls_options options = {
        .ctx = ctx, .scratch = scratch, .server_name = "localhost"};
    ck_assert_msg(transport_tls_new(fd, &options, &t, &err) == 0, "%s", err.text);
    tls_context_free(ctx);
    return t;
}

/* True: call again. */
static bool waits(const struct transport *t, enum io_status status)
{
    if (status != IO_WANT_READ && status != IO_WANT_WRITE)
        return false;
    struct pollfd waiting = {.fd = t->fd, .events = status == IO_WANT_READ ? POLLIN : POLLOUT};
    ck_assert_int_eq(poll(&waiting, 1, 10000), 1);
    return true;
}

START_TEST(echoes_over_tls)
{
    start("");
    struct tls_scratch *scratch = tls_scratch_new();
    struct transport *client = make_client(connect_to(TLS), scratch);
    struct error err;
    char data[16];
    struct io io;
    while (waits(client, (io = transport_handshake(client, &err)).status))
        ;
    ck_assert_int_eq(io.status, IO_OK);
    ck_assert_int_eq(transport_write(client, "hello", 5, &err).status, IO_OK);
    while (waits(client, (io = transport_read(client, data, sizeof data, &err)).status))
        ;
    ck_assert_int_eq(io.status, IO_OK);
    ck_assert_uint_eq(io.n, 5);
    ck_assert_mem_eq(data, "hello", 5);
    ck_assert_int_eq(transport_shutdown(client, &err).status, IO_OK);
    while (waits(client, (io = transport_read(client, data, sizeof data, &err)).status))
        ;
    ck_assert_int_eq(io.status, IO_EOF);
    assert_logged(" end=closed version=TLSv1.3 ");
    transport_free(client);
    tls_scratch_free(scratch);
    finish(WORKER_DRAIN);
}
END_TEST

START_TEST(a_reset_ends_that_client_alone)
{
    start("");
    struct address address = loopback_address("tcp://127.0.0.1:0");
    int listening = loopback_listen(&address, 8);
    int leaving = loopback_connect(&address), staying = connect_to(PLAIN);
    int fd = loopback_accept(listening);
    ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    struct handoff given = handoff(fd, PLAIN);
    worker_hand_over(worker, &given, 1);
    talk_echo(leaving, "hello");

    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    setsockopt(leaving, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(leaving);
    assert_logged(" end=reset reason=\"receive: Connection reset by peer\"");
    talk_echo(staying, "still here");
    close(staying);
    close(listening);
    finish(WORKER_DRAIN);
}
END_TEST

START_TEST(a_late_handshake_ends_the_connection)
{
    start("timeouts: { handshake: 50ms }");
    int client = connect_to(TLS);
    talk_ends(client);
    assert_logged(" end=handshake_timeout");
    close(client);
    finish(WORKER_DRAIN);
}
END_TEST

/* The beginning of a record of 16 KiB, byte by byte. */
START_TEST(bytes_do_not_prolong_a_handshake)
{
    start("timeouts: { handshake: 200ms }");
    int client = connect_to(TLS);
    static const char header[] = {0x16, 0x03, 0x01, 0x40, 0x00, 0x01, 0x00, 0x3f, (char)0xfc};
    struct pollfd waiting = {.fd = client, .events = POLLIN};
    for (size_t i = 0; poll(&waiting, 1, 1) == 0; i++) {
        ck_assert_uint_lt(i, 16000);
        send(client, i < sizeof header ? &header[i] : "", 1, MSG_NOSIGNAL);
    }
    talk_ends(client);
    assert_logged(" end=handshake_timeout");
    close(client);
    finish(WORKER_DRAIN);
}
END_TEST

/* A connection to that worker, with the first bytes of a ClientHello or none. Returns once the
 * worker has handled it. */
static int begin_at(struct worker *at, bool hello)
{
    int ends[2];
    make_pair(0, ends);
    if (hello)
        ck_assert_int_eq(write(ends[0], "\x16\x03\x01\x02\x00\x01", 6), 6);
    struct handoff given = handoff(ends[1], TLS);
    given.id = 1;
    ck_assert(worker_hand_over(at, &given, 1));
    return ends[0];
}

static bool is_open(int fd)
{
    char byte;
    return recv(fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

/* Waits until that worker has read what was sent on fd, and has ended that turn. */
static void settle(struct worker *at, int fd)
{
    int unread;
    do {
        sched_yield();
        ck_assert_int_eq(ioctl(fd, SIOCOUTQ, &unread), 0);
    } while (unread > 0);
    worker_list(at);
    captured_log_find(" event=live ");
}

START_TEST(the_oldest_unfinished_handshake_of_all_workers_is_closed_and_silence_does_not_count)
{
    struct worker *other;
    struct error err;
    start("limits: { handshakes: 1 }");
    ck_assert_int_eq(worker_new(owner, group, &other, &err), 0);
    int silent = begin_at(worker, false), old = begin_at(worker, true);
    settle(worker, old);
    ck_assert(is_open(old));

    int young = begin_at(other, true);
    talk_ends(old);
    assert_logged(" end=handshake_limit");
    ck_assert(is_open(young));
    int youngest = begin_at(worker, true);
    talk_ends(young);
    assert_logged(" end=handshake_limit");
    settle(worker, youngest);
    ck_assert(is_open(youngest) && is_open(silent));

    worker_order(other, WORKER_STOP);
    worker_join(other);
    close(silent);
    close(old);
    close(young);
    close(youngest);
    finish(WORKER_STOP);
}
END_TEST

START_TEST(an_idle_connection_is_closed_in_order)
{
    start("timeouts: { idle: 50ms }");
    int client = connect_to(PLAIN);
    talk_ends(client);
    close(client);
    assert_logged(" end=idle_timeout");
    finish(WORKER_DRAIN);
}
END_TEST

/* Advances the clock once the worker has handled what it has read so far. */
static void pass_ms(long long ms)
{
    worker_list(worker);
    captured_log_find(" event=live ");
    atomic_fetch_add(&turned_ns, ms * 1000000);
}

static void pass_minutes(int minutes)
{
    pass_ms(minutes * 60000LL);
}

START_TEST(bytes_restart_the_idle_time_out)
{
    start("timeouts: { idle: 1h }");
    int client = connect_to(PLAIN);
    for (int i = 0; i < 3; i++) {
        talk_echo(client, "hello");
        pass_minutes(59);
    }
    talk_echo(client, "hello");
    pass_minutes(61);
    reactor_wake(worker_reactor(worker));
    talk_ends(client);
    close(client);
    assert_logged(" end=idle_timeout");
    finish(WORKER_DRAIN);
}
END_TEST

/* Sends a part of a request, and returns the status of the answer once all of it has come; 0 for a
 * part that gets none. */
static int ask(int client, const char *part, bool answered)
{
    char answer[4096];
    size_t n = 0;
    ck_assert_int_eq(send(client, part, strlen(part), 0), (ssize_t)strlen(part));
    while (answered && (n == 0 || answer[n - 1] != '\n' || !memmem(answer, n, "\r\n\r\n", 4))) {
        ck_assert(talk_goes_on(client));
        ssize_t more = recv(client, answer + n, sizeof answer - 1 - n, 0);
        ck_assert_int_gt(more, 0);
        n += (size_t)more;
    }
    answer[n] = '\0';
    int status = 0;
    sscanf(answer, "HTTP/1.1 %d", &status);
    return status;
}

START_TEST(every_request_has_the_time_of_a_handshake_from_its_first_byte)
{
    stop_clock();
    start("timeouts: { handshake: 1m, idle: 1h }");
    int client = connect_to(HTTP);
    pass_ms(90000); /* no byte yet: it is idle */
    ask(client, "GET / HTTP/1.0\r\nConnection: keep-", false);
    pass_ms(59000);
    ck_assert_int_eq(ask(client, "alive\r\n\r\nGET / H", true), 200);
    pass_ms(59000);
    ck_assert_int_eq(ask(client, "TTP/1.0\r\nConnection: keep-alive\r\n\r\nG", true), 200);
    pass_ms(61000);
    ck_assert_int_eq(ask(client, "E", true), 408);
    close(client);
    assert_logged(" end=request_timeout");
    finish(WORKER_DRAIN);
}
END_TEST

START_TEST(a_client_that_never_closes_is_closed_after_the_linger_time_out)
{
    start("timeouts: { idle: 50ms, linger: 50ms }");
    int client = connect_to(PLAIN);
    talk_ends(client);
    assert_logged(" end=idle_timeout");
    close(client);
    finish(WORKER_DRAIN);
}
END_TEST

START_TEST(a_peer_that_never_reads_is_closed)
{
    start("timeouts: { write: 100ms, idle: 0 }");
    int ends[2];
    make_pair(4096, ends);
    struct handoff given = handoff(ends[1], PLAIN);
    worker_hand_over(worker, &given, 1);
    static const char zeros[4096];
    while (send(ends[0], zeros, sizeof zeros, MSG_NOSIGNAL) > 0)
        ;
    ck_assert(errno == EPIPE || errno == ECONNRESET);
    assert_logged(" end=write_timeout");
    close(ends[0]);
    finish(WORKER_DRAIN);
}
END_TEST

START_TEST(no_connection_is_open_longer_than_the_lifetime)
{
    start("timeouts: { lifetime: 100ms }");
    int client = connect_to(PLAIN);
    char byte;
    while (send(client, "x", 1, MSG_NOSIGNAL) == 1 && talk_goes_on(client))
        ck_assert_int_eq(recv(client, &byte, 1, 0), 1);
    close(client);
    assert_logged(" end=lifetime");
    finish(WORKER_DRAIN);
}
END_TEST

START_TEST(a_drain_without_connections_ends_it_at_once)
{
    start("");
    ck_assert(!worker_ended(worker));
    finish(WORKER_DRAIN);
}
END_TEST

START_TEST(draining_closes_quiet_connections_and_then_ends_the_thread)
{
    start("");
    int client = connect_to(PLAIN);
    talk_echo(client, "hello");
    worker_order(worker, WORKER_DRAIN);
    talk_ends(client);
    close(client);
    assert_logged(" end=drained");
    finish(WORKER_DRAIN);
}
END_TEST

START_TEST(draining_waits_for_a_busy_client)
{
    stop_clock();
    start("");
    int client = connect_to(PLAIN);
    worker_order(worker, WORKER_DRAIN); /* it may still be on its way */
    for (int i = 0; i < 3; i++) {       /* only one that is quiet for 1 s has finished */
        talk_echo(client, "still talking");
        pass_ms(900);
    }
    shutdown(client, SHUT_WR);
    talk_ends(client);
    close(client);
    assert_logged(" end=closed");
    finish(WORKER_DRAIN);
}
END_TEST

START_TEST(an_order_to_finish_ends_every_connection_in_order)
{
    start("timeouts: { idle: 0 }");
    int client = connect_to(PLAIN), shaking = connect_to(TLS);
    talk_echo(client, "hello");
    worker_order(worker, WORKER_FINISH);
    talk_ends(client);
    talk_ends(shaking);
    close(client);
    close(shaking);
    assert_logged(" end=drained");
    assert_logged(" end=drained");
    finish(WORKER_FINISH);
}
END_TEST

START_TEST(an_order_to_stop_ends_it_at_once_whatever_the_clients_do)
{
    start("timeouts: { idle: 0, handshake: 0, linger: 0 }");
    int client = connect_to(PLAIN), shaking = connect_to(TLS);
    talk_echo(client, "hello");
    worker_order(worker, WORKER_STOP);
    wait_for_end();
    assert_logged(" end=stopped");
    assert_logged(" end=stopped");
    talk_ends(client);
    talk_ends(shaking);
    close(client);
    close(shaking);
    finish(WORKER_STOP);
}
END_TEST

/* More than the worker reads from its pipe at once. */
START_TEST(an_order_reaches_connections_that_are_still_in_the_queue)
{
    enum { WRITES = 8, CLIENTS = WRITES * WORKER_HANDOFFS_MAX };
    struct handoff given[CLIENTS];
    int clients[CLIENTS];
    start("timeouts: { idle: 0 }");
    for (int i = 0; i < CLIENTS; i++) {
        int ends[2];
        make_pair(0, ends);
        clients[i] = ends[0];
        given[i] = handoff(ends[1], PLAIN);
    }
    for (int i = 0; i < CLIENTS; i += WORKER_HANDOFFS_MAX)
        worker_hand_over(worker, &given[i], WORKER_HANDOFFS_MAX);
    worker_order(worker, WORKER_STOP);
    wait_for_end();
    for (int i = 0; i < CLIENTS; i++) {
        talk_ends(clients[i]);
        close(clients[i]);
    }
    finish(WORKER_STOP);
}
END_TEST

START_TEST(a_stop_follows_a_drain)
{
    start("timeouts: { idle: 0, handshake: 0 }");
    int shaking = connect_to(TLS);
    worker_order(worker, WORKER_DRAIN);
    worker_order(worker, WORKER_FINISH);
    worker_order(worker, WORKER_STOP);
    wait_for_end();
    talk_ends(shaking);
    close(shaking);
    finish(WORKER_STOP);
}
END_TEST

static uint64_t counted(const struct metrics_counter *counter)
{
    return metrics_read(counter);
}

START_TEST(counts_bytes_while_a_connection_lives_and_its_end_after_it)
{
    start("");
    const struct metrics_listener *m = &worker_metrics(worker)->listeners[0];
    int client = connect_to(PLAIN);
    talk_echo(client, "hello");
    talk_echo(client, "again"); /* the turn of the first one is over */
    ck_assert_uint_eq(counted(&m->accepted), 1);
    ck_assert_uint_ge(counted(&m->received_bytes), 5);
    ck_assert_uint_eq(counted(&m->ended[CONN_END_CLOSED]), 0);
    close(client);
    assert_logged(" end=closed");
    finish(WORKER_DRAIN);
}
END_TEST

/* The kinds of handshakes that this worker counted, of which there may be one. */
static struct metrics_handshake counted_handshake(void)
{
    for (unsigned at = 0; at < METRICS_HANDSHAKES; at++)
        if (counted(&worker_metrics(worker)->handshakes[at]) == 1)
            return metrics_handshake_at(at);
    ck_abort_msg("no handshake is counted");
}

START_TEST(counts_a_handshake_that_failed_by_how_it_ended)
{
    start("");
    int client = connect_to(TLS);
    ck_assert_int_eq(write(client, "GET / HTTP/1.1\r\n\r\n", 18), 18);
    shutdown(client, SHUT_WR);
    assert_logged(" end=handshake_failed");
    ck_assert_int_eq(counted_handshake().end, CONN_END_HANDSHAKE);
    ck_assert_str_eq(metrics_version_name(counted_handshake().version), "none");
    close(client);
    finish(WORKER_DRAIN);
}
END_TEST

START_TEST(counts_a_handshake_that_a_stop_interrupts)
{
    start("");
    int shaking = connect_to(TLS);
    worker_order(worker, WORKER_STOP);
    wait_for_end();
    ck_assert_int_eq(counted_handshake().end, CONN_END_STOPPED);
    close(shaking);
    finish(WORKER_STOP);
}
END_TEST

START_TEST(lists_every_connection_once)
{
    enum { CLIENTS = 100 };
    int clients[CLIENTS];
    start("");
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = connect_to(PLAIN);
        talk_echo(clients[i], "hello");
    }
    worker_list(worker);
    for (int i = 0; i < CLIENTS; i++) {
        char id[32];
        snprintf(id, sizeof id, " event=live id=%d ", i + 1);
        const char *line = captured_log_line();
        ck_assert_msg(strstr(line, id) != NULL, "\"%s\" has not \"%s\"", line, id);
        ck_assert_ptr_nonnull(strstr(line, " state=serve received_bytes=5 sent_bytes=5 age="));
    }
    for (int i = 0; i < CLIENTS; i++)
        close(clients[i]);
    finish(WORKER_STOP);
}
END_TEST

/* More than half of the queue and all of a pipe, and less than the whole queue. */
static void fill_log(void)
{
    enum { FILLERS = 370 };
    char text[LOG_LINE_BYTES / 2];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (int i = 0; i < FILLERS; i++)
        log_reason(LOG_LEVEL_INFO, "filler", text);
    ck_assert(!log_has_room());
}

START_TEST(the_list_waits_for_room_in_the_log_and_skips_an_ended_connection)
{
    start("");
    int leaving = connect_to(PLAIN), staying = connect_to(PLAIN);
    talk_echo(leaving, "hello");
    fill_log();
    worker_list(worker);
    talk_echo(staying, "the list is begun after this turn");
    close(leaving);
    while (worker_load(worker) > 1)
        sched_yield();
    ck_assert_ptr_nonnull(strstr(captured_log_find(" event=live "), " id=2 "));
    close(staying);
    finish(WORKER_DRAIN);
}
END_TEST

START_TEST(leaves_no_line_if_connections_are_not_logged)
{
    start("log: { connections: off }");
    int client = connect_to(PLAIN);
    talk_echo(client, "hello");
    worker_order(worker, WORKER_STOP);
    wait_for_end();
    log_reason(LOG_LEVEL_INFO, "marker", "x");
    ck_assert_ptr_nonnull(strstr(captured_log_line(), " event=marker "));
    close(client);
    finish(WORKER_STOP);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("worker");
    TCase *tcase = tcase_create("serves");
    tcase_add_test(tcase, echoes_and_closes_when_the_client_does);
    tcase_add_test(tcase, serves_many_connections_at_once);
    tcase_add_test(tcase,
                   connections_that_do_not_fit_in_the_queue_stay_the_callers_and_others_are_served);
    tcase_add_test(tcase, its_load_falls_when_a_connection_ends);
    tcase_add_test(tcase, echoes_over_tls);
    tcase_add_test(tcase, a_reset_ends_that_client_alone);
    tcase_add_test(tcase, leaves_no_line_if_connections_are_not_logged);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("time-outs");
    tcase_add_test(tcase, a_late_handshake_ends_the_connection);
    tcase_add_test(tcase, bytes_do_not_prolong_a_handshake);
    tcase_add_test(
        tcase, the_oldest_unfinished_handshake_of_all_workers_is_closed_and_silence_does_not_count);
    tcase_add_test(tcase, an_idle_connection_is_closed_in_order);
    tcase_add_test(tcase, bytes_restart_the_idle_time_out);
    tcase_add_test(tcase, every_request_has_the_time_of_a_handshake_from_its_first_byte);
    tcase_add_test(tcase, a_client_that_never_closes_is_closed_after_the_linger_time_out);
    tcase_add_test(tcase, a_peer_that_never_reads_is_closed);
    tcase_add_test(tcase, no_connection_is_open_longer_than_the_lifetime);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("orders");
    tcase_add_test(tcase, a_drain_without_connections_ends_it_at_once);
    tcase_add_test(tcase, draining_closes_quiet_connections_and_then_ends_the_thread);
    tcase_add_test(tcase, draining_waits_for_a_busy_client);
    tcase_add_test(tcase, an_order_to_finish_ends_every_connection_in_order);
    tcase_add_test(tcase, an_order_to_stop_ends_it_at_once_whatever_the_clients_do);
    tcase_add_test(tcase, an_order_reaches_connections_that_are_still_in_the_queue);
    tcase_add_test(tcase, a_stop_follows_a_drain);
    tcase_add_test(tcase, counts_bytes_while_a_connection_lives_and_its_end_after_it);
    tcase_add_test(tcase, counts_a_handshake_that_failed_by_how_it_ended);
    tcase_add_test(tcase, counts_a_handshake_that_a_stop_interrupts);
    tcase_add_test(tcase, lists_every_connection_once);
    tcase_add_test(tcase, the_list_waits_for_room_in_the_log_and_skips_an_ended_connection);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
