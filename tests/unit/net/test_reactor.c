/* SPDX-License-Identifier: MIT */
#include "tlsecho/net/reactor.h"

#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include "suite.h"
#include "tlsecho/base/clock.h"

struct watched {
    struct reactor_source source; /* first: a source is cast back */
    int peer;
    int calls;
};

static struct reactor *reactor;

static void count(struct reactor_source *source)
{
    ((struct watched *)source)->calls++;
}

static void set_up(void)
{
    struct error err;
    ck_assert_msg(reactor_new(&reactor, &err) == 0, "%s", err.text);
}

static void tear_down(void)
{
    reactor_free(reactor);
}

static struct watched watched_new(void (*ready)(struct reactor_source *))
{
    int ends[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    return (struct watched){.source = {.fd = ends[0], .ready = ready}, .peer = ends[1]};
}

static void want(struct watched *w, unsigned what)
{
    struct error err;
    ck_assert_msg(reactor_want(reactor, &w->source, what, &err) == 0, "%s", err.text);
    ck_assert_uint_eq(w->source.want, what);
}

static void done(struct watched *w)
{
    want(w, WANT_NOTHING);
    close(w->source.fd);
    close(w->peer);
}

START_TEST(wakes_when_bytes_have_arrived_and_until_they_are_read)
{
    struct watched w = watched_new(count);
    want(&w, WANT_READ);
    reactor_turn(reactor, REACTOR_LOOK);
    ck_assert_int_eq(w.calls, 0);
    ck_assert_int_eq(write(w.peer, "x", 1), 1);
    reactor_turn(reactor, REACTOR_WAIT);
    ck_assert_int_eq(w.calls, 1);
    reactor_turn(reactor, REACTOR_WAIT);
    ck_assert_int_eq(w.calls, 2);
    char byte;
    ck_assert_int_eq(read(w.source.fd, &byte, 1), 1);
    reactor_turn(reactor, REACTOR_LOOK);
    ck_assert_int_eq(w.calls, 2);
    done(&w);
}
END_TEST

static void fill(int fd)
{
    static const char zeros[4096];
    while (write(fd, zeros, sizeof zeros) > 0)
        ;
    ck_assert_int_eq(errno, EAGAIN);
}

static void empty(int fd)
{
    char bytes[4096];
    while (read(fd, bytes, sizeof bytes) > 0)
        ;
}

START_TEST(wakes_when_there_is_room_to_write)
{
    struct watched w = watched_new(count);
    fill(w.source.fd);
    want(&w, WANT_WRITE);
    reactor_turn(reactor, REACTOR_LOOK);
    ck_assert_int_eq(w.calls, 0);
    empty(w.peer);
    reactor_turn(reactor, REACTOR_WAIT);
    ck_assert_int_eq(w.calls, 1);
    done(&w);
}
END_TEST

START_TEST(wakes_only_for_what_is_wanted)
{
    struct watched w = watched_new(count);
    ck_assert_int_eq(write(w.peer, "x", 1), 1);
    fill(w.source.fd);
    want(&w, WANT_WRITE);
    reactor_turn(reactor, REACTOR_LOOK);
    ck_assert_int_eq(w.calls, 0);
    want(&w, WANT_READ | WANT_WRITE);
    reactor_turn(reactor, REACTOR_WAIT);
    ck_assert_int_eq(w.calls, 1);
    done(&w);
}
END_TEST

START_TEST(a_hang_up_wakes_a_source_that_waits_for_anything)
{
    struct watched w = watched_new(count);
    fill(w.source.fd);
    want(&w, _i ? WANT_WRITE : WANT_READ);
    close(w.peer);
    reactor_turn(reactor, REACTOR_WAIT);
    ck_assert_int_eq(w.calls, 1);
    w.peer = -1;
    done(&w);
}
END_TEST

START_TEST(a_hang_up_does_not_wake_a_source_that_waits_for_nothing)
{
    struct watched w = watched_new(count);
    want(&w, WANT_READ);
    want(&w, WANT_NOTHING);
    close(w.peer);
    reactor_turn(reactor, REACTOR_LOOK);
    ck_assert_int_eq(w.calls, 0);
    w.peer = -1;
    done(&w);
}
END_TEST

static void *wake(void *unused)
{
    (void)unused;
    reactor_wake(reactor);
    return NULL;
}

START_TEST(another_thread_ends_a_turn_that_would_wait_for_ever)
{
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, wake, NULL), 0);
    reactor_turn(reactor, REACTOR_WAIT);
    pthread_join(thread, NULL);
}
END_TEST

START_TEST(wake_ups_before_a_turn_end_that_turn_and_only_that)
{
    struct watched w = watched_new(count);
    want(&w, WANT_READ);
    reactor_wake(reactor);
    reactor_wake(reactor);
    reactor_turn(reactor, REACTOR_WAIT);
    ck_assert_int_eq(write(w.peer, "x", 1), 1);
    reactor_turn(reactor,
                 REACTOR_WAIT); /* a wake-up left over would not have kept this from being seen */
    ck_assert_int_eq(w.calls, 1);
    empty(w.source.fd);
    reactor_turn(reactor, REACTOR_LOOK);
    ck_assert_int_eq(w.calls, 1);
    done(&w);
}
END_TEST

enum { A_WHILE_US = 50 * 1000 };

static void assert_waits_for_an_alarm(void)
{
    uint64_t due_us = clock_now_us() + A_WHILE_US;
    reactor_alarm(reactor, due_us);
    reactor_turn(reactor, REACTOR_WAIT);
    ck_assert_uint_ge(clock_now_us(), due_us);
}

START_TEST(a_turn_after_a_wake_up_waits_for_the_alarm)
{
    reactor_wake(reactor);
    reactor_turn(reactor, REACTOR_WAIT);
    assert_waits_for_an_alarm();
}
END_TEST

START_TEST(an_alarm_expires_once)
{
    assert_waits_for_an_alarm();
    assert_waits_for_an_alarm();
}
END_TEST

START_TEST(the_earliest_of_several_alarms_ends_the_wait)
{
    const uint64_t hour_us = 3600 * UINT64_C(1000000);
    uint64_t due_us = clock_now_us() + A_WHILE_US;
    reactor_alarm(reactor, UINT64_MAX);
    reactor_alarm(reactor, due_us + hour_us);
    reactor_alarm(reactor, due_us);
    reactor_alarm(reactor, due_us + 2 * hour_us);
    reactor_turn(reactor, REACTOR_WAIT);
    ck_assert_uint_ge(clock_now_us(), due_us);
    ck_assert_uint_lt(clock_now_us(), due_us + hour_us);
}
END_TEST

START_TEST(an_alarm_in_the_past_expires_at_once)
{
    reactor_alarm(reactor, 0);
    reactor_turn(reactor, REACTOR_WAIT);
    reactor_alarm(reactor, clock_now_us() - 1);
    reactor_turn(reactor, REACTOR_WAIT);
}
END_TEST

static void remove_itself(struct reactor_source *source)
{
    count(source);
    want((struct watched *)source, WANT_NOTHING);
    close(source->fd);
}

START_TEST(a_source_may_remove_itself_while_it_is_called)
{
    struct watched w[3];
    for (int i = 0; i < 3; i++) {
        w[i] = watched_new(i == 1 ? remove_itself : count);
        want(&w[i], WANT_READ);
        ck_assert_int_eq(write(w[i].peer, "x", 1), 1);
    }
    reactor_turn(reactor, REACTOR_WAIT);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(w[i].calls, 1);
    reactor_turn(reactor, REACTOR_WAIT);
    ck_assert_int_eq(w[0].calls, 2);
    ck_assert_int_eq(w[1].calls, 1);
    ck_assert_int_eq(w[2].calls, 2);
    done(&w[0]);
    done(&w[2]);
    close(w[1].peer);
}
END_TEST

START_TEST(a_source_that_is_forgotten_ends_with_its_descriptor)
{
    struct watched gone = watched_new(count), next;
    want(&gone, WANT_READ);
    ck_assert_int_eq(write(gone.peer, "x", 1), 1);
    reactor_forget(&gone.source);
    close(gone.source.fd);
    next = watched_new(count);
    ck_assert_int_eq(next.source.fd, gone.source.fd); /* the lowest one that is free */
    want(&next, WANT_READ);
    reactor_turn(reactor, REACTOR_LOOK);
    ck_assert_int_eq(gone.calls, 0);
    ck_assert_int_eq(next.calls, 0);
    close(gone.peer);
    done(&next);
}
END_TEST

START_TEST(serves_more_sources_than_fit_in_one_turn)
{
    enum { MANY = 300 };
    static struct watched w[MANY];
    for (int i = 0; i < MANY; i++) {
        w[i] = watched_new(remove_itself);
        want(&w[i], WANT_READ);
        ck_assert_int_eq(write(w[i].peer, "x", 1), 1);
    }
    for (int turn = 0; turn < 3; turn++)
        reactor_turn(reactor, REACTOR_LOOK);
    for (int i = 0; i < MANY; i++) {
        ck_assert_int_eq(w[i].calls, 1);
        close(w[i].peer);
    }
}
END_TEST

START_TEST(reports_a_descriptor_that_it_cannot_watch)
{
    struct reactor_source source = {.fd = -1, .ready = count};
    struct error err;
    ck_assert_int_eq(reactor_want(reactor, &source, WANT_READ, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_SYSTEM);
    ck_assert_int_eq(err.code, EBADF);
    ck_assert_uint_eq(source.want, WANT_NOTHING);
}
END_TEST

START_TEST(freeing_null_does_nothing)
{
    reactor_free(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reactor");
    TCase *tcase = tcase_create("reactor");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, wakes_when_bytes_have_arrived_and_until_they_are_read);
    tcase_add_test(tcase, wakes_when_there_is_room_to_write);
    tcase_add_test(tcase, wakes_only_for_what_is_wanted);
    tcase_add_loop_test(tcase, a_hang_up_wakes_a_source_that_waits_for_anything, 0, 2);
    tcase_add_test(tcase, a_hang_up_does_not_wake_a_source_that_waits_for_nothing);
    tcase_add_test(tcase, another_thread_ends_a_turn_that_would_wait_for_ever);
    tcase_add_test(tcase, wake_ups_before_a_turn_end_that_turn_and_only_that);
    tcase_add_test(tcase, a_turn_after_a_wake_up_waits_for_the_alarm);
    tcase_add_test(tcase, an_alarm_expires_once);
    tcase_add_test(tcase, the_earliest_of_several_alarms_ends_the_wait);
    tcase_add_test(tcase, an_alarm_in_the_past_expires_at_once);
    tcase_add_test(tcase, a_source_may_remove_itself_while_it_is_called);
    tcase_add_test(tcase, a_source_that_is_forgotten_ends_with_its_descriptor);
    tcase_add_test(tcase, serves_more_sources_than_fit_in_one_turn);
    tcase_add_test(tcase, reports_a_descriptor_that_it_cannot_watch);
    tcase_add_test(tcase, freeing_null_does_nothing);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
