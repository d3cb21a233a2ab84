/* SPDX-License-Identifier: MIT */
/*
 * Whether the files that a configuration names have changed. They are polled, not watched by
 * inotify(7): polling also notices a symbolic link swapped anywhere on the path, a rename into
 * place and a change on a network file system, and a few stat(2) calls a second cost nothing.
 *
 * Ownership: none.   Threads: any.
 */
#ifndef TLSECHO_CONFIG_STAMP_H
#define TLSECHO_CONFIG_STAMP_H

#include <stdint.h>

#include "tlsecho/server/config.h"

/* A digest of the stat(2) data of every file: a different one means that a file has changed. */
uint64_t config_stamp(const struct config *config);

#endif
