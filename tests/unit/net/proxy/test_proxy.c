/* SPDX-License-Identifier: MIT */
#include "tlsecho/net/proxy.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loopback.h"
#include "proxy_internal.h"
#include "suite.h"

static struct error err;
static struct proxy proxy;
static unsigned char header[PROXY_BYTES_MAX];

static int parse(const void *data, size_t n, size_t *ret_bytes)
{
    memset(&proxy, 0x55, sizeof proxy);
    *ret_bytes = SIZE_MAX;
    return proxy_parse(data, n, &proxy, ret_bytes, &err);
}

static void assert_address(const struct address *address, const char *expected)
{
    char text[ADDRESS_TEXT_BYTES];
    address_text(address, text);
    ck_assert_str_eq(text, expected);
}

/* A whole header with something behind it, which every beginning of it leads to. */
static void assert_parses(const void *data, size_t n)
{
    size_t bytes;
    for (size_t i = 0; i < n; i++) {
        ck_assert_msg(parse(data, i, &bytes) == 0, "%zu bytes: %s", i, err.text);
        ck_assert_uint_eq(bytes, 0);
    }
    unsigned char more[PROXY_BYTES_MAX + 8];
    memcpy(more, data, n);
    memcpy(more + n, "\x16\x03\x01\r\nPR", 7);
    ck_assert_msg(parse(more, n + 7, &bytes) == 0, "%s", err.text);
    ck_assert_uint_eq(bytes, n);
}

static void assert_refused(const void *data, size_t n, const char *words)
{
    size_t bytes;
    ck_assert_int_eq(parse(data, n, &bytes), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_msg(strstr(err.text, words), "\"%s\" instead of \"%s\"", err.text, words);
}

START_TEST(reads_a_line_of_version_1)
{
    static const struct {
        const char *line, *source, *destination;
    } cases[] = {
        {"PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n", "192.0.2.1:56324", "198.51.100.2:443"},
        {"PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n", "[2001:db8::1]:1",
         "[2001:db8::2]:65535"},
        {"PROXY TCP6 ::ffff:192.0.2.1 ::ffff:192.0.2.2 0 1\r\n", "192.0.2.1:0", "192.0.2.2:1"},
        {"PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff"
         "f 65535 65535\r\n",
         "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
         "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
    };
    assert_parses(cases[_i].line, strlen(cases[_i].line));
    ck_assert_int_eq(proxy.version, 1);
    ck_assert(!proxy.local);
    assert_address(&proxy.source, cases[_i].source);
    assert_address(&proxy.destination, cases[_i].destination);
    ck_assert_str_eq(proxy.authority, "");
}
END_TEST

START_TEST(a_line_has_107_bytes_at_most)
{
    char line[] = "PROXY UNKNOWN "
                  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
                  "65535 65535\r\n\r\n";
    ck_assert_uint_eq(strlen(line), 109);
    assert_parses(line, 107);
    memcpy(line + 105, "5\r\n", 3);
    assert_refused(line, 108, "no end of line within 107 bytes");
    assert_refused(line, 107, "no end of line within 107 bytes");
}
END_TEST

START_TEST(a_proxy_without_a_client_sends_no_addresses)
{
    static const char *const lines[] = {
        "PROXY UNKNOWN\r\n",
        "PROXY UNKNOWN ffff:f...f:ffff x 65535 and so on\r\n",
    };
    assert_parses(lines[_i], strlen(lines[_i]));
    ck_assert(proxy.local);
}
END_TEST

START_TEST(refuses_a_malformed_line_with_the_reason)
{
    static const struct {
        const char *line, *words;
    } cases[] = {
        {"GET / HTTP/1.0\r\n", "does not start with one"},
        {"\x16\x03\x01", "does not start with one"},
        {"PROXZ", "does not start with one"},
        {"PROXY\tTCP4", "does not start with one"},
        {"PROXY \r\n", "its protocol"},
        {"PROXY TCP5 192.0.2.1 192.0.2.2 1 2\r\n", "its protocol"},
        {"PROXY UNKNOWNX 1\r\n", "its protocol"},
        {"PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n", "fewer than two addresses"},
        {"PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n", "more than two addresses"},
        {"PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n", "more than two addresses"},
        {"PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n", "more than two addresses"},
        {"PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n", "an address"},
        {"PROXY TCP4 ::1 ::2 1 2\r\n", "an address"},
        {"PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n", "an address"},
        {"PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n", "a port"},
        {"PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n", "a port"},
        {"PROXY TCP4 192.0.2.1 192.0.2.2 1 -2\r\n", "a port"},
        {"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n", "without CR"},
        {"PROXY \n", "without CR"},
        {"PROXY UNKNOWN "
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "aaaaaaaaaaaaaaaa\r\n",
         "107 bytes"},
    };
    assert_refused(cases[_i].line, strlen(cases[_i].line), cases[_i].words);
}
END_TEST

START_TEST(refuses_a_nul_in_a_line)
{
    static const char line[] = "PROXY TCP4 192.0.2.1\0 192.0.2.2 1 2\r\n";
    assert_refused(line, sizeof line - 1, "NUL");
}
END_TEST

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define TCP4      SIGNATURE "\x21\x11"
#define ADDRESSES "\xc0\x00\x02\x01\xc6\x33\x64\x02\xdc\x04\x01\xbb"

/* A header of version 2 as a literal, without its own NUL. */
#define V2(text) text, sizeof(text) - 1

START_TEST(reads_version_2)
{
    assert_parses(V2(TCP4 "\0\x0c" ADDRESSES));
    ck_assert_int_eq(proxy.version, 2);
    assert_address(&proxy.source, "192.0.2.1:56324");
    assert_address(&proxy.destination, "198.51.100.2:443");
}
END_TEST

START_TEST(reads_known_tlvs_and_skips_the_others)
{
    assert_parses(V2(TCP4 "\0\x60" ADDRESSES "\x01\0\x02h2"
                          "\x02\0\x0blocalhost.a"
                          "\x04\0\x03...\xee\0\0"
                          "\x05\0\x03id7"
                          "\x20\0\x2f\x07\0\0\0\0"
                          "\x21\0\x07TLSv1.3\x22\0\x06"
                          "client\x23\0\x04"
                          "AES1\x24\0\x04sig.\x26\0\x06X25519"));
    ck_assert_str_eq(proxy.alpn, "h2");
    ck_assert_str_eq(proxy.authority, "localhost.a");
    ck_assert_str_eq(proxy.unique_id, "id7");
    ck_assert(proxy.tls.present && proxy.tls.certificate && proxy.tls.verified);
    ck_assert_str_eq(proxy.tls.version, "TLSv1.3");
    ck_assert_str_eq(proxy.tls.common_name, "client");
    ck_assert_str_eq(proxy.tls.cipher, "AES1");
    ck_assert_str_eq(proxy.tls.group, "X25519");
}
END_TEST

START_TEST(local_and_unspecified_have_no_addresses_whatever_they_contain)
{
    assert_parses(V2(SIGNATURE "\x20\x11\0\x0c" ADDRESSES));
    ck_assert(proxy.local);
    assert_parses(V2(SIGNATURE "\x20\0\0\x03\xff\xff\xff"));
    ck_assert(proxy.local);
    assert_parses(V2(SIGNATURE "\x21\0\0\x05\x01\0\x02h2"));
    ck_assert(proxy.local);
    ck_assert_str_eq(proxy.alpn, "h2");
}
END_TEST

START_TEST(refuses_a_malformed_version_2_with_the_reason)
{
    static const struct {
        const char *data;
        size_t n;
        const char *words;
    } cases[] = {
        {V2(SIGNATURE "\x11\x11\0\x0c"), "version 2"},
        {V2(SIGNATURE "\x22\x11\0\x0c"), "version 2"},
        {V2(SIGNATURE "\x21\x11\x3f\xf1"), "16384"},
        {V2(SIGNATURE "\x21\x11\xff\xff"), "16384"},
        {V2(TCP4 "\0\x0b\xc0\x00\x02\x01\xc6\x33\x64\x02\xdc\x04\x01"), "too short for the addr"},
        {V2(SIGNATURE "\x21\x21\0\x0c" ADDRESSES), "too short for the addr"},
        {V2(SIGNATURE "\x21\x12\0\x0b\xc0\x00\x02\x01\xc6\x33\x64\x02\xdc\x04\x01"),
         "too short for the addr"},
        {V2(SIGNATURE "\x21\x12\0\x0e" ADDRESSES "\x01\0"), "beyond its end"},
        {V2(TCP4 "\0\x0e" ADDRESSES "\x01\0"), "beyond its end"},
        {V2(TCP4 "\0\x10" ADDRESSES "\x01\0\x02h"), "beyond its end"},
        {V2(TCP4 "\0\x11" ADDRESSES "\x20\0\x02\x01\0"), "about TLS is too short"},
        {V2(TCP4 "\0\x11" ADDRESSES "\x03\0\x02\0\0"), "4 bytes"},
        {V2(TCP4 "\0\x13" ADDRESSES "\x03\0\x04\0\0\0\0"), "CRC32C is wrong"},
    };
    assert_refused(cases[_i].data, cases[_i].n, cases[_i].words);
}
END_TEST

START_TEST(another_protocol_or_family_leaves_the_real_addresses)
{
    static const struct {
        const char *data;
        size_t n;
        const char *alpn;
    } cases[] = {
        {V2(SIGNATURE "\x21\0\0\x0c" ADDRESSES), ""},                    /* UNSPEC */
        {V2(SIGNATURE "\x21\0\0\x0c\0\0\0\0\0\0\0\0\0\0\0\0"), ""},      /* zeros for addresses */
        {V2(SIGNATURE "\x21\x12\0\x11" ADDRESSES "\x01\0\x02h2"), "h2"}, /* UDP over IPv4 */
        {V2(SIGNATURE "\x21\x41\0\x0c" ADDRESSES), ""},                  /* an unassigned family */
        {V2(SIGNATURE "\x21\x1f\0\x0c" ADDRESSES), ""},                  /* and protocol */
        {V2(SIGNATURE "\x21\x10\0\0"), ""},                              /* IPv4, UNSPEC */
    };
    assert_parses(cases[_i].data, cases[_i].n);
    ck_assert(proxy.local);
    ck_assert_str_eq(proxy.alpn, cases[_i].alpn);
}
END_TEST

/* A header of TCP over IPv4 with the TLV `type` of n times x behind the addresses. */
static size_t with_tlv(int type, size_t n)
{
    memcpy(header, TCP4, 14);
    memcpy(header + 16, ADDRESSES, 12);
    header[14] = (unsigned char)((12 + 3 + n) >> 8);
    header[15] = (unsigned char)(12 + 3 + n);
    header[28] = (unsigned char)type;
    header[29] = (unsigned char)(n >> 8);
    header[30] = (unsigned char)n;
    memset(header + 31, 'x', n);
    return 31 + n;
}

START_TEST(accepts_a_header_of_16_kib)
{
    size_t n = with_tlv(0xe0, PROXY_BYTES_MAX - 31), bytes;
    ck_assert_uint_eq(n, PROXY_BYTES_MAX);
    ck_assert_int_eq(parse(header, n, &bytes), 0);
    ck_assert_uint_eq(bytes, n);
    assert_address(&proxy.source, "192.0.2.1:56324");
}
END_TEST

START_TEST(leaves_out_a_name_that_does_not_fit_or_contains_a_nul)
{
    size_t bytes, n = with_tlv(PROXY_TLV_AUTHORITY, 256);
    ck_assert_int_eq(parse(header, n, &bytes), 0);
    ck_assert_uint_eq(strlen(proxy.authority), 256);
    n = with_tlv(PROXY_TLV_AUTHORITY, 257);
    ck_assert_int_eq(parse(header, n, &bytes), 0);
    ck_assert_str_eq(proxy.authority, "");
    assert_address(&proxy.source, "192.0.2.1:56324");
    assert_parses(V2(TCP4 "\0\x12" ADDRESSES "\x02\0\x03h\0i"));
    ck_assert_str_eq(proxy.authority, "");
}
END_TEST

START_TEST(returns_a_unique_id_that_is_not_text_in_hex)
{
    assert_parses(V2(TCP4 "\0\x12" ADDRESSES "\x05\0\x03\x01\0\xfe"));
    ck_assert_str_eq(proxy.unique_id, "0100fe");
    assert_parses(V2(TCP4 "\0\x11" ADDRESSES "\x05\0\x02\xff\xff"));
    ck_assert_str_eq(proxy.unique_id, "ffff");
    assert_parses(V2(TCP4 "\0\x11" ADDRESSES "\x05\0\x02"
                          "a\n"));
    ck_assert_str_eq(proxy.unique_id, "610a");
    size_t bytes, n = with_tlv(PROXY_TLV_UNIQUE_ID, 128);
    header[31] = '\0';
    ck_assert_int_eq(parse(header, n, &bytes), 0);
    ck_assert_uint_eq(strlen(proxy.unique_id), 256);
    n = with_tlv(PROXY_TLV_UNIQUE_ID, 129);
    ck_assert_int_eq(parse(header, n, &bytes), 0);
    ck_assert_str_eq(proxy.unique_id, "");
}
END_TEST

START_TEST(the_first_of_two_equal_tlvs_counts)
{
    assert_parses(V2(TCP4 "\0\x16" ADDRESSES "\x01\0\x02h2\x01\0\x02h3"));
    ck_assert_str_eq(proxy.alpn, "h2");
}
END_TEST

START_TEST(there_is_no_client_certificate_without_tls)
{
    assert_parses(V2(TCP4 "\0\x14" ADDRESSES "\x20\0\x05\x02\0\0\0\0"));
    ck_assert(!proxy.tls.present && !proxy.tls.certificate && !proxy.tls.verified);
}
END_TEST

START_TEST(verifies_crc_32c)
{
    ck_assert_uint_eq(proxy_crc32c((const unsigned char *)"123456789", 9, 9), 0xe3069283);
    /* its own place counts as zeros */
    ck_assert_uint_eq(proxy_crc32c((const unsigned char *)"123456789", 9, 2),
                      proxy_crc32c((const unsigned char *)"12\0\0\0\0"
                                                          "789",
                                   9, 9));
    ck_assert_uint_ne(proxy_crc32c((const unsigned char *)"123456789", 9, 2),
                      proxy_crc32c((const unsigned char *)"12\0\0\0\0\0\0\0", 9, 9));
}
END_TEST

static struct address local(const char *path)
{
    struct address address = {.local = {.sun_family = AF_UNIX}};
    snprintf(address.local.sun_path, sizeof address.local.sun_path, "%s", path);
    address.length = sizeof address.local;
    return address;
}

static struct proxy full(int version, struct address source, struct address destination)
{
    return (struct proxy){
        .version = version,
        .source = source,
        .destination = destination,
        .alpn = "http/1.1",
        .authority = "example.org",
        .unique_id = "0123",
        .tls = {.present = true,
                .certificate = true,
                .verified = true,
                .version = "TLSv1.2",
                .cipher = "ECDHE",
                .group = "P-256",
                .common_name = "client"},
    };
}

START_TEST(reads_back_what_it_builds)
{
    static const struct {
        const char *source, *destination, *read_source, *read_destination;
    } cases[] = {
        {"tcp://192.0.2.1:1", "tcp://192.0.2.2:2", "192.0.2.1:1", "192.0.2.2:2"},
        {"tcp://[2001:db8::1]:1", "tcp://[::2]:2", "[2001:db8::1]:1", "[::2]:2"},
        {"tcp://192.0.2.1:1", "tcp://[2001:db8::2]:2", "192.0.2.1:1", "[2001:db8::2]:2"},
    };
    for (int version = 1; version <= 2; version++) {
        struct proxy original = full(version, loopback_address(cases[_i].source),
                                     loopback_address(cases[_i].destination));
        assert_parses(header, proxy_build(&original, header));
        ck_assert_int_eq(proxy.version, version);
        assert_address(&proxy.source, cases[_i].read_source);
        assert_address(&proxy.destination, cases[_i].read_destination);
    }
    ck_assert_str_eq(proxy.alpn, "http/1.1");
    ck_assert_str_eq(proxy.authority, "example.org");
    ck_assert_str_eq(proxy.unique_id, "0123");
    ck_assert(proxy.tls.present && proxy.tls.certificate && proxy.tls.verified);
    ck_assert_str_eq(proxy.tls.common_name, "client");
    ck_assert_str_eq(proxy.tls.group, "P-256");
}
END_TEST

START_TEST(a_local_path_goes_in_version_2_only)
{
    struct proxy original = full(2, local("/run/a"), local(""));
    assert_parses(header, proxy_build(&original, header));
    assert_address(&proxy.source, "unix:/run/a");
    assert_address(&proxy.destination, "unix");
    original.destination = local("/run/b");
    assert_parses(header, proxy_build(&original, header));
    assert_address(&proxy.destination, "unix:/run/b");
    original.version = 1;
    assert_parses(header, proxy_build(&original, header));
    ck_assert(proxy.local);
}
END_TEST

START_TEST(what_lies_behind_a_local_path_is_not_sent)
{
    struct proxy original = full(2, local("/run/a"), local("/run/b"));
    memset(original.source.local.sun_path + 6, 'x', 8);
    original.source.length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 6);
    assert_parses(header, proxy_build(&original, header));
    assert_address(&proxy.source, "unix:/run/a");
}
END_TEST

START_TEST(addresses_of_two_kinds_are_sent_as_none)
{
    struct proxy original = full(2, local("/run/a"), loopback_address("tcp://192.0.2.2:2"));
    assert_parses(header, proxy_build(&original, header));
    ck_assert(proxy.local);
    original = full(2, loopback_address("tcp://192.0.2.2:2"), local("/run/a"));
    assert_parses(header, proxy_build(&original, header));
    ck_assert(proxy.local);
    ck_assert_str_eq(proxy.authority, "example.org");
}
END_TEST

START_TEST(local_is_built_without_addresses)
{
    for (int version = 1; version <= 2; version++) {
        assert_parses(header,
                      proxy_build(&(struct proxy){.version = version, .local = true}, header));
        ck_assert(proxy.local);
    }
    ck_assert_uint_eq(proxy_build(&(struct proxy){.version = 2, .local = true}, header), 16 + 7);
}
END_TEST

START_TEST(detects_each_flipped_bit)
{
    struct proxy original =
        full(2, loopback_address("tcp://192.0.2.1:1"), loopback_address("tcp://192.0.2.2:2"));
    size_t n = proxy_build(&original, header), bytes;
    size_t crc_type = n - 7; /* with another type it is not a CRC, and not checked */
    for (size_t bit = 16 * 8; bit < n * 8; bit++) {
        if (bit / 8 == crc_type)
            continue;
        header[bit / 8] ^= (unsigned char)(1 << bit % 8);
        ck_assert_int_eq(parse(header, n, &bytes), -1);
        header[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
}
END_TEST

/* A socket pair, and a buffer for proxy_receive. */
static int fds[2];
static unsigned char kept[PROXY_BYTES_MAX];
static struct buf received;

static void open_pair(void)
{
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    received = (struct buf){.data = kept, .size = sizeof kept};
}

static void close_pair(void)
{
    close(fds[0]);
    close(fds[1]);
}

static void put(const void *data, size_t n)
{
    ck_assert_int_eq(write(fds[1], data, n), (ssize_t)n);
}

static enum io_status receive(void)
{
    return proxy_receive(fds[0], &received, &proxy, &err).status;
}

static bool is_readable(void)
{
    char byte;
    return recv(fds[0], &byte, 1, MSG_PEEK) > 0;
}

START_TEST(consumes_the_header_and_nothing_after_it)
{
    put(V2(TCP4 "\0\x0c" ADDRESSES "behind"));
    ck_assert_int_eq(receive(), IO_OK);
    assert_address(&proxy.source, "192.0.2.1:56324");
    char rest[16];
    ck_assert_int_eq(read(fds[0], rest, sizeof rest), 6);
    ck_assert_mem_eq(rest, "behind", 6);
}
END_TEST

START_TEST(assembles_a_header_that_arrives_byte_by_byte)
{
    static const char *const headers[] = {TCP4 "\0\x0c" ADDRESSES "!",
                                          "PROXY TCP4 192.0.2.1 192.0.2.2 56324 2\r\n!"};
    size_t n = _i == 0 ? 28 : strlen(headers[1]) - 1;
    for (size_t i = 0; i + 1 < n; i++) {
        put(headers[_i] + i, 1);
        ck_assert_int_eq(receive(), IO_WANT_READ);
        ck_assert(!is_readable()); /* or the loop would spin */
    }
    put(headers[_i] + n - 1, 2);
    ck_assert_int_eq(receive(), IO_OK);
    assert_address(&proxy.source, "192.0.2.1:56324");
    ck_assert(is_readable());
}
END_TEST

START_TEST(reports_a_peer_that_closes_within_the_header)
{
    put("PROXY TCP4", 10);
    ck_assert_int_eq(receive(), IO_WANT_READ);
    close(fds[1]);
    ck_assert_int_eq(receive(), IO_CUT);
    fds[1] = -1;
}
END_TEST

START_TEST(recognises_what_is_not_a_header)
{
    put("hello", 5);
    ck_assert_int_eq(receive(), IO_FAILED);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
}
END_TEST

START_TEST(recognises_a_header_by_its_first_bytes)
{
    static const unsigned char v2[] = "\r\n\r\n\0\r\nQUIT\n";
    ck_assert(proxy_begins("PROXY", 5));
    ck_assert(proxy_begins("PROXY TCP4", 10));
    ck_assert(proxy_begins(v2, 5));
    ck_assert(proxy_begins(v2, 12));
    ck_assert(!proxy_begins("PROX", 4));
    ck_assert(!proxy_begins("PROXYING", 8));
    ck_assert(!proxy_begins("\r\n\r\nx", 5));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("proxy");
    TCase *tcase = tcase_create("header");
    tcase_add_loop_test(tcase, reads_a_line_of_version_1, 0, 4);
    tcase_add_test(tcase, a_line_has_107_bytes_at_most);
    tcase_add_loop_test(tcase, a_proxy_without_a_client_sends_no_addresses, 0, 2);
    tcase_add_loop_test(tcase, refuses_a_malformed_line_with_the_reason, 0, 20);
    tcase_add_test(tcase, refuses_a_nul_in_a_line);
    tcase_add_test(tcase, reads_version_2);
    tcase_add_test(tcase, reads_known_tlvs_and_skips_the_others);
    tcase_add_test(tcase, local_and_unspecified_have_no_addresses_whatever_they_contain);
    tcase_add_loop_test(tcase, refuses_a_malformed_version_2_with_the_reason, 0, 13);
    tcase_add_loop_test(tcase, another_protocol_or_family_leaves_the_real_addresses, 0, 6);
    tcase_add_test(tcase, accepts_a_header_of_16_kib);
    tcase_add_test(tcase, leaves_out_a_name_that_does_not_fit_or_contains_a_nul);
    tcase_add_test(tcase, returns_a_unique_id_that_is_not_text_in_hex);
    tcase_add_test(tcase, the_first_of_two_equal_tlvs_counts);
    tcase_add_test(tcase, there_is_no_client_certificate_without_tls);
    tcase_add_test(tcase, verifies_crc_32c);
    tcase_add_loop_test(tcase, reads_back_what_it_builds, 0, 3);
    tcase_add_test(tcase, a_local_path_goes_in_version_2_only);
    tcase_add_test(tcase, what_lies_behind_a_local_path_is_not_sent);
    tcase_add_test(tcase, addresses_of_two_kinds_are_sent_as_none);
    tcase_add_test(tcase, local_is_built_without_addresses);
    tcase_add_test(tcase, detects_each_flipped_bit);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("receive");
    tcase_add_checked_fixture(tcase, open_pair, close_pair);
    tcase_add_test(tcase, consumes_the_header_and_nothing_after_it);
    tcase_add_loop_test(tcase, assembles_a_header_that_arrives_byte_by_byte, 0, 2);
    tcase_add_test(tcase, reports_a_peer_that_closes_within_the_header);
    tcase_add_test(tcase, recognises_what_is_not_a_header);
    tcase_add_test(tcase, recognises_a_header_by_its_first_bytes);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
