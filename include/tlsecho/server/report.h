/* SPDX-License-Identifier: MIT */
/*
 * What is known of a connection, as the fields of a JSON object: docs/schema/report.json and
 * hello.json. What is unknown is left out.
 *
 * Ownership: none.   Threads: any, each with its own writer.
 */
#ifndef TLSECHO_REPORT_H
#define TLSECHO_REPORT_H

#include "tlsecho/base/json.h"
#include "tlsecho/server/conn_info.h"

/* All of it. */
void report_put(struct json *json, const struct conn_info *info);

/* Who answers, to whom, over which TLS session. */
void report_put_hello(struct json *json, const struct conn_info *info);

#endif
