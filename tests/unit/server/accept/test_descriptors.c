/* SPDX-License-Identifier: MIT */
#include "tlsecho/server/descriptors.h"

#include <check.h>
#include <string.h>
#include <sys/resource.h>

#include "captured_log.h"
#include "kernel.h"
#include "suite.h"

START_TEST(raises_the_soft_limit_to_the_hard_one)
{
    if (!kernel_has(KERNEL_DESCRIPTOR_LIMIT))
        return;
    struct rlimit limit = {.rlim_cur = 32, .rlim_max = 64};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_uint_eq(descriptors_raise(), 64);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_uint_eq(limit.rlim_cur, 64);
}
END_TEST

/* What is logged before a marker; "" = nothing. */
static const char *announced(uint64_t descriptors, uint64_t connections)
{
    struct config config = {.limits.connections = connections};
    descriptors_check(descriptors, &config, 24);
    log_reason(LOG_LEVEL_INFO, "marker", "x");
    const char *line = captured_log_line();
    return strstr(line, " event=marker ") ? "" : line;
}

START_TEST(warns_with_a_remedy_if_they_are_too_few)
{
    captured_log_open(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    ck_assert_str_eq(announced(1024, 1000), "");
    ck_assert_str_eq(announced(UINT64_MAX, 1000), "");
    ck_assert_str_eq(announced(64, 0), "");
    const char *line = announced(1023, 1000);
    ck_assert_msg(strstr(line, " level=warning event=descriptor_limit_low"
                               " reason=\"limits.connections is 1000 and needs 1024 descriptors, "
                               "but the limit is 1023: raise LimitNOFILE= of the service, or "
                               "ulimit -n, to that, or lower limits.connections\""),
                  "%s", line);
    captured_log_close();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("descriptors");
    TCase *tcase = tcase_create("descriptors");
    tcase_add_test(tcase, raises_the_soft_limit_to_the_hard_one);
    tcase_add_test(tcase, warns_with_a_remedy_if_they_are_too_few);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
