/* SPDX-License-Identifier: MIT */
#include "notify.h"

#include <check.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "folder.h"
#include "suite.h"

enum { TEXT_BYTES = 4096 };

static int manager; /* the service manager's socket */
static struct notify notify;
static char text[TEXT_BYTES];

static void set_up(void)
{
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(manager, 0);
}

static void tear_down(void)
{
    close(manager);
}

/* Gives the manager a name of its own, and the environment that name. */
static void listen_abstract(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t size = sizeof address;
    ck_assert_int_eq(bind(manager, (struct sockaddr *)&address, sizeof(sa_family_t)), 0);
    ck_assert_int_eq(getsockname(manager, (struct sockaddr *)&address, &size), 0);
    int length = (int)(size - offsetof(struct sockaddr_un, sun_path)) - 1;
    snprintf(text, sizeof text, "@%.*s", length, address.sun_path + 1);
    setenv("NOTIFY_SOCKET", text, 1);
}

static void open_notify(void)
{
    struct error err;
    ck_assert_msg(notify_open(&notify, &err) == 0, "%s", err.text);
}

static void send_state(const char *state, const char *status)
{
    struct error err;
    ck_assert_msg(notify_send(&notify, state, status, &err) == 0, "%s", err.text);
}

static void assert_told(const char *expected)
{
    ssize_t n = recv(manager, text, sizeof text - 1, MSG_DONTWAIT);
    ck_assert_int_ge(n, 0);
    text[n] = '\0';
    ck_assert_str_eq(text, expected);
}

START_TEST(without_notify_socket_nothing_is_sent)
{
    open_notify();
    ck_assert_int_eq(notify.fd, -1);
    send_state("READY=1", "Serving");
    notify_close(&notify);
}
END_TEST

START_TEST(an_abstract_name_is_notified)
{
    listen_abstract();
    open_notify();
    send_state("READY=1", "Serving");
    assert_told("READY=1\nSTATUS=Serving");
    send_state("WATCHDOG=1", NULL);
    assert_told("WATCHDOG=1");
    notify_close(&notify);
}
END_TEST

START_TEST(a_path_is_notified)
{
    struct folder folder;
    folder_new(&folder);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", folder_file(&folder, "notify"));
    ck_assert_int_eq(bind(manager, (struct sockaddr *)&address, sizeof address), 0);
    setenv("NOTIFY_SOCKET", address.sun_path, 1);
    open_notify();
    send_state("STOPPING=1", NULL);
    assert_told("STOPPING=1");
    notify_close(&notify);
    unlink(address.sun_path);
    folder_remove(&folder);
}
END_TEST

START_TEST(a_status_cannot_inject_an_assignment)
{
    listen_abstract();
    open_notify();
    send_state("RELOADING=1\nMONOTONIC_USEC=5", "one\nREADY=1");
    assert_told("RELOADING=1\nMONOTONIC_USEC=5\nSTATUS=one READY=1");
    notify_close(&notify);
}
END_TEST

START_TEST(a_missing_manager_is_an_error_and_then_not_notified)
{
    static const char *const names[] = {"/nonexistent/notify", "@no-such-socket", "relative", "@",
                                        "vsock:2:1234"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct error err;
        setenv("NOTIFY_SOCKET", names[i], 1);
        ck_assert_int_eq(notify_open(&notify, &err), -1);
        ck_assert_ptr_nonnull(strstr(err.text, names[i]));
        ck_assert_int_eq(notify.fd, -1);
    }
}
END_TEST

/* notify.watchdog_us for these variables; NULL = not set. */
static uint64_t watchdog(const char *usec, const char *pid)
{
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    if (usec)
        setenv("WATCHDOG_USEC", usec, 1);
    if (pid)
        setenv("WATCHDOG_PID", pid, 1);
    open_notify();
    notify_close(&notify);
    return notify.watchdog_us;
}

START_TEST(the_watchdog_counts_only_for_this_process)
{
    listen_abstract();
    char own[16];
    snprintf(own, sizeof own, "%d", getpid());
    ck_assert_uint_eq(watchdog("30000000", own), 30000000);
    ck_assert_uint_eq(watchdog("30000000", NULL), 30000000);
    ck_assert_uint_eq(watchdog("30000000", "1"), 0);
    ck_assert_uint_eq(watchdog(NULL, own), 0);
    ck_assert_uint_eq(watchdog("soon", own), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("notify");
    TCase *tcase = tcase_create("notify");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, without_notify_socket_nothing_is_sent);
    tcase_add_test(tcase, an_abstract_name_is_notified);
    tcase_add_test(tcase, a_path_is_notified);
    tcase_add_test(tcase, a_status_cannot_inject_an_assignment);
    tcase_add_test(tcase, a_missing_manager_is_an_error_and_then_not_notified);
    tcase_add_test(tcase, the_watchdog_counts_only_for_this_process);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
