/* SPDX-License-Identifier: MIT */
#include "metrics_text.h"

#include <inttypes.h>

enum { BOUND_BYTES = 32 };

void metrics_text_family(FILE *out, const char *name, const char *type, const char *help)
{
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void metrics_text_value(FILE *out, const char *value)
{
    for (; *value; value++) {
        if (*value == '\n') {
            fputs("\\n", out);
            continue;
        }
        if (*value == '"' || *value == '\\')
            fputc('\\', out);
        fputc(*value, out);
    }
}

/* le: of a histogram's bucket; NULL = it is none. */
static void put_labels(FILE *out, const char *const *labels, const char *le)
{
    const char *separator = "{";
    for (; *labels; labels += 2) {
        fprintf(out, "%s%s=\"", separator, labels[0]);
        metrics_text_value(out, labels[1]);
        fputc('"', out);
        separator = ",";
    }
    if (le)
        fprintf(out, "%sle=\"%s\"", separator, le);
    if (le || *separator == ',')
        fputc('}', out);
}

static void put_seconds(FILE *out, uint64_t us)
{
    fprintf(out, " %" PRIu64 ".%06" PRIu64 "\n", us / 1000000, us % 1000000);
}

void metrics_text_sample(FILE *out, const char *name, const char *const *labels, uint64_t value)
{
    fputs(name, out);
    put_labels(out, labels, NULL);
    fprintf(out, " %" PRIu64 "\n", value);
}

void metrics_text_seconds(FILE *out, const char *name, const char *const *labels, uint64_t us)
{
    fputs(name, out);
    put_labels(out, labels, NULL);
    put_seconds(out, us);
}

void metrics_text_add(struct metrics_text_histogram *histogram,
                      const struct metrics_histogram *observed)
{
    uint64_t total = 0;
    for (unsigned i = 0; i <= histogram->bounds->count; i++) {
        total += metrics_read(&observed->buckets[i]);
        histogram->buckets[i] += total;
    }
    histogram->sum_us += metrics_read(&observed->sum_us);
}

void metrics_text_histogram(FILE *out, const char *name, const char *const *labels,
                            const struct metrics_text_histogram *histogram)
{
    unsigned last = histogram->bounds->count;
    for (unsigned i = 0; i <= last; i++) {
        char le[BOUND_BYTES] = "+Inf";
        if (i < last)
            snprintf(le, sizeof le, "%g", (double)histogram->bounds->us[i] / 1e6);
        fprintf(out, "%s_bucket", name);
        put_labels(out, labels, le);
        fprintf(out, " %" PRIu64 "\n", histogram->buckets[i]);
    }
    fprintf(out, "%s_sum", name);
    put_labels(out, labels, NULL);
    put_seconds(out, histogram->sum_us);
    fprintf(out, "%s_count", name);
    put_labels(out, labels, NULL);
    fprintf(out, " %" PRIu64 "\n", histogram->buckets[last]);
}
