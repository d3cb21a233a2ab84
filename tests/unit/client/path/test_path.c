/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/path.h"

#include <check.h>
#include <string.h>

#include "suite.h"

static void tell_nobody(void *context, const struct path_verdict *verdict, enum path_event event,
                        const char *text)
{
    (void)context, (void)verdict, (void)event, (void)text;
}

static struct outcome run(const struct options *options)
{
    struct path_watch watch = {.tell = tell_nobody};
    struct outcome outcome = {.result = RESULT_OK, .error.alert = -1};
    path_verdict_free(path_run(options, &watch, &outcome));
    return outcome;
}

/* Nothing is connected to before the stages are known. */
static struct options nowhere(void)
{
    struct options options = {.mode = MODE_PATH, .endpoint_count = 1};
    options.idle_max_ms = OPTIONS_NOT_GIVEN;
    options.endpoints[0] = (struct endpoint){.scheme = ENDPOINT_TLS, .host = "256.0.0.1"};
    return options;
}

START_TEST(every_finding_has_a_stage_and_a_remedy_and_is_found_by_its_name)
{
    const char *names[PATH_STAGES_MAX];
    size_t count = path_stage_names(names);
    for (size_t i = 0; i < path_finding_kinds_count; i++) {
        const struct path_finding_kind *kind = &path_finding_kinds[i];
        bool known = false;
        for (size_t j = 0; j < count; j++)
            known = known || strcmp(names[j], kind->stage) == 0;
        ck_assert_msg(known, "%s", kind->name);
        ck_assert_ptr_eq(path_finding_kind_find(kind->name), kind);
        ck_assert(*kind->meaning && *kind->remedy && *kind->value && *kind->reproduce);
    }
    ck_assert_ptr_null(path_finding_kind_find("nonesuch"));
}
END_TEST

START_TEST(a_value_takes_its_place_in_a_sentence)
{
    char text[PATH_SENTENCE_BYTES];
    path_fill_in("pass {}, please", "1,341 bytes", text);
    ck_assert_str_eq(text, "pass 1,341 bytes, please");
    path_fill_in("nothing to fill in", "1,341 bytes", text);
    ck_assert_str_eq(text, "nothing to fill in");
}
END_TEST

START_TEST(an_unknown_stage_is_refused_with_what_is_meant)
{
    struct options options = nowhere();
    options.only = "client-hello,client-helo";
    struct outcome outcome = run(&options);
    ck_assert_int_eq(outcome.result, RESULT_USAGE);
    ck_assert_str_eq(outcome.error.text,
                     "--only: 'client-helo' is no stage: did you mean client-hello?");
    options.only = "";
    ck_assert_int_eq(run(&options).result, RESULT_USAGE);
}
END_TEST

START_TEST(a_longest_silence_is_refused_where_the_stage_does_not_run)
{
    struct options options = nowhere();
    options.only = "client-hello";
    options.idle_max_ms = 1000;
    struct outcome outcome = run(&options);
    ck_assert_int_eq(outcome.result, RESULT_USAGE);
    ck_assert_ptr_nonnull(strstr(outcome.error.text, "--idle-max is for the stage idle"));
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("path");
    tcase_add_test(cases, every_finding_has_a_stage_and_a_remedy_and_is_found_by_its_name);
    tcase_add_test(cases, a_value_takes_its_place_in_a_sentence);
    tcase_add_test(cases, an_unknown_stage_is_refused_with_what_is_meant);
    tcase_add_test(cases, a_longest_silence_is_refused_where_the_stage_does_not_run);

    Suite *suite = suite_create("path");
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
