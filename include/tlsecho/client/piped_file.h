/* SPDX-License-Identifier: MIT */
/*
 * Files that are pipes, as a shell's <(command) is: they can be read once only, and some are read
 * more often (a certificate and its key in one; two endpoints).
 *
 * Ownership: the copies live as long as the process.   Threads: one.
 */
#ifndef TLSECHO_PIPED_FILE_H
#define TLSECHO_PIPED_FILE_H

#include "tlsecho/base/error.h"

enum { PIPED_FILE_PATH_BYTES = 32 };

/*
 * Where *path is a pipe, reads it to its end, which may take as long as its writer does, and makes
 * *path that of a copy in memory (memfd_create(2)) that nobody else can open: ret_path is room for
 * it. Any other path, or NULL, stays as it is. ERROR_INPUT: over 1 MiB; ERROR_SYSTEM.
 */
int piped_file_keep(const char **path, char ret_path[PIPED_FILE_PATH_BYTES], struct error *err);

/* Puts the names that the pipes had in the place of their copies' in err. Always returns -1. */
int piped_file_name(struct error *err);

#endif
