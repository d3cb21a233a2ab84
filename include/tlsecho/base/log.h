/* SPDX-License-Identifier: MIT */
/*
 * The log: one line per event, logfmt or JSON, written by a thread of its own from a bounded queue.
 * Nobody ever waits for it: a line that finds the queue full, or that cannot be written (a full
 * disk, nobody reads), is dropped and counted, and the count is logged as soon as that is possible
 * (event=log_dropped). A line is whole or not there.
 *
 *     struct log_line line;
 *     if (log_begin(&line, LOG_LEVEL_INFO, "listening")) {
 *         log_text(&line, "address", address);
 *         log_end(&line);
 *     }
 *
 * Text may come from a peer: quotes, invalid UTF-8 and what is not printable (text.h) are escaped.
 *
 * Ownership: text is copied.   Threads: any, between log_open and log_close.
 */
#ifndef TLSECHO_LOG_H
#define TLSECHO_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tlsecho/base/error.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR };
enum log_format { LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };

/* The word for a value of these, as users write it; NULL past the last. */
const char *log_level_name(size_t level);
const char *log_format_name(size_t format);

enum { LOG_LINE_BYTES = 2048 }; /* a longer line loses its last fields and says truncated=yes */

struct log_line {
    enum log_level level;
    enum log_format format; /* it keeps, whatever log_set says meanwhile */
    size_t length;
    bool truncated;
    char text[LOG_LINE_BYTES];
};

/*
 * From now on lines are queued for descriptor fd, which stays the caller's. If that is the journal
 * (JOURNAL_STREAM, systemd.exec(5)), each line starts with its priority, sd-daemon(3), which the
 * journal takes off again; what is left is the same line as everywhere else, its time included.
 */
void log_open(int fd, enum log_level level, enum log_format format);

/* Starts the writer thread, all signals blocked in it. Once, after privileges are dropped: they are
 * a thread's own. ERROR_SYSTEM. */
int log_start(struct error *err);

/* Another level and format from now on. */
void log_set(enum log_level level, enum log_format format);

/* Writes what is queued, for at most a second if the reader is stuck, and ends the writer thread;
 * also where it was not started. */
void log_close(void);

/* How many lines were dropped since log_open. Any thread; waits for nobody. */
uint64_t log_dropped_lines(void);

/* Whether the queue is less than half full: whoever has many lines to write waits until it is. Any
 * thread; waits for nobody. */
bool log_has_room(void);

/* Whether lines of that level are written: lets a caller skip the work of composing one. */
bool log_enabled(enum log_level level);

/* Starts a line: time, level, event. False if that level is not logged; then nothing is to be done.
 */
bool log_begin(struct log_line *line, enum log_level level, const char *event);
void log_text(struct log_line *line, const char *key, const char *value);
/* For what a peer chose, so that it pushes nothing else out of the line: beyond so many bytes, as
 * it is written, it ends in "...". */
void log_text_capped(struct log_line *line, const char *key, const char *value, size_t most_bytes);
void log_number(struct log_line *line, const char *key, uint64_t value);
/* Microseconds, written in seconds with six digits. */
void log_seconds(struct log_line *line, const char *key, uint64_t us);
/* yes/no in logfmt, true/false in JSON. */
void log_switch(struct log_line *line, const char *key, bool value);
void log_end(struct log_line *line);

/* A whole line with one field, reason: the usual warning or error. */
void log_reason(enum log_level level, const char *event, const char *reason);

#endif
