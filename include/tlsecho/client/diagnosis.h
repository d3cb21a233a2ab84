/* SPDX-License-Identifier: MIT */
/*
 * Why a connection failed, if TCP (tcp_stats.h) knows more than the call that failed.
 *
 * Ownership: values; the descriptor stays the caller's.   Threads: any.
 */
#ifndef TLSECHO_DIAGNOSIS_H
#define TLSECHO_DIAGNOSIS_H

#include <stddef.h>
#include <stdint.h>

#include "tlsecho/base/error.h"

struct options;

/*
 * A TLS handshake took too long, was reset, or was ended by the peer: err says which, and becomes
 * ERROR_UNACKNOWLEDGED or ERROR_SPOOFED_RESET if that is the reason. begun_us: when the handshake
 * began, clock_now_us(). A remedy that the options have already is left out. Always returns -1.
 */
int diagnosis_of_handshake(int fd, uint64_t begun_us, const struct options *options,
                           struct error *err);

/* No data moves on a connection any more, as err says; likewise. Always returns -1. */
int diagnosis_of_silence(int fd, struct error *err);

enum { DIAGNOSIS_TEXT_BYTES = 336 };

/*
 * A connection has ended early: "; " and what is known about it, or "". reset_after_us: from
 * the last bytes sent until the RST; UINT64_MAX = no RST.
 */
const char *diagnosis_of_end(int fd, uint64_t reset_after_us, char ret[DIAGNOSIS_TEXT_BYTES]);

#endif
