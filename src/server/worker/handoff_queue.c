/* SPDX-License-Identifier: MIT */
#include "handoff_queue.h"

#include <assert.h>

#include "tlsecho/base/clock.h"
#include "tlsecho/base/thread.h"

void handoff_queues_init(struct handoff_queues *all)
{
    pthread_mutex_init(&all->mutex, NULL);
    thread_condition_init(&all->room);
    all->count = all->full = 0;
}

void handoff_queues_done(struct handoff_queues *all)
{
    pthread_cond_destroy(&all->room);
    pthread_mutex_destroy(&all->mutex);
}

void handoff_queue_join(struct handoff_queue *queue, struct handoff_queues *all)
{
    queue->all = all;
    all->count++;
}

static bool is_full(const struct handoff_queue *queue)
{
    return queue->count > HANDOFF_QUEUE_MAX - WORKER_HANDOFFS_MAX;
}

/* After a change. */
static void count_full(struct handoff_queue *queue, bool was_full)
{
    struct handoff_queues *all = queue->all;
    if (is_full(queue) && !was_full)
        all->full++;
    if (!is_full(queue) && was_full) {
        all->full--;
        pthread_cond_signal(&all->room);
    }
}

bool handoff_queue_add(struct handoff_queue *queue, const struct handoff *handoffs, size_t count)
{
    assert(count <= WORKER_HANDOFFS_MAX);
    pthread_mutex_lock(&queue->all->mutex);
    bool was_full = is_full(queue), fits = count <= HANDOFF_QUEUE_MAX - queue->count;
    for (size_t i = 0; fits && i < count; i++)
        queue->items[(queue->first + queue->count++) % HANDOFF_QUEUE_MAX] = handoffs[i];
    count_full(queue, was_full);
    pthread_mutex_unlock(&queue->all->mutex);
    return fits;
}

size_t handoff_queue_take(struct handoff_queue *queue, struct handoff ret[WORKER_HANDOFFS_MAX],
                          bool *ret_more)
{
    size_t n = 0;
    pthread_mutex_lock(&queue->all->mutex);
    bool was_full = is_full(queue);
    for (; n < WORKER_HANDOFFS_MAX && queue->count > 0; n++, queue->count--) {
        ret[n] = queue->items[queue->first];
        queue->first = (queue->first + 1) % HANDOFF_QUEUE_MAX;
    }
    *ret_more = queue->count > 0;
    count_full(queue, was_full);
    pthread_mutex_unlock(&queue->all->mutex);
    return n;
}

bool handoff_queues_wait_for_room(struct handoff_queues *all, int timeout_ms)
{
    const uint64_t due_us = clock_now_us() + (uint64_t)timeout_ms * 1000;
    pthread_mutex_lock(&all->mutex);
    while (all->full == all->count && thread_condition_wait(&all->room, &all->mutex, due_us))
        ;
    bool room = all->full < all->count;
    pthread_mutex_unlock(&all->mutex);
    return room;
}
