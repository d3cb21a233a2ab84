/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#include "output_bench_json.h"
#include "output_json.h"
#include "tlsecho/client/output.h"
#include "tlsecho/client/output_bench.h"
#include "tlsecho/client/output_units.h"

#define ERASE "\r\033[K" /* ECMA-48: back to the line's start, and erase to its end */

static bool shows_line(const struct options *options)
{
    return options->verbosity > OPTIONS_QUIET && isatty(STDERR_FILENO);
}

/* 0 = too few messages. */
static const char *known_text(uint64_t ns, char ret[OUTPUT_UNIT_BYTES])
{
    return ns ? output_time_text((double)ns, ret) : "-";
}

static void print_line(const struct bench_progress *progress)
{
    const struct bench_second *second = progress->second;
    char p50[OUTPUT_UNIT_BYTES], p99[OUTPUT_UNIT_BYTES];
    fputs(ERASE, stderr);
    if (!progress->started) {
        fprintf(stderr, "connecting: %" PRIu32 " of %" PRIu32, progress->connections_up,
                progress->connections);
        if (progress->starts_in_s > 0)
            fprintf(stderr, ", %.1f s until the start", progress->starts_in_s);
        return;
    }
    fprintf(stderr, "%.1f s", progress->elapsed_s);
    if (progress->whole_s > progress->elapsed_s && progress->whole_s < BENCH_ENDLESS_S)
        fprintf(stderr, ", %.0f s left", progress->whole_s - progress->elapsed_s);
    if (second)
        fprintf(stderr, ": %.0f/s, p50 %s, p99 %s, %" PRIu64 " errors",
                (double)second->messages / second->length_s, known_text(second->p50_ns, p50),
                known_text(second->p99_ns, p99), second->errors);
}

static void print_second(const struct bench_second *second)
{
    char up[OUTPUT_UNIT_BYTES], down[OUTPUT_UNIT_BYTES], p50[OUTPUT_UNIT_BYTES],
        p99[OUTPUT_UNIT_BYTES], max[OUTPUT_UNIT_BYTES];
    printf("%6.1f-%.1f s  %9.0f/s  up %s/s  down %s/s  p50 %s  p99 %s  max %s%s\n", second->start_s,
           second->start_s + second->length_s, (double)second->messages / second->length_s,
           output_bytes_text((double)second->sent_bytes / second->length_s, up),
           output_bytes_text((double)second->received_bytes / second->length_s, down),
           known_text(second->p50_ns, p50), known_text(second->p99_ns, p99),
           known_text(second->max_ns, max), second->omitted ? "  (omitted)" : "");
}

void output_bench_progress(void *context, const struct bench_progress *progress)
{
    const struct bench_report *report = context;
    const struct options *options = report->options;
    struct error ignored;
    if (shows_line(options))
        print_line(progress);
    if (!progress->new_second || options->verbosity < OPTIONS_VERBOSE)
        return;
    if (shows_line(options))
        fputs(ERASE, stderr);
    if (options->json) {
        json_t *json = output_bench_json_second(progress->second);
        if (options->compares)
            output_json_add_text(json, "endpoint", report->name);
        output_json_print(json, stdout);
    } else {
        print_second(progress->second);
    }
    output_flush(&ignored); /* output_finish reports it */
}

void output_bench_progress_end(const struct options *options)
{
    if (shows_line(options))
        fputs(ERASE, stderr);
}
