/* SPDX-License-Identifier: MIT */
/* A talk: what is answered to which bytes, in which pieces and windows. */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http_page.h"
#include "suite.h"
#include "tlsecho/server/conn_info.h"
#include "tlsecho/server/service.h"
#include "tlsecho/tls/tls_sha256.h"

enum { OUTPUT_BYTES = 1 << 20, HEAD_MAX = 16384 };
#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

static const struct service_requests *http;
static struct service_talk *talk;
static char output[OUTPUT_BYTES + 1];
static size_t output_bytes;
static bool draining;

static struct conn_info info = {.listener = "<web>", .connection = 42, .source = "192.0.2.1:4711"};

static void set_up(void)
{
    http = service_http.requests;
    talk = http->start();
    ck_assert_ptr_nonnull(talk);
    output_bytes = 0;
    output[0] = '\0';
    draining = false;
}

static void tear_down(void)
{
    http->free(talk);
}

/* In windows of that size. */
static void write_all(size_t window)
{
    while (http->next(talk) == SERVICE_WRITES) {
        const struct service_output o = {.info = &info,
                                         .last = draining,
                                         .data = (unsigned char *)output + output_bytes,
                                         .size = window};
        size_t n = http->write(talk, &o);
        ck_assert_uint_gt(n, 0);
        ck_assert_uint_le(n, window);
        output_bytes += n;
        ck_assert_uint_le(output_bytes, OUTPUT_BYTES - window);
    }
    output[output_bytes] = '\0';
}

/* In pieces, each in memory of its own. Returns how many bytes were not taken. */
static size_t say_in(const char *text, size_t piece, size_t window)
{
    size_t size = strlen(text), used = 0;
    while (used < size && http->next(talk) != SERVICE_ENDS) {
        size_t n = piece < size - used ? piece : size - used;
        unsigned char *copy = malloc(n);
        ck_assert_ptr_nonnull(copy);
        memcpy(copy, text + used, n);
        size_t taken = http->take(talk, copy, n);
        free(copy);
        ck_assert_uint_gt(taken, 0);
        ck_assert_uint_le(taken, n);
        used += taken;
        write_all(window);
    }
    return size - used;
}

static void say(const char *text)
{
    say_in(text, strlen(text), 65536);
}

static const char *body_of(const char *answer)
{
    const char *end = strstr(answer, "\r\n\r\n");
    ck_assert_ptr_nonnull(end);
    return end + 4;
}

static void assert_has(const char *part)
{
    ck_assert_msg(strstr(output, part) != NULL, "no \"%s\" in\n%s", part, output);
}

static void assert_has_not(const char *part)
{
    ck_assert_msg(strstr(output, part) == NULL, "\"%s\" in\n%s", part, output);
}

static enum conn_end ended(char reason[ERROR_TEXT_BYTES])
{
    struct error err = {.text = ""};
    ck_assert_int_eq(http->next(talk), SERVICE_ENDS);
    enum conn_end end = http->end(talk, &err);
    snprintf(reason, ERROR_TEXT_BYTES, "%s", end == CONN_END_FINISHED ? "" : err.text);
    return end;
}

static void assert_refused(const char *status, const char *reason)
{
    char text[ERROR_TEXT_BYTES], expected[ERROR_TEXT_BYTES];
    snprintf(expected, sizeof expected, "HTTP/1.1 %s\r\n", status);
    ck_assert_msg(strncmp(output, expected, strlen(expected)) == 0, "%s", output);
    ck_assert_int_eq(ended(text), CONN_END_REQUEST);
    snprintf(expected, sizeof expected, "%s: %s", status, reason);
    ck_assert_msg(strncmp(text, expected, strlen(expected)) == 0, "%s", text);
    assert_has("\r\nConnection: close\r\n");
}

#define GET "GET /a?b HTTP/1.1\r\nHost: h\r\nX: \"<\xc3\xa4\xff\r\nx: 2\r\n\r\n"

static const char expected[] =
    "{\"request\":{\"method\":\"GET\",\"target\":\"/a?b\",\"version\":\"HTTP/1.1\",\"headers\":["
    "{\"name\":\"Host\",\"value\":\"h\"},{\"name\":\"X\",\"value\":\"\\\"<\xc3\xa4\\ufffd\"},"
    "{\"name\":\"x\",\"value\":\"2\"}],\"body\":{\"bytes\":0,\"sha256\":\"e3b0c44298fc1c149afbf4c8"
    "996fb92427ae41e4649b934ca495991b7852b855\"}},\"schema\":1,"
    "\"time\":\"1970-01-01T00:00:00.000Z\",\"listener\":\"<web>\",\"connection\":42,"
    "\"source\":\"192.0.2.1:4711\"}\n";

START_TEST(answers_with_the_request_and_the_connection)
{
    ck_assert_uint_eq(say_in(GET, (size_t)_i, (size_t)_i), 0);
    ck_assert_str_eq(body_of(output), expected);
    char length[64];
    snprintf(length, sizeof length, "\r\nContent-Length: %zu\r\n", sizeof expected - 1);
    assert_has(length);
    assert_has("\r\nContent-Type: application/json\r\n");
    assert_has_not("Connection:");
    ck_assert_int_eq(http->next(talk), SERVICE_WAITS);
}
END_TEST

START_TEST(the_next_request_may_already_be_there)
{
    ck_assert_uint_eq(say_in(GET
                             "POST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello" GET,
                             (size_t)_i, 4096),
                      0);
    assert_has("\"target\":\"/2\"");
    assert_has("{\"bytes\":5,\"sha256\":\"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362"
               "938b9824\"}");
    const char *last = strstr(output, "938b9824");
    ck_assert_str_eq(body_of(last), expected);
}
END_TEST

START_TEST(chunks_are_hashed_like_any_body)
{
    ck_assert_uint_eq(say_in("PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                             "2;x\r\nhe\r\n3\r\nllo\r\n0\r\nT: u\r\n\r\n",
                             (size_t)_i, 4096),
                      0);
    assert_has("{\"bytes\":5,\"sha256\":\"2cf24dba");
    ck_assert_int_eq(http->next(talk), SERVICE_WAITS);
}
END_TEST

START_TEST(a_head_request_has_the_length_and_no_body)
{
    say("HEAD /a?b HTTP/1.1\r\nHost: h\r\nX: \"<\xc3\xa4\xff\r\nx: 2\r\n\r\n");
    char length[64];
    snprintf(length, sizeof length, "\r\nContent-Length: %zu\r\n", sizeof expected);
    assert_has(length); /* HEAD is one longer than GET */
    ck_assert_str_eq(body_of(output), "");
    ck_assert_int_eq(http->next(talk), SERVICE_WAITS);
}
END_TEST

START_TEST(continue_is_sent_before_the_body)
{
    say_in("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n", 999,
           (size_t)_i);
    ck_assert_str_eq(output, "HTTP/1.1 100 Continue\r\n\r\n");
    ck_assert_int_eq(http->next(talk), SERVICE_READS_BODY);
    say("x");
    ck_assert_int_eq(strncmp(body_of(output), "HTTP/1.1 200 OK\r\n", 17), 0);
}
END_TEST

START_TEST(no_continue_where_there_is_no_body)
{
    say("GET / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n\r\n");
    ck_assert_int_eq(strncmp(output, "HTTP/1.1 200 OK\r\n", 17), 0);
}
END_TEST

START_TEST(the_connection_ends_where_the_client_says_so)
{
    char reason[ERROR_TEXT_BYTES];
    ck_assert_uint_eq(
        say_in("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\nGET", 999, 4096), 3);
    assert_has("\r\nConnection: close\r\n");
    ck_assert_int_eq(ended(reason), CONN_END_FINISHED);
}
END_TEST

START_TEST(http_1_0_goes_on_only_if_asked)
{
    char reason[ERROR_TEXT_BYTES];
    say("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_has("\r\nConnection: keep-alive\r\n");
    ck_assert_int_eq(http->next(talk), SERVICE_WAITS);
    say("GET / HTTP/1.0\r\n\r\n");
    assert_has("\r\nConnection: close\r\n");
    ck_assert_int_eq(ended(reason), CONN_END_FINISHED);
}
END_TEST

START_TEST(a_draining_server_ends_after_the_answer)
{
    char reason[ERROR_TEXT_BYTES];
    draining = true;
    say(GET);
    assert_has("\r\nConnection: close\r\n");
    ck_assert_int_eq(ended(reason), CONN_END_FINISHED);
}
END_TEST

static const struct {
    const char *text, *status, *reason;
} refusals[] = {
    {"hello\r\n", "400 Bad Request", "the request line"},
    {"\x16\x03\x01", "400 Bad Request", "a control character"},
    {"GET / HTTP/1.1\r\n\r\n", "400 Bad Request", "there is no Host"},
    {"PRI * HTTP/2.0\r\n\r\n", "505 HTTP Version Not Supported", "only HTTP/1.0 and HTTP/1.1"},
    {"CONNECT a:1 HTTP/1.1\r\n", "501 Not Implemented", "CONNECT"},
    {"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\n",
     "413 Content Too Large", "Content-Length"},
    {"PUT / HTTP/1.1\r\nHost: h\r\nExpect: more\r\n\r\n", "417 Expectation Failed", "Expect"},
    {"PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nx", "400 Bad Request",
     "a chunk does not begin with its size"},
};

START_TEST(a_refusal_has_its_status_and_ends_the_connection)
{
    for (size_t piece = 1; piece < 100; piece += 33) {
        tear_down();
        set_up();
        say_in(refusals[_i].text, piece, 100);
        assert_refused(refusals[_i].status, refusals[_i].reason);
        assert_has("\r\nContent-Type: text/plain; charset=utf-8\r\n");
        ck_assert_ptr_nonnull(strstr(body_of(output), refusals[_i].reason));
    }
}
END_TEST

START_TEST(a_refused_head_request_has_no_body_either)
{
    static const char *const refused[] = {
        "HEAD / HTTP/1.1\r\n\r\n",
        "HEAD / HTTP/1.1\r\nHost: h\r\nExpect: more\r\n\r\n",
        "HEAD / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nx",
        "HEAD / HTTP/3.0\r\n\r\n",
        "\r\nHEAD / HTTP/1.1\r\nHost\r\n\r\n",
    };
    say(refused[_i]);
    ck_assert_str_eq(body_of(output), "");
    assert_has("\r\nConnection: close\r\n");
    ck_assert_int_eq(http->next(talk), SERVICE_ENDS);
}
END_TEST

START_TEST(a_late_head_request_has_no_body_either)
{
    say("HEAD / HTTP/1.1\r\n");
    http->cut(talk, SERVICE_CUT_LATE);
    write_all(4096);
    ck_assert_str_eq(body_of(output), "");
}
END_TEST

START_TEST(a_head_may_have_16_kib)
{
    static char text[HEAD_MAX + 100];
    int n = snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: h\r\nX: ");
    memset(text + n, '"', (size_t)(HEAD_MAX - n));
    memcpy(text + HEAD_MAX - 4, "\r\n\r\n", 5);
    say_in(text, 1000, 1000);
    ck_assert_int_eq(strncmp(output, "HTTP/1.1 200 OK\r\n", 17), 0);
    json_t *json = json_loads(body_of(output), 0, NULL);
    ck_assert_ptr_nonnull(json);
    json_decref(json);
    tear_down();
    set_up();
    memcpy(text + HEAD_MAX - 4, "\"\r\n\r\n", 6);
    say_in(text, 1000, 1000);
    assert_refused("431 Request Header Fields Too Large", "the head of the request is too large");
    tear_down();
    set_up();
    memset(text + 5, 'a', HEAD_MAX);
    say_in(text, 1000, 1000);
    assert_refused("414 URI Too Long", "the request line is too long");
}
END_TEST

START_TEST(a_request_that_does_not_come_to_its_end_is_refused)
{
    char reason[ERROR_TEXT_BYTES];
    say("GET / HTTP/1.1\r\n");
    ck_assert_int_eq(http->next(talk), SERVICE_READS_HEAD);
    http->cut(talk, SERVICE_CUT_LATE);
    write_all(4096);
    ck_assert_int_eq(strncmp(output, "HTTP/1.1 408 Request Timeout\r\n", 30), 0);
    ck_assert_int_eq(ended(reason), CONN_END_REQUEST_TIMEOUT);
    ck_assert_str_eq(reason, "408 Request Timeout: the request was not complete in time");
    tear_down();
    set_up();
    say("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nx");
    http->cut(talk, SERVICE_CUT_ENDED);
    write_all(4096);
    assert_refused("400 Bad Request", "the client ended before its request did");
}
END_TEST

START_TEST(an_empty_line_before_a_request_is_no_request)
{
    say("\r\n");
    ck_assert_int_eq(http->next(talk), SERVICE_WAITS);
    say(GET);
    ck_assert_str_eq(body_of(output), expected);
}
END_TEST

START_TEST(the_time_of_a_head_begins_with_a_second_empty_line)
{
    say("\r\n\r\n");
    ck_assert_int_eq(http->next(talk), SERVICE_READS_HEAD);
    say(GET);
    ck_assert_str_eq(body_of(output), expected);
}
END_TEST

#define PAGE_GET "GET /<script> HTTP/1.1\r\nHost: h\r\nAccept: text/html\r\nX: <i>\"'&\x80\r\n\r\n"

START_TEST(a_browser_gets_a_page_in_which_everything_is_escaped)
{
    say_in(PAGE_GET, 999, (size_t)_i);
    assert_has("\r\nContent-Type: text/html; charset=utf-8\r\n");
    const char *page = body_of(output);
    char length[64];
    snprintf(length, sizeof length, "\r\nContent-Length: %zu\r\n", strlen(page));
    assert_has(length);
    ck_assert_int_eq(strncmp(page, "<!DOCTYPE html>\n", 16), 0);
    assert_has("<tr><th>target<td>/&lt;script&gt;");
    assert_has("<tr><th>X<td>&lt;i&gt;&quot;&#39;&amp;\\x80");
    assert_has("<tr><th>listener<td>&lt;web&gt;");
    assert_has_not("<script");
    assert_has_not("<i>");
    ck_assert_str_eq(page + strlen(page) - 8, "</html>\n");
}
END_TEST

START_TEST(a_page_tells_a_control_character_from_the_text_that_stands_for_it)
{
    say("GET / HTTP/1.1\r\nHost: h\r\nAccept: text/html\r\nX: a\tb\r\nY: a\\x09b\r\n\r\n");
    assert_has("<tr><th>X<td>a\\x09b");
    assert_has("<tr><th>Y<td>a\\\\x09b");
}
END_TEST

START_TEST(every_answer_forbids_to_interpret_what_it_reflects)
{
    static const char *const requests[] = {GET, PAGE_GET, "hello\r\n"};
    for (int i = 0; i < COUNT(requests); i++) {
        tear_down();
        set_up();
        say(requests[i]);
        assert_has("\r\nX-Content-Type-Options: nosniff\r\n");
        assert_has(
            "\r\nContent-Security-Policy: default-src 'none'; style-src '" HTTP_PAGE_STYLE_HASH
            "'; base-uri 'none'; form-action 'none'; "
            "frame-ancestors 'none'\r\n");
        assert_has("\r\nCache-Control: no-store\r\n");
        assert_has("\r\nReferrer-Policy: no-referrer\r\n");
    }
}
END_TEST

/* RFC 4648 §4 */
static unsigned digit_of(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = strchr(digits, c);
    ck_assert(at && c);
    return (unsigned)(at - digits);
}

START_TEST(the_policy_allows_the_style_of_the_page_and_no_other)
{
    const char *base64 = strchr(HTTP_PAGE_STYLE_HASH, '-') + 1;
    char sum[TLS_SHA256_TEXT_BYTES], allowed[TLS_SHA256_TEXT_BYTES + 8] = "";
    for (int i = 0; i < 11; i++) {
        unsigned bits = 0;
        for (int k = 0; k < 4; k++)
            bits = bits << 6 | (base64[4 * i + k] == '=' ? 0 : digit_of(base64[4 * i + k]));
        snprintf(allowed + (size_t)6 * (size_t)i, 7, "%06x", bits);
    }
    struct tls_sha256 *sha256 = tls_sha256_new();
    tls_sha256_add(sha256, http_page_style, strlen(http_page_style));
    tls_sha256_take(sha256, sum);
    tls_sha256_free(sha256);
    ck_assert_mem_eq(sum, allowed, sizeof sum - 1);
    const char *style = strstr(http_page_start, "<style>");
    ck_assert_ptr_nonnull(style);
    ck_assert_int_eq(strncmp(style + 7, http_page_style, strlen(http_page_style)), 0);
    ck_assert_int_eq(strncmp(style + 7 + strlen(http_page_style), "</style>", 8), 0);
}
END_TEST

START_TEST(a_hash_starts_anew_after_it_is_taken)
{
    char sum[TLS_SHA256_TEXT_BYTES];
    struct tls_sha256 *sha256 = tls_sha256_new();
    for (int i = 0; i < 2; i++) {
        tls_sha256_add(sha256, "he", 2);
        tls_sha256_add(sha256, "llo", 3);
        tls_sha256_take(sha256, sum);
        ck_assert_str_eq(sum, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    }
    tls_sha256_free(sha256);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("service_http");
    TCase *tcase = tcase_create("service_http");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, answers_with_the_request_and_the_connection, 1, 90);
    tcase_add_loop_test(tcase, the_next_request_may_already_be_there, 1, 200);
    tcase_add_loop_test(tcase, chunks_are_hashed_like_any_body, 1, 40);
    tcase_add_test(tcase, a_head_request_has_the_length_and_no_body);
    tcase_add_loop_test(tcase, continue_is_sent_before_the_body, 1, 30);
    tcase_add_test(tcase, no_continue_where_there_is_no_body);
    tcase_add_test(tcase, the_connection_ends_where_the_client_says_so);
    tcase_add_test(tcase, http_1_0_goes_on_only_if_asked);
    tcase_add_test(tcase, a_draining_server_ends_after_the_answer);
    tcase_add_loop_test(tcase, a_refusal_has_its_status_and_ends_the_connection, 0,
                        COUNT(refusals));
    tcase_add_loop_test(tcase, a_refused_head_request_has_no_body_either, 0, 5);
    tcase_add_test(tcase, a_late_head_request_has_no_body_either);
    tcase_add_test(tcase, a_head_may_have_16_kib);
    tcase_add_test(tcase, a_request_that_does_not_come_to_its_end_is_refused);
    tcase_add_test(tcase, an_empty_line_before_a_request_is_no_request);
    tcase_add_test(tcase, the_time_of_a_head_begins_with_a_second_empty_line);
    tcase_add_loop_test(tcase, a_browser_gets_a_page_in_which_everything_is_escaped, 1, 50);
    tcase_add_test(tcase, a_page_tells_a_control_character_from_the_text_that_stands_for_it);
    tcase_add_test(tcase, every_answer_forbids_to_interpret_what_it_reflects);
    tcase_add_test(tcase, the_policy_allows_the_style_of_the_page_and_no_other);
    tcase_add_test(tcase, a_hash_starts_anew_after_it_is_taken);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
