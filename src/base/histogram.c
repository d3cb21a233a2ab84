/* SPDX-License-Identifier: MIT */
#include "tlsecho/base/histogram.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/*
 * Values below 2048 have a bucket each. Above, a bucket is identified by the highest bit, the ten
 * bits below it, and their position: 1024 buckets for each further power of two.
 */
enum {
    HALF_BITS = 10,
    HALF = 1 << HALF_BITS, /* buckets for a power of two */
    VALUE_BITS = 42,       /* 2^42 ns are 73 minutes */
    BUCKETS = HALF * (VALUE_BITS - HALF_BITS + 1),
};

struct histogram {
    uint64_t min_ns, max_ns;
    double mean_ns, square_ns; /* square_ns: sum of the squared distances from the mean (Welford) */
    uint64_t count;
    uint64_t counts[BUCKETS];
};

static unsigned shift_of(uint64_t ns)
{
    unsigned highest = 63 - (unsigned)__builtin_clzll(ns | HALF);
    return highest - HALF_BITS;
}

static size_t index_of(uint64_t ns)
{
    if (ns >> VALUE_BITS)
        return BUCKETS - 1;
    unsigned shift = shift_of(ns);
    return ((size_t)shift << HALF_BITS) + (size_t)(ns >> shift);
}

static void bounds_of(size_t index, uint64_t *ret_lower_ns, uint64_t *ret_upper_ns)
{
    unsigned shift = index < HALF ? 0 : (unsigned)(index >> HALF_BITS) - 1;
    uint64_t kept = index - ((uint64_t)shift << HALF_BITS);
    *ret_lower_ns = kept << shift;
    *ret_upper_ns = ((kept + 1) << shift) - 1;
}

struct histogram *histogram_new(void)
{
    return calloc(1, sizeof(struct histogram));
}

void histogram_free(struct histogram *h)
{
    free(h);
}

/* Clears only the used range: clearing 256 KiB each second is expensive. */
void histogram_clear(struct histogram *h)
{
    if (!h->count)
        return;
    size_t first = index_of(h->min_ns);
    size_t last = index_of(h->max_ns);
    memset(h->counts + first, 0, (last - first + 1) * sizeof *h->counts);
    memset(h, 0, offsetof(struct histogram, counts));
}

void histogram_record(struct histogram *h, uint64_t ns)
{
    h->counts[index_of(ns)]++;
    h->count++;
    double distance = (double)ns - h->mean_ns;
    h->mean_ns += distance / (double)h->count;
    h->square_ns += distance * ((double)ns - h->mean_ns);
    if (h->count == 1 || ns < h->min_ns)
        h->min_ns = ns;
    if (ns > h->max_ns)
        h->max_ns = ns;
}

void histogram_add(struct histogram *h, const struct histogram *other)
{
    if (!other->count)
        return;
    size_t last = index_of(other->max_ns);
    for (size_t i = index_of(other->min_ns); i <= last; i++)
        h->counts[i] += other->counts[i];

    double n = (double)h->count;
    double m = (double)other->count;
    double distance = other->mean_ns - h->mean_ns;
    h->mean_ns += distance * m / (n + m);
    h->square_ns += other->square_ns + distance * distance * n * m / (n + m);
    if (!h->count || other->min_ns < h->min_ns)
        h->min_ns = other->min_ns;
    if (other->max_ns > h->max_ns)
        h->max_ns = other->max_ns;
    h->count += other->count;
}

void histogram_summarize(const struct histogram *h, struct histogram_summary *ret)
{
    *ret = (struct histogram_summary){
        .count = h->count, .min_ns = h->min_ns, .max_ns = h->max_ns, .mean_ns = h->mean_ns};
    if (h->count > 1)
        ret->stddev_ns = sqrt(h->square_ns / (double)h->count);
}

/* Round the share down slightly: 0.999 * 1000 is not always 999. */
static uint64_t rank_of(const struct histogram *h, double share)
{
    double rank = ceil(share * (double)h->count - 1e-6);
    if (rank < 1)
        return 1;
    return rank > (double)h->count ? h->count : (uint64_t)rank;
}

uint64_t histogram_quantile_ns(const struct histogram *h, double share)
{
    struct histogram_bucket bucket = {.count = 0};
    uint64_t rank = h->count ? rank_of(h, share) : 0;
    uint64_t seen = 0;
    while (seen < rank && histogram_next(h, &bucket))
        seen += bucket.count;
    return bucket.upper_ns < h->max_ns ? bucket.upper_ns : h->max_ns;
}

bool histogram_has_quantile(const struct histogram *h, double share)
{
    return (double)h->count * (1 - share) > 1 - 1e-6; /* 1 - 0.999 is a little less than 0.001 */
}

uint64_t histogram_known_quantile_ns(const struct histogram *h, double share)
{
    return histogram_has_quantile(h, share) ? histogram_quantile_ns(h, share) : 0;
}

bool histogram_next(const struct histogram *h, struct histogram_bucket *bucket)
{
    if (!h->count)
        return false;
    size_t last = index_of(h->max_ns);
    size_t i = bucket->count ? index_of(bucket->upper_ns) + 1 : index_of(h->min_ns);
    while (i <= last && !h->counts[i])
        i++;
    if (i > last)
        return false;
    bounds_of(i, &bucket->lower_ns, &bucket->upper_ns);
    bucket->count = h->counts[i];
    return true;
}

void histogram_restore(struct histogram *h, uint64_t ns, uint64_t count)
{
    if (!count)
        return;
    h->counts[index_of(ns)] += count;
    if (!h->count || ns < h->min_ns)
        h->min_ns = ns;
    if (ns > h->max_ns)
        h->max_ns = ns;
    h->count += count;
}

bool histogram_restore_summary(struct histogram *h, const struct histogram_summary *summary)
{
    if (summary->count != h->count || index_of(summary->min_ns) != index_of(h->min_ns) ||
        index_of(summary->max_ns) != index_of(h->max_ns))
        return false;
    h->min_ns = summary->min_ns;
    h->max_ns = summary->max_ns;
    h->mean_ns = summary->mean_ns;
    h->square_ns = summary->stddev_ns * summary->stddev_ns * (double)summary->count;
    return true;
}
