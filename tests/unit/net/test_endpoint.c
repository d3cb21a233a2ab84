/* SPDX-License-Identifier: MIT */
#include "suite.h"
#include "tlsecho/net/endpoint.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

static const struct endpoint *parsed(const char *text)
{
    static struct endpoint endpoint;
    struct error err;
    ck_assert_msg(endpoint_parse(text, &endpoint, &err) == 0, "%s: %s", text, err.text);
    return &endpoint;
}

static const struct {
    const char *text, *host;
    enum endpoint_scheme scheme;
    uint16_t port;
} right[] = {
    {"tcp://localhost:7007", "localhost", ENDPOINT_TCP, 7007},
    {"tls://localhost:7443", "localhost", ENDPOINT_TLS, 7443},
    {"tcp://localhost", "localhost", ENDPOINT_TCP, ENDPOINT_PORT_TCP},
    {"tls://localhost", "localhost", ENDPOINT_TLS, ENDPOINT_PORT_TLS},
    {"TLS://Example.org.:0", "Example.org.", ENDPOINT_TLS, 0},
    {"tcp://127.0.0.1:65535", "127.0.0.1", ENDPOINT_TCP, 65535},
    {"tcp://[::1]:7007", "::1", ENDPOINT_TCP, 7007},
    {"tls://[::]", "::", ENDPOINT_TLS, ENDPOINT_PORT_TLS},
    {"tcp://[fe80::1%eth0]:1", "fe80::1%eth0", ENDPOINT_TCP, 1},
    {"tcp://[fe80::1%25eth0]:1", "fe80::1%eth0", ENDPOINT_TCP, 1},
    {"tcp://[fe80::1%25]:1", "fe80::1%25", ENDPOINT_TCP, 1},
    {"tcp://[fe80::1%252]:1", "fe80::1%2", ENDPOINT_TCP, 1},
    {"tcp://[fe80::1%2525x]:1", "fe80::1%25x", ENDPOINT_TCP, 1},
    {"tcp://[fe80::1%eth0%251]:1", "fe80::1%eth0%251", ENDPOINT_TCP, 1},
    {"tcp://[::ffff:192.0.2.1]:1", "192.0.2.1", ENDPOINT_TCP, 1},
    {"tcp://[::FFFF:c000:201]:1", "192.0.2.1", ENDPOINT_TCP, 1},
    {"tcp://_a-b.1c:1", "_a-b.1c", ENDPOINT_TCP, 1},
    {"udp://localhost:7", "localhost", ENDPOINT_UDP, 7},
    {"UDP://[::]", "::", ENDPOINT_UDP, ENDPOINT_PORT_UDP},
    {"dtls://localhost:1", "localhost", ENDPOINT_DTLS, 1},
    {"DTLS://[::]", "::", ENDPOINT_DTLS, ENDPOINT_PORT_DTLS},
};

START_TEST(reads_scheme_host_and_port)
{
    const char *text = right[_i].text;
    struct endpoint endpoint = *parsed(text);
    ck_assert_msg(endpoint.scheme == right[_i].scheme, "%s", text);
    ck_assert_str_eq(endpoint.host, right[_i].host);
    ck_assert_uint_eq(endpoint.port, right[_i].port);
    ck_assert_str_eq(endpoint.path, "");
}
END_TEST

START_TEST(reads_a_unix_path_unchanged)
{
    struct endpoint endpoint = *parsed("unix:///run/a b?#%40.sock");
    ck_assert_int_eq(endpoint.scheme, ENDPOINT_UNIX);
    ck_assert_str_eq(endpoint.path, "/run/a b?#%40.sock");
    ck_assert_str_eq(endpoint.host, "");
    ck_assert_uint_eq(endpoint.port, 0);
}
END_TEST

START_TEST(a_unix_path_has_one_text)
{
    static const char *const texts[] = {"unix:///run/.x/a..b", "unix:////run/.x//a..b",
                                        "unix:///./run/./.x/././a..b", "unix:///run//.//.x/a..b"};
    for (int i = 0; i < COUNT(texts); i++)
        ck_assert_str_eq(parsed(texts[i])->path, "/run/.x/a..b");
}
END_TEST

START_TEST(accepts_a_unix_path_of_107_bytes_and_not_of_108)
{
    char text[200];
    struct endpoint endpoint;
    struct error err;
    snprintf(text, sizeof text, "unix:///%0106d", 0);
    endpoint = *parsed(text);
    ck_assert_uint_eq(strlen(endpoint.path), 107);

    snprintf(text, sizeof text, "unix:///%0107d", 0);
    ck_assert_int_eq(endpoint_parse(text, &endpoint, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "at most 107"));
}
END_TEST

static const struct {
    const char *text, *remedy;
} wrong[] = {
    {"quic://localhost:1",
     "QUIC is not supported, its scheme is reserved: write tls://localhost:1"},
    {"QUIC://localhost", "QUIC is not supported"},
    {"tcp://[fe80::1]:7007", "without its zone: write tcp://[fe80::1%eth0]"},
    {"", "write tcp://HOST:PORT"},
    {"localhost:7007", "\"localhost:7007\" has no scheme: write tcp://localhost:7007 or "
                       "tls://localhost:7007"},
    {"/run/x.sock", "write unix:///run/x.sock"},
    {"http://localhost", "write tcp://, tls://, udp://, dtls:// or unix://"},
    {"tcp:localhost", "no scheme"},
    {"tcp://", "has no host"},
    {"tcp://:7007", "write tcp://localhost:7007, or tcp://[::]:7007"},
    {"tcp://::1:7007", "write tcp://[ADDRESS]:PORT"},
    {"tcp://::1", "write tcp://[ADDRESS]:PORT"},
    {"tcp://[::1:7007", "closing ]"},
    {"tcp://[]:7007", "has no host"},
    {"tcp://[localhost]:7007", "without brackets"},
    {"tcp://[127.0.0.1]:7007", "without brackets"},
    {"tcp://[::1%]:7007", "without brackets"},
    {"tcp://[::1%0123456789abcdef]:7007", "without brackets"},
    {"tcp://[::1]7007", "colon between"},
    {"tcp://localhost:", "a number from 0 to 65535"},
    {"tcp://localhost:65536", "port 65536 is out of range: write 0 to 65535"},
    {"tcp://localhost:4294967296", "port 4294967296 is out of range"},
    {"tcp://localhost:-1", "is not a port"},
    {"tcp://localhost:+1", "is not a port"},
    {"tcp://localhost: 1", "is not a port"},
    {"tcp://localhost:0x10", "is not a port"},
    {"tcp://localhost:7007/", "write tcp://localhost:7007 without \"/\""},
    {"tcp://localhost/x", "write tcp://localhost without \"/x\""},
    {"tcp://localhost:7007?a=b", "write tcp://localhost:7007 without \"?a=b\""},
    {"tcp://localhost:7007#a", "without \"#a\""},
    {"tls://me@localhost:7443", "write tls://localhost:7443"},
    {"tcp://a..b:1", "neither a name nor an address"},
    {"tcp://.:1", "neither a name nor an address"},
    {"tcp://a b:1", "neither a name nor an address"},
    {"tcp://*:1", "neither a name nor an address"},
    {"tcp://256.0.0.1:1", "neither a name nor an address"},
    {"tcp://127.1:1", "neither a name nor an address"},
    {"tcp://a\n:1", "control character"},
    {"unix:///run/a\x7f", "control character"},
    {"unix://run/x.sock", "write unix:///PATH"},
    {"unix://", "write unix:///PATH"},
    {"unix:///run/", "name a file"},
};

START_TEST(refuses_errors_with_a_correct_example)
{
    const char *text = wrong[_i].text;
    struct endpoint endpoint, untouched;
    struct error err;
    memset(&endpoint, 0x55, sizeof endpoint);
    untouched = endpoint;
    ck_assert_msg(endpoint_parse(text, &endpoint, &err) == -1, "%s was taken", text);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_msg(strstr(err.text, wrong[_i].remedy) != NULL, "%s: %s", text, err.text);
    ck_assert_mem_eq(&endpoint, &untouched, sizeof endpoint);
}
END_TEST

START_TEST(refuses_names_and_labels_that_are_too_long)
{
    char text[400];
    struct endpoint endpoint;
    struct error err;
    snprintf(text, sizeof text, "tcp://a%063d:1", 0);
    ck_assert_int_eq(endpoint_parse(text, &endpoint, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "neither a name"));
    snprintf(text, sizeof text, "tcp://a%0255d:1", 0);
    ck_assert_int_eq(endpoint_parse(text, &endpoint, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "at most 255"));
}
END_TEST

START_TEST(keeps_the_remedy_however_long_the_text_is)
{
    char text[5000];
    struct endpoint endpoint;
    struct error err;
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    ck_assert_int_eq(endpoint_parse(text, &endpoint, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "or tls://x"));
}
END_TEST

static const struct {
    const char *given, *canonical;
} pairs[] = {
    {"tcp://localhost", "tcp://localhost:7007"},
    {"TLS://[::1]", "tls://[::1]:7443"},
    {"tcp://127.0.0.1:0080", "tcp://127.0.0.1:80"},
    {"unix:///run/x", "unix:///run/x"},
};

START_TEST(reads_back_what_it_writes)
{
    struct endpoint endpoint = *parsed(pairs[_i].given), again;
    char text[ENDPOINT_TEXT_BYTES];
    endpoint_text(&endpoint, text);
    ck_assert_str_eq(text, pairs[_i].canonical);
    again = *parsed(text);
    ck_assert_mem_eq(&endpoint, &again, sizeof again);
}
END_TEST

START_TEST(distinguishes_addresses_from_names)
{
    ck_assert(endpoint_host_is_address("127.0.0.1"));
    ck_assert(endpoint_host_is_address("::1"));
    ck_assert(endpoint_host_is_address("fe80::1%lo"));
    ck_assert(!endpoint_host_is_address("localhost"));
    ck_assert(!endpoint_host_is_address("127.1"));
    ck_assert(!endpoint_host_is_address("[::1]"));
    ck_assert(!endpoint_host_is_address(""));

    ck_assert(endpoint_host_is_name("localhost"));
    ck_assert(endpoint_host_is_name("a.example."));
    ck_assert(!endpoint_host_is_name("127.0.0.1"));
    ck_assert(!endpoint_host_is_name("::1"));
    ck_assert(!endpoint_host_is_name(".example"));
    ck_assert(!endpoint_host_is_name(""));
}
END_TEST

START_TEST(recognises_addresses_that_no_socket_can_have)
{
    static const char *const many[] = {"224.0.0.0",       "239.255.255.255", "255.255.255.255",
                                       "127.255.255.255", "ff02::1",         "ff02::1%lo",
                                       "ffff::"};
    static const char *const one[] = {"223.255.255.255", "240.0.0.1", "255.255.255.254",
                                      "0.0.0.0",         "::",        "fe80::1",
                                      "224.example",     "ff02"};
    for (int i = 0; i < COUNT(many); i++)
        ck_assert_msg(endpoint_host_is_for_many(many[i]), "%s", many[i]);
    for (int i = 0; i < COUNT(one); i++)
        ck_assert_msg(!endpoint_host_is_for_many(one[i]), "%s", one[i]);
}
END_TEST

static const struct {
    const char *a, *b;
    bool overlap;
} neighbours[] = {
    {"tcp://127.0.0.1:1", "tls://127.0.0.1:1", true},
    {"tcp://127.0.0.1:1", "tcp://127.0.0.1:2", false},
    {"tcp://127.0.0.1:1", "tcp://127.0.0.2:1", false},
    {"tcp://127.0.0.1:0", "tcp://127.0.0.1:0", false},
    {"tcp://127.0.0.1:1", "tcp://[::ffff:7f00:1]:1", true},
    {"tcp://[::1]:1", "tcp://[0:0::1]:1", true},
    {"tcp://[::]:1", "tcp://127.0.0.1:1", true},
    {"tcp://[::]:1", "tcp://[2001:db8::1]:1", true},
    {"tcp://[0::0]:1", "tcp://example.org:1", true},
    {"tcp://[::]:1", "tcp://0.0.0.0:1", true},
    {"tcp://0.0.0.0:1", "tcp://127.0.0.1:1", true},
    {"tcp://0.0.0.0:1", "tcp://localhost:1", true},
    {"tcp://0.0.0.0:1", "tcp://[::1]:1", false},
    {"tcp://0.0.0.0:1", "tcp://example.org:1", false},
    {"tcp://localhost:1", "tcp://LocalHost.:1", true},
    {"tcp://localhost:1", "tcp://127.0.0.1:1", true},
    {"tcp://localhost:1", "tcp://[::1]:1", true},
    {"tcp://localhost:1", "tcp://127.0.0.2:1", false},
    {"tcp://localhost:1", "tcp://example.org:1", false},
    {"tcp://example.org:1", "tcp://EXAMPLE.org:1", true},
    {"tcp://[fe80::1%a]:1", "tcp://[fe80::1%b]:1", false},
    {"tcp://[fe80::1%a]:1", "tcp://[fe80::1%a]:1", true},
    {"tcp://[fe80::1%a]:1", "tcp://[::]:1", true},
    {"unix:///a", "unix:///a", true},
    {"unix:///a", "unix:///b", false},
    {"unix:///run/a", "unix:////run//./a", true},
    {"unix:///run/a", "unix:///run/.a", false},
    {"unix:///run/a", "unix:///run/x/../a", false},
    {"unix:///a", "tcp://[::]:1", false},
    {"udp://127.0.0.1:1", "tcp://127.0.0.1:1", false},
    {"udp://127.0.0.1:1", "tls://[::]:1", false},
    {"udp://127.0.0.1:1", "udp://[::]:1", true},
    {"udp://127.0.0.1:1", "unix:///a", false},
    {"dtls://127.0.0.1:1", "udp://[::]:1", true},
    {"dtls://127.0.0.1:1", "tls://127.0.0.1:1", false},
};

START_TEST(recognises_endpoints_that_overlap)
{
    struct endpoint a = *parsed(neighbours[_i].a), b = *parsed(neighbours[_i].b);
    ck_assert_msg(endpoint_overlap(&a, &b) == neighbours[_i].overlap, "%s %s", neighbours[_i].a,
                  neighbours[_i].b);
    ck_assert(endpoint_overlap(&b, &a) == neighbours[_i].overlap);
}
END_TEST

START_TEST(recognises_addresses_that_only_this_host_can_reach)
{
    static const char *const local[] = {"tcp://localhost:1",          "tcp://127.0.0.1:1",
                                        "tcp://127.9.9.9:1",          "tcp://[::1]:1",
                                        "tcp://[::ffff:127.0.0.1]:1", "unix:///a"};
    static const char *const others[] = {"tcp://0.0.0.0:1", "tcp://[::]:1", "tcp://192.0.2.1:1",
                                         "tcp://[2001:db8::1]:1", "tcp://host.example:1"};
    for (int i = 0; i < COUNT(local); i++) {
        struct endpoint endpoint = *parsed(local[i]);
        ck_assert_msg(endpoint_is_local(&endpoint), "%s", local[i]);
    }
    for (int i = 0; i < COUNT(others); i++) {
        struct endpoint endpoint = *parsed(others[i]);
        ck_assert_msg(!endpoint_is_local(&endpoint), "%s", others[i]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("endpoint");
    TCase *tcase = tcase_create("endpoint");
    tcase_add_loop_test(tcase, reads_scheme_host_and_port, 0, COUNT(right));
    tcase_add_test(tcase, reads_a_unix_path_unchanged);
    tcase_add_test(tcase, a_unix_path_has_one_text);
    tcase_add_test(tcase, accepts_a_unix_path_of_107_bytes_and_not_of_108);
    tcase_add_loop_test(tcase, refuses_errors_with_a_correct_example, 0, COUNT(wrong));
    tcase_add_test(tcase, refuses_names_and_labels_that_are_too_long);
    tcase_add_test(tcase, keeps_the_remedy_however_long_the_text_is);
    tcase_add_loop_test(tcase, reads_back_what_it_writes, 0, COUNT(pairs));
    tcase_add_test(tcase, distinguishes_addresses_from_names);
    tcase_add_test(tcase, recognises_addresses_that_no_socket_can_have);
    tcase_add_loop_test(tcase, recognises_endpoints_that_overlap, 0, COUNT(neighbours));
    tcase_add_test(tcase, recognises_addresses_that_only_this_host_can_reach);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
