/* SPDX-License-Identifier: MIT */
/*
 * What of the running settings is out of date, or soon will be.
 *
 * Ownership: none.   Threads: any.
 */
#ifndef TLSECHO_EXPIRY_H
#define TLSECHO_EXPIRY_H

#include "tlsecho/settings.h"

enum { EXPIRY_WARNING_DAYS = 30 };

/*
 * Logs a warning for each certificate that is out of date, not valid yet, or ends within 30 days,
 * and for each staple and CRL that is out of date. For the start, a reload, and then once a day.
 */
void expiry_log(const struct settings *settings);

/* Whether a certificate that we made ourselves ends within 30 days: new settings come with a new
 * one. */
bool expiry_is_ours(const struct settings *settings);

#endif
