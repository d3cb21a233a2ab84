/* SPDX-License-Identifier: MIT */
#include "kernel.h"
#include "loopback.h"
#include "suite.h"
#include "tlsecho/net/socket.h"
#include "tlsecho/net/syn.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define IPV4_LINUX                                                                                 \
    "4500003c7e8140004006be387f0000017f00000190d2d7a34b3234e000000000a002ffd7fe300000"             \
    "0204ffd70402080addd6e16f000000000103030a"
#define IPV6_LINUX                                                                                 \
    "600b3b3d00280640000000000000000000000000000000010000000000000000000000000000000180"           \
    "06cbb5789015a800000000a002ffc4003000000204ffc40402080aa0732630000000000103030a"
#define IPV6_ADDRESSES "0000000000000000000000000000000100000000000000000000000000000001"
#define IPV4           "4500003400004000400600007f0000017f000001"
#define TCP(offset)    "90d2d7a34b3234e000000000" #offset "002ffff00000000"

static size_t bytes_of(const char *hex, unsigned char *ret)
{
    size_t n = strlen(hex) / 2;
    for (size_t i = 0; i < n; i++) {
        char pair[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        ret[i] = (unsigned char)strtoul(pair, NULL, 16);
    }
    return n;
}

/* From a block of exactly that size, so that a sanitizer notices a read beyond it. */
static bool parse(const unsigned char *data, size_t n, struct syn *ret)
{
    unsigned char *copy = malloc(n + 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy + 1, data, n);
    bool parsed = syn_parse(copy + 1, n, ret);
    free(copy);
    return parsed;
}

static bool parse_hex(const char *hex, struct syn *ret)
{
    unsigned char data[256];
    return parse(data, bytes_of(hex, data), ret);
}

static const char *options_of(const struct syn *syn)
{
    static char text[SYN_OPTIONS_MAX * SYN_OPTION_TEXT_BYTES];
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < syn->option_count; i++) {
        if (i > 0)
            text[used++] = ' ';
        syn_option_text(syn->options[i], text + used);
        used += strlen(text + used);
    }
    return text;
}

static const struct {
    const char *hex;
    struct syn syn;
    const char *options;
} systems[] = {
    /* Linux 6.18 on the loopback, as captured */
    {IPV4_LINUX,
     {.ttl = 64,
      .window = 65495,
      .mss = 65495,
      .window_scale = 10,
      .sack = true,
      .timestamps = true,
      .tsval = 0xddd6e16f},
     "mss sack-permitted timestamps nop window-scale"},
    {IPV6_LINUX,
     {.ttl = 64,
      .window = 65476,
      .mss = 65476,
      .window_scale = 10,
      .sack = true,
      .timestamps = true,
      .tsval = 0xa0732630},
     "mss sack-permitted timestamps nop window-scale"},
    /* as Windows 10 and 11 send it: no timestamps */
    {"45000034a1b2400080060000c0a80102c6336401c35001bb1122334400000000"
     "8002faf000000000020405b40103030801010402",
     {.ttl = 128, .window = 64240, .mss = 1460, .window_scale = 8, .sack = true},
     "mss nop window-scale nop nop sack-permitted"},
    /* as macOS sends it where it offers ECN */
    {"4502004000004000400600000a0000020a000001c35001bb1122334400000000"
     "b0c2ffff00000000020405b4010303060101080a3b9aca000000000004020000",
     {.ttl = 64,
      .ece = true,
      .cwr = true,
      .window = 65535,
      .mss = 1460,
      .window_scale = 6,
      .sack = true,
      .timestamps = true,
      .tsval = 1000000000},
     "mss nop window-scale nop nop timestamps sack-permitted end"},
    /* a small device: nothing but an MSS; DSCP 46 */
    {"45b8002c00004000ff0600000a0000020a000001c35001bb1122334400000000"
     "6002100000000000020401f4",
     {.ttl = 255, .dscp = 46, .window = 4096, .mss = 500, .window_scale = -1},
     "mss"},
};

enum { SYSTEMS = sizeof systems / sizeof systems[0] };

START_TEST(reads_the_syn_of_common_systems)
{
    struct syn syn;
    const struct syn *want = &systems[_i].syn;
    ck_assert(parse_hex(systems[_i].hex, &syn));
    ck_assert_uint_eq(syn.ttl, want->ttl);
    ck_assert_uint_eq(syn.dscp, want->dscp);
    ck_assert_int_eq(syn.ece, want->ece);
    ck_assert_int_eq(syn.cwr, want->cwr);
    ck_assert_uint_eq(syn.window, want->window);
    ck_assert_int_eq(syn.mss, want->mss);
    ck_assert_int_eq(syn.window_scale, want->window_scale);
    ck_assert_int_eq(syn.sack, want->sack);
    ck_assert_int_eq(syn.timestamps, want->timestamps);
    ck_assert_uint_eq(syn.tsval, want->tsval);
    ck_assert_uint_eq(syn.tsecr, 0);
    ck_assert_int_eq(syn.malformed, -1);
    ck_assert_str_eq(options_of(&syn), systems[_i].options);
}
END_TEST

static const struct {
    const char *hex, *options;
} named[] = {
    {IPV4 TCP(5), ""},
    {IPV4 TCP(6) "1e040101", "mptcp"},
    {IPV4 TCP(6) "22020101", "fast-open nop nop"},
    {IPV4 TCP(8) "220a01020304050607080101", "fast-open nop nop"},
    {IPV4 TCP(6) "fe04f989", "fast-open-experimental"},
    {IPV4 TCP(7) "fe06e2d4c3d90101", "smc nop nop"},
    {IPV4 TCP(6) "fd04abcd", "kind-253"},
    {IPV4 TCP(6) "fe020101", "kind-254 nop nop"},
    {IPV4 TCP(6) "4d04abcd", "kind-77"},
    {IPV4 TCP(6) "1c048123", "user-timeout"},
    {IPV4 TCP(6) "45021d02", "tcp-eno tcp-ao"},
    {IPV4 TCP(a) "13120102030405060708090a0b0c0d0e0f100101", "md5 nop nop"},
    {IPV4 TCP(6) "ac02ae02", "accecn0 accecn1"},
    {IPV4 TCP(a) "050a00000001000000021b0800000000000000ff", "sack quick-start end"},
    {IPV4 TCP(6) "00020202", "end"},
    {IPV4 TCP(f) "01010101010101010101010101010101010101010101010101010101010101010101010101010101",
     "nop nop nop nop nop nop nop nop nop nop nop nop nop nop nop nop nop nop nop nop "
     "nop nop nop nop nop nop nop nop nop nop nop nop nop nop nop nop nop nop nop nop"},
};

START_TEST(names_each_option_and_gives_the_number_of_others)
{
    struct syn syn;
    ck_assert(parse_hex(named[_i].hex, &syn));
    ck_assert_str_eq(options_of(&syn), named[_i].options);
    ck_assert_int_eq(syn.malformed, -1);
}
END_TEST

START_TEST(the_last_of_repeated_options_counts)
{
    struct syn syn;
    ck_assert(parse_hex(IPV4 TCP(7) "020405b4020401f4", &syn));
    ck_assert_int_eq(syn.mss, 500);
    ck_assert_str_eq(options_of(&syn), "mss mss");
}
END_TEST

static const struct {
    const char *hex, *options;
    int malformed;
} malformed[] = {
    {IPV4 TCP(6) "4d00abcd", "", 77},            /* length 0 would go round for ever */
    {IPV4 TCP(6) "4d01abcd", "", 77},            /* less than its own two bytes */
    {IPV4 TCP(6) "4d05abcd", "", 77},            /* beyond the header */
    {IPV4 TCP(6) "0101014d", "nop nop nop", 77}, /* no length at all */
    {IPV4 TCP(6) "02030502", "", 2},             /* an MSS of one byte */
    {IPV4 TCP(6) "01030401", "nop", 3},
    {IPV4 TCP(6) "04030101", "", 4},
    {IPV4 TCP(7) "0402080400000000", "sack-permitted", 8},
    {IPV4 TCP(7) "020405b40101020a", "mss nop nop", 2},
};

START_TEST(an_impossible_length_ends_the_list_and_is_told)
{
    struct syn syn;
    ck_assert(parse_hex(malformed[_i].hex, &syn));
    ck_assert_int_eq(syn.malformed, malformed[_i].malformed);
    ck_assert_str_eq(options_of(&syn), malformed[_i].options);
}
END_TEST

#define IPV6(next) "6b8000000014" #next "40" IPV6_ADDRESSES

static const char *const extended[] = {
    IPV6(06) TCP(5),
    IPV6(00) "0600010400000000" TCP(5), /* hop-by-hop */
    IPV6(2b) "0602000000000000"
             "00000000000000000000000000000001" TCP(5),                 /* routing */
    IPV6(2c) "06ff000000000001" TCP(5),                                 /* fragment: 8 bytes */
    IPV6(3c) "06011e0c070707070707070707070707" TCP(5),                 /* destination options */
    IPV6(33) "060400000000000100000001000000010000000100000001" TCP(5), /* authentication */
    IPV6(00) "3c00010400000000"
             "2b00010400000000"
             "8700010400000000"
             "0600010400000000" TCP(5),
};

enum { EXTENDED = sizeof extended / sizeof extended[0] };

START_TEST(finds_tcp_after_the_extension_headers_of_ipv6)
{
    struct syn syn;
    ck_assert(parse_hex(extended[_i], &syn));
    ck_assert_uint_eq(syn.ttl, 64);
    ck_assert_uint_eq(syn.dscp, 46);
    ck_assert_uint_eq(syn.window, 65535);
}
END_TEST

START_TEST(finds_tcp_after_the_options_of_ipv4)
{
    struct syn syn;
    ck_assert(parse_hex("4700003c00004000400600007f0000017f0000010101010101010100" TCP(5), &syn));
    ck_assert_uint_eq(syn.window, 65535);
}
END_TEST

static const char *const others[] = {
    "",
    "50"
    "00003400004000400600007f0000017f000001" TCP(5), /* IP version 5 */
    "44"
    "00003400004000400600007f0000017f000001" TCP(5),   /* a header shorter than it can be */
    "4500003400004000401100007f0000017f000001" TCP(5), /* UDP */
    IPV4 TCP(4),                                       /* likewise */
    IPV4 TCP(6),                                       /* options that are not there */
    IPV4 "90d2d7a34b3234e0000000005012ffff00000000",   /* SYN and ACK */
    IPV4 "90d2d7a34b3234e0000000005010ffff00000000",   /* ACK */
    IPV6(11) TCP(5),
    IPV6(3b) TCP(5), /* no next header */
    IPV6(32) TCP(5), /* encrypted */
    IPV6(00) "06ff010400000000" TCP(5),
};

enum { OTHERS = sizeof others / sizeof others[0] };

START_TEST(what_is_no_syn_is_refused)
{
    struct syn syn = {.mss = 77};
    ck_assert(!parse_hex(others[_i], &syn));
    ck_assert_int_eq(syn.mss, 77);
}
END_TEST

START_TEST(a_part_of_a_syn_is_refused_and_nothing_is_read_beyond_it)
{
    unsigned char data[256];
    struct syn syn;
    const char *hex = _i < SYSTEMS ? systems[_i].hex : extended[_i - SYSTEMS];
    size_t size = bytes_of(hex, data);
    for (size_t n = 0; n < size; n++)
        ck_assert(!parse(data, n, &syn));
    ck_assert(parse(data, size, &syn));
}
END_TEST

START_TEST(the_kernel_keeps_the_syn_of_each_connection_once_it_is_asked_to)
{
    if (!kernel_has(KERNEL_SAVED_SYN))
        return;
    unsigned char data[512];
    struct syn syn;
    struct address address = loopback_address(_i ? "tcp://[::1]:0" : "tcp://127.0.0.1:0");
    int listening = loopback_listen(&address, 8);
    int before = loopback_connect(&address);
    int queued = loopback_accept(listening);
    ck_assert_uint_eq(socket_saved_syn(queued, data, sizeof data), 0);
    socket_save_syn(listening, true);
    int client = loopback_connect(&address), accepted = loopback_accept(listening);
    ck_assert_uint_eq(socket_saved_syn(accepted, data, 10), 0);
    size_t n = socket_saved_syn(accepted, data, sizeof data);
    ck_assert(syn_parse(data, n, &syn));
    ck_assert_uint_eq(syn.dscp, 0);
    ck_assert_int_gt(syn.mss, 500);
    ck_assert_uint_eq(syn.options[0], SYN_OPTION_MSS);
    ck_assert_uint_eq(socket_saved_syn(accepted, data, sizeof data), 0); /* given once */
    socket_save_syn(listening, false);
    int after = loopback_connect(&address), last = loopback_accept(listening);
    ck_assert_uint_eq(socket_saved_syn(last, data, sizeof data), 0);
    const int all[] = {listening, before, queued, client, accepted, after, last};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        close(all[i]);
}
END_TEST

START_TEST(a_unix_socket_has_no_syn)
{
    int pair[2];
    unsigned char data[512];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    socket_save_syn(pair[0], true);
    ck_assert_uint_eq(socket_saved_syn(pair[1], data, sizeof data), 0);
    close(pair[0]);
    close(pair[1]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("syn");
    TCase *tcase = tcase_create("syn");
    tcase_add_loop_test(tcase, reads_the_syn_of_common_systems, 0, SYSTEMS);
    tcase_add_loop_test(tcase, names_each_option_and_gives_the_number_of_others, 0,
                        sizeof named / sizeof named[0]);
    tcase_add_test(tcase, the_last_of_repeated_options_counts);
    tcase_add_loop_test(tcase, an_impossible_length_ends_the_list_and_is_told, 0,
                        sizeof malformed / sizeof malformed[0]);
    tcase_add_loop_test(tcase, finds_tcp_after_the_extension_headers_of_ipv6, 0, EXTENDED);
    tcase_add_test(tcase, finds_tcp_after_the_options_of_ipv4);
    tcase_add_loop_test(tcase, what_is_no_syn_is_refused, 0, OTHERS);
    tcase_add_loop_test(tcase, a_part_of_a_syn_is_refused_and_nothing_is_read_beyond_it, 0,
                        SYSTEMS + EXTENDED);
    tcase_add_loop_test(tcase, the_kernel_keeps_the_syn_of_each_connection_once_it_is_asked_to, 0,
                        2);
    tcase_add_test(tcase, a_unix_socket_has_no_syn);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
