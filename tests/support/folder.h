/* SPDX-License-Identifier: MIT */
/*
 * A folder of a test's own for its files.
 *
 * Ownership: the test removes it.   Threads: one.
 */
#ifndef TLSECHO_TEST_FOLDER_H
#define TLSECHO_TEST_FOLDER_H

#include <stddef.h>

enum { FOLDER_PATH_BYTES = 64, FOLDER_FILE_BYTES = 100 };

struct folder {
    char path[FOLDER_PATH_BYTES];
    char file[FOLDER_FILE_BYTES]; /* of the last folder_file */
};

void folder_new(struct folder *folder);
void folder_remove(struct folder *folder);

/* The path of a file in it, valid until the next call. */
const char *folder_file(struct folder *folder, const char *name);

/* Writes a file and returns its path as folder_file does. */
const char *folder_write(struct folder *folder, const char *name, const void *data, size_t size);

#endif
