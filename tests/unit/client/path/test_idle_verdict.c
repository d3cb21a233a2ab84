/* SPDX-License-Identifier: MIT */
#include "idle_verdict.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"

enum { SECOND_US = 1000 * 1000, ENOUGH = 2 };

static struct path p;
static struct path_server server;
static struct path_peer peer = {.about = &server};

static void ignore(void *context, const struct path_verdict *verdict, enum path_event event,
                   const char *text)
{
    (void)context, (void)verdict, (void)event, (void)text;
}

static void set_up(void)
{
    static const struct path_watch watch = {.tell = ignore};
    p = (struct path){.watch = &watch, .verdict = calloc(1, sizeof *p.verdict), .peer = &peer};
    ck_assert_ptr_nonnull(p.verdict);
    p.stage = &p.verdict->stages[p.verdict->stage_count++];
    p.stage->name = "idle";
}

static void tear_down(void)
{
    path_verdict_free(p.verdict);
}

/* Connections that were silent for three seconds are gone, those of 2.9 s are there. */
static struct idle gone(void)
{
    return (struct idle){.low_us = 29 * SECOND_US / 10,
                         .high_us = 3 * SECOND_US,
                         .fate = IDLE_RESET,
                         .told = true,
                         .gone = ENOUGH};
}

static const char *evidence_of(const struct idle *idle)
{
    idle_verdict_tell(&p, idle, ENOUGH);
    ck_assert_uint_eq(p.verdict->finding_count, 1);
    return p.verdict->findings[0].evidence;
}

START_TEST(a_keepalive_that_holds_is_told_with_its_interval)
{
    struct idle idle = gone();
    idle.keepalive_s = 1;
    idle.held = true;
    idle.kept_us = 4 * SECOND_US;
    ck_assert_str_eq(evidence_of(&idle),
                     "a connection that was silent for 2.90 s is there, after 3.00 s it is gone (2 "
                     "tries): RST, and the client is told at that moment; TCP keepalive every 1 s "
                     "holds a connection for 4.00 s");
    ck_assert_uint_eq(p.stage->note_count, 0);
}
END_TEST

START_TEST(one_that_does_not_is_told_with_the_end_of_its_connection)
{
    struct idle idle = gone();
    idle.keepalive_s = 1;
    idle.kept_us = 298 * SECOND_US / 100;
    ck_assert_ptr_nonnull(strstr(evidence_of(&idle), "; TCP keepalive every 1 s does not hold a "
                                                     "connection, which was gone after 2.98 s"));
}
END_TEST

START_TEST(why_keepalive_was_not_tried_is_told)
{
    struct idle idle = gone();
    idle.too_short = _i == 1;
    ck_assert_ptr_nonnull(strstr(evidence_of(&idle),
                                 _i == 1 ? "; keepalive was not tried: its shortest interval is a "
                                           "second"
                                         : "; keepalive was not tried: no time was left"));
}
END_TEST

START_TEST(a_search_that_stays_coarse_says_why)
{
    struct idle idle = gone();
    idle.high_us = 342 * SECOND_US / 100;
    idle.limited = _i == 1;
    evidence_of(&idle);
    ck_assert_uint_eq(p.stage->note_count, 1);
    ck_assert_str_eq(p.stage->notes[0],
                     _i == 1 ? "silences between 2.90 s and 3.42 s were not tried: there were too "
                               "few connections"
                             : "silences between 2.90 s and 3.42 s were not tried: no time was "
                               "left, and a longer --idle-max gives more");
}
END_TEST

START_TEST(what_is_outlived_is_a_note_and_no_finding)
{
    struct idle idle = gone();
    idle.outlived = true;
    idle_verdict_tell(&p, &idle, ENOUGH);
    ck_assert_uint_eq(p.verdict->finding_count, 0);
    ck_assert_uint_eq(p.stage->note_count, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("idle_verdict");
    TCase *tcase = tcase_create("idle_verdict");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, a_keepalive_that_holds_is_told_with_its_interval);
    tcase_add_test(tcase, one_that_does_not_is_told_with_the_end_of_its_connection);
    tcase_add_loop_test(tcase, why_keepalive_was_not_tried_is_told, 0, 2);
    tcase_add_loop_test(tcase, a_search_that_stays_coarse_says_why, 0, 2);
    tcase_add_test(tcase, what_is_outlived_is_a_note_and_no_finding);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
