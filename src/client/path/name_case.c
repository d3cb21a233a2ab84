/* SPDX-License-Identifier: MIT */
#include "name_case.h"

#include <stdio.h>
#include <string.h>

#include "tlsecho/base/text.h"
#include "tlsecho/net/endpoint.h"

/* One key share; P-256 is named for servers of TLS 1.2 with a certificate of that curve (RFC 8422
 * §5.1). */
static const char small_groups[] = "X25519:P-256";

enum {
    LOOK_MS = 5000, /* what a handshake may take */
    LOOKS = 2,      /* at a certificate */
};

/* Of the value in a label, after which a version has to fit. */
enum { VALUE_BYTES = NAME_LABEL_BYTES - 32 };

/* Of the options, where they leave one version. */
static void add_version(struct name_case *c, const struct options *base)
{
    bool only_12 = base->tls_max && strcmp(base->tls_max, "1.2") == 0;
    bool only_13 = base->tls_min && strcmp(base->tls_min, "1.3") == 0;
    size_t used = strlen(c->label);
    if (only_12 || only_13)
        snprintf(c->label + used, sizeof c->label - used, ", TLS %s alone",
                 only_12 ? "1.2" : "1.3");
}

void name_case_init(struct name_case *c, struct path_peer *peer, const struct options *base,
                    enum name_kind kind, const char *value)
{
    static const char *const labels[] = {[NAME_SERVER] = "server name",
                                         [NAME_VERSION] = "TLS",
                                         [NAME_GROUP] = "group",
                                         [NAME_PROTOCOL] = "ALPN"};
    *c = (struct name_case){.kind = kind, .options = *base, .score.alert = -1};
    c->options.groups = tls_has_group("X25519") ? small_groups : "P-256";
    c->options.alpn = NULL;
    int named = snprintf(c->label, sizeof c->label, "%s ", labels[kind]);
    text_copy(value, strlen(value), c->label + named, VALUE_BYTES);
    switch (kind) {
    case NAME_SERVER:
        c->options.server_name = value;
        if (endpoint_host_is_address(value))
            snprintf(c->label, sizeof c->label, "no server name");
        break;
    case NAME_VERSION:
        c->options.tls_min = c->options.tls_max = value;
        break;
    case NAME_GROUP:
        c->options.groups = value;
        break;
    case NAME_PROTOCOL:
        c->options.alpn = value;
        break;
    }
    if (kind != NAME_VERSION)
        add_version(c, base);
    target_init(&c->target, &c->options, peer->about->endpoint);
}

int name_case_prepare(struct name_case *c, struct error *err)
{
    c->prepared = target_prepare(&c->target, err) == 0;
    return c->prepared || err->kind != ERROR_SYSTEM ? 0 : -1;
}

void name_case_done(struct name_case *c)
{
    target_done(&c->target);
}

/* Up to HELLO_TRIES_MAX tries at once. */
static int try_at_once(struct path *p, struct path_peer *peer, struct name_case *const *cases,
                       size_t count, uint64_t patience_us, struct error *err)
{
    struct hello_patience patience = {.answer_us = patience_us, .ack_us = UINT64_MAX};
    struct tls_client_hello hellos[HELLO_TRIES_MAX] = {{0}};
    struct hello_try tries[HELLO_TRIES_MAX] = {{0}};
    int result = 0;
    size_t n = 0;
    p->phase = PHASE_HANDSHAKE;
    for (; n < count && result == 0; n++) {
        const struct target *target = &cases[n]->target;
        result = tls_client_hello_make(target->context, target_server_name(target),
                                       cases[n]->padded_bytes, &hellos[n], err);
        tries[n].hello = &hellos[n];
    }
    if (result == 0)
        result = hello_tries_run(&(struct hello_round){p, peer, &patience}, tries, n, err);
    for (size_t i = 0; i < n; i++) {
        if (result == 0)
            hello_score_add(&cases[i]->score, &tries[i]);
        tls_client_hello_done(&hellos[i]);
    }
    return result;
}

static int try_twice(struct path *p, struct path_peer *peer, struct name_case *c,
                     uint64_t patience_us, struct error *err)
{
    struct name_case *both[HELLO_TRIES] = {c, c};
    return try_at_once(p, peer, both, HELLO_TRIES, patience_us, err);
}

void name_case_record(struct path *p, const struct name_case *c)
{
    if (!c->score.tries)
        return;
    struct path_step step = {.passed = !hello_score_fails(&c->score),
                             .tries = c->score.tries,
                             .failed = c->score.tries - c->score.answers};
    hello_score_keep_error(p, &c->score);
    snprintf(step.what, sizeof step.what, "%s", c->label);
    hello_score_outcome_text(&c->score, step.happened);
    path_record_step(p, &step);
}

/* What a library does not offer in a ClientHello of its own is left out, too. */
static int make_once(struct name_case *c, struct error *err)
{
    struct tls_client_hello hello = {0};
    if (!c->prepared)
        return 0;
    int result =
        tls_client_hello_make(c->target.context, target_server_name(&c->target), 0, &hello, err);
    tls_client_hello_done(&hello);
    c->prepared = result == 0;
    return c->prepared || err->kind != ERROR_SYSTEM ? 0 : -1;
}

int name_cases_try(struct path *p, struct path_peer *peer, struct name_case *cases, size_t count,
                   uint64_t patience_us, struct error *err)
{
    struct name_case *batch[HELLO_TRIES_MAX];
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (make_once(&cases[i], err) < 0)
            return -1;
        for (size_t j = 0; cases[i].prepared && j < HELLO_TRIES; j++)
            batch[n++] = &cases[i];
        if (n && (n + HELLO_TRIES > HELLO_TRIES_MAX || i + 1 == count)) {
            path_record_progress(p, "%s", cases[i].label);
            if (try_at_once(p, peer, batch, n, patience_us, err) < 0)
                return -1;
            n = 0;
        }
    }
    for (size_t i = 0; i < count; i++) {
        struct name_case *c = &cases[i];
        if (!c->prepared)
            continue;
        if (hello_score_is_unclear(&c->score) && try_twice(p, peer, c, patience_us, err) < 0)
            return -1;
        if (hello_score_check_connected(p, &c->score, err) < 0)
            return -1;
        p->unsteady = p->unsteady || hello_score_is_unclear(&c->score);
    }
    return 0;
}

bool name_case_is_filtered(const struct name_case *c)
{
    const unsigned *fates = c->score.fates;
    return hello_score_fails(&c->score) &&
           fates[HELLO_LOST] + fates[HELLO_SILENT] + fates[HELLO_RESET] == c->score.tries;
}

/* Whether one more try is answered; the score stays as it is. */
static int is_answered(struct path *p, struct path_peer *peer, struct name_case *c,
                       uint64_t patience_us, bool *ret, struct error *err)
{
    struct hello_score before = c->score;
    int result = try_at_once(p, peer, &c, 1, patience_us, err);
    *ret = c->score.answers > before.answers;
    c->score = before;
    return result;
}

/* An answer of several segments may be lost for their size. A small MSS of ours bounds them. */
int name_case_try_small_segments(struct path *p, const struct path_peer *peer, struct name_case *c,
                                 uint64_t patience_us, struct error *err)
{
    struct path_peer small = *peer;
    small.target.origin.segment_bytes = PATH_SEGMENT_MIN_BYTES;
    return is_answered(p, &small, c, patience_us, &c->too_large, err);
}

/* One without a TCP connection counts as none. */
static int try_once_more(struct path *p, struct path_peer *peer, struct name_case *c,
                         uint64_t patience_us, struct error *err)
{
    enum { CONNECTS = 3 };
    unsigned tries = c->score.tries;
    for (int i = 0; i < CONNECTS && c->score.tries == tries; i++)
        if (try_at_once(p, peer, &c, 1, patience_us, err) < 0)
            return -1;
    return 0;
}

/* Every try of the one fails, every try of the other is answered. */
static bool is_told_apart(const struct name_case *failed, const struct name_case *control)
{
    return failed->score.tries >= HELLO_TRIES && name_case_is_filtered(failed) &&
           hello_score_always_answers(&control->score);
}

/* A control of at least the size of what failed, which a limit of size would stop as well. */
static int pad(struct path *p, struct path_peer *peer, const struct name_case *failed,
               struct name_case *control, uint64_t patience_us, struct error *err)
{
    size_t least_bytes = control->score.bytes + TLS_CLIENT_HELLO_PADDING_MIN_BYTES;
    if (control->score.bytes >= failed->score.bytes)
        return 0;
    control->padded_bytes = failed->score.bytes > least_bytes ? failed->score.bytes : least_bytes;
    control->score = (struct hello_score){.alert = -1};
    return try_twice(p, peer, control, patience_us, err);
}

int name_case_confirm(struct path *p, struct path_peer *peer, struct name_case *failed,
                      const struct name_case *answered, uint64_t patience_us, struct error *err)
{
    struct name_case control = *answered;
    path_record_progress(p, "%s once more, after %s", failed->label, control.label);
    if (pad(p, peer, failed, &control, patience_us, err) < 0)
        return -1;
    failed->is_about_size = hello_score_fails(&control.score);
    for (unsigned i = path_confirm_rounds(p); i > 0 && is_told_apart(failed, &control); i--)
        if (try_once_more(p, peer, &control, patience_us, err) < 0 ||
            try_once_more(p, peer, failed, patience_us, err) < 0)
            return -1;
    failed->confirmed = is_told_apart(failed, &control);
    if (!failed->confirmed || !failed->score.fates[HELLO_SILENT])
        return 0;
    if (name_case_try_small_segments(p, peer, failed, patience_us, err) < 0)
        return -1;
    failed->confirmed = !failed->too_large;
    return 0;
}

/* An early end may be of one connection. */
static bool may_come_again(const struct error *err)
{
    return err->kind == ERROR_SYSTEM || err->kind == ERROR_CLOSED;
}

static int look_once(struct path *p, struct name_case *c, struct target *target, struct error *err)
{
    struct session session;
    struct peer seen;
    session_init(&session, target);
    int result = path_peer_open_session(p, &session, err);
    if (result == 0) {
        transport_peer(session.transport, &seen);
        snprintf(c->sha256, sizeof c->sha256, "%s", seen.certificate.sha256);
        snprintf(c->subject, sizeof c->subject, "%s", seen.certificate.subject);
        snprintf(c->protocol, sizeof c->protocol, "%s", seen.alpn);
    }
    session_close(&session);
    return result;
}

int name_case_look(struct path *p, struct name_case *c, struct path_peer *peer, bool *ret,
                   struct error *err)
{
    struct target target = c->target; /* with the address of the run, which stays the peer's */
    target.addresses = peer->target.addresses;
    target.origin = peer->target.origin;
    if (!c->options.connect_timeout_ms || c->options.connect_timeout_ms > LOOK_MS)
        c->options.connect_timeout_ms = LOOK_MS;
    int result = -1;
    for (int i = 0; i < LOOKS && result < 0; i++) {
        result = look_once(p, c, &target, err);
        if (result < 0 && !may_come_again(err))
            break;
    }
    *ret = result == 0;
    return result == 0 || err->kind != ERROR_INTERRUPTED ? 0 : -1;
}
