/* SPDX-License-Identifier: MIT */
/*
 * Silent connections, opened at once, that are all probed, each after a silence of its own.
 *
 * Ownership: a ladder owns its connections; path and peer are the caller's.   Threads: one.
 */
#ifndef TLSECHO_IDLE_LADDER_H
#define TLSECHO_IDLE_LADDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "idle_conn.h"
#include "idle_plan.h"

enum { IDLE_SECOND_US = 1000 * 1000, IDLE_SPAN_BYTES = 32 };

struct ladder {
    struct path *p;
    struct path_peer *peer;
    struct idle_conn conns[IDLE_CONNECTIONS_MAX];
    size_t count;
    uint64_t keepalive_s;    /* of the first one; 0 = it has none */
    uint64_t slowest_us;     /* of all echoes */
    bool limited;            /* there are fewer connections than were asked for */
    struct idle_conn talker; /* is never silent for long, and no rung; planned_us: how long */
    bool talks;              /* there is one */
    uint64_t talk_began_us;
    uint64_t talked_us; /* its age at the last echo */
    uint64_t ended_us;  /* its age when it ended; 0 = it did not */
};

/* Before idle_ladder_open: a connection that talks every so often, if one can be opened. -1:
 * interrupted. */
int idle_ladder_open_talker(struct ladder *l, uint64_t every_us, uint64_t deadline_us,
                            struct error *err);

/* Until the one that talks has ended, or is older than age_us; no longer than end_us. -1:
 * interrupted. */
int idle_ladder_await_talker(struct ladder *l, uint64_t age_us, uint64_t end_us, struct error *err);

/*
 * At most count connections, as many as until_us allows but more than a few; one more before them,
 * if keepalive_s, has TCP's keepalive and is left out of all below. If one cannot be opened, or
 * does not echo, those before it are all, and a note says so; -1 if they are too few, or as
 * idle_conn_open. Call idle_ladder_close in any case.
 */
int idle_ladder_open(struct ladder *l, size_t count, uint64_t keepalive_s, uint64_t until_us,
                     uint64_t deadline_us, struct error *err);
void idle_ladder_close(struct ladder *l);

/* As many silences as there are connections, ascending. */
void idle_ladder_plan(struct ladder *l, const uint64_t *silences_us, size_t count);

/*
 * When one is gone, or seems to be, the next is probed at once, for a second try of the same
 * silence. Tells each as a step. Returns when it is certain that connections are gone, when nothing
 * is left to try, or at end_us. -1: interrupted.
 */
int idle_ladder_climb(struct ladder *l, uint64_t end_us, struct error *err);

/* How long the echo of a probe may take. */
uint64_t idle_ladder_patience_us(const struct ladder *l);

/* The longest silence that one survived; 0 = none did. */
uint64_t idle_ladder_survived_us(const struct ladder *l);

/* Whether a connection is gone though another survived a longer silence, or has been told of its
 * end though another has not, after a longer silence. */
bool idle_ladder_is_accident(const struct ladder *l, const struct idle_conn *c);

/* Whether a connection ended, and not by accident. */
bool idle_ladder_counts(const struct ladder *l, const struct idle_conn *c);

/* How many have to be gone: more where the same was answered at times and at times not. */
unsigned idle_ladder_gone_enough(const struct ladder *l);

/* Probes the one with keepalive after that silence, and tells it as a step. *ret: what became of
 * it; IDLE_SILENT or IDLE_PROBED at end_us. -1: interrupted. */
int idle_ladder_try_kept(struct ladder *l, uint64_t silence_us, uint64_t end_us,
                         enum idle_fate *ret, struct error *err);

/* By more than what two connections may differ. */
bool idle_is_longer(uint64_t a_us, uint64_t b_us);

/* "59.8 s" */
const char *idle_span_text(uint64_t us, char ret[IDLE_SPAN_BYTES]);

#endif
