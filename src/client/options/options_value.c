/* SPDX-License-Identifier: MIT */
/* Converts the text of an argument. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "options_internal.h"
#include "tlsecho/base/quantity.h"
#include "tlsecho/base/timestamp.h"

#define LONGEST_MS (LONGEST_DAYS * UINT64_C(86400000))

enum { LONGEST_DAYS = 365 };

/* A message in 12 days. No literal: the i387 compares those with more digits than a double has. */
static const double lowest_rate = 1e-6;

int option_parse_true(const struct option_row *row, const char *argument, void *field,
                      struct error *err)
{
    (void)row, (void)argument, (void)err;
    *(bool *)field = true;
    return 0;
}

_Static_assert(sizeof(enum options_mode) == sizeof(int) &&
                   sizeof(enum options_action) == sizeof(int) &&
                   sizeof(enum options_verbosity) == sizeof(int) &&
                   sizeof(enum expect_kind) == sizeof(int),
               "the table of options stores an enum as an int");

int option_parse_value(const struct option_row *row, const char *argument, void *field,
                       struct error *err)
{
    (void)argument, (void)err;
    *(int *)field = row->value;
    return 0;
}

int option_parse_mode(const struct option_row *row, const char *argument, void *field,
                      struct error *err)
{
    const struct option_row *before = option_that_chooses(*(int *)field);
    if (before && before->value != row->value)
        return error_set(err, ERROR_INPUT, "cannot be used with --%s: give one", before->name);
    return option_parse_value(row, argument, field, err);
}

int option_parse_text(const struct option_row *row, const char *argument, void *field,
                      struct error *err)
{
    if (!*argument)
        return error_set(err, ERROR_INPUT, "the argument is empty: give %s", row->argument);
    *(const char **)field = argument;
    return 0;
}

int option_parse_resume(const struct option_row *row, const char *argument, void *field,
                        struct error *err)
{
    if (argument)
        return option_parse_text(row, argument, field, err);
    *(const char **)field = "";
    return 0;
}

int option_parse_expect(const struct option_row *row, const char *argument, void *field,
                        struct error *err)
{
    (void)row;
    enum expect_kind kind;
    if (expect_kind_find(argument, &kind, err) < 0)
        return -1;
    *(int *)field = kind;
    return 0;
}

int option_parse_mtu_discovery(const struct option_row *row, const char *argument, void *field,
                               struct error *err)
{
    (void)row;
    bool never_fragment = strcmp(argument, "do") == 0;
    if (!never_fragment && strcmp(argument, "want") != 0)
        return error_set(err, ERROR_INPUT, "'%.160s' is not known: give do or want", argument);
    *(bool *)field = never_fragment;
    return 0;
}

int option_parse_duration(const struct option_row *row, const char *argument, void *field,
                          struct error *err)
{
    uint64_t ms;
    if (quantity_parse_time(argument, QUANTITY_BARE_SECONDS, &ms, err) < 0 || ms > LONGEST_MS)
        return error_set(err, ERROR_INPUT, "'%s' is not a time: write %s, at most %dd", argument,
                         row->min ? "1s, 1.5m or 2h" : "500ms, 10s, 1m, 2h or 0 for none",
                         LONGEST_DAYS);
    if (ms < row->min)
        return error_set(err, ERROR_INPUT, "'%s' is too short: give at least %gs", argument,
                         (double)row->min / 1000);
    *(uint64_t *)field = ms;
    return 0;
}

int option_parse_future(const struct option_row *row, const char *argument, void *field,
                        struct error *err)
{
    char now[CLOCK_TEXT_BYTES];
    int64_t now_us = clock_wall_us(clock_now_us()), us;
    (void)row;
    struct error why;
    clock_wall_text(now_us, now);
    if (timestamp_parse(argument, &us, &why) < 0)
        return error_set(err, ERROR_INPUT, "'%.60s': %s; write RFC 3339 with a zone, such as %s",
                         argument, why.text, now);
    if (us <= now_us)
        return error_set(err, ERROR_INPUT, "%.60s is in the past, it is %s: give a later time",
                         argument, now);
    if (us - now_us > (int64_t)LONGEST_MS * 1000)
        return error_set(err, ERROR_INPUT,
                         "%.60s is more than %d days ahead, it is %s: give an earlier time",
                         argument, LONGEST_DAYS, now);
    *(int64_t *)field = us;
    return 0;
}

int option_parse_number(const struct option_row *row, const char *argument, void *field,
                        struct error *err)
{
    uint64_t number;
    if (quantity_parse_count(argument, &number, err) < 0 || number < row->min || number > row->max)
        return error_set(err, ERROR_INPUT, "'%s' is not a number from %" PRIu64 " to %" PRIu64,
                         argument, row->min, row->max);
    *(uint64_t *)field = number;
    return 0;
}

int option_parse_rate(const struct option_row *row, const char *argument, void *field,
                      struct error *err)
{
    double number;
    if (quantity_parse_real(argument, &number, err) < 0 || number < lowest_rate ||
        number > (double)row->max)
        return error_set(err, ERROR_INPUT,
                         "'%s' is not a rate: write messages per second, from %g to %" PRIu64,
                         argument, lowest_rate, row->max);
    *(double *)field = number;
    return 0;
}

int option_parse_size(const struct option_row *row, const char *argument, void *field,
                      struct error *err)
{
    uint64_t bytes;
    if (quantity_parse_size(argument, &bytes, err) == 0 && bytes >= row->min && bytes <= row->max) {
        *(uint64_t *)field = bytes;
        return 0;
    }
    char min[QUANTITY_BYTES], max[QUANTITY_BYTES];
    quantity_size_text(row->min, min);
    quantity_size_text(row->max, max);
    return error_set(err, ERROR_INPUT,
                     "'%s' is not a size: write 1500, 64KiB, 1MiB or 1G, from %s to %s", argument,
                     min, max);
}

int option_parse_host_port(const struct option_row *row, const char *argument, void *field,
                           struct error *err)
{
    char uri[ENDPOINT_TEXT_BYTES];
    struct endpoint endpoint;
    const char *end = strrchr(argument, ']'), *port = strrchr(end ? end : argument, ':');
    (void)row;
    if (!port || strstr(argument, "://") || strlen(argument) >= sizeof uri - sizeof "tcp://")
        return error_set(err, ERROR_INPUT, "\"%.160s\" is not HOST:PORT: give both", argument);
    snprintf(uri, sizeof uri, "tcp://%s", argument);
    if (option_parse_endpoint(uri, NULL, false, &endpoint, err) < 0)
        return -1;
    *(struct endpoint *)field = endpoint;
    return 0;
}
