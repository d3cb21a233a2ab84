/* SPDX-License-Identifier: MIT */
#include "suite.h"
#include "tls_san_match.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static struct error err;

static void taken(const char *pattern)
{
    ck_assert_msg(tls_san_match_check(pattern, &err) == 0, "%s", err.text);
}

static void refused(const char *pattern, const char *remedy)
{
    ck_assert_msg(tls_san_match_check(pattern, &err) == -1, "%s", pattern);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_msg(strstr(err.text, remedy) != NULL, "%s", err.text);
    ck_assert_msg(strstr(err.text, pattern) != NULL, "%s", err.text);
}

static bool matches(const char *pattern, enum tls_san_match_kind kind, const char *value)
{
    taken(pattern);
    return tls_san_match_matches(pattern, kind, value, strlen(value));
}

START_TEST(accepts_patterns_of_all_three_kinds)
{
    taken("DNS:example.org");
    taken("DNS:*.example.org");
    taken("DNS:web.*.example.org");
    taken("DNS:*");
    taken("DNS:_service.example.org");
    taken("URI:spiffe://td/ns/*/sa");
    taken("URI:spiffe://td/*/*");
    taken("URI:https://[::1]:8443/a?b=c#d");
    taken("URI:urn:example:a");
    taken("email:*@example.org");
    taken("email:a+b@example.org");
}
END_TEST

START_TEST(refuses_a_pattern_without_a_kind)
{
    refused("example.org", "DNS:, URI: or email:");
    refused("", "DNS:, URI: or email:");
    refused("dns:example.org", "DNS:, URI: or email:");
    refused("CN:example.org", "DNS:, URI: or email:");
    refused("IP:127.0.0.1", "DNS:, URI: or email:");
    refused("DNS:", "and then the name");
    refused("DNS: example.org", "without spaces");
    refused("URI:spiffe://td/\xc3\xa4", "without spaces");
    ck_assert_int_eq(tls_san_match_check("URI:spiffe://td/\x7f", &err), -1);
}
END_TEST

START_TEST(refuses_a_star_that_is_no_whole_label)
{
    refused("DNS:w*.example.org", "one whole label");
    refused("DNS:**.example.org", "one whole label");
    refused("DNS:.example.org", "one whole label");
    refused("DNS:example.org.", "one whole label");
    refused("DNS:a..example.org", "one whole label");
    refused("DNS:a/b", "one whole label");
}
END_TEST

START_TEST(refuses_a_star_that_is_no_whole_segment_of_the_path)
{
    refused("URI:spiffe://td/ns/a*/sa", "one whole segment");
    refused("URI:spiffe://td/**", "one whole segment");
    refused("URI:spiffe://*/ns", "one whole segment");
    refused("URI:*://td/ns", "one whole segment");
    refused("URI:*", "one whole segment");
    refused("URI:urn:example:*", "one whole segment");
    refused("URI:urn:example/*", "one whole segment");
    refused("URI:://td/*", "one whole segment");
    refused("URI:spiffe://td/a?b/*", "one whole segment");
    refused("URI:spiffe://td/a#b/*", "one whole segment");
    refused("URI:example", "a whole URI");
    refused("URI::example", "a whole URI");
}
END_TEST

START_TEST(refuses_a_star_that_is_no_whole_local_part)
{
    refused("email:a*@example.org", "before the @");
    refused("email:*", "before the @");
    refused("email:@example.org", "before the @");
    refused("email:a@*.example.org", "before the @");
    refused("email:a@b@example.org", "before the @");
    refused("email:a@", "before the @");
}
END_TEST

START_TEST(takes_a_star_for_one_label)
{
    ck_assert(matches("DNS:*.example.org", TLS_SAN_MATCH_DNS, "a.example.org"));
    ck_assert(matches("DNS:*.example.org", TLS_SAN_MATCH_DNS, "A-1.Example.ORG"));
    ck_assert(!matches("DNS:*.example.org", TLS_SAN_MATCH_DNS, "a.b.example.org"));
    ck_assert(!matches("DNS:*.example.org", TLS_SAN_MATCH_DNS, "example.org"));
    ck_assert(!matches("DNS:*.example.org", TLS_SAN_MATCH_DNS, ".example.org"));
    ck_assert(!matches("DNS:*.example.org", TLS_SAN_MATCH_DNS, "a.example.org.evil"));
    ck_assert(!matches("DNS:*.example.org", TLS_SAN_MATCH_DNS, "a.example.orgs"));
    ck_assert(matches("DNS:web.*.example.org", TLS_SAN_MATCH_DNS, "web.a.example.org"));
    ck_assert(matches("DNS:example.org", TLS_SAN_MATCH_DNS, "example.org"));
    ck_assert(!matches("DNS:example.org", TLS_SAN_MATCH_DNS, "a.example.org"));
}
END_TEST

START_TEST(does_not_take_a_wildcard_certificate_for_a_host)
{
    ck_assert(!matches("DNS:*.example.org", TLS_SAN_MATCH_DNS, "*.example.org"));
}
END_TEST

START_TEST(takes_a_star_for_one_segment)
{
    static const char pattern[] = "URI:spiffe://td/ns/*/sa";
    ck_assert(matches(pattern, TLS_SAN_MATCH_URI, "spiffe://td/ns/a.b-c/sa"));
    ck_assert(!matches(pattern, TLS_SAN_MATCH_URI, "spiffe://td/ns/a/b/sa"));
    ck_assert(!matches(pattern, TLS_SAN_MATCH_URI, "spiffe://td/ns//sa"));
    ck_assert(!matches(pattern, TLS_SAN_MATCH_URI, "spiffe://td/ns/../sa"));
    ck_assert(!matches(pattern, TLS_SAN_MATCH_URI, "spiffe://td/ns/./sa"));
    ck_assert(!matches(pattern, TLS_SAN_MATCH_URI, "spiffe://td/ns/a?/sa"));
    ck_assert(!matches(pattern, TLS_SAN_MATCH_URI, "spiffe://td/ns/a#/sa"));
    ck_assert(!matches(pattern, TLS_SAN_MATCH_URI, "spiffe://td/ns/a/sa/"));
    ck_assert(!matches(pattern, TLS_SAN_MATCH_URI, "spiffe://td/ns/a"));
    ck_assert(!matches(pattern, TLS_SAN_MATCH_URI, "spiffe://other/ns/a/sa"));
    ck_assert(!matches(pattern, TLS_SAN_MATCH_URI, "SPIFFE://td/ns/a/sa"));
}
END_TEST

START_TEST(a_star_matches_no_segment_with_percent_encoding)
{
    static const char *const segments[] = {"%2e%2e", "%2E.", "a%2fb", "a%2Fb", "a%5cb",
                                           "%252e",  "a%00", "a%2",   "a%zz",  "%61"};
    for (size_t i = 0; i < sizeof segments / sizeof *segments; i++) {
        char uri[80];
        snprintf(uri, sizeof uri, "spiffe://td/ns/%s/sa", segments[i]);
        ck_assert_msg(!matches("URI:spiffe://td/ns/*/sa", TLS_SAN_MATCH_URI, uri), "%s", uri);
    }
    ck_assert(matches("URI:a://b/c%20d/*", TLS_SAN_MATCH_URI, "a://b/c%20d/e"));
    ck_assert(!matches("URI:a://b/c%20d/*", TLS_SAN_MATCH_URI, "a://b/c d/e"));
}
END_TEST

START_TEST(takes_a_star_for_one_local_part)
{
    ck_assert(matches("email:*@example.org", TLS_SAN_MATCH_EMAIL, "a.b+c@Example.org"));
    ck_assert(!matches("email:*@example.org", TLS_SAN_MATCH_EMAIL, "@example.org"));
    ck_assert(!matches("email:*@example.org", TLS_SAN_MATCH_EMAIL, "a@b@example.org"));
    ck_assert(!matches("email:*@example.org", TLS_SAN_MATCH_EMAIL, "a@example.org@b"));
    ck_assert(!matches("email:*@example.org", TLS_SAN_MATCH_EMAIL, "a@sub.example.org"));
    ck_assert(!matches("email:*@example.org", TLS_SAN_MATCH_EMAIL, "example.org"));
    ck_assert(matches("email:a@example.org", TLS_SAN_MATCH_EMAIL, "a@EXAMPLE.org"));
    ck_assert(!matches("email:a@example.org", TLS_SAN_MATCH_EMAIL, "A@example.org"));
    ck_assert(!matches("email:a@example.org", TLS_SAN_MATCH_EMAIL, "aa@example.org"));
}
END_TEST

START_TEST(never_matches_one_kind_of_name_with_another)
{
    ck_assert(!matches("DNS:example.org", TLS_SAN_MATCH_URI, "example.org"));
    ck_assert(!matches("DNS:*", TLS_SAN_MATCH_EMAIL, "a"));
    ck_assert(!matches("email:a@example.org", TLS_SAN_MATCH_URI, "a@example.org"));
}
END_TEST

START_TEST(is_not_misled_by_nuls_or_dots_in_a_name)
{
    ck_assert(
        !tls_san_match_matches("DNS:a.example.org", TLS_SAN_MATCH_DNS, "a.example.org\0x", 15));
    ck_assert(
        !tls_san_match_matches("email:*@a.example", TLS_SAN_MATCH_EMAIL, "x\0y@a.example", 13));
    ck_assert(!tls_san_match_matches("URI:a://b/*", TLS_SAN_MATCH_URI, "a://b/\xc3\xa4", 8));
    ck_assert(!tls_san_match_matches("URI:a://b/*", TLS_SAN_MATCH_URI, "a://b/c d", 9));
    ck_assert(!tls_san_match_matches("DNS:*", TLS_SAN_MATCH_DNS, "", 0));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tls_san_match");
    TCase *tcase = tcase_create("patterns");
    tcase_add_test(tcase, accepts_patterns_of_all_three_kinds);
    tcase_add_test(tcase, refuses_a_pattern_without_a_kind);
    tcase_add_test(tcase, refuses_a_star_that_is_no_whole_label);
    tcase_add_test(tcase, refuses_a_star_that_is_no_whole_segment_of_the_path);
    tcase_add_test(tcase, refuses_a_star_that_is_no_whole_local_part);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("matching");
    tcase_add_test(tcase, takes_a_star_for_one_label);
    tcase_add_test(tcase, does_not_take_a_wildcard_certificate_for_a_host);
    tcase_add_test(tcase, takes_a_star_for_one_segment);
    tcase_add_test(tcase, a_star_matches_no_segment_with_percent_encoding);
    tcase_add_test(tcase, takes_a_star_for_one_local_part);
    tcase_add_test(tcase, never_matches_one_kind_of_name_with_another);
    tcase_add_test(tcase, is_not_misled_by_nuls_or_dots_in_a_name);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
