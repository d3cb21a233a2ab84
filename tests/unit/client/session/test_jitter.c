/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/jitter.h"

#include <check.h>
#include <math.h>

#include "suite.h"

static void check_jitter(const struct jitter *j, double ns)
{
    ck_assert_double_lt(fabs(j->ns - ns), 1e-9);
}

START_TEST(one_packet_has_none)
{
    struct jitter j = {0};
    jitter_add(&j, 1000);
    check_jitter(&j, 0);
}
END_TEST

START_TEST(each_difference_moves_it_by_a_sixteenth)
{
    struct jitter j = {0};
    jitter_add(&j, 1000);
    jitter_add(&j, 1160);
    check_jitter(&j, 10);
    jitter_add(&j, 1000);
    check_jitter(&j, 10 + (160 - 10) / 16.0);
}
END_TEST

START_TEST(clocks_that_differ_by_a_constant_do_not_matter)
{
    struct jitter near = {0}, far = {0};
    const int64_t transits[] = {5, 17, 3, 3, 40};
    for (int i = 0; i < 5; i++) {
        jitter_add(&near, transits[i]);
        jitter_add(&far, transits[i] - INT64_C(3600000000000));
    }
    check_jitter(&far, near.ns);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("jitter");
    tcase_add_test(cases, one_packet_has_none);
    tcase_add_test(cases, each_difference_moves_it_by_a_sixteenth);
    tcase_add_test(cases, clocks_that_differ_by_a_constant_do_not_matter);

    Suite *suite = suite_create("jitter");
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
