/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/ping_timeline.h"

#include <check.h>

#include "suite.h"

enum { SECOND_US = 1000000 };

static struct ping_timeline timeline;

static void set_up(void)
{
    ping_timeline_init(&timeline);
}

static struct ping_point sum(void)
{
    struct ping_point all = {.min_us = UINT64_MAX};
    for (size_t i = 0; i < timeline.count; i++) {
        const struct ping_point *p = &timeline.points[i];
        all.replies += p->replies;
        all.late += p->late;
        all.lost += p->lost;
        all.connections += p->connections;
        all.sum_us += p->sum_us;
        if (p->replies && p->min_us < all.min_us)
            all.min_us = p->min_us;
        if (p->max_us > all.max_us)
            all.max_us = p->max_us;
    }
    return all;
}

START_TEST(few_probes_have_a_point_each)
{
    ping_timeline_add_connection(&timeline, 5);
    ping_timeline_add_reply(&timeline, 6, 100, false);
    ping_timeline_add_reply(&timeline, 7, 900, true);
    ping_timeline_add_loss(&timeline, 8);
    ck_assert_uint_eq(timeline.count, 4);
    ck_assert_uint_eq(timeline.points[0].connections, 1);
    ck_assert_uint_eq(timeline.points[0].replies, 0);
    ck_assert_uint_eq(timeline.points[1].min_us, 100);
    ck_assert_uint_eq(timeline.points[1].late, 0);
    ck_assert_uint_eq(timeline.points[2].start_us, 7);
    ck_assert_uint_eq(timeline.points[2].late, 1);
    ck_assert_uint_eq(timeline.points[3].lost, 1);
}
END_TEST

START_TEST(events_of_one_time_share_a_point)
{
    ping_timeline_add_loss(&timeline, 5);
    ping_timeline_add_reply(&timeline, 5, 300, false);
    ping_timeline_add_reply(&timeline, 5, 100, false);
    ck_assert_uint_eq(timeline.count, 1);
    ck_assert_uint_eq(timeline.points[0].lost, 1);
    ck_assert_uint_eq(timeline.points[0].replies, 2);
    ck_assert_uint_eq(timeline.points[0].min_us, 100);
    ck_assert_uint_eq(timeline.points[0].max_us, 300);
    ck_assert_uint_eq(timeline.points[0].sum_us, 400);
}
END_TEST

START_TEST(an_event_before_the_last_point_is_added_to_it)
{
    ping_timeline_add_reply(&timeline, 50, 100, false);
    ping_timeline_add_loss(&timeline, 40);
    ck_assert_uint_eq(timeline.count, 1);
    ck_assert_uint_eq(timeline.points[0].start_us, 50);
    ck_assert_uint_eq(timeline.points[0].lost, 1);
}
END_TEST

START_TEST(as_many_probes_as_fit_have_a_point_each)
{
    for (uint64_t i = 0; i < PING_POINTS_MAX; i++)
        ping_timeline_add_reply(&timeline, i * SECOND_US, 100, false);
    ck_assert_uint_eq(timeline.count, PING_POINTS_MAX);
    ck_assert_uint_eq(timeline.resolution_us, 1);
}
END_TEST

START_TEST(many_probes_share_points_and_none_is_lost)
{
    enum { PROBES = 100000 };
    ping_timeline_add_connection(&timeline, 0);
    for (uint64_t i = 0; i < PROBES; i++) {
        if (i % 10 == 9)
            ping_timeline_add_loss(&timeline, i * SECOND_US);
        else
            ping_timeline_add_reply(&timeline, i * SECOND_US, i + 1, i % 10 == 8);
        ck_assert_uint_le(timeline.count, PING_POINTS_MAX);
    }
    struct ping_point all = sum();
    ck_assert_uint_eq(all.replies, PROBES / 10 * 9);
    ck_assert_uint_eq(all.late, PROBES / 10);
    ck_assert_uint_eq(all.lost, PROBES / 10);
    ck_assert_uint_eq(all.connections, 1);
    ck_assert_uint_eq(all.min_us, 1);
    ck_assert_uint_eq(all.max_us, PROBES - 1);
    ck_assert_uint_gt(timeline.count, PING_POINTS_MAX / 4);
    for (size_t i = 1; i < timeline.count; i++)
        ck_assert_uint_gt(timeline.points[i].start_us, timeline.points[i - 1].start_us);
}
END_TEST

START_TEST(far_apart_or_at_once_the_points_stay_bounded)
{
    for (uint64_t i = 0; i < 3 * PING_POINTS_MAX; i++)
        ping_timeline_add_loss(&timeline, i);
    for (uint64_t i = 1; i < 3 * PING_POINTS_MAX; i++)
        ping_timeline_add_loss(&timeline, i * 86400 * SECOND_US);
    ck_assert_uint_le(timeline.count, PING_POINTS_MAX);
    ck_assert_uint_eq(sum().lost, 6 * PING_POINTS_MAX - 1);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("ping_timeline");
    tcase_add_checked_fixture(cases, set_up, NULL);
    tcase_add_test(cases, few_probes_have_a_point_each);
    tcase_add_test(cases, events_of_one_time_share_a_point);
    tcase_add_test(cases, an_event_before_the_last_point_is_added_to_it);
    tcase_add_test(cases, as_many_probes_as_fit_have_a_point_each);
    tcase_add_test(cases, many_probes_share_points_and_none_is_lost);
    tcase_add_test(cases, far_apart_or_at_once_the_points_stay_bounded);

    Suite *suite = suite_create("ping_timeline");
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
