/* SPDX-License-Identifier: MIT */
/* The system calls that serving, reloading and stopping need. */
#include "privilege_calls.h"

#include <linux/sockios.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#define AN_INT UINT32_MAX /* the kernel ignores the other bits */

#ifdef __s390x__
enum { CLONE_FLAGS = 1 }; /* clone(2) */
#else
enum { CLONE_FLAGS = 0 };
#endif

const struct privilege_call privilege_calls[] = {
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
    {NULL, 0, 0, 0},
};
