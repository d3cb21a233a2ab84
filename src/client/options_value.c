/* SPDX-License-Identifier: MIT */
/* An argument's text to its value. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "options_internal.h"

int option_parse_true(const struct option_row *row, const char *argument, void *field,
                      struct error *err)
{
    (void)row, (void)argument, (void)err;
    *(bool *)field = true;
    return 0;
}

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
        return error_set(err, ERROR_INPUT, "it does not go with --%s: give one", before->name);
    return option_parse_value(row, argument, field, err);
}

int option_parse_text(const struct option_row *row, const char *argument, void *field,
                      struct error *err)
{
    if (!*argument)
        return error_set(err, ERROR_INPUT, "it is empty: %s is wanted", row->argument);
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
    if (expect_find(argument, &kind, err) < 0)
        return -1;
    *(int *)field = kind;
    return 0;
}

int option_parse_duration(const struct option_row *row, const char *argument, void *field,
                          struct error *err)
{
    static const struct {
        const char *unit;
        double ms;
    } units[] = {{"", 1e3}, {"ms", 1}, {"s", 1e3}, {"m", 60e3}, {"h", 3600e3}, {"d", 86400e3}};
    enum { LONGEST_DAYS = 365 };

    (void)row;
    size_t digits = strspn(argument, "0123456789.");
    char *unit = NULL;
    double number = strtod(argument, &unit);
    if (digits && unit == argument + digits) {
        for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
            double ms = number * units[i].ms;
            if (strcmp(unit, units[i].unit) != 0 || ms > (double)LONGEST_DAYS * 86400e3)
                continue;
            /* Rounded up, so that a short time does not become "none". */
            uint64_t whole = (uint64_t)ms;
            *(uint64_t *)field = whole + (ms > (double)whole);
            return 0;
        }
    }
    return error_set(err, ERROR_INPUT,
                     "'%s' is no time: write 500ms, 10s, 1m, 2h or 0 for none, at most %dd",
                     argument, LONGEST_DAYS);
}

/* Digits and what follows them; false if there are none, or too many. */
static bool take_digits(const char *text, uint64_t *ret, const char **ret_rest)
{
    char *rest;
    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    *ret = strtoull(text, &rest, 10);
    *ret_rest = rest;
    return errno == 0;
}

int option_parse_number(const struct option_row *row, const char *argument, void *field,
                        struct error *err)
{
    uint64_t number;
    const char *rest;
    if (!take_digits(argument, &number, &rest) || *rest || number < row->least ||
        number > row->most)
        return error_set(err, ERROR_INPUT, "'%s' is no number from %" PRIu64 " to %" PRIu64,
                         argument, row->least, row->most);
    *(uint64_t *)field = number;
    return 0;
}

/* "1GiB", "64KiB", "1500": the largest unit that goes into it without a rest. */
static void size_text(uint64_t bytes, char *ret, size_t size)
{
    static const char *const units[] = {"", "KiB", "MiB", "GiB"};
    int unit = 0;
    for (; unit < 3 && bytes && bytes % 1024 == 0; unit++)
        bytes /= 1024;
    snprintf(ret, size, "%" PRIu64 "%s", bytes, units[unit]);
}

int option_parse_size(const struct option_row *row, const char *argument, void *field,
                      struct error *err)
{
    static const struct {
        const char *unit;
        uint64_t bytes;
    } units[] = {{"", 1},          {"k", 1000},      {"M", 1000000},  {"G", 1000000000},
                 {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}};
    uint64_t number;
    const char *unit;
    char least[32], most[32];
    if (take_digits(argument, &number, &unit)) {
        for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
            if (strcmp(unit, units[i].unit) != 0 || number > row->most / units[i].bytes ||
                number * units[i].bytes < row->least)
                continue;
            *(uint64_t *)field = number * units[i].bytes;
            return 0;
        }
    }
    size_text(row->least, least, sizeof least);
    size_text(row->most, most, sizeof most);
    return error_set(err, ERROR_INPUT,
                     "'%s' is no size: write 1500, 64KiB, 1MiB or 1G, from %s to %s", argument,
                     least, most);
}
