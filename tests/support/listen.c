/* SPDX-License-Identifier: MIT */
#include "listen.h"

#include <check.h>
#include <stdlib.h>

int listen_as(const struct settings *settings, const struct listening *held, struct listening *ret,
              struct error *err)
{
    struct listen_spec *specs;
    size_t count;
    ck_assert_int_eq(listening_specs(settings, &specs, &count, err), 0);
    int result = listening_open(specs, count, held, ret, err);
    free(specs);
    return result;
}
