/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/output_units.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

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
    bool exact = i == 0 && bytes == (double)(uint64_t)bytes;
    snprintf(ret, OUTPUT_UNIT_BYTES, "%.*f %s", exact ? 0 : decimals(bytes), bytes, units[i]);
    return ret;
}

const char *output_bits_text(double bits, char ret[OUTPUT_UNIT_BYTES])
{
    static const char *const units[] = {"bit", "kbit", "Mbit", "Gbit", "Tbit"};
    size_t i = 0;
    for (; i < 4 && bits >= 1000; i++)
        bits /= 1000;
    snprintf(ret, OUTPUT_UNIT_BYTES, "%.*f %s", decimals(bits), bits, units[i]);
    return ret;
}

const char *output_count_text(double count, char ret[OUTPUT_UNIT_BYTES])
{
    snprintf(ret, OUTPUT_UNIT_BYTES, "%.*f", decimals(count), count);
    return ret;
}
