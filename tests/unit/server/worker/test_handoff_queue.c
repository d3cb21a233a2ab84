/* SPDX-License-Identifier: MIT */
#include "handoff_queue.h"

#include <check.h>
#include <string.h>
#include <time.h>

#include "suite.h"
#include "tlsecho/base/clock.h"

enum { QUEUES = 2, LONG_MS = 20 * 1000, FULL = HANDOFF_QUEUE_MAX / WORKER_HANDOFFS_MAX };

static struct handoff_queues all;
static struct handoff_queue queues[QUEUES];
static int next_fd; /* of the handoff that is added next: they are told apart by it */

static void set_up(void)
{
    memset(queues, 0, sizeof queues);
    next_fd = 0;
    handoff_queues_init(&all);
    for (int i = 0; i < QUEUES; i++)
        handoff_queue_join(&queues[i], &all);
}

static void tear_down(void)
{
    handoff_queues_done(&all);
}

static bool add(int queue, size_t count)
{
    struct handoff handoffs[WORKER_HANDOFFS_MAX];
    for (size_t i = 0; i < count; i++)
        handoffs[i] = (struct handoff){.fd = next_fd + (int)i};
    if (!handoff_queue_add(&queues[queue], handoffs, count))
        return false;
    next_fd += (int)count;
    return true;
}

static void fill(int queue)
{
    for (int i = 0; i < FULL; i++)
        ck_assert(add(queue, WORKER_HANDOFFS_MAX));
}

/* Takes some, which must be the next ones from first_fd on; returns how many. */
static size_t take(int queue, int first_fd, bool *ret_more)
{
    struct handoff taken[WORKER_HANDOFFS_MAX];
    size_t n = handoff_queue_take(&queues[queue], taken, ret_more);
    for (size_t i = 0; i < n; i++)
        ck_assert_int_eq(taken[i].fd, first_fd + (int)i);
    return n;
}

START_TEST(gives_the_oldest_first_and_says_whether_there_are_more)
{
    bool more;
    ck_assert_uint_eq(take(0, 0, &more), 0);
    ck_assert(!more);
    ck_assert(add(0, 3));
    ck_assert(add(0, WORKER_HANDOFFS_MAX));
    ck_assert_uint_eq(take(0, 0, &more), WORKER_HANDOFFS_MAX);
    ck_assert(more);
    ck_assert_uint_eq(take(0, WORKER_HANDOFFS_MAX, &more), 3);
    ck_assert(!more);
}
END_TEST

START_TEST(keeps_its_order_around_the_end_of_its_memory)
{
    bool more;
    int first = 0;
    for (int i = 0; i < 3 * FULL; i++) {
        ck_assert(add(0, WORKER_HANDOFFS_MAX - 1));
        ck_assert_uint_eq(take(0, first, &more), WORKER_HANDOFFS_MAX - 1);
        first = next_fd;
    }
}
END_TEST

START_TEST(a_full_one_takes_all_or_none)
{
    bool more;
    fill(0);
    ck_assert(!add(0, 1));
    ck_assert_uint_eq(take(0, 0, &more), WORKER_HANDOFFS_MAX);
    ck_assert(add(0, 1));
    ck_assert(!add(0, WORKER_HANDOFFS_MAX));
    ck_assert(add(0, WORKER_HANDOFFS_MAX - 1));
}
END_TEST

START_TEST(there_is_room_until_all_are_full)
{
    fill(0);
    ck_assert(handoff_queues_wait_for_room(&all, 0));
    fill(1);
    ck_assert(!handoff_queues_wait_for_room(&all, 10));
}
END_TEST

/* Else the caller, which has as many, would not wait and find no room. */
START_TEST(one_without_room_for_as_many_as_are_handed_over_at_once_is_full)
{
    for (int i = 0; i < QUEUES; i++) {
        for (int n = 0; n < FULL - 1; n++)
            ck_assert(add(i, WORKER_HANDOFFS_MAX));
        ck_assert(handoff_queues_wait_for_room(&all, 0));
        ck_assert(add(i, 1));
    }
    ck_assert(!handoff_queues_wait_for_room(&all, 10));
}
END_TEST

/* Once the other thread waits, or soon before it does: then it need not wait. */
static void *take_once(void *queue)
{
    const struct timespec soon = {.tv_nsec = 50 * 1000 * 1000};
    struct handoff taken[WORKER_HANDOFFS_MAX];
    bool more;
    nanosleep(&soon, NULL);
    handoff_queue_take(queue, taken, &more);
    return NULL;
}

START_TEST(a_wait_for_room_ends_when_one_has_some)
{
    pthread_t thread;
    uint64_t start_us = clock_now_us();
    for (int i = 0; i < QUEUES; i++)
        fill(i);
    ck_assert_int_eq(pthread_create(&thread, NULL, take_once, &queues[1]), 0);
    ck_assert(handoff_queues_wait_for_room(&all, LONG_MS));
    ck_assert_uint_lt(clock_now_us() - start_us, LONG_MS * UINT64_C(1000));
    pthread_join(thread, NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("handoff_queue");
    TCase *tcase = tcase_create("handoff_queue");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, gives_the_oldest_first_and_says_whether_there_are_more);
    tcase_add_test(tcase, keeps_its_order_around_the_end_of_its_memory);
    tcase_add_test(tcase, a_full_one_takes_all_or_none);
    tcase_add_test(tcase, there_is_room_until_all_are_full);
    tcase_add_test(tcase, one_without_room_for_as_many_as_are_handed_over_at_once_is_full);
    tcase_add_test(tcase, a_wait_for_room_ends_when_one_has_some);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
