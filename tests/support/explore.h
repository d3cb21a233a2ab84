/* SPDX-License-Identifier: MIT */
/*
 * Every run of a machine, to a bound. A machine's step asks explore_choose for whatever is not
 * determined: which event comes, what an operation returns. The explorer runs it from its first
 * state again and again, until every choice has been made in every state; a state that was seen
 * before, by its hash, is not explored twice. Shorter runs come first, so that the first failure
 * has the least number of steps. It is printed with all of its choices.
 *
 * Ownership: explore_run frees what it allocates.   Threads: one.
 */
#ifndef TLSECHO_EXPLORE_H
#define TLSECHO_EXPLORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct explore;

struct explore_machine {
    const char *name;
    void (*reset)(void);               /* into the first state; frees what the last run has left */
    void (*step)(struct explore *x);   /* one event */
    bool (*over)(void);                /* nothing follows this state */
    uint64_t (*state)(void);           /* the hash of all that the future depends on */
    void (*settle)(struct explore *x); /* after each new state: checks how it ends; or NULL */
    unsigned depth_max;                /* steps; 0 = until there is no new state */
    unsigned whole_depth_max;          /* likewise, where the whole is to be explored */
};

enum { EXPLORE_TEXT_BYTES = 4096 };

struct explore_result {
    size_t states, transitions, runs;
    unsigned depth; /* of the longest run to a new state */
    bool complete;  /* no state is left out */
    bool failed;
    char failure[EXPLORE_TEXT_BYTES]; /* the run, a line for each step, and what does not hold */
};

/* In a step: one of n options, at least one, whose names are static or NULL for numbers. */
unsigned explore_choose(struct explore *x, const char *what, const char *const *options,
                        unsigned n);

/* In a step: if it does not hold, the exploration ends, and explore_run returns. */
void explore_require(struct explore *x, bool holds, const char *rule);

void explore_run(const struct explore_machine *machine, struct explore_result *ret);

/* Runs it, prints the figures, and fails the Check test if a rule is broken. With TLSECHO_EXPLORE
 * set to "whole", whole_depth_max is the bound; set to a number, that is. Returns whether no state
 * was left out. */
bool explore_assert(const struct explore_machine *machine);

/* The bound that such a text asks for. False: it is something else. */
bool explore_read_bound(const char *text, const struct explore_machine *machine, unsigned *ret);

/* Whether the whole is to be explored. */
bool explore_is_whole(void);

/* For a state: begin with 0. */
uint64_t explore_hash(uint64_t hash, uint64_t value);

#endif
