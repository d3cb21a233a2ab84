/* SPDX-License-Identifier: MIT */
/* Shared by log.c (queue and writer), log_line.c (format of a line) and log_identity.c.
 * Ownership, Threads: as log.h. */
#ifndef TLSECHO_LOG_INTERNAL_H
#define TLSECHO_LOG_INTERNAL_H

#include "tlsecho/base/log.h"

/* time, level, the identity and event. */
void log_line_start(struct log_line *line, enum log_level level, const char *event,
                    enum log_format format);

/* The end of the line, newline included; there is always room for it. */
void log_line_finish(struct log_line *line);

/* The fields of log_identify, for a line that has few before them. */
void log_identity_put(struct log_line *line);

#endif
