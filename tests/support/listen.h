/* SPDX-License-Identifier: MIT */
/* Listens on all addresses of a config_snapshot.   Threads: one. */
#ifndef TLSECHO_TEST_LISTEN_H
#define TLSECHO_TEST_LISTEN_H

#include "tlsecho/server/listen_set.h"

/* listening_open of listening_specs. */
int listen_as(const struct config_snapshot *snapshot, const struct listen_set *held,
              struct listen_set *ret, struct error *err);

#endif
