/* SPDX-License-Identifier: MIT */
#include "listen.h"

#include <check.h>
#include <stdlib.h>

int listen_as(const struct config_snapshot *snapshot, const struct listen_set *held,
              struct listen_set *ret, struct error *err)
{
    struct listen_spec *specs;
    size_t count;
    ck_assert_int_eq(listen_set_specs(snapshot, &specs, &count, err), 0);
    int result = listen_set_open(specs, count, held, ret, err);
    free(specs);
    return result;
}
