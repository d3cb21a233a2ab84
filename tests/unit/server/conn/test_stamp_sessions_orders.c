/* SPDX-License-Identifier: MIT */
/*
 * The table of STAMP sessions, nearly full, under every order of packets and time: a session that
 * is not silent for too long has the next number each time, whatever others do; a new one has a
 * place if there is one, or if another one is over.
 */
#include <check.h>

#include "explore.h"
#include "loopback.h"
#include "suite.h"
#include "tlsecho/server/stamp_sessions.h"

enum {
    SESSIONS = 4,
    FREE = 2, /* places, at first */
    OTHERS = STAMP_SESSIONS_MAX - FREE,
    EVENTS_MAX = 3,
    EVENTS_MAX_WHOLE = 7,
};
#define HALF_US (STAMP_SESSIONS_IDLE_US / 2)

static struct stamp_sessions *sessions;
static struct address peers[2], own;
static uint64_t now_us, others_us; /* others_us: when the others have sent last */

/* What each has been told. */
static struct session {
    bool known;
    uint64_t last_us;
    uint32_t next, arrived;
} all[SESSIONS];

static void must(bool holds)
{
    if (!holds)
        ck_abort_msg("memory");
}

/* They differ in one part of the key each. */
static bool send_one(unsigned i, struct stamp_numbers *ret)
{
    const struct stamp_session_key key = {
        .peer = &peers[i == 1], .own = &own, .own_port = i == 2 ? 863 : 862, .ssid = i == 3};
    return stamp_sessions_next(sessions, &key, all[i].next, now_us, ret);
}

static void send_others(void)
{
    struct stamp_numbers numbers;
    for (unsigned i = 0; i < OTHERS; i++) {
        const struct stamp_session_key key = {
            .peer = &peers[0], .own = &own, .own_port = (uint16_t)(1000 + i), .ssid = 7};
        stamp_sessions_next(sessions, &key, 0, now_us, &numbers);
    }
    others_us = now_us;
}

static void finish_run(void)
{
    stamp_sessions_free(sessions);
    sessions = NULL;
}

static void reset(void)
{
    struct error err;
    finish_run();
    must(stamp_sessions_new(&sessions, &err) == 0);
    now_us = STAMP_SESSIONS_IDLE_US;
    for (unsigned i = 0; i < SESSIONS; i++)
        all[i] = (struct session){.known = false};
    send_others();
}

static bool over(void)
{
    return false;
}

static bool is_live(uint64_t last_us)
{
    return now_us < last_us + STAMP_SESSIONS_IDLE_US;
}

/* Whether a new one must find a place. */
static bool has_place(void)
{
    unsigned live = is_live(others_us) ? OTHERS : 0;
    for (unsigned i = 0; i < SESSIONS; i++)
        live += all[i].known && is_live(all[i].last_us);
    return live < STAMP_SESSIONS_MAX;
}

static void send_and_check(struct explore *x, unsigned i)
{
    struct session *s = &all[i];
    bool live = s->known && is_live(s->last_us), place = has_place();
    struct stamp_numbers numbers = {.seq = 0};
    bool numbered = send_one(i, &numbers);
    explore_require(x, numbered || !live, "a session that goes on keeps its numbers");
    explore_require(x, numbered || !place, "a new one has a place if one is over");
    explore_require(x, numbered == (live || place), "no session that goes on gives its place up");
    if (!numbered)
        return;
    explore_require(x, !live || numbers.seq == s->next, "it has the next number");
    explore_require(x, live || numbers.seq == 0 || (s->known && numbers.seq == s->next),
                    "a new one begins with 0, or goes on");
    explore_require(x, numbers.record.arrived == (numbers.seq == 0 ? 1 : s->arrived + 1),
                    "what has arrived is counted in its own record");
    *s = (struct session){.known = true,
                          .last_us = now_us,
                          .next = numbers.seq + 1,
                          .arrived = numbers.record.arrived};
}

static void step(struct explore *x)
{
    static const char *const events[] = {"a packet", "all others send", "450 s"};
    now_us++;
    switch (explore_choose(x, "event", events, 3)) {
    case 0:
        send_and_check(x, explore_choose(x, "of session", NULL, SESSIONS));
        break;
    case 1:
        if (is_live(others_us)) /* else some of them may have lost their places to ours */
            send_others();
        break;
    case 2:
        now_us += HALF_US;
        break;
    }
    explore_require(x, stamp_sessions_count(sessions) <= STAMP_SESSIONS_MAX, "memory is bounded");
}

static uint64_t age(uint64_t last_us)
{
    return is_live(last_us) ? 1 + (now_us - last_us) / HALF_US : 0;
}

static uint64_t state(void)
{
    uint64_t hash = explore_hash(age(others_us), stamp_sessions_count(sessions));
    for (unsigned i = 0; i < SESSIONS; i++) {
        unsigned older = others_us < all[i].last_us;
        for (unsigned j = 0; j < SESSIONS; j++)
            older += all[j].known && all[j].last_us < all[i].last_us;
        hash = explore_hash(hash, (uint64_t)all[i].known | (uint64_t)older << 1);
        hash = explore_hash(hash, all[i].known ? age(all[i].last_us) : 0);
        hash = explore_hash(hash, all[i].next);
    }
    return hash;
}

START_TEST(every_order_of_events)
{
    const struct explore_machine machine = {
        .name = "STAMP sessions",
        .reset = reset,
        .step = step,
        .over = over,
        .state = state,
        .depth_max = EVENTS_MAX,
        .whole_depth_max = EVENTS_MAX_WHOLE,
    };
    peers[0] = loopback_address("udp://192.0.2.1:5000");
    peers[1] = loopback_address("udp://192.0.2.1:5001");
    own = loopback_address("udp://127.0.0.1:0");
    explore_assert(&machine);
    finish_run();
}
END_TEST

SUITE_OF_ONE_TEST("stamp_sessions_orders", every_order_of_events)
