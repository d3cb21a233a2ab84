/* SPDX-License-Identifier: MIT */
#include "captured_log.h"

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum { WAIT_MS = 10000 };

static int ends[2];
static char read_ahead[4096];
static size_t read_start, read_end; /* what of it is still to be given out */
static char line[LOG_LINE_BYTES + 1];

int captured_log_open(enum log_level level, enum log_format format)
{
    struct error err;
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    read_start = read_end = 0;
    log_open(ends[1], level, format);
    ck_assert_msg(log_start(&err) == 0, "%s", err.text);
    return ends[1];
}

static char next_byte(void)
{
    if (read_start == read_end) {
        struct pollfd waiting = {.fd = ends[0], .events = POLLIN};
        ck_assert_msg(poll(&waiting, 1, WAIT_MS) == 1, "no line came");
        ssize_t n = read(ends[0], read_ahead, sizeof read_ahead);
        ck_assert_int_gt(n, 0);
        read_start = 0;
        read_end = (size_t)n;
    }
    return read_ahead[read_start++];
}

const char *captured_log_line(void)
{
    size_t n = 0;
    for (char byte; (byte = next_byte()) != '\n'; n++) {
        if (n == LOG_LINE_BYTES)
            ck_abort_msg("a line is longer than it may be");
        line[n] = byte;
    }
    line[n] = '\0';
    return line;
}

const char *captured_log_find(const char *text)
{
    while (!strstr(captured_log_line(), text))
        ;
    return line;
}

void captured_log_close(void)
{
    log_close();
    close(ends[0]);
    close(ends[1]);
}
