/* SPDX-License-Identifier: MIT */
/*
 * Whether the files that a configuration names have changed. Asked again and again rather than told
 * by inotify(7): a symbolic link swapped anywhere on the way, a rename into place and a network
 * file system are then all the same, and a few stat(2) calls a second cost nothing.
 *
 * Ownership: none.   Threads: any.
 */
#ifndef TLSECHO_CONFIG_STAMP_H
#define TLSECHO_CONFIG_STAMP_H

#include <stdint.h>

#include "tlsecho/server/config.h"

/* A digest of what stat(2) says of every file named: another one means that a file is another one.
 */
uint64_t config_stamp(const struct config *config);

#endif
