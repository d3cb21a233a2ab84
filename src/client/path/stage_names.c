/* SPDX-License-Identifier: MIT */
/* Server names, versions, groups and protocols: which get an answer, and which certificate. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "name_case.h"
#include "tlsecho/base/quantity.h"
#include "tlsecho/base/text.h"

enum {
    PATIENCE_US = 3 * 1000 * 1000,        /* with a server that has answered, */
    PATIENCE_FACTOR = 5,                  /* or so many times as long as that took */
    FIRST_PATIENCE_US = 10 * 1000 * 1000, /* where --connect-timeout is 0 */
    CASES_MAX = 40,
    PROTOCOLS_MAX = 8,
};

static const char no_name[] = "192.0.2.1"; /* an address is not sent, RFC 6066 §3 */
static const char other_name[] = "other.invalid";
static const char *const versions[] = {"1.2", "1.3"};
static const char *const groups[] = {"X25519", "P-256", "P-384", "P-521", "X448", "X25519MLKEM768"};

struct names {
    struct path *p;
    struct path_peer *peer;
    struct options
        base; /* with a server name and versions that are answered, once they are known */
    struct name_case cases[CASES_MAX];
    size_t count;
    uint64_t patience_us;
    char protocols[PROTOCOLS_MAX][PATH_TEXT_BYTES];
};

static struct name_case *find_answered(struct names *n, size_t from, enum name_kind kind)
{
    for (size_t i = from; i < n->count; i++)
        if (n->cases[i].kind == kind && n->cases[i].score.answers)
            return &n->cases[i];
    return NULL;
}

static int add(struct names *n, enum name_kind kind, const char *value, struct error *err)
{
    if (n->count == CASES_MAX)
        return 0;
    struct name_case *c = &n->cases[n->count++];
    name_case_init(c, n->peer, &n->base, kind, value);
    return name_case_prepare(c, err);
}

static int try_from(struct names *n, size_t from, struct error *err)
{
    return name_cases_try(n->p, n->peer, &n->cases[from], n->count - from, n->patience_us, err);
}

static int try_servers(struct names *n, const char *right, struct error *err)
{
    size_t from = n->count;
    if (!endpoint_host_is_address(right) && add(n, NAME_SERVER, right, err) < 0)
        return -1;
    if (add(n, NAME_SERVER, no_name, err) < 0 || add(n, NAME_SERVER, other_name, err) < 0)
        return -1;
    return try_from(n, from, err);
}

/* A server name that is answered, with TLS 1.2 alone if with the rest none is, is in all others. */
static int find_base(struct names *n, struct error *err)
{
    const char *right = target_server_name(&n->peer->target);
    if (try_servers(n, right, err) < 0)
        return -1;
    struct name_case *found = find_answered(n, 0, NAME_SERVER);
    if (!found) {
        size_t from = n->count;
        n->base.tls_min = n->base.tls_max = versions[0];
        if (try_servers(n, right, err) < 0)
            return -1;
        found = find_answered(n, from, NAME_SERVER);
    }
    if (!found)
        return hello_score_error(n->p, &n->cases[0].score, err);
    n->base.server_name = found->options.server_name;
    uint64_t enough_us = found->score.took_us * PATIENCE_FACTOR;
    n->patience_us = enough_us > PATIENCE_US ? enough_us : PATIENCE_US;
    return 0;
}

/* Those of --alpn, or what most servers know. */
static int add_protocols(struct names *n, struct error *err)
{
    const char *list = n->p->options.alpn ? n->p->options.alpn : "h2,http/1.1";
    for (size_t i = 0; i < PROTOCOLS_MAX && *list; i++) {
        size_t size = strcspn(list, ",");
        snprintf(n->protocols[i], sizeof n->protocols[i], "%.*s", (int)size, list);
        if (add(n, NAME_PROTOCOL, n->protocols[i], err) < 0)
            return -1;
        list += size + (list[size] == ',');
    }
    return 0;
}

static int try_others(struct names *n, struct error *err)
{
    size_t from = n->count;
    struct options given = n->base;
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++)
        if (add(n, NAME_VERSION, versions[i], err) < 0)
            return -1;
    n->base = given;
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        if (tls_has_group(groups[i]) && add(n, NAME_GROUP, groups[i], err) < 0)
            return -1;
    return add_protocols(n, err) < 0 ? -1 : try_from(n, from, err);
}

/* --- findings --- */

static size_t find_largest_answered(const struct names *n)
{
    size_t bytes = 0;
    for (size_t i = 0; i < n->count; i++)
        if (n->cases[i].score.answers && n->cases[i].score.bytes > bytes)
            bytes = n->cases[i].score.bytes;
    return bytes;
}

/* The same kind with the same versions, answered. */
static struct name_case *find_control(struct names *n, const struct name_case *failed)
{
    for (size_t i = 0; i < n->count; i++) {
        struct name_case *c = &n->cases[i];
        if (c->kind == failed->kind && hello_score_always_answers(&c->score) &&
            (c->kind != NAME_SERVER || c->options.tls_max == failed->options.tls_max))
            return c;
    }
    return NULL;
}

static int confirm(struct names *n, enum name_kind kind, struct error *err)
{
    for (size_t i = 0; i < n->count; i++) {
        struct name_case *c = &n->cases[i], *control;
        if (c->kind != kind || !name_case_is_filtered(c) || !(control = find_control(n, c)))
            continue;
        if (name_case_confirm(n->p, n->peer, c, control, n->patience_us, err) < 0)
            return -1;
    }
    return 0;
}

/* One finding of what of this kind is confirmed. */
static void report(struct names *n, enum name_kind kind, const char *finding)
{
    char evidence[PATH_SENTENCE_BYTES] = "", labels[PATH_TEXT_BYTES] = "", how[PATH_TEXT_BYTES];
    const struct name_case *control = NULL;
    for (size_t i = 0; i < n->count; i++) {
        const struct name_case *c = &n->cases[i];
        if (c->kind != kind || !c->confirmed)
            continue;
        control = find_control(n, c);
        size_t used = strlen(evidence), named = strlen(labels);
        hello_score_failures_text(&c->score, how);
        snprintf(evidence + used, sizeof evidence - used, "%s%s: %s", used ? "; " : "", c->label,
                 how);
        snprintf(labels + named, sizeof labels - named, "%s%s", named ? ", " : "", c->label);
    }
    if (!control)
        return;
    hello_score_outcome_text(&control->score, how);
    path_record_finding(n->p, finding, labels, "%.300s; but %s: %s", evidence, control->label, how);
}

static void record_all(struct names *n)
{
    for (size_t i = 0; i < n->count; i++) {
        name_case_record(n->p, &n->cases[i]);
        if (n->cases[i].confirmed)
            path_record_blame(n->p, n->cases[i].label);
    }
}

/* The silence of the others may be about the size of the answer, where not of the ClientHello. */
static int examine_silence(struct names *n, struct error *err)
{
    size_t answered_bytes = find_largest_answered(n);
    for (size_t i = 0; i < n->count; i++) {
        struct name_case *c = &n->cases[i];
        if (c->kind > NAME_VERSION && c->score.bytes <= answered_bytes &&
            hello_score_fails(&c->score) && c->score.fates[HELLO_SILENT] &&
            name_case_try_small_segments(n->p, n->peer, c, n->patience_us, err) < 0)
            return -1;
    }
    return 0;
}

static int judge(struct names *n, struct error *err)
{
    if (confirm(n, NAME_SERVER, err) < 0 || confirm(n, NAME_VERSION, err) < 0 ||
        examine_silence(n, err) < 0)
        return -1;
    report(n, NAME_SERVER, "sni-filtered");
    report(n, NAME_VERSION, "version-intolerant");
    return 0;
}

/* --- notes --- */

/* Silence may be about the size of the ClientHello, which grows by a group. */
static void note_silence(struct names *n, const struct name_case *c)
{
    char bytes[QUANTITY_BYTES];
    bool larger_passes = c->score.bytes <= find_largest_answered(n);
    path_record_note(n->p, "with %s a ClientHello of %s bytes gets no answer%s", c->label,
                     quantity_grouped_text(c->score.bytes, bytes),
                     larger_passes
                         ? ", though larger ones do"
                         : ": the stage client-hello tells whether that is about its size");
}

static void note_unanswered(struct names *n)
{
    for (size_t i = 0; i < n->count; i++) {
        const struct name_case *c = &n->cases[i];
        if (c->too_large)
            path_record_note(n->p,
                             "with %s the answer comes in small segments only: the stage size "
                             "tells which are lost",
                             c->label);
        else if (hello_score_fails(&c->score) && c->score.fates[HELLO_ENDED])
            path_record_note(n->p,
                             "with %s the connection is closed without an alert: some servers "
                             "refuse so",
                             c->label);
        else if ((c->kind > NAME_VERSION || c->is_about_size) && name_case_is_filtered(c) &&
                 !n->p->unsteady)
            note_silence(n, c);
    }
}

/* A server that does not answer once costs time enough. */
static int look(struct names *n, struct error *err)
{
    bool waits = false;
    for (size_t i = 0; i < n->count && !waits; i++) {
        struct name_case *c = &n->cases[i];
        bool seen;
        if (!c->score.fates[HELLO_ANSWERED])
            continue;
        path_record_progress(n->p, "certificate with %s", c->label);
        if (name_case_look(n->p, c, n->peer, &seen, err) < 0)
            return -1;
        if (!seen)
            text_copy(err->text, strlen(err->text), c->failure, sizeof c->failure);
        waits = !seen && err->kind == ERROR_TIMEOUT;
    }
    return 0;
}

/* The labels of all whose handshake ended as the i-th, with that certificate or for that reason; ""
 * unless that is the first of them. */
static void collect(const struct names *n, size_t i, char ret[PATH_SENTENCE_BYTES])
{
    *ret = '\0';
    for (size_t j = 0; j < n->count; j++) {
        const struct name_case *a = &n->cases[i], *b = &n->cases[j];
        if (strcmp(a->sha256, b->sha256) != 0 || strcmp(a->failure, b->failure) != 0)
            continue;
        if (j < i)
            return;
        size_t used = strlen(ret);
        snprintf(ret + used, PATH_SENTENCE_BYTES - used, "%s%s", used ? ", " : "",
                 n->cases[j].label);
    }
}

static void note_certificates(struct names *n)
{
    char labels[PATH_SENTENCE_BYTES];
    for (size_t i = 0; i < n->count; i++) {
        const struct name_case *c = &n->cases[i];
        collect(n, i, labels);
        if (*c->sha256 && *labels)
            path_record_note(n->p, "certificate \"%.64s\" (SHA-256 %.16s...) with %.300s",
                             c->subject, c->sha256, labels);
        else if (*c->failure && *labels)
            path_record_note(n->p, "with %.250s no handshake: %s", labels, c->failure);
    }
}

static void note_protocols(struct names *n)
{
    for (size_t i = 0; i < n->count; i++) {
        const struct name_case *c = &n->cases[i];
        if (c->kind == NAME_PROTOCOL && *c->sha256)
            path_record_note(n->p, "with %s the server selects %.64s", c->label,
                             *c->protocol ? c->protocol : "none");
    }
}

static void note_mixed(struct names *n)
{
    struct hello_score mixed = {.alert = -1};
    for (size_t i = 0; i < n->count; i++)
        if (n->cases[i].score.answers)
            hello_score_add_all(&mixed, &n->cases[i].score);
    hello_score_note_mixed(n->p, &mixed);
}

static int try_all(struct names *n, struct error *err)
{
    return find_base(n, err) < 0 || try_others(n, err) < 0 || judge(n, err) < 0 ? -1 : 0;
}

static int run(struct names *n, struct error *err)
{
    int result = try_all(n, err);
    record_all(n);
    if (result < 0 || look(n, err) < 0)
        return -1;
    note_mixed(n);
    note_unanswered(n);
    note_certificates(n);
    note_protocols(n);
    return 0;
}

int stage_names_run(struct path *p, struct path_peer *peer, struct error *err)
{
    uint64_t limit_ms = p->options.connect_timeout_ms;
    struct names *n = calloc(1, sizeof *n);
    p->phase = PHASE_LOCAL;
    if (!n)
        return error_sys(err, "memory for ClientHellos");
    n->p = p;
    n->peer = peer;
    n->base = p->options;
    n->patience_us = limit_ms ? limit_ms * 1000 : FIRST_PATIENCE_US;
    int result = run(n, err);
    for (size_t i = 0; i < n->count; i++)
        name_case_done(&n->cases[i]);
    free(n);
    return result;
}
