/* SPDX-License-Identifier: MIT */
/*
 * Reads summaries of loads that --bench --json has written to files.
 *
 * Ownership: summaries_free frees what was read.   Threads: one.
 */
#ifndef TLSECHO_SUMMARY_H
#define TLSECHO_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>

#include "tlsecho/client/bench.h"

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

struct json_t; /* jansson.h */

struct summary {
    const char *path; /* the caller's */
    size_t number;    /* among those of its file, from 1 */
    struct json_t *json;
    struct bench_load load;
    struct bench_measure measure;                  /* without seconds */
    char terms[SUMMARY_TERMS][SUMMARY_TERM_BYTES]; /* "" = unknown */
    enum result result;
    enum phase phase; /* in which it failed */
    bool interrupted;
    uint64_t clients, failed; /* of a single client 1, and 0 or 1 */
    int64_t started_us;       /* of the measured time, since 1970; 0 = unknown */
    bool start_is_rounded;    /* to milliseconds */
    int64_t start_spread_us;  /* of a sum: from its first start to its last; -1 = unknown */
};

struct summaries {
    struct summary *items;
    size_t count;
};

/*
 * Adds all summaries of the file at path, "-" = standard input, to *all, without the lines of -v. A
 * client that failed before it measured anything has one failure, its result. ERROR_INPUT: the file
 * cannot be read, or contains something else; ERROR_SYSTEM (memory).
 */
int summaries_read(const char *path, struct summaries *all, struct error *err);
void summaries_free(struct summaries *all);

/* Whether both are of one run: all fields are equal. */
bool summary_is_same(const struct summary *a, const struct summary *b);

/* "transport", "pipeline", ... */
const char *summary_term_name(enum summary_term term);

#endif
