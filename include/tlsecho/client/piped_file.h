/* SPDX-License-Identifier: MIT */
/*
 * Files that are pipes, such as a shell's <(command): they can be read only once, but some are read
 * more often (a certificate and its key in one file; two endpoints).
 *
 * Ownership: the copies live as long as the process.   Threads: one.
 */
#ifndef TLSECHO_PIPED_FILE_H
#define TLSECHO_PIPED_FILE_H

#include "tlsecho/base/error.h"

enum { PIPED_FILE_PATH_BYTES = 32 };

/*
 * If *path is a pipe, reads it to its end, however long its writer takes, and sets *path to a copy
 * in memory (memfd_create(2)) that no other user can open; ret_path has room for it. Any other
 * path, or NULL, stays as it is. ERROR_INPUT: over 1 MiB; ERROR_SYSTEM.
 */
int piped_file_keep(const char **path, char ret_path[PIPED_FILE_PATH_BYTES], struct error *err);

/* Replaces the names of copies in err by those of their pipes. Always returns -1. */
int piped_file_name(struct error *err);

#endif
