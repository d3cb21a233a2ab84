/* SPDX-License-Identifier: MIT */
#include "tlsecho/base/timestamp.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tlsecho/base/calendar.h"

enum { SECOND_US = 1000000, LEAP_SECOND = 60 };

struct reader {
    const char *text, *at;
    struct error *err;
};

static int refuse(const struct reader *r, const char *at, const char *what)
{
    error_set(r->err, ERROR_INPUT, "character %zu: %s", (size_t)(at - r->text) + 1, what);
    return -1;
}

static int take_one_of(struct reader *r, const char *characters, const char *what)
{
    if (!*r->at || !strchr(characters, *r->at))
        return refuse(r, r->at, what);
    r->at++;
    return 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A number of so many digits, min to max. */
struct part {
    const char *name;
    int digits, min, max;
};

static int take_number(struct reader *r, const struct part *part, int *ret)
{
    char what[96];
    const char *from = r->at;
    int number = 0;
    for (int i = 0; i < part->digits; i++, r->at++) {
        snprintf(what, sizeof what, "%d digits of the %s expected", part->digits, part->name);
        if (!is_digit(*r->at))
            return refuse(r, r->at, what);
        number = number * 10 + (*r->at - '0');
    }
    snprintf(what, sizeof what, "the %s is not between %02d and %02d", part->name, part->min,
             part->max);
    if (number < part->min || number > part->max)
        return refuse(r, from, what);
    *ret = number;
    return 0;
}

static int days_of(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

/* full-date */
static int take_date(struct reader *r, struct tm *ret)
{
    static const struct part year = {"year", 4, 0, 9999}, month = {"month", 2, 1, 12};
    struct part day = {"day", 2, 1, 31};
    int y, m, d;
    if (take_number(r, &year, &y) < 0 || take_one_of(r, "-", "'-' expected") < 0 ||
        take_number(r, &month, &m) < 0 || take_one_of(r, "-", "'-' expected") < 0)
        return -1;
    day.max = days_of(y, m);
    if (take_number(r, &day, &d) < 0)
        return -1;
    *ret = (struct tm){.tm_year = y - 1900, .tm_mon = m - 1, .tm_mday = d};
    return 0;
}

/* partial-time, without its fraction */
static int take_time(struct reader *r, struct tm *ret)
{
    static const struct part hour = {"hour", 2, 0, 23}, minute = {"minute", 2, 0, 59},
                             second = {"second", 2, 0, LEAP_SECOND};
    if (take_number(r, &hour, &ret->tm_hour) < 0 || take_one_of(r, ":", "':' expected") < 0 ||
        take_number(r, &minute, &ret->tm_min) < 0 || take_one_of(r, ":", "':' expected") < 0 ||
        take_number(r, &second, &ret->tm_sec) < 0)
        return -1;
    if (ret->tm_sec == LEAP_SECOND)
        return refuse(r, r->at - second.digits,
                      "the clock has no leap seconds: give 59, or the next minute");
    return 0;
}

static int take_fraction(struct reader *r, int64_t *ret_us)
{
    int64_t us = 0, unit_us = SECOND_US / 10;
    if (*r->at == '.') {
        r->at++;
        if (!is_digit(*r->at))
            return refuse(r, r->at, "digits of a fraction expected");
        for (; is_digit(*r->at); r->at++, unit_us /= 10)
            us += (*r->at - '0') * unit_us;
    }
    *ret_us = us;
    return 0;
}

/* time-offset, and the end of the text */
static int take_offset(struct reader *r, int64_t *ret_us)
{
    static const struct part hour = {"hour of the offset", 2, 0, 23},
                             minute = {"minute of the offset", 2, 0, 59};
    int hours = 0, minutes = 0;
    char sign = *r->at;
    if (take_one_of(r, "Zz+-", "a zone expected, Z or an offset such as +01:00") < 0)
        return -1;
    if ((sign == '+' || sign == '-') &&
        (take_number(r, &hour, &hours) < 0 || take_one_of(r, ":", "':' expected") < 0 ||
         take_number(r, &minute, &minutes) < 0))
        return -1;
    if (*r->at)
        return refuse(r, r->at, "nothing can follow the zone");
    *ret_us = (hours * 60 + minutes) * INT64_C(60) * SECOND_US * (sign == '-' ? -1 : 1);
    return 0;
}

int timestamp_parse(const char *text, int64_t *ret_us, struct error *err)
{
    struct reader r = {.text = text, .at = text, .err = err};
    struct tm tm;
    int64_t fraction_us = 0, offset_us = 0;
    if (take_date(&r, &tm) < 0 || take_one_of(&r, "Tt ", "'T' expected") < 0 ||
        take_time(&r, &tm) < 0 || take_fraction(&r, &fraction_us) < 0 ||
        take_offset(&r, &offset_us) < 0)
        return -1;
    *ret_us = calendar_seconds(&tm) * SECOND_US + fraction_us - offset_us;
    return 0;
}

void timestamp_text(int64_t us, char ret[CLOCK_TEXT_BYTES])
{
    char seconds[CLOCK_TEXT_BYTES];
    clock_seconds_text(us / SECOND_US, seconds);
    snprintf(ret, CLOCK_TEXT_BYTES, "%.19s.%06uZ", seconds, (unsigned)(us % SECOND_US));
}
