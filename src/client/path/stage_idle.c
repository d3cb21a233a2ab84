/* SPDX-License-Identifier: MIT */
/* After how long a silent connection is gone: a ladder of silent connections, then a finer one. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "idle_ladder.h"
#include "path_lookup.h"
#include "tlsecho/base/clock.h"

enum {
    SPARE = 2, /* beside the rungs: for a second try of the last, and with keepalive */
    ROOM_US = 2 * IDLE_SECOND_US,    /* what the answer to the last probe may take */
    ANSWER_US = 10 * IDLE_SECOND_US, /* of a server that may be an echo, but not most of the time */
};

/* What is known of the path. */
struct idle {
    uint64_t end_us;          /* of the stage, clock_now_us */
    uint64_t low_us, high_us; /* survived, not survived; 0 = unknown */
    enum idle_fate fate;      /* of what did not */
    bool told;
    unsigned gone;        /* connections */
    bool outlived;        /* a later connection survived longer */
    uint64_t finished_us; /* when the server itself ended one; 0 = it did not */
    bool by_fin;          /* and that was a FIN on plain TCP */
    uint64_t keepalive_s; /* that was tried; 0 = none */
    bool held;            /* by it, */
    uint64_t kept_us;     /* through this silence */
    unsigned aged;        /* ladders beside which one that talked ended at the same age */
    bool talked;          /* one that talked grew older */
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
            idle->by_fin = c->session.target->context == NULL;
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
 * is gone, or unsteady, and not the silent connections. */
static int control(struct path *p, struct path_peer *peer, uint64_t due_us, struct error *err)
{
    int result = 0;
    for (unsigned i = path_confirm_rounds(p); i > 0 && result == 0; i--) {
        struct idle_conn c;
        bool echoes = false;
        result = idle_conn_open(&c, p, peer, due_us, &echoes, err);
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

/* How long anything can still be silent. */
static uint64_t left_us(const struct idle *idle)
{
    uint64_t now_us = clock_now_us();
    return idle->end_us > now_us + ROOM_US ? idle->end_us - now_us - ROOM_US : 0;
}

/* Between what survived and what did not, and those beyond: what happened once may have been the
 * restart of a box. Returns how many, at most count. */
static size_t plan_second(const struct ladder *l, const struct idle *idle, size_t count,
                          uint64_t ret[IDLE_CONNECTIONS_MAX])
{
    size_t beyond_count = beyond(idle->high_us) > left_us(idle) ? 0
                          : l->p->unsteady                      ? idle_ladder_gone_enough(l)
                                                                : 1;
    size_t n =
        idle_plan_between(idle->low_us, idle->high_us, left_us(idle), count - beyond_count, ret);
    for (size_t i = 0; i < beyond_count; i++)
        ret[n++] = beyond(idle->high_us);
    return n;
}

static int second_ladder(struct ladder *l, struct idle *idle, struct error *err)
{
    uint64_t silences_us[IDLE_CONNECTIONS_MAX], high_us = idle->high_us;
    uint64_t keepalive_s = idle->keepalive_s || beyond(high_us) > left_us(idle)
                               ? 0
                               : idle->low_us / IDLE_SECOND_US / 2;
    unsigned gone = idle->gone;
    size_t count = plan_second(l, idle, IDLE_CONNECTIONS_MAX - SPARE + 1, silences_us);
    if (!count)
        return 0;
    if (idle_ladder_open_talker(l, talk_us(high_us), idle->end_us, err) < 0)
        return -1;
    if (idle_ladder_open(l, count, keepalive_s, UINT64_MAX, idle->end_us, err) < 0)
        return -1;
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

/* --- the verdict --- */

static bool is_lifetime(const struct idle *idle)
{
    return idle->aged && !idle->talked;
}

static void note_lifetime(struct path *p, const struct idle *idle)
{
    char at[IDLE_SPAN_BYTES];
    path_record_note(p,
                     "connections end %s after they began, whatever their traffic: a lifetime, not "
                     "a silence; one that talked all the time ended, too",
                     idle_span_text(idle->high_us ? idle->high_us : idle->finished_us, at));
}

static void note_finish(struct path *p, const struct idle *idle)
{
    char at[IDLE_SPAN_BYTES];
    idle_span_text(idle->finished_us, at);
    if (idle->by_fin)
        path_record_note(p,
                         "silent connections end with a FIN after %s: over plain TCP that can be "
                         "the server's own idle time-out or that of a proxy; an endpoint with TLS "
                         "tells them apart",
                         at);
    else
        path_record_note(p,
                         "the server itself ends silent connections after %s, with close_notify: "
                         "longer ones cannot be tried",
                         at);
}

static void describe_keepalive(const struct idle *idle, char *ret, size_t size)
{
    char kept[IDLE_SPAN_BYTES];
    if (!idle->keepalive_s)
        snprintf(ret, size, "keepalive was not tried");
    else
        snprintf(ret, size, "TCP keepalive every %" PRIu64 " s %s a connection for %s",
                 idle->keepalive_s, idle->held ? "holds" : "does not hold",
                 idle_span_text(idle->kept_us, kept));
}

/* How often to send something, and what. */
static void describe_remedy(const struct idle *idle, const char *low, char ret[PATH_TEXT_BYTES])
{
    snprintf(ret, PATH_TEXT_BYTES, "%s: %s", low,
             !idle->keepalive_s ? "by TCP keepalive if it holds the connection, or by the protocol "
                                  "itself"
             : idle->held ? "by TCP keepalive, which holds the connection, or by the protocol "
                            "itself"
                          : "by the protocol itself");
}

/* "a connection that was silent for 2.00 s is there, after 2.10 s it is gone" */
static void describe_limit(const struct idle *idle, char ret[PATH_TEXT_BYTES])
{
    char low[IDLE_SPAN_BYTES], high[IDLE_SPAN_BYTES];
    idle_span_text(idle->low_us, low);
    idle_span_text(idle->high_us, high);
    if (!idle->low_us)
        snprintf(low, sizeof low, "no time");
    if (strcmp(low, high) == 0)
        snprintf(ret, PATH_TEXT_BYTES, "a connection is gone after a silence of %s", high);
    else
        snprintf(ret, PATH_TEXT_BYTES,
                 "a connection that was silent for %s is there, after %s it is gone", low, high);
}

static void report(struct path *p, const struct idle *idle, unsigned gone_enough)
{
    char low[IDLE_SPAN_BYTES], high[IDLE_SPAN_BYTES], keepalive[PATH_TEXT_BYTES];
    char limit[PATH_TEXT_BYTES], remedy[PATH_TEXT_BYTES];
    struct idle_conn gone = {.fate = idle->fate};
    idle_span_text(idle->low_us, low);
    idle_span_text(idle->high_us, high);
    if (idle->outlived || idle_is_longer(idle->low_us, idle->high_us)) {
        path_record_note(p,
                         "silent connections were gone once after %s (%s), but others lasted "
                         "longer: not a time-out",
                         high, idle_conn_fate_text(&gone));
        return;
    }
    if (is_lifetime(idle)) {
        note_lifetime(p, idle);
        return;
    }
    if (p->unsteady && idle->gone < gone_enough) {
        path_record_note(p,
                         "%u silent connections were gone after %s (%s), which is no finding where "
                         "others fail at random",
                         idle->gone, high, idle_conn_fate_text(&gone));
        return;
    }
    describe_keepalive(idle, keepalive, sizeof keepalive);
    describe_limit(idle, limit);
    describe_remedy(idle, low, remedy);
    path_record_finding(p, "idle-timeout", remedy, "%s (%u tries): %s%s; %s", limit, idle->gone,
                        idle_conn_fate_text(&gone),
                        idle->told ? ", and the client is told at that moment"
                                   : ", and the client is not told before it sends",
                        keepalive);
}

static int search(struct ladder *l, struct idle *idle, struct error *err)
{
    uint64_t max_us = l->p->options.idle_max_ms * 1000;
    char longest[IDLE_SPAN_BYTES];
    if (first_ladder(l, idle, max_us, err) < 0)
        return -1;
    idle_ladder_close(l);
    if (idle->finished_us && !idle->high_us && is_lifetime(idle))
        note_lifetime(l->p, idle);
    else if (idle->finished_us)
        note_finish(l->p, idle);
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
    report(l->p, idle, idle_ladder_gone_enough(l));
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
        int result = idle_conn_open(
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
            path_lookup_add(&others, p->peer, idle_conn_result(&c), idle_conn_fate_text(&c));
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
