/* SPDX-License-Identifier: MIT */
/*
 * The load that the options describe, if they are consistent and the system allows it.
 *
 * Ownership: values.   Threads: one.
 */
#ifndef TLSECHO_BENCH_PLAN_H
#define TLSECHO_BENCH_PLAN_H

#include "tlsecho/client/bench_load.h"
#include "tlsecho/client/options.h"

enum {
    BENCH_DEFAULT_SECONDS = 10,
    BENCH_SPARE_DESCRIPTORS = 64, /* beside those of the connections */
};

/* Raises the soft limit of descriptors as far as the connections need it. ERROR_INPUT: a
 * contradiction, or more connections than the hard limit of descriptors allows. */
int bench_plan(const struct options *options, struct bench_load *ret, struct error *err);

/* The time in which that many messages are due at that rate per second. */
uint64_t bench_plan_schedule_ns(uint64_t messages, double rate);

#endif
