/* SPDX-License-Identifier: MIT */
#include "output_latency.h"

#include <jansson.h>

static const struct {
    const char *name, *key;
    double share;
} quantiles[] = {
    {"p50", "p50", 0.5}, {"p90", "p90", 0.9}, {"p99", "p99", 0.99}, {"p99.9", "p99_9", 0.999}};

enum { QUANTILES = sizeof quantiles / sizeof *quantiles };

void output_latency_print(FILE *out, const char *name, const struct histogram *h)
{
    struct histogram_summary all;
    histogram_summarize(h, &all);
    if (!all.count)
        return;
    bool spread = all.count > 1; /* one sample has none */
    fprintf(out, "%s min/avg/max%s = %.3f/%.3f/%.3f", name, spread ? "/stddev" : "",
            (double)all.min_ns / 1e6, all.mean_ns / 1e6, (double)all.max_ns / 1e6);
    if (spread)
        fprintf(out, "/%.3f", all.stddev_ns / 1e6);
    fputs(" ms\n", out);
    int known = 0;
    while (known < QUANTILES && histogram_has_quantile(h, quantiles[known].share))
        known++;
    for (int i = 0; i < known; i++)
        fprintf(out, "%s%s%s", i ? "" : name, i ? "/" : " ", quantiles[i].name);
    for (int i = 0; i < known; i++)
        fprintf(out, "%s%.3f", i ? "/" : " = ",
                (double)histogram_quantile_ns(h, quantiles[i].share) / 1e6);
    if (known)
        fputs(" ms\n", out);
}

static json_t *seconds(double ns)
{
    return json_real(ns / 1e9);
}

void output_json_add_latency(json_t *object, const char *key, const struct histogram *h)
{
    struct histogram_summary all;
    struct histogram_bucket bucket = {.count = 0};
    histogram_summarize(h, &all);
    if (!all.count)
        return;
    json_t *json = json_object(), *buckets = json_array();
    json_object_set_new(json, "count", json_integer((json_int_t)all.count));
    json_object_set_new(json, "min", seconds((double)all.min_ns));
    json_object_set_new(json, "mean", seconds(all.mean_ns));
    if (all.count > 1)
        json_object_set_new(json, "stddev", seconds(all.stddev_ns));
    for (int i = 0; i < QUANTILES; i++)
        if (histogram_has_quantile(h, quantiles[i].share))
            json_object_set_new(json, quantiles[i].key,
                                seconds((double)histogram_quantile_ns(h, quantiles[i].share)));
    json_object_set_new(json, "max", seconds((double)all.max_ns));
    while (histogram_next(h, &bucket))
        json_array_append_new(buckets, json_pack("[o, I]", seconds((double)bucket.upper_ns),
                                                 (json_int_t)bucket.count));
    json_object_set_new(json, "histogram", buckets);
    json_object_set_new(object, key, json);
}
