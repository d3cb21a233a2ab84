/* SPDX-License-Identifier: MIT */
#include "tlsecho/net/heartbeat.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "suite.h"

enum { THREADS = 3 };

static const char *const names[THREADS] = {"first", "second", "third"};
static struct reactor *reactors[THREADS]; /* of threads whose loop the test runs */
static struct heartbeat heartbeat;

static void set_up(void)
{
    struct error err;
    heartbeat = (struct heartbeat){.count = 0};
    for (int i = 0; i < THREADS; i++) {
        ck_assert_msg(reactor_new(&reactors[i], &err) == 0, "%s", err.text);
        char name[HEARTBEAT_NAME_BYTES]; /* which the heartbeat copies */
        snprintf(name, sizeof name, "%s", names[i]);
        ck_assert_msg(heartbeat_add(&heartbeat, name, reactors[i], &err) == 0, "%s", err.text);
    }
}

static void tear_down(void)
{
    heartbeat_done(&heartbeat);
    for (int i = 0; i < THREADS; i++)
        reactor_free(reactors[i]);
}

static void turn_all(void)
{
    for (int i = 0; i < THREADS; i++)
        reactor_turn(reactors[i], REACTOR_LOOK);
}

static void assert_silent(uint64_t us, uint64_t now_us, const char *name)
{
    const char *silent = "none";
    ck_assert_uint_eq(heartbeat_silent_us(&heartbeat, now_us, &silent), us);
    ck_assert_str_eq(silent, name);
}

START_TEST(no_thread_is_silent_before_it_is_asked)
{
    assert_silent(0, 1000, "none");
}
END_TEST

START_TEST(asking_wakes_every_thread)
{
    heartbeat_ask(&heartbeat, 1000);
    for (int i = 0; i < THREADS; i++)
        reactor_turn(reactors[i], REACTOR_WAIT);
    assert_silent(0, 2000, "none");
}
END_TEST

START_TEST(a_thread_that_does_not_turn_is_silent_since_it_was_asked)
{
    turn_all();
    heartbeat_ask(&heartbeat, 1000);
    reactor_turn(reactors[0], REACTOR_LOOK);
    reactor_turn(reactors[2], REACTOR_LOOK);
    assert_silent(500, 1500, "second");
}
END_TEST

START_TEST(asking_again_does_not_shorten_the_silence)
{
    heartbeat_ask(&heartbeat, 1000);
    reactor_turn(reactors[0], REACTOR_LOOK);
    reactor_turn(reactors[1], REACTOR_LOOK);
    heartbeat_ask(&heartbeat, 2000);
    assert_silent(1500, 2500, "third");
    reactor_turn(reactors[2], REACTOR_LOOK);
    assert_silent(500, 2500, "first");
    turn_all();
    assert_silent(0, 2500, "none");
}
END_TEST

START_TEST(turning_before_being_asked_does_not_count)
{
    for (int i = 0; i < 5; i++)
        turn_all();
    heartbeat_ask(&heartbeat, 1000);
    assert_silent(1, 1001, "first");
}
END_TEST

START_TEST(a_thread_that_was_removed_need_not_turn)
{
    heartbeat_ask(&heartbeat, 1000);
    heartbeat_forget(&heartbeat, reactors[1]);
    reactor_turn(reactors[0], REACTOR_LOOK);
    reactor_turn(reactors[2], REACTOR_LOOK);
    assert_silent(0, 2000, "none");
    heartbeat_ask(&heartbeat, 3000);
    turn_all();
    assert_silent(0, 4000, "none");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("heartbeat");
    TCase *tcase = tcase_create("heartbeat");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, no_thread_is_silent_before_it_is_asked);
    tcase_add_test(tcase, asking_wakes_every_thread);
    tcase_add_test(tcase, a_thread_that_does_not_turn_is_silent_since_it_was_asked);
    tcase_add_test(tcase, asking_again_does_not_shorten_the_silence);
    tcase_add_test(tcase, turning_before_being_asked_does_not_count);
    tcase_add_test(tcase, a_thread_that_was_removed_need_not_turn);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
