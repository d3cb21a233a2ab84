/* SPDX-License-Identifier: MIT */
/*
 * How many processors this process may use at once: sched_setaffinity(2), and the CPU quota of its
 * control group, version 1 or 2, and of each one above it (cgroups(7)).
 *
 * Ownership: values.   Threads: any.
 */
#ifndef TLSECHO_CPUS_H
#define TLSECHO_CPUS_H

/* The smaller of both, a quota rounded up; at least 1. What cannot be read is no limit. */
unsigned cpus_usable(void);

/* The smallest quota in processors, rounded up; 0 = none. root is put before every path: "" for
 * this system's /proc and mounts. */
unsigned cpus_quota(const char *root);

#endif
