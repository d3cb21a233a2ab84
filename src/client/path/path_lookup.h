/* SPDX-License-Identifier: MIT */
/*
 * The search of a stage for a server that serves it: what each of the others does instead, or why
 * it could not be asked.
 *
 * Ownership: a value.   Threads: one.
 */
#ifndef TLSECHO_PATH_LOOKUP_H
#define TLSECHO_PATH_LOOKUP_H

#include "path_internal.h"

struct path_lookup {
    char reasons[PATH_SENTENCE_BYTES]; /* "tcp://a:1: it resets connections at once; ..." */
    enum result result;                /* of the first; RESULT_OK = there is none */
    bool failed;                       /* one could not be asked: */
    enum phase phase;
    struct error error;
};

/* A server that was asked and does not serve. The result is that of a run that needs it. */
void path_lookup_add(struct path_lookup *l, const struct path_peer *peer, enum result result,
                     const char *reason);

/* One that could not be asked: p->phase and err say why. What it refused by TLS itself, a
 * certificate of ours for example, is a reason like others. */
void path_lookup_add_error(struct path_lookup *l, const struct path *p,
                           const struct path_peer *peer, const struct error *err);

/* One that was not reached at all; false: it can be asked. */
bool path_lookup_add_unreached(struct path_lookup *l, const struct path_peer *peer);

/* The server has refused in words of TLS, or said something else: the connection works. */
bool path_lookup_is_refusal(const struct error *err);

/* None serves: skips the stage, with the remedy and all reasons, and returns 0. -1: one could not
 * be asked, and p->phase and err say why. */
int path_lookup_fail(const struct path_lookup *l, struct path *p, const char *remedy,
                     struct error *err);

#endif
