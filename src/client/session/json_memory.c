/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/json_memory.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

static bool ran_out;

static void *allocate(size_t n)
{
    void *memory = malloc(n);
    ran_out |= !memory;
    return memory;
}

void json_memory_watch(void)
{
    json_set_alloc_funcs(allocate, free);
}

bool json_memory_ran_out(void)
{
    bool ret = ran_out;
    ran_out = false;
    return ret;
}

int json_memory_check(int result, struct error *err)
{
    if (!json_memory_ran_out())
        return result;
    errno = ENOMEM;
    return error_sys(err, "memory for JSON");
}
