/* SPDX-License-Identifier: MIT */
#include "config_value.h"

#include <string.h>

#include "tlsecho/base/text.h"

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
    char brief[TEXT_BRIEF_BYTES];
    text_brief(text, brief);
    return error_set(err, ERROR_INPUT, "\"%s\" is not a switch: write on or off", brief);
}
