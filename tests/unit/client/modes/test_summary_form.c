/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <jansson.h>
#include <string.h>

#include "suite.h"
#include "summary_internal.h"

#define HOSTILE "<script>\\u001b[31m\\u202e"

enum { VALUES = 16 };

/* Values that no field of that kind has, up to NULL. */
static const char *const no_counts[VALUES] = {
    "9223372036854775807", "-1",  "1.5",       "1e300", "\"7\"",
    "\"" HOSTILE "\"",     "[7]", "{\"a\":7}", "null",  "true"};
static const char *const no_numbers[VALUES] = {
    "9223372036854775807", "1e300", "-1",  "\"7\"", "\"" HOSTILE "\"", "[7]",
    "{\"a\":7}",           "null",  "true"};
static const char *const no_rates[VALUES] = {"1e26", "-1", "\"" HOSTILE "\"", "[7]", "null"};
static const char *const no_words[VALUES] = {"\"" HOSTILE "\"", "\"tcptcp\"", "\"\"", "7",
                                             "[\"tcp\"]",       "null"};
static const char *const no_times[VALUES] = {"\"" HOSTILE "\"",
                                             "\"2026-11-29\"",
                                             "\"2026-13-29T08:00:00Z\"",
                                             "\"9999-01-01T00:00:00Z\"",
                                             "\"1969-01-01T00:00:00Z\"",
                                             "\"\"",
                                             "7",
                                             "[]",
                                             "null"};
static const char *const no_truths[VALUES] = {"1", "\"true\"", "\"" HOSTILE "\"", "[]", "null"};
static const char *const no_objects[VALUES] = {"7", "\"" HOSTILE "\"", "[1]", "null"};

static const struct {
    const char *paths; /* separated by spaces */
    const char *const *values;
    const char *says; /* behind the path */
} kinds[] = {
    {"exit connections_late clients clients_failed connections resumed messages messages_unsent "
     "lost duplicated reordered kernel_drops handshakes bytes_sent bytes_received times.clients "
     "load.connections load.threads load.pipeline load.size_bytes load.messages latency.count "
     "service.count connect.count handshake.count failures.reset",
     no_counts, "is not a whole number"},
    {"start_late start_spread duration "
     "times.last_start times.first_end load.messages_per_second load.time load.omit load.ramp "
     "client.cpu_user client.cpu_system client.busiest_thread latency.min latency.mean "
     "latency.stddev latency.max",
     no_numbers, "is not a number"},
    {"messages_per_second_sum handshakes_per_second_sum", no_rates, "is not a number"},
    {"transport load.kind load.loop load.expect", no_words, "is not a word that is allowed"},
    {"started load.start_at", no_times, "is not a time"},
    {"interrupted times.rounded", no_truths, "is not a boolean"},
    {"times load client latency service connect handshake failures", no_objects,
     "is not an object"},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static const char *const no_histograms[] = {
    "\"x\"",
    "5",
    "{\"a\":1}",
    "[7]",
    "[[1]]",
    "[[\"x\",1]]",
    "[[1,\"x\"]]",
    "[[-1,20]]",
    "[[1e300,20]]",
    "[[1e-4,9223372036854775807],[1e-4,9223372036854775807]]",
    "[[1e-4,0],[1e-4,20]]",
    "[[1e-4,10,10],[1e-4,10,10]]",
    "[]"};
enum { NO_HISTOGRAMS = sizeof no_histograms / sizeof *no_histograms };

#define TIMES                                                                                      \
    "{\"count\":20,\"min\":1e-4,\"mean\":2e-4,\"stddev\":1e-5,\"max\":3e-4,"                       \
    "\"histogram\":[[1e-4,10],[3e-4,10]]}"

static json_t *summary;
static struct error err;

static json_t *parsed(const char *text)
{
    json_error_t at;
    json_t *json = json_loads(text, JSON_DECODE_ANY, &at);
    ck_assert_msg(json, "%s: %s", text, at.text);
    return json;
}

static void setup(void)
{
    summary = parsed("{\"schema\":1,\"mode\":\"bench\",\"result\":\"ok\",\"exit\":0,"
                     "\"times\":{\"spans\":[{\"started\":\"2026-11-29T08:00:00Z\","
                     "\"duration\":1}]},\"load\":{},\"client\":{},\"failures\":{},"
                     "\"latency\":" TIMES ",\"service\":" TIMES ",\"connect\":" TIMES
                     ",\"handshake\":" TIMES "}");
}

static void teardown(void)
{
    json_decref(summary);
}

/* Checks the summary with that value at path, "load.threads" or "exit". */
static int check_with(const char *path, const char *value)
{
    const char *dot = strchr(path, '.');
    char object[32] = "";
    json_t *changed = json_deep_copy(summary), *place = changed;
    if (dot) {
        memcpy(object, path, (size_t)(dot - path));
        place = json_object_get(changed, object);
    }
    ck_assert_int_eq(json_object_set_new(place, dot ? dot + 1 : path, parsed(value)), 0);
    int checked = summary_check_form(changed, &err);
    json_decref(changed);
    return checked;
}

static void check_refused(const char *path, const char *value, const char *says)
{
    ck_assert_msg(check_with(path, value) == -1, "%s: %s", path, value);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_msg(strstr(err.text, says) == err.text, "%s: %s: %s", path, value, err.text);
    ck_assert_msg(!strstr(err.text, "script"), "%s: %s", path, err.text);
}

START_TEST(the_summary_that_the_others_change_is_taken)
{
    ck_assert_msg(summary_check_form(summary, &err) == 0, "%s", err.text);
}
END_TEST

START_TEST(a_field_of_another_type_or_beyond_its_bounds_is_named_and_its_value_is_not_printed)
{
    char paths[1024], says[128], *rest = paths;
    snprintf(paths, sizeof paths, "%s", kinds[_i].paths);
    for (char *path; (path = strtok_r(rest, " ", &rest));) {
        snprintf(says, sizeof says, "%s %s", path, kinds[_i].says);
        for (const char *const *value = kinds[_i].values; *value; value++)
            check_refused(path, *value, says);
    }
}
END_TEST

START_TEST(an_invalid_histogram_is_refused)
{
    check_refused("latency.histogram", no_histograms[_i], "latency.");
}
END_TEST

START_TEST(counts_whose_sum_overflows_are_refused)
{
    json_t *buckets = json_array();
    for (int i = 0; i < 2048; i++)
        json_array_append_new(buckets, parsed("[1e-4,9007199254740991]"));
    char *text = json_dumps(buckets, 0);
    check_refused("latency.histogram", text, "latency.count is not the sum");
    free(text);
    json_decref(buckets);
    check_refused("failures", "{\"reset\":9007199254740991,\"timeout\":9007199254740991}",
                  "failures has too large a sum");
}
END_TEST

START_TEST(times_that_contradict_each_other_are_refused)
{
    check_refused("latency.mean", "5", "latency: mean and stddev are impossible");
    check_refused("latency.stddev", "5", "latency: mean and stddev are impossible");
    check_refused("latency.mean", "0", "latency: mean and stddev are impossible");
    check_refused("duration", "1e-300", "duration is shorter");
}
END_TEST

START_TEST(the_times_of_a_sum_have_a_start_and_a_duration_each)
{
    check_refused("times.spans", "[]", "times.spans is not an array");
    check_refused("times.spans", "7", "times.spans is not an array");
    check_refused("times.spans", "[{\"started\":7,\"duration\":1}]", "times.spans[0] is not");
    check_refused("times.spans", "[{\"started\":\"2026-11-29T08:00:00Z\",\"duration\":0}]",
                  "times.spans[0] is not");
}
END_TEST

START_TEST(a_failure_is_counted_under_the_word_of_a_result)
{
    check_refused("failures", "{\"" HOSTILE "\":3}", "failures has a word that is not a result");
    check_refused("result", "\"reset\"", "result is not the word for exit");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("summary_form");
    TCase *tcase = tcase_create("fields");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, the_summary_that_the_others_change_is_taken);
    tcase_add_loop_test(
        tcase, a_field_of_another_type_or_beyond_its_bounds_is_named_and_its_value_is_not_printed,
        0, KINDS);
    tcase_add_loop_test(tcase, an_invalid_histogram_is_refused, 0, NO_HISTOGRAMS);
    tcase_add_test(tcase, counts_whose_sum_overflows_are_refused);
    tcase_add_test(tcase, times_that_contradict_each_other_are_refused);
    tcase_add_test(tcase, the_times_of_a_sum_have_a_start_and_a_duration_each);
    tcase_add_test(tcase, a_failure_is_counted_under_the_word_of_a_result);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
