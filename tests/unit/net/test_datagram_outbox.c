/* SPDX-License-Identifier: MIT */
#include "tlsecho/net/datagram_outbox.h"

#include <check.h>
#include <string.h>

#include "fake_datagram.h"
#include "loopback.h"
#include "suite.h"

static struct fake_datagrams socket_, other;
static struct datagram_outbox outbox;

static void set_up(void)
{
    fake_datagrams_init(&socket_);
    fake_datagrams_init(&other);
    outbox = (struct datagram_outbox){.socket = NULL};
    datagram_outbox_open(&outbox, &socket_.base);
}

/* Numbered from 0 on; the buffer is overwritten by the next. */
static bool put(unsigned char number, size_t length)
{
    static unsigned char data[DATAGRAM_OUTBOX_BYTES + 1];
    struct datagram item = {.peer = loopback_address("udp://127.0.0.1:4000"),
                            .own = loopback_address("udp://127.0.0.2:0"),
                            .data = data,
                            .length = length};
    data[0] = number;
    return datagram_outbox_put(&outbox, &socket_.base, &item);
}

static void was_sent(size_t i, unsigned char number, size_t length)
{
    struct address peer = loopback_address("udp://127.0.0.1:4000"),
                   own = loopback_address("udp://127.0.0.2:0");
    ck_assert_uint_lt(i, socket_.out_count);
    ck_assert_uint_eq(socket_.out[i].data[0], number);
    ck_assert_uint_eq(socket_.out[i].length, length);
    ck_assert(address_equal(&socket_.out[i].peer, &peer));
    ck_assert(address_equal(&socket_.out[i].own, &own));
}

static void counted(uint64_t sent, uint64_t unsent)
{
    ck_assert_uint_eq(outbox.sent, sent);
    ck_assert_uint_eq(outbox.unsent, unsent);
}

START_TEST(sends_nothing_before_it_is_closed)
{
    ck_assert(put(0, 1));
    ck_assert(put(1, DATAGRAM_OUTBOX_BYTES));
    ck_assert_uint_eq(socket_.out_count, 0);
    datagram_outbox_close(&outbox);
    ck_assert_uint_eq(socket_.out_count, 2);
    was_sent(0, 0, 1);
    was_sent(1, 1, DATAGRAM_OUTBOX_BYTES);
    counted(2, 0);
}
END_TEST

START_TEST(sends_a_batch_with_one_call)
{
    for (unsigned char i = 0; i < DATAGRAM_BATCH; i++)
        ck_assert(put(i, 60));
    datagram_outbox_close(&outbox);
    ck_assert_uint_eq(socket_.out_count, DATAGRAM_BATCH);
    ck_assert_uint_eq(socket_.calls, 1);
}
END_TEST

START_TEST(a_full_one_sends_and_goes_on)
{
    for (unsigned char i = 0; i <= DATAGRAM_BATCH; i++)
        ck_assert(put(i, 60));
    ck_assert_uint_eq(socket_.out_count, DATAGRAM_BATCH);
    datagram_outbox_close(&outbox);
    for (unsigned char i = 0; i <= DATAGRAM_BATCH; i++)
        was_sent(i, i, 60);
    counted(DATAGRAM_BATCH + 1, 0);
}
END_TEST

START_TEST(leaves_a_long_one_to_the_caller_behind_what_waits)
{
    ck_assert(put(0, 60));
    ck_assert(!put(1, DATAGRAM_OUTBOX_BYTES + 1));
    ck_assert_uint_eq(socket_.out_count, 1);
    was_sent(0, 0, 60);
}
END_TEST

START_TEST(takes_nothing_while_closed_or_for_another_socket)
{
    const struct datagram item = {.length = 0};
    ck_assert(!datagram_outbox_put(&outbox, &other.base, &item));
    datagram_outbox_close(&outbox);
    ck_assert(!put(0, 60));
    ck_assert_uint_eq(socket_.out_count, 0);
}
END_TEST

START_TEST(one_that_is_refused_stops_no_other)
{
    socket_.fail_at = 1;
    for (unsigned char i = 0; i < 3; i++)
        ck_assert(put(i, 60));
    datagram_outbox_close(&outbox);
    ck_assert_uint_eq(socket_.out_count, 2);
    was_sent(0, 0, 60);
    was_sent(1, 2, 60);
    counted(2, 1);
}
END_TEST

START_TEST(loses_what_finds_no_room)
{
    socket_.room = 1;
    ck_assert(put(0, 60));
    ck_assert(put(1, 60));
    datagram_outbox_close(&outbox);
    counted(1, 1);
    datagram_outbox_open(&outbox, &socket_.base);
    datagram_outbox_close(&outbox);
    counted(0, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("datagram_outbox");
    TCase *tests = tcase_create("datagram_outbox");
    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_test(tests, sends_nothing_before_it_is_closed);
    tcase_add_test(tests, sends_a_batch_with_one_call);
    tcase_add_test(tests, a_full_one_sends_and_goes_on);
    tcase_add_test(tests, leaves_a_long_one_to_the_caller_behind_what_waits);
    tcase_add_test(tests, takes_nothing_while_closed_or_for_another_socket);
    tcase_add_test(tests, one_that_is_refused_stops_no_other);
    tcase_add_test(tests, loses_what_finds_no_room);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
