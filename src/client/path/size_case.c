/* SPDX-License-Identifier: MIT */
#include "size_case.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tlsecho/base/quantity.h"
#include "tlsecho/base/text.h"

/* Cases, each so many times, all at once. */
struct batch {
    const struct size_case *cases;
    size_t count, times;
    uint64_t stall_us;
};

static void add(struct size_score *score, const struct size_try *t)
{
    score->fates[t->fate]++;
    score->stats = t->stats;
    if (t->fate == SIZE_STALLED_THERE)
        score->repeats = t->stats.repeats;
    if (t->fate != SIZE_PASSED) {
        score->error = t->error;
        score->result = t->result;
    }
    if (t->fate == SIZE_UNCONNECTED)
        return;
    score->tries++;
    score->slow = score->slow || t->slow;
    score->in_handshake = score->in_handshake || (t->fate != SIZE_PASSED && t->in_handshake);
    score->passed += t->fate == SIZE_PASSED;
    if (t->fate == SIZE_PASSED && t->took_us > score->took_us)
        score->took_us = t->took_us;
}

static int try_all(struct path *p, struct size_server *server, const struct batch *batch,
                   struct size_score *scores, struct error *err)
{
    struct size_try tries[SIZE_TRIES_MAX] = {{0}};
    size_t n = batch->count * batch->times;
    assert(n <= SIZE_TRIES_MAX);
    p->phase = PHASE_ECHO;
    for (size_t i = 0; i < n; i++) {
        tries[i].message_bytes = batch->cases[i / batch->times].message_bytes;
        tries[i].segment_bytes = batch->cases[i / batch->times].segment_bytes;
    }
    struct size_round round = {.path = p, .server = server, .stall_us = batch->stall_us};
    if (size_tries_run(&round, tries, n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        add(&scores[i / batch->times], &tries[i]);
    return 0;
}

static void reset(struct size_score *scores, size_t count)
{
    for (size_t i = 0; i < count; i++)
        scores[i] = (struct size_score){.tries = 0};
}

static bool is_unclear(const struct size_score *score)
{
    return score->tries < SIZE_TRIES || (score->passed > 0 && score->passed < score->tries);
}

int size_score_check_connected(struct path *p, const struct size_score *score, struct error *err)
{
    if (score->tries > 0)
        return 0;
    p->phase = PHASE_CONNECT;
    *err = score->error;
    return -1;
}

int size_cases_try(struct path *p, struct size_server *server, const struct size_case *cases,
                   size_t count, struct size_score *ret, struct error *err)
{
    struct batch all = {cases, count, SIZE_TRIES, SIZE_STALL_US};
    reset(ret, count);
    if (try_all(p, server, &all, ret, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        struct batch again = {&cases[i], 1, SIZE_TRIES, SIZE_STALL_US};
        if (is_unclear(&ret[i]) && try_all(p, server, &again, &ret[i], err) < 0)
            return -1;
        p->unsteady = p->unsteady || is_unclear(&ret[i]);
        if (size_score_check_connected(p, &ret[i], err) < 0)
            return -1;
    }
    return 0;
}

int size_cases_try_once(struct path *p, struct size_server *server, const struct size_case *cases,
                        size_t count, struct size_score *ret, struct error *err)
{
    struct batch once = {cases, count, 1, SIZE_STALL_HURRY_US};
    reset(ret, count);
    return try_all(p, server, &once, ret, err);
}

int size_cases_try_again(struct path *p, struct size_server *server, const struct size_case *cases,
                         size_t count, struct size_score *scores, struct error *err)
{
    struct batch once = {cases, count, 1, SIZE_STALL_US};
    return try_all(p, server, &once, scores, err);
}

bool size_score_fails(const struct size_score *score)
{
    return score->tries > 0 && score->passed == 0;
}

bool size_score_is_blocked(const struct size_score *score)
{
    const unsigned *fates = score->fates;
    return score->tries >= SIZE_TRIES &&
           fates[SIZE_STALLED_THERE] + fates[SIZE_STALLED_BACK] + fates[SIZE_RESET] == score->tries;
}

bool size_score_always_passes(const struct size_score *score)
{
    return score->tries >= SIZE_TRIES && score->passed == score->tries;
}

/* TCP_MAXSEG counts TCP's options in: what is left for data is less. RFC 9293 §3.7.1. */
uint64_t size_packet_bytes(const struct path_peer *peer, unsigned segment_bytes)
{
    enum { IPV4 = 20, IPV6 = 40, TCP = 20 };
    return segment_bytes + TCP + (peer->about->address.any.sa_family == AF_INET6 ? IPV6 : IPV4);
}

/* --- texts --- */

static const char *fate_text(enum size_fate fate)
{
    static const char *const texts[SIZE_FATES] = {
        [SIZE_PENDING] = "pending",
        [SIZE_PASSED] = "passed",
        [SIZE_STALLED_THERE] = "stalled on the way to the server",
        [SIZE_STALLED_BACK] = "stalled on the way back",
        [SIZE_RESET] = "reset",
        [SIZE_FAILED] = "failed",
        [SIZE_UNCONNECTED] = "no TCP connection",
    };
    return texts[fate];
}

static void append_reason(const struct size_score *score, char *ret, size_t size)
{
    enum { REASON_BYTES = 100 };
    char reason[REASON_BYTES];
    text_copy(score->error.text, strlen(score->error.text), reason, sizeof reason);
    snprintf(ret, size, " (%s)", reason);
}

void size_score_failures_text(const struct size_score *score, char ret[PATH_TEXT_BYTES])
{
    *ret = '\0';
    for (int i = 0; i < SIZE_FATES; i++) {
        size_t used = strlen(ret);
        if (!score->fates[i] || i == SIZE_PASSED)
            continue;
        snprintf(ret + used, PATH_TEXT_BYTES - used, "%s%u of %u %s", used ? "; " : "",
                 score->fates[i], score->tries + score->fates[SIZE_UNCONNECTED],
                 fate_text((enum size_fate)i));
        used = strlen(ret);
        if (i == SIZE_STALLED_THERE)
            snprintf(ret + used, PATH_TEXT_BYTES - used, ", sent %" PRIu64 " times",
                     score->repeats + 1);
        else if (i == SIZE_FAILED)
            append_reason(score, ret + used, PATH_TEXT_BYTES - used);
    }
    size_t used = strlen(ret);
    if (*ret && score->in_handshake)
        snprintf(ret + used, PATH_TEXT_BYTES - used, ", in the TLS handshake");
}

void size_message_text(const struct size_server *server, const struct size_case *c,
                       char ret[PATH_TEXT_BYTES])
{
    char bytes[QUANTITY_BYTES];
    if (server->service == SIZE_HANDSHAKE)
        snprintf(ret, PATH_TEXT_BYTES, "a TLS handshake");
    else
        snprintf(ret, PATH_TEXT_BYTES, "%s bytes", quantity_grouped_text(c->message_bytes, bytes));
}

static void describe(const struct size_server *server, const struct size_case *c,
                     char ret[PATH_TEXT_BYTES])
{
    static const char *const services[] = {[SIZE_OTHER] = "",
                                           [SIZE_ECHO] = "echo of ",
                                           [SIZE_DISCARD] = "to the server, ",
                                           [SIZE_CHARGEN] = "from the server, ",
                                           [SIZE_HANDSHAKE] = ""};
    char message[PATH_TEXT_BYTES], packet[QUANTITY_BYTES];
    size_message_text(server, c, message);
    int used = snprintf(ret, PATH_TEXT_BYTES, "%s%.100s", services[server->service], message);
    if (c->segment_bytes)
        snprintf(ret + used, PATH_TEXT_BYTES - (size_t)used, " in IP packets of up to %s",
                 quantity_grouped_text(size_packet_bytes(server->peer, c->segment_bytes), packet));
}

static void describe_outcome(const struct size_score *score, char ret[PATH_TEXT_BYTES])
{
    char failures[PATH_TEXT_BYTES];
    size_score_failures_text(score, failures);
    *ret = '\0';
    if (score->passed && score->slow)
        snprintf(ret, PATH_TEXT_BYTES, "slow: still moving after %.0f s",
                 (double)score->took_us / 1e6);
    else if (score->passed)
        snprintf(ret, PATH_TEXT_BYTES, "passed in %.1f ms", (double)score->took_us / 1e3);
    size_t used = strlen(ret);
    snprintf(ret + used, PATH_TEXT_BYTES - used, "%s%.150s", used && *failures ? "; " : "",
             failures);
}

uint64_t size_score_offered_packet(const struct size_score *score)
{
    return score->stats.offered_bytes + score->stats.header_bytes;
}

bool size_score_offered_less(const struct size_server *server, const struct size_case *c,
                             const struct size_score *score)
{
    return score->stats.offered_bytes &&
           size_score_offered_packet(score) < size_packet_bytes(server->peer, c->segment_bytes);
}

/* With the segments that were really asked for. */
static struct size_case as_offered(const struct size_server *server, struct size_case c,
                                   const struct size_score *score)
{
    if (size_score_offered_less(server, &c, score))
        c.segment_bytes -= (unsigned)(size_packet_bytes(server->peer, c.segment_bytes) -
                                      size_score_offered_packet(score));
    return c;
}

void size_score_record(struct path *p, const struct size_server *server, const struct size_case *c,
                       const struct size_score *score)
{
    const struct size_case tried = as_offered(server, *c, score);
    struct path_step step = {.passed = !size_score_fails(score),
                             .bytes = tried.message_bytes,
                             .tries = score->tries,
                             .failed = score->tries - score->passed};
    if (tried.segment_bytes)
        step.packet_bytes = size_packet_bytes(server->peer, tried.segment_bytes);
    step.bounded = tried.segment_bytes > 0;
    describe(server, &tried, step.what);
    describe_outcome(score, step.happened);
    path_record_step(p, &step);
}
