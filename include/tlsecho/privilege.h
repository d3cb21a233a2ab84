/* SPDX-License-Identifier: MIT */
/*
 * What the process keeps others, and itself, from doing.   Threads: the main one, before the
 * others.
 */
#ifndef TLSECHO_PRIVILEGE_H
#define TLSECHO_PRIVILEGE_H

#include "tlsecho/error.h"

/*
 * From now on no core dump is written, to a file or to a collector, and nobody but root may trace
 * the process: its memory holds private keys. prctl(2), PR_SET_DUMPABLE. ERROR_SYSTEM.
 */
int privilege_forbid_dumps(struct error *err);

#endif
