/* SPDX-License-Identifier: MIT */
#include "tlsecho/server/stamp_sessions.h"

#include <check.h>

#include "loopback.h"
#include "suite.h"

enum { WINDOW = 2048 }; /* as docs/server.md has it */

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

static bool take(uint16_t own_port, uint16_t ssid, uint32_t seq, struct stamp_numbers *ret)
{
    const struct stamp_session_key key = {
        .peer = &peer, .own = &own, .own_port = own_port, .ssid = ssid};
    return stamp_sessions_next(sessions, &key, seq, now_us, ret);
}

/* The number of the next answer; -1: stateless. */
static int64_t next(uint16_t own_port, uint16_t ssid)
{
    struct stamp_numbers numbers = {.seq = 0x55};
    return take(own_port, ssid, 0, &numbers) ? (int64_t)numbers.seq : -1;
}

/* The record once that number of the sender has arrived. */
static struct stamp_record arrive(uint32_t seq)
{
    struct stamp_numbers numbers;
    ck_assert(take(862, 0, seq, &numbers));
    return numbers.record;
}

static void check_arrival(uint32_t seq, uint32_t newest, uint32_t arrived, uint32_t duplicated)
{
    struct stamp_record record = arrive(seq);
    ck_assert_uint_eq(record.newest, newest);
    ck_assert_uint_eq(record.arrived, arrived);
    ck_assert_uint_eq(record.duplicated, duplicated);
}

START_TEST(the_record_tells_probes_from_duplicates)
{
    check_arrival(5, 5, 1, 0);
    check_arrival(5, 5, 1, 1);
    check_arrival(7, 7, 2, 1);
    check_arrival(6, 7, 3, 1); /* out of order */
    check_arrival(3, 7, 4, 1); /* before the first one */
    check_arrival(6, 7, 4, 2);
    check_arrival(7, 7, 4, 3);
}
END_TEST

START_TEST(a_number_is_known_while_it_is_in_the_window)
{
    check_arrival(0, 0, 1, 0);
    check_arrival(WINDOW - 1, WINDOW - 1, 2, 0);
    check_arrival(0, WINDOW - 1, 2, 1); /* the last one that is known */
    check_arrival(1, WINDOW - 1, 3, 1);
    check_arrival(WINDOW, WINDOW, 4, 1);
    check_arrival(0, WINDOW, 4, 1); /* neither a probe nor a duplicate */
    check_arrival(1, WINDOW, 4, 2);
    check_arrival(2 * WINDOW - 1, 2 * WINDOW - 1, 5, 2);
    check_arrival(WINDOW, 2 * WINDOW - 1, 5, 3);
    check_arrival(2 * WINDOW, 2 * WINDOW, 6, 3); /* in the place of WINDOW, and of 0 */
}
END_TEST

START_TEST(a_jump_of_the_sender_empties_the_window)
{
    for (uint32_t seq = 0; seq < WINDOW; seq++)
        arrive(seq);
    check_arrival(3 * WINDOW, 3 * WINDOW, WINDOW + 1, 0);
    for (uint32_t back = 1; back < WINDOW; back++)
        ck_assert_uint_eq(arrive(3 * WINDOW - back).arrived, WINDOW + 1 + back);
    ck_assert_uint_eq(arrive(3 * WINDOW).duplicated, 1);
}
END_TEST

START_TEST(numbers_of_the_sender_wrap_around_after_32_bits)
{
    check_arrival(UINT32_MAX - 1, UINT32_MAX - 1, 1, 0);
    check_arrival(1, 1, 2, 0);
    check_arrival(0, 1, 3, 0);
    check_arrival(UINT32_MAX, 1, 4, 0);
    check_arrival(UINT32_MAX - 1, 1, 4, 1);
    check_arrival(2 - (uint32_t)WINDOW, 1, 5, 1);
    check_arrival(1 - (uint32_t)WINDOW, 1, 5, 1);
}
END_TEST

START_TEST(each_session_has_a_record_of_its_own)
{
    struct stamp_sessions *other;
    struct stamp_numbers one, two, again;
    struct error err;
    ck_assert(take(862, 1, 7, &one) && take(862, 2, 7, &two) && take(862, 1, 7, &again));
    ck_assert_uint_ne(one.record.id, two.record.id);
    ck_assert_uint_gt(one.record.id, STAMP_RECORD_MAGIC); /* whatever the first one is */
    ck_assert_uint_gt(two.record.id, STAMP_RECORD_MAGIC);
    ck_assert_uint_eq(again.record.id, one.record.id);
    ck_assert_uint_eq(two.record.arrived, 1);
    ck_assert_uint_eq(two.record.duplicated, 0);
    ck_assert_uint_eq(again.record.duplicated, 1);
    ck_assert_int_eq(stamp_sessions_new(&other, &err), 0);
    stamp_sessions_free(sessions);
    sessions = other; /* after a restart */
    ck_assert(take(862, 1, 7, &again));
    ck_assert_uint_ne(again.record.id, one.record.id);
}
END_TEST

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
    ck_assert_int_eq(next(862, 1), 0); /* begins anew, the record too */
    struct stamp_numbers numbers;
    ck_assert(take(862, 1, 0, &numbers));
    ck_assert_uint_eq(numbers.record.arrived, 1);
    ck_assert_uint_eq(numbers.record.duplicated, 1);
    ck_assert_uint_eq(stamp_sessions_count(sessions), STAMP_SESSIONS_MAX);
}
END_TEST

START_TEST(a_session_that_goes_on_keeps_its_place)
{
    fill();
    now_us += STAMP_SESSIONS_IDLE_US - 1;
    for (int i = 0; i < STAMP_SESSIONS_MAX; i++)
        ck_assert_int_eq(next(862, (uint16_t)i), 1);
    now_us += STAMP_SESSIONS_IDLE_US - 1;
    ck_assert_int_eq(next(862, STAMP_SESSIONS_MAX), -1);
    now_us++;
    ck_assert_int_eq(next(862, STAMP_SESSIONS_MAX), 0);
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
    tcase_add_test(tests, a_session_that_goes_on_keeps_its_place);
    tcase_add_test(tests, the_record_tells_probes_from_duplicates);
    tcase_add_test(tests, a_number_is_known_while_it_is_in_the_window);
    tcase_add_test(tests, a_jump_of_the_sender_empties_the_window);
    tcase_add_test(tests, numbers_of_the_sender_wrap_around_after_32_bits);
    tcase_add_test(tests, each_session_has_a_record_of_its_own);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
