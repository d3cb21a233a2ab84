/* SPDX-License-Identifier: MIT */
#include "tlsecho/net/http.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "suite.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

static struct http_body body;
static char data[4096];
static size_t data_bytes, left_bytes;
static const char *reason;

/* In pieces of that size. What is left is the next message. */
static enum http_status take(const struct http_head *head, const char *text, size_t piece)
{
    enum http_status status = HTTP_MORE;
    size_t used = 0, size = strlen(text);
    http_body_init(&body, head);
    data_bytes = 0;
    while (status == HTTP_MORE && used < size) {
        size_t n = piece < size - used ? piece : size - used;
        struct http_span bytes = {text + used, n}, part;
        while (status == HTTP_MORE && bytes.size > 0) {
            status = http_body_take(&body, &bytes, &part, &reason);
            memcpy(data + data_bytes, part.at, part.size);
            data_bytes += part.size;
        }
        used += n - bytes.size;
    }
    left_bytes = size - used;
    return status;
}

static const struct http_head chunked = {.chunked = true};

static void assert_data(const char *text)
{
    ck_assert_uint_eq(data_bytes, strlen(text));
    ck_assert_mem_eq(data, text, data_bytes);
    ck_assert_uint_eq(body.bytes, data_bytes);
}

START_TEST(a_length_says_where_the_body_ends)
{
    const struct http_head head = {.content_length = 5}, empty = {.content_length = 0};
    ck_assert_int_eq(take(&head, "helloGET", (size_t)_i), HTTP_OK);
    assert_data("hello");
    ck_assert_uint_eq(left_bytes, 3);
    ck_assert_int_eq(take(&head, "hell", (size_t)_i), HTTP_MORE);
    http_body_init(&body, &empty);
    ck_assert_int_eq(body.state, HTTP_BODY_DONE);
}
END_TEST

static const struct {
    const char *text, *data;
} whole[] = {
    {"0\r\n\r\n", ""},
    {"5\r\nhello\r\n0\r\n\r\n", "hello"},
    {"1\r\nh\r\n4\r\nello\r\n00\r\n\r\n", "hello"},
    {"A\r\n0123456789\r\n00000000000000000000b\r\n0123456789a\r\n0\r\n\r\n",
     "01234567890123456789a"},
    {"5;a=b\r\nhello\r\n0;last\r\n\r\n", "hello"},
    {"5 \t;a=\"b;c\"\r\nhello\r\n0\r\n\r\n", "hello"},
    {"1\r\n\n\r\n0\r\nTrailer: x\r\nB:\r\n\r\n", "\n"},
};

START_TEST(chunks_make_the_body)
{
    for (int i = 0; i < COUNT(whole); i++) {
        char text[200];
        snprintf(text, sizeof text, "%sGET", whole[i].text);
        ck_assert_msg(take(&chunked, text, (size_t)_i) == HTTP_OK, "%s", text);
        assert_data(whole[i].data);
        ck_assert_uint_eq(left_bytes, 3);
    }
}
END_TEST

START_TEST(what_is_no_chunk_is_refused)
{
    static const char *const bad[] = {
        "\r\n",
        ";a\r\n",
        "g\r\n",
        "-1\r\n",
        "0x1\r\n",
        " 1\r\n",
        "1 \r\n",
        "1 2\r\n",
        "1\n",
        "1\rx",
        "1\r\nab",
        "1\r\na\n",
        "1\r\na\rx",
        "1;\x01\r\n",
        "0\r\nX\r\n",
        "0\r\n X: a\r\n",
        "0\r\nX : a\r\n",
        "0\r\n: a\r\n",
        "0\r\nX: \x01\r\n",
        "0\r\nX: a\n",
        "0\r\nX: a\rb",
        "0\r\n\rx",
        "1\r\na\r\n\r\n",
    };
    for (int i = 0; i < COUNT(bad); i++)
        for (size_t piece = 1; piece < 4; piece++)
            ck_assert_msg(take(&chunked, bad[i], piece) == HTTP_BAD_REQUEST, "%s", bad[i]);
}
END_TEST

START_TEST(a_size_that_no_number_holds_is_too_large)
{
    ck_assert_int_eq(take(&chunked, "8000000000000000\r\n", 1), HTTP_CONTENT_TOO_LARGE);
    ck_assert_int_eq(take(&chunked, "7fffffffffffffff\r\n", 1), HTTP_MORE);
    ck_assert_int_eq(take(&chunked, "00000000007fffffffffffffff\r\n", 1), HTTP_MORE);
    ck_assert_int_eq(take(&chunked, "1\r\na\r\n7fffffffffffffff\r\n", 1), HTTP_CONTENT_TOO_LARGE);
    ck_assert_int_eq(take(&chunked, "1\r\na\r\n7ffffffffffffffe\r\n", 1), HTTP_MORE);
    ck_assert_int_eq(take(&chunked, "fffffffffffffffff\r\n", 1), HTTP_CONTENT_TOO_LARGE);
    ck_assert_int_eq(take(&chunked, "7ffffffffffffe0\r\n", 1), HTTP_MORE);
}
END_TEST

/* The status after that text and so many bytes of filler. */
static enum http_status fill(const char *start, const char *filler, size_t n)
{
    enum http_status status = HTTP_MORE;
    struct http_span bytes = {start, strlen(start)}, part;
    http_body_init(&body, &chunked);
    while (status == HTTP_MORE && bytes.size > 0)
        status = http_body_take(&body, &bytes, &part, &reason);
    for (size_t i = 0; i < n && status == HTTP_MORE; i++) {
        bytes = (struct http_span){filler, 1};
        status = http_body_take(&body, &bytes, &part, &reason);
    }
    return status;
}

START_TEST(extensions_and_trailers_have_largest_sizes)
{
    ck_assert_int_eq(fill("1;", "a", HTTP_CHUNK_LINE_BYTES_MAX), HTTP_MORE);
    ck_assert_int_eq(fill("1;", "a", HTTP_CHUNK_LINE_BYTES_MAX + 1), HTTP_BAD_REQUEST);
    ck_assert_int_eq(fill("0", "0", HTTP_CHUNK_LINE_BYTES_MAX - 1), HTTP_MORE);
    ck_assert_int_eq(fill("0", "0", HTTP_CHUNK_LINE_BYTES_MAX), HTTP_BAD_REQUEST);
    ck_assert_int_eq(fill("0\r\nX:", "a", HTTP_TRAILER_BYTES_MAX - 2), HTTP_MORE);
    ck_assert_int_eq(fill("0\r\nX:", "a", HTTP_TRAILER_BYTES_MAX - 1), HTTP_HEAD_TOO_LARGE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http_body");
    TCase *tcase = tcase_create("http_body");
    tcase_add_loop_test(tcase, a_length_says_where_the_body_ends, 1, 9);
    tcase_add_loop_test(tcase, chunks_make_the_body, 1, 30);
    tcase_add_test(tcase, what_is_no_chunk_is_refused);
    tcase_add_test(tcase, a_size_that_no_number_holds_is_too_large);
    tcase_add_test(tcase, extensions_and_trailers_have_largest_sizes);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
