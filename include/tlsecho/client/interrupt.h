/* SPDX-License-Identifier: MIT */
/*
 * The signals that end a run early, INT and TERM, as a descriptor to wait for, so that none can be
 * missed. If another call blocks (a write to a full pipe, a read from an empty FIFO), SIGALRM
 * follows repeatedly, and each blocking system call of the main thread ends with EINTR.
 *
 * Ownership: the state is the process's, for its lifetime; the descriptors are the module's.
 * Threads: the main thread; others must have the signals blocked, as thread_start does.
 */
#ifndef TLSECHO_INTERRUPT_H
#define TLSECHO_INTERRUPT_H

#include <stdbool.h>
#include <stdint.h>

#include "tlsecho/base/error.h"

/* From the signal until blocking calls are interrupted. */
enum { INTERRUPT_PATIENCE_MS = 60 };

/*
 * If the process is process 1 of a PID namespace, as in a container, INT and TERM end it with
 * status 128 + their number: pid_namespaces(7), the kernel drops a signal without a handler there.
 */
void interrupt_end_process_1(void);

/* From now on INT and TERM do not end the process. Call it once. ERROR_SYSTEM. */
int interrupt_open(struct error *err);

/* Readable once one of them has come, and from then on; -1 before interrupt_open. */
int interrupt_fd(void);
bool interrupt_happened(void);

/* When the first of them came, clock_now_us; 0 = none has. */
uint64_t interrupt_us(void);

/* QUIT requests the state of the run, and no longer ends the process. Returns a non-blocking
 * descriptor, readable after QUIT, the caller's to close; -1: ERROR_SYSTEM. */
int interrupt_open_interim(struct error *err);

/* Takes the next QUIT. False: there is none. */
bool interrupt_take_interim(int fd);

#endif
