/* SPDX-License-Identifier: MIT */
/*
 * Where the log goes: a line is whole there or not at all, whatever the disk or the reader does.
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
    bool torn; /* it ends with a piece of a line that could not be taken back */
};

/*
 * Writes whole lines, each with its newline at its end; waits while the reader is slow, also where
 * the descriptor does not block. Returns how many lines could not be written (a full disk, nobody
 * reads), why in errno. What was written of a line that failed is taken out of a file again; where
 * that is not possible, the next line begins with a newline of its own.
 */
uint64_t log_sink_write(struct log_sink *sink, const char *lines, size_t n);

#endif
