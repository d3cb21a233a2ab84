/* SPDX-License-Identifier: MIT */
/* An exchange without memory, and that it frees all that it has. */
#include "tlsecho/client/exchange.h"

#include <check.h>
#include <errno.h>
#include <string.h>

#include "allocations.h"
#include "fake_transport.h"
#include "suite.h"

static struct fake_transport fake;
static struct exchange x;
static struct error err;
static long before;

static void set_up(void)
{
    fake_init(&fake);
    x = (struct exchange){.transport = NULL};
    err = (struct error){.code = 0};
    before = allocations_left();
}

static void send(const char *data, size_t n)
{
    ck_assert_uint_ge(exchange_room(&x), n);
    memcpy(x.out.data, data, n);
    x.out.start = 0;
    x.out.end = n;
}

START_TEST(does_not_begin_without_its_buffers)
{
    static const enum expect_kind kinds[] = {EXPECT_ECHO, EXPECT_HELLO};
    static const unsigned buffers[] = {2, 3};
    for (unsigned n = 0; n < buffers[_i]; n++) {
        allocations_fail_after(n);
        int result = exchange_init(&x, &fake.base, kinds[_i], &err);
        ck_assert(allocations_have_failed());
        ck_assert_int_eq(result, -1);
        ck_assert_int_eq(err.kind, ERROR_SYSTEM);
        ck_assert_int_eq(err.code, ENOMEM);
        ck_assert_int_eq(allocations_left(), before);
    }
    ck_assert_int_eq(exchange_init(&x, &fake.base, kinds[_i], &err), 0);
    exchange_done(&x);
    ck_assert_int_eq(allocations_left(), before);
    exchange_done(&x); /* once is enough */
    ck_assert_int_eq(allocations_left(), before);
}
END_TEST

START_TEST(ends_where_what_was_sent_cannot_be_remembered)
{
    ck_assert_int_eq(exchange_init(&x, &fake.base, EXPECT_ECHO, &err), 0);
    send("hello", 5);
    allocations_fail_after(0);
    unsigned want = exchange_send(&x);
    ck_assert(allocations_have_failed());
    ck_assert_uint_eq(want, WANT_NOTHING);

    struct outcome outcome;
    exchange_judge(&x, true, &outcome);
    ck_assert_int_eq(outcome.result, RESULT_LOCAL_IO);
    ck_assert_msg(strstr(outcome.error.text, "memory for 65536 bytes on their way"), "%s",
                  outcome.error.text);
    exchange_done(&x);
    ck_assert_int_eq(allocations_left(), before);
}
END_TEST

/* What is on its way already stays known. */
START_TEST(remembers_what_was_sent_before_memory_ran_out)
{
    static const unsigned char data[EXPECT_MAX_BYTES];
    struct expect expect;
    expect_init(&expect, EXPECT_ECHO);
    ck_assert_int_eq(expect_sent(&expect, data, 65536, &err), 0);
    allocations_fail_after(0);
    int result = expect_sent(&expect, data, 1, &err);
    ck_assert(allocations_have_failed());
    ck_assert_int_eq(result, -1);
    ck_assert_int_eq(err.code, ENOMEM);
    ck_assert_uint_eq(expect_missing(&expect), 65536);
    ck_assert_int_eq(expect_received(&expect, data, 65536), EXPECT_SAME);
    ck_assert_int_eq(expect_received(&expect, data, 1), EXPECT_SURPLUS);
    expect_done(&expect);
    ck_assert_int_eq(allocations_left(), before);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("exchange_allocations");
    TCase *tcase = tcase_create("exchange_allocations");
    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_loop_test(tcase, does_not_begin_without_its_buffers, 0, 2);
    tcase_add_test(tcase, ends_where_what_was_sent_cannot_be_remembered);
    tcase_add_test(tcase, remembers_what_was_sent_before_memory_ran_out);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
