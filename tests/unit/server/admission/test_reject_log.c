/* SPDX-License-Identifier: MIT */
#include "tlsecho/server/reject_log.h"

#include <check.h>
#include <string.h>

#include "captured_log.h"
#include "loopback.h"
#include "suite.h"
#include "tlsecho/server/datagram_drop.h"

enum { NOW_US = 5000000, SECOND_US = 1000000 };

static struct reject_log rejected;

static void set_up(void)
{
    memset(&rejected, 0, sizeof rejected);
    captured_log_open(LOG_LEVEL_WARNING, LOG_FORMAT_LOGFMT);
}

static void tear_down(void)
{
    captured_log_close();
}

static void reject(enum admission_refusal refusal, const char *source)
{
    struct address address = loopback_address(source);
    reject_log_add(&rejected, refusal, "the reason", source + 6, &address);
}

static void assert_line(const char *fields)
{
    const char *line = captured_log_line();
    ck_assert_msg(strstr(line, fields), "%s", line);
    ck_assert_msg(strstr(line, "level=warning"), "%s", line);
}

START_TEST(a_line_tells_how_many_and_the_last_of_them)
{
    reject(ADMISSION_DENY, "tcp://192.0.2.1:1");
    reject(ADMISSION_DENY, "tcp://192.0.2.2:2");
    reject_log_flush(&rejected, NOW_US);
    assert_line("event=connections_refused cause=deny count=2 reason=\"the reason\" "
                "last_source=192.0.2.2:2 last_listener=192.0.2.2:2");
}
END_TEST

START_TEST(each_reason_has_a_line_at_once_and_then_one_a_second)
{
    static const char *const sources[] = {"192.0.2.1:1", "192.0.2.2:2", "192.0.2.3:3",
                                          "192.0.2.4:4"};
    reject(ADMISSION_DENY, "tcp://192.0.2.1:1");
    reject(ADMISSION_CONNECTIONS, "tcp://192.0.2.2:2");
    reject_log_flush(&rejected, NOW_US);
    reject(ADMISSION_DENY, "tcp://192.0.2.3:3");
    reject_log_flush(&rejected, NOW_US + SECOND_US - 1);
    reject_log_flush(&rejected, NOW_US + SECOND_US);
    reject_log_flush(&rejected, NOW_US + 3 * SECOND_US);
    reject(ADMISSION_ALLOW, "tcp://192.0.2.4:4");
    reject_log_flush(&rejected, UINT64_MAX);
    for (int i = 0; i < 4; i++) {
        const char *line = captured_log_line();
        ck_assert_msg(strstr(line, " count=1 ") && strstr(line, sources[i]), "%s", line);
    }
}
END_TEST

START_TEST(is_due_when_the_first_reason_is)
{
    ck_assert_uint_eq(reject_log_due_us(&rejected), UINT64_MAX);
    reject(ADMISSION_DENY, "tcp://192.0.2.1:1");
    ck_assert_uint_lt(reject_log_due_us(&rejected), NOW_US);
    reject_log_flush(&rejected, NOW_US);
    ck_assert_uint_eq(reject_log_due_us(&rejected), UINT64_MAX);
    reject(ADMISSION_CONNECTIONS, "tcp://192.0.2.1:1");
    reject_log_flush(&rejected, NOW_US + 10);
    reject(ADMISSION_DENY, "tcp://192.0.2.1:1");
    ck_assert_uint_eq(reject_log_due_us(&rejected), NOW_US + SECOND_US);
    reject(ADMISSION_CONNECTIONS, "tcp://192.0.2.1:1");
    ck_assert_uint_eq(reject_log_due_us(&rejected), NOW_US + SECOND_US);
}
END_TEST

START_TEST(nothing_is_logged_below_the_level)
{
    captured_log_close();
    captured_log_open(LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
    reject(ADMISSION_DENY, "tcp://192.0.2.1:1");
    reject_log_flush(&rejected, NOW_US);
    struct log_line line;
    ck_assert(log_begin(&line, LOG_LEVEL_ERROR, "end"));
    log_end(&line);
    ck_assert_ptr_nonnull(strstr(captured_log_line(), "event=end"));
}
END_TEST

START_TEST(each_drop_of_a_datagram_has_a_word_of_its_own)
{
    for (int i = 0; i < _i; i++)
        ck_assert_str_ne(datagram_drop_name((enum datagram_drop)i),
                         datagram_drop_name((enum datagram_drop)_i));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reject_log");
    TCase *tcase = tcase_create("reject_log");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, a_line_tells_how_many_and_the_last_of_them);
    tcase_add_test(tcase, each_reason_has_a_line_at_once_and_then_one_a_second);
    tcase_add_test(tcase, is_due_when_the_first_reason_is);
    tcase_add_test(tcase, nothing_is_logged_below_the_level);
    tcase_add_loop_test(tcase, each_drop_of_a_datagram_has_a_word_of_its_own, 1, DATAGRAM_DROPS);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
