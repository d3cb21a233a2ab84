/* SPDX-License-Identifier: MIT */
/*
 * The number of connections of each source. A source is in the table only while it has one, so the
 * table never has more entries than there are connections.
 *
 * Ownership: admission's.   Threads: any.
 */
#ifndef TLSECHO_ADMISSION_SOURCES_H
#define TLSECHO_ADMISSION_SOURCES_H

#include <stdint.h>

#include "tlsecho/base/error.h"
#include "tlsecho/net/address.h"
#include "tlsecho/server/admission_refusal.h"

struct admission_source;
struct admission_sources;

/* ERROR_SYSTEM. */
int admission_sources_new(struct admission_sources **ret, struct error *err);
void admission_sources_free(struct admission_sources *sources);

/* Counts one more connection of an IP address; ADMISSION_PER_SOURCE if it has `limit` already,
 * ADMISSION_MEMORY. */
enum admission_refusal admission_sources_enter(struct admission_sources *sources,
                                               const struct address *address, uint64_t limit,
                                               struct admission_source **ret);

/* Undoes one admission_sources_enter. */
void admission_sources_leave(struct admission_sources *sources, struct admission_source *source);

#endif
