/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/bench_measure.h"

#include <assert.h>
#include <stdlib.h>

/* In a shorter time the share of the CPU says nothing. */
#define SHORTEST_JUDGED_S 0.1

int bench_measure_init(struct bench_measure *m, struct error *err)
{
    *m = (struct bench_measure){.elapsed_s = 0};
    for (int i = 0; i < BENCH_HISTOGRAMS; i++) {
        m->histograms[i] = histogram_new();
        if (!m->histograms[i]) {
            bench_measure_done(m);
            return error_sys(err, "memory for histograms");
        }
    }
    return 0;
}

void bench_measure_done(struct bench_measure *m)
{
    for (int i = 0; i < BENCH_HISTOGRAMS; i++)
        histogram_free(m->histograms[i]);
    free(m->seconds);
    *m = (struct bench_measure){.elapsed_s = 0};
}

static void add_counts(struct bench_measure *m, const struct bench_measure *other)
{
    for (int i = 0; i < BENCH_HISTOGRAMS; i++)
        histogram_add(m->histograms[i], other->histograms[i]);
    m->connections += other->connections;
    m->connections_late += other->connections_late;
    m->resumed += other->resumed;
    m->messages += other->messages;
    m->sent_bytes += other->sent_bytes;
    m->received_bytes += other->received_bytes;
    m->unsent += other->unsent;
    m->lost += other->lost;
    m->duplicated += other->duplicated;
    m->reordered += other->reordered;
    m->kernel_drops += other->kernel_drops;
    for (int i = 0; i < RESULTS; i++)
        m->errors[i] += other->errors[i];
    m->user_s += other->user_s;
    m->system_s += other->system_s;
    if (other->busiest > m->busiest)
        m->busiest = other->busiest;
    if (other->start_late_s > m->start_late_s)
        m->start_late_s = other->start_late_s;
}

void bench_measure_add(struct bench_measure *m, const struct bench_measure *other)
{
    add_counts(m, other);
    if (other->elapsed_s > m->elapsed_s)
        m->elapsed_s = other->elapsed_s;
}

int bench_measure_append(struct bench_measure *m, const struct bench_measure *other,
                         struct error *err)
{
    const struct bench_second *last = m->second_count ? &m->seconds[m->second_count - 1] : NULL;
    double start_s = last ? last->start_s + last->length_s : 0;
    for (size_t i = 0; i < other->second_count; i++) {
        struct bench_second second = other->seconds[i];
        second.start_s += start_s;
        if (bench_measure_add_second(m, &second, err) < 0)
            return -1;
    }
    add_counts(m, other);
    m->begun_us = m->begun_us ? m->begun_us : other->begun_us;
    m->elapsed_s += other->elapsed_s;
    return 0;
}

/* The array doubles whenever its count is a power of two. */
int bench_measure_add_second(struct bench_measure *m, const struct bench_second *second,
                             struct error *err)
{
    size_t n = m->second_count;
    if ((n & (n - 1)) == 0) {
        struct bench_second *seconds = realloc(m->seconds, (n ? 2 * n : 1) * sizeof *seconds);
        if (!seconds)
            return error_sys(err, "memory for %zu seconds", n);
        m->seconds = seconds;
    }
    assert(m->seconds);
    m->seconds[m->second_count++] = *second;
    return 0;
}

double bench_measure_rate(const struct bench_measure *m, uint64_t count)
{
    return m->elapsed_s > 0 ? (double)count / m->elapsed_s : 0;
}

uint64_t bench_measure_errors(const struct bench_measure *m)
{
    uint64_t sum = 0;
    for (int i = 0; i < RESULTS; i++)
        sum += m->errors[i];
    return sum;
}

bool bench_measure_client_limited(const struct bench_measure *m)
{
    return m->busiest >= 0.9 && m->elapsed_s >= SHORTEST_JUDGED_S;
}
