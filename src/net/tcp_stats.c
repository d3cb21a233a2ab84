/* SPDX-License-Identifier: MIT */
#include "tlsecho/net/tcp_stats.h"

#include <inttypes.h>
#include <linux/tcp.h> /* the complete struct tcp_info; netinet/tcp.h has only its beginning */
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "tlsecho/base/quantity.h"
#include "tlsecho/net/socket.h"

enum {
    HYBRID_SHARE_BYTES = 1216, /* of X25519MLKEM768 in a ClientHello; larger ones may contain it */
    LARGE_BYTES = 512,         /* more than the smallest MTU leaves for data */
    SMALLEST_RTT_US =
        10000, /* below it, half a round trip is shorter than the reaction time of a host */
};

static uint64_t minus(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

/* Whether the peer's FIN has arrived: states of RFC 9293 §3.3.2, which linux/tcp.h does not name.
 */
static bool has_fin(unsigned state)
{
    enum { TIME_WAIT = 6, CLOSE_WAIT = 8, LAST_ACK = 9, CLOSING = 11 };
    return state == TIME_WAIT || state == CLOSE_WAIT || state == LAST_ACK || state == CLOSING;
}

/* SYN and FIN occupy a sequence number each (RFC 9293 §3.4) but are not data. */
static void read_bytes(const struct tcp_info *info, struct tcp_stats *ret)
{
    uint64_t sent = minus(info->tcpi_bytes_sent, info->tcpi_bytes_retrans);
    uint64_t acknowledged = minus(info->tcpi_bytes_acked, 1);
    ret->acknowledged_bytes = acknowledged;
    ret->unacknowledged_bytes = minus(sent, acknowledged);
    ret->received_bytes = minus(info->tcpi_bytes_received, has_fin(info->tcpi_state));
    ret->repeats =
        info->tcpi_retransmits; /* by time-out; of a first segment alone the total is known too */
    uint64_t first = ret->unacknowledged_bytes;
    bool alone = first && first <= info->tcpi_snd_mss && !acknowledged;
    if (alone && info->tcpi_bytes_retrans / first > ret->repeats)
        ret->repeats = info->tcpi_bytes_retrans / first;
}

/* RFC 791, RFC 8200, RFC 9293 §3.1; of the options only timestamps are in every segment, RFC 7323
 * §3.2. */
static uint64_t header_bytes(const struct tcp_info *info, int family)
{
    enum { IPV4 = 20, IPV6 = 40, TCP = 20, TIMESTAMPS = 12 };
    uint64_t ip = family == AF_INET6 ? IPV6 : IPV4;
    return ip + TCP + (info->tcpi_options & TCPI_OPT_TIMESTAMPS ? TIMESTAMPS : 0);
}

bool tcp_stats_read(int fd, struct tcp_stats *ret)
{
    struct tcp_info info;
    socklen_t length = sizeof info;
    size_t needed = offsetof(struct tcp_info, tcpi_total_retrans) + sizeof info.tcpi_total_retrans;
    memset(&info, 0, sizeof info); /* an older kernel fills less */
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) < 0 || length < needed)
        return false;
    int family = AF_UNSPEC;
    socklen_t family_length = sizeof family;
    getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &family_length);
    *ret = (struct tcp_stats){.rtt_us = info.tcpi_rtt,
                              .rtt_variance_us = info.tcpi_rttvar,
                              .min_rtt_us = info.tcpi_min_rtt == UINT32_MAX ? 0 : info.tcpi_min_rtt,
                              .retransmits = info.tcpi_total_retrans,
                              .segment_bytes = info.tcpi_snd_mss,
                              .offered_bytes = info.tcpi_advmss,
                              .header_bytes = header_bytes(&info, family)};
    read_bytes(&info, ret);
    /* What is sent again in smaller segments after an ICMP error is counted as sent, not as
     * retransmitted. */
    uint64_t waiting = socket_unacknowledged_bytes(fd);
    if (waiting < ret->unacknowledged_bytes)
        ret->unacknowledged_bytes = waiting;
    return true;
}

static const char *cause_of(const struct tcp_stats *stats, enum tcp_stats_data data)
{
    bool large = stats->unacknowledged_bytes > LARGE_BYTES;
    if (data == TCP_STATS_HANDSHAKE && large && !stats->received_bytes)
        return "something on the way drops segments of that size; try a smaller MTU";
    if (large)
        return "something on the way drops segments of that size, or the peer is gone; try a "
               "smaller MTU";
    if (data == TCP_STATS_HANDSHAKE && !stats->received_bytes)
        return "something on the way drops it, although TCP connects: check the firewalls that "
               "inspect TLS";
    return "the peer is gone, or something on the way drops its packets";
}

bool tcp_stats_is_large_hello(const struct tcp_stats *stats)
{
    return !stats->received_bytes && stats->unacknowledged_bytes > HYBRID_SHARE_BYTES;
}

bool tcp_stats_describe_loss(const struct tcp_stats *stats, enum tcp_stats_data data,
                             char ret[TCP_STATS_TEXT_BYTES])
{
    char bytes[QUANTITY_BYTES], segment[QUANTITY_BYTES];
    const char *of = data == TCP_STATS_STREAM ? ""
                     : stats->received_bytes  ? " of the handshake"
                                              : " of the ClientHello";
    if (!stats->unacknowledged_bytes || !stats->repeats)
        return false;
    quantity_grouped_text(stats->unacknowledged_bytes, bytes);
    quantity_grouped_text(stats->segment_bytes, segment);
    /* Of several segments only the first is retransmitted repeatedly. */
    bool several = data == TCP_STATS_STREAM && stats->segment_bytes &&
                   stats->unacknowledged_bytes > stats->segment_bytes;
    if (several)
        snprintf(ret, TCP_STATS_TEXT_BYTES,
                 "%s bytes were never acknowledged, the first %s of them sent %" PRIu64
                 " times: %s",
                 bytes, segment, stats->repeats + 1, cause_of(stats, data));
    else
        snprintf(ret, TCP_STATS_TEXT_BYTES,
                 "%s bytes%s were sent %" PRIu64 " times and never acknowledged: %s", bytes, of,
                 stats->repeats + 1, cause_of(stats, data));
    return true;
}

void tcp_stats_describe_syn(const struct tcp_stats *stats, char ret[TCP_STATS_TEXT_BYTES])
{
    if (stats->repeats)
        snprintf(ret, TCP_STATS_TEXT_BYTES,
                 "the SYN was sent %" PRIu64 " times and never answered: the host is down, or "
                 "something on the way drops it; check the address, and the firewalls on the way",
                 stats->repeats + 1);
    else
        snprintf(ret, TCP_STATS_TEXT_BYTES, "the SYN was not answered");
}

bool tcp_stats_describe_reset(const struct tcp_stats *stats, uint64_t after_us,
                              char ret[TCP_STATS_TEXT_BYTES])
{
    if (stats->min_rtt_us < SMALLEST_RTT_US || after_us >= stats->min_rtt_us / 2)
        return false;
    snprintf(
        ret, TCP_STATS_TEXT_BYTES,
        "the reset arrived %.1f ms after the data was sent, but the smallest round trip is %.1f "
        "ms: something on the way sent it, not the peer",
        (double)after_us / 1e3, (double)stats->min_rtt_us / 1e3);
    return true;
}
