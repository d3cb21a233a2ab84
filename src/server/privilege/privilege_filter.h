/* SPDX-License-Identifier: MIT */
/*
 * The filter of system calls, which privilege_filter_main.c writes as the server is built. The
 * server never runs libseccomp, which crashes or makes an incomplete filter if it gets no memory.
 */
#ifndef TLSECHO_SERVER_PRIVILEGE_FILTER_H
#define TLSECHO_SERVER_PRIVILEGE_FILTER_H

#include <linux/filter.h>

enum {
    PRIVILEGE_FILTER_MAX = 512,
    PRIVILEGE_OURSELVES = 0x7ab5e1f0, /* stands for the process ID, which is never that high */
};

struct privilege_filter {
    const char *libseccomp; /* its version */
    unsigned short n;
    struct sock_filter code[PRIVILEGE_FILTER_MAX];
};

extern const struct privilege_filter privilege_filter;

#endif
