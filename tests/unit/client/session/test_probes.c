/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/probes.h"

#include <check.h>

#include "suite.h"

static struct probes probes;
static struct probe probe;
static struct error err;

static void set_up(void)
{
    ck_assert_int_eq(probes_init(&probes, 1000, LEDGER_MAX, &err), 0);
}

static void tear_down(void)
{
    probes_done(&probes);
}

static void send_at(bool first, uint64_t now_ns)
{
    ck_assert_int_eq(ledger_send(&probes.ledger, first, now_ns, &err), 0);
}

START_TEST(the_first_reply_of_a_connection_is_not_a_round_trip)
{
    struct histogram_summary all;
    send_at(true, 0);
    send_at(false, 0);
    probes_receive(&probes, 1, 5000, &probe);
    histogram_summarize(probes_latency(&probes), &all);
    ck_assert_uint_eq(all.max_ns, 5000); /* as long as there is no other */
    probes_receive(&probes, 2, 7, &probe);
    histogram_summarize(probes_latency(&probes), &all);
    ck_assert_uint_eq(all.count, 1);
    ck_assert_uint_eq(all.max_ns, 7);
}
END_TEST

START_TEST(a_duplicate_is_not_recorded)
{
    struct histogram_summary all;
    send_at(false, 0);
    probes_receive(&probes, 1, 5, &probe);
    ck_assert_int_eq(probes_receive(&probes, 1, 900, &probe), LEDGER_DUPLICATE);
    histogram_summarize(probes_latency(&probes), &all);
    ck_assert_uint_eq(all.count, 1);
}
END_TEST

START_TEST(the_share_lost_leaves_out_what_may_still_come)
{
    for (uint64_t i = 0; i < 4; i++)
        send_at(false, i * 1000);
    probes_receive(&probes, 1, 10, &probe);
    ck_assert_double_eq(probes_percent_lost(&probes), 0);
    ck_assert(ledger_expire(&probes.ledger, 2100, &probe)); /* number 2 */
    ck_assert_double_eq(probes_percent_lost(&probes), 50);
    ck_assert(ledger_lose(&probes.ledger, false, &probe));
    ck_assert_double_eq(probes_percent_lost(&probes), 50);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("probes");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, the_first_reply_of_a_connection_is_not_a_round_trip);
    tcase_add_test(cases, a_duplicate_is_not_recorded);
    tcase_add_test(cases, the_share_lost_leaves_out_what_may_still_come);

    Suite *suite = suite_create("probes");
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
