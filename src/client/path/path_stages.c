/* SPDX-License-Identifier: MIT */
#include "path_internal.h"

/* In the order in which they run. */
const struct path_stage path_stages[] = {
    {.name = "client-hello", .need = PATH_NEEDS_TLS, .run = stage_client_hello_run},
    {.name = "size", .need = PATH_NEEDS_SERVER, .run = stage_size_run},
    {.name = "syn", .need = PATH_NEEDS_SERVER, .run = stage_syn_run},
    {.name = "names", .need = PATH_NEEDS_TLS, .run = stage_names_run},
    {.name = "idle", .need = PATH_NEEDS_SERVER, .asked_for = true, .run = stage_idle_run},
};

const size_t path_stages_count = sizeof path_stages / sizeof *path_stages;

_Static_assert(sizeof path_stages / sizeof *path_stages <= PATH_STAGES_MAX,
               "a verdict has room for every stage");

size_t path_stage_names(const char *ret[PATH_STAGES_MAX])
{
    for (size_t i = 0; i < path_stages_count; i++)
        ret[i] = path_stages[i].name;
    return path_stages_count;
}
