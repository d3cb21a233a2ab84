/* SPDX-License-Identifier: MIT */
#include "config_value.h"

#include <check.h>
#include <string.h>

#include "suite.h"

START_TEST(reads_a_switch_in_three_spellings)
{
    static const char *const words[2][3] = {{"off", "false", "no"}, {"on", "true", "yes"}};
    struct error err;
    for (int on = 0; on < 2; on++) {
        for (int i = 0; i < 3; i++) {
            bool value = !on;
            ck_assert_int_eq(config_value_switch(words[on][i], &value, &err), 0);
            ck_assert_int_eq(value, on);
        }
    }
}
END_TEST

START_TEST(refuses_any_other_word_as_a_switch)
{
    static const char *const words[] = {"", "On", "1", "y", "o", "onn"};
    bool value;
    struct error err;
    ck_assert_int_eq(config_value_switch(words[_i], &value, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "is not a switch: write on or off"));
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("config_value");
    tcase_add_test(tcase, reads_a_switch_in_three_spellings);
    tcase_add_loop_test(tcase, refuses_any_other_word_as_a_switch, 0, 6);

    Suite *suite = suite_create("config_value");
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
