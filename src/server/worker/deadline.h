/* SPDX-License-Identifier: MIT */
/*
 * Time-outs. All deadlines of a queue have the same length, so they expire in the order in which
 * they were set: a list is the timer queue, every operation O(1).
 *
 * Ownership: a deadline is embedded in its owner and must be cleared before that is freed.
 * Threads: its worker's.
 */
#ifndef TLSECHO_DEADLINE_H
#define TLSECHO_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

struct deadline {
    struct deadline *previous, *next; /* NULL while it is not set */
    uint64_t due_us;
};

struct deadline_queue {
    struct deadline list; /* the ends of a ring */
    uint64_t after_us;    /* 0 = never expires */
};

void deadline_queue_init(struct deadline_queue *queue, uint64_t after_us);

/* Sets or moves d to now_us + after_us. If the queue never expires, d is not set. */
void deadline_set(struct deadline_queue *queue, struct deadline *d, uint64_t now_us);
void deadline_clear(struct deadline *d);
bool deadline_is_set(const struct deadline *d);

/* When the first of the queue expires; UINT64_MAX if none is set. */
uint64_t deadline_next_us(const struct deadline_queue *queue);

/* The first one if it has expired by now_us, cleared; else NULL. */
struct deadline *deadline_pop(struct deadline_queue *queue, uint64_t now_us);

#endif
