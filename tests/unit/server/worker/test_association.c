/* SPDX-License-Identifier: MIT */
#include "association.h"

#include <check.h>
#include <stdlib.h>

#include "loopback.h"
#include "suite.h"

static struct association_table table;
static struct error err;
static struct association a, b;

static void set_up(void)
{
    ck_assert_int_eq(association_table_init(&table, &err), 0);
}

static void tear_down(void)
{
    association_table_done(&table);
}

static struct association_key key(const char *peer, const char *own)
{
    struct address from = loopback_address(peer), to = loopback_address(own);
    return association_key(&from, &to);
}

static struct association_pair find(const char *peer, const char *own)
{
    struct association_key wanted = key(peer, own);
    return association_find(&table, &wanted);
}

START_TEST(is_found_by_both_addresses_and_ports)
{
    a = (struct association){.key = key("udp://192.0.2.1:4000", "udp://192.0.2.2:7443"),
                             .established = true};
    association_insert(&table, &a);
    ck_assert_ptr_eq(find("udp://192.0.2.1:4000", "udp://192.0.2.2:7443").established, &a);
    ck_assert_ptr_null(find("udp://192.0.2.1:4001", "udp://192.0.2.2:7443").established);
    ck_assert_ptr_null(find("udp://192.0.2.3:4000", "udp://192.0.2.2:7443").established);
    ck_assert_ptr_null(find("udp://192.0.2.1:4000", "udp://192.0.2.3:7443").established);
    ck_assert_ptr_null(find("udp://192.0.2.1:4000", "udp://192.0.2.2:7444").established);
    ck_assert_ptr_null(find("udp://[2001:db8::1]:4000", "udp://192.0.2.2:7443").established);
    association_remove(&table, &a);
    ck_assert_ptr_null(find("udp://192.0.2.1:4000", "udp://192.0.2.2:7443").established);
}
END_TEST

START_TEST(an_unfinished_one_stands_beside_the_established_one)
{
    a = b = (struct association){.key = key("udp://[2001:db8::1]:1", "udp://[2001:db8::2]:2")};
    a.established = true;
    association_insert(&table, &a);
    association_insert(&table, &b);
    struct association_pair pair = find("udp://[2001:db8::1]:1", "udp://[2001:db8::2]:2");
    ck_assert_ptr_eq(pair.established, &a);
    ck_assert_ptr_eq(pair.unfinished, &b);
    association_remove(&table, &a);
    pair = find("udp://[2001:db8::1]:1", "udp://[2001:db8::2]:2");
    ck_assert_ptr_null(pair.established);
    ck_assert_ptr_eq(pair.unfinished, &b);
}
END_TEST

START_TEST(grows_with_the_associations)
{
    enum { MANY = 1000 };
    struct association *all = calloc(MANY, sizeof *all);
    ck_assert_ptr_nonnull(all);
    for (uint16_t i = 0; i < MANY; i++) {
        all[i].key = (struct association_key){.peer_port = i};
        association_insert(&table, &all[i]);
    }
    ck_assert_uint_ge(table.bucket_count, MANY);
    for (uint16_t i = 0; i < MANY; i++) {
        ck_assert_ptr_eq(association_find(&table, &all[i].key).unfinished, &all[i]);
        association_remove(&table, &all[i]);
    }
    ck_assert_uint_eq(table.count, 0);
    free(all);
}
END_TEST

START_TEST(the_last_64_stay_awake)
{
    struct association *all = calloc(ASSOCIATIONS_AWAKE + 3, sizeof *all);
    ck_assert_ptr_nonnull(all);
    for (uint16_t i = 0; i < ASSOCIATIONS_AWAKE; i++) {
        all[i].key = (struct association_key){.peer_port = i};
        association_insert(&table, &all[i]);
        ck_assert_ptr_null(association_wake(&table, &all[i]));
        ck_assert_ptr_null(association_wake(&table, &all[0])); /* it is */
    }
    ck_assert_ptr_eq(association_wake(&table, &all[ASSOCIATIONS_AWAKE]), &all[0]);
    association_remove(&table, &all[1]); /* and its place is free */
    ck_assert_ptr_null(association_wake(&table, &all[ASSOCIATIONS_AWAKE + 1]));
    ck_assert_ptr_eq(association_wake(&table, &all[0]), &all[2]);
    free(all);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("association");
    TCase *tcase = tcase_create("association");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, is_found_by_both_addresses_and_ports);
    tcase_add_test(tcase, an_unfinished_one_stands_beside_the_established_one);
    tcase_add_test(tcase, grows_with_the_associations);
    tcase_add_test(tcase, the_last_64_stay_awake);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
