/* SPDX-License-Identifier: MIT */
#include "bench_stream.h"

#include <inttypes.h>

#include "bench_dial.h"
#include "bench_end.h"
#include "bench_traffic.h"
#include "tlsecho/client/diagnosis.h"

/* Nothing has moved for --idle-timeout. */
static enum bench_step sweep(struct bench_conn *c, uint64_t now_ns, unsigned *ret_want,
                             struct outcome *ret)
{
    const struct bench_load *load = c->thread->run->load;
    const struct options *options = c->thread->run->target->options;
    bool waits = bench_traffic_is_busy(c) || !load->size_bytes;
    struct error err;
    *ret_want = c->source.want;
    if (!waits || !load->idle_timeout_ns || now_ns < c->last_activity_ns ||
        now_ns - c->last_activity_ns < load->idle_timeout_ns)
        return BENCH_GO_ON;
    error_set(&err, ERROR_TIMEOUT, "no data for %.6g s (--idle-timeout)",
              (double)options->idle_timeout_ms / 1e3);
    diagnosis_of_silence(c->source.fd, &err);
    error_prefix(&err, "connection %" PRIu32, c->number + 1);
    outcome_fail_to_open(ret, PHASE_ECHO, &err, options);
    if (bench_traffic_lacks_echo(c))
        outcome_advise(ret, BENCH_IF_WITHOUT_ECHO);
    return BENCH_FAILED;
}

const struct bench_carrier bench_stream = {
    .open = bench_dial_begin,
    .opening = bench_dial_run,
    .wait = bench_traffic_wait,
    .start = bench_traffic_start,
    .run = bench_traffic_run,
    .send = bench_traffic_send,
    .sweep = sweep,
    .is_busy = bench_traffic_is_busy,
    .is_done = bench_traffic_is_done,
    .end = bench_end_run,
};
