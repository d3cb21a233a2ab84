/* SPDX-License-Identifier: MIT */
#include "summary.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "summary_internal.h"
#include "tlsecho/base/timestamp.h"
#include "tlsecho/client/json_memory.h"

#define NOT_A_SUMMARY "not a summary: give what --bench --json prints on standard output, alone"

static const char *const histogram_keys[BENCH_HISTOGRAMS] = {[BENCH_LATENCY] = "latency",
                                                             [BENCH_SERVICE] = "service",
                                                             [BENCH_CONNECT] = "connect",
                                                             [BENCH_HANDSHAKE] = "handshake"};

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

static void restore_buckets(const json_t *json, struct histogram *h)
{
    size_t i;
    json_t *bucket;
    json_array_foreach(json, i, bucket)
    {
        double upper_s = json_number_value(json_array_get(bucket, 0));
        json_int_t count = json_integer_value(json_array_get(bucket, 1));
        histogram_restore(h, ns_of(upper_s), (uint64_t)count);
    }
}

/* An absent histogram is empty. */
static int read_histogram(const json_t *summary, const char *key, struct histogram *h,
                          struct error *err)
{
    json_t *json = json_object_get(summary, key);
    if (!json)
        return 0;
    restore_buckets(json_object_get(json, "histogram"), h);
    struct histogram_summary all = {
        .count = count_of(json, "count"),
        .min_ns = ns_of(real_of(json, "min")),
        .max_ns = ns_of(real_of(json, "max")),
        .mean_ns = real_of(json, "mean") * 1e9,
        .stddev_ns = real_of(json, "stddev") * 1e9,
    };
    if (!histogram_restore_summary(h, &all))
        return error_set(err, ERROR_INPUT, "%s does not fit its histogram", key);
    return summary_check_statistics(json, key, h, err);
}

static int read_histograms(const json_t *summary, struct bench_measure *m, struct error *err)
{
    for (int i = 0; i < BENCH_HISTOGRAMS; i++)
        if (read_histogram(summary, histogram_keys[i], m->histograms[i], err) < 0)
            return -1;
    return 0;
}

static void read_counts(const json_t *summary, struct bench_measure *m)
{
    const json_t *client = json_object_get(summary, "client");
    const json_t *failures = json_object_get(summary, "failures");
    bool measured = json_object_get(summary, "messages") || json_object_get(summary, "handshakes");
    m->elapsed_s =
        measured ? real_of(summary, "duration") : 0; /* else duration is that of the attempt */
    m->connections = count_of(summary, "connections");
    m->connections_late = count_of(summary, "connections_late");
    m->start_late_s = real_of(summary, "start_late");
    m->resumed = count_of(summary, "resumed");
    m->messages = count_of(summary, "messages") + count_of(summary, "handshakes");
    m->sent_bytes = count_of(summary, "bytes_sent");
    m->received_bytes = count_of(summary, "bytes_received");
    m->unsent = count_of(summary, "messages_unsent");
    m->lost = count_of(summary, "lost");
    m->duplicated = count_of(summary, "duplicated");
    m->reordered = count_of(summary, "reordered");
    m->kernel_drops = count_of(summary, "kernel_drops");
    m->user_s = real_of(client, "cpu_user");
    m->system_s = real_of(client, "cpu_system");
    m->busiest = fmin(real_of(client, "busiest_thread"), 1); /* older versions wrote more */
    for (int i = 0; i < RESULTS; i++)
        m->errors[i] = count_of(failures, result_word((enum result)i));
}

/* Microseconds since 1970; 0 = unknown. */
static int64_t time_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    struct error ignored;
    int64_t us = 0;
    return text && timestamp_parse(text, &us, &ignored) == 0 ? us : 0;
}

static void read_load(const json_t *json, struct bench_load *load)
{
    const char *kind = json_string_value(json_object_get(json, "kind"));
    const char *expect = json_string_value(json_object_get(json, "expect"));
    struct error ignored;
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
        .start_at_us = time_of(json, "start_at"),
        .rate = real_of(json, "messages_per_second"),
    };
    if (expect)
        expect_kind_find(expect, &load->expect, &ignored);
}

static void keep_term(struct summary *s, enum summary_term term, const char *text)
{
    if (text)
        snprintf(s->terms[term], SUMMARY_TERM_BYTES, "%s", text);
}

static void keep_count(struct summary *s, enum summary_term term, const json_t *json)
{
    if (json)
        snprintf(s->terms[term], SUMMARY_TERM_BYTES, "%lld", (long long)json_integer_value(json));
}

static void read_terms(const json_t *json, struct summary *s)
{
    const json_t *load = json_object_get(json, "load");
    keep_term(s, SUMMARY_TRANSPORT, json_string_value(json_object_get(json, "transport")));
    if (!load)
        return;
    keep_term(s, SUMMARY_KIND, json_string_value(json_object_get(load, "kind")));
    keep_term(s, SUMMARY_LOOP, json_string_value(json_object_get(load, "loop")));
    keep_term(s, SUMMARY_EXPECT, json_string_value(json_object_get(load, "expect")));
    keep_count(s, SUMMARY_SIZE, json_object_get(load, "size_bytes"));
    keep_count(s, SUMMARY_PIPELINE, json_object_get(load, "pipeline"));
    if (s->load.handshakes && s->measure.elapsed_s > 0)
        keep_term(s, SUMMARY_SESSIONS, json_object_get(json, "resumed") ? "resumed" : "full");
}

static int64_t us_of(const json_t *object, const char *key)
{
    return (int64_t)(real_of(object, key) * 1e6 + 0.5);
}

/* The fields about --start-at have microseconds. */
static int read_run(const json_t *json, struct summary *s, struct error *err)
{
    bool exact = s->load.start_at_us && json_object_get(json, "start_late");
    int64_t start_us =
        exact ? s->load.start_at_us + (int64_t)(s->load.omit_ns / 1000) + us_of(json, "start_late")
              : time_of(json, "started");
    struct bench_span span = {start_us, start_us + us_of(json, "duration")};
    struct bench_times run = {.clients = 1,
                              .rounded = !exact,
                              .last_start_us = span.start_us,
                              .first_end_us = span.end_us,
                              .spans = &span,
                              .span_count = 1};
    if (!json_object_get(json, "started"))
        return error_set(err, ERROR_INPUT, "started is missing");
    s->rates_sum = bench_measure_rate(&s->measure, s->measure.messages);
    return bench_times_add(&s->times, &run, err);
}

/* last_start and first_end count from the first start. */
static int read_spans(const json_t *times, struct bench_times *ret, struct error *err)
{
    int64_t first_us = INT64_MAX;
    const json_t *spans = json_object_get(times, "spans");
    ret->spans = calloc(json_array_size(spans), sizeof *ret->spans);
    if (!ret->spans)
        return error_sys(err, "memory for the times");
    ret->span_count = json_array_size(spans);
    for (size_t i = 0; i < ret->span_count; i++) {
        const json_t *span = json_array_get(spans, i);
        int64_t start_us = time_of(span, "started");
        ret->spans[i] = (struct bench_span){start_us, start_us + us_of(span, "duration")};
        first_us = start_us < first_us ? start_us : first_us;
    }
    ret->clients = count_of(times, "clients");
    ret->rounded = json_is_true(json_object_get(times, "rounded"));
    ret->last_start_us = first_us + us_of(times, "last_start");
    ret->first_end_us = first_us + us_of(times, "first_end");
    return 0;
}

/* A sum has the rates of its clients, each in its own time. */
static int read_sum(const json_t *json, struct summary *s, struct error *err)
{
    const char *rate = s->load.handshakes ? "handshakes_per_second_sum" : "messages_per_second_sum";
    const char *const needed[] = {"times", rate};
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (!json_object_get(json, needed[i]))
            return error_set(err, ERROR_INPUT, "%s is missing: merge its files again", needed[i]);
    s->rates_sum = real_of(json, rate);
    return read_spans(json_object_get(json, "times"), &s->times, err);
}

/* Of what was measured. */
static int read_times(const json_t *json, struct summary *s, struct error *err)
{
    if (s->measure.elapsed_s <= 0)
        return 0;
    return count_of(json, "clients") ? read_sum(json, s, err) : read_run(json, s, err);
}

/* A summary has one client, a sum several. A failed client without a counted failure counts as one.
 */
static int read_outcome(const json_t *json, struct summary *s, struct error *err)
{
    uint64_t clients = count_of(json, "clients"), status = count_of(json, "exit");
    const char *phase = json_string_value(json_object_get(json_object_get(json, "error"), "phase"));
    s->result = (enum result)status;
    s->phase = phase ? phase_find(phase) : PHASES;
    if (s->result != RESULT_OK && s->phase == PHASES)
        return error_set(err, ERROR_INPUT, NOT_A_SUMMARY);
    s->interrupted = json_is_true(json_object_get(json, "interrupted"));
    s->clients = clients ? clients : 1;
    s->failed = clients ? count_of(json, "clients_failed") : s->result != RESULT_OK;
    s->resumes = json_object_get(json, "resumed");
    if (s->result == RESULT_OK && s->measure.elapsed_s <= 0)
        return error_set(err, ERROR_INPUT, "the result is ok, but duration is 0");
    if (s->result != RESULT_OK && !bench_measure_errors(&s->measure))
        s->measure.errors[s->result]++;
    return 0;
}

static int read_summary(const json_t *json, struct summary *s, struct error *err)
{
    const char *mode = json_string_value(json_object_get(json, "mode"));
    if (json_object_get(json, "compared"))
        return error_set(err, ERROR_INPUT,
                         "it compares two servers: give the summaries of one each");
    if (count_of(json, "schema") != 1 || !mode ||
        (strcmp(mode, "bench") != 0 && strcmp(mode, "merge") != 0))
        return error_set(err, ERROR_INPUT, NOT_A_SUMMARY);
    if (summary_check_form(json, err) < 0 || summary_check_agreement(json, err) < 0)
        return -1;
    read_load(json_object_get(json, "load"), &s->load);
    read_counts(json, &s->measure);
    if (read_histograms(json, &s->measure, err) < 0 || read_outcome(json, s, err) < 0 ||
        read_times(json, s, err) < 0)
        return -1;
    read_terms(json, s);
    return 0;
}

/* FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/ */
static int hash(const char *text, size_t n, void *arg)
{
    uint64_t *digest = arg;
    for (size_t i = 0; i < n; i++)
        *digest = (*digest ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
    return 0;
}

/* The order of the fields does not matter. Removes what is long, and has been read: the other
 * fields tell runs apart. */
static uint64_t take_digest(json_t *json)
{
    uint64_t digest = UINT64_C(0xcbf29ce484222325);
    for (int i = 0; i < BENCH_HISTOGRAMS; i++)
        json_object_del(json_object_get(json, histogram_keys[i]), "histogram");
    json_object_del(json, "seconds");
    json_dump_callback(json, hash, &digest, JSON_SORT_KEYS | JSON_COMPACT);
    return digest;
}

static int add_summary(json_t *json, const struct summary *place, const struct summary_adder *adder,
                       struct error *err)
{
    struct summary s = *place;
    if (bench_measure_init(&s.measure, err) < 0)
        return error_prefix(err, "%s", s.path);
    int added = read_summary(json, &s, err);
    s.digest = take_digest(json);
    added = json_memory_check(added, err);
    added = added < 0 ? error_prefix(err, "%s", s.path) : adder->add(adder->arg, &s, err);
    bench_times_done(&s.times);
    bench_measure_done(&s.measure);
    return added;
}

/* A line of --bench -v about a second. */
static bool is_second(const json_t *json)
{
    return json_is_object(json) && !json_object_get(json, "schema") &&
           json_object_get(json, "start") && json_object_get(json, "length");
}

static bool has_more(FILE *file)
{
    int c;
    do
        c = getc(file);
    while (c == ' ' || c == '\t' || c == '\r' || c == '\n');
    return c != EOF && ungetc(c, file) != EOF;
}

static int refuse(const char *path, struct error *err)
{
    error_set(err, ERROR_INPUT, "%s: " NOT_A_SUMMARY, path);
    return json_memory_check(-1, err);
}

static int fail_to_read(const char *path, struct error *err)
{
    error_sys(err, "%s: read", path);
    err->kind = ERROR_INPUT;
    return -1;
}

/* The next object, or NULL. */
static json_t *load_object(FILE *file, const char *path, struct error *err)
{
    json_error_t why;
    json_memory_ran_out(); /* for something else */
    json_t *json = json_loadf(file, JSON_REJECT_DUPLICATES | JSON_DISABLE_EOF_CHECK, &why);
    if (json_is_object(json) && json_memory_check(0, err) == 0)
        return json;
    if (!json_is_object(json))
        refuse(path, err);
    if (!json && json_error_code(&why) == json_error_numeric_overflow)
        error_set(err, ERROR_INPUT,
                  "%s: the number that ends in line %d, column %d is none that --bench --json "
                  "prints",
                  path, why.line, why.column);
    json_decref(json);
    return NULL;
}

/* A document is freed before the next is read: those of many clients may be large. */
static int read_objects(FILE *file, const char *path, const struct summary_adder *adder,
                        struct error *err)
{
    struct summary place = {.path = path};
    int read = 0;
    while (read == 0 && has_more(file)) {
        json_t *json = load_object(file, path, err);
        if (!json) {
            read = -1;
        } else if (!is_second(json)) {
            place.number++;
            read = add_summary(json, &place, adder, err);
        }
        json_decref(json);
    }
    if (ferror(file))
        return fail_to_read(path, err);
    return read == 0 && !place.number ? refuse(path, err) : read;
}

int summaries_read(const char *path, const struct summary_adder *adder, struct error *err)
{
    bool is_input = strcmp(path, "-") == 0;
    FILE *file = is_input ? stdin : fopen(path, "re");
    if (!file)
        return fail_to_read(path, err);
    int read = read_objects(file, path, adder, err);
    if (!is_input)
        fclose(file);
    return read;
}

const char *summary_term_name(enum summary_term term)
{
    static const char *const names[SUMMARY_TERMS] = {
        [SUMMARY_KIND] = "kind of load", [SUMMARY_TRANSPORT] = "transport",
        [SUMMARY_LOOP] = "loop",         [SUMMARY_SIZE] = "message size in bytes",
        [SUMMARY_PIPELINE] = "pipeline", [SUMMARY_EXPECT] = "--expect",
        [SUMMARY_SESSIONS] = "handshake"};
    return names[term];
}
