/* SPDX-License-Identifier: MIT */
/* Listening on all that some settings say.   Threads: one. */
#ifndef TLSECHO_TEST_LISTEN_H
#define TLSECHO_TEST_LISTEN_H

#include "tlsecho/listening.h"

/* listening_open of listening_specs. */
int listen_as(const struct settings *settings, const struct listening *held, struct listening *ret,
              struct error *err);

#endif
