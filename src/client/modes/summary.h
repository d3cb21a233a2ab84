/* SPDX-License-Identifier: MIT */
/*
 * Reads summaries of loads that --bench --json or --merge --json has written to files.
 *
 * Ownership: a summary is valid only while it is added.   Threads: one.
 */
#ifndef TLSECHO_SUMMARY_H
#define TLSECHO_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>

#include "tlsecho/client/bench.h"
#include "tlsecho/client/bench_times.h"

/* What two summaries must have in common to be added. */
enum summary_term {
    SUMMARY_KIND,
    SUMMARY_TRANSPORT,
    SUMMARY_LOOP,
    SUMMARY_SIZE,
    SUMMARY_PIPELINE,
    SUMMARY_EXPECT,
    SUMMARY_SESSIONS, /* full or resumed */
    SUMMARY_TERMS,
};

enum { SUMMARY_TERM_BYTES = 24 };

/* The sum of this many summaries cannot overflow the counts that are accepted. */
enum { SUMMARIES_MAX = 1000 };

struct summary {
    const char *path; /* the caller's */
    size_t number;    /* among those of its file, from 1 */
    uint64_t digest;  /* of all fields but histograms */
    struct bench_load load;
    struct bench_measure measure;                  /* without seconds */
    char terms[SUMMARY_TERMS][SUMMARY_TERM_BYTES]; /* "" = unknown */
    enum result result;
    enum phase phase; /* in which it failed */
    bool interrupted;
    uint64_t clients, failed; /* of a single client 1, and 0 or 1 */
    bool resumes;             /* it has a count of resumed sessions */
    double rates_sum;         /* messages per second; of a sum, those of its clients */
    struct bench_times times;
};

struct summary_adder {
    int (*add)(void *arg, const struct summary *summary, struct error *err);
    void *arg;
};

/*
 * Adds all summaries of the file at path, "-" = standard input, one after the other, without the
 * lines of -v. A client that failed before it measured anything has one failure, its result.
 * ERROR_INPUT: the file cannot be read, or contains something else; ERROR_SYSTEM (memory); or the
 * error of the adder, without the path.
 */
int summaries_read(const char *path, const struct summary_adder *adder, struct error *err);

/* "transport", "pipeline", ... */
const char *summary_term_name(enum summary_term term);

#endif
