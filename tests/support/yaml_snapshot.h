/* SPDX-License-Identifier: MIT */
/*
 * A config_snapshot from the text of a configuration; any error in it fails the test.
 *
 * Ownership: config_snapshot_free.   Threads: one.
 */
#ifndef TLSECHO_TEST_YAML_SNAPSHOT_H
#define TLSECHO_TEST_YAML_SNAPSHOT_H

#include "tlsecho/server/config_snapshot.h"

/* The file's name in messages is test.yaml. */
const struct config_snapshot *yaml_snapshot(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

#endif
