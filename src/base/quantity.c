/* SPDX-License-Identifier: MIT */
#include "tlsecho/base/quantity.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "tlsecho/base/text.h"

struct unit {
    const char *suffix;
    uint64_t factor;
};

/* Largest first; of equal units the first is used for output. The last is the base unit. */
static const struct unit sizes[] = {
    {"GiB", UINT64_C(1) << 30},
    {"G", 1000000000},
    {"MiB", UINT64_C(1) << 20},
    {"M", 1000000},
    {"KiB", UINT64_C(1) << 10},
    {"K", UINT64_C(1) << 10},
    {"k", 1000},
    {"", 1},
};

static const struct unit times[] = {
    {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1},
};

enum { SIZES = sizeof sizes / sizeof *sizes, TIMES = sizeof times / sizeof *times };

enum reading { READ, NOT_READ, TOO_LARGE };

/* digits * 10^exponent */
struct number {
    uint64_t digits;
    int exponent;
    bool too_large; /* for these fields */
};

static void take_digit(char c, struct number *number)
{
    uint64_t digits;
    number->too_large |= __builtin_mul_overflow(number->digits, 10, &digits) ||
                         __builtin_add_overflow(digits, (uint64_t)(c - '0'), &digits);
    number->digits = digits;
}

/* Parses what follows an `e`; false if it is not an exponent, or is too small. */
static bool take_exponent(const char **text, struct number *number)
{
    const char *c = *text;
    bool negative = *c == '-';
    c += *c == '-' || *c == '+';
    size_t n = strspn(c, "0123456789");
    if (n == 0 || (n > 3 && negative))
        return false;
    number->too_large |= n > 3;
    int value = 0;
    for (size_t i = 0; i < n && i < 3; i++)
        value = value * 10 + (c[i] - '0');
    number->exponent += negative ? -value : value;
    *text = c + n;
    return true;
}

/* Parses a number, and returns what follows it. False if there is none. */
static bool take_number(const char *text, struct number *ret, const char **ret_rest)
{
    struct number number = {0};
    bool any = false, fraction = false;
    const char *c = text;
    for (; (*c >= '0' && *c <= '9') || (*c == '.' && !fraction); c++) {
        if (*c == '.') {
            fraction = true;
            continue;
        }
        take_digit(*c, &number);
        number.exponent -= fraction;
        any = true;
    }
    if (!any)
        return false;
    if (*c == 'e' || *c == 'E') {
        c++;
        if (!take_exponent(&c, &number))
            return false;
    }
    *ret = number;
    *ret_rest = c;
    return true;
}

/* The number times a factor, rounded up. False if it is too large. */
static bool multiply(struct number number, uint64_t factor, uint64_t *ret, bool *ret_rounded)
{
    uint64_t value = number.digits;
    bool rounded = false;
    for (; number.exponent < 0 && value && value % 10 == 0; number.exponent++)
        value /= 10;
    if (__builtin_mul_overflow(value, factor, &value))
        return false;
    for (; number.exponent > 0 && value; number.exponent--)
        if (__builtin_mul_overflow(value, 10, &value))
            return false;
    for (; number.exponent < 0 && value; number.exponent++) {
        rounded |= value % 10 != 0;
        value /= 10;
    }
    *ret = value + rounded;
    *ret_rounded = rounded;
    return true;
}

static enum reading read_quantity(const char *text, const struct unit *units, int n, uint64_t *ret,
                                  bool *ret_rounded)
{
    struct number number;
    const char *suffix;
    if (!take_number(text, &number, &suffix))
        return NOT_READ;
    for (int i = 0; i < n; i++) {
        if (strcmp(suffix, units[i].suffix) != 0)
            continue;
        bool fits = !number.too_large && multiply(number, units[i].factor, ret, ret_rounded);
        return fits ? READ : TOO_LARGE;
    }
    return NOT_READ;
}

static int refuse(const char *text, const char *why, struct error *err)
{
    char brief[TEXT_BRIEF_BYTES];
    text_brief(text, brief);
    return error_set(err, ERROR_INPUT, "\"%s\" %s", brief, why);
}

static int refuse_reading(const char *text, enum reading reading, const char *why,
                          struct error *err)
{
    return refuse(text, reading == TOO_LARGE ? "is too large" : why, err);
}

int quantity_parse_real(const char *text, double *ret, struct error *err)
{
    struct number number;
    const char *rest;
    if (!take_number(text, &number, &rest) || *rest || number.too_large)
        return error_set(err, ERROR_INPUT, "'%s' is not a number: write 100, 2.5 or 1e3", text);
    *ret = (double)number.digits * pow(10, number.exponent);
    return 0;
}

int quantity_parse_count(const char *text, uint64_t *ret, struct error *err)
{
    uint64_t value;
    bool rounded = false;
    enum reading reading = read_quantity(text, &sizes[SIZES - 1], 1, &value, &rounded);
    if (reading != READ || rounded)
        return refuse_reading(text, reading, "is not a number: write digits only, such as 100",
                              err);
    *ret = value;
    return 0;
}

int quantity_parse_size(const char *text, uint64_t *ret_bytes, struct error *err)
{
    uint64_t value;
    bool rounded = false;
    enum reading reading = read_quantity(text, sizes, SIZES, &value, &rounded);
    if (reading != READ || rounded)
        return refuse_reading(
            text, reading,
            "is not a size: write whole bytes, or a number with K, KiB, MiB, GiB, k, M or "
            "G, such as 64KiB",
            err);
    *ret_bytes = value;
    return 0;
}

int quantity_parse_time(const char *text, enum quantity_bare bare, uint64_t *ret_ms,
                        struct error *err)
{
    static const struct unit seconds = {"", 1000};
    uint64_t value;
    bool rounded;
    enum reading reading = read_quantity(text, times, TIMES, &value, &rounded);
    if (reading == NOT_READ) {
        reading = read_quantity(text, &seconds, 1, &value, &rounded);
        if (reading == READ && bare == QUANTITY_BARE_REFUSED && value != 0)
            return refuse(text, "has no unit: write ms, s, m, h or d after it, such as 10s", err);
    }
    if (reading != READ)
        return refuse_reading(
            text, reading, "is not a time: write a number with ms, s, m, h or d, such as 10s", err);
    *ret_ms = value;
    return 0;
}

static void print_quantity(uint64_t value, const struct unit *units, char ret[QUANTITY_BYTES])
{
    while (value % units->factor != 0)
        units++;
    snprintf(ret, QUANTITY_BYTES, "%" PRIu64 "%s", value / units->factor,
             value ? units->suffix : "");
}

void quantity_count_text(uint64_t count, char ret[QUANTITY_BYTES])
{
    print_quantity(count, &sizes[SIZES - 1], ret);
}

void quantity_size_text(uint64_t bytes, char ret[QUANTITY_BYTES])
{
    print_quantity(bytes, sizes, ret);
}

void quantity_time_text(uint64_t ms, char ret[QUANTITY_BYTES])
{
    print_quantity(ms, times, ret);
}

const char *quantity_grouped_text(uint64_t n, char ret[QUANTITY_BYTES])
{
    char digits[QUANTITY_BYTES];
    size_t length = (size_t)snprintf(digits, sizeof digits, "%" PRIu64, n), at = 0;
    for (size_t i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            ret[at++] = ',';
        ret[at++] = digits[i];
    }
    ret[at] = '\0';
    return ret;
}
