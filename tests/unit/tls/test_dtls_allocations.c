/* SPDX-License-Identifier: MIT */
/* What the cookies and sessions of DTLS do without memory, and that they free all that they have.
 */
#include <check.h>
#include <errno.h>
#include <openssl/err.h>
#include <string.h>
#include <sys/time.h>

#include "allocations.h"
#include "folder.h"
#include "loopback.h"
#include "pki.h"
#include "suite.h"
#include "tlsecho/tls/dtls_cookie.h"
#include "tlsecho/tls/dtls_session.h"
#include "tlsecho/tls/tls_context.h"
#include "tlsecho/tls/tls_memory.h"

static struct folder folder;
static struct pki leaf;
static struct tls_context *server_context, *client_context;
static struct dtls_cookies *cookies;
static struct dtls_session *client, *server;
static struct error err;
static struct address peer, own;
static unsigned char message[DTLS_DATA_MAX], copy[DTLS_DATA_MAX + DTLS_OVERHEAD_MAX];

/* The clock of OpenSSL: it stands still, so that nothing is sent again. */
int gettimeofday(struct timeval *restrict ret, void *restrict zone)
{
    (void)zone;
    *ret = (struct timeval){.tv_sec = 1000};
    return 0;
}

static void set_up(void)
{
    folder_new(&folder);
    peer = loopback_address("udp://192.0.2.1:4000");
    own = loopback_address("udp://192.0.2.2:7443");
    leaf = pki_make(&(struct pki_spec){.subject = "leaf", .names = "DNS:localhost"});
    ck_assert_int_eq(tls_context_new_dtls(TLS_SERVER, &server_context, &err), 0);
    ck_assert_int_eq(tls_context_new_dtls(TLS_CLIENT, &client_context, &err), 0);
    ck_assert_int_eq(dtls_cookies_new(&cookies, &err), 0);
    pki_present(&folder, &leaf, server_context);
    pki_trust(&folder, &leaf, client_context);
}

static void hang_up(void)
{
    dtls_session_free(client);
    dtls_session_free(server);
    client = server = NULL;
}

static void tear_down(void)
{
    hang_up();
    dtls_cookies_free(cookies);
    tls_context_free(client_context);
    tls_context_free(server_context);
    pki_free(&leaf);
    folder_remove(&folder);
}

/* The client's next datagram in `copy`. */
static size_t take(struct dtls_session *from)
{
    const unsigned char *data;
    size_t n;
    if (!dtls_session_next(from, &data, &n))
        return 0;
    memcpy(copy, data, n);
    return n;
}

static enum dtls_first ask(struct dtls_cookies *of, size_t n, uint64_t now_us,
                           unsigned char ret[DTLS_COOKIE_ANSWER_BYTES])
{
    const struct dtls_first_flight flight = {.peer = &peer, .own = &own, .data = copy, .length = n};
    return dtls_cookies_check(of, &flight, now_us, ret);
}

static void dial(void)
{
    const struct dtls_session_options options = {.ctx = client_context, .server_name = "localhost"};
    ck_assert_int_eq(dtls_session_new(&options, &client, &err), 0);
    ck_assert_int_eq(dtls_session_handshake(client, &err), DTLS_WAIT);
}

/* A server's end, whose client has returned the cookie. */
static int accept_hello(void)
{
    unsigned char answer[DTLS_COOKIE_ANSWER_BYTES];
    ck_assert_int_eq(ask(cookies, take(client), 0, answer), DTLS_FIRST_ASK);
    dtls_session_feed(client, answer, sizeof answer);
    ck_assert_int_eq(dtls_session_handshake(client, &err), DTLS_WAIT);
    const struct dtls_session_options options = {
        .ctx = server_context, .hello = copy, .hello_length = take(client)};
    return dtls_session_new(&options, &server, &err);
}

/* Both take turns, until the server has finished or has failed. */
static enum dtls_status turns(void)
{
    struct error ignored;
    enum dtls_status status = dtls_session_handshake(server, &err);
    for (int turn = 0; turn < 10 && status == DTLS_WAIT; turn++) {
        size_t n;
        while ((n = take(server)) > 0) {
            dtls_session_feed(client, copy, n);
            dtls_session_handshake(client, &ignored);
        }
        while (status == DTLS_WAIT && (n = take(client)) > 0) {
            dtls_session_feed(server, copy, n);
            status = dtls_session_handshake(server, &err);
        }
    }
    return status;
}

static void shake(void)
{
    struct error ignored;
    size_t n;
    dial();
    ck_assert_int_eq(accept_hello(), 0);
    ck_assert_int_eq(turns(), DTLS_OK);
    while ((n = take(server)) > 0) {
        dtls_session_feed(client, copy, n);
        ck_assert_int_eq(dtls_session_handshake(client, &ignored), DTLS_OK);
    }
}

static void send_to_server(const char *text)
{
    size_t n;
    ck_assert_int_eq(dtls_session_write(client, text, strlen(text), &err), DTLS_OK);
    size_t length = take(client);
    ck_assert_uint_eq(take(client), 0); /* frees the buffer */
    dtls_session_feed(server, copy, length);
    ck_assert_int_eq(dtls_session_read(server, message, sizeof message, &n, &err), DTLS_OK);
    ck_assert_int_eq(dtls_session_read(server, message, sizeof message, &n, &err), DTLS_WAIT);
}

/* OpenSSL can do without some. */
START_TEST(cookies_that_cannot_be_made_keep_nothing)
{
    unsigned char answer[DTLS_COOKIE_ANSWER_BYTES];
    unsigned refused = 0;
    bool failed = true;
    dial();
    size_t length = take(client);
    ask(cookies, length, 0, answer); /* makes what is made once in a process */
    for (unsigned n = 0; failed; n++) {
        struct dtls_cookies *made = NULL;
        ERR_clear_error();
        long before = allocations_left();
        allocations_fail_after(n);
        int result = dtls_cookies_new(&made, &err);
        failed = allocations_have_failed();
        ERR_clear_error();
        if (result < 0) {
            ck_assert(failed);
            ck_assert_ptr_null(made);
            ck_assert_int_eq(err.kind, ERROR_SYSTEM);
            ck_assert_msg(strncmp(err.text, "make cookies", 12) == 0, "%s", err.text);
            refused++;
        } else {
            ck_assert_int_eq(ask(made, length, 0, answer), DTLS_FIRST_ASK);
        }
        dtls_cookies_free(made);
        ck_assert_int_eq(allocations_left(), before);
    }
    ck_assert_uint_gt(refused, 3);
}
END_TEST

START_TEST(a_hello_gets_no_answer_without_memory_for_a_cookie)
{
    unsigned char answer[DTLS_COOKIE_ANSWER_BYTES];
    uint64_t now_us = 0;
    unsigned refused = 0;
    bool failed = true;
    dial();
    size_t length = take(client);
    for (unsigned n = 0; failed; n++) {
        now_us += DTLS_KEY_US; /* a new key */
        allocations_fail_after(n);
        enum dtls_first first = ask(cookies, length, now_us, answer);
        failed = allocations_have_failed();
        ck_assert(first == DTLS_FIRST_ASK || (failed && first == DTLS_FIRST_OTHER));
        refused += first == DTLS_FIRST_OTHER;
    }
    ck_assert_uint_gt(refused, 0);
}
END_TEST

START_TEST(a_session_that_rests_has_no_buffers)
{
    shake();
    send_to_server("first"); /* makes what lasts */
    dtls_session_rest(client);
    dtls_session_rest(server);
    long left = allocations_left();
    for (int i = 0; i < 3; i++) {
        send_to_server("more");
        ck_assert_int_gt(allocations_left(), left); /* the client's */
        dtls_session_rest(client);
        ck_assert_int_eq(allocations_left(), left);
    }
}
END_TEST

START_TEST(a_session_frees_all_that_it_has)
{
    shake(); /* what is made once in a process is there */
    hang_up();
    ERR_clear_error();
    long left = allocations_left();
    shake();
    send_to_server("text");
    hang_up();
    ERR_clear_error();
    ck_assert_int_eq(allocations_left(), left);
}
END_TEST

START_TEST(a_session_that_cannot_be_made_keeps_nothing)
{
    struct dtls_session *made = NULL;
    const struct dtls_session_options options = {.ctx = client_context, .server_name = "localhost"};
    int result = -1;
    unsigned n = 0;
    shake();
    for (; result < 0; n++) {
        ERR_clear_error();
        long before = allocations_left();
        allocations_fail_after(n);
        result = dtls_session_new(&options, &made, &err);
        bool failed = allocations_have_failed();
        ck_assert(failed || result == 0);
        if (result < 0) {
            ck_assert_ptr_null(made);
            ck_assert_int_eq(err.kind, ERROR_SYSTEM);
        }
        dtls_session_free(made);
        made = NULL;
        ERR_clear_error();
        ck_assert_int_eq(allocations_left(), before);
        if (failed)
            result = -1;
    }
    ck_assert_uint_gt(n, 10);
}
END_TEST

START_TEST(an_idle_session_without_memory_tells_it)
{
    size_t n;
    shake();
    dtls_session_rest(server);
    allocations_fail_after(0);
    ck_assert_int_eq(dtls_session_read(server, message, sizeof message, &n, &err), DTLS_FAILED);
    ck_assert(allocations_have_failed());
    ck_assert_int_eq(err.code, ENOMEM);
    ck_assert_msg(strncmp(err.text, "memory for a TLS record", 23) == 0, "%s", err.text);
    dtls_session_rest(client);
    allocations_fail_after(0);
    ck_assert_int_eq(dtls_session_write(client, "x", 1, &err), DTLS_FAILED);
    ck_assert(allocations_have_failed());
    ck_assert_int_eq(err.code, ENOMEM);
    ck_assert_msg(strncmp(err.text, "memory for a TLS record", 23) == 0, "%s", err.text);
}
END_TEST

int main(void)
{
    tls_memory_watch(); /* OpenSSL's allocations are ours */
    Suite *suite = suite_create("dtls_allocations");
    TCase *tcase = tcase_create("dtls_allocations");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, cookies_that_cannot_be_made_keep_nothing);
    tcase_add_test(tcase, a_hello_gets_no_answer_without_memory_for_a_cookie);
    tcase_add_test(tcase, a_session_that_rests_has_no_buffers);
    tcase_add_test(tcase, a_session_frees_all_that_it_has);
    tcase_add_test(tcase, a_session_that_cannot_be_made_keeps_nothing);
    tcase_add_test(tcase, an_idle_session_without_memory_tells_it);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
