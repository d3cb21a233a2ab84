/* SPDX-License-Identifier: MIT */
/*
 * The keys that a user interrupts with, Ctrl-C and Ctrl-\, as a descriptor to wait for: so that no
 * moment exists in which one could be missed. See signalfd(2).
 *
 * Ownership: the descriptor is the caller's to close; the signals stay blocked.
 * Threads: call it before any other thread is started, so that all of them have the signals
 * blocked.
 */
#ifndef TLSECHO_INTERRUPT_H
#define TLSECHO_INTERRUPT_H

#include <stdbool.h>

#include "tlsecho/error.h"

enum interrupt {
    INTERRUPT_NONE,
    INTERRUPT_INTERIM, /* SIGQUIT: how does it stand? */
    INTERRUPT_END,     /* SIGINT */
};

/* A non-blocking descriptor, readable when there is one. interim: SIGQUIT too, which otherwise ends
 * the process. -1 on failure: ERROR_SYSTEM. */
int interrupt_open(bool interim, struct error *err);

/* Whether there is one to read. */
bool interrupt_pending(int fd);

/* The next one. */
enum interrupt interrupt_read(int fd);

#endif
