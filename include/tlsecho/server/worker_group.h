/* SPDX-License-Identifier: MIT */
/*
 * The workers of a process, whose unfinished handshakes are limited together.
 *
 * Ownership: the server's; must outlive the workers.   Threads: the main one.
 */
#ifndef TLSECHO_WORKER_GROUP_H
#define TLSECHO_WORKER_GROUP_H

#include "tlsecho/base/error.h"
#include "tlsecho/server/admission.h"

struct worker_group;

/* For at most `count` workers; admission has the limit, NULL = there is none. ERROR_SYSTEM. */
int worker_group_new(unsigned count, struct admission *admission, struct worker_group **ret,
                     struct error *err);
void worker_group_free(struct worker_group *group);

/* From now on each answer to a request is the last of its connection (RFC 9112 §9.6), so that
 * clients turn to other servers before this one stops. */
void worker_group_stop_soon(struct worker_group *group);

#endif
