/* SPDX-License-Identifier: MIT */
#include "tlsecho/base/calendar.h"

/*
 * Years begin in March here, so that the leap day is the last of its year, and are counted from the
 * March of year 0. Months from there have 31, 30, 31, 30 and 31 days, 153 in all, again and again.
 */
enum {
    MARCH_0_TO_1970_DAYS = 719468,
    YEAR_DAYS = 365,
    CYCLE_YEARS = 400, /* after which the calendar repeats */
    CYCLE_DAYS = 146097,
    FIVE_MONTHS_DAYS = 153,
    DAY_S = 24 * 60 * 60,
};

/* The first and the last second of the years 0 to 9999. */
static const int64_t YEAR_0_S = -INT64_C(62167219200), YEAR_9999_END_S = INT64_C(253402300799);

/* Rounds down, also below 0. */
static int64_t divide(int64_t number, int64_t by)
{
    return number / by - (number % by < 0);
}

int64_t calendar_seconds(const struct tm *utc)
{
    int month = (utc->tm_mon + 10) % 12; /* March is 0 */
    int64_t year = INT64_C(1900) + utc->tm_year - (utc->tm_mon < 2);
    int64_t leap_days = divide(year, 4) - divide(year, 100) + divide(year, CYCLE_YEARS);
    int64_t days = year * YEAR_DAYS + leap_days + (FIVE_MONTHS_DAYS * month + 2) / 5 +
                   utc->tm_mday - 1 - MARCH_0_TO_1970_DAYS;
    return days * DAY_S + utc->tm_hour * 3600 + utc->tm_min * 60 + utc->tm_sec;
}

int calendar_date(int64_t seconds, struct tm *ret)
{
    enum { FOUR_YEARS_DAYS = 4 * YEAR_DAYS + 1, CENTURY_DAYS = 25 * FOUR_YEARS_DAYS - 1 };
    if (seconds < YEAR_0_S || seconds > YEAR_9999_END_S)
        return -1;
    int64_t days = divide(seconds, DAY_S);
    int rest = (int)(seconds - days * DAY_S);
    int64_t cycle = divide(days + MARCH_0_TO_1970_DAYS, CYCLE_DAYS);
    int day = (int)(days + MARCH_0_TO_1970_DAYS - cycle * CYCLE_DAYS);
    int year = (day - day / (FOUR_YEARS_DAYS - 1) + day / CENTURY_DAYS - day / (CYCLE_DAYS - 1)) /
               YEAR_DAYS;
    day -= year * YEAR_DAYS + year / 4 - year / 100;
    int month = (5 * day + 2) / FIVE_MONTHS_DAYS;
    int64_t whole_year = year + cycle * CYCLE_YEARS + (month >= 10);
    *ret = (struct tm){.tm_year = (int)whole_year - 1900,
                       .tm_mon = (month + 2) % 12,
                       .tm_mday = day - (FIVE_MONTHS_DAYS * month + 2) / 5 + 1,
                       .tm_hour = rest / 3600,
                       .tm_min = rest / 60 % 60,
                       .tm_sec = rest % 60};
    return 0;
}
