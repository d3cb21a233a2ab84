/* SPDX-License-Identifier: MIT */
/* Allows the system calls that serving, reloading and stopping need, and no others. */
#include "privilege_internal.h"

/* 32-bit architectures use other system calls, which are not tested. */
#if defined(TLSECHO_SECCOMP) && __SIZEOF_POINTER__ == 8

#include <errno.h>
#include <linux/sockios.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* A call is allowed if the bits of the mask in its argument have that value; mask 0 = always. */
struct call {
    const char *name;
    unsigned argument;
    uint64_t mask, value;
};

#define AN_INT UINT32_MAX /* the kernel ignores the other bits */

#ifdef __s390x__
enum { CLONE_FLAGS = 1 }; /* clone(2) */
#else
enum { CLONE_FLAGS = 0 };
#endif

static const struct call calls[] = {
    /* memory */
    {"brk", 0, 0, 0},
    {"madvise", 0, 0, 0},
    {"mmap", 2, PROT_EXEC,
     0}, /* nothing both writable and executable; NSS modules are executable */
    {"mmap", 2, PROT_WRITE, 0},
    {"mprotect", 2, PROT_EXEC, 0},
    {"mremap", 0, 0, 0},
    {"munmap", 0, 0, 0},
    /* threads, and no processes */
    {"clone", CLONE_FLAGS, CLONE_THREAD, CLONE_THREAD},
    {"exit", 0, 0, 0},
    {"exit_group", 0, 0, 0},
    {"futex", 0, 0, 0},
    {"get_robust_list", 0, 0, 0},
    {"gettid", 0, 0, 0},
    {"prctl", 0, AN_INT, PR_SET_NAME},
    {"restart_syscall", 0, 0, 0},
    {"rseq", 0, 0, 0},
    {"rt_sigaction", 0, 0, 0},
    {"rt_sigprocmask", 0, 0, 0},
    {"rt_sigreturn", 0, 0, 0},
    {"sched_getaffinity", 0, 0, 0},
    {"sched_yield", 0, 0, 0},
    {"set_robust_list", 0, 0, 0},
    {"sigaltstack", 0, 0, 0},
    /* time and random numbers */
    {"clock_getres", 0, 0, 0},
    {"clock_gettime", 0, 0, 0},
    {"clock_nanosleep", 0, 0, 0},
    {"getrandom", 0, 0, 0},
    {"gettimeofday", 0, 0, 0},
    {"nanosleep", 0, 0, 0},
    {"time", 0, 0, 0},
    /* identity and resources */
    {"getegid", 0, 0, 0},
    {"geteuid", 0, 0, 0},
    {"getgid", 0, 0, 0},
    {"getpid", 0, 0, 0},
    {"getrlimit", 0, 0, 0},
    {"getrusage", 0, 0, 0},
    {"getuid", 0, 0, 0},
    {"prlimit64", 2, UINT64_MAX, 0}, /* read, not set */
    {"sysinfo", 0, 0, 0},
    {"uname", 0, 0, 0},
    /* files: Landlock restricts them further */
    {"access", 0, 0, 0},
    {"chmod", 0, 0, 0},
    {"close", 0, 0, 0},
    {"faccessat", 0, 0, 0},
    {"faccessat2", 0, 0, 0},
    {"fchmod", 0, 0, 0},
    {"fchmodat", 0, 0, 0},
    {"fcntl", 0, 0, 0},
    {"fcntl64", 0, 0, 0},
    {"fstat", 0, 0, 0},
    {"fstat64", 0, 0, 0},
    {"fstatat64", 0, 0, 0},
    {"fsync", 0, 0, 0},
    {"ftruncate", 0, 0, 0}, /* to remove a log line that a full disk truncated */
    {"ftruncate64", 0, 0, 0},
    {"getcwd", 0, 0, 0},
    {"getdents64", 0, 0, 0},
    {"lseek", 0, 0, 0},
    {"lstat", 0, 0, 0},
    {"newfstatat", 0, 0, 0},
    {"open", 0, 0, 0},
    {"openat", 0, 0, 0},
    {"pread64", 0, 0, 0},
    {"read", 0, 0, 0},
    {"readlink", 0, 0, 0},
    {"readlinkat", 0, 0, 0},
    {"readv", 0, 0, 0},
    {"rename", 0, 0, 0},
    {"renameat", 0, 0, 0},
    {"renameat2", 0, 0, 0},
    {"stat", 0, 0, 0},
    {"statx", 0, 0, 0},
    {"unlink", 0, 0, 0},
    {"unlinkat", 0, 0, 0},
    {"write", 0, 0, 0},
    {"writev", 0, 0, 0},
    /* loops */
    {"epoll_create1", 0, 0, 0},
    {"epoll_ctl", 0, 0, 0},
    {"epoll_pwait", 0, 0, 0},
    {"epoll_wait", 0, 0, 0},
    {"eventfd2", 0, 0, 0},
    {"pipe2", 0, 0, 0},
    {"poll", 0, 0, 0},
    {"ppoll", 0, 0, 0},
    {"splice", 0, 0, 0},
    {"timerfd_create", 0, 0, 0},
    {"timerfd_settime", 0, 0, 0},
    /* sockets of three families */
    {"accept4", 0, 0, 0},
    {"bind", 0, 0, 0},
    {"connect", 0, 0, 0}, /* to name servers, and to see whether a Unix socket is stale */
    {"getpeername", 0, 0, 0},
    {"getsockname", 0, 0, 0},
    {"getsockopt", 0, 0, 0},
    {"ioctl", 1, AN_INT, FIONBIO},
    {"ioctl", 1, AN_INT, FIONREAD},
    {"ioctl", 1, AN_INT, SIOCGIFINDEX}, /* scopes of IPv6 addresses */
    {"ioctl", 1, AN_INT, SIOCGIFNAME},
    {"ioctl", 1, AN_INT, SIOCOUTQ},
    {"listen", 0, 0, 0},
    {"recvfrom", 0, 0, 0},
    {"recvmmsg", 0, 0, 0},
    {"recvmmsg_time64", 0, 0, 0},
    {"recvmsg", 0, 0, 0},
    {"sendmmsg", 0, 0, 0}, /* the resolver too */
    {"sendmsg", 0, 0, 0},
    {"sendto", 0, 0, 0},
    {"setsockopt", 0, 0, 0},
    {"shutdown", 0, 0, 0},
    {"socket", 0, AN_INT, AF_INET},
    {"socket", 0, AN_INT, AF_INET6},
    {"socket", 0, AN_INT, AF_UNIX},
};

enum { CALLS = sizeof calls / sizeof calls[0] };

unsigned privilege_list_calls(char *ret, size_t size)
{
    unsigned count = 0;
    size_t used = 0;
    ret[0] = '\0';
    for (size_t i = 0; i < CALLS && used < size; i++) {
        if (i > 0 && strcmp(calls[i].name, calls[i - 1].name) == 0)
            continue;
        used += (size_t)snprintf(ret + used, size - used, "%s%s", count ? " " : "", calls[i].name);
        count++;
    }
    return count;
}

const char *privilege_seccomp_version(void)
{
    static char text[16];
    const struct scmp_version *version = seccomp_version();
    snprintf(text, sizeof text, "%u.%u.%u", version->major, version->minor, version->micro);
    return text;
}

/* 0, or -errno like libseccomp's own functions. Skips a call that this architecture does not have.
 */
static int allow(scmp_filter_ctx filter, const struct call *call)
{
    int number = seccomp_syscall_resolve_name(call->name);
    if (number == __NR_SCMP_ERROR)
        return 0;
    const struct scmp_arg_cmp condition = {
        .arg = call->argument,
        .op = SCMP_CMP_MASKED_EQ,
        .datum_a = call->mask,
        .datum_b = call->value,
    };
    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, call->mask ? 1 : 0, &condition);
}

/* abort(3) sends a signal to this process; signals to others stay forbidden. */
static int allow_abort(scmp_filter_ctx filter)
{
    const struct scmp_arg_cmp ourselves = {
        .arg = 0, .op = SCMP_CMP_EQ, .datum_a = (uint64_t)getpid()};
    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, &ourselves);
}

/* The arguments of clone3(2) are in memory, where a filter cannot read them. On ENOSYS the C
 * library falls back to clone(2). */
static int hide_clone3(scmp_filter_ctx filter)
{
    int number = seccomp_syscall_resolve_name("clone3");
    return number == __NR_SCMP_ERROR
               ? 0
               : seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(ENOSYS), number, 0, NULL);
}

static int load(scmp_filter_ctx filter)
{
    int result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0); /* it is set already */
    if (result == 0) /* a binary tree instead of a linear search */
        result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (result == 0)
        result = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(EPERM));
    if (result == 0)
        result = hide_clone3(filter);
    if (result == 0)
        result = allow_abort(filter);
    for (size_t i = 0; i < CALLS && result == 0; i++)
        result = allow(filter, &calls[i]);
    return result < 0 ? result : seccomp_load(filter);
}

enum privilege_result privilege_restrict_calls(struct privilege_step *step, struct error *err)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int result = filter ? load(filter) : -ENOMEM;
    seccomp_release(filter);
    if (result < 0) {
        errno = -result;
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

enum privilege_result privilege_restrict_calls(struct privilege_step *step, struct error *err)
{
    (void)step;
#ifdef TLSECHO_SECCOMP
    error_set(err, ERROR_SYSTEM, "seccomp is used on 64-bit machines only");
#else
    error_set(err, ERROR_SYSTEM, "tlsecho-server was built without libseccomp");
#endif
    return PRIVILEGE_MISSING;
}

#endif
