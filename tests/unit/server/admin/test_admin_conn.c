/* SPDX-License-Identifier: MIT */
#include "admin_conn.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "suite.h"

enum { START_US = 1000, SECOND_US = 1000 * 1000, LARGE_BYTES = 4 << 20 };

static struct admin_conn conn;
static int client;
static size_t body_bytes; /* of every answer, besides its status */
static bool out_of_memory;

static char *respond(void *owner, enum http_status status, const struct admin_request *request,
                     size_t *ret_size)
{
    ck_assert_ptr_eq(owner, &conn);
    ck_assert((status == HTTP_OK) == (request && request->path == ADMIN_HEALTHZ));
    char *answer = out_of_memory ? NULL : calloc(1, 4 + body_bytes);
    if (answer) {
        snprintf(answer, 4, "%d", (int)status);
        *ret_size = 3 + body_bytes;
    }
    return answer;
}

static void set_up(void)
{
    int ends[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    ck_assert_int_eq(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    conn.respond = respond;
    conn.owner = &conn;
    client = ends[1];
    body_bytes = 0;
    out_of_memory = false;
    admin_conn_start(&conn, ends[0], START_US);
}

static void tear_down(void)
{
    admin_conn_close(&conn);
    ck_assert_int_eq(conn.state, ADMIN_FREE);
    close(client);
}

static void say(const char *text)
{
    ck_assert_int_eq(write(client, text, strlen(text)), (ssize_t)strlen(text));
}

static void assert_hears(const char *text)
{
    char heard[16] = "";
    ck_assert_int_eq(recv(client, heard, sizeof heard - 1, MSG_DONTWAIT), (ssize_t)strlen(text));
    ck_assert_str_eq(heard, text);
}

static void run(unsigned want)
{
    ck_assert_uint_eq(admin_conn_run(&conn, START_US), want);
}

START_TEST(reads_in_parts_answers_and_waits_for_the_end)
{
    run(WANT_READ);
    say("GET /healthz HT");
    run(WANT_READ);
    say("TP/1.0\r\n\r\n");
    run(WANT_READ);
    ck_assert_int_eq(conn.state, ADMIN_LINGERING);
    assert_hears("200");
    assert_hears(""); /* the end */
    close(client);
    run(WANT_NOTHING);
    ck_assert_int_eq(conn.state, ADMIN_OVER);
}
END_TEST

START_TEST(a_request_has_five_seconds_however_slowly_it_arrives)
{
    say("GET /healthz");
    run(WANT_READ);
    ck_assert_uint_eq(conn.due_us, START_US + 5 * SECOND_US);
    say(" ");
    ck_assert_uint_eq(admin_conn_run(&conn, START_US + 4 * SECOND_US), WANT_READ);
    ck_assert_uint_eq(conn.due_us, START_US + 5 * SECOND_US);
    ck_assert_uint_eq(admin_conn_expire(&conn, conn.due_us), WANT_READ);
    assert_hears("408");
}
END_TEST

START_TEST(closes_a_client_that_does_not_read_after_a_time_out)
{
    body_bytes = LARGE_BYTES;
    say("GET /healthz HTTP/1.0\r\n\r\n");
    run(WANT_WRITE);
    ck_assert_int_eq(conn.state, ADMIN_SENDING);
    ck_assert_uint_eq(conn.due_us, START_US + 10 * SECOND_US);
    ck_assert_uint_eq(admin_conn_expire(&conn, conn.due_us), WANT_NOTHING);
    ck_assert_int_eq(conn.state, ADMIN_OVER);
}
END_TEST

START_TEST(a_large_answer_is_sent_as_fast_as_the_client_reads)
{
    static char heard[LARGE_BYTES];
    size_t total = 0;
    body_bytes = LARGE_BYTES;
    say("GET /healthz HTTP/1.0\r\n\r\n");
    for (ssize_t n = 1; n > 0; total += (size_t)n) {
        admin_conn_run(&conn, START_US);
        n = read(client, heard, sizeof heard);
    }
    ck_assert_uint_eq(total, 3 + LARGE_BYTES);
}
END_TEST

START_TEST(closes_a_client_that_does_not_close_after_a_time_out)
{
    say("GET /healthz HTTP/1.0\r\n\r\n");
    run(WANT_READ);
    ck_assert_uint_eq(conn.due_us, START_US + 2 * SECOND_US);
    ck_assert_uint_eq(admin_conn_expire(&conn, conn.due_us), WANT_NOTHING);
    ck_assert_int_eq(conn.state, ADMIN_OVER);
}
END_TEST

START_TEST(endless_input_of_a_client_is_dropped_up_to_a_limit)
{
    char flood[8192] = "";
    say("nonsense\r\n");
    run(WANT_READ);
    size_t sent = 0;
    while (conn.state != ADMIN_OVER) {
        ck_assert_uint_lt(sent, 256 * 1024);
        ck_assert_int_eq(write(client, flood, sizeof flood), sizeof flood);
        sent += sizeof flood;
        admin_conn_run(&conn, START_US);
        admin_conn_run(&conn, START_US);
    }
    ck_assert_uint_gt(sent, 32 * 1024);
}
END_TEST

START_TEST(without_memory_for_an_answer_there_is_none)
{
    out_of_memory = true;
    say("GET /healthz HTTP/1.0\r\n\r\n");
    run(WANT_NOTHING);
    ck_assert_int_eq(conn.state, ADMIN_OVER);
}
END_TEST

START_TEST(survives_a_client_that_has_closed)
{
    body_bytes = LARGE_BYTES;
    say("GET /healthz HTTP/1.0\r\n\r\n");
    close(client);
    run(WANT_NOTHING);
    ck_assert_int_eq(conn.state, ADMIN_OVER);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("admin_conn");
    TCase *tcase = tcase_create("admin_conn");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, reads_in_parts_answers_and_waits_for_the_end);
    tcase_add_test(tcase, a_request_has_five_seconds_however_slowly_it_arrives);
    tcase_add_test(tcase, closes_a_client_that_does_not_read_after_a_time_out);
    tcase_add_test(tcase, a_large_answer_is_sent_as_fast_as_the_client_reads);
    tcase_add_test(tcase, closes_a_client_that_does_not_close_after_a_time_out);
    tcase_add_test(tcase, endless_input_of_a_client_is_dropped_up_to_a_limit);
    tcase_add_test(tcase, without_memory_for_an_answer_there_is_none);
    tcase_add_test(tcase, survives_a_client_that_has_closed);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
