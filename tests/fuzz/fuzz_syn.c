/* SPDX-License-Identifier: MIT */
/* The headers of a SYN from anyone: nothing is read beyond them, and what is behind them or cut off
 * changes nothing. */
#include <stdlib.h>
#include <string.h>

#include "tlsecho/net/syn.h"

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void require_sound(const struct syn *syn)
{
    char text[SYN_OPTION_TEXT_BYTES];
    require(syn->option_count <= SYN_OPTIONS_MAX && syn->dscp < 64 && syn->ttl < 256);
    require(syn->mss >= -1 && syn->mss <= UINT16_MAX && syn->window <= UINT16_MAX);
    require(syn->window_scale >= -1 && syn->window_scale <= UINT8_MAX);
    require(syn->malformed >= -1 && syn->malformed <= SYN_OPTION_KIND_MAX);
    require(syn->timestamps || (syn->tsval == 0 && syn->tsecr == 0));
    for (size_t i = 0; i < syn->option_count; i++) {
        syn_option_text(syn->options[i], text);
        require(memchr(text, '\0', sizeof text) && *text);
    }
}

/* Whether both say the same: no padding is compared. */
static bool is_same(const struct syn *a, const struct syn *b)
{
    return a->mss == b->mss && a->window_scale == b->window_scale && a->sack == b->sack &&
           a->tsval == b->tsval && a->malformed == b->malformed &&
           a->option_count == b->option_count &&
           memcmp(a->options, b->options, sizeof a->options) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct syn whole, part;
    if (!syn_parse(data, size, &whole))
        return 0;
    require_sound(&whole);
    for (size_t n = size; n-- > 0;) {
        unsigned char *copy = malloc(n + 1);
        if (!copy)
            break;
        memcpy(copy + 1, data, n);
        bool parsed = syn_parse(copy + 1, n, &part);
        free(copy);
        if (!parsed)
            break;
        require(is_same(&part, &whole));
    }
    return 0;
}
