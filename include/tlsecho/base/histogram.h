/* SPDX-License-Identifier: MIT */
/*
 * How often each duration occurred, to three significant digits from 1 us to over an hour: every
 * power of two is divided into buckets of equal width, at most 1/1024 of the values in it (as in
 * HdrHistogram). Recording takes the same few instructions for any value, and the sum of two
 * histograms is the histogram of all their samples.
 *
 * Ownership: histogram_free frees.   Threads: one at a time.
 */
#ifndef TLSECHO_HISTOGRAM_H
#define TLSECHO_HISTOGRAM_H

#include <stdbool.h>
#include <stdint.h>

struct histogram;

/* Statistics beside the buckets. All 0 if nothing was recorded. */
struct histogram_summary {
    uint64_t count;
    uint64_t min_ns, max_ns;   /* exact */
    double mean_ns, stddev_ns; /* of the exact values; the divisor is count */
};

/* A non-empty bucket. Zero it to start an iteration. */
struct histogram_bucket {
    uint64_t lower_ns, upper_ns; /* both inclusive */
    uint64_t count;
};

struct histogram *histogram_new(void); /* NULL = no memory */
void histogram_free(struct histogram *h);

/* Removes all samples. */
void histogram_clear(struct histogram *h);

/* Durations above 73 minutes are counted in the last bucket. */
void histogram_record(struct histogram *h, uint64_t ns);

/* Adds all samples of other to h. */
void histogram_add(struct histogram *h, const struct histogram *other);

void histogram_summarize(const struct histogram *h, struct histogram_summary *ret);

/*
 * The duration that a share (0 to 1) of the samples did not exceed: the upper bound of the bucket
 * with the sample of rank ceil(share * count), at most the maximum. Never too low, and too high by
 * at most 1/1024. 0 without samples.
 */
uint64_t histogram_quantile_ns(const struct histogram *h, double share);

/* Whether there are enough samples for that quantile: p50 needs 2, p99.9 needs 1000. With fewer it
 * equals the maximum. */
bool histogram_has_quantile(const struct histogram *h, double share);

/* That quantile, or 0 with too few samples. */
uint64_t histogram_known_quantile_ns(const struct histogram *h, double share);

/* Advances to the next non-empty bucket in ascending order; false after the last. */
bool histogram_next(const struct histogram *h, struct histogram_bucket *bucket);

/*
 * Rebuilds a histogram from the buckets and the summary of another. First call histogram_restore
 * for each bucket, with any duration in it; then set the summary, which returns false and changes
 * nothing if it contradicts the buckets.
 */
void histogram_restore(struct histogram *h, uint64_t ns, uint64_t count);
bool histogram_restore_summary(struct histogram *h, const struct histogram_summary *summary);

#endif
