/* SPDX-License-Identifier: MIT */
/* What somebody waits for on a descriptor: a set of bits, understood by reactor and poll(2)
 * callers. */
#ifndef TLSECHO_WANT_H
#define TLSECHO_WANT_H

enum want { WANT_NOTHING = 0, WANT_READ = 1, WANT_WRITE = 2 };

#endif
