/* SPDX-License-Identifier: MIT */
/*
 * Why a connection failed, where TCP (tcp_stats.h) knows it better than what was noticed.
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
 * A TLS handshake took too long, was reset, or the peer ended the connection in the middle of it:
 * err says which, and becomes ERROR_UNACKNOWLEDGED or ERROR_SPOOFED_RESET if that is the reason.
 * begun_us: when the handshake began, clock_now_us(). A remedy that the options have already is
 * left out. Always returns -1.
 */
int diagnosis_of_handshake(int fd, uint64_t begun_us, const struct options *options,
                           struct error *err);

/* Nothing moves on a connection any more, as err says: likewise. Always returns -1. */
int diagnosis_of_silence(int fd, struct error *err);

enum { DIAGNOSIS_TEXT_BYTES = 336 };

/*
 * A connection has ended early: "; " and what is known about it, or "". reset_after_us: an RST came
 * so long after the last bytes were sent; UINT64_MAX = none came.
 */
const char *diagnosis_of_end(int fd, uint64_t reset_after_us, char ret[DIAGNOSIS_TEXT_BYTES]);

#endif
