/* SPDX-License-Identifier: MIT */
#include "tlsecho/net/http.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"

enum { MAX_BYTES = 16384 };
#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

static struct http_head head;
static const char *reason;

/* Each byte arrives alone, in memory of exactly that size. */
static enum http_status read_bytes(const char *data, size_t size)
{
    struct http_scan scan = {0};
    enum http_status status = HTTP_MORE;
    static char *bytes;
    free(bytes);
    bytes = NULL;
    for (size_t n = 1; n <= size && status == HTTP_MORE; n++) {
        bytes = realloc(bytes, n);
        ck_assert_ptr_nonnull(bytes);
        memcpy(bytes, data, n);
        status = http_head_read(&scan, (struct http_span){bytes, n}, MAX_BYTES, &head, &reason);
    }
    return status;
}

static enum http_status read_text(const char *text)
{
    return read_bytes(text, strlen(text));
}

static void assert_status(enum http_status status, const char *text)
{
    enum http_status found = read_text(text);
    ck_assert_msg(found == status, "%d instead of %d for \"%s\"", (int)found, (int)status, text);
}

static void assert_span(struct http_span span, const char *text)
{
    ck_assert_msg(http_equals(span, text), "\"%.*s\" instead of \"%s\"", (int)span.size, span.at,
                  text);
}

/* A request with these fields. */
static enum http_status with(const char *fields)
{
    char text[1024];
    snprintf(text, sizeof text, "POST / HTTP/1.1\r\nHost: a\r\n%s\r\n", fields);
    return read_text(text);
}

START_TEST(reads_the_request_line_and_the_fields)
{
    struct http_span name, value;
    assert_status(HTTP_OK,
                  "GET /a?b=%20 HTTP/1.1\r\nHost: a.example:80\r\nX:\ty \xc3\xa4\t\r\n\r\n");
    assert_span(head.method, "GET");
    assert_span(head.target, "/a?b=%20");
    assert_span(head.host, "a.example:80");
    ck_assert_int_eq(head.minor, 1);
    ck_assert(head.keep_alive && !head.chunked && !head.expects_continue);
    ck_assert_uint_eq(head.content_length, 0);
    ck_assert(http_field_next(&head.fields, &name, &value));
    assert_span(name, "Host");
    ck_assert(http_field_next(&head.fields, &name, &value));
    assert_span(name, "X");
    assert_span(value, "y \xc3\xa4");
    ck_assert(!http_field_next(&head.fields, &name, &value));
}
END_TEST

START_TEST(the_head_ends_at_the_empty_line)
{
    static const char text[] = "\r\n\r\nGET / HTTP/1.0\r\n\r\nGET /next";
    struct http_scan scan = {0};
    const struct http_span bytes = {text, sizeof text - 1};
    ck_assert_int_eq(http_head_read(&scan, bytes, MAX_BYTES, &head, &reason), HTTP_OK);
    ck_assert_uint_eq(head.bytes, strlen(text) - strlen("GET /next"));
    assert_span(head.method, "GET");
}
END_TEST

START_TEST(accepts_every_form_of_a_target_but_that_of_a_tunnel)
{
    assert_status(HTTP_OK, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_status(HTTP_OK, "GET HTTP://b:1?x HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_span(head.host, "b:1");
    assert_status(HTTP_OK, "GET https://b/x HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_status(HTTP_BAD_REQUEST, "GET * HTTP/1.1\r\n");
    assert_status(HTTP_BAD_REQUEST, "GET a HTTP/1.1\r\n");
    assert_status(HTTP_BAD_REQUEST, "GET ftp://a/ HTTP/1.1\r\n");
    assert_status(HTTP_BAD_REQUEST, "GET /a#b HTTP/1.1\r\n");
    assert_status(HTTP_BAD_REQUEST, "GET http://a#b HTTP/1.1\r\n");
    assert_status(HTTP_NOT_IMPLEMENTED, "CONNECT a:443 HTTP/1.1\r\n");
}
END_TEST

START_TEST(a_path_is_the_target_without_host_and_query)
{
    static const char *const paths[][2] = {
        {"/a/b?c?d", "/a/b"}, {"/", "/"}, {"http://a/b?c", "/b"}, {"https://a", "/"},
        {"http://a?b", "/"},  {"*", "*"}, {"/a#b", "/a#b"},       {"http://a/?", "/"}};
    for (int i = 0; i < COUNT(paths); i++) {
        const struct http_span target = {paths[i][0], strlen(paths[i][0])};
        assert_span(http_target_path(target), paths[i][1]);
    }
}
END_TEST

START_TEST(a_request_line_that_is_none_is_refused_at_its_end)
{
    static const char *const bad[] = {"GET\r\n",
                                      "GET /\r\n", /* HTTP/0.9 */
                                      "GET  / HTTP/1.1\r\n",
                                      "GET /  HTTP/1.1\r\n",
                                      "GET / HTTP/1.1 \r\n",
                                      "GET / x HTTP/1.1\r\n",
                                      " GET / HTTP/1.1\r\n",
                                      "GET\t/ HTTP/1.1\r\n",
                                      "G(T / HTTP/1.1\r\n",
                                      "GET /\xc3\xa4 HTTP/1.1\r\n",
                                      "GET / http/1.1\r\n",
                                      "GET / HTTP/1.x\r\n",
                                      "GET / HTTP/11\r\n",
                                      "GET / HTTP/1.10\r\n",
                                      "GET / XTTP/1.1\r\n",
                                      "hello\r\n"};
    for (int i = 0; i < COUNT(bad); i++)
        assert_status(HTTP_BAD_REQUEST, bad[i]);
}
END_TEST

START_TEST(another_version_is_not_supported)
{
    assert_status(HTTP_VERSION_NOT_SUPPORTED, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    assert_status(HTTP_VERSION_NOT_SUPPORTED, "GET / HTTP/3.0\r\n");
    assert_status(HTTP_VERSION_NOT_SUPPORTED, "GET / HTTP/0.9\r\n");
    assert_status(HTTP_OK, "GET / HTTP/1.9\r\nHost: a\r\n\r\n");
    ck_assert_int_eq(head.minor, 9);
}
END_TEST

START_TEST(what_is_no_text_is_refused_at_once)
{
    assert_status(HTTP_BAD_REQUEST, "\x16\x03\x01");
    assert_status(HTTP_BAD_REQUEST, "GET /\x7f");
    assert_status(HTTP_BAD_REQUEST, "GET / HTTP/1.1\r\nA: \x01");
    ck_assert_int_eq(read_bytes("GE\0", 3), HTTP_BAD_REQUEST);
}
END_TEST

START_TEST(a_line_ends_in_cr_lf)
{
    assert_status(HTTP_BAD_REQUEST, "GET / HTTP/1.1\n");
    assert_status(HTTP_BAD_REQUEST, "\n");
    assert_status(HTTP_BAD_REQUEST, "GET / HTTP/1.1\rH");
    assert_status(HTTP_BAD_REQUEST, "GET / HTTP/1.1\r\r");
    assert_status(HTTP_BAD_REQUEST, "GET / HTTP/1.1\r\nHost: a\n");
    assert_status(HTTP_BAD_REQUEST, "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb");
    assert_status(HTTP_BAD_REQUEST, "GET / HTTP/1.1\r\nHost: a\r\n\n");
}
END_TEST

START_TEST(a_field_is_a_name_a_colon_and_a_value)
{
    static const char *const bad[] = {"X\r\n",     "X : a\r\n",      ": a\r\n",
                                      " X: a\r\n", "X: a\r\n b\r\n", "X: a\r\n\tb\r\n",
                                      "X(: a\r\n", "\"X\": a\r\n"};
    for (int i = 0; i < COUNT(bad); i++)
        ck_assert_msg(with(bad[i]) == HTTP_BAD_REQUEST, "%s", bad[i]);
    ck_assert_int_eq(with("X:\r\nY::\r\n"), HTTP_OK);
}
END_TEST

START_TEST(one_length_is_the_length_of_the_body)
{
    ck_assert_int_eq(with("Content-Length: 12\r\n"), HTTP_OK);
    ck_assert_uint_eq(head.content_length, 12);
    ck_assert_int_eq(with("content-length: 0012\r\nCONTENT-LENGTH:12\r\n"), HTTP_OK);
    ck_assert_uint_eq(head.content_length, 12);
    ck_assert_int_eq(with("Content-Length: 5, 5\r\n"), HTTP_OK);
    ck_assert_int_eq(with("Content-Length: 9223372036854775807\r\n"), HTTP_OK);
    ck_assert_int_eq(with("Content-Length: 9223372036854775808\r\n"), HTTP_CONTENT_TOO_LARGE);
    ck_assert_int_eq(with("Content-Length: 99999999999999999999999\r\n"), HTTP_CONTENT_TOO_LARGE);
}
END_TEST

static const char *const ambiguous[] = {
    "Content-Length: 1\r\nContent-Length: 2\r\n",
    "Content-Length: 1, 2\r\n",
    "Content-Length: \r\n",
    "Content-Length: ,\r\n",
    "Content-Length: +1\r\n",
    "Content-Length: -1\r\n",
    "Content-Length: 0x1\r\n",
    "Content-Length: 1 1\r\n",
    "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
    "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n",
    "Transfer-Encoding: chunked, gzip\r\n",
    "Transfer-Encoding: gzip\r\n",
    "Transfer-Encoding: identity\r\n",
    "Transfer-Encoding: xchunked\r\n",
    "Transfer-Encoding: \"chunked\"\r\n",
    "Transfer-Encoding: chunked;a=b\r\n",
    "Transfer-Encoding:\r\n",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n",
    "Transfer-Encoding\r\n",
    "Transfer-Encoding : chunked\r\n",
    "Host: b\r\n",
};

START_TEST(what_two_programs_could_read_differently_is_refused)
{
    ck_assert_msg(with(ambiguous[_i]) == HTTP_BAD_REQUEST, "%s", ambiguous[_i]);
    ck_assert_ptr_nonnull(reason);
}
END_TEST

START_TEST(chunked_is_the_only_coding)
{
    ck_assert_int_eq(with("Transfer-Encoding: Chunked\r\n"), HTTP_OK);
    ck_assert(head.chunked);
    ck_assert_int_eq(with("Transfer-Encoding: , chunked ,\r\n"), HTTP_OK);
    ck_assert_int_eq(with("Transfer-Encoding: gzip, chunked\r\n"), HTTP_NOT_IMPLEMENTED);
    ck_assert_int_eq(with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
                     HTTP_NOT_IMPLEMENTED);
    assert_status(HTTP_BAD_REQUEST, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n");
}
END_TEST

START_TEST(a_connection_goes_on_by_version_and_field)
{
    static const struct {
        int minor;
        const char *field;
        bool goes_on;
    } cases[] = {{1, "", true},
                 {0, "", false},
                 {1, "Connection: close\r\n", false},
                 {1, "Connection: x, CLOSE\r\n", false},
                 {1, "Connection: closed\r\n", true},
                 {0, "Connection: Keep-Alive\r\n", true},
                 {0, "Connection: keep-alive\r\nConnection: close\r\n", false}};
    for (int i = 0; i < COUNT(cases); i++) {
        char text[200];
        snprintf(text, sizeof text, "GET / HTTP/1.%d\r\nHost: a\r\n%s\r\n", cases[i].minor,
                 cases[i].field);
        assert_status(HTTP_OK, text);
        ck_assert_msg(head.keep_alive == cases[i].goes_on, "%s", text);
    }
}
END_TEST

START_TEST(only_100_continue_can_be_expected)
{
    ck_assert_int_eq(with("Expect: 100-Continue\r\n"), HTTP_OK);
    ck_assert(head.expects_continue);
    ck_assert_int_eq(with("Expect: 200\r\n"), HTTP_EXPECTATION_FAILED);
    assert_status(HTTP_OK, "POST / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n");
    ck_assert(!head.expects_continue);
}
END_TEST

START_TEST(http_1_1_needs_one_host)
{
    assert_status(HTTP_BAD_REQUEST, "GET / HTTP/1.1\r\n\r\n");
    assert_status(HTTP_BAD_REQUEST, "GET http://a/ HTTP/1.1\r\n\r\n");
    assert_status(HTTP_BAD_REQUEST, "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n");
    assert_status(HTTP_BAD_REQUEST, "GET / HTTP/1.1\r\nHost:\r\n\r\n");
    assert_status(HTTP_BAD_REQUEST, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n");
    assert_status(HTTP_BAD_REQUEST, "GET / HTTP/1.1\r\nHost: a%4\r\n\r\n");
    assert_status(HTTP_BAD_REQUEST, "GET / HTTP/1.1\r\nHost: %%zz\r\n\r\n");
    assert_status(HTTP_OK, "GET / HTTP/1.1\r\nHost: a%4a\r\n\r\n");
    assert_status(HTTP_OK, "GET / HTTP/1.0\r\n\r\n");
    ck_assert_uint_eq(head.host.size, 0);
}
END_TEST

/* A head of exactly n bytes; with `line`, the beginning of a request line. */
static char *head_of(size_t n, bool line)
{
    static const char start[] = "GET /", rest[] = " HTTP/1.0\r\nX: ";
    char *text = malloc(n + 1);
    ck_assert_ptr_nonnull(text);
    memset(text, 'a', n);
    text[n] = '\0';
    memcpy(text, start, strlen(start));
    if (line)
        return text;
    memcpy(text + strlen(start), rest, strlen(rest));
    memcpy(text + n - 4, "\r\n\r\n", 4);
    return text;
}

START_TEST(a_head_has_a_largest_size)
{
    struct http_scan scan = {0};
    char *text = head_of(MAX_BYTES, false);
    struct http_span bytes = {text, MAX_BYTES};
    ck_assert_int_eq(http_head_read(&scan, bytes, MAX_BYTES, &head, &reason), HTTP_OK);
    free(text);
    for (int line = 0; line < 2; line++) {
        text = head_of(MAX_BYTES + 1, line);
        scan = (struct http_scan){0};
        bytes = (struct http_span){text, MAX_BYTES - 1};
        ck_assert_int_eq(http_head_read(&scan, bytes, MAX_BYTES, &head, &reason), HTTP_MORE);
        bytes.size = MAX_BYTES + 1;
        ck_assert_int_eq(http_head_read(&scan, bytes, MAX_BYTES, &head, &reason),
                         line ? HTTP_URI_TOO_LONG : HTTP_HEAD_TOO_LARGE);
        free(text);
    }
}
END_TEST

START_TEST(a_host_is_a_foreign_name_or_not)
{
    static const char *const own[] = {
        "", "localhost", "LOCALHOST:1", "localhost.", "127.0.0.1:1", "[::1]:1", "[fe80::1%eth0]"};
    static const char *const foreign[] = {"a", "a:1", "localhost.a", "127.0.0.1.a", "1.2.3"};
    for (int i = 0; i < COUNT(own); i++)
        ck_assert(!http_host_is_foreign_name((struct http_span){own[i], strlen(own[i])}));
    for (int i = 0; i < COUNT(foreign); i++)
        ck_assert(http_host_is_foreign_name((struct http_span){foreign[i], strlen(foreign[i])}));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http_head");
    TCase *tcase = tcase_create("http_head");
    tcase_add_test(tcase, reads_the_request_line_and_the_fields);
    tcase_add_test(tcase, the_head_ends_at_the_empty_line);
    tcase_add_test(tcase, accepts_every_form_of_a_target_but_that_of_a_tunnel);
    tcase_add_test(tcase, a_path_is_the_target_without_host_and_query);
    tcase_add_test(tcase, a_request_line_that_is_none_is_refused_at_its_end);
    tcase_add_test(tcase, another_version_is_not_supported);
    tcase_add_test(tcase, what_is_no_text_is_refused_at_once);
    tcase_add_test(tcase, a_line_ends_in_cr_lf);
    tcase_add_test(tcase, a_field_is_a_name_a_colon_and_a_value);
    tcase_add_test(tcase, one_length_is_the_length_of_the_body);
    tcase_add_loop_test(tcase, what_two_programs_could_read_differently_is_refused, 0,
                        COUNT(ambiguous));
    tcase_add_test(tcase, chunked_is_the_only_coding);
    tcase_add_test(tcase, a_connection_goes_on_by_version_and_field);
    tcase_add_test(tcase, only_100_continue_can_be_expected);
    tcase_add_test(tcase, http_1_1_needs_one_host);
    tcase_add_test(tcase, a_head_has_a_largest_size);
    tcase_add_test(tcase, a_host_is_a_foreign_name_or_not);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
