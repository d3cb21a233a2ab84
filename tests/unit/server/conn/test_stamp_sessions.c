/* SPDX-License-Identifier: MIT */
#include "tlsecho/server/stamp_sessions.h"

#include <check.h>

#include "loopback.h"
#include "suite.h"

static struct stamp_sessions *sessions;
static struct address peer, own;
static uint64_t now_us;

static void set_up(void)
{
    struct error err;
    ck_assert_int_eq(stamp_sessions_new(&sessions, &err), 0);
    peer = loopback_address("udp://192.0.2.1:5000");
    own = loopback_address("udp://127.0.0.1:0");
    now_us = 1000;
}

static void tear_down(void)
{
    stamp_sessions_free(sessions);
}

/* The number of the next answer; -1: stateless. */
static int64_t next(uint16_t own_port, uint16_t ssid)
{
    const struct stamp_session_key key = {
        .peer = &peer, .own = &own, .own_port = own_port, .ssid = ssid};
    uint32_t number = 0x55;
    return stamp_sessions_next(sessions, &key, now_us, &number) ? (int64_t)number : -1;
}

START_TEST(counts_from_zero_in_each_session)
{
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(next(862, 0), i);
    ck_assert_int_eq(next(862, 1), 0);
    ck_assert_int_eq(next(863, 0), 0);
    address_set_port(&peer, 5001);
    ck_assert_int_eq(next(862, 0), 0);
    own = loopback_address("udp://127.0.0.2:0");
    ck_assert_int_eq(next(862, 0), 0);
    peer = loopback_address("udp://[2001:db8::1]:5000");
    ck_assert_int_eq(next(862, 0), 0);
    ck_assert_int_eq(next(862, 0), 1);
    ck_assert_uint_eq(stamp_sessions_count(sessions), 6);
}
END_TEST

static void fill(void)
{
    for (int i = 0; i < STAMP_SESSIONS_MAX; i++)
        ck_assert_int_eq(next(862, (uint16_t)i), 0);
}

START_TEST(beyond_4096_a_session_is_stateless)
{
    fill();
    ck_assert_int_eq(next(862, STAMP_SESSIONS_MAX), -1);
    ck_assert_int_eq(next(862, 0), 1);
    ck_assert_int_eq(next(862, STAMP_SESSIONS_MAX - 1), 1);
    ck_assert_uint_eq(stamp_sessions_count(sessions), STAMP_SESSIONS_MAX);
}
END_TEST

START_TEST(a_silent_session_gives_its_place_away)
{
    fill();
    now_us += STAMP_SESSIONS_IDLE_US - 1;
    ck_assert_int_eq(next(862, 0), 1); /* it is not the oldest any more */
    ck_assert_int_eq(next(862, STAMP_SESSIONS_MAX), -1);
    now_us++;
    ck_assert_int_eq(next(862, STAMP_SESSIONS_MAX), 0);
    ck_assert_int_eq(next(862, 0), 2);
    ck_assert_int_eq(next(862, 2), 1);
    ck_assert_int_eq(next(862, 1), 0); /* begins anew */
    ck_assert_uint_eq(stamp_sessions_count(sessions), STAMP_SESSIONS_MAX);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stamp_sessions");
    TCase *tests = tcase_create("stamp_sessions");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, counts_from_zero_in_each_session);
    tcase_add_test(tests, beyond_4096_a_session_is_stateless);
    tcase_add_test(tests, a_silent_session_gives_its_place_away);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
