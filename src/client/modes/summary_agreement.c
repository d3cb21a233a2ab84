/* SPDX-License-Identifier: MIT */
/* Whether the fields of a summary, each of which has been checked, can come from one run. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "summary_internal.h"
#include "tlsecho/base/histogram.h"

#define ROUNDED 1e-6 /* relative error of decimal places */

/* What is counted within something else. */
static const struct {
    const char *object, *part; /* object: NULL = the summary itself */
    const char *whole;
} parts[] = {
    {NULL, "clients_failed", "clients"},   {"times", "clients", "clients"},
    {NULL, "resumed", "connections"},      {"connect", "count", "connections"},
    {"handshake", "count", "connections"}, {"latency", "count", "messages"},
    {"latency", "count", "handshakes"},    {"service", "count", "messages"},
};

static const char *const rates[][2] = {{"messages_per_second", "messages"},
                                       {"handshakes_per_second", "handshakes"},
                                       {"bytes_sent_per_second", "bytes_sent"},
                                       {"bytes_received_per_second", "bytes_received"}};

static int check_parts(const json_t *summary, struct error *err)
{
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const char *object = parts[i].object;
        const json_t *place = object ? json_object_get(summary, object) : summary;
        const json_t *part = json_object_get(place, parts[i].part);
        const json_t *whole = json_object_get(summary, parts[i].whole);
        if (part && whole && json_integer_value(part) > json_integer_value(whole))
            return error_set(err, ERROR_INPUT, "%s%s%s is more than %s", object ? object : "",
                             object ? "." : "", parts[i].part, parts[i].whole);
    }
    return 0;
}

static int check_rates(const json_t *summary, struct error *err)
{
    double duration_s = json_number_value(json_object_get(summary, "duration"));
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        const json_t *rate = json_object_get(summary, rates[i][0]);
        double count = json_number_value(json_object_get(summary, rates[i][1]));
        double difference = fabs(json_number_value(rate) * duration_s - count);
        if (rate && !(json_is_number(rate) && difference <= ROUNDED * count))
            return error_set(err, ERROR_INPUT, "%s is not %s / duration", rates[i][0], rates[i][1]);
    }
    return 0;
}

int summary_check_agreement(const json_t *summary, struct error *err)
{
    return check_parts(summary, err) < 0 ? -1 : check_rates(summary, err);
}

/* 0.999 of "p99_9"; 0: it is no quantile. */
static double share_of(const char *key)
{
    char digits[16] = "0.", *end = digits + strlen(digits);
    if (*key != 'p' || strlen(key) < sizeof "p50" - 1 || strlen(key) >= sizeof digits - 2)
        return 0;
    for (key++; *key; key++)
        if (*key != '_')
            *end++ = *key;
    return digits[strspn(digits, "0123456789.")] ? 0 : strtod(digits, NULL);
}

static int check_quantiles(json_t *json, const char *name, const struct histogram *h,
                           struct error *err)
{
    const char *key;
    json_t *value;
    json_object_foreach(json, key, value)
    {
        double share = share_of(key), s = (double)histogram_quantile_ns(h, share) / 1e9;
        if (share > 0 &&
            !(json_is_number(value) && fabs(json_number_value(value) - s) <= ROUNDED * s))
            return error_set(err, ERROR_INPUT, "%s.%s is not that of its histogram", name, key);
    }
    return 0;
}

/* Each sample lies within its bucket; the last one is open. */
static int check_mean(const char *name, const struct histogram *h, struct error *err)
{
    struct histogram_summary all;
    struct histogram_bucket bucket = {.count = 0};
    double low_ns = 0, high_ns = 0;
    histogram_summarize(h, &all);
    while (histogram_next(h, &bucket)) {
        low_ns += (double)bucket.lower_ns * (double)bucket.count;
        high_ns += (double)bucket.upper_ns * (double)bucket.count;
    }
    if (all.max_ns > bucket.upper_ns)
        high_ns += (double)(all.max_ns - bucket.upper_ns) * (double)bucket.count;
    double sum_ns = all.mean_ns * (double)all.count;
    if (sum_ns < low_ns * (1 - ROUNDED) || sum_ns > high_ns * (1 + ROUNDED))
        return error_set(err, ERROR_INPUT, "%s.mean is not that of its histogram", name);
    return 0;
}

int summary_check_statistics(json_t *json, const char *name, const struct histogram *h,
                             struct error *err)
{
    return check_quantiles(json, name, h, err) < 0 ? -1 : check_mean(name, h, err);
}
