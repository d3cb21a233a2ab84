/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "path_internal.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/base/suggest.h"

_Static_assert(PATH_STAGES_MAX <= 8 * sizeof(unsigned), "stages are bits of a set");

const char *path_state_word(enum path_state state)
{
    static const char *const words[] = {
        [PATH_DONE] = "done", [PATH_SKIPPED] = "skipped", [PATH_STOPPED] = "stopped"};
    return words[state];
}

const char *path_step_word(const struct path_step *step)
{
    if (step->blamed)
        return "FAIL";
    if (!step->passed)
        return "none";
    return step->failed ? "some" : "ok";
}

static size_t find_stage(const char *name, size_t n)
{
    size_t i = 0;
    while (i < path_stages_count &&
           (strlen(path_stages[i].name) != n || memcmp(path_stages[i].name, name, n) != 0))
        i++;
    return i;
}

static int refuse_stage(const char *name, size_t n, struct error *err)
{
    const char *names[PATH_STAGES_MAX];
    char word[PATH_TEXT_BYTES], remedy[SUGGEST_BYTES];
    snprintf(word, sizeof word, "%.*s", (int)n, name);
    suggest_name(word, names, path_stage_names(names), remedy);
    return error_set(err, ERROR_INPUT, "--only: '%s' is no stage: %s", word, remedy);
}

/* "client-hello,size" as a set of bits. */
static int parse_only(const char *only, unsigned *ret, struct error *err)
{
    unsigned chosen = 0;
    for (;;) {
        size_t n = strcspn(only, ","), i = find_stage(only, n);
        if (i == path_stages_count)
            return refuse_stage(only, n, err);
        chosen |= 1u << i;
        if (!only[n])
            break;
        only += n + 1;
    }
    *ret = chosen;
    return 0;
}

static unsigned all_stages(void)
{
    unsigned chosen = 0;
    for (size_t i = 0; i < path_stages_count; i++)
        if (!path_stages[i].asked_for)
            chosen |= 1u << i;
    return chosen;
}

static int choose(const struct options *options, unsigned *ret, struct error *err)
{
    const char idle[] = "idle";
    size_t i = find_stage(idle, strlen(idle));
    unsigned chosen = all_stages();
    if (options->only && parse_only(options->only, &chosen, err) < 0)
        return -1;
    if (options->idle_max_ms != OPTIONS_NOT_GIVEN && i < path_stages_count && !options->only)
        chosen |= 1u << i;
    if (options->idle_max_ms != OPTIONS_NOT_GIVEN &&
        (i == path_stages_count || !(chosen & 1u << i)))
        return error_set(err, ERROR_INPUT,
                         "--idle-max is for the stage idle, which does not run: leave it out");
    *ret = chosen;
    return 0;
}

static void tell(const struct path *p, enum path_event event)
{
    p->watch->tell(p->watch->context, p->verdict, event, NULL);
}

/* Returns -1 if the run cannot go on. */
static int run_stage(struct path *p, const struct path_stage *stage, struct error *err)
{
    p->stage = &p->verdict->stages[p->verdict->stage_count++];
    p->stage->name = stage->name;
    p->stage->state = PATH_DONE;
    p->has_unjudged = false;
    tell(p, PATH_EVENT_STAGE);
    int result = path_peer_serving(p, stage->need, &p->peer, err);
    if (p->peer)
        result = stage->run(p, p->peer, err);
    path_record_end(p);
    if (result < 0 && err->kind == ERROR_INTERRUPTED && p->phase == PHASE_OPTIONS) {
        p->phase = PHASE_PATH; /* before its first connection */
        error_set(err, ERROR_INTERRUPTED, "interrupted at the beginning of the stage %s",
                  stage->name);
    }
    if (result < 0) {
        p->stage->state = PATH_STOPPED;
        snprintf(p->stage->reason, sizeof p->stage->reason, "%s", err->text);
    }
    tell(p, PATH_EVENT_END);
    return result;
}

/* One that fails does not stop the others; the first failure is kept. */
static int run_stages(struct path *p, unsigned chosen, struct error *err)
{
    struct error latest = {.alert = -1};
    enum phase phase = p->phase;
    enum result failure = RESULT_OK;
    int result = 0;
    for (size_t i = 0; i < path_stages_count && latest.kind != ERROR_INTERRUPTED; i++) {
        p->failure = RESULT_OK;
        if (!(chosen & 1u << i) || run_stage(p, &path_stages[i], &latest) == 0 || result < 0)
            continue;
        *err = latest;
        phase = p->phase;
        failure = p->failure;
        result = -1;
    }
    p->phase = phase;
    p->failure = failure;
    return result;
}

static void name_endpoint(struct path_peer *peer)
{
    char text[ENDPOINT_TEXT_BYTES];
    endpoint_text(peer->about->endpoint, text);
    error_prefix(&peer->error, "%s", text);
}

/* Those that are not reached are left out. -1: none is, or the run cannot go on. */
static int open_peers(struct path *p, struct error *err)
{
    size_t reached = 0;
    for (size_t i = 0; i < p->options.endpoint_count; i++) {
        struct path_peer *peer = &p->peers[i];
        peer->about = &p->verdict->servers[i];
        peer->about->endpoint = &p->given->endpoints[i];
        peer->error.alert = -1;
        p->verdict->server_count++;
        peer->failed = path_peer_open(p, peer, &peer->error) < 0;
        reached += !peer->failed;
        if (!peer->failed)
            continue;
        peer->phase = p->phase;
        snprintf(peer->about->error, sizeof peer->about->error, "%s", peer->error.text);
        if (p->options.endpoint_count > 1)
            name_endpoint(peer);
        if (p->phase == PHASE_OPTIONS || peer->error.kind == ERROR_INTERRUPTED) {
            *err = peer->error;
            return -1;
        }
    }
    if (!reached) {
        p->phase = p->peers[0].phase;
        *err = p->peers[0].error;
        return -1;
    }
    tell(p, PATH_EVENT_SERVERS);
    return 0;
}

/* "2 findings: hello-lost-above, idle-timeout" */
static void judge(const struct path_verdict *verdict, struct outcome *ret)
{
    char names[PATH_SENTENCE_BYTES] = "";
    size_t used = 0;
    if (!verdict->finding_count)
        return;
    for (size_t i = 0; i < verdict->finding_count && used < sizeof names; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "",
                                 verdict->findings[i].kind->name);
    outcome_measure(ret, RESULT_IMPAIRED, "%zu finding%s: %.400s", verdict->finding_count,
                    verdict->finding_count == 1 ? "" : "s", names);
    ret->phase = PHASE_PATH;
}

/* "no stage could run: client-hello: no endpoint has TLS": the options are to blame if no server
 * was looked at. */
static void refuse_all(const struct path *p, struct outcome *ret)
{
    const struct path_stage_result *stage = p->unserved ? p->unserved : &p->verdict->stages[0];
    outcome_measure(ret, p->unserved ? p->unserved_result : RESULT_USAGE,
                    "no stage could run: %s: %.400s", stage->name, stage->reason);
    ret->phase = ret->result == RESULT_USAGE ? PHASE_OPTIONS : PHASE_ECHO;
}

static bool has_measured(const struct path_verdict *verdict)
{
    for (size_t i = 0; i < verdict->stage_count; i++)
        if (verdict->stages[i].state == PATH_DONE)
            return true;
    return false;
}

static bool has_passed(const struct path_verdict *verdict)
{
    for (size_t i = 0; i < verdict->stage_count; i++)
        for (size_t j = 0; j < verdict->stages[i].step_count; j++)
            if (verdict->stages[i].steps[j].passed)
                return true;
    return false;
}

/* Whether the stage that was interrupted has a step that never passed. */
static bool has_unjudged(const struct path_verdict *verdict)
{
    const struct path_stage_result *last = &verdict->stages[verdict->stage_count - 1];
    for (size_t i = 0; i < last->step_count; i++)
        if (!last->steps[i].passed)
            return true;
    return false;
}

static bool is_of_unreached(const struct path *p, const struct error *err)
{
    for (size_t i = 0; i < p->verdict->server_count; i++)
        if (p->peers[i].failed && strcmp(p->peers[i].error.text, err->text) == 0)
            return true;
    return false;
}

/* Servers that were connected to once need other advice than those that never were. */
static void fail(const struct path *p, const struct error *err, struct outcome *ret)
{
    enum result result = result_of(p->phase, err);
    if (p->failure) {
        outcome_measure(ret, p->failure, "%.400s", err->text);
        return;
    }
    if (result != RESULT_REFUSED || !p->verdict->stage_count || is_of_unreached(p, err)) {
        outcome_fail_to_open(ret, p->phase, err, &p->options);
        return;
    }
    outcome_measure(ret, result,
                    "%.300s; it accepted connections before: it was stopped, or a limit of "
                    "connections refuses more: see its log, or raise the limit for this host",
                    err->text);
    ret->phase = p->phase;
}

/* Of what failed when the run was interrupted. */
static void fail_unjudged(const struct path *p, struct outcome *ret)
{
    outcome_fail_to_open(ret, PHASE_HANDSHAKE, &p->unjudged, &p->options);
    error_prefix(&ret->error, "interrupted before this was tried again");
}

/* An interrupted run is worth what it measured: ok if there is something, and nothing that failed
 * is left to be judged. */
static void conclude(struct path *p, int result, const struct error *err, struct outcome *ret)
{
    const struct path_verdict *verdict = p->verdict;
    bool interrupted = result < 0 && err->kind == ERROR_INTERRUPTED && verdict->stage_count > 0;
    bool unjudged = interrupted && has_unjudged(verdict);
    bool partly = interrupted && !unjudged && (has_measured(verdict) || has_passed(verdict));
    if (unjudged && p->has_unjudged)
        fail_unjudged(p, ret);
    else if (result < 0 && !partly)
        fail(p, err, ret);
    else if (result == 0 && !has_measured(verdict))
        refuse_all(p, ret);
    judge(verdict, ret);
}

static void run(struct path *p, struct outcome *outcome)
{
    struct error err = {.alert = -1};
    unsigned chosen = 0;
    p->phase = PHASE_OPTIONS;
    int result = choose(&p->options, &chosen, &err);
    if (result == 0)
        result = open_peers(p, &err);
    if (result == 0)
        result = run_stages(p, chosen, &err);
    conclude(p, result, &err, outcome);
    for (size_t i = 0; i < p->verdict->server_count; i++)
        path_peer_done(&p->peers[i]);
    p->verdict->ended_us = clock_now_us();
}

struct path_verdict *path_run(const struct options *options, const struct path_watch *watch,
                              struct outcome *outcome)
{
    struct error err = {.alert = -1};
    struct path *p = calloc(1, sizeof *p);
    struct path_verdict *verdict = calloc(1, sizeof *verdict);
    if (!p || !verdict) {
        error_sys(&err, "memory for a verdict");
        outcome_fail(outcome, PHASE_LOCAL, &err);
        free(p);
        free(verdict);
        return NULL;
    }
    verdict->started_us = clock_now_us();
    p->given = options;
    p->options = *options;
    p->options.trusts_any = true;
    p->options.pin = NULL;
    p->small = p->options;
    if (!p->small.groups)
        p->small.groups = "?X25519:P-256";
    p->watch = watch;
    p->verdict = verdict;
    run(p, outcome);
    free(p);
    return verdict;
}

void path_verdict_free(struct path_verdict *verdict)
{
    free(verdict);
}
