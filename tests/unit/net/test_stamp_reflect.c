/* SPDX-License-Identifier: MIT */
#include "tlsecho/net/stamp_reflect.h"

#include <check.h>
#include <string.h>

#include "suite.h"

/* RFC 8762 figure 2, with the session identifier of RFC 8972 figure 1. */
static const unsigned char request[STAMP_BYTES] = {
    0x00, 0x00, 0x01, 0x02,                         /* sequence number */
    0xe8, 0x00, 0x00, 0x01, 0x80, 0x00, 0x00, 0x00, /* timestamp */
    0x8c, 0x03,                                     /* error estimate */
    0xab, 0xcd,                                     /* SSID, then zeros */
};

/* RFC 8762 figure 4. */
static const unsigned char answer[STAMP_BYTES] = {
    0x00, 0x00, 0x00, 0x07,                         /* the reflector's own sequence number */
    0x83, 0xaa, 0x7e, 0x82, 0x40, 0x00, 0x00, 0x00, /* 1970 and 2.25 s */
    0x0c, 0x01,                                     /* its error estimate: S 0, Z 0 */
    0xab, 0xcd,                                     /* SSID */
    0x83, 0xaa, 0x7e, 0x81, 0x80, 0x00, 0x00, 0x00, /* received at 1.5 s */
    0x00, 0x00, 0x01, 0x02,                         /* the sender's sequence number */
    0xe8, 0x00, 0x00, 0x01, 0x80, 0x00, 0x00, 0x00, /* the sender's timestamp */
    0x8c, 0x03,                                     /* the sender's error estimate */
    0x00, 0x00,                                     /* zero */
    0x40,                                           /* the TTL that the request came with */
    0x00, 0x00, 0x00,                               /* zero */
};

static struct stamp_reflection how;
static unsigned char packet[256];

static void set_up(void)
{
    how = (struct stamp_reflection){.stateful = true,
                                    .numbers = {.seq = 7, .record = {0x01020304, 0x102, 6, 1}},
                                    .received = {1, 500000000},
                                    .sent = {2, 250000000},
                                    .ttl = 64};
    memset(packet, 0, sizeof packet);
    memcpy(packet, request, sizeof request);
}

START_TEST(is_the_figure_of_the_rfc)
{
    ck_assert_uint_eq(stamp_reflect_ssid(packet), 0xabcd);
    ck_assert_uint_eq(stamp_reflect_seq(packet), 0x102);
    stamp_reflect(&how, packet, STAMP_BYTES);
    ck_assert_mem_eq(packet, answer, sizeof answer);
}
END_TEST

START_TEST(repeats_the_number_of_the_sender_without_a_session)
{
    how.stateful = false;
    stamp_reflect(&how, packet, STAMP_BYTES);
    ck_assert_mem_eq(packet, request, 4);
    ck_assert_mem_eq(packet + 4, answer + 4, sizeof answer - 4);
}
END_TEST

START_TEST(whatever_the_sender_left_in_its_zeros_is_not_sent)
{
    memset(packet + 16, 0xff, STAMP_BYTES - 16);
    stamp_reflect(&how, packet, STAMP_BYTES);
    ck_assert_mem_eq(packet, answer, sizeof answer);
}
END_TEST

START_TEST(an_unknown_ttl_is_zero)
{
    how.ttl = -1;
    stamp_reflect(&how, packet, STAMP_BYTES);
    ck_assert_uint_eq(packet[40], 0);
}
END_TEST

START_TEST(the_mark_is_what_another_reflector_returns)
{
    unsigned char mark[STAMP_REFLECT_MARK_BYTES];
    stamp_reflect(&how, packet, STAMP_BYTES);
    memcpy(mark, packet, sizeof mark);
    stamp_reflect(&how, packet, STAMP_BYTES);
    ck_assert_mem_eq(packet + STAMP_REFLECT_MARK_OFFSET, mark, sizeof mark);
}
END_TEST

/* What follows the 44 bytes, and what comes back. */
static const struct {
    const char *sent, *back;
    size_t bytes;
} tlvs[] = {
    /* Extra Padding is known; a sender sets U. */
    {"\x80\x01\x00\x02xy", "\x00\x01\x00\x02xy", 6},
    {"\xff\x01\x00\x00", "\x00\x01\x00\x00", 4},
    /* anything else is not; type 0 is that of padding without a TLV */
    {"\x00\x02\x00\x01x", "\x80\x02\x00\x01x", 5},
    {"\x7f\xff\x00\x00", "\x80\xff\x00\x00", 4},
    {"\x00\x00\x00\x00\x00\x00\x00\x00", "\x80\x00\x00\x00\x80\x00\x00\x00", 8},
    /* the record; what is behind it in its value is padding */
    {"\x80\xfd\x00\x10tlse\0\0\0\0\0\0\0\0\0\0\0\0",
     "\x00\xfd\x00\x10\1\2\3\4\0\0\1\2\0\0\0\6\0\0\0\1", 20},
    {"\xff\xfd\x00\x12tlse\0\0\0\0\0\0\0\0\0\0\0\0xy\x80\x01\x00\x00",
     "\x00\xfd\x00\x12\1\2\3\4\0\0\1\2\0\0\0\6\0\0\0\1xy\x00\x01\x00\x00", 26},
    /* its type with another meaning */
    {"\x80\xfd\x00\x10tlsF\0\0\0\0\0\0\0\0\0\0\0\0", "\x80\xfd\x00\x10tlsF\0\0\0\0\0\0\0\0\0\0\0\0",
     20},
    {"\x80\xfd\x00\x0ftlse\0\0\0\0\0\0\0\0\0\0\0", "\x80\xfd\x00\x0ftlse\0\0\0\0\0\0\0\0\0\0\0",
     19},
    {"\x00\xfd\x00\x00", "\x80\xfd\x00\x00", 4},
    /* longer than the packet */
    {"\x80\xfd\x00\x10tlse\0\0\0\0\0\0\0\0\0\0\0", "\xc0\xfd\x00\x10tlse\0\0\0\0\0\0\0\0\0\0\0",
     19},
    /* several */
    {"\x80\x01\x00\x01p\x80\x04\x00\x02qq\x80\x01\x00\x00",
     "\x00\x01\x00\x01p\x80\x04\x00\x02qq\x00\x01\x00\x00", 15},
    /* longer than the packet: malformed, and nothing after it is looked at */
    {"\x80\x01\x00\x03xy", "\x40\x01\x00\x03xy", 6},
    {"\x80\x09\xff\xffxyzzz", "\xc0\x09\xff\xffxyzzz", 9},
    {"\x80\x01\x00\x00\x80\x01\x00\x02z", "\x00\x01\x00\x00\x40\x01\x00\x02z", 9},
    /* too short for a header */
    {"\x80\x01\x00", "\x40\x01\x00", 3},
    {"\x80\x07", "\xc0\x07", 2},
    {"\x80", "\xc0", 1},
};

START_TEST(flags_each_tlv)
{
    size_t bytes = STAMP_BYTES + tlvs[_i].bytes;
    memcpy(packet + STAMP_BYTES, tlvs[_i].sent, tlvs[_i].bytes);
    packet[bytes] = 0x55;
    stamp_reflect(&how, packet, bytes);
    ck_assert_mem_eq(packet, answer, sizeof answer);
    ck_assert_mem_eq(packet + STAMP_BYTES, tlvs[_i].back, tlvs[_i].bytes);
    ck_assert_uint_eq(packet[bytes], 0x55);
}
END_TEST

START_TEST(without_a_session_the_tlv_for_the_record_comes_back_empty)
{
    static const unsigned char tlv[] = {0x80, 253, 0, 16, 't', 'l', 's', 'e'};
    how.stateful = false;
    memcpy(packet + STAMP_BYTES, tlv, sizeof tlv);
    stamp_reflect(&how, packet, STAMP_BYTES_WITH_RECORD);
    ck_assert_uint_eq(packet[STAMP_BYTES], 0);
    ck_assert_mem_eq(packet + STAMP_BYTES + 1, tlv + 1, sizeof tlv - 1);
    for (size_t i = STAMP_BYTES + sizeof tlv; i < STAMP_BYTES_WITH_RECORD; i++)
        ck_assert_uint_eq(packet[i], 0);
}
END_TEST

START_TEST(the_time_goes_on_after_2036)
{
    how.sent = (struct timespec){.tv_sec = 2085978496, .tv_nsec = 999999999};
    static const unsigned char era_1[] = {0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xfb};
    stamp_reflect(&how, packet, STAMP_BYTES);
    ck_assert_mem_eq(packet + 4, era_1, sizeof era_1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stamp_reflect");
    TCase *tests = tcase_create("stamp_reflect");
    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_test(tests, is_the_figure_of_the_rfc);
    tcase_add_test(tests, repeats_the_number_of_the_sender_without_a_session);
    tcase_add_test(tests, whatever_the_sender_left_in_its_zeros_is_not_sent);
    tcase_add_test(tests, an_unknown_ttl_is_zero);
    tcase_add_test(tests, the_mark_is_what_another_reflector_returns);
    tcase_add_loop_test(tests, flags_each_tlv, 0, sizeof tlvs / sizeof *tlvs);
    tcase_add_test(tests, without_a_session_the_tlv_for_the_record_comes_back_empty);
    tcase_add_test(tests, the_time_goes_on_after_2036);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
