/* SPDX-License-Identifier: MIT */
/*
 * How the latest SIGHUP ended, for whoever sent it: the file `reload` in RUNTIME_DIRECTORY,
 * systemd.exec(5), one line "NUMBER WORD REASON". The number counts the signals that were taken;
 * WORD is `reading` until it is `reloaded` or `refused`. The file is always whole: it is renamed
 * into place. Without that variable nothing is written.
 *
 * Ownership: values.   Threads: the main one.
 */
#ifndef TLSECHO_OUTCOME_H
#define TLSECHO_OUTCOME_H

#include <limits.h>
#include <stdint.h>

struct outcome {
    char folder[PATH_MAX]; /* "" = nowhere */
    uint64_t number;
};

/* Number 0, `reloaded`. What cannot be written here and below is a warning in the log,
 * event=outcome_unwritten. */
void outcome_open(struct outcome *ret);

/* Another signal was taken. */
void outcome_begin(struct outcome *outcome);

/* The latest one has come into force; or it was refused, and why. */
void outcome_reloaded(const struct outcome *outcome);
void outcome_refused(const struct outcome *outcome, const char *why);

/* Removes the file. */
void outcome_close(const struct outcome *outcome);

#endif
