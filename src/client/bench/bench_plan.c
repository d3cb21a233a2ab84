/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/bench_plan.h"

#include <inttypes.h>
#include <sys/resource.h>

#define MS_NS UINT64_C(1000000)

/* "Until interrupted", without an overflow when it is added to a time. */
#define ENDLESS_NS (UINT64_MAX / 4)

static int check_handshakes(const struct options *options, struct error *err)
{
    if (options->size_bytes != OPTIONS_DEFAULT_SIZE_BYTES || options->pipeline ||
        options->rate > 0 || options->ramp_ms)
        return error_set(
            err, ERROR_INPUT,
            "--handshakes sends no messages: leave out -s, --pipeline, --rate and --ramp");
    return 0;
}

static int check_messages(const struct options *options, struct error *err)
{
    if (options->size_bytes != 0)
        return 0;
    if (options->expect != EXPECT_NONE)
        return error_set(err, ERROR_INPUT,
                         "-s 0 sends nothing, so nothing can come back: add --expect none to "
                         "receive only, for example from chargen");
    if (options->messages || options->rate > 0 || options->pipeline)
        return error_set(err, ERROR_INPUT,
                         "-s 0 sends no messages: leave out -n, --rate and --pipeline");
    return 0;
}

static int check(const struct options *options, struct error *err)
{
    if (options->messages && options->time_ms != OPTIONS_NOT_GIVEN)
        return error_set(err, ERROR_INPUT, "-n and -t exclude each other: give one");
    if (options->messages && options->omit_ms)
        return error_set(err, ERROR_INPUT,
                         "--omit comes before the time of -t: leave it out with -n");
    if (options->resume && *options->resume)
        return error_set(err, ERROR_INPUT,
                         "--resume=FILE is for one connection at a time: leave out the file with "
                         "--handshakes");
    if (options->start_at_us && options->compares)
        return error_set(err, ERROR_INPUT,
                         "--start-at is for one load, and two endpoints have several in turn: give "
                         "one endpoint");
    return options->handshakes ? check_handshakes(options, err) : check_messages(options, err);
}

/* Only one load runs at a time, even if two servers are compared. */
static int raise_descriptors(uint32_t connections, struct error *err)
{
    struct rlimit limit;
    rlim_t needed = connections + BENCH_SPARE_DESCRIPTORS;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return error_sys(err, "getrlimit");
    if (limit.rlim_cur >= needed)
        return 0;
    if (limit.rlim_max < needed)
        return error_set(err, ERROR_INPUT,
                         "-P %" PRIu32 " needs %llu descriptors, but the limit is %llu: "
                         "raise it as root, with `ulimit -n %llu` or `prlimit --nofile=%llu "
                         "tlsecho-client ...`",
                         connections, (unsigned long long)needed,
                         (unsigned long long)limit.rlim_max, (unsigned long long)needed,
                         (unsigned long long)needed);
    limit.rlim_cur = needed;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        return error_sys(err, "raise the limit of descriptors to %llu", (unsigned long long)needed);
    return 0;
}

static uint64_t or_default(uint64_t value, uint64_t otherwise)
{
    return value ? value : otherwise;
}

uint64_t bench_plan_schedule_ns(uint64_t messages, double rate)
{
    double ns = (double)messages / rate * 1e9;
    return ns < (double)ENDLESS_NS ? (uint64_t)ns : ENDLESS_NS;
}

static uint64_t measured_ns(const struct options *options)
{
    if (options->messages && options->rate > 0) /* until all have been due */
        return bench_plan_schedule_ns(options->messages, options->rate);
    if (options->messages)
        return 0;
    if (options->time_ms == OPTIONS_NOT_GIVEN)
        return BENCH_DEFAULT_SECONDS * 1000 * MS_NS;
    return or_default(options->time_ms * MS_NS, ENDLESS_NS);
}

int bench_plan(const struct options *options, struct bench_load *ret, struct error *err)
{
    uint32_t connections = (uint32_t)or_default(options->connections, 1);
    uint32_t threads = (uint32_t)or_default(options->threads, 1);
    if (check(options, err) < 0 || raise_descriptors(connections, err) < 0)
        return -1;
    *ret = (struct bench_load){
        .handshakes = options->handshakes,
        .connections = connections,
        .threads = threads < connections ? threads : connections,
        .pipeline = (uint32_t)or_default(options->pipeline, 1),
        .size_bytes = options->size_bytes,
        .messages = options->messages,
        .measured_ns = measured_ns(options),
        .omit_ns = options->omit_ms * MS_NS,
        .ramp_ns = options->ramp_ms * MS_NS,
        .start_at_us = options->start_at_us,
        .rate = options->rate,
        .expect = options->expect,
        .connect_timeout_ns = options->connect_timeout_ms * MS_NS,
        .idle_timeout_ns = options->idle_timeout_ms * MS_NS,
    };
    return 0;
}
