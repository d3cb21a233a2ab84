/* SPDX-License-Identifier: MIT */
/*
 * The signals that end a run early, INT and TERM, as a descriptor to wait for: so that no moment
 * exists in which one could be missed. Where something else than that wait blocks (an output that
 * nobody reads, a FIFO that nobody writes), SIGALRM follows, again and again, and each system call
 * of the main thread that blocks ends with EINTR: nothing can hold up the end.
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

/* From now on INT and TERM do not end the process. Once. ERROR_SYSTEM. */
int interrupt_open(struct error *err);

/* Readable once one of them has come, and from then on; -1 before interrupt_open. */
int interrupt_fd(void);
bool interrupt_happened(void);

/* When the first of them came, clock_now_us; 0 = none has. */
uint64_t interrupt_us(void);

/* QUIT asks how it stands, and no longer ends the process: a non-blocking descriptor, readable when
 * it has come, the caller's to close. -1 on failure: ERROR_SYSTEM. */
int interrupt_open_interim(struct error *err);

/* Takes the next QUIT from it. False: there is none. */
bool interrupt_take_interim(int fd);

#endif
