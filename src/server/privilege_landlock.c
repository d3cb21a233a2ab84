/* SPDX-License-Identifier: MIT */
#include "privilege_internal.h"

enum privilege_result privilege_restrict_files(struct privilege_step *step, struct error *err)
{
    (void)step;
    error_set(err, ERROR_SYSTEM, "it is not built in");
    return PRIVILEGE_MISSING;
}
