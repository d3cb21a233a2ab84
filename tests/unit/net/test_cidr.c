/* SPDX-License-Identifier: MIT */
#include "tlsecho/net/cidr.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "loopback.h"
#include "suite.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

static struct cidr parsed(const char *text)
{
    struct cidr cidr;
    struct error err;
    ck_assert_msg(cidr_parse(text, &cidr, &err) == 0, "%s: %s", text, err.text);
    return cidr;
}

static const struct {
    const char *text, *canonical;
} right[] = {
    {"10.0.0.0/8", "10.0.0.0/8"},
    {"0.0.0.0/0", "0.0.0.0/0"},
    {"192.0.2.128/25", "192.0.2.128/25"},
    {"192.0.2.1", "192.0.2.1/32"},
    {"192.0.2.1/32", "192.0.2.1/32"},
    {"2001:db8::/32", "2001:db8::/32"},
    {"2001:0DB8:0:0::/32", "2001:db8::/32"},
    {"::/0", "::/0"},
    {"fe80::/10", "fe80::/10"},
    {"2001:db8:0:8000::/49", "2001:db8:0:8000::/49"},
    {"::1", "::1/128"},
    {"::1/128", "::1/128"},
    {"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8/128"},
    {"::ffff:192.0.2.0/120", "192.0.2.0/24"},
    {"::ffff:192.0.2.1", "192.0.2.1/32"},
    {"::ffff:0:0/96", "0.0.0.0/0"},
    {"::/80", "::/80"},
    {"unix", "unix"},
};

START_TEST(reads_networks_and_writes_them_in_one_way)
{
    struct cidr cidr = parsed(right[_i].text), again;
    char text[CIDR_TEXT_BYTES];
    cidr_text(&cidr, text);
    ck_assert_str_eq(text, right[_i].canonical);
    again = parsed(text);
    ck_assert(cidr_equal(&cidr, &again));
}
END_TEST

static const struct {
    const char *text, *reason;
} wrong[] = {
    {"10.0.0.1/8", "\"10.0.0.1/8\" is an address inside a network: write 10.0.0.0/8 for the "
                   "network, or 10.0.0.1 for that address alone"},
    {"192.0.2.129/25", "\"192.0.2.129/25\" is an address inside a network: write 192.0.2.128/25"},
    {"2001:db8::1/32", "\"2001:db8::1/32\" is an address inside a network: write 2001:db8::/32 "
                       "for the network, or 2001:db8::1 for that address alone"},
    {"::1/0", "\"::1/0\" is an address inside a network: write ::/0"},
    {"::ffff:192.0.2.1/120", "\"::ffff:192.0.2.1/120\" is an address inside a network: write "
                             "192.0.2.0/24 for the network, or ::ffff:192.0.2.1 for that"},
    {"10.0.0.0/33", "the prefix length of \"10.0.0.0/33\" is out of range: write 0 to 32"},
    {"::/129", "the prefix length of \"::/129\" is out of range: write 0 to 128"},
    {"10.0.0.0/99999999999999999999", "the prefix length of \"10.0.0.0/99999999999999999999\" is "
                                      "out of range: write 0 to 32 after the slash"},
    {"10.0.0.0/x", "\"10.0.0.0/x\" has no prefix length after the slash: write a number "
                   "from 0 to 32"},
    {"::/x", "\"::/x\" has no prefix length after the slash: write a number from 0 to 128"},
    {"10.0.0.0/", "\"10.0.0.0/\" has no prefix length after the slash"},
    {"10.0.0.0/08", "\"10.0.0.0/08\" has no prefix length after the slash"},
    {"10.0.0.0/-8", "\"10.0.0.0/-8\" has no prefix length after the slash"},
    {"10.0.0.0/+8", "\"10.0.0.0/+8\" has no prefix length after the slash"},
    {"10.0.0.0/8 ", "\"10.0.0.0/8 \" has no prefix length after the slash"},
    {"10.0.0.0/8/8", "\"10.0.0.0/8/8\" has no prefix length after the slash"},
    {"10.0.0.0/4294967304", "the prefix length of \"10.0.0.0/4294967304\" is out of range"},
    {"10.0.0.0/255.0.0.0", "\"10.0.0.0/255.0.0.0\" has no prefix length after the slash"},
    {"",
     "\"\" is not a network: write one such as 10.0.0.0/8 or 2001:db8::/32, an address, or unix"},
    {"/8", "\"/8\" is not a network"},
    {"10/8", "\"10/8\" is not a network"},
    {"10.0.0.0.0/8", "\"10.0.0.0.0/8\" is not a network"},
    {"010.0.0.0/8", "\"010.0.0.0/8\" is not a network"},
    {" 10.0.0.0/8", "\" 10.0.0.0/8\" is not a network"},
    {"256.0.0.0/8", "\"256.0.0.0/8\" is not a network"},
    {"[::1]", "\"[::1]\" is not a network"},
    {"::g/16", "\"::g/16\" is not a network"},
    {"fe80::1%lo", "\"fe80::1%lo\" is not a network"},
    {"localhost", "\"localhost\" is not a network"},
    {"Unix", "\"Unix\" is not a network"},
    {"unix/0", "\"unix/0\" is not a network"},
    {"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd:eeee",
     "\"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:\" is not a network"},
};

START_TEST(refuses_anything_else_with_an_example)
{
    struct cidr cidr = {.family = -1};
    struct error err;
    ck_assert_msg(cidr_parse(wrong[_i].text, &cidr, &err) == -1, "%s", wrong[_i].text);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_msg(strncmp(err.text, wrong[_i].reason, strlen(wrong[_i].reason)) == 0, "%s",
                  err.text);
    ck_assert_msg(cidr.family == -1, "untouched");
}
END_TEST

static const struct {
    const char *cidr, *inside, *outside; /* addresses as endpoints; NULL = none */
} networks[] = {
    {"10.0.0.0/8", "tcp://10.255.255.255:1", "tcp://11.0.0.0:1"},
    {"192.0.2.128/25", "tcp://192.0.2.128", "tcp://192.0.2.127"},
    {"192.0.2.1", "tcp://192.0.2.1", "tcp://192.0.2.0"},
    {"0.0.0.0/0", "tcp://255.0.255.0", "tcp://[::1]"},
    {"0.0.0.0/0", "tcp://[::ffff:192.0.2.1]", "unix:///x"},
    {"192.0.2.0/24", "tcp://[::ffff:192.0.2.1]", "tcp://[::ffff:192.0.3.1]"},
    {"::ffff:192.0.2.0/120", "tcp://192.0.2.1", "tcp://192.0.3.1"},
    {"::/0", "tcp://[2001:db8::1]", "tcp://192.0.2.1"},
    {"::/0", NULL, "tcp://[::ffff:192.0.2.1]"},
    {"2001:db8::/32", "tcp://[2001:db8:ffff::1]", "tcp://[2001:db9::]"},
    {"2001:db8::/33", "tcp://[2001:db8:7fff::1]", "tcp://[2001:db8:8000::1]"},
    {"::1", "tcp://[::1]", "tcp://[::2]"},
    {"fe80::/10", "tcp://[fe80::1%lo]", "tcp://[fec0::1]"},
    {"::/0", NULL, "unix:///x"},
    {"unix", "unix:///x", "tcp://127.0.0.1"},
    {"unix", NULL, "tcp://[::1]"},
};

START_TEST(matches_addresses_inside_the_network_and_no_others)
{
    struct cidr cidr = parsed(networks[_i].cidr);
    struct address outside = loopback_address(networks[_i].outside);
    ck_assert_msg(!cidr_match(&cidr, 1, &outside), "%s in %s", networks[_i].outside,
                  networks[_i].cidr);
    if (!networks[_i].inside)
        return;
    struct address inside = loopback_address(networks[_i].inside);
    ck_assert_msg(cidr_match(&cidr, 1, &inside), "%s not in %s", networks[_i].inside,
                  networks[_i].cidr);
}
END_TEST

START_TEST(one_match_of_several_is_enough_and_an_empty_list_matches_nothing)
{
    const struct cidr cidrs[] = {parsed("10.0.0.0/8"), parsed("unix"), parsed("::1")};
    struct address address = loopback_address("tcp://[::1]");
    ck_assert(cidr_match(cidrs, 3, &address));
    ck_assert(!cidr_match(cidrs, 2, &address));
    ck_assert(!cidr_match(NULL, 0, &address));
}
END_TEST

START_TEST(an_unnamed_unix_peer_matches_too)
{
    struct address address = {.length = sizeof(sa_family_t), .any = {.sa_family = AF_UNIX}};
    struct cidr local = parsed("unix");
    ck_assert(cidr_match(&local, 1, &address));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cidr");
    TCase *tcase = tcase_create("cidr");
    tcase_add_loop_test(tcase, reads_networks_and_writes_them_in_one_way, 0, COUNT(right));
    tcase_add_loop_test(tcase, refuses_anything_else_with_an_example, 0, COUNT(wrong));
    tcase_add_loop_test(tcase, matches_addresses_inside_the_network_and_no_others, 0,
                        COUNT(networks));
    tcase_add_test(tcase, one_match_of_several_is_enough_and_an_empty_list_matches_nothing);
    tcase_add_test(tcase, an_unnamed_unix_peer_matches_too);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
