/* SPDX-License-Identifier: MIT */
#include "tlsecho/net/syn_sent.h"

#include <limits.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tlsecho/net/socket.h"

enum {
    TIMESTAMPS_BYTES = 12, /* what an option timestamps takes of each segment, with its padding */
    OPTION_USEC_TS = 64,   /* of tcpi_options: TCPI_OPT_USEC_TS, since Linux 6.7 */
    CLOCK_TOLERANCE_S = 1,
};

/* A number in /proc/sys/net/ipv4, which is the same for IPv6; -1 = unknown. */
static int read_setting(const char *name)
{
    char text[64], *end = text;
    snprintf(text, sizeof text, "/proc/sys/net/ipv4/%s", name);
    FILE *file = fopen(text, "re");
    if (!file)
        return -1;
    long value = fgets(text, sizeof text, file) ? strtol(text, &end, 10) : -1;
    fclose(file);
    return end > text && value >= 0 && value <= INT_MAX ? (int)value : -1;
}

/* An option that was agreed on was in the SYN, whatever the setting is now. */
static enum syn_sent_option was_sent(const struct tcp_info *info, unsigned option, const char *name)
{
    int setting = read_setting(name);
    if (info->tcpi_options & option)
        return SYN_SENT_YES;
    return setting < 0 ? SYN_SENT_UNKNOWN : setting > 0 ? SYN_SENT_YES : SYN_SENT_NO;
}

/* ip-sysctl.rst of Linux: 1 and 3 ask for ECN, 0, 2 and 5 do not; but a route may ask for it. */
static enum syn_sent_option was_ecn_sent(const struct tcp_info *info)
{
    int setting = read_setting("tcp_ecn");
    if (info->tcpi_options & TCPI_OPT_ECN || setting == 1 || setting == 3)
        return SYN_SENT_YES;
    return setting == 0 || setting == 2 || setting == 5 ? SYN_SENT_NO : SYN_SENT_UNKNOWN;
}

static void read_clock(int fd, const struct tcp_info *info, struct syn_sent *ret)
{
    uint32_t clock;
    socklen_t length = sizeof clock;
    ret->has_clock = getsockopt(fd, IPPROTO_TCP, TCP_TIMESTAMP, &clock, &length) == 0;
    ret->clock = ret->has_clock ? clock : 0;
    ret->clock_hz = info->tcpi_options & OPTION_USEC_TS ? 1000000 : 1000;
}

bool syn_sent_read(int fd, struct syn_sent *ret)
{
    struct tcp_info info;
    socklen_t length = sizeof info;
    size_t needed = offsetof(struct tcp_info, tcpi_total_retrans) + sizeof info.tcpi_total_retrans;
    memset(&info, 0, sizeof info); /* an older kernel fills less */
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) < 0 || length < needed)
        return false;
    struct syn_sent sent = {
        .ecn = was_ecn_sent(&info),
        .sack = was_sent(&info, TCPI_OPT_SACK, "tcp_sack"),
        .timestamps = was_sent(&info, TCPI_OPT_TIMESTAMPS, "tcp_timestamps"),
        .window_scale = was_sent(&info, TCPI_OPT_WSCALE, "tcp_window_scaling"),
        .window_shift = info.tcpi_options & TCPI_OPT_WSCALE ? (int)info.tcpi_rcv_wscale : -1,
        .repeated = info.tcpi_total_retrans > 0,
    };
    /* Once timestamps are agreed on, Linux subtracts them from what it has announced. */
    sent.mss = info.tcpi_advmss == 0
                   ? -1
                   : (int)info.tcpi_advmss +
                         (info.tcpi_options & TCPI_OPT_TIMESTAMPS ? TIMESTAMPS_BYTES : 0);
    socket_get_marks(fd, &sent.ttl, &sent.dscp);
    read_clock(fd, &info, &sent);
    *ret = sent;
    return true;
}

bool syn_sent_is_own_clock(const struct syn_sent *sent, uint32_t tsval, uint64_t elapsed_us)
{
    uint64_t tolerance = (uint64_t)sent->clock_hz * CLOCK_TOLERANCE_S;
    uint64_t elapsed = elapsed_us * sent->clock_hz / 1000000;
    uint32_t after = sent->clock - tsval; /* it wraps around */
    uint32_t before = tsval - sent->clock;
    return after <= elapsed + tolerance || before <= tolerance;
}
