/* SPDX-License-Identifier: MIT */
#include "deadline.h"
#include "suite.h"

#include <check.h>

enum { AFTER_US = 100 };

static struct deadline_queue queue;
static struct deadline a, b, c;

static void set_up(void)
{
    deadline_queue_init(&queue, AFTER_US);
    a = b = c = (struct deadline){.due_us = 0};
}

START_TEST(an_empty_queue_never_expires)
{
    ck_assert_uint_eq(deadline_next_us(&queue), UINT64_MAX);
    ck_assert_ptr_null(deadline_pop(&queue, UINT64_MAX - 1));
}
END_TEST

START_TEST(expires_after_its_time_and_not_before)
{
    deadline_set(&queue, &a, 1000);
    ck_assert(deadline_is_set(&a));
    ck_assert_uint_eq(deadline_next_us(&queue), 1000 + AFTER_US);
    ck_assert_ptr_null(deadline_pop(&queue, 1000 + AFTER_US - 1));
    ck_assert_ptr_eq(deadline_pop(&queue, 1000 + AFTER_US), &a);
    ck_assert(!deadline_is_set(&a));
    ck_assert_ptr_null(deadline_pop(&queue, 1000 + AFTER_US));
}
END_TEST

START_TEST(expire_in_the_order_in_which_they_were_set)
{
    deadline_set(&queue, &b, 1);
    deadline_set(&queue, &a, 2);
    deadline_set(&queue, &c, 2);
    ck_assert_ptr_eq(deadline_pop(&queue, 1000), &b);
    ck_assert_ptr_eq(deadline_pop(&queue, 1000), &a);
    ck_assert_ptr_eq(deadline_pop(&queue, 1000), &c);
    ck_assert_ptr_null(deadline_pop(&queue, 1000));
}
END_TEST

START_TEST(one_that_is_set_again_moves_behind_the_others)
{
    deadline_set(&queue, &a, 1);
    deadline_set(&queue, &b, 2);
    deadline_set(&queue, &a, 3);
    ck_assert_uint_eq(deadline_next_us(&queue), 2 + AFTER_US);
    ck_assert_ptr_eq(deadline_pop(&queue, 1000), &b);
    ck_assert_uint_eq(deadline_next_us(&queue), 3 + AFTER_US);
    ck_assert_ptr_eq(deadline_pop(&queue, 1000), &a);
}
END_TEST

START_TEST(a_cleared_deadline_does_not_expire_and_the_others_do)
{
    struct deadline *all[] = {&a, &b, &c};
    for (int i = 0; i < 3; i++)
        deadline_set(&queue, all[i], 1);
    deadline_clear(all[_i]);
    ck_assert(!deadline_is_set(all[_i]));
    deadline_clear(all[_i]);
    for (int i = 0; i < 3; i++)
        if (i != _i)
            ck_assert_ptr_eq(deadline_pop(&queue, 1000), all[i]);
    ck_assert_ptr_null(deadline_pop(&queue, 1000));
}
END_TEST

START_TEST(moves_from_one_class_to_another)
{
    struct deadline_queue shorter;
    deadline_queue_init(&shorter, 10);
    deadline_set(&queue, &a, 1);
    deadline_set(&shorter, &a, 1);
    ck_assert_uint_eq(deadline_next_us(&queue), UINT64_MAX);
    ck_assert_uint_eq(deadline_next_us(&shorter), 11);
    ck_assert_ptr_eq(deadline_pop(&shorter, 11), &a);
}
END_TEST

START_TEST(a_queue_without_a_length_never_expires)
{
    struct deadline_queue never;
    deadline_queue_init(&never, 0);
    deadline_set(&never, &a, 1);
    ck_assert(!deadline_is_set(&a));
    ck_assert_uint_eq(deadline_next_us(&never), UINT64_MAX);

    deadline_set(&queue, &a, 1);
    deadline_set(&never, &a, 1);
    ck_assert(!deadline_is_set(&a));
    ck_assert_uint_eq(deadline_next_us(&queue), UINT64_MAX);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("deadline");
    TCase *tcase = tcase_create("deadline");
    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_test(tcase, an_empty_queue_never_expires);
    tcase_add_test(tcase, expires_after_its_time_and_not_before);
    tcase_add_test(tcase, expire_in_the_order_in_which_they_were_set);
    tcase_add_test(tcase, one_that_is_set_again_moves_behind_the_others);
    tcase_add_loop_test(tcase, a_cleared_deadline_does_not_expire_and_the_others_do, 0, 3);
    tcase_add_test(tcase, moves_from_one_class_to_another);
    tcase_add_test(tcase, a_queue_without_a_length_never_expires);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
