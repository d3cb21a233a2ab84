/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/diagnosis.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "tlsecho/base/clock.h"
#include "tlsecho/client/options.h"
#include "tlsecho/net/tcp_stats.h"

#define RESET_BY "the server, or something on the way, "

static bool is_reset(const struct error *err)
{
    return err->kind == ERROR_SYSTEM && (err->code == ECONNRESET || err->code == EPIPE);
}

/* What arrived of a handshake that was not complete in time and had no retransmissions. */
static int describe_standstill(const struct tcp_stats *stats, struct error *err)
{
    if (stats->received_bytes)
        return error_set(err, ERROR_TIMEOUT,
                         "the handshake was not complete in time: %" PRIu64
                         " bytes came from the server, then no more; a segment may be missing on "
                         "the way: check the MTU, or see its log",
                         stats->received_bytes);
    return error_set(err, ERROR_TIMEOUT,
                     "the handshake was not complete in time: %s and nothing came back; check that "
                     "it is a TLS port",
                     stats->unacknowledged_bytes ? "the ClientHello was sent"
                                                 : "the ClientHello was acknowledged");
}

/* What makes the ClientHello smaller, to be added to "try a smaller MTU"; "" = nothing, since the
 * options ask for it already. */
static const char *smaller_hello(const struct options *options)
{
    bool hybrid = !options->groups || strcasestr(options->groups, "MLKEM");
    bool protocols = options->alpn && strchr(options->alpn, ',');
    if (hybrid && protocols)
        return ", --groups X25519 or fewer protocols in --alpn";
    if (hybrid)
        return " or --groups X25519";
    return protocols ? " or fewer protocols in --alpn" : "";
}

int diagnosis_of_handshake(int fd, uint64_t begun_us, const struct options *options,
                           struct error *err)
{
    char text[TCP_STATS_TEXT_BYTES];
    struct tcp_stats stats;
    if (!tcp_stats_read(fd, &stats))
        return -1;
    if (tcp_stats_describe_loss(&stats, TCP_STATS_HANDSHAKE, text))
        return error_set(err, ERROR_UNACKNOWLEDGED, "%s%s", text,
                         tcp_stats_is_large_hello(&stats) ? smaller_hello(options) : "");
    if (err->kind == ERROR_TIMEOUT)
        return describe_standstill(&stats, err);
    if (!is_reset(err))
        return -1;
    if (!stats.received_bytes && tcp_stats_describe_reset(&stats, clock_now_us() - begun_us, text))
        return error_set(err, ERROR_SPOOFED_RESET, "%s", text);
    return error_prefix(err, stats.received_bytes ? RESET_BY "reset the connection"
                                                  : RESET_BY "refused our ClientHello");
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

/* Whether all unacknowledged data was sent at once, so that its time is known. */
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
