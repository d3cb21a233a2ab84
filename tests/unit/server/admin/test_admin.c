/* SPDX-License-Identifier: MIT */
#include "tlsecho/server/admin.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "captured_log.h"
#include "folder.h"
#include "listen.h"
#include "loopback.h"
#include "suite.h"
#include "tlsecho/base/clock.h"
#include "yaml_snapshot.h"

enum { SIX_SECONDS_US = 6 * 1000 * 1000, PAUSE_US_MIN = 50 * 1000 };

static struct folder folder;
static const struct config_snapshot *snapshot;
static struct metrics metrics;
static struct heartbeat heartbeat;
static struct reactor *reactor, *thread; /* the admin's, and one that the test runs */
static struct admin *admin;
static struct listen_set listen_set;

static void set_up(void)
{
    struct error err;
    struct listen_set part;
    folder_new(&folder);
    captured_log_open(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    snapshot = yaml_snapshot("listeners: [{ listen: 'tcp://127.0.0.1:0' }]\n"
                             "admin: { listen: 'unix://%s' }\n",
                             folder_file(&folder, "admin"));
    metrics_init(&metrics);
    metrics_adopt(&metrics, snapshot);
    ck_assert_int_eq(reactor_new(&reactor, &err), 0);
    ck_assert_int_eq(reactor_new(&thread, &err), 0);
    ck_assert_int_eq(heartbeat_add(&heartbeat, "worker", thread, &err), 0);
    ck_assert_int_eq(admin_new(reactor, &metrics, &heartbeat, &admin, &err), 0);
    ck_assert_msg(listen_as(snapshot, NULL, &listen_set, &err) == 0, "%s", err.text);
    part = listen_set_for_admin(&listen_set);
    admin_listen(admin, &part);
}

static void tear_down(void)
{
    admin_free(admin);
    listen_set_close(&listen_set, NULL);
    metrics_done(&metrics);
    heartbeat_done(&heartbeat);
    reactor_free(reactor);
    reactor_free(thread);
    config_snapshot_free(snapshot);
    captured_log_close();
    folder_remove(&folder);
}

static int connect_to_it(void)
{
    struct address address = loopback_path(folder_file(&folder, "admin"));
    return loopback_connect(&address);
}

/* The first bytes of the answer to a GET of that path. */
static const char *ask(const char *path)
{
    static char answer[1024];
    char request[64];
    int client = connect_to_it();
    int n = snprintf(request, sizeof request, "GET %s HTTP/1.0\r\n\r\n", path);
    ck_assert_int_eq(write(client, request, (size_t)n), n);
    ssize_t got;
    while ((got = recv(client, answer, sizeof answer - 1, MSG_DONTWAIT)) < 0 && errno == EAGAIN)
        reactor_turn(reactor, REACTOR_WAIT);
    ck_assert_int_gt(got, 0);
    answer[got] = '\0';
    close(client);
    return answer;
}

static void assert_says(const char *path, const char *status, const char *body)
{
    const char *answer = ask(path);
    ck_assert_msg(strncmp(answer, status, strlen(status)) == 0, "%s", answer);
    ck_assert_msg(strstr(answer, body) != NULL, "%s", answer);
}

START_TEST(is_ready_from_set_ready_true_until_set_ready_false)
{
    assert_says("/readyz", "HTTP/1.0 503 ", "\r\n\r\nstarting\n");
    admin_set_ready(admin, true);
    assert_says("/readyz", "HTTP/1.0 200 ", "\r\n\r\nok\n");
    admin_set_ready(admin, false);
    assert_says("/readyz", "HTTP/1.0 503 ", "\r\n\r\ndraining\n");
}
END_TEST

START_TEST(is_healthy_while_every_thread_responds)
{
    assert_says("/healthz", "HTTP/1.0 200 ", "ok\n");
    assert_says("/healthz", "HTTP/1.0 200 ", "ok\n"); /* it has just been asked */
    heartbeat.threads[0].asked_us -= SIX_SECONDS_US;
    assert_says("/healthz", "HTTP/1.0 503 ", "a thread has not responded for 5 s\n");
    reactor_turn(thread, REACTOR_LOOK);
    assert_says("/healthz", "HTTP/1.0 200 ", "ok\n");
}
END_TEST

START_TEST(without_descriptors_it_pauses_instead_of_spinning)
{
    struct rlimit before, none = {0};
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    none.rlim_max = before.rlim_max;
    int client = connect_to_it();
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    reactor_turn(reactor, REACTOR_WAIT); /* accept(2) fails */
    uint64_t start_us = clock_now_us();
    admin_expire(admin); /* nothing yet */
    reactor_alarm(reactor, admin_due_us(admin));
    reactor_turn(reactor, REACTOR_WAIT);
    ck_assert_uint_ge(clock_now_us() - start_us, PAUSE_US_MIN);
    admin_expire(admin); /* the pause is over */
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_says("/healthz", "HTTP/1.0 200 ", "ok\n");
    close(client);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("admin");
    TCase *tcase = tcase_create("admin");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, is_ready_from_set_ready_true_until_set_ready_false);
    tcase_add_test(tcase, is_healthy_while_every_thread_responds);
    tcase_add_test(tcase, without_descriptors_it_pauses_instead_of_spinning);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
