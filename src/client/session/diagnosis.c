/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/diagnosis.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

#include "tlsecho/base/clock.h"
#include "tlsecho/net/tcp_stats.h"

static bool is_reset(const struct error *err)
{
    return err->kind == ERROR_SYSTEM && (err->code == ECONNRESET || err->code == EPIPE);
}

int diagnosis_of_handshake(int fd, uint64_t begun_us, struct error *err)
{
    char text[TCP_STATS_TEXT_BYTES];
    struct tcp_stats stats;
    if (!tcp_stats_read(fd, &stats))
        return -1;
    if (tcp_stats_describe_loss(&stats, TCP_STATS_HANDSHAKE, text))
        return error_set(err, ERROR_UNACKNOWLEDGED, "%s", text);
    if (!is_reset(err) || stats.received_bytes)
        return -1;
    if (tcp_stats_describe_reset(&stats, clock_now_us() - begun_us, text))
        return error_set(err, ERROR_SPOOFED_RESET, "%s", text);
    return error_prefix(err, "the server, or something on the way, refused our ClientHello");
}

int diagnosis_of_silence(int fd, struct error *err)
{
    char loss[TCP_STATS_TEXT_BYTES];
    struct tcp_stats stats;
    if (!tcp_stats_read(fd, &stats) || !tcp_stats_describe_loss(&stats, TCP_STATS_STREAM, loss))
        return -1;
    struct error noticed = *err;
    return error_set(err, ERROR_UNACKNOWLEDGED, "%.150s; %s", noticed.text, loss);
}

/* Whether all that is on its way was sent at once, so that its time is known. */
static bool is_one_flight(const struct tcp_stats *stats)
{
    return stats->unacknowledged_bytes <= stats->segment_bytes;
}

const char *diagnosis_of_end(int fd, uint64_t reset_after_us, char ret[DIAGNOSIS_TEXT_BYTES])
{
    char text[TCP_STATS_TEXT_BYTES];
    struct tcp_stats stats;
    ret[0] = '\0';
    if (!tcp_stats_read(fd, &stats))
        return ret;
    if (tcp_stats_describe_loss(&stats, TCP_STATS_STREAM, text) ||
        (is_one_flight(&stats) && tcp_stats_describe_reset(&stats, reset_after_us, text)))
        snprintf(ret, DIAGNOSIS_TEXT_BYTES, "; %s", text);
    return ret;
}
