/* SPDX-License-Identifier: MIT */
/* Shared by log.c (queue and writer) and log_line.c (format of a line).   Ownership, Threads: as
 * log.h. */
#ifndef TLSECHO_LOG_INTERNAL_H
#define TLSECHO_LOG_INTERNAL_H

#include "tlsecho/base/log.h"

/* time, level and event. */
void log_line_start(struct log_line *line, enum log_level level, const char *event,
                    enum log_format format);

/* The end of the line, newline included; there is always room for it. */
void log_line_finish(struct log_line *line);

#endif
