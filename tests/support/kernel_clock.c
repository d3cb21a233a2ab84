/* SPDX-License-Identifier: MIT */
#include "kernel_clock.h"

#include <sys/syscall.h>
#include <unistd.h>

int kernel_clock_gettime(clockid_t clock, struct timespec *ret)
{
#ifdef SYS_clock_gettime64 /* of 32-bit machines, where time_t may have 64 bits */
    int call = sizeof ret->tv_sec > sizeof(long) ? SYS_clock_gettime64 : SYS_clock_gettime;
#else
    int call = SYS_clock_gettime;
#endif
    return (int)syscall(call, clock, ret);
}
