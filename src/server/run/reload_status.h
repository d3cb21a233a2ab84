/* SPDX-License-Identifier: MIT */
/*
 * The result of the latest SIGHUP, for `systemctl reload`: the file `reload` in RUNTIME_DIRECTORY,
 * systemd.exec(5), one line "NUMBER WORD REASON". NUMBER counts the signals; WORD is `reading`,
 * and then `reloaded` or `refused`. The file is renamed into place, so it is never partial. Without
 * that variable nothing is written.
 *
 * Ownership: values.   Threads: the main one.
 */
#ifndef TLSECHO_RELOAD_STATUS_H
#define TLSECHO_RELOAD_STATUS_H

#include <limits.h>
#include <stdint.h>

struct reload_status {
    char folder[PATH_MAX]; /* "" = write nothing */
    uint64_t number;
};

/* Number 0, `reloaded`. If this or a later write fails, a warning is logged,
 * event=reload_status_not_written. */
void reload_status_open(struct reload_status *ret);

/* Another signal arrived. */
void reload_status_begin(struct reload_status *status);

/* The latest reload took effect, or was refused, and why. */
void reload_status_reloaded(const struct reload_status *status);
void reload_status_refused(const struct reload_status *status, const char *why);

/* Removes the file. */
void reload_status_close(const struct reload_status *status);

#endif
