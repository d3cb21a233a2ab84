/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/payload.h"

#include <check.h>
#include <string.h>

#include "suite.h"

START_TEST(the_stream_is_the_same_in_whatever_parts_it_is_filled)
{
    unsigned char whole[1000], parts[1000];
    payload_fill(whole, sizeof whole, 7, 12345);
    for (size_t at = 0, n = 1; at < sizeof parts; at += n, n = n % 13 + 1) {
        n = n < sizeof parts - at ? n : sizeof parts - at;
        payload_fill(parts + at, n, 7, 12345 + at);
    }
    ck_assert_mem_eq(whole, parts, sizeof whole);
}
END_TEST

START_TEST(another_offset_or_another_seed_gives_other_bytes)
{
    unsigned char a[64], b[64], c[64];
    payload_fill(a, sizeof a, 1, 0);
    payload_fill(b, sizeof b, 1, sizeof a);
    payload_fill(c, sizeof c, 2, 0);
    ck_assert_mem_ne(a, b, sizeof a);
    ck_assert_mem_ne(a, c, sizeof a);
}
END_TEST

START_TEST(writes_no_byte_beyond_the_part)
{
    unsigned char data[32];
    memset(data, 0xaa, sizeof data);
    payload_fill(data + 3, 10, 1, 5);
    ck_assert_uint_eq(data[2], 0xaa);
    ck_assert_uint_eq(data[13], 0xaa);
    payload_fill(data, 0, 1, 5);
    ck_assert_uint_eq(data[0], 0xaa);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("payload");
    tcase_add_test(cases, the_stream_is_the_same_in_whatever_parts_it_is_filled);
    tcase_add_test(cases, another_offset_or_another_seed_gives_other_bytes);
    tcase_add_test(cases, writes_no_byte_beyond_the_part);

    Suite *suite = suite_create("payload");
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
