/* SPDX-License-Identifier: MIT */
#include "admin_request.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "suite.h"

static struct admin_request request;

static enum http_status parse(const char *text)
{
    return admin_request_parse(text, strlen(text), &request);
}

static void assert_answer(int status, const char *text)
{
    int found = (int)parse(text);
    ck_assert_msg(found == status, "%d instead of %d for \"%s\"", found, status, text);
}

START_TEST(accepts_the_three_paths)
{
    assert_answer(200, "GET /metrics HTTP/1.0\r\n\r\n");
    ck_assert_int_eq(request.path, ADMIN_METRICS);
    ck_assert(!request.head);
    assert_answer(200, "HEAD /healthz HTTP/1.0\r\n\r\n");
    ck_assert_int_eq(request.path, ADMIN_HEALTHZ);
    ck_assert(request.head);
    assert_answer(200, "GET /readyz HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n");
    ck_assert_int_eq(request.path, ADMIN_READYZ);
}
END_TEST

START_TEST(accepts_a_query_and_the_absolute_form)
{
    assert_answer(200, "GET /metrics?name=a&b HTTP/1.0\r\n\r\n");
    assert_answer(200, "GET http://localhost:9107/metrics?x HTTP/1.1\r\nhOST: a\r\n\r\n");
    assert_answer(404, "GET http://metrics HTTP/1.0\r\n\r\n");
    assert_answer(400, "GET /metrics#a HTTP/1.0\r\n\r\n");
}
END_TEST

START_TEST(finds_a_foreign_name_as_host)
{
    static const struct {
        const char *text;
        bool by_name;
    } cases[] = {
        {"GET /metrics HTTP/1.0\r\n\r\n", false},
        {"GET /metrics HTTP/1.1\r\nHost: [fe80::1%25eth0]:9107\r\n\r\n", false},
        {"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", false},
        {"GET /metrics HTTP/1.1\r\nhost:LOCALHOST:9107 \r\n\r\n", false},
        {"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:9107\r\n\r\n", false},
        {"GET /metrics HTTP/1.1\r\nHost: [::1]:9107\r\n\r\n", false},
        {"GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n", true},
        {"GET /metrics HTTP/1.1\r\nHost: evil.example:9107\r\n\r\n", true},
        {"GET /metrics HTTP/1.1\r\nHost: localhost.evil.example\r\n\r\n", true},
        {"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1.evil.example\r\n\r\n", true},
        {"GET http://evil.example/metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", true},
        {"GET http://localhost:1/metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_answer(200, cases[i].text);
        ck_assert_msg(request.by_name == cases[i].by_name, "%s", cases[i].text);
    }
}
END_TEST

START_TEST(knows_a_head_request_that_it_refuses)
{
    static const char *const refused[] = {
        "HEAD /x HTTP/1.0\r\n\r\n",       "\r\nHEAD /x HTTP/1.0\r\n\r\n",
        "HEAD /metrics HTTP/2.0\r\n\r\n", "HEAD /metrics HTTP/1.1\r\n\r\n",
        "HEAD /metrics HTTP/1.0\r\nA",
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        ck_assert_int_ne(parse(refused[i]), 200);
        ck_assert_msg(request.head, "%s", refused[i]);
    }
    assert_answer(404, "HEADS /x HTTP/1.0\r\n\r\n");
    ck_assert(!request.head);
}
END_TEST

START_TEST(waits_for_the_whole_head)
{
    const char *text = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n";
    for (size_t n = 0; n < strlen(text); n++)
        ck_assert_int_eq(admin_request_parse(text, n, &request), 0);
    assert_answer(200, text);
}
END_TEST

START_TEST(a_body_is_ignored)
{
    assert_answer(200, "GET /metrics HTTP/1.0\r\nContent-Length: 3\r\n\r\n\001\002\003");
}
END_TEST

START_TEST(an_unknown_path_is_not_found_whatever_the_method)
{
    assert_answer(404, "GET / HTTP/1.0\r\n\r\n");
    assert_answer(404, "GET /metrics/ HTTP/1.0\r\n\r\n");
    assert_answer(404, "GET /metric HTTP/1.0\r\n\r\n");
    assert_answer(404, "GET /../metrics HTTP/1.0\r\n\r\n");
    assert_answer(404, "POST /else HTTP/1.0\r\n\r\n");
    assert_answer(404, "OPTIONS * HTTP/1.0\r\n\r\n");
}
END_TEST

START_TEST(another_method_is_not_allowed)
{
    assert_answer(405, "POST /metrics HTTP/1.0\r\n\r\n");
    assert_answer(405, "get /metrics HTTP/1.0\r\n\r\n");
    assert_answer(405, "DELETE /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
}
END_TEST

START_TEST(a_malformed_request_line_is_bad)
{
    assert_answer(400, "GET\r\n");
    assert_answer(400, "GET /metrics\r\n"); /* HTTP/0.9 */
    assert_answer(400, "GET  /metrics HTTP/1.0\r\n");
    assert_answer(400, "GET /metrics  HTTP/1.0\r\n");
    assert_answer(400, "GET /metrics HTTP/1.0 \r\n");
    assert_answer(505, "GET /metrics HTTP/2.0\r\n");
    assert_answer(400, "GET /metrics HTTP/1.x\r\n");
    assert_answer(400, "GET /metrics http/1.0\r\n");
    assert_answer(400, " GET /metrics HTTP/1.0\r\n");
    assert_answer(400, "G(T /metrics HTTP/1.0\r\n");
}
END_TEST

START_TEST(a_control_character_is_bad_at_once)
{
    assert_answer(400, "\x16\x03\x01\x02");
    assert_answer(400, "GET /metrics\x7f");
    assert_answer(400, "GET /metrics HTTP/1.0\r\rHost");
    assert_answer(400, "GET /metrics HTTP/1.0\r\nA: b\x01");
    ck_assert_int_eq(admin_request_parse("GET\0", 4, &request), 400);
}
END_TEST

START_TEST(a_field_needs_a_name_and_a_colon)
{
    assert_answer(400, "GET /metrics HTTP/1.0\r\nHost\r\n\r\n");
    assert_answer(400, "GET /metrics HTTP/1.0\r\n: a\r\n\r\n");
    assert_answer(400, "GET /metrics HTTP/1.0\r\nA : b\r\n\r\n");
    assert_answer(400, "GET /metrics HTTP/1.0\r\nA: b\r\n c\r\n\r\n");
    assert_answer(200, "GET /metrics HTTP/1.0\r\nA:\tb \xc3\xa4:c\r\n\r\n");
}
END_TEST

START_TEST(http_1_1_needs_one_host)
{
    assert_answer(400, "GET /metrics HTTP/1.1\r\n\r\n");
    assert_answer(400, "GET /metrics HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n");
    assert_answer(400, "GET /metrics HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n");
    assert_answer(200, "GET /metrics HTTP/1.1\r\nHosts: a\r\nHost: a\r\n\r\n");
}
END_TEST

START_TEST(a_host_is_well_formed_or_absent)
{
    static const char *const malformed[] = {
        "",     ":9107", "[::1",      "[::1:9107", "[]",        "[::1]x", "[::1]9107", "[::1]:a",
        "[a]",  "::1",   "a:b",       "a:1:2",     "user@a",    "a/b",    "a b",       "\"a\"",
        "a, b", "]",     "[%eth0]:1", "[::1]]",    "a\xc3\xa4", "<a>",    "[[::1]]",
    };
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++)
        for (char minor = '0'; minor <= '1'; minor++) {
            char text[200];
            snprintf(text, sizeof text, "GET /metrics HTTP/1.%c\r\nHost: %s\r\n\r\n", minor,
                     malformed[i]);
            assert_answer(400, text);
            snprintf(text, sizeof text, "GET http://a/metrics HTTP/1.%c\r\nHost: %s\r\n\r\n", minor,
                     malformed[i]);
            assert_answer(400, text);
        }
    assert_answer(400, "GET http:///metrics HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_answer(400, "GET http://[::1/metrics HTTP/1.0\r\n\r\n");
    assert_answer(200, "GET /metrics HTTP/1.1\r\nHost: [::1]\r\n\r\n");
    assert_answer(200, "GET /metrics HTTP/1.1\r\nHost: [::1]:\r\n\r\n");
    assert_answer(200, "GET /metrics HTTP/1.1\r\nHost: a:\r\n\r\n");
    assert_answer(200, "GET /metrics HTTP/1.0\r\nHost: _a.b-c:1\r\n\r\n");
}
END_TEST

START_TEST(more_than_4_kib_are_too_large)
{
    char text[ADMIN_REQUEST_BYTES + 1];
    int n = snprintf(text, sizeof text, "GET /metrics HTTP/1.0\r\nA: ");
    memset(text + n, 'a', sizeof text - (size_t)n);
    memcpy(text + ADMIN_REQUEST_BYTES - 4, "\r\n\r\n", 4);
    ck_assert_int_eq(admin_request_parse(text, ADMIN_REQUEST_BYTES - 1, &request), 0);
    ck_assert_int_eq(admin_request_parse(text, ADMIN_REQUEST_BYTES, &request), 200);
    ck_assert_int_eq(admin_request_parse(text, ADMIN_REQUEST_BYTES + 1, &request), 200);
    memcpy(text + ADMIN_REQUEST_BYTES - 4, "a\r\n\r\n", 5);
    ck_assert_int_eq(admin_request_parse(text, ADMIN_REQUEST_BYTES, &request), 431);
    memset(text, 'a', sizeof text);
    ck_assert_int_eq(admin_request_parse(text, sizeof text, &request), 414);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("admin_request");
    TCase *tcase = tcase_create("admin_request");
    tcase_add_test(tcase, accepts_the_three_paths);
    tcase_add_test(tcase, accepts_a_query_and_the_absolute_form);
    tcase_add_test(tcase, finds_a_foreign_name_as_host);
    tcase_add_test(tcase, knows_a_head_request_that_it_refuses);
    tcase_add_test(tcase, waits_for_the_whole_head);
    tcase_add_test(tcase, a_body_is_ignored);
    tcase_add_test(tcase, an_unknown_path_is_not_found_whatever_the_method);
    tcase_add_test(tcase, another_method_is_not_allowed);
    tcase_add_test(tcase, a_malformed_request_line_is_bad);
    tcase_add_test(tcase, a_control_character_is_bad_at_once);
    tcase_add_test(tcase, a_field_needs_a_name_and_a_colon);
    tcase_add_test(tcase, http_1_1_needs_one_host);
    tcase_add_test(tcase, a_host_is_well_formed_or_absent);
    tcase_add_test(tcase, more_than_4_kib_are_too_large);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
