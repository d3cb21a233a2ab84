/* SPDX-License-Identifier: MIT */
/*
 * The destination of the log. A line is written in full or not at all, even if the disk is full or
 * the reader disappears.
 *
 * Ownership: the descriptor stays the caller's.   Threads: one at a time.
 */
#ifndef TLSECHO_LOG_SINK_H
#define TLSECHO_LOG_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct log_sink {
    int fd;
    bool torn; /* it ends with part of a line that could not be removed */
};

/*
 * Writes whole lines, each with its newline at its end; waits while the reader is slow, also on a
 * non-blocking descriptor. Returns how many lines could not be written (disk full, reader gone),
 * with the cause in errno. A partly written line is removed from a file; where that is not
 * possible, the next line starts with a newline.
 */
uint64_t log_sink_write(struct log_sink *sink, const char *lines, size_t n);

#endif
