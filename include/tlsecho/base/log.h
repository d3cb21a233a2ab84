/* SPDX-License-Identifier: MIT */
/*
 * The log: one line per event, logfmt or JSON, written from a bounded queue by a thread of its own.
 * Logging never blocks: if the queue is full or the line cannot be written (disk full, reader
 * gone), it is dropped and counted, and the count is logged as soon as possible
 * (event=log_dropped). Lines are never written in part.
 *
 *     struct log_line line;
 *     if (log_begin(&line, LOG_LEVEL_INFO, "listening")) {
 *         log_text(&line, "address", address);
 *         log_end(&line);
 *     }
 *
 * Quotes, invalid UTF-8 and unprintable characters (text.h) are escaped, as text may come from a
 * peer.
 *
 * Ownership: text is copied.   Threads: any, between log_open and log_close.
 */
#ifndef TLSECHO_LOG_H
#define TLSECHO_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tlsecho/base/error.h"
#include "tlsecho/base/identity.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR };
enum log_format { LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };

/* The name of a value in the configuration; NULL past the last. */
const char *log_level_name(size_t level);
const char *log_format_name(size_t format);

/* A longer line loses its last fields and ends with truncated=yes. */
enum { LOG_LINE_BYTES = 2048 };

struct log_line {
    enum log_level level;
    enum log_format format; /* of log_begin; a later log_set does not change it */
    size_t length;
    bool truncated;
    char text[LOG_LINE_BYTES];
};

/*
 * Queues lines for descriptor fd from now on; the caller keeps it. If it is the journal
 * (JOURNAL_STREAM, systemd.exec(5)), each line starts with its priority, sd-daemon(3), which the
 * journal removes; the rest is the same as elsewhere, with the time.
 */
void log_open(int fd, enum log_level level, enum log_format format);

/* Starts the writer thread, with all signals blocked. Call it once, after privileges are dropped,
 * as they belong to each thread. ERROR_SYSTEM. */
int log_start(struct error *err);

/* Changes level and format. */
void log_set(enum log_level level, enum log_format format);

/* Every line from now on has the name and the variables of that identity, before its event; an
 * empty name is left out. */
void log_identify(const struct identity *identity);

/* Writes what is queued, for at most one second if the reader is stuck, and ends the writer thread.
 * Works without log_start too. */
void log_close(void);

/* How many lines were dropped since log_open. Any thread; never blocks. */
uint64_t log_dropped_lines(void);

/* Whether the queue is less than half full; a caller with many lines should wait until it is. Any
 * thread; never blocks. */
bool log_has_room(void);

/* Whether lines of that level are logged, so that a caller can skip composing one. */
bool log_enabled(enum log_level level);

/* Starts a line: time, level, event. False if that level is not logged: do nothing then.
 */
bool log_begin(struct log_line *line, enum log_level level, const char *event);
void log_text(struct log_line *line, const char *key, const char *value);
/* For text chosen by a peer, so that it leaves room for other fields: written with at most that
 * many bytes, and "..." if it is longer. */
void log_text_capped(struct log_line *line, const char *key, const char *value, size_t most_bytes);
void log_number(struct log_line *line, const char *key, uint64_t value);
/* From microseconds; written in seconds with six decimals. */
void log_seconds(struct log_line *line, const char *key, uint64_t us);
/* yes/no in logfmt, true/false in JSON. */
void log_switch(struct log_line *line, const char *key, bool value);
void log_end(struct log_line *line);

/* Writes a line with one field, `reason`: the usual warning or error. */
void log_reason(enum log_level level, const char *event, const char *reason);

#endif
