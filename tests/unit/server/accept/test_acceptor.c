/* SPDX-License-Identifier: MIT */
#include "tlsecho/server/acceptor.h"

#include <check.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "captured_log.h"
#include "folder.h"
#include "kernel.h"
#include "listen.h"
#include "loopback.h"
#include "suite.h"
#include "talk.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/server/descriptors.h"
#include "yaml_snapshot.h"

enum { WORKERS_MAX = 3 };

/* A single worker accepts in its own thread: tests of both run with as many workers as _i. */
enum { ONE = 1, MORE = 2 };

static const struct config_snapshot *snapshot;
static struct listen_set listen_set;
static struct reactor *owner;
static struct worker_group *group;
static struct worker *workers[WORKERS_MAX];
static unsigned worker_count;
static struct admission *admission;
static struct acceptor *acceptor;

/* Replaces the C library's: the errno of accept4(2), 0 = call the real one. */
static atomic_int accept_fails;
static atomic_int accept_failures;
static atomic_int accept_shortages; /* how often it found no descriptor by itself */

int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
    if ((errno = atomic_load(&accept_fails)) != 0) {
        atomic_fetch_add(&accept_failures, 1);
        return -1;
    }
    int accepted = (int)syscall(SYS_accept4, fd, address, length, flags);
    if (accepted < 0 && errno == EMFILE)
        atomic_fetch_add(&accept_shortages, 1);
    return accepted;
}

/* Likewise: counts the turns of all event loops. */
static atomic_int turns;

int epoll_wait(int fd, struct epoll_event *events, int size, int timeout_ms)
{
    atomic_fetch_add(&turns, 1);
    return epoll_pwait(fd, events, size, timeout_ms, NULL);
}

/* Listeners and workers; the backlog fills until there is an acceptor. */
static void open_all(const char *yaml, unsigned count)
{
    struct error err;
    snapshot = yaml_snapshot("%s\n", yaml);
    captured_log_open(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    ck_assert_msg(listen_as(snapshot, NULL, &listen_set, &err) == 0, "%s", err.text);
    ck_assert_int_eq(reactor_new(&owner, &err), 0);
    ck_assert_int_eq(admission_new(&admission, &err), 0);
    ck_assert_int_eq(worker_group_new(count, admission, &group, &err), 0);
    for (worker_count = 0; worker_count < count; worker_count++)
        ck_assert_int_eq(worker_new(owner, group, &workers[worker_count], &err), 0);
}

static void accept_all(void)
{
    struct error err;
    const struct acceptor_plan plan = {
        .snapshot = snapshot,
        .listen_set = listen_set,
        .admission = admission,
        .workers = workers,
        .worker_count = worker_count,
    };
    ck_assert_msg(acceptor_new(&plan, &acceptor, &err) == 0, "%s", err.text);
}

static void start(const char *yaml, unsigned count)
{
    open_all(yaml, count);
    accept_all();
}

static void close_all(void)
{
    listen_set_close(&listen_set, NULL);
    for (unsigned i = 0; i < worker_count; i++) {
        worker_order(workers[i], WORKER_STOP);
        worker_join(workers[i]);
    }
    worker_group_free(group);
    admission_free(admission);
    reactor_free(owner);
    captured_log_close();
    config_snapshot_free(snapshot);
}

static void stop(void)
{
    acceptor_stop(acceptor);
    close_all();
}

static int connect_to(size_t socket)
{
    return loopback_connect(&listen_set.sockets[socket].address);
}

/* connect(2) returns before the last segment of the three has reached the listening socket. */
static void wait_for_backlog(unsigned count)
{
    struct tcp_info info;
    socklen_t size = sizeof info;
    do {
        sched_yield();
        ck_assert_int_eq(
            getsockopt(listen_set.sockets[0].source.fd, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
    } while (info.tcpi_unacked < count); /* of a listening socket: its backlog */
}

static void assert_logged(const char *event, const char *part)
{
    const char *line = captured_log_find(event);
    ck_assert_msg(strstr(line, part) != NULL, "\"%s\" has not \"%s\"", line, part);
}

START_TEST(accepts_on_every_listener)
{
    struct folder folder;
    char yaml[256];
    folder_new(&folder);
    snprintf(yaml, sizeof yaml,
             "listeners:\n"
             "  - listen: tcp://127.0.0.1:0\n"
             "  - { listen: 'unix://%s', name: local }\n",
             folder_file(&folder, "socket"));
    start(yaml, (unsigned)_i);
    for (size_t i = 0; i < 2; i++) {
        int client = connect_to(i);
        talk_echo(client, "hello");
        close(client);
        const char *line = captured_log_find(" event=connection ");
        ck_assert_ptr_nonnull(strstr(line, i ? " source=unix " : " source=127.0.0.1:"));
        ck_assert_ptr_nonnull(
            strstr(line, i ? " listener=local " : " listener=tcp://127.0.0.1:0 "));
    }
    stop();
    folder_remove(&folder);
}
END_TEST

START_TEST(spreads_connections_over_the_workers)
{
    enum { CLIENTS = 12 };
    int clients[CLIENTS];
    start("listeners: [{ listen: 'tcp://127.0.0.1:0' }]", WORKERS_MAX);
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = connect_to(0);
        talk_echo(clients[i], "hello");
    }
    for (unsigned i = 0; i < WORKERS_MAX; i++)
        ck_assert_uint_eq(worker_load(workers[i]), CLIENTS / WORKERS_MAX);
    for (int i = 0; i < CLIENTS; i++)
        close(clients[i]);
    stop();
}
END_TEST

START_TEST(spreads_connections_of_one_turn_too)
{
    enum { CLIENTS = 12 };
    int clients[CLIENTS];
    open_all("listeners: [{ listen: 'tcp://127.0.0.1:0' }]", WORKERS_MAX);
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = connect_to(0);
    accept_all();
    for (int i = 0; i < CLIENTS; i++)
        talk_echo(clients[i], "hello");
    for (unsigned i = 0; i < WORKERS_MAX; i++)
        ck_assert_uint_eq(worker_load(workers[i]), CLIENTS / WORKERS_MAX);
    for (int i = 0; i < CLIENTS; i++)
        close(clients[i]);
    stop();
}
END_TEST

START_TEST(numbers_connections_from_one)
{
    start("listeners: [{ listen: 'tcp://127.0.0.1:0' }]", 1);
    for (int i = 1; i <= 3; i++) {
        int client = connect_to(0);
        talk_echo(client, "hello");
        close(client);
        char id[24];
        snprintf(id, sizeof id, " id=%d ", i);
        assert_logged(" event=connection ", id);
    }
    stop();
}
END_TEST

START_TEST(a_mapped_source_counts_as_ipv4)
{
    if (!loopback_has_ipv6())
        return;
    start("listeners: [{ listen: 'tcp://[::]:0' }]", 1);
    struct address address = loopback_address("tcp://127.0.0.1:0");
    address_set_port(&address, address_port(&listen_set.sockets[0].address));
    int client = loopback_connect(&address);
    talk_echo(client, "hello");
    close(client);
    assert_logged(" event=connection ", " source=127.0.0.1:");
    stop();
}
END_TEST

START_TEST(refuses_at_the_limit_and_recovers_below_it)
{
    start("listeners: [{ listen: 'tcp://127.0.0.1:0' }]\n"
          "limits: { connections: 2 }",
          (unsigned)_i);
    int leaving = connect_to(0), staying = connect_to(0);
    talk_echo(leaving, "one");
    talk_echo(staying, "two");
    int refused = connect_to(0);
    talk_ends(refused);
    close(refused);
    assert_logged(" event=connections_refused ",
                  " level=warning event=connections_refused cause=connections count=1"
                  " reason=\"limits.connections is reached\" last_source=127.0.0.1:");
    talk_echo(staying, "untouched");

    close(leaving);
    assert_logged(" event=connection ", " end=closed");
    talk_echo(staying, "the other's end is dealt with");
    int next = connect_to(0);
    talk_echo(next, "served again");
    close(next);
    close(staying);
    stop();
}
END_TEST

static int gate[2]; /* a pipe: a worker is held up until something is in it */
static atomic_bool held_up;

static size_t wait_at_gate(unsigned char *data, size_t n)
{
    struct pollfd waiting = {.fd = gate[0], .events = POLLIN};
    (void)data;
    (void)n;
    atomic_store(&held_up, true);
    poll(&waiting, 1, -1);
    return 0;
}

static const struct service service_stuck = {.name = "stuck", .answer = wait_at_gate};

/* Listeners: one whose connections hold their worker up, and an echo. */
static void start_stuck(unsigned count)
{
    ck_assert_int_eq(pipe(gate), 0);
    open_all(
        "listeners: [{ listen: 'tcp://127.0.0.1:0' }, { listen: 'tcp://127.0.0.1:0', name: b }]\n"
        "log: { connections: off }",
        count);
    static struct listener stuck;
    stuck = snapshot->listeners[0];
    stuck.service = &service_stuck;
    listen_set.sockets[0].listener = &stuck;
    accept_all();
}

static int hold_a_worker_up(void)
{
    int client = connect_to(0);
    atomic_store(&held_up, false);
    ck_assert_int_eq(write(client, "x", 1), 1);
    while (!atomic_load(&held_up))
        sched_yield();
    return client;
}

/* Connects until it is served: the worker's pipe has room only once a whole page of it has been
 * read. */
static int connect_until_served(unsigned listener)
{
    for (;;) {
        int client = connect_to(listener);
        ck_assert(send(client, "x", 1, MSG_NOSIGNAL) == 1 || errno == ECONNRESET || errno == EPIPE);
        if (talk_goes_on(client))
            return client;
        close(client);
    }
}

/* Waits until so many of them have been answered. */
static void await_answers(const int *clients, int count, int answered)
{
    struct pollfd waiting[1000];
    for (int i = 0; i < count; i++)
        waiting[i] = (struct pollfd){.fd = clients[i], .events = POLLIN};
    for (int done = 0; done < answered;) {
        ck_assert_int_gt(poll(waiting, (nfds_t)count, 20000), 0);
        for (int i = 0; i < count; i++)
            if (waiting[i].revents) {
                char byte;
                ck_assert_int_eq(recv(clients[i], &byte, 1, 0), 1);
                waiting[i].fd = -1;
                waiting[i].revents = 0;
                done++;
            }
    }
}

START_TEST(a_stuck_worker_does_not_keep_new_connections_from_the_others)
{
    enum { CLIENTS = 900, PIPE_HOLDS = 65536 / sizeof(struct handoff) }; /* pipe(7) */
    static int clients[CLIENTS];
    start_stuck(2);
    int stuck = hold_a_worker_up();
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = connect_to(1);
        ck_assert_int_eq(write(clients[i], "x", 1), 1);
    }
    await_answers(clients, CLIENTS, CLIENTS - PIPE_HOLDS);
    ck_assert_int_eq(write(gate[1], "", 1), 1);
    for (int i = 0; i < CLIENTS; i++)
        close(clients[i]);
    close(stuck);
    stop();
}
END_TEST

START_TEST(when_no_worker_accepts_connections_they_are_refused_after_a_while)
{
    enum { FILL = 800 };
    static int clients[FILL];
    start_stuck(MORE);
    int stuck[MORE];
    for (int i = 0; i < MORE; i++)
        stuck[i] = hold_a_worker_up();
    for (int i = 0; i < FILL; i++)
        clients[i] = connect_to(1);
    assert_logged(" event=connections_refused ",
                  " cause=workers "); /* of a few: whether it holds more is undefined */
    ck_assert_int_eq(write(gate[1], "", 1), 1);
    talk_echo(clients[0], "it waited for the worker");
    int next = connect_until_served(1);
    for (int i = 0; i < FILL; i++)
        close(clients[i]);
    close(next);
    for (int i = 0; i < MORE; i++)
        close(stuck[i]);
    stop();
}
END_TEST

START_TEST(only_a_single_worker_accepts_in_its_own_thread)
{
    start("listeners: [{ listen: 'tcp://127.0.0.1:0' }]", (unsigned)_i);
    ck_assert_int_eq(acceptor_reactor(acceptor) == NULL, _i == ONE);
    stop();
}
END_TEST

/* Each has input: at once they would keep the worker from all others. */
START_TEST(connections_that_waited_for_a_single_worker_are_served_over_several_turns)
{
    enum { CLIENTS = 600, TURNS = 5 };
    static int clients[CLIENTS];
    open_all("listeners: [{ listen: 'tcp://127.0.0.1:0' }]\n"
             "log: { connections: off }",
             ONE);
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = connect_to(0);
        ck_assert_int_eq(write(clients[i], "x", 1), 1);
    }
    unsigned before = reactor_turns(worker_reactor(workers[0]));
    accept_all();
    acceptor_stop(acceptor);
    await_answers(clients, CLIENTS, CLIENTS);
    ck_assert_uint_ge(reactor_turns(worker_reactor(workers[0])) - before, TURNS);
    for (int i = 0; i < CLIENTS; i++)
        close(clients[i]);
    close_all();
}
END_TEST

START_TEST(denies_before_it_allows)
{
    static const struct {
        const char *lists, *reason; /* NULL = served */
    } cases[] = {
        {"allow: [127.0.0.1], deny: [10.0.0.0/8]", NULL},
        {"deny: [127.0.0.2]", NULL},
        {"allow: [127.0.0.2]", " cause=allow "},
        {"allow: [127.0.0.1], deny: [127.0.0.0/8]", " cause=deny "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char yaml[256];
        snprintf(yaml, sizeof yaml, "listeners: [{ listen: 'tcp://127.0.0.1:0', %s }]",
                 cases[i].lists);
        start(yaml, 1);
        int client = connect_to(0);
        if (cases[i].reason) {
            talk_ends(client);
            assert_logged(" event=connections_refused ", cases[i].reason);
        } else {
            talk_echo(client, "hello");
        }
        close(client);
        stop();
    }
}
END_TEST

START_TEST(a_connection_refused_by_one_limit_does_not_count_for_another)
{
    start("listeners: [{ listen: 'tcp://127.0.0.1:0' }]\n"
          "limits: { connections: 1, per_source: 2 }",
          1);
    int leaving = connect_to(0);
    talk_echo(leaving, "hello");
    for (int i = 0; i < 3; i++) {
        int refused = connect_to(0);
        talk_ends(refused);
        close(refused);
    }
    close(leaving);
    while (worker_load(workers[0]) > 0)
        ck_assert_int_eq(poll(NULL, 0, 1), 0);
    int next = connect_to(0);
    talk_echo(next, "served");
    ck_assert_uint_eq(admission_refused(admission, ADMISSION_CONNECTIONS), 3);
    ck_assert_uint_eq(admission_refused(admission, ADMISSION_PER_SOURCE), 0);
    close(next);
    stop();
}
END_TEST

START_TEST(logs_rejected_connections_once_a_second)
{
    enum { REFUSED = 20 };
    start("listeners: [{ listen: 'tcp://127.0.0.1:0' }]\n"
          "limits: { connections: 1 }",
          1);
    int client = connect_to(0);
    talk_echo(client, "hello");
    uint64_t start_us = clock_now_us(), counted = 0, lines = 0;
    for (int i = 0; i < REFUSED; i++) {
        int refused = connect_to(0);
        talk_ends(refused);
        close(refused);
    }
    acceptor_stop(acceptor);
    log_reason(LOG_LEVEL_INFO, "marker", "x");
    const char *line;
    while (!strstr(line = captured_log_line(), " event=marker ")) {
        const char *count = strstr(line, " count=");
        ck_assert_ptr_nonnull(count);
        counted += strtoull(count + strlen(" count="), NULL, 10);
        lines++;
    }
    ck_assert_uint_eq(counted, REFUSED);
    ck_assert_uint_le(lines, 2 + (clock_now_us() - start_us) / 1000000);
    close(client);
    close_all();
}
END_TEST

START_TEST(the_last_rejected_connections_are_logged_too)
{
    start("listeners: [{ listen: 'tcp://127.0.0.1:0' }]\n"
          "limits: { connections: 1 }",
          (unsigned)_i);
    int client = connect_to(0);
    talk_echo(client, "hello");
    for (int i = 0; i < 2; i++) {
        int refused = connect_to(0);
        talk_ends(refused);
        close(refused);
        assert_logged(" event=connections_refused ", " count=1");
    }
    close(client);
    stop();
}
END_TEST

START_TEST(connections_in_the_backlog_at_a_stop_are_served)
{
    enum { CLIENTS = 100 };
    int clients[CLIENTS];
    open_all("listeners: [{ listen: 'tcp://127.0.0.1:0' }]", (unsigned)_i);
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = connect_to(0);
    accept_all();
    acceptor_stop(acceptor);
    listen_set_close(&listen_set, NULL);
    for (int i = 0; i < CLIENTS; i++) {
        talk_echo(clients[i], "hello");
        close(clients[i]);
    }
    close_all();
}
END_TEST

enum { DESCRIPTORS = 256 };
static int fillers[DESCRIPTORS], filler_count;
static struct rlimit usual;

/* Uses up all descriptors, those in reserve too. */
static void exhaust_descriptors(void)
{
    struct rlimit few;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &usual), 0);
    few = usual;
    few.rlim_cur = DESCRIPTORS;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    for (int fd; (fd = dup(STDIN_FILENO)) >= 0;)
        fillers[filler_count++] = fd;
}

static void release_descriptors(void)
{
    while (filler_count > 0)
        close(fillers[--filler_count]);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &usual), 0);
}

START_TEST(without_descriptors_it_refuses_logs_and_recovers)
{
    if (!kernel_has(KERNEL_DESCRIPTOR_LIMIT))
        return;
    start("listeners: [{ listen: 'tcp://127.0.0.1:0' }]", (unsigned)_i);
    int first = connect_to(0);
    talk_echo(first, "hello");

    int second = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    exhaust_descriptors();
    const struct address *address = &listen_set.sockets[0].address;
    ck_assert_int_eq(connect(second, &address->any, address->length), 0);
    talk_ends(second);
    assert_logged(" event=connections_refused ",
                  " cause=descriptors count=1 reason=\"accept: Too many open files: raise "
                  "the limit of open files, ulimit -n, or LimitNOFILE= of the service\""
                  " last_source=127.0.0.1:");
    ck_assert_uint_eq(admission_refused(admission, ADMISSION_DESCRIPTORS), 1);
    talk_echo(first, "untouched");

    release_descriptors();
    int third = connect_to(0);
    talk_echo(third, "served again");
    close(first);
    close(second);
    close(third);
    stop();
}
END_TEST

START_TEST(out_of_descriptors_the_backlog_is_refused_in_one_turn)
{
    if (!kernel_has(KERNEL_TCP_INFO) || !kernel_has(KERNEL_DESCRIPTOR_LIMIT))
        return;
    enum { CROWD = 100 };
    int crowd[CROWD];
    open_all("listeners: [{ listen: 'tcp://127.0.0.1:0' }]", (unsigned)_i);
    for (int i = 0; i < CROWD; i++)
        crowd[i] = connect_to(0);
    wait_for_backlog(CROWD);
    /* One to reserve, three for the acceptor's reactor, its wake-up and its timer. */
    int left[4], count = _i == ONE ? 1 : 4;
    for (int i = 0; i < count; i++)
        left[i] = dup(STDIN_FILENO);
    exhaust_descriptors();
    for (int i = 0; i < count; i++)
        close(left[i]);
    accept_all();
    for (int i = 0; i < CROWD; i++)
        talk_ends(crowd[i]);
    release_descriptors();
    acceptor_stop(acceptor); /* a rejected client is counted after its connection is closed */
    ck_assert_uint_eq(admission_refused(admission, ADMISSION_DESCRIPTORS), CROWD);
    ck_assert_int_eq(atomic_load(&accept_shortages), 1); /* a pause comes with each */
    for (int i = 0; i < CROWD; i++)
        close(crowd[i]);
    close_all();
}
END_TEST

START_TEST(the_last_descriptors_are_not_for_connections)
{
    start("listeners: [{ listen: 'tcp://127.0.0.1:0' }]", (unsigned)_i);
    int clients[2], reserve[2];
    for (int i = 0; i < 2; i++)
        clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int last = dup(STDIN_FILENO); /* of those that a connection may have */
    exhaust_descriptors();
    while (filler_count > 0 && fillers[filler_count - 1] >= descriptors_reserve_fd())
        close(fillers[--filler_count]);
    close(last);
    const struct address *address = &listen_set.sockets[0].address;
    ck_assert_int_eq(connect(clients[0], &address->any, address->length), 0);
    talk_echo(clients[0], "hello");
    ck_assert_int_eq(connect(clients[1], &address->any, address->length), 0);
    talk_ends(clients[1]);
    assert_logged(" event=connections_refused ",
                  " cause=descriptors count=1 reason=\"the remaining descriptors are reserved");
    ck_assert_uint_eq(admission_refused(admission, ADMISSION_DESCRIPTORS), 1);
    for (int i = 0; i < 2; i++)
        ck_assert_int_ge(reserve[i] = dup(STDIN_FILENO), 0);
    for (int i = 0; i < 2; i++) {
        close(reserve[i]);
        close(clients[i]);
    }
    release_descriptors();
    stop();
}
END_TEST

START_TEST(the_last_descriptor_is_no_failure_with_an_empty_backlog)
{
    start("listeners: [{ listen: 'tcp://127.0.0.1:0' }]", 1);
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int last = dup(STDIN_FILENO);
    exhaust_descriptors();
    close(last);
    const struct address *address = &listen_set.sockets[0].address;
    ck_assert_int_eq(connect(client, &address->any, address->length), 0);
    talk_echo(client, "hello");
    release_descriptors();
    acceptor_stop(acceptor);
    close(client);
    log_reason(LOG_LEVEL_INFO, "marker", "x");
    const char *line = captured_log_line();
    while (!strstr(line, " event=marker ")) {
        ck_assert_msg(strstr(line, " event=connection ") != NULL, "%s", line);
        line = captured_log_line();
    }
    close_all();
}
END_TEST

static const struct {
    int code;
    const char *reason;
} shortages[] = {
    {EMFILE, "accept: Too many open files: raise the limit of open files, ulimit -n, or "
             "LimitNOFILE= of the service"},
    {ENFILE, "accept: Too many open files in system: raise the host's limit of open files, sysctl "
             "fs.file-max"},
    {ENOMEM, "accept: Cannot allocate memory: free memory, or raise its limit, ulimit -v, or "
             "MemoryMax= of the service"},
    {ENOBUFS, "accept: No buffer space available"},
    {EINVAL, "accept: Invalid argument"},
    {EPERM, "accept: Operation not permitted"},
};

/* Not even the reserved descriptor helps: the waiting connections are served when it is over. */
START_TEST(a_failure_of_accept_is_logged_and_retried_without_spinning)
{
    enum { PAUSES = 2, TURNS_MOST = 100 };
    start("listeners: [{ listen: 'tcp://127.0.0.1:0' }]", 1);
    atomic_store(&turns, 0);
    atomic_store(&accept_fails, shortages[_i].code);
    uint64_t start_us = clock_now_us();
    int client = connect_to(0);
    const char *line = captured_log_find(" event=accept_failed ");
    ck_assert_ptr_nonnull(strstr(line, shortages[_i].reason));
    while (atomic_load(&accept_failures) < PAUSES * 2)
        ck_assert_int_eq(poll(NULL, 0, 10), 0);
    int pauses = (int)(1 + (clock_now_us() - start_us) / 100000);
    ck_assert_int_le(atomic_load(&accept_failures), 2 * pauses);
    ck_assert_int_le(atomic_load(&turns), TURNS_MOST * pauses);

    atomic_store(&accept_fails, 0);
    talk_echo(client, "served after all");
    close(client);
    stop();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("acceptor");
    TCase *tcase = tcase_create("acceptor");
    tcase_add_loop_test(tcase, accepts_on_every_listener, ONE, MORE + 1);
    tcase_add_test(tcase, spreads_connections_over_the_workers);
    tcase_add_test(tcase, spreads_connections_of_one_turn_too);
    tcase_add_test(tcase, numbers_connections_from_one);
    tcase_add_test(tcase, a_mapped_source_counts_as_ipv4);
    tcase_add_loop_test(tcase, refuses_at_the_limit_and_recovers_below_it, ONE, MORE + 1);
    tcase_add_loop_test(tcase, only_a_single_worker_accepts_in_its_own_thread, ONE, MORE + 1);
    tcase_add_test(tcase,
                   connections_that_waited_for_a_single_worker_are_served_over_several_turns);
    tcase_add_test(tcase, denies_before_it_allows);
    tcase_add_test(tcase, a_stuck_worker_does_not_keep_new_connections_from_the_others);
    tcase_add_test(tcase, when_no_worker_accepts_connections_they_are_refused_after_a_while);
    tcase_add_test(tcase, a_connection_refused_by_one_limit_does_not_count_for_another);
    tcase_add_test(tcase, logs_rejected_connections_once_a_second);
    tcase_add_loop_test(tcase, the_last_rejected_connections_are_logged_too, ONE, MORE + 1);
    tcase_add_loop_test(tcase, connections_in_the_backlog_at_a_stop_are_served, ONE, MORE + 1);
    tcase_add_loop_test(tcase, without_descriptors_it_refuses_logs_and_recovers, ONE, MORE + 1);
    tcase_add_loop_test(tcase, out_of_descriptors_the_backlog_is_refused_in_one_turn, ONE,
                        MORE + 1);
    tcase_add_loop_test(tcase, the_last_descriptors_are_not_for_connections, ONE, MORE + 1);
    tcase_add_test(tcase, the_last_descriptor_is_no_failure_with_an_empty_backlog);
    tcase_add_loop_test(tcase, a_failure_of_accept_is_logged_and_retried_without_spinning, 0,
                        sizeof shortages / sizeof *shortages);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
