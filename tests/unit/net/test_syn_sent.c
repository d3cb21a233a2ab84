/* SPDX-License-Identifier: MIT */
#include "kernel.h"
#include "loopback.h"
#include "suite.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/net/socket.h"
#include "tlsecho/net/syn.h"
#include "tlsecho/net/syn_sent.h"

#include <check.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct {
    const char *endpoint;
    int family, mss, dscp, ttl; /* 0 = as the kernel has it */
} connections[] = {
    {"tcp://127.0.0.1:0", AF_INET, 0, 0, 0},
    {"tcp://[::1]:0", AF_INET6, 0, 0, 0},
    {"tcp://127.0.0.1:0", AF_INET, 900, 46, 17},
    {"tcp://[::1]:0", AF_INET6, 1300, 10, 200},
};

static int connect_with(int at, const struct address *address)
{
    bool ipv6 = connections[at].family == AF_INET6;
    int fd = socket(connections[at].family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int mss = connections[at].mss, class = connections[at].dscp << 2, ttl = connections[at].ttl;
    if (mss)
        ck_assert_int_eq(setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &mss, sizeof mss), 0);
    if (class)
        ck_assert_int_eq(setsockopt(fd, ipv6 ? IPPROTO_IPV6 : IPPROTO_IP,
                                    ipv6 ? IPV6_TCLASS : IP_TOS, &class, sizeof class),
                         0);
    if (ttl)
        ck_assert_int_eq(setsockopt(fd, ipv6 ? IPPROTO_IPV6 : IPPROTO_IP,
                                    ipv6 ? IPV6_UNICAST_HOPS : IP_TTL, &ttl, sizeof ttl),
                         0);
    ck_assert_int_eq(connect(fd, &address->any, address->length), 0);
    return fd;
}

START_TEST(knows_what_the_kernel_has_sent)
{
    if (!kernel_has(KERNEL_SAVED_SYN) || !kernel_has(KERNEL_TCP_INFO))
        return;
    unsigned char data[512];
    struct syn syn;
    struct syn_sent sent;
    uint64_t start_us = clock_now_us();
    struct address address = loopback_address(connections[_i].endpoint);
    int listening = loopback_listen(&address, 8);
    socket_save_syn(listening, true);
    int fd = connect_with(_i, &address), accepted = loopback_accept(listening);
    ck_assert(syn_parse(data, socket_saved_syn(accepted, data, sizeof data), &syn));
    ck_assert(syn_sent_read(fd, &sent));
    ck_assert_int_eq(sent.mss, syn.mss);
    ck_assert_int_eq(sent.dscp, syn.dscp);
    ck_assert_int_eq(sent.ttl, syn.ttl);
    ck_assert_int_eq(sent.ecn == SYN_SENT_YES, syn.ece && syn.cwr);
    ck_assert_int_eq(sent.sack == SYN_SENT_YES, syn.sack);
    ck_assert_int_eq(sent.timestamps == SYN_SENT_YES, syn.timestamps);
    ck_assert_int_eq(sent.window_scale == SYN_SENT_YES, syn.window_scale >= 0);
    ck_assert_int_eq(sent.window_shift, syn.window_scale);
    ck_assert(!sent.repeated);
    ck_assert(sent.has_clock);
    if (syn.timestamps)
        ck_assert(syn_sent_is_own_clock(&sent, syn.tsval, clock_now_us() - start_us));
    close(accepted);
    close(fd);
    close(listening);
}
END_TEST

START_TEST(knows_nothing_of_a_unix_socket)
{
    struct syn_sent sent;
    int pair[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    ck_assert(!syn_sent_read(pair[0], &sent));
    close(pair[0]);
    close(pair[1]);
}
END_TEST

#define MS 1000

static const struct {
    uint32_t clock, clock_hz, tsval;
    uint64_t elapsed_us;
    bool own;
} clocks[] = {
    {5000000, 1000, 5000000, 0, true},
    {5000000, 1000, 5000001, 0, true}, /* bit 0 of the clock may be cleared */
    {5000000, 1000, 4990000, 10000 * MS, true},
    {5000000, 1000, 4988000, 10000 * MS, false},
    {5000000, 1000, 5000000 + 1002, 10000 * MS, false},
    {5, 1000, UINT32_MAX - 4, 0, true}, /* it has wrapped around */
    {UINT32_MAX, 1000, 3, 0, true},
    {5, 1000, 5 + (UINT32_C(1) << 31), 0, false},
    {500000000, 1000000, 490000000, 10000 * MS, true},
    {500000000, 1000000, 480000000, 10000 * MS, false},
};

START_TEST(a_clock_is_ours_if_the_timestamp_is_of_the_time_since_the_syn)
{
    struct syn_sent sent = {.clock = clocks[_i].clock, .clock_hz = clocks[_i].clock_hz};
    ck_assert_int_eq(syn_sent_is_own_clock(&sent, clocks[_i].tsval, clocks[_i].elapsed_us),
                     clocks[_i].own);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("syn_sent");
    TCase *tcase = tcase_create("syn_sent");
    tcase_add_loop_test(tcase, knows_what_the_kernel_has_sent, 0,
                        sizeof connections / sizeof connections[0]);
    tcase_add_test(tcase, knows_nothing_of_a_unix_socket);
    tcase_add_loop_test(tcase, a_clock_is_ours_if_the_timestamp_is_of_the_time_since_the_syn, 0,
                        sizeof clocks / sizeof clocks[0]);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
