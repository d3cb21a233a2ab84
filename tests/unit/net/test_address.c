/* SPDX-License-Identifier: MIT */
#include "suite.h"
#include "tlsecho/net/address.h"

#include <arpa/inet.h>
#include <check.h>
#include <string.h>

static struct address resolved(const char *text, int family)
{
    struct endpoint endpoint;
    struct address_list found;
    struct error err;
    ck_assert_msg(endpoint_parse(text, &endpoint, &err) == 0, "%s", err.text);
    ck_assert_msg(address_resolve(&endpoint, family, false, &found, &err) == 0, "%s", err.text);
    ck_assert_uint_eq(found.count, 1);
    struct address address = found.items[0];
    address_list_free(&found);
    return address;
}

START_TEST(writes_the_address_that_it_read)
{
    static const char *const texts[][2] = {
        {"tcp://127.0.0.1:7007", "127.0.0.1:7007"},
        {"tls://[::1]", "[::1]:7443"},
        {"tcp://[::]:0", "[::]:0"},
        {"tcp://[fe80::1%lo]:80", "[fe80::1%lo]:80"},
        {"unix:///run/x.sock", "unix:/run/x.sock"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct address address = resolved(texts[i][0], AF_UNSPEC);
        char text[ADDRESS_TEXT_BYTES];
        address_text(&address, text);
        ck_assert_str_eq(text, texts[i][1]);
    }
}
END_TEST

START_TEST(calls_an_unnamed_unix_peer_unix)
{
    struct address address = {.length = sizeof(sa_family_t), .any = {.sa_family = AF_UNIX}};
    char text[ADDRESS_TEXT_BYTES];
    address_text(&address, text);
    ck_assert_str_eq(text, "unix");
}
END_TEST

START_TEST(writes_a_path_that_fills_its_field_without_reading_on)
{
    struct address address = {.length = sizeof(struct sockaddr_un)};
    address.local.sun_family = AF_UNIX;
    memset(address.local.sun_path, 'x', sizeof address.local.sun_path);
    char text[ADDRESS_TEXT_BYTES];
    address_text(&address, text);
    ck_assert_uint_eq(strlen(text), strlen("unix:") + sizeof address.local.sun_path);
}
END_TEST

START_TEST(unmaps_a_mapped_address_and_nothing_else)
{
    struct address mapped = resolved("tcp://[::1]:7007", AF_UNSPEC);
    inet_pton(AF_INET6, "::ffff:192.0.2.1", &mapped.ipv6.sin6_addr);
    struct address ipv4 = resolved("tcp://192.0.2.1:7007", AF_UNSPEC);
    ck_assert(!address_equal(&mapped, &ipv4));
    address_unmap(&mapped);
    ck_assert(address_equal(&mapped, &ipv4));
    ck_assert_uint_eq(mapped.length, sizeof(struct sockaddr_in));

    struct address ipv6 = resolved("tcp://[2001:db8::1]:7007", AF_UNSPEC), before = ipv6;
    address_unmap(&ipv6);
    ck_assert(address_equal(&ipv6, &before));
}
END_TEST

START_TEST(compares_addresses_by_all_that_matters)
{
    static const char *const texts[] = {
        "tcp://127.0.0.1:1", "tcp://127.0.0.1:2", "tcp://127.0.0.2:1",   "tcp://[::1]:1",
        "tcp://[::1]:2",     "tcp://[::2]:1",     "tcp://[fe80::1%1]:1", "tcp://[fe80::1%2]:1",
        "unix:///a",         "unix:///ab",
    };
    size_t count = sizeof texts / sizeof *texts;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++) {
            struct address a = resolved(texts[i], AF_UNSPEC), b = resolved(texts[j], AF_UNSPEC);
            ck_assert_msg(address_equal(&a, &b) == (i == j), "%s, %s", texts[i], texts[j]);
        }
}
END_TEST

static const struct {
    const char *a, *b;
    bool a_covers_b, overlap;
} pairs[] = {
    {"tcp://0.0.0.0:1", "tcp://127.0.0.1:1", true, true},
    {"tcp://[::]:1", "tcp://127.0.0.1:1", true, true},
    {"tcp://[::]:1", "tcp://[::1]:1", true, true},
    {"tcp://[::]:1", "tcp://0.0.0.0:1", true, true},
    {"tcp://[::]:1", "tcp://[::1]:2", true, false},
    {"tcp://0.0.0.0:1", "tcp://[::1]:1", false, false},
    {"tcp://127.0.0.1:1", "tcp://127.0.0.1:1", false, true},
    {"tcp://127.0.0.1:1", "tcp://127.0.0.2:1", false, false},
    {"tcp://127.0.0.1:1", "tcp://[::]:1", false, true},
    {"unix:///x", "unix:///x", false, true},
    {"unix:///x", "unix:///y", false, false},
    {"tcp://[::]:1", "unix:///x", false, false},
};

START_TEST(a_wildcard_covers_the_addresses_of_its_families)
{
    struct address a = resolved(pairs[_i].a, AF_UNSPEC), b = resolved(pairs[_i].b, AF_UNSPEC);
    ck_assert_msg(address_covers(&a, &b) == pairs[_i].a_covers_b, "%s, %s", pairs[_i].a,
                  pairs[_i].b);
    ck_assert_int_eq(address_overlaps(&a, &b), pairs[_i].overlap);
    ck_assert_int_eq(address_overlaps(&b, &a), pairs[_i].overlap);
}
END_TEST

START_TEST(sets_and_gets_ports)
{
    struct address ipv4 = resolved("tcp://127.0.0.1:1", AF_UNSPEC);
    struct address ipv6 = resolved("tcp://[::1]:1", AF_UNSPEC);
    struct address local = resolved("unix:///x", AF_UNSPEC);
    address_set_port(&ipv4, 7007);
    address_set_port(&ipv6, 7443);
    address_set_port(&local, 1);
    ck_assert_uint_eq(address_port(&ipv4), 7007);
    ck_assert_uint_eq(address_port(&ipv6), 7443);
    ck_assert_uint_eq(address_port(&local), 0);
}
END_TEST

START_TEST(resolves_localhost_without_repeating_an_address)
{
    struct endpoint endpoint = {.scheme = ENDPOINT_TCP, .host = "localhost", .port = 7007};
    struct address_list found;
    struct error err;
    ck_assert_int_eq(address_resolve(&endpoint, AF_UNSPEC, true, &found, &err), 0);
    ck_assert_uint_ge(found.count, 1);
    for (size_t i = 0; i < found.count; i++) {
        ck_assert_uint_eq(address_port(&found.items[i]), 7007);
        for (size_t j = 0; j < i; j++)
            ck_assert(!address_equal(&found.items[i], &found.items[j]));
    }
    address_list_free(&found);
    ck_assert_uint_eq(found.count, 0);
}
END_TEST

START_TEST(resolves_to_one_family_on_request)
{
    struct endpoint endpoint = {.scheme = ENDPOINT_TCP, .host = "localhost", .port = 7007};
    struct address_list found;
    struct error err;
    ck_assert_int_eq(address_resolve(&endpoint, AF_INET, false, &found, &err), 0);
    for (size_t i = 0; i < found.count; i++)
        ck_assert_int_eq(found.items[i].any.sa_family, AF_INET);
    address_list_free(&found);

    strcpy(endpoint.host, "::1");
    ck_assert_int_eq(address_resolve(&endpoint, AF_INET, false, &found, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_DNS);
}
END_TEST

START_TEST(reports_a_missing_interface)
{
    struct endpoint endpoint = {.scheme = ENDPOINT_TCP, .host = "fe80::1%none0", .port = 7007};
    struct address_list found;
    struct error err;
    ck_assert_int_eq(address_resolve(&endpoint, AF_UNSPEC, true, &found, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_DNS);
    ck_assert_str_eq(err.text, "fe80::1%none0: this host has no interface none0: write one that "
                               "\"ip link\" lists");
}
END_TEST

START_TEST(reports_a_name_that_does_not_resolve)
{
    /* RFC 6761 §6.4: it never does, with or without a resolver in reach. */
    struct endpoint endpoint = {.scheme = ENDPOINT_TCP, .host = "name.invalid", .port = 7007};
    struct address_list found;
    struct error err;
    ck_assert_int_eq(address_resolve(&endpoint, AF_UNSPEC, false, &found, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_DNS);
    ck_assert_int_ne(err.code, 0);
    ck_assert_ptr_nonnull(strstr(err.text, "look up name.invalid: "));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("address");
    TCase *tcase = tcase_create("address");
    tcase_add_test(tcase, writes_the_address_that_it_read);
    tcase_add_test(tcase, calls_an_unnamed_unix_peer_unix);
    tcase_add_test(tcase, writes_a_path_that_fills_its_field_without_reading_on);
    tcase_add_test(tcase, unmaps_a_mapped_address_and_nothing_else);
    tcase_add_test(tcase, compares_addresses_by_all_that_matters);
    tcase_add_loop_test(tcase, a_wildcard_covers_the_addresses_of_its_families, 0,
                        sizeof pairs / sizeof *pairs);
    tcase_add_test(tcase, sets_and_gets_ports);
    tcase_add_test(tcase, resolves_localhost_without_repeating_an_address);
    tcase_add_test(tcase, resolves_to_one_family_on_request);
    tcase_add_test(tcase, reports_a_missing_interface);
    tcase_add_test(tcase, reports_a_name_that_does_not_resolve);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
