/* SPDX-License-Identifier: MIT */
#include "suite.h"
#include "tlsecho/server/pool.h"

#include <check.h>
#include <string.h>

enum { BUFFER_BYTES = 4096 };

static struct pool pool;

static void set_up(void)
{
    pool_init(&pool, BUFFER_BYTES);
}

static void tear_down(void)
{
    pool_done(&pool);
}

START_TEST(lends_an_empty_buffer_of_its_size)
{
    struct buf b = {.data = NULL};
    ck_assert(pool_lend(&pool, &b));
    ck_assert_ptr_nonnull(b.data);
    ck_assert_uint_eq(b.size, BUFFER_BYTES);
    ck_assert_uint_eq(buf_waiting(&b), 0);
    memset(b.data, 'x', BUFFER_BYTES);
    pool_return(&pool, &b);
}
END_TEST

START_TEST(returning_a_buffer_clears_it_whatever_it_contained)
{
    struct buf b = {.data = NULL};
    ck_assert(pool_lend(&pool, &b));
    b.end = 7;
    pool_return(&pool, &b);
    ck_assert_ptr_null(b.data);
    ck_assert_uint_eq(b.size, 0);
    ck_assert_uint_eq(buf_waiting(&b), 0);
}
END_TEST

START_TEST(lends_the_same_memory_again)
{
    struct buf b = {.data = NULL};
    ck_assert(pool_lend(&pool, &b));
    unsigned char *first = b.data;
    pool_return(&pool, &b);
    ck_assert(pool_lend(&pool, &b));
    ck_assert_ptr_eq(b.data, first);
    ck_assert_uint_eq(buf_waiting(&b), 0);
    pool_return(&pool, &b);
}
END_TEST

START_TEST(never_lends_a_buffer_twice)
{
    struct buf a = {.data = NULL}, b = {.data = NULL};
    ck_assert(pool_lend(&pool, &a));
    ck_assert(pool_lend(&pool, &b));
    ck_assert_ptr_ne(a.data, b.data);
    pool_return(&pool, &a);
    pool_return(&pool, &b);
    ck_assert(pool_lend(&pool, &a));
    ck_assert(pool_lend(&pool, &b));
    ck_assert_ptr_ne(a.data, b.data);
    pool_return(&pool, &a);
    pool_return(&pool, &b);
}
END_TEST

START_TEST(returning_an_empty_buffer_does_nothing)
{
    struct buf b = {.data = NULL};
    pool_return(&pool, &b);
    ck_assert_uint_eq(pool.kept_count, 0);
}
END_TEST

START_TEST(keeps_a_limited_number_of_buffers_for_reuse)
{
    enum { CROWD = 100, KEPT_AT_MOST = 16 };
    struct buf crowd[CROWD] = {{.data = NULL}};
    for (int i = 0; i < CROWD; i++)
        ck_assert(pool_lend(&pool, &crowd[i]));
    for (int i = 0; i < CROWD; i++)
        pool_return(&pool, &crowd[i]);
    ck_assert_uint_gt(pool.kept_count, 0);
    ck_assert_uint_le(pool.kept_count, KEPT_AT_MOST);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pool");
    TCase *tcase = tcase_create("pool");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, lends_an_empty_buffer_of_its_size);
    tcase_add_test(tcase, returning_a_buffer_clears_it_whatever_it_contained);
    tcase_add_test(tcase, lends_the_same_memory_again);
    tcase_add_test(tcase, never_lends_a_buffer_twice);
    tcase_add_test(tcase, returning_an_empty_buffer_does_nothing);
    tcase_add_test(tcase, keeps_a_limited_number_of_buffers_for_reuse);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
