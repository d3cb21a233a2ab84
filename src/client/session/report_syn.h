/* SPDX-License-Identifier: MIT */
/* For report_verdict.c.   Ownership: values.   Threads: any. */
#ifndef TLSECHO_REPORT_SYN_H
#define TLSECHO_REPORT_SYN_H

#include "tlsecho/client/report.h"

/* Fills what a verdict says of the SYN. */
void report_judge_syn(const struct report_syn *syn, struct report_verdict *ret);

#endif
