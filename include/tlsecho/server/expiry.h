/* SPDX-License-Identifier: MIT */
/*
 * Certificates, staples and CRLs of a snapshot that have expired, or soon will.
 *
 * Ownership: none.   Threads: any.
 */
#ifndef TLSECHO_EXPIRY_H
#define TLSECHO_EXPIRY_H

#include "tlsecho/server/config_snapshot.h"

enum { EXPIRY_WARNING_DAYS = 30 };

/*
 * Logs a warning for each certificate that is out of date, not valid yet, or has no more than a
 * third of its lifetime left and no more than 30 days, and for each issuer that is sent with one
 * and each CA of clients likewise; for each staple that is out of date; and for each profile with a
 * CA that has no CRL in date. For a check, the start, a reload, and then once a day.
 */
void expiry_log(const struct config_snapshot *snapshot);

/* Whether a self-signed certificate of the server expires soon or is not valid yet: a reload
 * creates a new one. Cheap. */
bool expiry_is_ours(const struct config_snapshot *snapshot);

#endif
