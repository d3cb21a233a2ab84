/* SPDX-License-Identifier: MIT */
/*
 * A client of a test's own over a blocking descriptor; a server that stays silent for some seconds,
 * or says anything else, fails the test.
 *
 * Ownership: descriptors are the caller's.   Threads: one.
 */
#ifndef TLSECHO_TEST_TALK_H
#define TLSECHO_TEST_TALK_H

#include <stdbool.h>

/* Sends the text and gets it back. */
void talk_echo(int fd, const char *text);

/* Waits for bytes or the end. False: the end, in order or by a reset. */
bool talk_goes_on(int fd);

/* The server ends it, and nothing comes before. */
void talk_ends(int fd);

#endif
