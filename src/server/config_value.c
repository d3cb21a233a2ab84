/* SPDX-License-Identifier: MIT */
#include "tlsecho/config_value.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct unit {
    const char *suffix;
    uint64_t factor;
};

/* Largest first, and at the end what the number counts by itself. */
static const struct unit sizes[] = {
    {"GiB", UINT64_C(1) << 30},
    {"G", 1000000000},
    {"MiB", UINT64_C(1) << 20},
    {"M", 1000000},
    {"KiB", UINT64_C(1) << 10},
    {"k", 1000},
    {"", 1},
};

static const struct unit times[] = {
    {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1},
};

enum { SIZES = sizeof sizes / sizeof *sizes, TIMES = sizeof times / sizeof *times };

int config_value_switch(const char *text, bool *ret, struct error *err)
{
    static const struct {
        const char *off, *on;
    } words[] = {{"off", "on"}, {"false", "true"}, {"no", "yes"}};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        bool on = strcmp(text, words[i].on) == 0;
        if (on || strcmp(text, words[i].off) == 0) {
            *ret = on;
            return 0;
        }
    }
    char brief[CONFIG_VALUE_BYTES];
    config_value_brief(text, brief);
    return error_set(err, ERROR_INPUT, "\"%s\" is no switch: write on or off", brief);
}

/* Leading digits; -1 if there are none or the number does not fit. */
static int read_digits(const char *text, uint64_t *ret, const char **ret_end)
{
    uint64_t value = 0;
    const char *c = text;
    for (; *c >= '0' && *c <= '9'; c++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*c - '0'), &value))
            return -1;
    if (c == text)
        return -1;
    *ret = value;
    *ret_end = c;
    return 0;
}

/* A number and one of the units. */
static int read_measure(const char *text, const struct unit *units, int n, uint64_t *ret)
{
    uint64_t value;
    const char *suffix;
    if (read_digits(text, &value, &suffix))
        return -1;
    for (int i = 0; i < n; i++) {
        if (strcmp(suffix, units[i].suffix) == 0) {
            if (__builtin_mul_overflow(value, units[i].factor, &value))
                return -1;
            *ret = value;
            return 0;
        }
    }
    return -1;
}

int config_value_count(const char *text, uint64_t *ret, struct error *err)
{
    uint64_t value;
    const char *end;
    if (read_digits(text, &value, &end) == 0 && *end == '\0') {
        *ret = value;
        return 0;
    }
    char brief[CONFIG_VALUE_BYTES];
    config_value_brief(text, brief);
    return error_set(err, ERROR_INPUT, "\"%s\" is no number: write digits only, such as 100",
                     brief);
}

int config_value_size(const char *text, uint64_t *ret_bytes, struct error *err)
{
    if (read_measure(text, sizes, SIZES, ret_bytes) == 0)
        return 0;
    char brief[CONFIG_VALUE_BYTES];
    config_value_brief(text, brief);
    return error_set(err, ERROR_INPUT,
                     "\"%s\" is no size: write a whole number of bytes, or one with KiB, MiB, GiB, "
                     "k, M or G, such as 64KiB",
                     brief);
}

int config_value_time(const char *text, uint64_t *ret_ms, struct error *err)
{
    if (strcmp(text, "0") == 0) {
        *ret_ms = 0;
        return 0;
    }
    if (read_measure(text, times, TIMES, ret_ms) == 0)
        return 0;
    char brief[CONFIG_VALUE_BYTES];
    config_value_brief(text, brief);
    if (text[0] && strspn(text, "0123456789") == strlen(text))
        return error_set(err, ERROR_INPUT,
                         "\"%s\" has no unit: write ms, s, m, h or d behind it, "
                         "such as 10s",
                         brief);
    return error_set(err, ERROR_INPUT,
                     "\"%s\" is no time: write a whole number with ms, s, m, h or d, such as 10s",
                     brief);
}

static void print_measure(uint64_t value, const struct unit *units, char ret[CONFIG_VALUE_BYTES])
{
    while (value % units->factor != 0)
        units++;
    snprintf(ret, CONFIG_VALUE_BYTES, "%" PRIu64 "%s", value / units->factor,
             value ? units->suffix : "");
}

void config_value_count_text(uint64_t count, char ret[CONFIG_VALUE_BYTES])
{
    snprintf(ret, CONFIG_VALUE_BYTES, "%" PRIu64, count);
}

void config_value_size_text(uint64_t bytes, char ret[CONFIG_VALUE_BYTES])
{
    print_measure(bytes, sizes, ret);
}

void config_value_time_text(uint64_t ms, char ret[CONFIG_VALUE_BYTES])
{
    print_measure(ms, times, ret);
}

void config_value_brief(const char *text, char ret[CONFIG_VALUE_BYTES])
{
    size_t length = strlen(text);
    if (length < CONFIG_VALUE_BYTES) {
        memcpy(ret, text, length + 1);
        return;
    }
    size_t cut = CONFIG_VALUE_BYTES - sizeof "...";
    while (cut > 0 && ((unsigned char)text[cut] & 0xc0) == 0x80) /* not inside a character */
        cut--;
    memcpy(ret, text, cut);
    memcpy(ret + cut, "...", sizeof "...");
}

/* The character at s (RFC 3629 §4) and its length; 0 if there is none. */
static size_t read_character(const unsigned char *s, uint32_t *ret)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    uint32_t code = length == 1 ? s[0] : s[0] & (0x7fu >> length);
    if ((s[0] >= 0x80 && s[0] < 0xc0) || s[0] >= 0xf8)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (s[i] & 0x3f);
    }
    if (code < least[length] || (code >= 0xd800 && code < 0xe000) || code > 0x10ffff)
        return 0;
    *ret = code;
    return length;
}

bool config_value_printable(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    while (*s) {
        uint32_t code;
        size_t length = read_character(s, &code);
        if (length == 0)
            return false;
        bool control = code < 0x20 || (code >= 0x7f && code < 0xa0);
        bool separator = code == 0x2028 || code == 0x2029 || code == 0xfeff;
        if (control || separator || code == 0xfffe || code == 0xffff)
            return false;
        s += length;
    }
    return true;
}
