/* SPDX-License-Identifier: MIT */
/*
 * Time-outs. Within a class all are equally long, so the order in which they are set is the order
 * in which they pass: a list in order of arrival is the timer queue, every operation O(1).
 *
 * Ownership: a deadline is embedded in whatever waits and must be cleared before that goes.
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
    uint64_t after_us;    /* 0 = this class never passes */
};

void deadline_queue_init(struct deadline_queue *queue, uint64_t after_us);

/* Sets or moves d to now + the class's length. A class that never passes leaves d not set. */
void deadline_set(struct deadline_queue *queue, struct deadline *d, uint64_t now_us);
void deadline_clear(struct deadline *d);
bool deadline_is_set(const struct deadline *d);

/* When the first of the queue passes; UINT64_MAX if none is set. */
uint64_t deadline_next_us(const struct deadline_queue *queue);

/* The first one if it has passed by now_us, cleared; else NULL. */
struct deadline *deadline_pop(struct deadline_queue *queue, uint64_t now_us);

#endif
