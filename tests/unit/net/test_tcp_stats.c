/* SPDX-License-Identifier: MIT */
#include "kernel.h"
#include "loopback.h"
#include "suite.h"
#include "tlsecho/net/tcp_stats.h"

#include <check.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

START_TEST(reads_the_kernels_statistics_of_a_tcp_connection)
{
    if (!kernel_has(KERNEL_TCP_INFO))
        return;
    struct tcp_stats stats = {.rtt_us = UINT64_MAX, .retransmits = 77};
    struct address address = loopback_address("tcp://127.0.0.1:0");
    int listening = loopback_listen(&address, 8), fd = loopback_connect(&address), pair[2];
    ck_assert(tcp_stats_read(fd, &stats));
    ck_assert_uint_lt(stats.rtt_us, 10000000);
    ck_assert_uint_eq(stats.retransmits, 0);
    ck_assert_uint_eq(stats.repeats, 0);
    ck_assert_uint_eq(stats.unacknowledged_bytes, 0);
    ck_assert_uint_eq(stats.received_bytes, 0);
    ck_assert_uint_gt(stats.segment_bytes, 500);
    close(fd);
    close(listening);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    ck_assert(!tcp_stats_read(pair[0], &stats));
    close(pair[0]);
    close(pair[1]);
}
END_TEST

START_TEST(counts_no_byte_as_unacknowledged_that_the_peer_has)
{
    if (!kernel_has(KERNEL_TCP_INFO))
        return;
    struct tcp_stats stats;
    struct address address = loopback_address("tcp://127.0.0.1:0");
    int listening = loopback_listen(&address, 8), fd = loopback_connect(&address);
    int peer = loopback_accept(listening);
    char bytes[3000] = {0};
    ck_assert_int_eq(write(fd, bytes, sizeof bytes), sizeof bytes);
    ck_assert_int_eq(recv(peer, bytes, sizeof bytes, MSG_WAITALL), sizeof bytes);
    ck_assert_int_eq(write(peer, bytes, 7), 7);
    ck_assert_int_eq(recv(fd, bytes, 7, MSG_WAITALL), 7);
    ck_assert(tcp_stats_read(fd, &stats));
    ck_assert_uint_eq(stats.unacknowledged_bytes, 0);
    ck_assert_uint_eq(stats.received_bytes, 7);
    ck_assert_uint_lt(stats.min_rtt_us, 10000000);
    close(peer);
    close(fd);
    close(listening);
}
END_TEST

static const struct {
    const char *sentence;
    struct tcp_stats stats;
    enum tcp_stats_data data;
    const char *parts[3]; /* none = nothing is said */
} losses[] = {
    {"a large ClientHello that is dropped",
     {.unacknowledged_bytes = 1492, .repeats = 4, .segment_bytes = 1448},
     TCP_STATS_HANDSHAKE,
     {"1,492 bytes of the ClientHello were sent 5 times and never acknowledged: ",
      "drops segments of that size", "try a smaller MTU"}},
    {"one that is too small for a post-quantum share: other groups do not make it smaller",
     {.unacknowledged_bytes = 1216, .repeats = 4, .segment_bytes = 1448},
     TCP_STATS_HANDSHAKE,
     {"drops segments of that size; try a smaller MTU", "", ""}},
    {"a small one, for which no smaller MTU helps",
     {.unacknowledged_bytes = 289, .repeats = 1, .segment_bytes = 1448},
     TCP_STATS_HANDSHAKE,
     {"289 bytes of the ClientHello were sent 2 times and never acknowledged: ", "firewalls", ""}},
    {"our certificate, after the server has answered: other groups do not make it smaller",
     {.unacknowledged_bytes = 1448, .repeats = 2, .segment_bytes = 1448, .received_bytes = 900},
     TCP_STATS_HANDSHAKE,
     {"1,448 bytes of the handshake were sent 3 times", "smaller MTU", ""}},
    {"one segment of the stream",
     {.unacknowledged_bytes = 64, .repeats = 6, .segment_bytes = 1448, .received_bytes = 64},
     TCP_STATS_STREAM,
     {"64 bytes were sent 7 times and never acknowledged: the peer is gone, or", "", ""}},
    {"several, of which only the first is sent again",
     {.unacknowledged_bytes = 14480, .repeats = 6, .segment_bytes = 1448, .received_bytes = 64},
     TCP_STATS_STREAM,
     {"14,480 bytes were never acknowledged, the first 1,448 of them sent 7 times: ",
      "drops segments of that size, or the peer is gone", "smaller MTU"}},
    {"millions of bytes are grouped, too",
     {.unacknowledged_bytes = 1234567, .repeats = 1, .segment_bytes = 9999999},
     TCP_STATS_STREAM,
     {"1,234,567 bytes were sent 2 times", "", ""}},
    {"what was sent once may only be late",
     {.unacknowledged_bytes = 1492, .repeats = 0, .segment_bytes = 1448},
     TCP_STATS_HANDSHAKE,
     {NULL}},
    {"what was sent again and has arrived is no loss",
     {.unacknowledged_bytes = 0, .repeats = 3, .segment_bytes = 1448},
     TCP_STATS_STREAM,
     {NULL}},
};

START_TEST(reports_unacknowledged_bytes)
{
    char text[TCP_STATS_TEXT_BYTES] = "";
    bool told = tcp_stats_describe_loss(&losses[_i].stats, losses[_i].data, text);
    ck_assert_msg(told == (losses[_i].parts[0] != NULL), "%s: %s", losses[_i].sentence, text);
    for (int i = 0; told && i < 3; i++)
        ck_assert_msg(strstr(text, losses[_i].parts[i]), "%s: %s", losses[_i].sentence, text);
}
END_TEST

START_TEST(reports_how_often_a_syn_was_sent)
{
    char text[TCP_STATS_TEXT_BYTES];
    tcp_stats_describe_syn(&(struct tcp_stats){.repeats = 3}, text);
    ck_assert_msg(strstr(text, "the SYN was sent 4 times and never answered: "), "%s", text);
    ck_assert_ptr_nonnull(strstr(text, "; check the address, and the firewalls on the way"));
    tcp_stats_describe_syn(&(struct tcp_stats){.repeats = 0}, text);
    ck_assert_str_eq(text, "the SYN was not answered");
}
END_TEST

static const struct {
    uint64_t min_rtt_us, after_us;
    bool spoofed;
} resets[] = {
    {40000, 2000, true}, {40000, 19999, true}, {40000, 20000, false}, {40000, 41000, false},
    {10000, 4999, true}, {9999, 0, false},     {0, 0, false},         {40000, 0, true},
};

START_TEST(detects_a_reset_that_the_peer_cannot_have_sent)
{
    char text[TCP_STATS_TEXT_BYTES] = "";
    struct tcp_stats stats = {.min_rtt_us = resets[_i].min_rtt_us};
    bool spoofed = tcp_stats_describe_reset(&stats, resets[_i].after_us, text);
    ck_assert_int_eq(spoofed, resets[_i].spoofed);
    ck_assert_int_eq(strstr(text, "something on the way sent it") != NULL, spoofed);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("tcp_stats");
    tcase_add_test(cases, reads_the_kernels_statistics_of_a_tcp_connection);
    tcase_add_test(cases, counts_no_byte_as_unacknowledged_that_the_peer_has);
    tcase_add_loop_test(cases, reports_unacknowledged_bytes, 0,
                        (int)(sizeof losses / sizeof *losses));
    tcase_add_test(cases, reports_how_often_a_syn_was_sent);
    tcase_add_loop_test(cases, detects_a_reset_that_the_peer_cannot_have_sent, 0,
                        (int)(sizeof resets / sizeof *resets));
    Suite *suite = suite_create("tcp_stats");
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
