/* SPDX-License-Identifier: MIT */
#include "tlsecho/tls/tls_client_hello.h"

#include <check.h>
#include <string.h>

#include "suite.h"
#include "tls_hello.h"
#include "tlsecho/tls/tls_alert.h"

enum { HEADER = 5 };

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

static const char NAME[] = "a.name.example";
static struct tls_context *ctx;
static struct tls_client_hello hello;

static void make(const char *name, size_t padded_bytes)
{
    struct error err;
    ck_assert_msg(tls_client_hello_make(ctx, name, padded_bytes, &hello, &err) == 0, "%s",
                  err.text);
}

static void set_up(void)
{
    struct error err;
    hello = (struct tls_client_hello){.n = 0};
    ck_assert_int_eq(tls_context_new(TLS_CLIENT, &ctx, &err), 0);
    ck_assert_int_eq(tls_context_set_groups(ctx, "X25519", &err), 0);
}

static void tear_down(void)
{
    tls_client_hello_done(&hello);
    tls_context_free(ctx);
}

/* As a server reads it. */
static void is_whole(void)
{
    struct tls_hello read = {.second = false};
    ck_assert_int_eq(tls_hello_examine(&read, hello.bytes, hello.n, SIZE_MAX), TLS_HELLO_WHOLE);
}

static void has_sizes(size_t first, size_t last)
{
    for (size_t n = first; n <= last; n++) {
        make(NAME, n);
        ck_assert_uint_eq(hello.n, n);
        ck_assert_uint_eq((size_t)(hello.bytes[3] << 8 | hello.bytes[4]) + HEADER, n);
        is_whole();
        tls_client_hello_done(&hello);
    }
}

START_TEST(has_every_size_to_the_byte_up_to_a_whole_record)
{
    make(NAME, 0);
    size_t least = hello.n + TLS_CLIENT_HELLO_PADDING_MIN_BYTES;
    is_whole();
    tls_client_hello_done(&hello);
    has_sizes(least, least + 300);
    has_sizes(TLS_CLIENT_HELLO_MAX_BYTES - 300, TLS_CLIENT_HELLO_MAX_BYTES);
}
END_TEST

START_TEST(is_not_padded_to_less_than_it_has)
{
    make(NAME, 0);
    size_t least = hello.n;
    tls_client_hello_done(&hello);
    make(NAME, least + TLS_CLIENT_HELLO_PADDING_MIN_BYTES - 1);
    ck_assert_uint_eq(hello.n, least);
}
END_TEST

START_TEST(finds_the_middle_of_the_name)
{
    make(NAME, 0);
    size_t begin = hello.name_at - strlen(NAME) / 2;
    ck_assert_uint_gt(hello.name_at, HEADER);
    ck_assert_mem_eq(hello.bytes + begin, NAME, strlen(NAME));
}
END_TEST

START_TEST(an_address_is_no_name)
{
    make("192.0.2.1", 0);
    ck_assert_uint_eq(hello.name_at, 0);
}
END_TEST

START_TEST(two_records_are_the_same_message)
{
    unsigned char before[2048];
    make(NAME, 1500);
    size_t at = hello.name_at, n = hello.n;
    memcpy(before, hello.bytes, n);
    tls_client_hello_split(&hello, at);
    ck_assert_uint_eq(hello.n, n + HEADER);
    is_whole();
    ck_assert_uint_eq((size_t)(hello.bytes[3] << 8 | hello.bytes[4]), at - HEADER);
    ck_assert_uint_eq((size_t)(hello.bytes[at + 3] << 8 | hello.bytes[at + 4]), n - at);
    ck_assert_mem_eq(hello.bytes + HEADER, before + HEADER, at - HEADER);
    ck_assert_mem_eq(hello.bytes + at, before, 3); /* type and version */
    ck_assert_mem_eq(hello.bytes + at + HEADER, before + at, n - at);
}
END_TEST

START_TEST(a_name_that_cannot_be_one_is_refused)
{
    struct error err;
    ck_assert_int_eq(tls_client_hello_make(ctx, "no name", 0, &hello, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
}
END_TEST

static const struct {
    const char *title;
    unsigned char data[32];
    size_t n;
    enum tls_answer answer;
    int alert;
} answers[] = {
    {"nothing", {0}, 0, TLS_ANSWER_PART, -1},
    {"a ServerHello", {22, 3, 3, 0, 80, 2}, 6, TLS_ANSWER_SERVER_HELLO, -1},
    {"its record's header", {22, 3, 3, 0, 80}, 5, TLS_ANSWER_PART, -1},
    {"our ClientHello", {22, 3, 1, 2, 0, 1}, 6, TLS_ANSWER_OTHER, -1},
    {"an alert", {21, 3, 3, 0, 2, 2, 40}, 7, TLS_ANSWER_ALERT, TLS_ALERT_HANDSHAKE_FAILURE},
    {"half an alert", {21, 3, 3, 0, 2, 2}, 6, TLS_ANSWER_PART, -1},
    {"close_notify, which ends it", {21, 3, 3, 0, 2, 1, 0}, 7, TLS_ANSWER_ALERT, 0},
    {"a warning", {21, 3, 3, 0, 2, 1, 112}, 7, TLS_ANSWER_PART, -1},
    {"a warning and a ServerHello",
     {21, 3, 3, 0, 2, 1, 112, 22, 3, 3, 0, 80, 2},
     13,
     TLS_ANSWER_SERVER_HELLO,
     -1},
    {"a warning and an alert",
     {21, 3, 3, 0, 2, 1, 112, 21, 3, 3, 0, 2, 2, 80},
     14,
     TLS_ANSWER_ALERT,
     TLS_ALERT_INTERNAL_ERROR},
    {"an alert of another length", {21, 3, 3, 0, 3, 2, 40}, 7, TLS_ANSWER_OTHER, -1},
    {"HTTP", "HTTP/1.1 400", 12, TLS_ANSWER_OTHER, -1},
    {"a letter", "H", 1, TLS_ANSWER_OTHER, -1},
    {"another version", {22, 2}, 2, TLS_ANSWER_OTHER, -1},
    {"application data", {23, 3, 3}, 3, TLS_ANSWER_OTHER, -1},
};

START_TEST(tells_what_an_answer_is)
{
    int alert = -1;
    enum tls_answer answer = tls_client_hello_answer(answers[_i].data, answers[_i].n, &alert);
    ck_assert_msg(answer == answers[_i].answer, "%s: %d", answers[_i].title, answer);
    ck_assert_msg(alert == answers[_i].alert, "%s: %d", answers[_i].title, alert);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("tls_client_hello");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, has_every_size_to_the_byte_up_to_a_whole_record);
    tcase_add_test(cases, is_not_padded_to_less_than_it_has);
    tcase_add_test(cases, finds_the_middle_of_the_name);
    tcase_add_test(cases, an_address_is_no_name);
    tcase_add_test(cases, two_records_are_the_same_message);
    tcase_add_test(cases, a_name_that_cannot_be_one_is_refused);
    tcase_add_loop_test(cases, tells_what_an_answer_is, 0, COUNT(answers));

    Suite *suite = suite_create("tls_client_hello");
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
