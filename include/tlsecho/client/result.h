/* SPDX-License-Identifier: MIT */
/*
 * The outcome of a run of the client: its exit status, its word and its error. The numbers
 * and words are an interface.
 *
 * Ownership: values, no heap.   Threads: any.
 */
#ifndef TLSECHO_RESULT_H
#define TLSECHO_RESULT_H

#include <stdbool.h>

#include "tlsecho/base/error.h"

/* The value is the exit status. */
enum result {
    RESULT_OK = 0,
    RESULT_LOST = 1,
    RESULT_USAGE = 2,
    RESULT_DNS = 3,
    RESULT_REFUSED = 4,
    RESULT_UNREACHABLE = 5,
    RESULT_TIMEOUT = 6,
    RESULT_HANDSHAKE = 7,
    RESULT_UNTRUSTED = 8,
    RESULT_NAME_MISMATCH = 9,
    RESULT_EXPIRED = 10,
    RESULT_CLIENT_CERTIFICATE = 11,
    RESULT_RESET = 12,
    RESULT_TRUNCATED = 13,
    RESULT_CORRUPT = 14,
    RESULT_LOCAL_IO = 15,
    RESULT_IMPAIRED = 16,
};

enum { RESULTS = RESULT_IMPAIRED + 1 };

/* The phases of a run, in order. */
enum phase {
    PHASE_OPTIONS,   /* reading what the options name */
    PHASE_DNS,       /* name to addresses */
    PHASE_CONNECT,   /* TCP */
    PHASE_HANDSHAKE, /* TLS */
    PHASE_ECHO,      /* bytes there and back */
    PHASE_LOCAL,     /* standard input and output */
    PHASE_PATH,      /* what --path looks for on the way */
    PHASES,
};

struct outcome {
    enum result result;
    enum phase phase;   /* that failed; meaningless if ok */
    struct error error; /* text "" if ok */
    bool warning;       /* ok, with a warning */
};

struct options;

/* "ok", "lost", "usage", ... */
const char *result_word(enum result result);

/* "options", "dns", "connect", "handshake", "echo", "local", "path". */
const char *phase_name(enum phase phase);

/* PHASES if no phase has that name. */
enum phase phase_find(const char *name);

/* The only place that turns a failure in a phase into an exit status. Never RESULT_OK. */
enum result result_of(enum phase phase, const struct error *err);

/* The run failed in phase with err. Adds a remedy if result and phase have one. */
void outcome_fail(struct outcome *outcome, enum phase phase, const struct error *err);

/* Likewise, before the session was up. Remedies depend on the options: none names an option that
 * was given. */
void outcome_fail_to_open(struct outcome *outcome, enum phase phase, const struct error *err,
                          const struct options *options);

/* Adds "; REMEDY" to the error. */
void outcome_advise(struct outcome *outcome, const char *remedy);

/* A result that was measured rather than an error: the server sent too little, for example. */
void outcome_measure(struct outcome *outcome, enum result result, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The exit status of a Nagios plug-in: 0 ok, 1 warning, 2 failed, 3 unknown: wrong
 * usage, or this host lacks what the check needs. */
int outcome_nagios_status(const struct outcome *outcome);

#endif
