/* SPDX-License-Identifier: MIT */
/* What no test can make the kernel say on every host. */
#include "datagram_control.h"

#include <check.h>
#include <errno.h>
#include <string.h>

#include "loopback.h"
#include "suite.h"

static union datagram_control control;

/* In the place of the C library's: the option that this kernel does not have; 0 = it has all. */
static int missing_level, missing_name;

int setsockopt(int fd, int level, int name, const void *value, socklen_t size)
{
    (void)fd, (void)value, (void)size;
    errno = ENOPROTOOPT;
    return missing_name == name && missing_level == level ? -1 : 0;
}

static const struct {
    int level, name, result;
} options[] = {
    {SOL_SOCKET, SO_RXQ_OVFL, 0},
    {SOL_SOCKET, SO_TIMESTAMPNS, 0},
    {IPPROTO_IP, IP_PKTINFO, -1}, /* or it would answer from another address */
    {IPPROTO_IP, IP_MTU_DISCOVER, -1},
};

START_TEST(does_without_drops_and_times_where_linux_is_emulated_without_them)
{
    const struct datagram_options all = {.own = true,
                                         .time = true,
                                         .ttl = true,
                                         .tos = true,
                                         .errors = true,
                                         .never_fragment = true};
    struct error err = {.code = 0};
    missing_level = options[_i].level;
    missing_name = options[_i].name;
    ck_assert_int_eq(datagram_control_request(-1, AF_INET6, &all, &err), options[_i].result);
    ck_assert_int_eq(err.code, options[_i].result < 0 ? ENOPROTOOPT : 0);
}
END_TEST

static struct msghdr message(int level, int type, const void *data, size_t size)
{
    struct msghdr header = {.msg_control = &control, .msg_controllen = CMSG_SPACE(size)};
    control.align =
        (struct cmsghdr){.cmsg_len = CMSG_LEN(size), .cmsg_level = level, .cmsg_type = type};
    memcpy(CMSG_DATA(&control.align), data, size);
    return header;
}

static const struct {
    const char *address, *seen;
    unsigned interface;
    bool to_many;
} destinations[] = {
    {"udp://[2001:db8::1]:0", "[2001:db8::1]:0", 0, false},
    {"udp://[fe80::1%lo]:0", "[fe80::1%lo]:0", 1, false},
    {"udp://[ff02::1%lo]:0", "[ff02::1]:0", 0, true},
    {"udp://[ff0e::1]:0", "[ff0e::1]:0", 0, true},
};

START_TEST(reads_where_an_ipv6_datagram_went)
{
    const struct in6_pktinfo info = {
        .ipi6_addr = loopback_address(destinations[_i].address).ipv6.sin6_addr, .ipi6_ifindex = 1};
    struct msghdr header = message(IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
    struct datagram item;
    char text[ADDRESS_TEXT_BYTES];
    uint32_t drops = 7;
    datagram_control_read(&header, &item, &drops);
    ck_assert_int_eq(item.to_many, destinations[_i].to_many);
    ck_assert_uint_eq(item.own.ipv6.sin6_scope_id, destinations[_i].interface);
    address_text(&item.own, text);
    ck_assert_str_eq(text, destinations[_i].seen);
    ck_assert_uint_eq(drops, 7);
}
END_TEST

START_TEST(reads_the_mtu_of_a_path)
{
    const struct {
        struct sock_extended_err error;
        struct sockaddr_in from;
    } data = {
        .error = {.ee_errno = EMSGSIZE, .ee_origin = SO_EE_ORIGIN_ICMP, .ee_info = 1280},
        .from = loopback_address("udp://192.0.2.1:0").ipv4,
    };
    struct msghdr header = message(IPPROTO_IP, IP_RECVERR, &data, sizeof data);
    struct datagram_error error = {.code = 0};
    char text[ADDRESS_TEXT_BYTES];
    datagram_control_read_error(&header, &error);
    ck_assert_int_eq(error.code, EMSGSIZE);
    ck_assert_uint_eq(error.mtu, 1280);
    ck_assert(!error.local);
    address_text(&error.from, text);
    ck_assert_str_eq(text, "192.0.2.1:0");
}
END_TEST

START_TEST(an_error_of_this_host_has_no_sender)
{
    const struct {
        struct sock_extended_err error;
        struct sockaddr_in from;
    } data = {.error = {.ee_errno = EMSGSIZE, .ee_origin = SO_EE_ORIGIN_LOCAL, .ee_info = 1500}};
    struct msghdr header = message(IPPROTO_IP, IP_RECVERR, &data, sizeof data);
    struct datagram_error error = {.code = 0};
    datagram_control_read_error(&header, &error);
    ck_assert(error.local);
    ck_assert_uint_eq(error.mtu, 1500);
    ck_assert_uint_eq(error.from.length, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("datagram_control");
    TCase *tests = tcase_create("datagram_control");
    tcase_add_loop_test(tests, does_without_drops_and_times_where_linux_is_emulated_without_them, 0,
                        sizeof options / sizeof *options);
    tcase_add_loop_test(tests, reads_where_an_ipv6_datagram_went, 0,
                        sizeof destinations / sizeof *destinations);
    tcase_add_test(tests, reads_the_mtu_of_a_path);
    tcase_add_test(tests, an_error_of_this_host_has_no_sender);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
