/* SPDX-License-Identifier: MIT */
/*
 * The log, written into a pipe and read back line by line; a line that does not come within some
 * seconds fails the test.
 *
 * Ownership: one at a time; captured_log_close ends the log.   Threads: the test's own.
 */
#ifndef TLSECHO_TEST_CAPTURED_LOG_H
#define TLSECHO_TEST_CAPTURED_LOG_H

#include "tlsecho/base/log.h"

/* Returns the descriptor that the log writes to. */
int captured_log_open(enum log_level level, enum log_format format);

/* The next line, without its newline. Valid until the next call. */
const char *captured_log_line(void);

/* The next line that has this text in it; those before it are dropped. */
const char *captured_log_find(const char *text);

void captured_log_close(void);

#endif
