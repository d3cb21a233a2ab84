/* SPDX-License-Identifier: MIT */
#include "output_bench_json.h"

#include <jansson.h>
#include <stdio.h>

#include "output_json.h"
#include "output_latency.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/base/timestamp.h"

static void add_real(json_t *object, const char *key, double value)
{
    json_object_set_new(object, key, json_real(value));
}

static void add_ns(json_t *object, const char *key, uint64_t ns)
{
    add_real(object, key, (double)ns / 1e9);
}

static void add_start_at(json_t *json, const struct bench_load *load)
{
    char text[CLOCK_TEXT_BYTES];
    if (!load->start_at_us)
        return;
    timestamp_text(load->start_at_us, text);
    output_json_add_text(json, "start_at", text);
}

static json_t *load_json(const struct bench_load *load)
{
    json_t *json = json_object();
    output_json_add_text(json, "kind", load->handshakes ? "handshakes" : "messages");
    output_json_add_count(json, "connections", load->connections);
    output_json_add_count(json, "threads", load->threads);
    if (!load->handshakes) {
        output_json_add_text(json, "loop", load->rate > 0 ? "open" : "closed");
        output_json_add_count(json, "size_bytes", load->size_bytes);
        output_json_add_count(json, "pipeline", load->pipeline);
        output_json_add_text(json, "expect", expect_kind_name(load->expect));
    }
    if (load->rate > 0)
        add_real(json, "messages_per_second", load->rate);
    if (load->messages)
        output_json_add_count(json, "messages", load->messages);
    else if (load->measured_ns && (double)load->measured_ns < BENCH_ENDLESS_S * 1e9)
        add_ns(json, "time", load->measured_ns);
    if (load->omit_ns)
        add_ns(json, "omit", load->omit_ns);
    if (load->ramp_ns)
        add_ns(json, "ramp", load->ramp_ns);
    add_start_at(json, load);
    return json;
}

json_t *output_bench_json_second(const struct bench_second *second)
{
    json_t *json = json_object();
    add_real(json, "start", second->start_s);
    add_real(json, "length", second->length_s);
    if (second->omitted)
        json_object_set_new(json, "omitted", json_true());
    output_json_add_count(json, "messages", second->messages);
    output_json_add_count(json, "bytes_sent", second->sent_bytes);
    output_json_add_count(json, "bytes_received", second->received_bytes);
    output_json_add_count(json, "errors", second->errors);
    const uint64_t times[] = {second->p50_ns, second->p99_ns, second->max_ns};
    static const char *const names[] = {"p50", "p99", "max"};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        if (times[i])
            add_ns(json, names[i], times[i]);
    return json;
}

static json_t *seconds_json(const struct bench_measure *m)
{
    json_t *json = json_array();
    for (size_t i = 0; i < m->second_count; i++)
        json_array_append_new(json, output_bench_json_second(&m->seconds[i]));
    return json;
}

static json_t *failures_json(const struct bench_measure *m)
{
    json_t *json = json_object();
    for (int i = 0; i < RESULTS; i++)
        if (m->errors[i])
            output_json_add_count(json, result_word((enum result)i), m->errors[i]);
    return json;
}

static json_t *client_json(const struct bench_measure *m)
{
    json_t *json = json_object();
    add_real(json, "cpu_user", m->user_s);
    add_real(json, "cpu_system", m->system_s);
    add_real(json, "busiest_thread", m->busiest);
    json_object_set_new(json, "limited", json_boolean(bench_measure_client_limited(m)));
    return json;
}

static void add_measure(json_t *json, const struct bench_report *report)
{
    const struct bench_measure *m = &report->measure;
    if (m->begun_us)
        output_json_add_started(json, m->begun_us);
    if (report->load.start_at_us)
        add_real(json, "start_late", m->start_late_s);
    add_real(json, "duration", m->elapsed_s);
    output_json_add_count(json, "connections", m->connections);
    if (m->connections_late)
        output_json_add_count(json, "connections_late", m->connections_late);
    if (report->resumes)
        output_json_add_count(json, "resumed", m->resumed);
    if (report->load.handshakes) {
        output_json_add_count(json, "handshakes", m->messages);
        add_real(json, "handshakes_per_second", bench_measure_rate(m, m->messages));
    } else {
        output_json_add_count(json, "messages", m->messages);
        add_real(json, "messages_per_second", bench_measure_rate(m, m->messages));
        output_json_add_count(json, "bytes_sent", m->sent_bytes);
        output_json_add_count(json, "bytes_received", m->received_bytes);
        add_real(json, "bytes_sent_per_second", bench_measure_rate(m, m->sent_bytes));
        add_real(json, "bytes_received_per_second", bench_measure_rate(m, m->received_bytes));
    }
    if (m->unsent)
        output_json_add_count(json, "messages_unsent", m->unsent);
    if (bench_report_is_udp(report)) {
        output_json_add_count(json, "lost", m->lost);
        output_json_add_count(json, "duplicated", m->duplicated);
        output_json_add_count(json, "reordered", m->reordered);
        if (m->kernel_drops)
            output_json_add_count(json, "kernel_drops", m->kernel_drops);
    }
    output_json_add_latency(json, "latency", m->histograms[BENCH_LATENCY]);
    output_json_add_latency(json, "service", m->histograms[BENCH_SERVICE]);
    output_json_add_latency(json, "connect", m->histograms[BENCH_CONNECT]);
    output_json_add_latency(json, "handshake", m->histograms[BENCH_HANDSHAKE]);
    json_object_set_new(json, "failures", failures_json(m));
    json_object_set_new(json, "client", client_json(m));
    if (m->second_count)
        json_object_set_new(json, "seconds", seconds_json(m));
}

/* An endpoint that was not measured has its place in the comparison. */
static json_t *unmeasured_json(const struct bench_report *report)
{
    json_t *json = json_object();
    output_json_add_text(json, "endpoint", report->name);
    json_object_set_new(json, "unmeasured", json_true());
    return json;
}

static json_t *report_json(const struct bench_report *report)
{
    if (report->unmeasured)
        return unmeasured_json(report);
    json_t *json = output_json_new(report->options, report->session, &report->outcome);
    output_json_add_text(json, "endpoint", report->name);
    if (report->interrupted)
        json_object_set_new(json, "interrupted", json_true());
    if (report->load.connections)
        json_object_set_new(json, "load", load_json(&report->load));
    if (report->measure.elapsed_s > 0)
        add_measure(json, report);
    return json;
}

void output_bench_json(const struct bench_report *reports, size_t count,
                       const struct outcome *outcome)
{
    json_t *json;
    if (count == 1) {
        struct bench_report whole = reports[0];
        whole.outcome = *outcome; /* writing the page may have failed */
        json = report_json(&whole);
    } else {
        json_t *sides = json_array();
        for (size_t i = 0; i < count; i++)
            json_array_append_new(sides, report_json(&reports[i]));
        json = json_object();
        output_json_add_result(json, "bench", outcome);
        json_object_set_new(json, "compared", sides);
    }
    output_json_print(json, stdout);
}

static void add_us(json_t *object, const char *key, int64_t us)
{
    add_real(object, key, (double)us / 1e6);
}

static json_t *spans_json(const struct bench_times *times)
{
    json_t *json = json_array();
    for (size_t i = 0; i < times->span_count; i++) {
        const struct bench_span *span = &times->spans[i];
        char text[CLOCK_TEXT_BYTES];
        json_t *shown = json_object();
        timestamp_text(span->start_us, text);
        output_json_add_text(shown, "started", text);
        add_us(shown, "duration", span->end_us - span->start_us);
        json_array_append_new(json, shown);
    }
    return json;
}

/* What a further merge needs, with microseconds, and what is made of it. */
static void add_times(json_t *json, const struct bench_times *times)
{
    char text[CLOCK_TEXT_BYTES];
    int64_t first_us = times->spans[0].start_us;
    json_t *exact = json_object();
    output_json_add_count(exact, "clients", times->clients);
    json_object_set_new(exact, "rounded", json_boolean(times->rounded));
    add_us(exact, "last_start", times->last_start_us - first_us);
    add_us(exact, "first_end", times->first_end_us - first_us);
    json_object_set_new(exact, "spans", spans_json(times));
    json_object_set_new(json, "times", exact);
    clock_wall_text(first_us, text);
    output_json_add_text(json, "started", text);
    if (times->clients > 1)
        add_real(json, "start_spread", bench_times_spread_s(times));
}

void output_bench_json_merged(const struct bench_report *report)
{
    json_t *json = json_object();
    output_json_add_result(json, "merge", &report->outcome);
    output_json_add_count(json, "clients", report->clients);
    if (report->clients)
        output_json_add_count(json, "clients_failed", report->clients_failed);
    if (report->interrupted)
        json_object_set_new(json, "interrupted", json_true());
    if (report->transport)
        output_json_add_text(json, "transport", report->transport);
    if (report->clients && report->load.connections)
        json_object_set_new(json, "load", load_json(&report->load));
    if (report->measure.elapsed_s > 0)
        add_measure(json, report);
    else if (report->clients)
        json_object_set_new(json, "failures", failures_json(&report->measure));
    if (report->measure.elapsed_s > 0) {
        add_times(json, &report->times);
        add_real(json,
                 report->load.handshakes ? "handshakes_per_second_sum" : "messages_per_second_sum",
                 report->rates_sum);
    }
    output_json_print(json, stdout);
}
