/* SPDX-License-Identifier: MIT */
/*
 * The summaries of loads, as --bench --json leaves them in a file, read again.
 *
 * Ownership: summaries_free frees what was read.   Threads: one.
 */
#ifndef TLSECHO_SUMMARY_H
#define TLSECHO_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>

#include "tlsecho/client/bench.h"

/* What has to be the same for two measures to add up. */
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
    uint64_t clients, failed; /* 1 and 0 or 1; of a sum as many as it says */
    int64_t started_us;       /* of the measured time, since 1970; 0 = unknown */
};

struct summaries {
    struct summary *items;
    size_t count;
};

/*
 * Adds all summaries of the file at path to *all; what -v said each second is left out. A client
 * that failed before it measured anything has one failure, its result. ERROR_INPUT: the file cannot
 * be read, or has anything else in it; ERROR_SYSTEM (memory).
 */
int summaries_read(const char *path, struct summaries *all, struct error *err);
void summaries_free(struct summaries *all);

/* To the last digit: of one run. */
bool summary_is_same(const struct summary *a, const struct summary *b);

/* "transport": what the term is about. */
const char *summary_term_name(enum summary_term term);

#endif
