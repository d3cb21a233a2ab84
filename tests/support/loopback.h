/* SPDX-License-Identifier: MIT */
/*
 * Listeners and connections of a test's own; whatever fails, fails the test.
 *
 * Ownership: descriptors are the caller's.   Threads: one.
 */
#ifndef TLSECHO_TEST_LOOPBACK_H
#define TLSECHO_TEST_LOOPBACK_H

#include <stdbool.h>

#include "tlsecho/net/address.h"

/* The first address of an endpoint's text. */
struct address loopback_address(const char *endpoint);
struct address loopback_path(const char *path);

/* By socket_listen, which puts the port into *address. */
int loopback_listen(struct address *address, int backlog);

/* Blocking descriptors. */
int loopback_connect(const struct address *address);
int loopback_accept(int listening);

/* False on hosts without the address ::1. */
bool loopback_has_ipv6(void);

#endif
