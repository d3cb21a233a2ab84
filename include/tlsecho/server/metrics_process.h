/* SPDX-License-Identifier: MIT */
/*
 * What the kernel reports of this process, proc(5), read through descriptors that are opened at the
 * start, so that it works in the sandbox.
 *
 * Ownership: owns its descriptors.   Threads: one.
 */
#ifndef TLSECHO_METRICS_PROCESS_H
#define TLSECHO_METRICS_PROCESS_H

#include <stdint.h>

struct metrics_process {
    int memory_fd, descriptors_fd; /* /proc/self/statm and fd; -1 = there is no /proc */
    int64_t start_us;              /* since 1970, UTC */
};

struct metrics_process_now {
    uint64_t cpu_us;           /* user and system */
    int64_t open_fds, max_fds; /* -1 = unknown */
    int64_t virtual_bytes, resident_bytes;
};

void metrics_process_open(struct metrics_process *process);
void metrics_process_close(struct metrics_process *process);
void metrics_process_read(const struct metrics_process *process, struct metrics_process_now *ret);

#endif
