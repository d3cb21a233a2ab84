/* SPDX-License-Identifier: MIT */
/* What to wait for on a descriptor: a set of bits, for the reactor and for callers of poll(2). */
#ifndef TLSECHO_WANT_H
#define TLSECHO_WANT_H

enum want { WANT_NOTHING = 0, WANT_READ = 1, WANT_WRITE = 2 };

#endif
