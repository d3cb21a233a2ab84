/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/expect_kind.h"

#include <string.h>

static const char *const names[] = {
    [EXPECT_ECHO] = "echo",   [EXPECT_UPPER] = "upper", [EXPECT_NONE] = "none",
    [EXPECT_HELLO] = "hello", [EXPECT_STAMP] = "stamp",
};

int expect_kind_find(const char *name, enum expect_kind *ret, struct error *err)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) == 0) {
            *ret = (enum expect_kind)i;
            return 0;
        }
    }
    return error_set(err, ERROR_INPUT,
                     "'%.160s' is not known: give echo, upper, hello, none or stamp", name);
}

const char *expect_kind_name(enum expect_kind kind)
{
    return names[kind];
}
