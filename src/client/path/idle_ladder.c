/* SPDX-License-Identifier: MIT */
#include "idle_ladder.h"

#include <stdio.h>

#include "path_wait.h"
#include "tlsecho/base/clock.h"

enum {
    GONE = 2,          /* so many make it certain, */
    GONE_UNSTEADY = 4, /* and where anything was mixed */
    LEAST = 4,         /* connections: one with keepalive, two rungs, a second try of the last */
    FEW = 6,           /* connections, though they open slowly */
    QUICK_US = 1000 * 1000, /* an echo that takes less is none that is slow */
    PATIENCE_SHARE = 4,     /* of the longest silence, so that a second ladder has time */
    SLOWER_TIMES = 4,       /* than all before an echo may be */
    SUSPECT_US = 300 * 1000,
    TICK_US = 50 * 1000, /* where others than the next one are waited for */
};
static const uint64_t FOREVER_US = UINT64_MAX / 2;

const char *idle_span_text(uint64_t us, char ret[IDLE_SPAN_BYTES])
{
    double s = (double)us / 1e6;
    snprintf(ret, IDLE_SPAN_BYTES, "%.*f s", s < 10 ? 2 : s < 100 ? 1 : 0, s);
    return ret;
}

void idle_ladder_close(struct ladder *l)
{
    for (size_t i = 0; i < l->count; i++)
        idle_conn_close(&l->conns[i]);
    l->count = 0;
    if (l->talks)
        idle_conn_close(&l->talker);
    l->talks = false;
}

static void note_echo(struct ladder *l, const struct idle_conn *c)
{
    l->slowest_us = c->took_us > l->slowest_us ? c->took_us : l->slowest_us;
}

/* One that cannot be opened leaves time for the others. */
static int open_again(struct ladder *l, struct idle_conn *c, uint64_t deadline_us, bool *ret_echoes,
                      struct error *err)
{
    uint64_t now_us = clock_now_us();
    uint64_t due_us = deadline_us > now_us ? now_us + (deadline_us - now_us) / 2 : now_us;
    *ret_echoes = false;
    int result = idle_conn_open_again(c, l->p, l->peer, due_us, ret_echoes, err);
    if (*ret_echoes)
        note_echo(l, c);
    return result;
}

int idle_ladder_open_talker(struct ladder *l, uint64_t every_us, uint64_t deadline_us,
                            struct error *err)
{
    struct idle_conn *c = &l->talker;
    l->talked_us = l->ended_us = 0;
    l->talk_began_us = clock_now_us();
    int result = open_again(l, c, deadline_us, &l->talks, err);
    c->planned_us = every_us;
    if (!l->talks)
        idle_conn_close(c);
    return result < 0 && err->kind == ERROR_INTERRUPTED ? -1 : 0;
}

uint64_t idle_ladder_patience_us(const struct ladder *l)
{
    uint64_t share_us = l->p->options.idle_max_ms * 1000 / PATIENCE_SHARE;
    uint64_t us = SLOWER_TIMES * l->slowest_us;
    us = us < share_us ? share_us : us;
    us = us < QUICK_US ? QUICK_US : us;
    return us < IDLE_ECHO_US ? us : IDLE_ECHO_US;
}

static void probe(const struct ladder *l, struct idle_conn *c)
{
    c->patience_us = idle_ladder_patience_us(l);
    idle_conn_probe(c);
}

static void step_talker(struct ladder *l)
{
    struct idle_conn *c = &l->talker;
    if (!l->talks || l->ended_us)
        return;
    idle_conn_step(c);
    if (c->fate == IDLE_SILENT && clock_now_us() >= idle_conn_due_us(c))
        probe(l, c);
    if (c->fate == IDLE_ALIVE) {
        l->talked_us = clock_now_us() - l->talk_began_us;
        idle_conn_rest(c);
    } else if (idle_conn_is_decided(c)) {
        l->ended_us = (c->told ? clock_now_us() : c->probed_us) - l->talk_began_us;
    }
}

static int open_next(struct ladder *l, uint64_t deadline_us, struct error *err)
{
    bool echoes = false;
    struct idle_conn *c = &l->conns[l->count];
    l->count++;
    if (open_again(l, c, deadline_us, &echoes, err) < 0)
        return -1;
    return echoes ? 0 : error_set(err, ERROR_TIMEOUT, "no echo: %s", idle_conn_fate_text(c));
}

/* Too few can be opened. */
static int refuse(const struct ladder *l, struct error *err)
{
    size_t others = l->count - 1 + l->talks;
    if (!others)
        return -1;
    return error_prefix(err,
                        "beside %zu connection%s one more fails, perhaps for a limit of the server",
                        others, others == 1 ? "" : "s");
}

int idle_ladder_open(struct ladder *l, size_t count, uint64_t keepalive_s, uint64_t until_us,
                     uint64_t deadline_us, struct error *err)
{
    l->count = 0;
    l->limited = false;
    l->keepalive_s = keepalive_s;
    count += keepalive_s > 0;
    path_record_progress(l->p, "opening %zu connections", count);
    while (l->count < count && (l->count < FEW || clock_now_us() < until_us)) {
        if (open_next(l, deadline_us, err) == 0)
            continue;
        if (err->kind == ERROR_INTERRUPTED)
            return -1;
        if (l->count <= LEAST)
            return refuse(l, err);
        l->limited = true;
        idle_conn_close(&l->conns[--l->count]);
        path_record_note(l->p,
                         "only %zu connections, since one more fails: %s; a limit of the server "
                         "may be the cause",
                         l->count, err->text);
        break;
    }
    if (!keepalive_s)
        return 0;
    l->conns[0].planned_us = FOREVER_US;
    return idle_conn_keep_alive(&l->conns[0], (unsigned)keepalive_s, err);
}

/* To those without keepalive, ascending; the one that was opened last gets the shortest. */
void idle_ladder_plan(struct ladder *l, const uint64_t *silences_us, size_t count)
{
    for (size_t i = 0, next = l->count; i < count; i++)
        l->conns[--next].planned_us = silences_us[i];
}

/* The undecided rung with the shortest silence. NULL: none is left. */
static struct idle_conn *next_rung(struct ladder *l)
{
    struct idle_conn *found = NULL;
    for (size_t i = 0; i < l->count; i++) {
        struct idle_conn *c = &l->conns[i];
        if (c->fate == IDLE_SILENT && !c->keepalive_s &&
            (!found || c->planned_us < found->planned_us))
            found = c;
    }
    return found;
}

static bool is_probing(const struct ladder *l)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->conns[i].fate == IDLE_PROBED)
            return true;
    return false;
}

uint64_t idle_ladder_survived_us(const struct ladder *l)
{
    uint64_t us = 0;
    for (size_t i = 0; i < l->count; i++) {
        const struct idle_conn *c = &l->conns[i];
        if (c->fate == IDLE_ALIVE && !c->keepalive_s && c->silence_us > us)
            us = c->silence_us;
    }
    return us;
}

bool idle_is_longer(uint64_t a_us, uint64_t b_us)
{
    return (double)a_us > (double)b_us * (1 + (double)IDLE_STEP_PERCENT / 100);
}

/* The longest silence in which a connection has not been told of an end. */
static uint64_t untold_us(const struct ladder *l)
{
    uint64_t us = 0;
    for (size_t i = 0; i < l->count; i++) {
        const struct idle_conn *c = &l->conns[i];
        if (c->fate == IDLE_SILENT && !c->keepalive_s && c->seen_us - c->last_us > us)
            us = c->seen_us - c->last_us;
    }
    return us;
}

bool idle_ladder_is_accident(const struct ladder *l, const struct idle_conn *c)
{
    return idle_conn_is_gone(c) && !c->keepalive_s &&
           (idle_is_longer(idle_ladder_survived_us(l), c->silence_us) ||
            (c->told && idle_is_longer(untold_us(l), c->silence_us)));
}

bool idle_ladder_counts(const struct ladder *l, const struct idle_conn *c)
{
    return idle_conn_is_decided(c) && c->fate != IDLE_ALIVE && !c->keepalive_s &&
           !idle_is_longer(idle_ladder_survived_us(l), c->silence_us) &&
           !idle_ladder_is_accident(l, c);
}

/* One was told of its end, and others have not been silent for as long: they show whether that was
 * an accident. */
static bool awaits_others(const struct ladder *l)
{
    for (size_t i = 0; i < l->count; i++) {
        const struct idle_conn *told = &l->conns[i];
        if (!told->told || !idle_conn_is_gone(told) || !idle_ladder_counts(l, told))
            continue;
        for (size_t j = 0; j < l->count; j++) {
            const struct idle_conn *c = &l->conns[j];
            if (c->fate == IDLE_SILENT && !c->keepalive_s &&
                !idle_is_longer(c->seen_us - c->last_us, told->silence_us))
                return true;
        }
    }
    return false;
}

static unsigned count_gone(const struct ladder *l)
{
    unsigned gone = 0;
    for (size_t i = 0; i < l->count; i++)
        gone += idle_ladder_counts(l, &l->conns[i]);
    return gone;
}

/* How many were probed after a silence that none survived and are gone, or without an echo; late:
 * for longer than usual. Those that were told of their end are none: others will be told, too. */
static unsigned count_unanswered(const struct ladder *l, bool late)
{
    unsigned n = 0;
    uint64_t now_us = clock_now_us(), survived_us = idle_ladder_survived_us(l);
    for (size_t i = 0; i < l->count; i++) {
        const struct idle_conn *c = &l->conns[i];
        if (c->fate == IDLE_PROBED && !c->keepalive_s && c->probed_us - c->last_us > survived_us)
            n += !late || now_us > c->probed_us + SUSPECT_US + 2 * l->peer->about->rtt_us;
        else if (idle_ladder_counts(l, c) && !c->told && c->silence_us > survived_us)
            n++;
    }
    return n;
}

unsigned idle_ladder_gone_enough(const struct ladder *l)
{
    return l->p->unsteady ? GONE_UNSTEADY : GONE;
}

static void record(struct ladder *l, const struct idle_conn *c)
{
    char silence[IDLE_SPAN_BYTES], keepalive[PATH_TEXT_BYTES] = "";
    struct path_step step = {.tries = 1, .failed = c->fate != IDLE_ALIVE};
    if (c->fate == IDLE_ALIVE)
        note_echo(l, c);
    if (c->keepalive_s)
        snprintf(keepalive, sizeof keepalive, ", with keepalive every %u s", c->keepalive_s);
    step.passed = !step.failed;
    step.silence_us = c->silence_us;
    snprintf(step.what, sizeof step.what, "silence of %s%s", idle_span_text(c->silence_us, silence),
             keepalive);
    if (c->fate == IDLE_ALIVE)
        snprintf(step.happened, sizeof step.happened, "echo after %.1f ms",
                 (double)c->took_us / 1e3);
    else
        snprintf(step.happened, sizeof step.happened, "%s%s", idle_conn_fate_text(c),
                 c->told ? ", by itself" : "");
    path_record_step(l->p, &step);
}

static void step_all(struct ladder *l)
{
    step_talker(l);
    for (size_t i = 0; i < l->count; i++) {
        struct idle_conn *c = &l->conns[i];
        if (idle_conn_is_decided(c))
            continue;
        idle_conn_step(c);
        if (c->fate == IDLE_SILENT && clock_now_us() >= idle_conn_due_us(c))
            probe(l, c);
        if (idle_conn_is_decided(c))
            record(l, c);
    }
}

static int wait_for_any(struct ladder *l, uint64_t end_us, struct error *err)
{
    uint64_t progress_us = clock_now_us() + IDLE_SECOND_US;
    struct session_wait wait;
    path_wait_init(&wait);
    wait.due_us = end_us < progress_us ? end_us : progress_us;
    for (size_t i = 0; i < l->count; i++) {
        const struct idle_conn *c = &l->conns[i];
        if (!idle_conn_is_decided(c))
            path_wait_add(&wait, c->session.transport->fd, c->want, idle_conn_due_us(c));
    }
    if (l->talks && !l->ended_us)
        path_wait_add(&wait, l->talker.session.transport->fd, l->talker.want,
                      idle_conn_due_us(&l->talker));
    return path_wait(&wait, err) < 0 ? -1 : 0;
}

int idle_ladder_await_talker(struct ladder *l, uint64_t age_us, uint64_t end_us, struct error *err)
{
    while (l->talks && !l->ended_us && l->talked_us <= age_us && clock_now_us() < end_us) {
        if (wait_for_any(l, end_us, err) < 0)
            return -1;
        step_all(l);
    }
    return 0;
}

static void tell_progress(const struct ladder *l)
{
    char now[IDLE_SPAN_BYTES], longest[IDLE_SPAN_BYTES];
    uint64_t longest_us = 0;
    for (size_t i = 0; i < l->count; i++)
        if (!l->conns[i].keepalive_s && l->conns[i].planned_us > longest_us)
            longest_us = l->conns[i].planned_us;
    path_record_progress(l->p, "silent for %s of at most %s", idle_span_text(untold_us(l), now),
                         idle_span_text(longest_us, longest));
}

int idle_ladder_climb(struct ladder *l, uint64_t end_us, struct error *err)
{
    const unsigned enough = idle_ladder_gone_enough(l);
    for (;;) {
        step_all(l);
        unsigned gone = count_gone(l);
        struct idle_conn *next = next_rung(l);
        bool awaits = gone >= enough && awaits_others(l);
        if ((gone >= enough && !awaits) || (!next && !is_probing(l)) || clock_now_us() >= end_us)
            return 0;
        if (next && count_unanswered(l, true) > 0 && count_unanswered(l, false) < enough) {
            probe(l, next);
            if (idle_conn_is_decided(next))
                record(l, next);
            continue;
        }
        tell_progress(l);
        uint64_t soon_us = clock_now_us() + TICK_US;
        if (wait_for_any(l, awaits && soon_us < end_us ? soon_us : end_us, err) < 0)
            return -1;
    }
}

int idle_ladder_try_kept(struct ladder *l, uint64_t silence_us, uint64_t end_us,
                         enum idle_fate *ret, struct error *err)
{
    struct idle_conn *c = &l->conns[0];
    bool recorded = idle_conn_is_decided(c);
    c->planned_us = silence_us;
    for (;;) {
        step_talker(l);
        idle_conn_step(c);
        if (c->fate == IDLE_SILENT && clock_now_us() >= idle_conn_due_us(c))
            probe(l, c);
        if (idle_conn_is_decided(c) || clock_now_us() >= end_us)
            break;
        path_record_progress(l->p, "whether keepalive holds a connection");
        if (wait_for_any(l, end_us, err) < 0)
            return -1;
    }
    if (idle_conn_is_decided(c) && !recorded)
        record(l, c);
    *ret = c->fate;
    return 0;
}
