/* SPDX-License-Identifier: MIT */
#include "hello_bisect.h"

#include <assert.h>

#include "tlsecho/base/quantity.h"

enum {
    ATTEMPTS = 2,
    STUCK = 3, /* rounds in which nothing connects, before it is given up */
};

struct range {
    size_t passing, failing;
};

/* The smallest that padding can make. */
static size_t least_padded(const struct hellos *h)
{
    return h->bytes[h->base] + TLS_CLIENT_HELLO_PADDING_MIN_BYTES;
}

/* Sizes between the ends, evenly. */
static size_t choose(const struct hellos *h, const struct range *range,
                     struct hello_case ret[HELLO_TRIES_MAX])
{
    size_t least = least_padded(h);
    size_t first = range->passing + 1 > least ? range->passing + 1 : least;
    size_t left = range->failing > first ? range->failing - first : 0;
    size_t count = left < HELLO_TRIES_MAX ? left : HELLO_TRIES_MAX;
    for (size_t i = 0; i < count; i++)
        ret[i] = (struct hello_case){.source = h->base,
                                     .padded_bytes = first + left * (2 * i + 1) / (2 * count)};
    return count;
}

/* The largest that was answered, and the smallest above it that was not. */
static void narrow(struct range *range, const struct hello_score *scores, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (scores[i].answers && scores[i].bytes > range->passing)
            range->passing = scores[i].bytes;
    for (size_t i = 0; i < count; i++)
        if (hello_score_fails(&scores[i]) && scores[i].bytes > range->passing &&
            scores[i].bytes < range->failing)
            range->failing = scores[i].bytes;
}

static int search(struct hellos *h, struct range *range, unsigned *count, struct error *err)
{
    struct hello_case cases[HELLO_TRIES_MAX];
    struct hello_score scores[HELLO_TRIES_MAX];
    size_t n;
    unsigned stuck = 0;
    while ((n = choose(h, range, cases)) > 0) {
        struct range before = *range;
        char from[QUANTITY_BYTES], to[QUANTITY_BYTES];
        path_record_progress(h->p, "the limit is between %s and %s bytes",
                             quantity_grouped_text(range->passing, from),
                             quantity_grouped_text(range->failing, to));
        if (hello_cases_try_once(h, cases, n, scores, err) < 0)
            return -1;
        narrow(range, scores, n);
        *count += (unsigned)n;
        if (range->passing != before.passing || range->failing != before.failing)
            stuck = 0;
        else if (++stuck == STUCK)
            return hello_score_check_connected(h->p, &scores[0], err);
    }
    return 0;
}

/* Of what passes, what does not, and the control. */
static bool is_limit(const struct hello_score scores[3])
{
    return hello_score_always_answers(&scores[0]) && hello_score_fails(&scores[1]) &&
           scores[1].tries >= HELLO_TRIES && hello_score_always_answers(&scores[2]);
}

/* Both ends of the range, and one without padding. */
static int confirm(struct hellos *h, const struct range *range, struct hello_limit *ret,
                   struct error *err)
{
    struct hello_case cases[] = {{.source = h->base, .padded_bytes = range->passing},
                                 {.source = h->base, .padded_bytes = range->failing},
                                 {.source = h->base}};
    struct hello_score scores[3];
    if (hello_cases_try(h, cases, 3, scores, err) < 0)
        return -1;
    for (unsigned i = path_confirm_rounds(h->p); i > 0 && is_limit(scores); i--)
        for (int j = 0; j < 3; j++)
            if (hello_case_try_again(h, &cases[j], &scores[j], err) < 0)
                return -1;
    for (int i = 0; i < 3; i++)
        hello_score_record(h->p, &cases[i], &scores[i]);
    ret->passing = scores[0];
    ret->failing = scores[1];
    ret->control = scores[2];
    ret->count += scores[0].tries + scores[1].tries + scores[2].tries;
    ret->found = is_limit(scores);
    return 0;
}

int hello_bisect(struct hellos *h, size_t passing_bytes, size_t failing_bytes,
                 struct hello_limit *ret, struct error *err)
{
    *ret = (struct hello_limit){.found = false};
    if (failing_bytes < least_padded(h)) /* our own, a little larger than the base */
        failing_bytes = least_padded(h);
    for (int i = 0; i < ATTEMPTS && !ret->found; i++) {
        struct range range = {passing_bytes, failing_bytes};
        if (search(h, &range, &ret->count, err) < 0 || confirm(h, &range, ret, err) < 0)
            return -1;
    }
    return 0;
}
