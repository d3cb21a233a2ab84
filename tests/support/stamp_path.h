/* SPDX-License-Identifier: MIT */
/*
 * Random paths to a STAMP reflector and back, of which all is known, and what stamp_flow.h tells of
 * each from the replies alone.
 *
 * Ownership: values.   Threads: one.
 */
#ifndef TLSECHO_TESTS_STAMP_PATH_H
#define TLSECHO_TESTS_STAMP_PATH_H

#include <stdbool.h>
#include <stdint.h>

#include "tlsecho/client/stamp_flow.h"

/* RECORD: the reflector keeps one. ALONE: a last probe comes after all others, and its reply, too.
 */
enum {
    STAMP_PATH_LOSS = 1,
    STAMP_PATH_DUPLICATES = 2,
    STAMP_PATH_REORDERING = 4,
    STAMP_PATH_ALL = 7,
    STAMP_PATH_RECORD = 8,
    STAMP_PATH_ALONE = 16
};
enum {
    STAMP_PATH_PROBES = 10,
    STAMP_PATH_SEQS = STAMP_PATH_PROBES + 2,
    STAMP_PATH_ARRIVALS = 2 * STAMP_PATH_PROBES + 1
};

struct stamp_path_packet {
    uint64_t seq;
    int due;   /* packets arrive in this order */
    bool lost; /* of an arrival: all of its replies */
};

/* What happened on a path, and what was told of it. */
struct stamp_path {
    unsigned what;
    void (*spoil)(struct stamp_numbers *numbers);
    uint64_t sent, lost; /* probes */
    struct stamp_path_packet
        arrivals[STAMP_PATH_ARRIVALS]; /* the index is the reflector's number */
    int count, last;                   /* last: the last number of which a reply came back */
    int first;                         /* the number of the first reply that came back */
    bool arrived[STAMP_PATH_SEQS], answered[STAMP_PATH_SEQS];
    uint64_t answered_last, reverse_duplicated;
    uint64_t displaced; /* of what was answered: by how many probes it was late */
    struct stamp_result result;
};

/* Up to the last number that came back, of which the result tells. */
struct stamp_path_truth {
    uint64_t forward_lost, forward_duplicated, reverse_lost;
    uint64_t coincidences; /* a reply to a duplicate was lost where a probe was lost, too */
};

/* The first of the numbers that everything random comes from. */
void stamp_path_seed(uint32_t seed);
uint32_t stamp_path_below(uint32_t limit);

/* spoil changes what the reflector tells, as a faulty one does; NULL = nothing. */
void stamp_path_run(struct stamp_path *path, unsigned what,
                    void (*spoil)(struct stamp_numbers *numbers));

void stamp_path_find_truth(const struct stamp_path *path, struct stamp_path_truth *ret);

/* The replies do not show that what was lost on the way back was further behind than any that came
 * back; nor that numbers before that of the first reply were ours, if they are too many. */
bool stamp_path_is_shown(const struct stamp_path *path);

/* Lost probes as the result has them, by direction. */
uint64_t stamp_path_total(const struct stamp_path *path);

#endif
