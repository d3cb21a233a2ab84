/* SPDX-License-Identifier: MIT */
/*
 * Prints the filter of system calls for the machine that it is built for, as C: the build runs it.
 * Calls that the machine does not have are left out.
 */
#include <errno.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "privilege_calls.h"
#include "privilege_filter.h"

/* Like libseccomp's own functions these return 0 or -errno. */
static int add(scmp_filter_ctx filter, uint32_t action, const char *name, unsigned conditions,
               const struct scmp_arg_cmp *condition)
{
    int number = seccomp_syscall_resolve_name(name);
    return number == __NR_SCMP_ERROR
               ? 0
               : seccomp_rule_add_array(filter, action, number, conditions, condition);
}

static int allow(scmp_filter_ctx filter, const struct privilege_call *call)
{
    const struct scmp_arg_cmp condition = {
        .arg = call->argument,
        .op = SCMP_CMP_MASKED_EQ,
        .datum_a = call->mask,
        .datum_b = call->value,
    };
    return add(filter, SCMP_ACT_ALLOW, call->name, call->mask ? 1 : 0, &condition);
}

/* abort(3) sends a signal to this process; signals to others stay forbidden. */
static int allow_abort(scmp_filter_ctx filter)
{
    const struct scmp_arg_cmp ourselves = {
        .arg = 0, .op = SCMP_CMP_EQ, .datum_a = PRIVILEGE_OURSELVES};
    return add(filter, SCMP_ACT_ALLOW, "tgkill", 1, &ourselves);
}

/* The arguments of clone3(2) are in memory, where a filter cannot read them. On ENOSYS the C
 * library falls back to clone(2). */
static int hide_clone3(scmp_filter_ctx filter)
{
    return add(filter, SCMP_ACT_ERRNO(ENOSYS), "clone3", 0, NULL);
}

static int make(scmp_filter_ctx filter, FILE *binary)
{
    int result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a binary tree */
    if (result == 0)
        result = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(EPERM));
    if (result == 0)
        result = hide_clone3(filter);
    if (result == 0)
        result = allow_abort(filter);
    for (const struct privilege_call *call = privilege_calls; call->name && result == 0; call++)
        result = allow(filter, call);
    return result == 0 ? seccomp_export_bpf(filter, fileno(binary)) : result;
}

static void print(const struct sock_filter *code, size_t n)
{
    const struct scmp_version *version = seccomp_version();
    printf("#include \"privilege_filter.h\"\n\nconst struct privilege_filter privilege_filter = {\n"
           "    .libseccomp = \"%u.%u.%u\",\n    .n = %zu,\n    .code = {\n",
           version->major, version->minor, version->micro, n);
    for (size_t i = 0; i < n; i++)
        printf("        {0x%02x, %u, %u, 0x%08x},\n", code[i].code, code[i].jt, code[i].jf,
               code[i].k);
    puts("    },\n};");
}

/* The server replaces each instruction that compares with PRIVILEGE_OURSELVES. */
static size_t count_ourselves(const struct sock_filter *code, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += code[i].k == PRIVILEGE_OURSELVES;
    return count;
}

int main(void)
{
    struct sock_filter code[PRIVILEGE_FILTER_MAX + 1];
    FILE *binary = tmpfile();
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int result = binary && filter ? make(filter, binary) : -ENOMEM;
    seccomp_release(filter);
    if (result < 0) {
        fprintf(stderr, "the filter of system calls cannot be made: %s\n", strerror(-result));
        return 1;
    }
    rewind(binary);
    size_t n = fread(code, sizeof code[0], PRIVILEGE_FILTER_MAX + 1, binary);
    fclose(binary);
    if (n == 0 || n > PRIVILEGE_FILTER_MAX || count_ourselves(code, n) != 1) {
        fprintf(stderr,
                "the filter of system calls has %zu instructions, at most %d are possible; "
                "%zu compare with the process ID, it has to be 1\n",
                n, PRIVILEGE_FILTER_MAX, count_ourselves(code, n));
        return 1;
    }
    print(code, n);
    return fflush(stdout) == 0 ? 0 : 1;
}
