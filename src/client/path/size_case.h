/* SPDX-License-Identifier: MIT */
/*
 * A message of some size in segments of some size, tried several times, and what became of it.
 *
 * Ownership: values.   Threads: one.
 */
#ifndef TLSECHO_SIZE_CASE_H
#define TLSECHO_SIZE_CASE_H

#include "size_try.h"

enum {
    SIZE_TRIES = 2,                               /* of a case */
    SIZE_CASES_MAX = SIZE_TRIES_MAX / SIZE_TRIES, /* at once */
    SIZE_STALL_US = 3 * 1000 * 1000,              /* how long nothing may move, */
    SIZE_STALL_HURRY_US = 1500 * 1000,            /* and where it is confirmed later */
};

struct size_case {
    size_t message_bytes;
    unsigned segment_bytes; /* TCP_MAXSEG; 0 = as it comes */
};

struct size_score {
    unsigned tries, passed;
    unsigned fates[SIZE_FATES];
    bool slow, in_handshake;
    uint64_t took_us;       /* the longest that passed */
    uint64_t repeats;       /* of the last try that stalled on the way to the server */
    struct tcp_stats stats; /* of the last try */
    struct error error;     /* of the last try that did not pass */
    enum result result;     /* likewise, once its session was up; RESULT_OK = its error tells it */
};

/* Tries up to SIZE_CASES_MAX cases at once, each SIZE_TRIES times, and as often again if the tries
 * do not agree. -1: interrupted; or TCP does not connect any more, whose error it is. */
int size_cases_try(struct path *p, struct size_server *server, const struct size_case *cases,
                   size_t count, struct size_score *ret, struct error *err);

/* Each of up to SIZE_TRIES_MAX cases a single time. */
int size_cases_try_once(struct path *p, struct size_server *server, const struct size_case *cases,
                        size_t count, struct size_score *ret, struct error *err);

/* One more try of each, at once, is added to the scores. -1: interrupted, or ERROR_SYSTEM. */
int size_cases_try_again(struct path *p, struct size_server *server, const struct size_case *cases,
                         size_t count, struct size_score *scores, struct error *err);

/* -1: none was connected; p->phase and err say why. */
int size_score_check_connected(struct path *p, const struct size_score *score, struct error *err);

/* None of all tries passed, and that was not for lack of a connection. */
bool size_score_fails(const struct size_score *score);

/* Each of at least SIZE_TRIES stalled, or was reset. */
bool size_score_is_blocked(const struct size_score *score);

/* Each of at least SIZE_TRIES passed: it may be a control. */
bool size_score_always_passes(const struct size_score *score);

/* The largest packet that this host asked the server for. */
uint64_t size_score_offered_packet(const struct size_score *score);

/* It is smaller than TCP_MAXSEG would allow: the host has learned a path MTU. */
bool size_score_offered_less(const struct size_server *server, const struct size_case *c,
                             const struct size_score *score);

/* Of IP and TCP, and data: the largest packet that segment_bytes of TCP_MAXSEG allow. */
uint64_t size_packet_bytes(const struct path_peer *peer, unsigned segment_bytes);

/* Tells it, as a step. */
void size_score_record(struct path *p, const struct size_server *server, const struct size_case *c,
                       const struct size_score *score);

/* "8,192 bytes", or "a TLS handshake" */
void size_message_text(const struct size_server *server, const struct size_case *c,
                       char ret[PATH_TEXT_BYTES]);

/* "2 of 2 stalled on the way to the server, sent 5 times" */
void size_score_failures_text(const struct size_score *score, char ret[PATH_TEXT_BYTES]);

#endif
