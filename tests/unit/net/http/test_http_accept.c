/* SPDX-License-Identifier: MIT */
#include "tlsecho/net/http.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "suite.h"

static bool prefers_html(const char *fields)
{
    char text[1024];
    struct http_scan scan = {0};
    struct http_head head;
    const char *reason;
    int n = snprintf(text, sizeof text, "GET / HTTP/1.0\r\n%s\r\n", fields);
    const struct http_span bytes = {text, (size_t)n};
    ck_assert_int_eq(http_head_read(&scan, bytes, sizeof text, &head, &reason), HTTP_OK);
    return http_prefers_html(&head);
}

START_TEST(a_browser_prefers_html)
{
    static const char *const html[] = {
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8",
        "TEXT/HTML",
        "text/*",
        "application/json;q=0.9, text/html",
        "text/html;q=0.001",
        "*/*;q=0.9, application/json ; Q=0.1",
        "application/*;q=0.3, text/html; q=0.4",
        "*/*, application/json;q=0",
        "application/json;version=2, text/html;q=0.1",
    };
    for (size_t i = 0; i < sizeof html / sizeof *html; i++) {
        char field[200];
        snprintf(field, sizeof field, "accept: %s\r\n", html[i]);
        ck_assert_msg(prefers_html(field), "%s", html[i]);
    }
    ck_assert(prefers_html("Accept: application/json;q=0.5\r\nX: y\r\nAccept: text/html\r\n"));
}
END_TEST

START_TEST(json_is_for_all_others)
{
    static const char *const json[] = {
        "*/*",
        "",
        "application/json",
        "image/png",
        "text/html, application/json",
        "text/html;q=0",
        "text/html;q=0.5, */*;q=0.5",
        "text/html;q=0.1, application/json;q=0.2",
        "text/html;level=1",
        "text/html;q=2",
        "text/html;q=1.001",
        "text/html;q=0.1234",
        "text/html;q=x",
        "text/html;q=",
        "text/html;q=00",
        "text/htmlx",
        "*/*, text/html;q=0.9",
        "*",
    };
    ck_assert(!prefers_html(""));
    for (size_t i = 0; i < sizeof json / sizeof *json; i++) {
        char field[200];
        snprintf(field, sizeof field, "Accept: %s\r\n", json[i]);
        ck_assert_msg(!prefers_html(field), "%s", json[i]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http_accept");
    TCase *tcase = tcase_create("http_accept");
    tcase_add_test(tcase, a_browser_prefers_html);
    tcase_add_test(tcase, json_is_for_all_others);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
