/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "suite.h"
#include "tlsecho/base/histogram.h"

#define HOUR_NS (3600ull * 1000000000)

static struct histogram *h, *other;

static void set_up(void)
{
    h = histogram_new();
    other = histogram_new();
    ck_assert_ptr_nonnull(h);
    ck_assert_ptr_nonnull(other);
}

static void tear_down(void)
{
    histogram_free(h);
    histogram_free(other);
}

START_TEST(an_empty_one_has_neither_quantiles_nor_buckets)
{
    struct histogram_bucket bucket = {.count = 0};
    struct histogram_summary summary;
    histogram_summarize(h, &summary);
    ck_assert_uint_eq(summary.count, 0);
    ck_assert_double_eq(summary.stddev_ns, 0);
    ck_assert_uint_eq(histogram_quantile_ns(h, 0.5), 0);
    ck_assert(!histogram_next(h, &bucket));
}
END_TEST

START_TEST(no_bucket_is_wider_than_a_1024th_of_its_values)
{
    for (uint64_t ns = 1000; ns <= HOUR_NS; ns = ns * 3 / 2 + 1) {
        struct histogram_bucket bucket = {.count = 0};
        histogram_clear(h);
        histogram_record(h, ns);
        ck_assert(histogram_next(h, &bucket));
        ck_assert_uint_le(bucket.lower_ns, ns);
        ck_assert_uint_ge(bucket.upper_ns, ns);
        ck_assert_uint_le((bucket.upper_ns - bucket.lower_ns) * 1024, bucket.lower_ns);
        ck_assert(!histogram_next(h, &bucket));
    }
}
END_TEST

START_TEST(buckets_follow_each_other_without_a_gap)
{
    struct histogram_bucket bucket = {.count = 0};
    uint64_t next_ns = 0;
    for (uint64_t ns = 0; ns < 100000; ns++)
        histogram_record(h, ns);
    while (histogram_next(h, &bucket)) {
        ck_assert_uint_eq(bucket.lower_ns, next_ns);
        next_ns = bucket.upper_ns + 1;
    }
    ck_assert_uint_ge(next_ns, 100000);
}
END_TEST

START_TEST(counts_a_longer_duration_in_the_last_bucket)
{
    struct histogram_bucket bucket = {.count = 0};
    struct histogram_summary summary;
    histogram_record(h, HOUR_NS);
    histogram_record(h, UINT64_MAX);
    histogram_record(h, 1ull << 60);
    histogram_summarize(h, &summary);
    ck_assert_uint_eq(summary.max_ns, UINT64_MAX);
    ck_assert(histogram_next(h, &bucket));
    ck_assert_uint_ge(bucket.upper_ns, HOUR_NS);
    ck_assert(histogram_next(h, &bucket));
    ck_assert_uint_eq(bucket.count, 2);
    ck_assert_uint_gt(bucket.lower_ns, HOUR_NS);
    ck_assert_uint_eq(bucket.upper_ns, (1ull << 42) - 1);
}
END_TEST

START_TEST(a_quantile_needs_samples_beyond_it)
{
    static const struct {
        double share;
        unsigned count;
    } least[] = {{0.5, 2}, {0.9, 10}, {0.99, 100}, {0.999, 1000}};
    for (unsigned count = 0, i = 0; i < 4; count++) {
        bool known = count >= least[i].count;
        ck_assert_uint_eq(histogram_known_quantile_ns(h, least[i].share), known ? 1000 : 0);
        if (!known)
            ck_assert(!histogram_has_quantile(h, least[i].share));
        else
            ck_assert(histogram_has_quantile(h, least[i++].share));
        histogram_record(h, 1000);
    }
}
END_TEST

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static double uniform(void)
{
    return (double)(random() + 1) / ((double)RAND_MAX + 2);
}

static uint64_t even(void) /* 1 us to 1 ms */
{
    return (uint64_t)(1e3 + uniform() * 1e6);
}

static uint64_t exponential(void) /* mean 50 us, from 1 us */
{
    return (uint64_t)(1e3 - 5e4 * log(uniform()));
}

static uint64_t heavy(void) /* Pareto: 20 us, and now and then minutes */
{
    return (uint64_t)(2e4 * pow(uniform(), -1.2));
}

static uint64_t (*const distributions[])(void) = {even, exponential, heavy};

enum { SAMPLES = 100000 };

START_TEST(quantiles_are_those_of_the_samples_to_three_digits)
{
    static const double shares[] = {0, 0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 1};
    static uint64_t samples[SAMPLES];
    srandom(1);
    for (size_t i = 0; i < SAMPLES; i++) {
        samples[i] = distributions[_i]();
        histogram_record(h, samples[i]);
    }
    qsort(samples, SAMPLES, sizeof *samples, compare);
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        size_t rank = (size_t)ceil(shares[i] * (double)SAMPLES - 1e-6);
        uint64_t exact_ns = samples[rank ? rank - 1 : 0];
        uint64_t found_ns = histogram_quantile_ns(h, shares[i]);
        ck_assert_uint_ge(found_ns, exact_ns);
        ck_assert_uint_le((found_ns - exact_ns) * 1024, exact_ns);
    }
}
END_TEST

START_TEST(mean_deviation_and_ends_are_those_of_the_samples)
{
    /* Far from zero and close together: a difference of sums of squares would lose precision. */
    static const uint64_t samples[] = {HOUR_NS + 4, HOUR_NS + 7, HOUR_NS + 13, HOUR_NS + 16};
    struct histogram_summary summary;
    for (size_t i = 0; i < 4; i++)
        histogram_record(h, samples[i]);
    histogram_summarize(h, &summary);
    ck_assert_uint_eq(summary.count, 4);
    ck_assert_uint_eq(summary.min_ns, HOUR_NS + 4);
    ck_assert_uint_eq(summary.max_ns, HOUR_NS + 16);
    ck_assert_double_eq_tol(summary.mean_ns, (double)HOUR_NS + 10, 1e-2);
    ck_assert_double_eq_tol(summary.stddev_ns, sqrt(22.5), 1e-2);
}
END_TEST

START_TEST(two_samples_have_a_deviation)
{
    struct histogram_summary summary;
    histogram_record(h, 10);
    histogram_record(h, 30);
    histogram_summarize(h, &summary);
    ck_assert_double_eq_tol(summary.stddev_ns, 10, 1e-9);
}
END_TEST

/* The same samples, and the same of them in each bucket. */
static void assert_same(const struct histogram *a, const struct histogram *b)
{
    struct histogram_bucket x = {.count = 0}, y = {.count = 0};
    struct histogram_summary of_a, of_b;
    histogram_summarize(a, &of_a);
    histogram_summarize(b, &of_b);
    ck_assert_uint_eq(of_a.count, of_b.count);
    ck_assert_uint_eq(of_a.min_ns, of_b.min_ns);
    ck_assert_uint_eq(of_a.max_ns, of_b.max_ns);
    ck_assert_double_eq_tol(of_a.mean_ns, of_b.mean_ns, 1e-9 * of_b.mean_ns);
    ck_assert_double_eq_tol(of_a.stddev_ns, of_b.stddev_ns, 1e-9 * of_b.stddev_ns);
    while (histogram_next(a, &x)) {
        ck_assert(histogram_next(b, &y));
        ck_assert_uint_eq(x.upper_ns, y.upper_ns);
        ck_assert_uint_eq(x.count, y.count);
    }
    ck_assert(!histogram_next(b, &y));
}

static void record_some(struct histogram *to, int of, unsigned seed)
{
    srandom(seed);
    for (int i = 0; i < 1000; i++)
        histogram_record(to, distributions[of]());
}

START_TEST(a_sum_is_the_histogram_of_all_samples)
{
    struct histogram *all = histogram_new();
    record_some(h, _i, 1);
    record_some(other, (_i + 1) % 3, 2);
    record_some(all, _i, 1);
    record_some(all, (_i + 1) % 3, 2);
    histogram_add(h, other);
    assert_same(h, all);

    histogram_clear(other); /* an empty one adds nothing */
    histogram_add(h, other);
    assert_same(h, all);
    histogram_add(other, h);
    assert_same(other, all);
    histogram_free(all);
}
END_TEST

START_TEST(a_cleared_one_is_like_a_new_one)
{
    record_some(h, 2, 1);
    histogram_clear(h);
    record_some(h, 1, 2);
    record_some(other, 1, 2);
    assert_same(h, other);
}
END_TEST

/* The values that a report has. */
static void restore_buckets(void)
{
    struct histogram_bucket bucket = {.count = 0};
    while (histogram_next(h, &bucket))
        histogram_restore(other, bucket.upper_ns, bucket.count);
}

START_TEST(is_restored_from_its_buckets_and_summary)
{
    struct histogram_summary summary;
    record_some(h, _i, 1);
    restore_buckets();
    histogram_summarize(h, &summary);
    ck_assert(histogram_restore_summary(other, &summary));
    assert_same(h, other);
}
END_TEST

START_TEST(a_restored_bucket_of_none_changes_nothing)
{
    struct histogram_summary summary;
    histogram_restore(h, HOUR_NS, 0);
    histogram_restore(h, 10, 1);
    histogram_restore(h, 0, 0);
    histogram_summarize(h, &summary);
    ck_assert_uint_eq(summary.min_ns, 10);
    ck_assert_uint_eq(summary.max_ns, 10);
}
END_TEST

START_TEST(a_summary_of_other_buckets_is_refused)
{
    struct histogram_summary summary, wrong;
    record_some(h, 1, 1);
    restore_buckets();
    histogram_summarize(h, &summary);

    wrong = summary;
    wrong.count++;
    ck_assert(!histogram_restore_summary(other, &wrong));
    wrong = summary;
    wrong.min_ns = 0;
    ck_assert(!histogram_restore_summary(other, &wrong));
    wrong = summary;
    wrong.max_ns = HOUR_NS;
    ck_assert(!histogram_restore_summary(other, &wrong));
    ck_assert(histogram_restore_summary(other, &summary));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("histogram");
    TCase *tcase = tcase_create("histogram");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, a_quantile_needs_samples_beyond_it);
    tcase_add_test(tcase, an_empty_one_has_neither_quantiles_nor_buckets);
    tcase_add_test(tcase, no_bucket_is_wider_than_a_1024th_of_its_values);
    tcase_add_test(tcase, buckets_follow_each_other_without_a_gap);
    tcase_add_test(tcase, counts_a_longer_duration_in_the_last_bucket);
    tcase_add_loop_test(tcase, quantiles_are_those_of_the_samples_to_three_digits, 0, 3);
    tcase_add_test(tcase, mean_deviation_and_ends_are_those_of_the_samples);
    tcase_add_test(tcase, two_samples_have_a_deviation);
    tcase_add_test(tcase, a_restored_bucket_of_none_changes_nothing);
    tcase_add_loop_test(tcase, a_sum_is_the_histogram_of_all_samples, 0, 3);
    tcase_add_test(tcase, a_cleared_one_is_like_a_new_one);
    tcase_add_loop_test(tcase, is_restored_from_its_buckets_and_summary, 0, 3);
    tcase_add_test(tcase, a_summary_of_other_buckets_is_refused);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
