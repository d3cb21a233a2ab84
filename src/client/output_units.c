/* SPDX-License-Identifier: MIT */
/* Numbers as people read them: three digits and a unit. */
#include <stdio.h>

#include "output_internal.h"

static int decimals(double value)
{
    return value < 10 ? 2 : value < 100 ? 1 : 0;
}

const char *output_time_text(double ns, char ret[OUTPUT_UNIT_BYTES])
{
    static const struct {
        double ns;
        const char *unit;
    } units[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "us"}, {1, "ns"}};
    size_t i = 0;
    while (i < 3 && ns < units[i].ns)
        i++;
    double value = ns / units[i].ns;
    snprintf(ret, OUTPUT_UNIT_BYTES, "%.*f %s", decimals(value), value, units[i].unit);
    return ret;
}

const char *output_bytes_text(double bytes, char ret[OUTPUT_UNIT_BYTES])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t i = 0;
    for (; i < 4 && bytes >= 1024; i++)
        bytes /= 1024;
    snprintf(ret, OUTPUT_UNIT_BYTES, "%.*f %s", i == 0 ? 0 : decimals(bytes), bytes, units[i]);
    return ret;
}
