/* SPDX-License-Identifier: MIT */
/* ClientHellos of several sizes and in pieces: which get an answer, and up to which size. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hello_bisect.h"
#include "hello_case.h"
#include "tlsecho/base/quantity.h"
#include "tlsecho/tls/tls_alert.h"

enum {
    PATIENCE_US = 3 * 1000 * 1000, /* with a server that has answered, */
    HURRY_US = 1000 * 1000,        /* the same for what is confirmed later, */
    HURRY_ACK_US = 1200 * 1000,
    PATIENCE_FACTOR = 5,                  /* or so many times as long as that took */
    FIRST_PATIENCE_US = 10 * 1000 * 1000, /* where --connect-timeout is 0 */
    HYBRID_BYTES = 1500,                  /* about as large as X25519MLKEM768 makes one, */
    HYBRID_LEAST_BYTES = 1400,            /* or larger than this */
    SIZES_MAX = 8,
};

/* What was tried, and what became of it. */
struct sizes {
    struct hello_case cases[SIZES_MAX];
    struct hello_score scores[SIZES_MAX];
    size_t count;
    struct hello_score pieces; /* of those sent in pieces that were answered at times */
};

static void keep(struct hellos *h, struct sizes *sizes, const struct hello_case *c,
                 const struct hello_score *score)
{
    hello_score_record(h->p, c, score);
    sizes->cases[sizes->count] = *c;
    sizes->scores[sizes->count++] = *score;
}

/* An answer of several segments may be lost for their size. A small MSS of ours bounds them. */
static int try_small_segments(struct hellos *h, bool *ret, struct error *err)
{
    struct path_peer small = *h->peer, *peer = h->peer;
    struct hello_case c = {.source = HELLO_SMALL};
    struct hello_score score;
    small.target.origin.segment_bytes = PATH_SEGMENT_MIN_BYTES;
    h->peer = &small;
    h->hurry = h->patience;
    int result = hello_cases_try_once(h, &c, 1, &score, err);
    h->peer = peer;
    *ret = result == 0 && score.answers > 0;
    return result;
}

/* Neither was answered; what became of the last try is the small one's. */
static int fail(struct hellos *h, const struct hello_score scores[2], struct error *err)
{
    struct hello_score both = scores[1];
    bool is_answered = false;
    hello_score_add_all(&both, &scores[0]);
    if (both.fates[HELLO_SILENT] == both.tries && try_small_segments(h, &is_answered, err) < 0)
        return -1;
    if (is_answered)
        return error_set(err, ERROR_TIMEOUT,
                         "the ClientHello was acknowledged, and the answer comes in small segments "
                         "only: the stage size tells which are lost");
    return hello_score_error(h->p, &both, err);
}

/* Our own and a small one: how long an answer takes, and whether there is any. */
static int try_first(struct hellos *h, struct sizes *sizes, struct error *err)
{
    struct hello_case cases[] = {{.source = HELLO_OWN}, {.source = HELLO_SMALL}};
    struct hello_score scores[2];
    uint64_t limit_ms = h->p->options.connect_timeout_ms, took_us = 0;
    h->patience = (struct hello_patience){
        .answer_us = limit_ms ? limit_ms * 1000 : FIRST_PATIENCE_US, .ack_us = UINT64_MAX};
    path_record_progress(h->p, "our own ClientHello, and a small one");
    if (hello_cases_try(h, cases, 2, scores, err) < 0)
        return -1;
    for (size_t i = 0; i < 2; i++) {
        keep(h, sizes, &cases[i], &scores[i]);
        if (scores[i].took_us > took_us)
            took_us = scores[i].took_us;
    }
    if (hello_score_fails(&scores[0]) && hello_score_fails(&scores[1]))
        return fail(h, scores, err);
    if (hello_score_fails(&scores[1]))
        h->base = HELLO_OWN;
    took_us *= PATIENCE_FACTOR;
    h->patience.answer_us = took_us > PATIENCE_US ? took_us : PATIENCE_US;
    h->hurry = (struct hello_patience){.answer_us = took_us > HURRY_US ? took_us : HURRY_US,
                                       .ack_us = HURRY_ACK_US};
    return 0;
}

/* Of post-quantum size, unless our own is, and the padded ones. */
static size_t choose_sizes(const struct hellos *h, struct hello_case ret[SIZES_MAX])
{
    static const size_t padded[] = {2048, 4096, 8192, TLS_CLIENT_HELLO_MAX_BYTES};
    size_t count = 0;
    if (h->bytes[HELLO_OWN] < HYBRID_LEAST_BYTES && h->has_post_quantum)
        ret[count++] = (struct hello_case){.source = HELLO_POST_QUANTUM};
    else if (h->bytes[HELLO_OWN] < HYBRID_LEAST_BYTES)
        ret[count++] = (struct hello_case){.source = h->base, .padded_bytes = HYBRID_BYTES};
    for (size_t i = 0; i < sizeof padded / sizeof *padded; i++)
        ret[count++] = (struct hello_case){.source = h->base, .padded_bytes = padded[i]};
    return count;
}

static int try_sizes(struct hellos *h, struct sizes *sizes, struct error *err)
{
    struct hello_case cases[SIZES_MAX];
    size_t count = choose_sizes(h, cases), n;
    for (size_t i = 0; i < count; i += n) {
        struct hello_score scores[HELLO_CASES_MAX];
        n = count - i < HELLO_CASES_MAX ? count - i : HELLO_CASES_MAX;
        path_record_progress(h->p, "larger ClientHellos");
        if (hello_cases_try(h, &cases[i], n, scores, err) < 0)
            return -1;
        for (size_t j = 0; j < n; j++)
            keep(h, sizes, &cases[i + j], &scores[j]);
    }
    return 0;
}

/* --- the limit --- */

/* The largest that was answered: there is at least one. */
static size_t find_passing(const struct sizes *sizes)
{
    size_t bytes = 0;
    for (size_t i = 0; i < sizes->count; i++)
        if (sizes->scores[i].answers && sizes->scores[i].bytes > bytes)
            bytes = sizes->scores[i].bytes;
    return bytes;
}

/* The smallest above it that was not; 0 = none. */
static size_t find_failing(const struct sizes *sizes, size_t passing_bytes)
{
    size_t bytes = 0;
    for (size_t i = 0; i < sizes->count; i++) {
        size_t n = sizes->scores[i].bytes;
        if (hello_score_fails(&sizes->scores[i]) && n > passing_bytes && (!bytes || n < bytes))
            bytes = n;
    }
    return bytes;
}

static bool is_about_packets(const struct hello_limit *limit)
{
    const struct hello_score *failing = &limit->failing;
    return failing->fates[HELLO_LOST] == failing->tries && failing->bytes <= failing->segment_bytes;
}

/* What the path has to let pass. Of what was acknowledged every packet came through. */
static void describe_limit(const struct hello_limit *limit, char ret[PATH_TEXT_BYTES])
{
    const struct hello_score *passing = &limit->passing;
    char text[QUANTITY_BYTES];
    if (is_about_packets(limit))
        snprintf(ret, PATH_TEXT_BYTES,
                 "IP packets of more than %s bytes, have it announce its MTU by ICMP, or lower the "
                 "MTU of this host",
                 quantity_grouped_text(passing->packet_bytes, text));
    else if (passing->bytes == passing->segment_bytes)
        snprintf(ret, PATH_TEXT_BYTES, "a ClientHello of more than one segment (%s bytes)",
                 quantity_grouped_text(passing->bytes, text));
    else
        snprintf(ret, PATH_TEXT_BYTES, "a ClientHello of more than %s bytes",
                 quantity_grouped_text(passing->bytes, text));
}

static void tell_limit(struct path *p, const struct hello_limit *limit)
{
    char what[PATH_TEXT_BYTES], how[PATH_TEXT_BYTES], passed[QUANTITY_BYTES],
        failed[QUANTITY_BYTES], passed_packet[QUANTITY_BYTES], failed_packet[QUANTITY_BYTES];
    describe_limit(limit, what);
    hello_score_failures_text(&limit->failing, how);
    path_record_finding(p, "hello-lost-above", what,
                        "a ClientHello of %s bytes (IP packets of up to %s) was answered, %u of "
                        "%u; of %s bytes (%s): "
                        "%s; in between, %u of %u small ones were answered",
                        quantity_grouped_text(limit->passing.bytes, passed),
                        quantity_grouped_text(limit->passing.packet_bytes, passed_packet),
                        limit->passing.answers, limit->passing.tries,
                        quantity_grouped_text(limit->failing.bytes, failed),
                        quantity_grouped_text(limit->failing.packet_bytes, failed_packet), how,
                        limit->control.answers, limit->control.tries);
    if (is_about_packets(limit))
        path_record_packet_limit(p, PATH_TO_SERVER, limit->passing.packet_bytes);
}

/* What failed and is not smaller. */
static void blame(struct hellos *h, const struct sizes *sizes, const struct hello_limit *limit)
{
    struct hello_case c = {.source = h->base, .padded_bytes = limit->failing.bytes};
    hello_score_blame(h->p, &c, &limit->failing);
    for (size_t i = 0; i < sizes->count; i++)
        if (sizes->scores[i].bytes >= limit->failing.bytes)
            hello_score_blame(h->p, &sizes->cases[i], &sizes->scores[i]);
}

static int judge_sizes(struct hellos *h, const struct sizes *sizes, struct error *err)
{
    struct hello_limit limit;
    size_t passing = find_passing(sizes), failing = find_failing(sizes, passing);
    if (!failing)
        return 0;
    if (hello_bisect(h, passing, failing, &limit, err) < 0)
        return -1;
    if (limit.found) {
        blame(h, sizes, &limit);
        tell_limit(h->p, &limit);
    } else {
        path_record_note(h->p, "no limit: the same sizes were answered at times and at times not");
    }
    return 0;
}

/* An alert is an answer by TLS. Some are lost on any path. */
static void note_others(struct path *p, const struct sizes *sizes)
{
    struct hello_score all = sizes->pieces, mixed = sizes->pieces;
    for (size_t i = 0; i < sizes->count; i++) {
        const struct hello_score *score = &sizes->scores[i];
        if (score->fates[HELLO_ALERT])
            all.alert = score->alert;
        hello_score_add_all(&all, score);
        if (score->answers)
            hello_score_add_all(&mixed, score);
    }
    if (all.alert >= 0)
        path_record_note(p,
                         "%u of %u ClientHellos were answered by an alert (%s): that is an "
                         "answer, by TLS, and no fault of the path",
                         all.fates[HELLO_ALERT], all.tries, tls_alert_name(all.alert));
    hello_score_note_mixed(p, &mixed);
}

/* --- pieces --- */

/* Answered otherwise than in one piece. */
static bool is_refused(const struct hello_score *whole, const struct hello_score *split)
{
    return split->tries >= HELLO_TRIES && hello_score_always_answers(whole) &&
           (hello_score_fails(split) ||
            (whole->fates[HELLO_ANSWERED] && split->fates[HELLO_ALERT] == split->tries));
}

static void append(char *ret, size_t size, const char *separator, const char *text)
{
    size_t used = strlen(ret);
    snprintf(ret + used, size - used, "%s%s", used ? separator : "", text);
}

static void tell_splits(struct path *p, const struct hello_case *cases,
                        const struct hello_score *scores, size_t count)
{
    char refused[PATH_SENTENCE_BYTES] = "", forms[PATH_TEXT_BYTES] = "";
    for (size_t i = 1; i < count; i++) {
        char outcome[PATH_TEXT_BYTES], text[2 * PATH_TEXT_BYTES];
        if (!is_refused(&scores[0], &scores[i]))
            continue;
        hello_score_outcome_text(&scores[i], outcome);
        snprintf(text, sizeof text, "%s: %s", hello_form_text(cases[i].form), outcome);
        append(refused, sizeof refused, "; ", text);
        append(forms, sizeof forms, ", or ", hello_form_text(cases[i].form));
    }
    if (!*refused)
        return;
    for (size_t i = 1; i < count; i++)
        if (is_refused(&scores[0], &scores[i]))
            hello_score_blame(p, &cases[i], &scores[i]);
    path_record_finding(p, "hello-split-refused", forms,
                        "%s; in one piece, in between, %u of %u were answered", refused,
                        scores[0].answers, scores[0].tries);
}

/* Those that are refused once more, in turn with the one in one piece. */
static int confirm_splits(struct hellos *h, const struct hello_case *cases,
                          struct hello_score *scores, size_t count, struct error *err)
{
    for (unsigned round = path_confirm_rounds(h->p); round > 0; round--)
        for (size_t i = 1; i < count; i++) {
            if (!is_refused(&scores[0], &scores[i]))
                continue;
            if (hello_case_try_again(h, &cases[0], &scores[0], err) < 0 ||
                hello_case_try_again(h, &cases[i], &scores[i], err) < 0)
                return -1;
        }
    return 0;
}

static void add_pieces(struct hello_score *ret, const struct hello_score *score)
{
    if (score->fates[HELLO_ALERT])
        ret->alert = score->alert;
    hello_score_add_all(ret, score);
}

static int try_splits(struct hellos *h, struct sizes *sizes, struct error *err)
{
    /* In one piece it is as large as in two records. */
    enum { RECORD_HEADER_BYTES = 5 };
    struct hello_case cases[HELLO_CASES_MAX] = {
        {.source = h->base, .padded_bytes = h->bytes[h->base] + RECORD_HEADER_BYTES},
        {.source = h->base, .form = HELLO_TWO_RECORDS},
        {.source = h->base, .form = HELLO_AFTER_ONE_BYTE},
        {.source = h->base, .form = HELLO_INSIDE_NAME}};
    struct hello_score scores[HELLO_CASES_MAX];
    size_t count = h->has_name ? HELLO_CASES_MAX : HELLO_CASES_MAX - 1;
    path_record_progress(h->p, "a ClientHello in pieces");
    if (hello_cases_try(h, cases, count, scores, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        h->p->unsteady = h->p->unsteady || hello_score_is_unclear(&scores[i]);
    if (confirm_splits(h, cases, scores, count, err) < 0)
        return -1;
    for (size_t i = 1; i < count; i++)
        hello_score_record(h->p, &cases[i], &scores[i]);
    for (size_t i = 0; i < count; i++)
        if (scores[i].answers)
            add_pieces(&sizes->pieces, &scores[i]);
    if (!h->has_name)
        path_record_note(h->p, "not split inside the server name, since an address is none: "
                               "--servername gives one");
    if (scores[0].answers)
        tell_splits(h->p, cases, scores, count);
    return 0;
}

static int run(struct hellos *h, struct error *err)
{
    struct sizes sizes = {.pieces.alert = -1};
    if (try_first(h, &sizes, err) < 0 || try_sizes(h, &sizes, err) < 0 ||
        try_splits(h, &sizes, err) < 0 || judge_sizes(h, &sizes, err) < 0)
        return -1;
    note_others(h->p, &sizes);
    return 0;
}

int stage_client_hello_run(struct path *p, struct path_peer *peer, struct error *err)
{
    struct hellos h;
    p->phase = PHASE_OPTIONS;
    int result = hellos_init(&h, p, peer, err);
    if (result == 0)
        result = run(&h, err);
    hellos_done(&h);
    return result;
}
