/* SPDX-License-Identifier: MIT */
#include "hello_case.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tlsecho/base/quantity.h"
#include "tlsecho/tls/tls_alert.h"

static const char hybrid[] = "X25519MLKEM768";

/* One key share, of the first group; P-256 is named for servers of TLS 1.2 with a certificate of
 * that curve (RFC 8422 §5.1). */
static const char small_groups[] = "X25519:P-256", hybrid_groups[] = "X25519MLKEM768:X25519:P-256";

/* What makes a ClientHello large is left out of the others. */
static void choose_options(struct hellos *h)
{
    for (int i = 0; i < HELLO_SOURCES; i++)
        h->options[i] = h->p->options;
    h->has_post_quantum = tls_has_group(hybrid);
    h->options[HELLO_SMALL].groups = tls_has_group("X25519") ? small_groups : "P-256";
    h->options[HELLO_SMALL].alpn = NULL;
    h->options[HELLO_POST_QUANTUM].groups =
        h->has_post_quantum ? hybrid_groups : h->options[HELLO_SMALL].groups;
    h->options[HELLO_POST_QUANTUM].alpn = NULL;
}

static int make_hello(struct hellos *h, const struct hello_case *c, struct tls_client_hello *ret,
                      struct error *err)
{
    struct target *target = &h->targets[c->source];
    if (tls_client_hello_make(target->context, target_server_name(target), c->padded_bytes, ret,
                              err) < 0)
        return -1;
    if (c->form == HELLO_TWO_RECORDS)
        tls_client_hello_split(ret, ret->name_at ? ret->name_at : ret->n / 2);
    return 0;
}

static int measure(struct hellos *h, enum hello_source source, struct error *err)
{
    struct hello_case plain = {.source = source};
    struct tls_client_hello hello = {0};
    if (make_hello(h, &plain, &hello, err) < 0)
        return -1;
    h->bytes[source] = hello.n;
    h->has_name = hello.name_at > 0;
    tls_client_hello_done(&hello);
    return 0;
}

int hellos_init(struct hellos *h, struct path *p, struct path_peer *peer, struct error *err)
{
    *h = (struct hellos){.p = p, .peer = peer, .base = HELLO_SMALL};
    choose_options(h);
    for (int i = 0; i < HELLO_SOURCES; i++)
        target_init(&h->targets[i], &h->options[i], peer->about->endpoint);
    for (int i = 0; i < HELLO_SOURCES; i++)
        if (target_prepare(&h->targets[i], err) < 0 || measure(h, (enum hello_source)i, err) < 0)
            return -1;
    return 0;
}

void hellos_done(struct hellos *h)
{
    for (int i = 0; i < HELLO_SOURCES; i++)
        target_done(&h->targets[i]);
}

static size_t cut_of(const struct hello_case *c, const struct tls_client_hello *hello)
{
    switch (c->form) {
    case HELLO_WHOLE:
    case HELLO_TWO_RECORDS:
        return 0;
    case HELLO_AFTER_ONE_BYTE:
        return 1;
    case HELLO_INSIDE_NAME:
        return hello->name_at;
    }
    return 0; /* not reached: the switch is complete */
}

void hello_score_add(struct hello_score *score, const struct hello_try *t)
{
    uint64_t times = t->stats.repeats + 1;
    score->bytes = t->hello->n;
    score->stats = t->stats;
    score->error = t->error;
    score->fates[t->fate]++;
    if (t->fate == HELLO_UNCONNECTED)
        return;
    score->tries++;
    score->answers += hello_fate_is_answer(t->fate);
    if (t->fate == HELLO_ALERT)
        score->alert = t->alert;
    if (hello_fate_is_answer(t->fate) && t->took_us > score->took_us)
        score->took_us = t->took_us;
    if (t->fate == HELLO_LOST && (!score->times || times < score->times))
        score->times = times;
    score->spoofed = score->spoofed || t->spoofed;
    score->packet_bytes = t->packet_bytes;
    score->segment_bytes = t->segment_bytes;
}

/* Cases, each so many times, all at once. */
struct batch {
    const struct hello_case *cases;
    size_t count, times;
    const struct hello_patience *patience;
};

static int try_all(struct hellos *h, const struct batch *batch, struct hello_score *scores,
                   struct error *err)
{
    struct tls_client_hello hellos[HELLO_TRIES_MAX] = {{0}};
    struct hello_try tries[HELLO_TRIES_MAX] = {{0}};
    size_t n = 0;
    int result = 0;
    for (; n < batch->count * batch->times && result == 0; n++) {
        const struct hello_case *c = &batch->cases[n / batch->times];
        result = make_hello(h, c, &hellos[n], err);
        tries[n].hello = &hellos[n];
        tries[n].cut = result == 0 ? cut_of(c, &hellos[n]) : 0;
    }
    if (result == 0)
        result =
            hello_tries_run(&(struct hello_round){h->p, h->peer, batch->patience}, tries, n, err);
    for (size_t i = 0; i < n; i++) {
        if (result == 0)
            hello_score_add(&scores[i / batch->times], &tries[i]);
        tls_client_hello_done(&hellos[i]);
    }
    return result;
}

bool hello_score_is_unclear(const struct hello_score *score)
{
    return score->tries < HELLO_TRIES || (score->answers > 0 && score->answers < score->tries);
}

int hello_score_check_connected(struct path *p, const struct hello_score *score, struct error *err)
{
    if (score->tries > 0)
        return 0;
    p->phase = PHASE_CONNECT;
    *err = score->error;
    return -1;
}

static void reset(struct hellos *h, struct hello_score *scores, size_t count)
{
    h->p->phase = PHASE_HANDSHAKE;
    for (size_t i = 0; i < count; i++)
        scores[i] = (struct hello_score){.alert = -1};
}

int hello_cases_try(struct hellos *h, const struct hello_case *cases, size_t count,
                    struct hello_score *ret, struct error *err)
{
    assert(count <= HELLO_CASES_MAX);
    reset(h, ret, count);
    struct batch all = {cases, count, HELLO_TRIES, &h->patience};
    if (try_all(h, &all, ret, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        struct batch again = {&cases[i], 1, HELLO_TRIES, &h->patience};
        if (hello_score_is_unclear(&ret[i]) && try_all(h, &again, &ret[i], err) < 0)
            return -1;
        if (hello_score_check_connected(h->p, &ret[i], err) < 0)
            return -1;
    }
    return 0;
}

int hello_cases_try_once(struct hellos *h, const struct hello_case *cases, size_t count,
                         struct hello_score *ret, struct error *err)
{
    assert(count <= HELLO_TRIES_MAX);
    reset(h, ret, count);
    struct batch once = {cases, count, 1, &h->hurry};
    return try_all(h, &once, ret, err);
}

int hello_case_try_again(struct hellos *h, const struct hello_case *c, struct hello_score *score,
                         struct error *err)
{
    enum { CONNECTS = 3 };
    struct batch once = {c, 1, 1, &h->patience};
    unsigned tries = score->tries;
    for (int i = 0; i < CONNECTS && score->tries == tries; i++)
        if (try_all(h, &once, score, err) < 0)
            return -1;
    return 0;
}

bool hello_score_always_answers(const struct hello_score *score)
{
    return score->tries >= HELLO_TRIES && score->answers == score->tries;
}

void hello_score_add_all(struct hello_score *score, const struct hello_score *other)
{
    score->tries += other->tries;
    score->answers += other->answers;
    for (int i = 0; i < HELLO_FATES; i++)
        score->fates[i] += other->fates[i];
    score->spoofed = score->spoofed || other->spoofed;
    if (other->fates[HELLO_LOST] && (!score->times || other->times < score->times))
        score->times = other->times;
}

bool hello_score_fails(const struct hello_score *score)
{
    return score->tries > 0 && score->answers == 0;
}

int hello_score_error(struct path *p, const struct hello_score *score, struct error *err)
{
    char text[TCP_STATS_TEXT_BYTES];
    p->phase = PHASE_HANDSHAKE;
    if (score->fates[HELLO_NOT_TLS]) {
        *err = score->error;
        return -1;
    }
    if (score->fates[HELLO_ENDED])
        return error_set(err, ERROR_CLOSED,
                         "the server closed the connection after the ClientHello");
    if (score->fates[HELLO_RESET]) {
        errno = ECONNRESET;
        return error_sys(err, "the ClientHello was reset");
    }
    if (score->fates[HELLO_LOST] &&
        tcp_stats_describe_loss(&score->stats, TCP_STATS_HANDSHAKE, text))
        return error_set(err, ERROR_UNACKNOWLEDGED, "%s", text);
    return error_set(err, ERROR_TIMEOUT,
                     "the ClientHello was acknowledged and nothing came back; check that it is a "
                     "TLS port");
}

void hello_score_keep_error(struct path *p, const struct hello_score *score)
{
    if (!hello_score_fails(score))
        return;
    hello_score_error(p, score, &p->unjudged);
    p->has_unjudged = true;
}

/* --- texts --- */

const char *hello_form_text(enum hello_form form)
{
    static const char *const forms[] = {[HELLO_WHOLE] = "",
                                        [HELLO_AFTER_ONE_BYTE] = "split after 1 byte",
                                        [HELLO_INSIDE_NAME] = "split inside the server name",
                                        [HELLO_TWO_RECORDS] = "in two records"};
    return forms[form];
}

static void describe(const struct hello_case *c, const struct hello_score *score,
                     char ret[PATH_TEXT_BYTES])
{
    static const char *const sources[HELLO_SOURCES] = {
        [HELLO_OWN] = "our own", [HELLO_SMALL] = "small", [HELLO_POST_QUANTUM] = "post-quantum"};
    char bytes[QUANTITY_BYTES];
    snprintf(ret, PATH_TEXT_BYTES, "ClientHello, %s%s, %s bytes%s%s", sources[c->source],
             c->padded_bytes ? " and padded" : "", quantity_grouped_text(score->bytes, bytes),
             c->form == HELLO_WHOLE ? "" : ", ", hello_form_text(c->form));
}

static void append(char ret[PATH_TEXT_BYTES], const char *text)
{
    size_t used = strlen(ret);
    snprintf(ret + used, PATH_TEXT_BYTES - used, "%s%s", used ? "; " : "", text);
}

void hello_score_failures_text(const struct hello_score *score, char ret[PATH_TEXT_BYTES])
{
    *ret = '\0';
    for (int i = 0; i < HELLO_FATES; i++) {
        char text[PATH_TEXT_BYTES], more[PATH_TEXT_BYTES] = "";
        if (!score->fates[i] || hello_fate_is_answer((enum hello_fate)i))
            continue;
        if (i == HELLO_LOST && score->times < 2)
            snprintf(more, sizeof more, ", sent once");
        else if (i == HELLO_LOST)
            snprintf(more, sizeof more, ", sent %" PRIu64 " times each", score->times);
        else if (i == HELLO_RESET && score->spoofed)
            snprintf(more, sizeof more, ", sooner than the server could have");
        snprintf(text, sizeof text, "%u of %u %s%.80s", score->fates[i],
                 score->tries + score->fates[HELLO_UNCONNECTED],
                 hello_fate_text((enum hello_fate)i), more);
        append(ret, text);
    }
}

void hello_score_outcome_text(const struct hello_score *score, char ret[PATH_TEXT_BYTES])
{
    char failures[PATH_TEXT_BYTES], answer[PATH_TEXT_BYTES];
    double ms = (double)score->took_us / 1e3;
    *ret = '\0';
    hello_score_failures_text(score, failures);
    if (score->fates[HELLO_ANSWERED])
        snprintf(answer, sizeof answer, "ServerHello after %.1f ms", ms);
    else if (score->fates[HELLO_ALERT])
        snprintf(answer, sizeof answer, "refused by alert %s after %.1f ms",
                 tls_alert_name(score->alert), ms);
    if (score->answers)
        append(ret, answer);
    if (*failures)
        append(ret, failures);
}

void hello_score_note_mixed(struct path *p, const struct hello_score *mixed)
{
    char how[PATH_TEXT_BYTES];
    unsigned failed = mixed->tries - mixed->answers;
    hello_score_failures_text(mixed, how);
    if (failed)
        path_record_note(p, "%u of %u ClientHellos got no answer while others alike did: %s: %s",
                         failed, mixed->tries, how,
                         mixed->fates[HELLO_LOST] == failed
                             ? "that is loss, and no finding"
                             : "the server, or something on the way, is unsteady, or limits "
                               "connections, and that is no finding");
}

void hello_score_blame(struct path *p, const struct hello_case *c, const struct hello_score *score)
{
    char what[PATH_TEXT_BYTES];
    describe(c, score, what);
    path_record_blame(p, what);
}

void hello_score_record(struct path *p, const struct hello_case *c, const struct hello_score *score)
{
    struct path_step step = {.passed = !hello_score_fails(score),
                             .bytes = score->bytes,
                             .packet_bytes = score->packet_bytes,
                             .tries = score->tries,
                             .failed = score->tries - score->answers};
    hello_score_keep_error(p, score);
    describe(c, score, step.what);
    hello_score_outcome_text(score, step.happened);
    path_record_step(p, &step);
}
