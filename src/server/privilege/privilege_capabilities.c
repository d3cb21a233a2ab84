/* SPDX-License-Identifier: MIT */
/* Capabilities, by system calls: three of them do not justify a dependency on libcap. */
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "privilege_internal.h"

/* Both halves of the 64 bits, capget(2). */
struct sets {
    struct __user_cap_data_struct half[_LINUX_CAPABILITY_U32S_3];
};

static struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};

static int get(struct sets *ret)
{
    return (int)syscall(SYS_capget, &header, ret->half);
}

static bool is_empty(const struct sets *sets)
{
    for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
        if (sets->half[i].effective | sets->half[i].permitted | sets->half[i].inheritable)
            return false;
    return true;
}

enum privilege_result privilege_empty_bounding_set(struct privilege_step *step, struct error *err)
{
    (void)step;
    for (unsigned long i = 0; prctl(PR_CAPBSET_READ, i) >= 0; i++) {
        if (prctl(PR_CAPBSET_DROP, i) == 0)
            continue;
        if (errno == EPERM) /* without CAP_SETPCAP: no_new_privs does the same */
            return PRIVILEGE_KEPT;
        error_sys(err, "empty the bounding set");
        return PRIVILEGE_FAILED;
    }
    return PRIVILEGE_DONE;
}

enum privilege_result privilege_empty_capabilities(struct privilege_step *step, struct error *err)
{
    struct sets before, after, none = {0};
    if (get(&before) < 0) {
        error_sys(err, "read the capabilities");
        return PRIVILEGE_FAILED;
    }
    snprintf(step->detail, sizeof step->detail, "none left");
    if (is_empty(&before)) /* so is the ambient set; another prctl may be forbidden */
        return PRIVILEGE_KEPT;
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (syscall(SYS_capset, &header, none.half) < 0 || get(&after) < 0) {
        error_sys(err, "drop the capabilities");
        return PRIVILEGE_FAILED;
    }
    if (!is_empty(&after)) {
        error_set(err, ERROR_SYSTEM, "capabilities remain after they were dropped");
        return PRIVILEGE_FAILED;
    }
    return PRIVILEGE_DONE;
}
