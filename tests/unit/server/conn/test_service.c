/* SPDX-License-Identifier: MIT */
#include "suite.h"
#include "tlsecho/server/conn_info.h"
#include "tlsecho/server/service.h"

#include <check.h>
#include <stdint.h>
#include <string.h>

static void every_byte(unsigned char ret[256])
{
    for (int i = 0; i < 256; i++)
        ret[i] = (unsigned char)i;
}

START_TEST(finds_each_service_by_its_name)
{
    ck_assert_ptr_eq(service_find("echo"), &service_echo);
    ck_assert_ptr_eq(service_find("upper"), &service_upper);
    for (size_t i = 0; service_name(i); i++)
        ck_assert_str_eq(service_find(service_name(i))->name, service_name(i));
}
END_TEST

START_TEST(returns_null_for_an_unknown_name)
{
    static const char *const names[] = {"", "ech", "echoo", "ECHO", "upper "};
    ck_assert_ptr_null(service_find(names[_i]));
}
END_TEST

START_TEST(lists_the_names_and_stops)
{
    static const char *const names[] = {"echo",   "upper", "discard", "chargen",
                                        "report", "stamp", "hello",   "http"};
    enum { NAMES = sizeof names / sizeof *names };
    for (size_t i = 0; i < NAMES; i++)
        ck_assert_str_eq(service_name(i), names[i]);
    ck_assert_ptr_null(service_name(NAMES));
    ck_assert_ptr_null(service_name(SIZE_MAX));
}
END_TEST

START_TEST(echo_answers_every_byte_unchanged)
{
    unsigned char data[256], same[256];
    every_byte(data);
    every_byte(same);
    ck_assert_uint_eq(service_echo.answer(data, sizeof data), sizeof data);
    ck_assert_mem_eq(data, same, sizeof data);
}
END_TEST

START_TEST(upper_raises_the_letters_and_answers_as_many_bytes)
{
    unsigned char data[256], raised[256];
    every_byte(data);
    every_byte(raised);
    memcpy(&raised['a'], "ABCDEFGHIJKLMNOPQRSTUVWXYZ", 26);
    ck_assert_uint_eq(service_upper.answer(data, sizeof data), sizeof data);
    ck_assert_mem_eq(data, raised, sizeof data);
}
END_TEST

START_TEST(discard_answers_nothing_and_generates_nothing)
{
    ck_assert_ptr_null(service_discard.answer);
    ck_assert_ptr_null(service_discard.produce);
}
END_TEST

START_TEST(chargen_shows_72_of_95_characters_and_moves_on_by_one)
{
    char lines[3 * 74];
    ck_assert_uint_eq(service_chargen.produce(NULL, 0, (unsigned char *)lines, sizeof lines),
                      sizeof lines);
    ck_assert_mem_eq(lines,
                     " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefg"
                     "\r\n",
                     74);
    ck_assert_mem_eq(lines + 74, "!\"#$", 4);
    ck_assert_mem_eq(lines + 74 + 70, "gh\r\n\"#", 6);
}
END_TEST

/* The slow way: the offset of a byte determines its value. */
static unsigned char chargen_byte(uint64_t at)
{
    uint64_t row = at / 74, column = at % 74;
    if (column == 72)
        return '\r';
    return (unsigned char)(column == 73 ? '\n' : ' ' + (row + column) % 95);
}

START_TEST(chargen_continues_at_any_offset_in_pieces_of_any_size)
{
    static const uint64_t starts[] = {0, 71, 72, 73, 94 * 74 + 5, UINT64_C(1) << 40};
    unsigned char data[200];
    for (size_t size = 1; size <= sizeof data; size++) {
        ck_assert_uint_eq(service_chargen.produce(NULL, starts[_i], data, size), size);
        for (size_t i = 0; i < size; i++)
            ck_assert_uint_eq(data[i], chargen_byte(starts[_i] + i));
    }
}
END_TEST

static struct conn_info info;

static void fill_info(void)
{
    info = (struct conn_info){
        .time = {.tv_sec = 1700000000, .tv_nsec = 5000000},
        .server = "host.example",
        .listener = "front \"door\"",
        .connection = 42,
        .source = "192.0.2.1:4711",
        .destination = "127.0.0.1:7443",
        .peer = {.tls = true,
                 .version = "TLSv1.3",
                 .cipher = "TLS_AES_128_GCM_SHA256",
                 .group = "X25519",
                 .sni = "localhost",
                 .alpn = "h2",
                 .certificate =
                     {.present = true, .verified = true, .subject = "CN=client", .sha256 = "ab12"}},
        .exporter = "cafe",
        .client_names = "DNS:a\0URI:b://c\0",
    };
}

/* All of it, in windows of that size. */
static const char *report(size_t window)
{
    static char text[8192];
    size_t used = 0, n;
    while ((n = service_report.produce(&info, used, (unsigned char *)text + used, window)) > 0)
        used += n;
    text[used] = '\0';
    return text;
}

static const char reported[] =
    "{\"schema\":1,\"time\":\"2023-11-14T22:13:20.005Z\",\"server\":\"host.example\","
    "\"listener\":\"front \\\"door\\\"\",\"connection\":42,\"source\":\"192.0.2.1:4711\","
    "\"destination\":\"127.0.0.1:7443\",\"tls\":{\"version\":\"TLSv1.3\","
    "\"cipher\":\"TLS_AES_128_GCM_SHA256\",\"group\":\"X25519\",\"sni\":\"localhost\","
    "\"alpn\":\"h2\",\"resumed\":false,\"exporter\":\"cafe\",\"client\":{\"subject\":\"CN=client\","
    "\"sans\":[\"DNS:a\",\"URI:b://c\"],\"sha256\":\"ab12\",\"verified\":true}}}\n";

START_TEST(report_is_one_line_of_json)
{
    fill_info();
    ck_assert_str_eq(report(4096), reported);
}
END_TEST

START_TEST(report_is_the_same_through_a_small_buffer)
{
    fill_info();
    ck_assert_str_eq(report((size_t)_i), reported);
}
END_TEST

START_TEST(report_contains_the_proxy_header)
{
    static const struct proxy local = {.version = 1, .local = true};
    static const struct proxy whole = {
        .version = 2,
        .alpn = "h2",
        .authority = "a",
        .unique_id = "7",
        .tls = {.present = true, .certificate = true, .version = "TLSv1.2", .common_name = "c"}};
    info = (struct conn_info){.listener = "x", .connection = 7, .source = "unix"};
    info.proxy = &local;
    ck_assert_ptr_nonnull(strstr(report(4096), "\"proxy\":{\"version\":1,\"local\":true}"));
    info.proxy_tcp = true;
    ck_assert_ptr_nonnull(strstr(report(4096), "\"proxy\":{\"version\":1,\"local\":true,"
                                               "\"syn_sender\":\"proxy\"}"));
    info.proxy = &whole;
    memcpy(info.proxy_source, "b", sizeof "b");
    ck_assert_ptr_nonnull(strstr(report(4096),
                                 "\"proxy\":{\"version\":2,\"local\":false,\"source\":\"b\","
                                 "\"alpn\":\"h2\",\"authority\":\"a\",\"unique_id\":\"7\","
                                 "\"syn_sender\":\"proxy\","
                                 "\"tls\":{\"version\":\"TLSv1.2\",\"client\":"
                                 "{\"common_name\":\"c\",\"verified\":false}}}"));
}
END_TEST

static struct syn whole_syn(void)
{
    return (struct syn){.ttl = 57,
                        .dscp = 46,
                        .ece = true,
                        .cwr = true,
                        .window = 64240,
                        .mss = 1380,
                        .window_scale = 7,
                        .sack = true,
                        .timestamps = true,
                        .tsval = UINT32_MAX,
                        .tsecr = 1,
                        .malformed = 77,
                        .option_count = 3,
                        .options = {SYN_OPTION_MSS, SYN_OPTION_NOP, 78}};
}

static const char reported_syn[] =
    "\"syn\":{\"ttl\":57,\"dscp\":46,\"ece\":true,\"cwr\":true,\"mss\":1380,\"window\":64240,"
    "\"window_scale\":7,\"sack\":true,\"timestamps\":{\"tsval\":4294967295,\"tsecr\":1},"
    "\"options\":[\"mss\",\"nop\",\"kind-78\"],\"malformed\":\"kind-77\"}}\n";

START_TEST(report_contains_the_syn)
{
    struct syn syn = whole_syn();
    info = (struct conn_info){.listener = "x", .connection = 7, .source = "a", .syn = &syn};
    const char *text = report((size_t)_i);
    ck_assert_msg(strstr(text, reported_syn) != NULL, "%s", text);
}
END_TEST

START_TEST(report_leaves_out_what_the_syn_has_not)
{
    struct syn syn = {.ttl = 64, .window = 512, .mss = -1, .window_scale = -1, .malformed = -1};
    info = (struct conn_info){.listener = "x", .connection = 7, .source = "a", .syn = &syn};
    ck_assert_ptr_nonnull(strstr(report(4096),
                                 "\"syn\":{\"ttl\":64,\"dscp\":0,\"ece\":false,\"cwr\":false,"
                                 "\"window\":512,\"sack\":false,\"options\":[]}}\n"));
}
END_TEST

START_TEST(report_contains_the_identity)
{
    struct identity_variable variables[] = {{(char[]){"POD_NAME"}, (char[]){"\"\x1b"}},
                                            {(char[]){"name"}, (char[]){"x"}}};
    struct identity identity = {.name = (char[]){"web-1"}, .variables = variables, .count = 2};
    info = (struct conn_info){.listener = "x", .connection = 7, .source = "a"};
    info.identity = &identity;
    ck_assert_ptr_nonnull(strstr(report((size_t)_i),
                                 "\"identity\":{\"name\":\"web-1\",\"env\":"
                                 "{\"POD_NAME\":\"\\\"\\u001b\",\"name\":\"x\"}}"));
    identity.count = 0;
    ck_assert_ptr_nonnull(strstr(report((size_t)_i), "\"identity\":{\"name\":\"web-1\"}"));
}
END_TEST

START_TEST(hello_is_one_line_of_json_through_any_buffer)
{
    static const char expected[] =
        "{\"schema\":1,\"time\":\"2023-11-14T22:13:20.005Z\",\"server\":\"host.example\","
        "\"identity\":{\"name\":\"web-1\"},\"listener\":\"front \\\"door\\\"\","
        "\"connection\":42,\"source\":\"192.0.2.1:4711\",\"tls\":{\"version\":\"TLSv1.3\",";
    const struct identity identity = {.name = (char[]){"web-1"}};
    char text[4096];
    size_t used = 0, n;
    fill_info();
    info.identity = &identity;
    while ((n = service_hello.produce(&info, used, (unsigned char *)text + used, (size_t)_i)) > 0)
        used += n;
    ck_assert_uint_gt(used, sizeof expected);
    ck_assert_mem_eq(text, expected, sizeof expected - 1);
    ck_assert_ptr_eq(memchr(text, '\n', used), text + used - 1);
}
END_TEST

START_TEST(hello_answers_every_byte_unchanged)
{
    unsigned char data[256], same[256];
    every_byte(data);
    every_byte(same);
    ck_assert_uint_eq(service_hello.answer(data, sizeof data), sizeof data);
    ck_assert_mem_eq(data, same, sizeof data);
}
END_TEST

START_TEST(report_leaves_out_what_is_unknown)
{
    info = (struct conn_info){.listener = "plain", .connection = 7, .source = "unix"};
    ck_assert_str_eq(report(4096),
                     "{\"schema\":1,\"time\":\"1970-01-01T00:00:00.000Z\",\"listener\":\"plain\","
                     "\"connection\":7,\"source\":\"unix\"}\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("service");
    TCase *tcase = tcase_create("service");
    tcase_add_test(tcase, finds_each_service_by_its_name);
    tcase_add_loop_test(tcase, returns_null_for_an_unknown_name, 0, 5);
    tcase_add_test(tcase, lists_the_names_and_stops);
    tcase_add_test(tcase, echo_answers_every_byte_unchanged);
    tcase_add_test(tcase, upper_raises_the_letters_and_answers_as_many_bytes);
    tcase_add_test(tcase, discard_answers_nothing_and_generates_nothing);
    tcase_add_test(tcase, chargen_shows_72_of_95_characters_and_moves_on_by_one);
    tcase_add_loop_test(tcase, chargen_continues_at_any_offset_in_pieces_of_any_size, 0, 6);
    tcase_add_test(tcase, report_is_one_line_of_json);
    tcase_add_loop_test(tcase, report_is_the_same_through_a_small_buffer, 1, 8);
    tcase_add_test(tcase, report_contains_the_proxy_header);
    tcase_add_loop_test(tcase, report_contains_the_syn, 1, 8);
    tcase_add_test(tcase, report_leaves_out_what_the_syn_has_not);
    tcase_add_loop_test(tcase, report_contains_the_identity, 1, 8);
    tcase_add_loop_test(tcase, hello_is_one_line_of_json_through_any_buffer, 1, 8);
    tcase_add_test(tcase, hello_answers_every_byte_unchanged);
    tcase_add_test(tcase, report_leaves_out_what_is_unknown);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
