/* SPDX-License-Identifier: MIT */
/* Our SYN as it arrived at a listener with `service: report`, beside what the kernel has sent. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "path_lookup.h"
#include "syn_aspect.h"
#include "tlsecho/client/report_read.h"

enum {
    TRIES = 3,
    FAILURES_MAX = 5,           /* of connections, before the stage gives up */
    CONFIRMED = 2,              /* so many tries make a finding */
    LIMIT_US = 4 * 1000 * 1000, /* a report comes at once; half of it is the wait for its start */
};

struct syns {
    struct path *p;
    struct path_peer *peer;
    struct report_reading reading;
    struct report reports[TRIES];
    struct report_verdict verdicts[TRIES];
    unsigned count;
};

/* --- getting reports --- */

/* What became of asking for a report. */
struct answer {
    bool opened; /* the connection came up */
    bool came;
    bool broken;        /* it came up and failed later, other than by an end or by silence */
    enum result result; /* of the connection, if it came up */
};

/* *err: why none came. -1: interrupted. */
static int ask(struct syns *s, struct answer *ret, struct error *err)
{
    struct session session;
    struct outcome outcome = {.result = RESULT_OK, .error.alert = -1};
    struct report *report = &s->reports[s->count];
    *report = (struct report){.connection = 0};
    session_init(&session, &s->peer->target);
    ret->opened = path_peer_open_session(s->p, &session, err) == 0;
    ret->came = ret->opened && report_read(&s->reading, &session, LIMIT_US, report, &outcome);
    ret->broken = ret->opened && outcome.error.kind == ERROR_SYSTEM;
    ret->result = outcome.result;
    if (ret->opened && !ret->came) {
        s->p->phase = outcome.phase;
        *err = outcome.error;
    }
    session_close(&session);
    if (ret->came)
        report_judge(report, &s->verdicts[s->count++]);
    return ret->came || err->kind != ERROR_INTERRUPTED ? 0 : -1;
}

/* As ask; what may be an accident of one connection is tried again. */
static int ask_first(struct syns *s, struct answer *ret, struct error *err)
{
    int result = ask(s, ret, err);
    for (unsigned failures = 1; failures < FAILURES_MAX && result == 0 && !ret->came; failures++) {
        bool refused = path_lookup_is_refusal(err) || err->kind == ERROR_TIMEOUT;
        if (ret->opened ? ret->result != RESULT_RESET : refused)
            break;
        result = ask(s, ret, err);
    }
    return result;
}

/* A server that sends no report is a healthy one of another service: the endpoint is wrong. */
static void add_other(const struct syns *s, struct path_lookup *others, const struct answer *answer,
                      const struct error *err)
{
    if (answer->opened && answer->result == RESULT_RESET)
        path_lookup_add(others, s->peer, RESULT_RESET, "it resets connections");
    else if (!answer->opened || answer->broken || path_lookup_is_refusal(err))
        path_lookup_add_error(others, s->p, s->peer, err);
    else
        path_lookup_add(others, s->peer, RESULT_USAGE, "it sends none");
}

/* The first server that sends one is s->peer. Without any the stage is skipped, *ret_found false;
 * -1: interrupted, or one could not be asked. */
static int choose_peer(struct syns *s, bool *ret_found, struct error *err)
{
    struct path_lookup others = {.failed = false};
    *ret_found = false;
    for (size_t i = 0; i < s->p->verdict->server_count; i++) {
        struct answer answer;
        if (path_lookup_add_unreached(&others, &s->p->peers[i]))
            continue;
        s->p->peer = s->peer = &s->p->peers[i];
        path_record_progress(s->p, "looking for a report");
        if (ask_first(s, &answer, err) < 0)
            return -1;
        *ret_found = answer.came;
        if (answer.came)
            return 0;
        add_other(s, &others, &answer, err);
    }
    return path_lookup_fail(&others, s->p,
                            "no endpoint sends a report; give one whose listener has `service: "
                            "report`",
                            err);
}

static int try_again(struct syns *s, struct error *err)
{
    for (unsigned failures = 0; s->count < TRIES && failures < FAILURES_MAX;) {
        struct answer answer;
        path_record_progress(s->p, "SYN %u of %d", s->count + 1, TRIES);
        if (ask(s, &answer, err) < 0)
            return -1;
        failures += !answer.came;
        s->p->failure = answer.opened && !answer.came ? answer.result : RESULT_OK;
    }
    if (s->count < CONFIRMED)
        return -1;
    s->p->failure = RESULT_OK;
    return 0;
}

/* --- what follows --- */

static bool is_ours(const struct report_verdict *verdict)
{
    return verdict->clock != REPORT_DIFFERENT;
}

/* What was seen of an aspect. */
struct sight {
    unsigned tries, failed;      /* of those in which it is known */
    const struct report *report; /* the last that differs, or the last */
};

static struct sight look_at(const struct syns *s, const struct syn_aspect *aspect, bool ours_only)
{
    struct sight sight = {.tries = 0};
    for (unsigned i = 0; i < s->count; i++) {
        enum report_relation relation = aspect->relate(&s->reports[i].syn, &s->verdicts[i]);
        if (relation == REPORT_UNKNOWN || (ours_only && !is_ours(&s->verdicts[i])))
            continue;
        sight.tries++;
        sight.failed += relation == REPORT_DIFFERENT;
        if (relation == REPORT_DIFFERENT || !sight.failed)
            sight.report = &s->reports[i];
    }
    return sight;
}

/* A step, and a finding if it was seen often enough. */
static void tell(struct path *p, const struct syn_aspect *aspect, const struct sight *sight)
{
    char sent[PATH_TEXT_BYTES], arrived[PATH_TEXT_BYTES], value[PATH_TEXT_BYTES];
    char effects[PATH_SENTENCE_BYTES] = "";
    struct path_step step = {.tries = sight->tries, .failed = sight->failed};
    if (!sight->tries)
        return;
    aspect->describe(sight->report, sent, arrived, value);
    step.passed = sight->failed < CONFIRMED;
    snprintf(step.what, sizeof step.what, "%s", sent);
    if (sight->failed)
        snprintf(step.happened, sizeof step.happened, "%u of %u arrived %.170s", sight->failed,
                 sight->tries, arrived);
    else
        snprintf(step.happened, sizeof step.happened, "arrived as sent");
    path_record_step(p, &step);
    if (step.passed)
        return;
    if (aspect->explain)
        aspect->explain(sight->report, effects);
    path_record_finding(p, syn_aspect_finding(aspect, &sight->report->syn), value,
                        "the %s in our SYN: %u of %u arrived %s%s", sent, sight->failed,
                        sight->tries, arrived, effects);
}

static void note_hops(struct path *p, const struct report_syn *syn)
{
    int hops = syn->sent.ttl - (int)syn->arrived.ttl;
    if (syn->sent.ttl < 0)
        return;
    if (hops >= 0)
        path_record_note(p, "%d hop%s: the TTL was %d, and %u on arrival", hops,
                         hops == 1 ? "" : "s", syn->sent.ttl, syn->arrived.ttl);
    else
        path_record_note(p,
                         "the TTL was %d, and %u on arrival: something on the way sets it, or a "
                         "route of this host does",
                         syn->sent.ttl, syn->arrived.ttl);
}

static void note_foreign(struct path *p, const struct report_syn *syn)
{
    char names[REPORT_OPTIONS_BYTES];
    if (report_foreign_options(syn, names))
        path_record_note(p,
                         "the SYN arrived with %.200s, too: something on the way adds it, or "
                         "this host does, which the kernel does not tell",
                         names);
}

static void note_untried(struct path *p, const struct report_syn *syn)
{
    if (syn->sent.ecn != SYN_SENT_YES)
        path_record_note(p, "ECN is not tried, since our SYN does not offer it: "
                            "net.ipv4.tcp_ecn=1 does");
    if (syn->sent.dscp == 0 && syn->arrived.dscp == 0)
        path_record_note(p, "DSCP 0 shows nothing about others: --dscp N tries one");
    if (syn->sent.timestamps != SYN_SENT_YES)
        path_record_note(p, "a proxy that ends TCP is not looked for, since our SYN has no "
                            "timestamp: net.ipv4.tcp_timestamps=1 gives it one");
}

static void judge(struct syns *s)
{
    const struct report *last = &s->reports[s->count - 1];
    struct sight clock = look_at(s, &syn_aspect_clock, false);
    tell(s->p, &syn_aspect_clock, &clock);
    for (size_t i = 0; i < SYN_ASPECTS; i++) {
        struct sight sight = look_at(s, &syn_aspects[i], true);
        tell(s->p, &syn_aspects[i], &sight);
    }
    if (clock.failed)
        return;
    note_hops(s->p, &last->syn);
    if (s->verdicts[s->count - 1].source == REPORT_DIFFERENT)
        path_record_note(s->p, "our address is translated on the way: the server sees %s",
                         last->there.source);
    note_foreign(s->p, &last->syn);
    note_untried(s->p, &last->syn);
}

/* Skips the stage if nothing can be said of a report. */
static bool skip_useless(struct syns *s)
{
    const struct report *report = &s->reports[0];
    char endpoint[ENDPOINT_TEXT_BYTES];
    endpoint_text(s->peer->about->endpoint, endpoint);
    if (report->proxy.version)
        path_record_unserved(s->p, RESULT_USAGE,
                             "%s: the server is behind a proxy that sends PROXY headers, so the "
                             "SYN that arrives is the proxy's: give the server's own address",
                             endpoint);
    else if (!report->syn.has_arrived)
        path_record_unserved(s->p, RESULT_USAGE,
                             "%s: the report has no SYN: the server is of an earlier version, or "
                             "its kernel sends SYN cookies",
                             endpoint);
    else if (!report->syn.has_sent)
        path_record_unserved(s->p, RESULT_LOCAL_IO,
                             "this kernel does not tell what it has sent (TCP_INFO)");
    return s->p->stage->state == PATH_SKIPPED;
}

static int run(struct syns *s, struct error *err)
{
    bool found;
    if (choose_peer(s, &found, err) < 0)
        return -1;
    if (!found || skip_useless(s))
        return 0;
    if (try_again(s, err) < 0)
        return -1;
    judge(s);
    return 0;
}

int stage_syn_run(struct path *p, struct path_peer *peer, struct error *err)
{
    (void)peer; /* the first that sends a report is taken */
    struct syns *s = calloc(1, sizeof *s);
    p->phase = PHASE_LOCAL;
    if (!s)
        return error_sys(err, "memory for reports");
    s->p = p;
    int result = run(s, err);
    free(s);
    return result;
}
