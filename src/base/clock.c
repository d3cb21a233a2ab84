/* SPDX-License-Identifier: MIT */
#include "tlsecho/base/clock.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "tlsecho/base/calendar.h"

enum { CLOCK_SECONDS_BYTES = sizeof "2026-11-29T22:30:00" - 1 };

uint64_t clock_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t clock_now_us(void)
{
    return clock_now_ns() / 1000;
}

int64_t clock_wall_us(uint64_t at_us)
{
    struct timespec now;
    uint64_t now_us = clock_now_us();
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000 - (int64_t)(now_us - at_us);
}

int clock_poll_ms(uint64_t now_us, uint64_t due_us)
{
    if (due_us == UINT64_MAX)
        return -1;
    if (due_us <= now_us)
        return 0;
    uint64_t ms = (due_us - now_us - 1) / 1000 + 1;
    return ms > INT_MAX ? INT_MAX : (int)ms;
}

static void text_of(int64_t seconds, char ret[CLOCK_TEXT_BYTES])
{
    struct tm utc;
    ret[0] = '\0';
    if (calendar_date(seconds, &utc) == 0)
        snprintf(ret, CLOCK_TEXT_BYTES, "%04d-%02d-%02dT%02d:%02d:%02d", utc.tm_year + 1900,
                 utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

/* Each line of the log has a time, and many lines have the same second. */
static void text_at(int64_t seconds, unsigned ms /* < 1000 */, char ret[CLOCK_TEXT_BYTES])
{
    static _Thread_local struct {
        int64_t seconds;
        char text[CLOCK_TEXT_BYTES];
    } latest;
    if (!*latest.text || latest.seconds != seconds) {
        latest.seconds = seconds;
        text_of(seconds, latest.text);
    }
    size_t n = strnlen(latest.text, CLOCK_SECONDS_BYTES);
    const char rest[] = {
        '.', (char)('0' + ms / 100), (char)('0' + ms / 10 % 10), (char)('0' + ms % 10), 'Z', '\0'};
    memcpy(ret, latest.text, n);
    memcpy(ret + n, rest, sizeof rest);
}

void clock_text(const struct timespec *at, char ret[CLOCK_TEXT_BYTES])
{
    text_at(at->tv_sec, (unsigned)(at->tv_nsec / 1000000) % 1000, ret);
}

void clock_seconds_text(int64_t seconds, char ret[CLOCK_TEXT_BYTES])
{
    char text[CLOCK_TEXT_BYTES];
    text_of(seconds, text);
    snprintf(ret, CLOCK_TEXT_BYTES, "%.19sZ", text);
}

void clock_wall_text(int64_t wall_us, char ret[CLOCK_TEXT_BYTES])
{
    text_at(wall_us / 1000000, (unsigned)(wall_us % 1000000) / 1000, ret);
}
