/* SPDX-License-Identifier: MIT */
/*
 * The state while a configuration is read: the path of the current key, for errors.
 *
 * Ownership: a value; points to the caller's.   Threads: one.
 */
#ifndef TLSECHO_CONFIG_READER_H
#define TLSECHO_CONFIG_READER_H

#include <stdbool.h>
#include <stddef.h>

#include "tlsecho/server/config.h"

enum { CONFIG_PATH_BYTES = 192 };

struct config_reader {
    struct config *config;
    char path[CONFIG_PATH_BYTES]; /* of the key being read: listeners[0].tls */
    size_t path_length;
    bool in_default; /* a default is being read: it has no place */
    struct error *err;
};

/* Appends a key of a mapping, or an entry of a list, to the path. Each returns the length before,
 * which config_reader_leave takes to remove it again. */
size_t config_reader_enter_key(struct config_reader *r, const char *name);
size_t config_reader_enter_entry(struct config_reader *r, size_t i);
void config_reader_leave(struct config_reader *r, size_t before);

/* config_refuse with the path of the key being read. Always returns -1. */
int config_reader_refuse(struct config_reader *r, struct config_place place, const char *format,
                         ...) __attribute__((format(printf, 3, 4)));
#define config_reader_refuse(...) error_minus_one(config_reader_refuse(__VA_ARGS__))

#endif
