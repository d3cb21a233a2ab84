/* SPDX-License-Identifier: MIT */
/*
 * What an old kernel, or an emulator of one, may lack. A test that needs it ends there.
 *
 * Threads: any.
 */
#ifndef TLSECHO_TEST_KERNEL_H
#define TLSECHO_TEST_KERNEL_H

#include <stdbool.h>

enum kernel_feature {
    KERNEL_TCP_INFO,
    KERNEL_SAVED_SYN,
    KERNEL_PATH_MTU,
    KERNEL_DATAGRAM_TIMES,
    KERNEL_DATAGRAM_DROPS,
    KERNEL_TRAFFIC_CLASS, /* of IPv6 */
    KERNEL_LATE_PORT,
    KERNEL_ERROR_SENDER, /* of an ICMP message */
    KERNEL_DESCRIPTOR_LIMIT,
    KERNEL_SECCOMP,
};

/* By system calls, not by functions that are tested. False: prints that it was skipped, and why. */
bool kernel_has(enum kernel_feature feature);

#endif
