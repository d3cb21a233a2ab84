/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <string.h>

#include "summary_internal.h"
#include "tlsecho/base/timestamp.h"
#include "tlsecho/client/result.h"

#define COUNT_MAX 9007199254740991 /* 2^53 - 1: the largest exact integer in a double */
#define LOAD_MAX  4294967295       /* 2^32 - 1 */
#define TIME_MAX                                                                                   \
    250000000000         /* seconds since 1970: the year 9892, which leaves room for durations */
#define RATE_MAX    1e25 /* SUMMARIES_MAX * COUNT_MAX / SECONDS_MIN */
#define SECONDS_MIN 1e-6 /* for finite rates */
#define SECONDS_MAX 1e9  /* the maximum of the options */
#define ROUNDED     1e-6 /* relative error of decimal places */

enum kind { COUNT, NUMBER, WORD, TIME, TRUTH, OBJECT };

/* The type and range of a field. Fields of objects follow their object. */
struct field {
    const char *object, *name; /* object: NULL = the summary itself */
    enum kind kind;
    double max;               /* of COUNT and NUMBER */
    const char *const *words; /* of WORD, up to NULL */
};

static const char *const transports[] = {"tcp", "tls", "unix", "udp", "dtls", NULL};
static const char *const kinds[] = {"messages", "handshakes", NULL};
static const char *const loops[] = {"open", "closed", NULL};
static const char *const expectations[] = {"echo", "upper", "none", "hello", NULL};

static const struct field fields[] = {
    {NULL, "exit", COUNT, RESULTS - 1, NULL},
    {NULL, "started", TIME, 0, NULL},
    {NULL, "start_late", NUMBER, SECONDS_MAX, NULL},
    {NULL, "start_spread", NUMBER, SECONDS_MAX, NULL},
    {NULL, "connections_late", COUNT, COUNT_MAX, NULL},
    {NULL, "duration", NUMBER, SECONDS_MAX, NULL},
    {NULL, "interrupted", TRUTH, 0, NULL},
    {NULL, "transport", WORD, 0, transports},
    {NULL, "clients", COUNT, COUNT_MAX, NULL},
    {NULL, "clients_failed", COUNT, COUNT_MAX, NULL},
    {NULL, "connections", COUNT, COUNT_MAX, NULL},
    {NULL, "resumed", COUNT, COUNT_MAX, NULL},
    {NULL, "messages", COUNT, COUNT_MAX, NULL},
    {NULL, "messages_unsent", COUNT, COUNT_MAX, NULL},
    {NULL, "lost", COUNT, COUNT_MAX, NULL},
    {NULL, "duplicated", COUNT, COUNT_MAX, NULL},
    {NULL, "reordered", COUNT, COUNT_MAX, NULL},
    {NULL, "kernel_drops", COUNT, COUNT_MAX, NULL},
    {NULL, "handshakes", COUNT, COUNT_MAX, NULL},
    {NULL, "bytes_sent", COUNT, COUNT_MAX, NULL},
    {NULL, "bytes_received", COUNT, COUNT_MAX, NULL},
    {NULL, "messages_per_second_sum", NUMBER, RATE_MAX, NULL},
    {NULL, "handshakes_per_second_sum", NUMBER, RATE_MAX, NULL},
    {NULL, "times", OBJECT, 0, NULL},
    {"times", "clients", COUNT, COUNT_MAX, NULL},
    {"times", "rounded", TRUTH, 0, NULL},
    {"times", "last_start", NUMBER, SECONDS_MAX, NULL},
    {"times", "first_end", NUMBER, SECONDS_MAX, NULL},
    {NULL, "load", OBJECT, 0, NULL},
    {"load", "kind", WORD, 0, kinds},
    {"load", "loop", WORD, 0, loops},
    {"load", "expect", WORD, 0, expectations},
    {"load", "connections", COUNT, LOAD_MAX, NULL},
    {"load", "threads", COUNT, LOAD_MAX, NULL},
    {"load", "pipeline", COUNT, LOAD_MAX, NULL},
    {"load", "size_bytes", COUNT, COUNT_MAX, NULL},
    {"load", "messages", COUNT, COUNT_MAX, NULL},
    {"load", "messages_per_second", NUMBER, COUNT_MAX, NULL},
    {"load", "time", NUMBER, SECONDS_MAX, NULL},
    {"load", "omit", NUMBER, SECONDS_MAX, NULL},
    {"load", "ramp", NUMBER, SECONDS_MAX, NULL},
    {"load", "start_at", TIME, 0, NULL},
    {NULL, "client", OBJECT, 0, NULL},
    {"client", "cpu_user", NUMBER, COUNT_MAX, NULL},
    {"client", "cpu_system", NUMBER, COUNT_MAX, NULL},
    {"client", "busiest_thread", NUMBER, 2, NULL},
};

static const char *const histograms[] = {"latency", "service", "connect", "handshake"};

static bool is_number(const json_t *value, double max)
{
    double number = json_number_value(value);
    return json_is_number(value) && number >= 0 && number <= max;
}

static bool is_count(const json_t *value, double max)
{
    return json_is_integer(value) && is_number(value, max);
}

static bool is_one_of(const json_t *value, const char *const *words)
{
    const char *text = json_string_value(value);
    while (text && *words && strcmp(*words, text) != 0)
        words++;
    return text && *words;
}

static bool is_time(const json_t *value)
{
    struct error ignored;
    int64_t us;
    return json_is_string(value) && timestamp_parse(json_string_value(value), &us, &ignored) == 0 &&
           us >= 0 && us / 1000000 <= TIME_MAX;
}

static bool fits(const json_t *value, const struct field *field)
{
    switch (field->kind) {
    case COUNT:
        return is_count(value, field->max);
    case NUMBER:
        return is_number(value, field->max);
    case WORD:
        return is_one_of(value, field->words);
    case TIME:
        return is_time(value);
    case TRUTH:
        return json_is_boolean(value);
    case OBJECT:
        break;
    }
    return json_is_object(value);
}

static int check_field(const json_t *summary, const struct field *field, struct error *err)
{
    static const char *const wanted[] = {
        [COUNT] = "a whole number", [NUMBER] = "a number", [WORD] = "a word that is allowed",
        [TIME] = "a time",          [TRUTH] = "a boolean", [OBJECT] = "an object"};
    const json_t *object = field->object ? json_object_get(summary, field->object) : summary;
    const json_t *value = json_object_get(object, field->name);
    char limits[64] = "";
    if (!value || fits(value, field))
        return 0;
    if (field->kind == COUNT || field->kind == NUMBER)
        snprintf(limits, sizeof limits, " from 0 to %.0f", field->max);
    return error_set(err, ERROR_INPUT, "%s%s%s is not %s%s", field->object ? field->object : "",
                     field->object ? "." : "", field->name, wanted[field->kind], limits);
}

/* Buckets of [seconds, count] with the sum count. */
static int check_buckets(const json_t *buckets, const char *name, json_int_t count,
                         struct error *err)
{
    json_int_t sum = 0;
    if (!json_is_array(buckets))
        return error_set(err, ERROR_INPUT, "%s.histogram is not an array", name);
    for (size_t i = 0; i < json_array_size(buckets); i++) {
        const json_t *bucket = json_array_get(buckets, i), *some = json_array_get(bucket, 1);
        if (json_array_size(bucket) != 2 || !is_number(json_array_get(bucket, 0), SECONDS_MAX) ||
            !is_count(some, COUNT_MAX) || !json_integer_value(some))
            return error_set(err, ERROR_INPUT, "%s.histogram[%zu] is not [seconds, count]", name,
                             i);
        sum += json_integer_value(some);
        if (sum > count)
            break;
    }
    return sum == count
               ? 0
               : error_set(err, ERROR_INPUT, "%s.count is not the sum of its histogram", name);
}

/* A single sample has no standard deviation. */
static int check_times(const json_t *json, const char *name, struct error *err)
{
    enum { MIN, MEAN, STDDEV, MAX, TIMES };
    static const char *const names[] = {"min", "mean", "stddev", "max"};
    double s[TIMES] = {0};
    for (int i = 0; i < TIMES; i++) {
        const json_t *value = json_object_get(json, names[i]);
        if (i == STDDEV && !value)
            continue;
        if (!is_number(value, SECONDS_MAX))
            return error_set(err, ERROR_INPUT, "%s.%s is not a number from 0 to %.0f", name,
                             names[i], SECONDS_MAX);
        s[i] = json_number_value(value);
    }
    double rounded = s[MAX] * ROUNDED;
    if (s[MEAN] < s[MIN] - rounded || s[MEAN] > s[MAX] + rounded ||
        s[STDDEV] > (s[MAX] - s[MIN]) / 2 + rounded)
        return error_set(err, ERROR_INPUT, "%s: mean and stddev are impossible for its min and max",
                         name);
    return 0;
}

static int check_histogram(const json_t *summary, const char *name, struct error *err)
{
    const json_t *json = json_object_get(summary, name), *count = json_object_get(json, "count");
    if (!json)
        return 0;
    if (!json_is_object(json))
        return error_set(err, ERROR_INPUT, "%s is not an object", name);
    if (!is_count(count, COUNT_MAX))
        return error_set(err, ERROR_INPUT, "%s.count is not a whole number from 0 to %.0f", name,
                         (double)COUNT_MAX);
    if (check_times(json, name, err) < 0)
        return -1;
    return check_buckets(json_object_get(json, "histogram"), name, json_integer_value(count), err);
}

static bool is_result(const char *word)
{
    for (int i = 0; i < RESULTS; i++)
        if (strcmp(result_word((enum result)i), word) == 0)
            return true;
    return false;
}

static int check_failures(json_t *failures, struct error *err)
{
    const char *word;
    json_t *count;
    json_int_t sum = 0;
    if (failures && !json_is_object(failures))
        return error_set(err, ERROR_INPUT, "failures is not an object");
    json_object_foreach(failures, word, count)
    {
        if (!is_result(word))
            return error_set(err, ERROR_INPUT, "failures has a word that is not a result");
        if (!is_count(count, COUNT_MAX))
            return error_set(err, ERROR_INPUT, "failures.%s is not a whole number", word);
        sum += json_integer_value(count);
    }
    return sum <= COUNT_MAX ? 0 : error_set(err, ERROR_INPUT, "failures has too large a sum");
}

/* Only a sum has times, and one of runs that measured nothing has none. */
static int check_spans(const json_t *summary, struct error *err)
{
    const json_t *times = json_object_get(summary, "times");
    const json_t *spans = json_object_get(times, "spans");
    if (!times)
        return 0;
    if (!json_array_size(spans))
        return error_set(err, ERROR_INPUT, "times.spans is not an array of times");
    for (size_t i = 0; i < json_array_size(spans); i++) {
        const json_t *span = json_array_get(spans, i), *s = json_object_get(span, "duration");
        if (!is_time(json_object_get(span, "started")) || !is_number(s, SECONDS_MAX) ||
            json_number_value(s) < SECONDS_MIN)
            return error_set(err, ERROR_INPUT, "times.spans[%zu] is not a start and a duration", i);
    }
    return 0;
}

int summary_check_form(const json_t *summary, struct error *err)
{
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (check_field(summary, &fields[i], err) < 0)
            return -1;
    for (size_t i = 0; i < sizeof histograms / sizeof *histograms; i++)
        if (check_histogram(summary, histograms[i], err) < 0)
            return -1;
    double duration = json_number_value(json_object_get(summary, "duration"));
    if (duration > 0 && duration < SECONDS_MIN)
        return error_set(err, ERROR_INPUT, "duration is shorter than a microsecond");
    if (check_spans(summary, err) < 0)
        return -1;
    const char *word = json_string_value(json_object_get(summary, "result"));
    json_int_t status = json_integer_value(json_object_get(summary, "exit"));
    if (!word || strcmp(word, result_word((enum result)status)) != 0)
        return error_set(err, ERROR_INPUT, "result is not the word for exit");
    return check_failures(json_object_get(summary, "failures"), err);
}
