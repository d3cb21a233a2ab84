/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/report.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "suite.h"

static struct report report;
static struct report_verdict verdict;
static struct error err;

#define EXPORTER "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

/* The same at both ends, over TLS. */
static void set_up(void)
{
    struct report_view view = {.tls = true,
                               .source = "127.0.0.1:1",
                               .destination = "127.0.0.1:2",
                               .version = "TLSv1.3",
                               .cipher = "c",
                               .group = "g",
                               .exporter = EXPORTER,
                               .certificate = "cert"};
    report = (struct report){.here = view, .there = view};
}

static enum report_path path(void)
{
    report_judge(&report, &verdict);
    return verdict.path;
}

START_TEST(equal_exporters_are_one_session)
{
    ck_assert_int_eq(path(), REPORT_END_TO_END);
    ck_assert_int_eq(verdict.source, REPORT_SAME);
    ck_assert_int_eq(verdict.certificate, REPORT_SAME);
    ck_assert_int_eq(verdict.sni, REPORT_SAME); /* at neither end */
    ck_assert(report_is_direct(verdict.path));
}
END_TEST

START_TEST(one_session_may_come_from_another_address)
{
    strcpy(report.there.source, "192.0.2.1:1");
    ck_assert_int_eq(path(), REPORT_END_TO_END);
    ck_assert_int_eq(verdict.source, REPORT_DIFFERENT);
    ck_assert_int_eq(verdict.destination, REPORT_SAME);
}
END_TEST

START_TEST(different_exporters_are_two_sessions_even_if_all_else_is_equal)
{
    report.there.exporter[0] = 'f';
    ck_assert_int_eq(path(), REPORT_TERMINATED);
    ck_assert(!report_is_direct(verdict.path));
}
END_TEST

START_TEST(tls_at_one_end_only_is_terminated)
{
    report.there.tls = false;
    report.there.exporter[0] = '\0';
    ck_assert_int_eq(path(), REPORT_TERMINATED);
    set_up();
    report.here.tls = false;
    report.here.exporter[0] = '\0';
    ck_assert_int_eq(path(), REPORT_TERMINATED);
}
END_TEST

START_TEST(without_an_exporter_nothing_is_proven)
{
    report.here.exporter[0] = report.there.exporter[0] = '\0';
    ck_assert_int_eq(path(), REPORT_UNPROVEN);
    ck_assert(!report_is_direct(verdict.path));
    strcpy(report.here.exporter, EXPORTER); /* one session has it at both ends or at neither */
    ck_assert_int_eq(path(), REPORT_TERMINATED);
}
END_TEST

START_TEST(a_plain_connection_is_judged_by_its_addresses)
{
    report.here.tls = report.there.tls = false;
    ck_assert_int_eq(path(), REPORT_PLAIN);
    ck_assert(!report_is_direct(verdict.path));
    strcpy(report.there.destination, "10.0.0.1:2");
    ck_assert_int_eq(path(), REPORT_RELAYED);
    ck_assert(!report_is_direct(verdict.path));
    set_up();
    report.here.tls = report.there.tls = false;
    report.proxy.version = 2; /* the addresses agree, and there is a proxy */
    ck_assert_int_eq(path(), REPORT_RELAYED);
}
END_TEST

START_TEST(a_certificate_known_to_one_end_only_is_unknown)
{
    report.there.certificate[0] = '\0'; /* resumed */
    ck_assert_int_eq(path(), REPORT_END_TO_END);
    ck_assert_int_eq(verdict.certificate, REPORT_UNKNOWN);
    strcpy(report.there.alpn, "h2");
    path();
    ck_assert_int_eq(verdict.alpn, REPORT_DIFFERENT);
}
END_TEST

static int parsed(const char *text)
{
    return report_parse(text, strlen(text), &report, &err);
}

START_TEST(reads_a_report_and_keeps_our_view)
{
    ck_assert_int_eq(
        parsed("{\"schema\":1,\"listener\":\"l\",\"connection\":7,\"server\":\"s\",\"source\":"
               "\"a\",\"destination\":\"b\",\"proxy\":{\"version\":2,\"local\":true,\"source\":"
               "\"p\"},\"tls\":{\"version\":\"TLSv1.2\",\"sni\":\"n\",\"exporter\":\"e\","
               "\"certificate_sha256\":\"c\",\"client\":{\"sha256\":\"d\"}}}\n"),
        0);
    ck_assert_str_eq(report.here.source, "127.0.0.1:1");
    ck_assert_str_eq(report.listener, "l");
    ck_assert_str_eq(report.server, "s");
    ck_assert_uint_eq(report.connection, 7);
    ck_assert_str_eq(report.there.source, "a");
    ck_assert_str_eq(report.there.destination, "b");
    ck_assert_int_eq(report.proxy.version, 2);
    ck_assert(report.proxy.local);
    ck_assert_str_eq(report.proxy.source, "p");
    ck_assert(report.there.tls);
    ck_assert_str_eq(report.there.version, "TLSv1.2");
    ck_assert_str_eq(report.there.sni, "n");
    ck_assert_str_eq(report.there.exporter, "e");
    ck_assert_str_eq(report.there.certificate, "c");
    ck_assert_str_eq(report.there.client_certificate, "d");
    ck_assert_str_eq(report.there.cipher, "");
}
END_TEST

static const char *const none[] = {
    "",
    "hello\n",
    "{}",
    "[1]",
    "{\"schema\":1}",
    "{\"listener\":\"l\"}",
    "{\"schema\":\"1\",\"listener\":\"l\"}",
    "{\"schema\":1,\"listener\":7}",
    "{\"schema\":1,\"listener\":\"l\"",
    "{\"schema\":1,\"listener\":\"l\"} and more",
    "{\"schema\":1,\"schema\":1,\"listener\":\"l\"}",
};

START_TEST(anything_else_is_not_a_report)
{
    ck_assert_int_eq(parsed(none[_i]), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_str_eq(report.here.source, "127.0.0.1:1"); /* untouched */
}
END_TEST

START_TEST(a_report_of_a_later_schema_is_refused)
{
    ck_assert_int_eq(parsed("{\"schema\":2,\"listener\":\"l\"}"), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "the report has schema 2, but this client reads 1"));
    ck_assert_str_eq(report.here.source, "127.0.0.1:1"); /* untouched */
}
END_TEST

START_TEST(control_characters_are_replaced_and_long_texts_are_cut)
{
    char text[4096] = "{\"schema\":1,\"server\":\"\\u001b[2J\\u009b\",\"listener\":\"";
    memset(text + strlen(text), 'x', 3000);
    strcat(text, "\"}");
    ck_assert_int_eq(parsed(text), 0);
    ck_assert_str_eq(report.server, "?[2J??");
    ck_assert_uint_eq(strlen(report.listener), sizeof report.listener - 1);
}
END_TEST

START_TEST(a_hello_line_says_which_server_answers)
{
    static const struct {
        const char *line, *identity;
    } lines[] = {
        {"{\"schema\":1,\"identity\":{\"name\":\"a\"}}\n", "a"},
        {"{\"schema\":1,\"identity\":{\"name\":\"a\",\"env\":{}}}\n", "a"},
        {"{\"schema\":1,\"identity\":{\"name\":\"a b\",\"env\":{\"Y\":\"2\",\"X\":\"\"}}}",
         "a b (Y=2, X=)"},
        {"{\"schema\":1,\"identity\":{\"name\":\"\\u001b[m\",\"env\":{\"A\":7}}}", "\\x1b[m (A=?)"},
        {"{\"schema\":2,\"identity\":{\"name\":\"a\"}}\n", NULL},
        {"{\"schema\":1,\"identity\":{\"name\":\"\"}}\n", NULL},
        {"{\"schema\":1,\"identity\":\"a\"}\n", NULL},
        {"{\"schema\":1,\"identity\":{\"name\":\"a\"}\n", NULL},
        {"{\"schema\":1,\"identity\":{\"name\":\"a\"}} x\n", NULL},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char identity[REPORT_IDENTITY_BYTES] = "";
        struct error why;
        int result = report_parse_identity(lines[i].line, strlen(lines[i].line), identity, &why);
        ck_assert_msg((result == 0) == !!lines[i].identity, "%s", lines[i].line);
        ck_assert_str_eq(identity, result < 0 ? "" : lines[i].identity);
    }
}
END_TEST

START_TEST(an_identity_is_cut_to_its_room)
{
    static char line[4096];
    char identity[REPORT_IDENTITY_BYTES];
    struct error why;
    snprintf(line, sizeof line,
             "{\"schema\":1,\"identity\":{\"name\":\"%*d\",\"env\":{\"A\":\"b\"}}}", 3000, 7);
    ck_assert_int_eq(report_parse_identity(line, strlen(line), identity, &why), 0);
    ck_assert_uint_lt(strlen(identity), sizeof identity);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("report");
    tcase_add_checked_fixture(cases, set_up, NULL);
    tcase_add_test(cases, equal_exporters_are_one_session);
    tcase_add_test(cases, one_session_may_come_from_another_address);
    tcase_add_test(cases, different_exporters_are_two_sessions_even_if_all_else_is_equal);
    tcase_add_test(cases, tls_at_one_end_only_is_terminated);
    tcase_add_test(cases, without_an_exporter_nothing_is_proven);
    tcase_add_test(cases, a_plain_connection_is_judged_by_its_addresses);
    tcase_add_test(cases, a_certificate_known_to_one_end_only_is_unknown);
    tcase_add_test(cases, reads_a_report_and_keeps_our_view);
    tcase_add_loop_test(cases, anything_else_is_not_a_report, 0, sizeof none / sizeof *none);
    tcase_add_test(cases, control_characters_are_replaced_and_long_texts_are_cut);
    tcase_add_test(cases, a_report_of_a_later_schema_is_refused);

    Suite *suite = suite_create("report");
    tcase_add_test(cases, a_hello_line_says_which_server_answers);
    tcase_add_test(cases, an_identity_is_cut_to_its_room);
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
