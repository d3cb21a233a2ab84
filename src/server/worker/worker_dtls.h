/* SPDX-License-Identifier: MIT */
/*
 * What a worker serves over DTLS: it gives each datagram to the association that it is for, answers
 * first ClientHellos with a cookie, and begins an association for one that returned its cookie.
 *
 * Ownership: the worker's.   Threads: the worker's, but _new and _free.
 */
#ifndef TLSECHO_WORKER_DTLS_H
#define TLSECHO_WORKER_DTLS_H

#include <stdint.h>

#include "tlsecho/base/error.h"
#include "tlsecho/server/dtls_set.h"

struct worker_dtls;
struct worker_loop;

/* ERROR_SYSTEM. */
int worker_dtls_new(struct worker_loop *loop, struct worker_dtls **ret, struct error *err);

/* After the last association. */
void worker_dtls_free(struct worker_dtls *dtls);

/*
 * Serves the sockets of that set from now on, which it takes over; NULL = none. Associations of a
 * socket that is still in it go on; those of another one are closed.
 */
void worker_dtls_replace(struct worker_dtls *dtls, struct dtls_set *set);

/* From now on no association begins. */
void worker_dtls_drain(struct worker_dtls *dtls);

/* When worker_dtls_expire is due; UINT64_MAX = never. */
uint64_t worker_dtls_due_us(const struct worker_dtls *dtls);

/* Sends flights again, and writes what is due of the log. */
void worker_dtls_expire(struct worker_dtls *dtls, uint64_t now_us);

#endif
