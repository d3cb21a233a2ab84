/* SPDX-License-Identifier: MIT */
#include "size_limit.h"

#include "tlsecho/base/quantity.h"

enum {
    ATTEMPTS = 2,
    STUCK = 3,           /* rounds in which nothing connects, before it is given up */
    MAXSEG_MAX = 0x7fff, /* Linux takes no larger TCP_MAXSEG */
};

/* TCP_MAXSEG. */
struct range {
    unsigned passing, failing;
};

static size_t choose(const struct range *range, size_t message_bytes,
                     struct size_case ret[SIZE_TRIES_MAX])
{
    unsigned left = range->failing - range->passing - 1;
    size_t count = left < SIZE_TRIES_MAX ? left : SIZE_TRIES_MAX;
    for (size_t i = 0; i < count; i++)
        ret[i] = (struct size_case){.message_bytes = message_bytes,
                                    .segment_bytes = range->passing + 1 +
                                                     (unsigned)(left * (2 * i + 1) / (2 * count))};
    return count;
}

static void narrow(struct range *range, const struct size_case *cases,
                   const struct size_score *scores, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (scores[i].passed && cases[i].segment_bytes > range->passing)
            range->passing = cases[i].segment_bytes;
    for (size_t i = 0; i < count; i++)
        if (size_score_fails(&scores[i]) && cases[i].segment_bytes > range->passing &&
            cases[i].segment_bytes < range->failing)
            range->failing = cases[i].segment_bytes;
}

static int search(struct path *p, struct size_server *server, size_t message_bytes,
                  struct range *range, struct error *err)
{
    struct size_case cases[SIZE_TRIES_MAX];
    struct size_score scores[SIZE_TRIES_MAX];
    size_t n;
    unsigned stuck = 0;
    while ((n = choose(range, message_bytes, cases)) > 0) {
        struct range before = *range;
        char from[QUANTITY_BYTES], to[QUANTITY_BYTES];
        path_record_progress(
            p, "the largest IP packet has between %s and %s bytes",
            quantity_grouped_text(size_packet_bytes(server->peer, range->passing), from),
            quantity_grouped_text(size_packet_bytes(server->peer, range->failing), to));
        if (size_cases_try_once(p, server, cases, n, scores, err) < 0)
            return -1;
        narrow(range, cases, scores, n);
        if (range->passing != before.passing || range->failing != before.failing)
            stuck = 0;
        else if (++stuck == STUCK)
            return size_score_check_connected(p, &scores[0], err);
    }
    return 0;
}

static bool is_limit(const struct size_score scores[3])
{
    return size_score_always_passes(&scores[0]) && size_score_is_blocked(&scores[1]) &&
           size_score_always_passes(&scores[2]);
}

/* Both ends of the range, and the smallest segments. */
static int confirm(struct path *p, struct size_server *server, size_t message_bytes,
                   const struct range *range, struct size_limit *ret, struct error *err)
{
    struct size_case cases[] = {{message_bytes, range->passing},
                                {message_bytes, range->failing},
                                {message_bytes, PATH_SEGMENT_MIN_BYTES}};
    struct size_score scores[3];
    if (size_cases_try(p, server, cases, 3, scores, err) < 0)
        return -1;
    for (unsigned i = path_confirm_rounds(p); i > 0 && is_limit(scores); i--)
        if (size_cases_try_again(p, server, cases, 3, scores, err) < 0)
            return -1;
    for (int i = 0; i < 3; i++)
        size_score_record(p, server, &cases[i], &scores[i]);
    ret->largest = cases[0];
    ret->smallest = cases[1];
    ret->passing = scores[0];
    ret->failing = scores[1];
    ret->control = scores[2];
    ret->way = scores[1].fates[SIZE_STALLED_BACK] ||
                       (scores[1].fates[SIZE_RESET] && server->service == SIZE_CHARGEN)
                   ? PATH_FROM_SERVER
                   : PATH_TO_SERVER;
    ret->found = is_limit(scores);
    return 0;
}

int size_limit_find(struct path *p, struct size_server *server, size_t message_bytes,
                    unsigned offered_bytes, struct size_limit *ret, struct error *err)
{
    struct size_case small = {message_bytes, PATH_SEGMENT_MIN_BYTES};
    struct size_score score;
    *ret = (struct size_limit){.small_passes = false};
    if (size_cases_try(p, server, &small, 1, &score, err) < 0)
        return -1;
    size_score_record(p, server, &small, &score);
    ret->small_passes = score.passed > 0;
    for (int i = 0; i < ATTEMPTS && score.passed && !ret->found; i++) {
        struct range range = {PATH_SEGMENT_MIN_BYTES,
                              offered_bytes < MAXSEG_MAX ? offered_bytes : MAXSEG_MAX};
        if (search(p, server, message_bytes, &range, err) < 0 ||
            confirm(p, server, message_bytes, &range, ret, err) < 0)
            return -1;
    }
    return 0;
}
