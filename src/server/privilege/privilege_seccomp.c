/* SPDX-License-Identifier: MIT */
/* Allows the system calls of privilege_calls, and no others. */
#include "privilege_internal.h"

#ifdef TLSECHO_SECCOMP

#include <errno.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "privilege_calls.h"
#include "privilege_filter.h"

unsigned privilege_list_calls(char *ret, size_t size)
{
    const char *last = "";
    unsigned count = 0;
    size_t used = 0;
    ret[0] = '\0';
    for (const struct privilege_call *call = privilege_calls; call->name && used < size; call++) {
        if (strcmp(call->name, last) == 0)
            continue;
        used += (size_t)snprintf(ret + used, size - used, "%s%s", count ? " " : "", call->name);
        last = call->name;
        count++;
    }
    return count;
}

const char *privilege_seccomp_version(void)
{
    return privilege_filter.libseccomp;
}

static int load(void)
{
    struct sock_filter code[PRIVILEGE_FILTER_MAX];
    for (unsigned i = 0; i < privilege_filter.n; i++) {
        code[i] = privilege_filter.code[i];
        if (code[i].k == PRIVILEGE_OURSELVES)
            code[i].k = (uint32_t)getpid();
    }
    const struct sock_fprog program = {.len = privilege_filter.n, .filter = code};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}

enum privilege_result privilege_restrict_calls(struct privilege_step *step, struct error *err)
{
    if (load() < 0) {
        error_sys(err, "restrict the system calls with seccomp");
        return privilege_result_of(err);
    }
    char names[PRIVILEGE_CALLS_BYTES];
    snprintf(step->detail, sizeof step->detail, "%u system calls are allowed, others fail: %s",
             privilege_list_calls(names, sizeof names), strerror(EPERM));
    return PRIVILEGE_DONE;
}

#else

unsigned privilege_list_calls(char *ret, size_t size)
{
    (void)size;
    ret[0] = '\0';
    return 0;
}

const char *privilege_seccomp_version(void)
{
    return NULL;
}

/* 32-bit machines use other system calls, which are not tested. */
enum privilege_result privilege_restrict_calls(struct privilege_step *step, struct error *err)
{
    (void)step;
    error_set(err, ERROR_SYSTEM, "%s",
              sizeof(void *) < 8 ? "seccomp is used on 64-bit machines only"
                                 : "tlsecho-server was built without libseccomp");
    return PRIVILEGE_MISSING;
}

#endif
