/* SPDX-License-Identifier: MIT */
#include "yaml_snapshot.h"
#include "tlsecho/server/config_load.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>

const struct config_snapshot *yaml_snapshot(const char *format, ...)
{
    char text[2048];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    ck_assert_int_lt(n, (int)sizeof text);

    struct config *config;
    const struct config_snapshot *snapshot;
    struct error err;
    ck_assert_msg(config_parse("test.yaml", text, (size_t)n, &config, &err) == 0, "%s", err.text);
    ck_assert_msg(config_snapshot_new(config, NULL, &snapshot, &err) == 0, "%s", err.text);
    return snapshot;
}
