/* SPDX-License-Identifier: MIT */
/*
 * The properties of our SYN that are compared, and how a difference is told.
 *
 * Ownership: tables.   Threads: any.
 */
#ifndef TLSECHO_SYN_ASPECT_H
#define TLSECHO_SYN_ASPECT_H

#include <stdbool.h>

#include "tlsecho/client/path.h"
#include "tlsecho/client/report.h"

struct syn_aspect {
    const char *finding;
    const char *other_finding; /* where is_other; NULL with it */
    bool (*is_other)(const struct report_syn *syn);
    /* Whether it arrived as it was sent. */
    enum report_relation (*relate)(const struct report_syn *syn,
                                   const struct report_verdict *verdict);
    /* What was sent, how it "arrived ..." instead, and what takes the place of {} in the remedy. */
    void (*describe)(const struct report *report, char sent[PATH_TEXT_BYTES],
                     char arrived[PATH_TEXT_BYTES], char value[PATH_TEXT_BYTES]);
    /* What follows from it, "; without ..."; NULL = what the finding says. */
    void (*explain)(const struct report *report, char ret[PATH_SENTENCE_BYTES]);
};

enum { SYN_ASPECTS = 5 };

/* Whose SYN it is. The others are of ours alone. */
extern const struct syn_aspect syn_aspect_clock;
extern const struct syn_aspect syn_aspects[SYN_ASPECTS];

/* What the difference is called, in path_finding_kinds. */
const char *syn_aspect_finding(const struct syn_aspect *aspect, const struct report_syn *syn);

#endif
