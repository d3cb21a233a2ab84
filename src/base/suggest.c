/* SPDX-License-Identifier: MIT */
#include "tlsecho/base/suggest.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { WORD_BYTES = 64 }; /* longer words get no suggestion */

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static int same_letter(char a, char b)
{
    return strncasecmp(&a, &b, 1) == 0;
}

/* How many letters must be added, dropped, changed or swapped with their neighbour to get from one
 * word to the other: the optimal string alignment distance. */
static unsigned distance(const char *a, const char *b)
{
    size_t rows = strlen(a), columns = strlen(b);
    if (rows > WORD_BYTES || columns > WORD_BYTES)
        return UINT_MAX;

    unsigned cost[WORD_BYTES + 1][WORD_BYTES + 1];
    for (size_t i = 0; i <= rows; i++)
        cost[i][0] = (unsigned)i;
    for (size_t j = 0; j <= columns; j++)
        cost[0][j] = (unsigned)j;
    for (size_t i = 1; i <= rows; i++) {
        for (size_t j = 1; j <= columns; j++) {
            unsigned changed = cost[i - 1][j - 1] + !same_letter(a[i - 1], b[j - 1]);
            cost[i][j] = least(changed, least(cost[i - 1][j], cost[i][j - 1]) + 1);
            if (i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2]) &&
                same_letter(a[i - 2], b[j - 1]))
                cost[i][j] = least(cost[i][j], cost[i - 2][j - 2] + 1);
        }
    }
    return cost[rows][columns];
}

/* Whole names only; "..." replaces those that do not fit. */
static void list_names(const char *const *names, size_t count, char *ret, size_t size)
{
    static const char rest[] = ", ...";
    size_t used = 0;
    ret[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        const char *comma = i ? ", " : "";
        bool fits = used + strlen(comma) + strlen(names[i]) + sizeof rest <= size;
        used += (size_t)snprintf(ret + used, size - used, "%s%s", fits ? comma : "",
                                 fits ? names[i] : rest);
        if (!fits)
            return;
    }
}

void suggest_list(const char *const *names, size_t count, char ret[SUGGEST_BYTES])
{
    list_names(names, count, ret, SUGGEST_BYTES);
}

void suggest_name(const char *word, const char *const *names, size_t count, char ret[SUGGEST_BYTES])
{
    /* At most one letter in three may differ. */
    unsigned nearest = (unsigned)(strlen(word) + 5) / 3;
    size_t meant = count;
    for (size_t i = 0; i < count; i++) {
        unsigned here = distance(word, names[i]);
        if (here < nearest) {
            nearest = here;
            meant = i;
        }
    }
    if (meant < count) {
        snprintf(ret, SUGGEST_BYTES, "did you mean %s?", names[meant]);
        return;
    }
    char list[SUGGEST_BYTES - sizeof "write one of"];
    list_names(names, count, list, sizeof list);
    snprintf(ret, SUGGEST_BYTES, "write one of %s", list);
}
