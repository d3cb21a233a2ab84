/* SPDX-License-Identifier: MIT */
/* After how long a silent connection is gone: a ladder of silent connections, then a finer one. */
#include <stdio.h>
#include <string.h>

#include "idle_ladder.h"
#include "idle_verdict.h"
#include "path_lookup.h"
#include "tlsecho/base/clock.h"

enum {
    SPARE = 2, /* beside the rungs: for a second try of the last, and with keepalive */
    LOST_US = 2 * IDLE_SECOND_US,         /* a line is never acknowledged */
    SOON_US = IDLE_SECOND_US / 2,         /* RST or FIN is the answer to one */
    SHORTEST_US = 6 * IDLE_SECOND_US / 5, /* that keepalive of a second can hold for */
    ANSWER_US = 10 * IDLE_SECOND_US, /* of a server that may be an echo, but not most of the time */
};

/* How often the connection that is not silent talks. */
static uint64_t talk_us(uint64_t silence_us)
{
    enum { TALKS = 12, MOST_US = 2 * IDLE_SECOND_US };
    return silence_us / TALKS < MOST_US ? silence_us / TALKS : MOST_US;
}

/* A silence that is surely longer than the one that was found. */
static uint64_t beyond(uint64_t high_us)
{
    return high_us + high_us * (IDLE_STEP_PERCENT + 2) / 100;
}

static void learn(const struct ladder *l, struct idle *idle)
{
    uint64_t survived_us = idle_ladder_survived_us(l);
    idle->gone = 0;
    for (size_t i = 0; i < l->count; i++)
        l->p->unsteady = l->p->unsteady || idle_ladder_is_accident(l, &l->conns[i]);
    idle->low_us = survived_us > idle->low_us ? survived_us : idle->low_us;
    for (size_t i = 0; i < l->count; i++) {
        const struct idle_conn *c = &l->conns[i];
        if (!idle_ladder_counts(l, c))
            continue;
        if (c->fate == IDLE_FINISHED) {
            idle->finished_us = c->silence_us;
            idle->by_fin = idle_conn_has_fin(c);
            continue;
        }
        idle->gone++;
        if (!idle->high_us || c->silence_us < idle->high_us)
            idle->high_us = c->silence_us;
        /* One that was told counts more than one that was just about to be. */
        if (idle->gone == 1 || (c->told && !idle->told))
            idle->fate = c->fate;
        idle->told = idle->told || c->told;
        if (c->told && c->seen_us - c->last_us > idle->low_us)
            idle->low_us = c->seen_us - c->last_us;
    }
    if (idle->high_us && !idle_is_longer(idle->low_us, idle->high_us) &&
        idle->low_us > idle->high_us)
        idle->low_us = idle->high_us;
}

/* Whether the connection that talks has ended as the silent ones: then it is not the silence. */
static int compare_talker(struct ladder *l, struct idle *idle, struct error *err)
{
    enum { LATE_US = 3 * IDLE_SECOND_US, TALKS = 3 };
    uint64_t silence_us = idle->high_us ? idle->high_us : idle->finished_us;
    if (!silence_us || l->talker.planned_us > silence_us / TALKS)
        return 0;
    if (idle_ladder_await_talker(l, beyond(silence_us), idle->end_us, err) < 0)
        return -1;
    bool same = l->ended_us && !idle_is_longer(silence_us, l->ended_us) &&
                l->ended_us < beyond(silence_us) + LATE_US;
    idle->aged += same;
    idle->talked = idle->talked || l->talked_us > beyond(silence_us);
    return 0;
}

/* Of the connection with keepalive, when it was silent for longer than others survive. */
static int try_keepalive(struct ladder *l, struct idle *idle, struct error *err)
{
    enum idle_fate fate;
    if (!l->keepalive_s || l->keepalive_s * IDLE_SECOND_US >= idle->low_us)
        return 0;
    if (idle_ladder_try_kept(l, beyond(idle->high_us), idle->end_us, &fate, err) < 0)
        return -1;
    if (fate <= IDLE_PROBED)
        return 0;
    idle->keepalive_s = l->keepalive_s;
    idle->held = fate == IDLE_ALIVE;
    idle->kept_us = l->conns[0].silence_us;
    return 0;
}

/* Whether a new connection still echoes, as often as path_confirm_rounds says: if not, the server
 * is gone, and not the silent connections. */
static int control(struct path *p, struct path_peer *peer, uint64_t due_us, struct error *err)
{
    int result = 0;
    for (unsigned i = path_confirm_rounds(p); i > 0 && result == 0; i--) {
        struct idle_conn c;
        bool echoes = false;
        result = idle_conn_open_again(&c, p, peer, due_us, &echoes, err);
        idle_conn_close(&c);
        if (result == 0 && !echoes)
            result = error_set(err, ERROR_TIMEOUT, "the server does not echo any more");
    }
    return result < 0 ? error_prefix(err, "after the silence") : 0;
}

static int first_ladder(struct ladder *l, struct idle *idle, uint64_t max_us, struct error *err)
{
    uint64_t silences_us[IDLE_CONNECTIONS_MAX], until_us = clock_now_us() + max_us / 4;
    if (idle_ladder_open_talker(l, talk_us(max_us), idle->end_us, err) < 0)
        return -1;
    if (idle_ladder_open(l, IDLE_CONNECTIONS_MAX - 1, max_us / IDLE_SECOND_US / 2, until_us,
                         idle->end_us, err) < 0)
        return -1;
    idle->limited = l->limited;
    size_t rungs = l->count - (l->keepalive_s > 0) - 1;
    idle_plan_ladder(max_us, rungs, silences_us);
    silences_us[rungs] = max_us; /* a second try of the last */
    idle_ladder_plan(l, silences_us, rungs + 1);
    if (idle_ladder_climb(l, idle->end_us, err) < 0)
        return -1;
    learn(l, idle);
    if (compare_talker(l, idle, err) < 0)
        return -1;
    return idle->gone ? try_keepalive(l, idle, err) : 0;
}

/* How long it takes to see that a connection is gone. */
static uint64_t room_us(const struct ladder *l, const struct idle *idle)
{
    if (idle->told || idle->fate == IDLE_RESET || idle->fate == IDLE_CUT)
        return SOON_US;
    return idle->fate == IDLE_MUTE ? idle_ladder_patience_us(l) + SOON_US : LOST_US;
}

/* How long anything can still be silent. */
static uint64_t left_us(const struct ladder *l, const struct idle *idle)
{
    uint64_t until_us = clock_now_us() + room_us(l, idle);
    return idle->end_us > until_us ? idle->end_us - until_us : 0;
}

/* Between what survived and what did not, and those beyond: what happened once may have been the
 * restart of a box. Returns how many, at most count. */
static size_t plan_second(const struct ladder *l, const struct idle *idle, size_t count,
                          uint64_t ret[IDLE_CONNECTIONS_MAX])
{
    uint64_t limit_us = left_us(l, idle);
    size_t beyond_count = beyond(idle->high_us) > limit_us ? 0
                          : l->p->unsteady                 ? idle_ladder_gone_enough(l)
                                                           : 1;
    size_t n = idle_plan_between(idle->low_us, idle->high_us, limit_us, count - beyond_count, ret);
    for (size_t i = 0; i < beyond_count; i++)
        ret[n++] = beyond(idle->high_us);
    return n;
}

/* The interval that is tried; 0 = none, since one was tried, or none fits. */
static uint64_t choose_keepalive(const struct ladder *l, struct idle *idle)
{
    uint64_t half_s = idle->low_us / IDLE_SECOND_US / 2;
    idle->too_short = idle->low_us < SHORTEST_US;
    if (idle->keepalive_s || idle->too_short || beyond(idle->high_us) > left_us(l, idle))
        return 0;
    return half_s ? half_s : 1;
}

static int second_ladder(struct ladder *l, struct idle *idle, struct error *err)
{
    uint64_t silences_us[IDLE_CONNECTIONS_MAX], high_us = idle->high_us;
    uint64_t keepalive_s = choose_keepalive(l, idle);
    unsigned gone = idle->gone;
    size_t count = plan_second(l, idle, IDLE_CONNECTIONS_MAX - SPARE + 1, silences_us);
    if (!count)
        return 0;
    if (idle_ladder_open_talker(l, talk_us(high_us), idle->end_us, err) < 0)
        return -1;
    if (idle_ladder_open(l, count, keepalive_s, UINT64_MAX, idle->end_us, err) < 0)
        return -1;
    idle->limited = idle->limited || l->limited;
    if (l->count - (keepalive_s > 0) < count)
        count = plan_second(l, idle, l->count - (keepalive_s > 0), silences_us);
    idle_ladder_plan(l, silences_us, count);
    if (idle_ladder_climb(l, idle->end_us, err) < 0)
        return -1;
    learn(l, idle);
    idle->gone += gone;
    idle->outlived = idle_is_longer(idle_ladder_survived_us(l), high_us);
    if (compare_talker(l, idle, err) < 0)
        return -1;
    return idle->outlived ? 0 : try_keepalive(l, idle, err);
}

static int search(struct ladder *l, struct idle *idle, struct error *err)
{
    uint64_t max_us = l->p->options.idle_max_ms * 1000;
    char longest[IDLE_SPAN_BYTES];
    if (first_ladder(l, idle, max_us, err) < 0)
        return -1;
    idle_ladder_close(l);
    if (idle->finished_us && !idle->high_us && idle_verdict_is_lifetime(idle))
        idle_verdict_note_lifetime(l->p, idle);
    else if (idle->finished_us)
        idle_verdict_note_finish(l->p, idle);
    if (!idle->high_us) {
        if (!idle->finished_us)
            path_record_note(l->p, "a connection that was silent for %s is still there%s",
                             idle_span_text(idle->low_us, longest),
                             idle_is_longer(max_us, idle->low_us) ? "; no time was left to try more"
                                                                  : "");
        return 0;
    }
    if (control(l->p, l->peer, idle->end_us, err) < 0 || second_ladder(l, idle, err) < 0)
        return -1;
    idle_verdict_tell(l->p, idle, idle_ladder_gone_enough(l));
    return 0;
}

/* The first server that echoes. NULL: none does, and the stage is skipped. */
static int find_echo(struct path *p, uint64_t end_us, struct path_peer **ret, struct error *err)
{
    struct path_lookup others = {.failed = false};
    size_t count = p->verdict->server_count;
    *ret = NULL;
    for (size_t i = 0; i < count; i++) {
        uint64_t now_us = clock_now_us(), share_us = (end_us - now_us) / (2 * (count - i));
        struct idle_conn c;
        bool echoes = false;
        if (path_lookup_add_unreached(&others, &p->peers[i]))
            continue;
        p->peer = &p->peers[i];
        int result = idle_conn_open_again(
            &c, p, p->peer, now_us + (share_us < ANSWER_US ? share_us : ANSWER_US), &echoes, err);
        idle_conn_close(&c);
        if (echoes) {
            *ret = p->peer;
            return 0;
        }
        if (result < 0 && err->kind == ERROR_INTERRUPTED)
            return -1;
        if (result < 0)
            path_lookup_add_error(&others, p, p->peer, err);
        else
            path_lookup_add(&others, p->peer, idle_conn_result(&c),
                            c.fate == IDLE_FINISHED ? "it ends the connection"
                                                    : idle_conn_fate_text(&c));
    }
    return path_lookup_fail(&others, p, "no endpoint echoes; give one whose service is echo", err);
}

int stage_idle_run(struct path *p, struct path_peer *peer, struct error *err)
{
    struct ladder ladder = {.p = p, .peer = NULL};
    uint64_t max_us = p->options.idle_max_ms * 1000;
    struct idle idle = {0};
    (void)peer;
    if (p->options.idle_max_ms == OPTIONS_NOT_GIVEN) {
        path_record_skip(p, "the longest silence to try is not given: add --idle-max TIME");
        return 0;
    }
    idle.end_us = clock_now_us() + 2 * max_us;
    if (find_echo(p, idle.end_us, &ladder.peer, err) < 0)
        return -1;
    if (!ladder.peer)
        return 0;
    int result = search(&ladder, &idle, err);
    idle_ladder_close(&ladder);
    return result;
}
