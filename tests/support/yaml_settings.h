/* SPDX-License-Identifier: MIT */
/*
 * Settings from the text of a configuration; whatever is wrong with it, fails the test.
 *
 * Ownership: settings_free.   Threads: one.
 */
#ifndef TLSECHO_TEST_YAML_SETTINGS_H
#define TLSECHO_TEST_YAML_SETTINGS_H

#include "tlsecho/server/config_snapshot.h"

/* The file's name in messages is test.yaml. */
const struct config_snapshot *yaml_settings(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

#endif
