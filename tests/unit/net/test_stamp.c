/* SPDX-License-Identifier: MIT */
#include "tlsecho/net/stamp.h"

#include <check.h>
#include <string.h>

#include "suite.h"

static unsigned char packet[70000];

/* RFC 8762 figure 2, RFC 8972 figure 2. */
START_TEST(a_request_has_its_fields_where_the_rfc_has_them)
{
    static const unsigned char head[] = {0, 0, 1, 2, 0xe0, 1, 2, 3, 0x80, 5, 6, 7, 0, 1};
    struct stamp_request request = {
        .seq = 0x102, .time = 0xe001020380050607, .error_estimate = STAMP_ERROR_LEAST};
    memset(packet, 0xff, sizeof packet);
    stamp_build_request(&request, packet, STAMP_BYTES);
    ck_assert_mem_eq(packet, head, sizeof head);
    for (size_t i = sizeof head; i < STAMP_BYTES; i++)
        ck_assert_uint_eq(packet[i], 0);
    ck_assert_uint_eq(packet[STAMP_BYTES], 0xff);
}
END_TEST

/* RFC 8972 figure 1. */
START_TEST(a_session_identifier_follows_the_error_estimate)
{
    struct stamp_request request = {.ssid = 0x1234};
    stamp_build_request(&request, packet, STAMP_BYTES);
    ck_assert_uint_eq(packet[14] << 8 | packet[15], 0x1234);
}
END_TEST

/* RFC 8972 figure 8: flags with U set by the sender, type 1, the length of the padding alone. */
START_TEST(a_longer_request_ends_with_one_padding_tlv)
{
    static const unsigned char tlv[] = {0x80, 1, 0, 15};
    struct stamp_request request = {.seq = 1};
    memset(packet, 0xff, sizeof packet);
    stamp_build_request(&request, packet, 63);
    ck_assert_mem_eq(packet + STAMP_BYTES, tlv, sizeof tlv);
    ck_assert_uint_eq(packet[62], 0);
    ck_assert_uint_eq(packet[63], 0xff);
}
END_TEST

/* U set by the sender, a type for Private Use, a magic number, and zeros. */
START_TEST(a_request_with_room_for_it_asks_for_the_record)
{
    static const unsigned char tlv[] = {0x80, 253, 0, 16, 't', 'l', 's', 'e'};
    struct stamp_request request = {.seq = 1};
    memset(packet, 0xff, sizeof packet);
    stamp_build_request(&request, packet, 64);
    ck_assert_mem_eq(packet + STAMP_BYTES, tlv, sizeof tlv);
    for (size_t i = STAMP_BYTES + sizeof tlv; i < 64; i++)
        ck_assert_uint_eq(packet[i], 0);
    ck_assert_uint_eq(packet[64], 0xff);
    stamp_build_request(&request, packet, 65507);
    ck_assert_uint_eq(packet[46] << 8 | packet[47], 65507 - 48);
    ck_assert_uint_eq(packet[65506], 0);
}
END_TEST

START_TEST(a_size_is_that_of_a_packet_or_has_room_for_a_tlv)
{
    ck_assert(!stamp_size_is_possible(0));
    ck_assert(!stamp_size_is_possible(43));
    ck_assert(stamp_size_is_possible(44));
    ck_assert(!stamp_size_is_possible(45));
    ck_assert(!stamp_size_is_possible(47));
    ck_assert(stamp_size_is_possible(48));
    ck_assert(stamp_size_is_possible(65507));
}
END_TEST

/* RFC 8762 figure 4. */
START_TEST(a_reply_is_read_field_by_field)
{
    static const unsigned char reply[STAMP_BYTES] = {
        0,    0,    0,    9,                   /* its number */
        0x83, 0xaa, 0x7e, 0x81, 0x80, 0, 0, 0, /* 1970 + 1.5 s */
        0x80, 1,    0,    0,                   /* error estimate, SSID */
        0x83, 0xaa, 0x7e, 0x81, 0x40, 0, 0, 0, /* 1970 + 1.25 s */
        0,    0,    0,    7,                   /* the sender's number */
        1,    2,    3,    4,    5,    6, 7, 8, /* and timestamp */
        0,    1,    0,    0,    64,   0, 0, 0};
    struct stamp_reply r;
    ck_assert(stamp_parse_reply(reply, sizeof reply, &r));
    ck_assert_uint_eq(r.numbers.seq, 9);
    ck_assert_uint_eq(r.numbers.record.id, 0);
    ck_assert_int_eq(r.sent_ns, 1500000000);
    ck_assert_int_eq(r.received_ns, 1250000000);
    ck_assert_uint_eq(r.error_estimate, 0x8001);
    ck_assert_uint_eq(r.request.seq, 7);
    ck_assert_uint_eq(r.request.time, 0x0102030405060708);
    ck_assert_uint_eq(r.request.error_estimate, 1);
    ck_assert(!stamp_parse_reply(reply, sizeof reply - 1, &r));
}
END_TEST

static struct stamp_record read_record(size_t bytes)
{
    struct stamp_reply r;
    ck_assert(stamp_parse_reply(packet, bytes, &r));
    return r.numbers.record;
}

START_TEST(a_record_is_read_where_its_flags_vouch_for_it)
{
    static const unsigned char tlv[] = {0, 253, 0,    16, 1, 2, 3, 4, 0, 0,
                                        0, 9,   0xff, 0,  0, 8, 0, 0, 1, 2};
    memset(packet, 0, sizeof packet);
    memcpy(packet + STAMP_BYTES, tlv, sizeof tlv);
    struct stamp_record record = read_record(64);
    ck_assert_uint_eq(record.id, 0x01020304);
    ck_assert_uint_eq(record.newest, 9);
    ck_assert_uint_eq(record.arrived, 0xff000008);
    ck_assert_uint_eq(record.duplicated, 0x102);
    ck_assert_uint_eq(read_record(63).id, 0);
    for (int bit = 0; bit < 8; bit++) {
        packet[STAMP_BYTES] = (unsigned char)(1 << bit);
        ck_assert_uint_eq(read_record(64).id, 0);
    }
    packet[STAMP_BYTES] = 0;
    ck_assert_uint_ne(read_record(64).id, 0);
    for (unsigned char length = 15; length <= 17; length++) {
        packet[STAMP_BYTES + 3] = length;
        ck_assert_int_eq(read_record(64).id != 0, length == 16);
        ck_assert_int_eq(read_record(65).id != 0, length != 15);
    }
    packet[STAMP_BYTES + 3] = 16;
    memcpy(packet + STAMP_BYTES + STAMP_TLV_BYTES, "tlse", 4); /* as it was sent */
    ck_assert_uint_eq(read_record(64).id, STAMP_RECORD_MAGIC);
    ck_assert_uint_eq(read_record(64).arrived, 0);
    packet[STAMP_BYTES + STAMP_TLV_BYTES] = 1;
    packet[STAMP_BYTES + 1] = STAMP_TLV_EXTRA_PADDING;
    ck_assert_uint_eq(read_record(64).id, 0);
}
END_TEST

START_TEST(times_survive_the_way_to_ntp_and_back)
{
    static const int64_t times_ns[] = {0, 1, 999999999, 1500000000, -1, 1796000000123456789};
    for (size_t i = 0; i < sizeof times_ns / sizeof *times_ns; i++)
        ck_assert_int_eq(stamp_unix_ns(stamp_time(times_ns[i]), STAMP_ERROR_LEAST), times_ns[i]);
    ck_assert_uint_eq(stamp_time(0), UINT64_C(2208988800) << 32);
}
END_TEST

/* NTP's era 0 ends on 7 February 2036, 06:28:16. */
START_TEST(times_after_2036_are_of_the_next_era)
{
    int64_t after_ns = INT64_C(2085978496) * 1000000000 + 5;
    ck_assert_uint_eq(stamp_time(after_ns) >> 32, 0);
    ck_assert_int_eq(stamp_unix_ns(stamp_time(after_ns), 0), after_ns);
}
END_TEST

START_TEST(a_reflector_may_use_ptp_timestamps)
{
    uint64_t time = UINT64_C(3) << 32 | 250000000;
    ck_assert_int_eq(stamp_unix_ns(time, STAMP_ERROR_PTP | 1), 3250000000);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("stamp");
    tcase_add_test(cases, a_request_has_its_fields_where_the_rfc_has_them);
    tcase_add_test(cases, a_session_identifier_follows_the_error_estimate);
    tcase_add_test(cases, a_longer_request_ends_with_one_padding_tlv);
    tcase_add_test(cases, a_request_with_room_for_it_asks_for_the_record);
    tcase_add_test(cases, a_size_is_that_of_a_packet_or_has_room_for_a_tlv);
    tcase_add_test(cases, a_reply_is_read_field_by_field);
    tcase_add_test(cases, a_record_is_read_where_its_flags_vouch_for_it);
    tcase_add_test(cases, times_survive_the_way_to_ntp_and_back);
    tcase_add_test(cases, times_after_2036_are_of_the_next_era);
    tcase_add_test(cases, a_reflector_may_use_ptp_timestamps);

    Suite *suite = suite_create("stamp");
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
