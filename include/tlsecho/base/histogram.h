/* SPDX-License-Identifier: MIT */
/*
 * How often each duration occurred, to three significant digits from 1 us to over an hour: every
 * power of two is cut into equally wide buckets, none wider than 1/1024 of what it holds (as in
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

/* What is known beside the buckets. Everything is 0 if nothing was recorded. */
struct histogram_summary {
    uint64_t count;
    uint64_t min_ns, max_ns;   /* exact */
    double mean_ns, stddev_ns; /* of the values themselves, not of their buckets; of all of them,
                                  so the divisor is count */
};

/* A bucket that is not empty. One that is all zero stands before the first. */
struct histogram_bucket {
    uint64_t lower_ns, upper_ns; /* both belong to it */
    uint64_t count;
};

struct histogram *histogram_new(void); /* NULL = no memory */
void histogram_free(struct histogram *h);

/* As if nothing had been recorded. */
void histogram_clear(struct histogram *h);

/* Longer ones than the last bucket's upper end, 73 minutes, are counted there. */
void histogram_record(struct histogram *h, uint64_t ns);

/* Adds all samples of other to h. */
void histogram_add(struct histogram *h, const struct histogram *other);

void histogram_summarize(const struct histogram *h, struct histogram_summary *ret);

/*
 * The duration that a share of 0 to 1 of the samples did not exceed: the upper end of the bucket
 * that holds the sample of rank ceil(share * count), but never more than the longest. Too long by
 * at most 1/1024, never too short. 0 if there are no samples.
 */
uint64_t histogram_quantile_ns(const struct histogram *h, double share);

/* Whether there are so many that one may be beyond that quantile: p50 takes 2, p99.9 takes 1000.
 * With fewer it is nothing but the longest. */
bool histogram_has_quantile(const struct histogram *h, double share);

/* That quantile, or 0 if there are too few for it. */
uint64_t histogram_known_quantile_ns(const struct histogram *h, double share);

/* Moves on to the next bucket that is not empty; false after the last. Shortest first. */
bool histogram_next(const struct histogram *h, struct histogram_bucket *bucket);

/*
 * A histogram from what another one said of itself. First histogram_restore into a new one for each
 * of its buckets, with any duration in it; then the summary, which is false, and changes nothing,
 * if it cannot be of these buckets.
 */
void histogram_restore(struct histogram *h, uint64_t ns, uint64_t count);
bool histogram_restore_summary(struct histogram *h, const struct histogram_summary *summary);

#endif
