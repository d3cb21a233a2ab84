/* SPDX-License-Identifier: MIT */
#include "tlsecho/summary.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_BYTES = 64 << 20 };

#define NOT_A_SUMMARY "it holds no summary of --bench --json"

/* The last line that is not empty, to be freed; NULL with err. */
static char *last_line(const char *path, struct error *err)
{
    FILE *file = fopen(path, "re");
    char *line = NULL, *last = NULL;
    size_t size = 0, last_size = 0;
    ssize_t n;
    if (!file) {
        error_sys(err, "read it");
        err->kind = ERROR_INPUT;
        return NULL;
    }
    while ((n = getline(&line, &size, file)) > 0 && n < LINE_MAX_BYTES) {
        if (line[strspn(line, " \t\r\n")] == '\0')
            continue;
        char *kept = last;
        size_t kept_size = last_size;
        last = line, last_size = size;
        line = kept, size = kept_size;
    }
    free(line);
    fclose(file);
    if (!last)
        error_set(err, ERROR_INPUT, NOT_A_SUMMARY);
    return last;
}

static uint64_t ns_of(double seconds)
{
    double ns = round(seconds * 1e9);
    return ns > 0 && ns < 9e18 ? (uint64_t)ns : 0;
}

static uint64_t count_of(const json_t *object, const char *key)
{
    json_int_t value = json_integer_value(json_object_get(object, key));
    return value > 0 ? (uint64_t)value : 0;
}

static double real_of(const json_t *object, const char *key)
{
    double value = json_number_value(json_object_get(object, key));
    return value > 0 ? value : 0;
}

static int restore_buckets(const json_t *json, struct histogram *h, const char *key,
                           struct error *err)
{
    size_t i;
    json_t *bucket;
    json_array_foreach(json, i, bucket)
    {
        double upper_s = json_number_value(json_array_get(bucket, 0));
        json_int_t count = json_integer_value(json_array_get(bucket, 1));
        if (upper_s < 0 || count <= 0)
            return error_set(err, ERROR_INPUT, "%s.histogram[%zu] is no [seconds, count]", key, i);
        histogram_restore(h, ns_of(upper_s), (uint64_t)count);
    }
    return 0;
}

/* Absent is empty. */
static int read_histogram(const json_t *summary, const char *key, struct histogram *h,
                          struct error *err)
{
    const json_t *json = json_object_get(summary, key);
    if (!json)
        return 0;
    if (restore_buckets(json_object_get(json, "histogram"), h, key, err) < 0)
        return -1;
    struct histogram_summary all = {
        .count = count_of(json, "count"),
        .min_ns = ns_of(real_of(json, "min")),
        .max_ns = ns_of(real_of(json, "max")),
        .mean_ns = real_of(json, "mean") * 1e9,
        .stddev_ns = real_of(json, "stddev") * 1e9,
    };
    if (!histogram_restore_summary(h, &all))
        return error_set(err, ERROR_INPUT, "%s does not fit its histogram", key);
    return 0;
}

static int read_histograms(const json_t *summary, struct bench_measure *m, struct error *err)
{
    static const char *const keys[BENCH_HISTOGRAMS] = {[BENCH_LATENCY] = "latency",
                                                       [BENCH_SERVICE] = "service",
                                                       [BENCH_CONNECT] = "connect",
                                                       [BENCH_HANDSHAKE] = "handshake"};
    for (int i = 0; i < BENCH_HISTOGRAMS; i++)
        if (read_histogram(summary, keys[i], m->histograms[i], err) < 0)
            return -1;
    return 0;
}

static void read_counts(const json_t *summary, struct bench_measure *m)
{
    const json_t *client = json_object_get(summary, "client");
    const json_t *failures = json_object_get(summary, "failures");
    m->elapsed_s = real_of(summary, "duration");
    m->connections = count_of(summary, "connections");
    m->resumed = count_of(summary, "resumed");
    m->messages = count_of(summary, "messages") + count_of(summary, "handshakes");
    m->sent_bytes = count_of(summary, "bytes_sent");
    m->received_bytes = count_of(summary, "bytes_received");
    m->unsent = count_of(summary, "messages_unsent");
    m->user_s = real_of(client, "cpu_user");
    m->system_s = real_of(client, "cpu_system");
    m->busiest = real_of(client, "busiest_thread");
    for (int i = 0; i < RESULTS; i++)
        m->errors[i] = count_of(failures, result_word((enum result)i));
}

static void read_load(const json_t *json, struct bench_load *load)
{
    const char *kind = json_string_value(json_object_get(json, "kind"));
    *load = (struct bench_load){
        .handshakes = kind && strcmp(kind, "handshakes") == 0,
        .connections = (uint32_t)count_of(json, "connections"),
        .threads = (uint32_t)count_of(json, "threads"),
        .pipeline = (uint32_t)count_of(json, "pipeline"),
        .size_bytes = count_of(json, "size_bytes"),
        .messages = count_of(json, "messages"),
        .measured_ns = ns_of(real_of(json, "time")),
        .omit_ns = ns_of(real_of(json, "omit")),
        .ramp_ns = ns_of(real_of(json, "ramp")),
        .rate = real_of(json, "messages_per_second"),
    };
}

static int read_summary(const json_t *summary, struct bench_load *load,
                        struct bench_measure *measure, enum result *result, struct error *err)
{
    const json_t *json = json_object_get(summary, "load");
    uint64_t status = count_of(summary, "exit");
    if (json_object_get(summary, "compared"))
        return error_set(err, ERROR_INPUT, "it compares two far ends: give those of one each");
    if (count_of(summary, "schema") != 1 || !json || status >= RESULTS)
        return error_set(err, ERROR_INPUT, NOT_A_SUMMARY);

    struct bench_measure m;
    if (bench_measure_init(&m, err) < 0)
        return -1;
    read_load(json, load);
    read_counts(summary, &m);
    int read = read_histograms(summary, &m, err);
    if (read == 0) {
        bench_measure_add(measure, &m);
        *result = (enum result)status;
    }
    bench_measure_done(&m);
    return read;
}

int summary_read(const char *path, struct bench_load *load, struct bench_measure *measure,
                 enum result *result, struct error *err)
{
    char *line = last_line(path, err);
    if (!line)
        return error_prefix(err, "%s", path);
    json_t *summary = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    int read = json_is_object(summary) ? read_summary(summary, load, measure, result, err)
                                       : error_set(err, ERROR_INPUT, NOT_A_SUMMARY);
    json_decref(summary);
    free(line);
    return read < 0 ? error_prefix(err, "%s", path) : 0;
}
