/* SPDX-License-Identifier: MIT */
/* What a connection over DTLS has beyond one over a stream. */
#include <stdlib.h>

#include "tlsecho/tls/dtls_session.h"
#include "worker_conn.h"

/* Adds the datagrams since the last call. */
static void count_datagrams(struct worker_conn *s)
{
    struct metrics_listener *m = &s->loop->metrics->listeners[s->origin.slot];
    struct association *a = s->association;
    metrics_add(&m->datagrams_sent, a->path.sent - a->counted_sent);
    metrics_add(&m->dropped[DATAGRAM_DROP_UNSENT], a->path.unsent - a->counted_unsent);
    metrics_add(&m->dropped[DATAGRAM_DROP_LONG], a->path.too_long - a->counted_too_long);
    a->counted_sent = a->path.sent;
    a->counted_unsent = a->path.unsent;
    a->counted_too_long = a->path.too_long;
}

void worker_association_drop(struct worker_conn *s)
{
    count_datagrams(s);
    association_remove(&s->loop->associations, s->association);
    free(s->association);
}

void worker_association_follow(struct worker_conn *s)
{
    struct association *a = s->association;
    count_datagrams(s);
    if (!a->established || deadline_is_set(&a->retransmission))
        association_wait(&s->loop->associations, a, worker_loop_now_us(s->loop));
    a->established = s->conn.established;
    struct association *idle = a->established ? association_wake(&s->loop->associations, a) : NULL;
    if (idle)
        dtls_session_rest(idle->session);
}
