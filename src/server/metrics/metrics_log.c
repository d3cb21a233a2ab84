/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "tlsecho/base/clock.h"
#include "tlsecho/base/log.h"
#include "tlsecho/server/metrics.h"

static void log_datagrams(const struct metrics_sum *sum)
{
    uint64_t dropped = 0;
    for (enum datagram_drop drop = DATAGRAM_KEPT + 1; drop < DATAGRAM_DROPS; drop++)
        dropped += sum->dropped[drop];
    struct log_line line;
    if (!log_begin(&line, LOG_LEVEL_INFO, "summary_datagrams"))
        return;
    log_text(&line, "listener", sum->listener);
    log_text(&line, "transport", sum->transport);
    log_number(&line, "received", sum->datagrams_received);
    log_number(&line, "sent", sum->datagrams_sent);
    log_number(&line, "dropped", dropped);
    log_number(&line, "received_bytes", sum->received_bytes);
    log_number(&line, "sent_bytes", sum->sent_bytes);
    log_end(&line);
}

static void log_listener(const struct metrics_sum *sum)
{
    struct log_line line;
    if (!log_begin(&line, LOG_LEVEL_INFO, "summary_listener"))
        return;
    log_text(&line, "listener", sum->listener);
    log_text(&line, "transport", sum->transport);
    log_number(&line, "accepted", sum->accepted);
    log_number(&line, "live", sum->live);
    log_number(&line, "received_bytes", sum->received_bytes);
    log_number(&line, "sent_bytes", sum->sent_bytes);
    for (enum conn_end end = CONN_END_NONE + 1; end < CONN_ENDS; end++)
        if (sum->ended[end] > 0)
            log_number(&line, conn_end_name(end), sum->ended[end]);
    log_end(&line);
}

/* All kinds, split by success. */
static void count_handshakes(const struct metrics *metrics, uint64_t *ret_ok, uint64_t *ret_failed)
{
    uint64_t ok = 0, failed = 0;
    for (unsigned at = 0; at < METRICS_HANDSHAKES; at++)
        *(metrics_handshake_at(at).end == CONN_END_NONE ? &ok : &failed) +=
            metrics_sum_handshakes(metrics, at);
    *ret_ok = ok;
    *ret_failed = failed;
}

static uint64_t count_refused(const struct metrics *metrics)
{
    uint64_t n = 0;
    for (enum admission_refusal r = ADMISSION_GRANTED + 1;
         metrics->admission && r < ADMISSION_REFUSALS; r++)
        n += admission_refused(metrics->admission, r);
    return n;
}

void metrics_log(const struct metrics *metrics)
{
    struct metrics_sum sum;
    uint64_t accepted = 0, live = 0, succeeded, failed;
    for (unsigned slot = 0; slot < METRICS_LISTENERS; slot++)
        if (metrics_sum(metrics, slot, &sum)) {
            accepted += sum.accepted;
            live += sum.live;
            if (sum.streams)
                log_listener(&sum);
            if (sum.datagrams)
                log_datagrams(&sum);
        }
    count_handshakes(metrics, &succeeded, &failed);

    struct log_line line;
    if (!log_begin(&line, LOG_LEVEL_INFO, "summary"))
        return;
    log_seconds(&line, "uptime", clock_now_us() - metrics->start_us);
    log_number(&line, "accepted", accepted);
    log_number(&line, "live", live);
    log_number(&line, "refused", count_refused(metrics));
    log_number(&line, "handshakes", succeeded);
    log_number(&line, "handshakes_failed", failed);
    log_number(&line, "reloads", metrics->reloads);
    log_number(&line, "reloads_refused", metrics->reloads_refused);
    log_number(&line, "log_lines_dropped", log_dropped_lines());
    log_end(&line);
}
