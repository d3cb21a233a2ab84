/* SPDX-License-Identifier: MIT */
#include "tlsecho/base/container_of.h"

#include <check.h>

#include "suite.h"

struct part {
    int number;
};

struct whole {
    long before;
    struct part first, second;
};

START_TEST(finds_the_struct_around_a_member)
{
    struct whole whole = {.before = 7};
    ck_assert_ptr_eq(container_of(&whole.first, struct whole, first), &whole);
    ck_assert_ptr_eq(container_of(&whole.second, struct whole, second), &whole);
}
END_TEST

START_TEST(preserves_const)
{
    static const struct whole constant = {.before = 7};
    struct whole variable = {.before = 7};
    const struct part *part = &constant.second;
    ck_assert_ptr_eq(container_of(part, struct whole, second), &constant);
    _Static_assert(
        _Generic(container_of(part, struct whole, second), const struct whole * : 1, default : 0),
        "a const member belongs to a const struct");
    struct part *other = &variable.second;
    _Static_assert(
        _Generic(container_of(other, struct whole, second), struct whole * : 1, default : 0),
        "another member does not");
    container_of(other, struct whole, second)->before = 8;
    ck_assert_int_eq(variable.before, 8);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("container_of");
    TCase *tcase = tcase_create("container_of");
    tcase_add_test(tcase, finds_the_struct_around_a_member);
    tcase_add_test(tcase, preserves_const);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
