/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/session_wait.h"

#include <check.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include "suite.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/base/want.h"

static int peer[2], stop[2];
static struct error err;

static void setup(void)
{
    ck_assert_int_eq(pipe(peer), 0);
    ck_assert_int_eq(pipe(stop), 0);
}

static void teardown(void)
{
    for (int i = 0; i < 2; i++) {
        close(peer[i]);
        close(stop[i]);
    }
}

static void make_readable(const int pipe[2])
{
    ck_assert_int_eq(write(pipe[1], "x", 1), 1);
}

static struct session_wait until_ms(uint64_t ms)
{
    return (struct session_wait){
        .fd = peer[0], .stop_fd = stop[0], .want = WANT_READ, .due_us = clock_now_us() + ms * 1000};
}

START_TEST(an_event_of_the_peer_ends_the_wait)
{
    struct session_wait wait = until_ms(30000);
    make_readable(peer);
    ck_assert_int_eq(session_wait(&wait, &err), SESSION_READY);
}
END_TEST

START_TEST(a_peer_without_a_wanted_event_is_left_out)
{
    struct session_wait wait = until_ms(10);
    wait.want = WANT_NOTHING;
    close(peer[1]); /* POLLHUP cannot be masked, poll(2) */
    ck_assert_int_eq(session_wait(&wait, &err), SESSION_DUE);
}
END_TEST

START_TEST(the_stop_descriptor_takes_precedence)
{
    struct session_wait wait = until_ms(30000);
    make_readable(peer);
    make_readable(stop);
    ck_assert_int_eq(session_wait(&wait, &err), SESSION_STOPPED);
}
END_TEST

START_TEST(a_past_deadline_is_due_unless_something_is_ready)
{
    struct session_wait wait = until_ms(0);
    ck_assert_int_eq(session_wait(&wait, &err), SESSION_DUE);
    make_readable(peer);
    ck_assert_int_eq(session_wait(&wait, &err), SESSION_READY);
}
END_TEST

START_TEST(the_other_descriptors_have_their_events)
{
    struct session_wait wait = until_ms(30000);
    wait.other_count = 2;
    wait.others[0] = (struct pollfd){.fd = peer[1], .events = POLLOUT};
    wait.others[1] = (struct pollfd){.fd = -1, .events = POLLIN};
    ck_assert_int_eq(session_wait(&wait, &err), SESSION_READY);
    ck_assert_int_eq(wait.others[0].revents, POLLOUT);
    ck_assert_int_eq(wait.others[1].revents, 0);
}
END_TEST

static void on_alarm(int signal)
{
    (void)signal;
}

START_TEST(a_signal_handler_neither_ends_nor_lengthens_the_wait)
{
    struct sigaction action = {.sa_handler = on_alarm};
    struct itimerval often = {.it_value.tv_usec = 2000, .it_interval.tv_usec = 2000};
    struct session_wait wait = until_ms(50);
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    int event = session_wait(&wait, &err);
    uint64_t now_us = clock_now_us();
    setitimer(ITIMER_REAL, &(struct itimerval){{0}, {0}}, NULL);
    ck_assert_int_eq(event, SESSION_DUE);
    ck_assert_uint_ge(now_us, wait.due_us);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("session_wait");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, an_event_of_the_peer_ends_the_wait);
    tcase_add_test(cases, a_peer_without_a_wanted_event_is_left_out);
    tcase_add_test(cases, the_stop_descriptor_takes_precedence);
    tcase_add_test(cases, a_past_deadline_is_due_unless_something_is_ready);
    tcase_add_test(cases, the_other_descriptors_have_their_events);
    tcase_add_test(cases, a_signal_handler_neither_ends_nor_lengthens_the_wait);

    Suite *suite = suite_create("session_wait");
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
