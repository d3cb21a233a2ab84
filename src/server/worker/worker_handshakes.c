/* SPDX-License-Identifier: MIT */
/*
 * The unfinished handshakes of a worker, oldest first, and limits.handshakes: above it the oldest
 * handshake of the process is closed, so that clients that never finish one do not block others.
 */
#include "worker_conn.h"

static void publish(const struct worker_loop *loop)
{
    const struct worker_conn *oldest = TAILQ_FIRST(&loop->handshakes);
    worker_group_publish(loop->group, loop->member,
                         oldest ? oldest->hello_number : WORKER_GROUP_NONE);
}

/* The oldest is published before the count is raised, and the count is lowered before another one
 * is published as the oldest: so the newest is never closed. */
static void begin(struct worker_conn *s)
{
    struct worker_loop *loop = s->loop;
    s->in_handshake = true;
    s->hello_number = worker_group_next(loop->group);
    TAILQ_INSERT_TAIL(&loop->handshakes, s, in_handshakes);
    if (TAILQ_FIRST(&loop->handshakes) == s)
        publish(loop);
    admission_handshake_begins(&s->origin.pass);
    if (admission_handshakes_exceeded(worker_group_admission(loop->group)))
        worker_group_trim(loop->group, loop->member);
}

void worker_handshake_over(struct worker_conn *s)
{
    struct worker_loop *loop = s->loop;
    if (!s->in_handshake)
        return;
    s->in_handshake = false;
    admission_handshake_over(&s->origin.pass);
    bool oldest = TAILQ_FIRST(&loop->handshakes) == s;
    TAILQ_REMOVE(&loop->handshakes, s, in_handshakes);
    if (oldest)
        publish(loop);
}

void worker_handshake_follow(struct worker_conn *s)
{
    if (s->conn.established)
        worker_handshake_over(s);
    else if (s->conn.hello_begun && !s->in_handshake)
        begin(s);
}

void worker_loop_trim_handshakes(struct worker_loop *loop)
{
    struct admission *admission = worker_group_admission(loop->group);
    while (admission_handshakes_exceeded(admission)) {
        int oldest = worker_group_oldest(loop->group);
        if (oldest < 0)
            return;
        if ((unsigned)oldest != loop->member) {
            worker_group_trim(loop->group, (unsigned)oldest);
            return;
        }
        if (!admission_handshakes_exceeded(
                admission)) /* others have finished, so the oldest is another one */
            return;
        worker_conn_abort(TAILQ_FIRST(&loop->handshakes), CONN_END_HANDSHAKE_LIMIT);
    }
}
