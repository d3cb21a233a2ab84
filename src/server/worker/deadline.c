/* SPDX-License-Identifier: MIT */
#include "deadline.h"

#include <stddef.h>

void deadline_queue_init(struct deadline_queue *queue, uint64_t after_us)
{
    queue->list.next = queue->list.previous = &queue->list;
    queue->list.due_us = UINT64_MAX;
    queue->after_us = after_us;
}

void deadline_clear(struct deadline *d)
{
    if (!d->next)
        return;
    d->previous->next = d->next;
    d->next->previous = d->previous;
    d->previous = d->next = NULL;
}

bool deadline_is_set(const struct deadline *d)
{
    return d->next;
}

void deadline_set(struct deadline_queue *queue, struct deadline *d, uint64_t now_us)
{
    deadline_clear(d);
    if (queue->after_us == 0)
        return;
    d->due_us = now_us + queue->after_us;
    d->next = &queue->list;
    d->previous = queue->list.previous;
    d->previous->next = d;
    queue->list.previous = d;
}

uint64_t deadline_next_us(const struct deadline_queue *queue)
{
    return queue->list.next->due_us;
}

struct deadline *deadline_pop(struct deadline_queue *queue, uint64_t now_us)
{
    struct deadline *first = queue->list.next;
    if (first->due_us > now_us)
        return NULL;
    deadline_clear(first);
    return first;
}
