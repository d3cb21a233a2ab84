/* SPDX-License-Identifier: MIT */
#include "tlsecho/privilege.h"

#include <sys/prctl.h>

int privilege_forbid_dumps(struct error *err)
{
    if (prctl(PR_SET_DUMPABLE, 0) < 0)
        return error_sys(err, "forbid core dumps");
    return 0;
}
