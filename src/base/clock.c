/* SPDX-License-Identifier: MIT */
#include "tlsecho/base/clock.h"

#include <limits.h>
#include <stdio.h>

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

static void text_of(time_t seconds, char ret[CLOCK_TEXT_BYTES])
{
    struct tm utc;
    if (!gmtime_r(&seconds, &utc) ||
        strftime(ret, CLOCK_TEXT_BYTES, "%Y-%m-%dT%H:%M:%S", &utc) == 0)
        ret[0] = '\0';
}

void clock_text(const struct timespec *at, char ret[CLOCK_TEXT_BYTES])
{
    char seconds[CLOCK_TEXT_BYTES];
    text_of(at->tv_sec, seconds);
    snprintf(ret, CLOCK_TEXT_BYTES, "%.19s.%03uZ", seconds,
             (unsigned)(at->tv_nsec / 1000000) % 1000);
}

void clock_seconds_text(int64_t seconds, char ret[CLOCK_TEXT_BYTES])
{
    char text[CLOCK_TEXT_BYTES];
    text_of((time_t)seconds, text);
    snprintf(ret, CLOCK_TEXT_BYTES, "%.19sZ", text);
}

void clock_wall_text(int64_t wall_us, char ret[CLOCK_TEXT_BYTES])
{
    struct timespec at = {.tv_sec = (time_t)(wall_us / 1000000),
                          .tv_nsec = (long)(wall_us % 1000000) * 1000};
    clock_text(&at, ret);
}
