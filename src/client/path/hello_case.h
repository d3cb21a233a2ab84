/* SPDX-License-Identifier: MIT */
/*
 * Kinds of ClientHellos, each tried several times, and how often which became what.
 *
 * Ownership: hellos owns its TLS contexts.   Threads: one.
 */
#ifndef TLSECHO_HELLO_CASE_H
#define TLSECHO_HELLO_CASE_H

#include "hello_try.h"

/* What a ClientHello offers. */
enum hello_source {
    HELLO_OWN,          /* as every other mode sends it, with the same options */
    HELLO_SMALL,        /* one key share, X25519 where the library has it */
    HELLO_POST_QUANTUM, /* X25519MLKEM768 */
};
enum { HELLO_SOURCES = HELLO_POST_QUANTUM + 1 };

/* How it is sent. */
enum hello_form {
    HELLO_WHOLE,
    HELLO_AFTER_ONE_BYTE, /* two segments */
    HELLO_INSIDE_NAME,    /* likewise */
    HELLO_TWO_RECORDS,    /* in one segment, RFC 8446 §5.1 */
};

struct hello_case {
    enum hello_source source;
    enum hello_form form;
    size_t padded_bytes; /* with the record header; 0 = as it comes */
};

/* What became of all its tries. */
struct hello_score {
    unsigned tries, answers;
    unsigned fates[HELLO_FATES];
    int alert;        /* of the last HELLO_ALERT; -1 = none */
    bool spoofed;     /* an RST came too soon to be the server's */
    uint64_t took_us; /* the slowest answer */
    uint64_t times;   /* how often the least often sent of the lost ones was sent */
    size_t bytes;     /* of the ClientHello */
    uint64_t packet_bytes, segment_bytes; /* as in struct hello_try */
    struct tcp_stats stats;               /* of the last try */
    struct error error;                   /* likewise */
};

enum {
    HELLO_TRIES = 2,                                 /* of a case, */
    HELLO_TRIES_UNCLEAR = 2 * HELLO_TRIES,           /* and if they do not agree */
    HELLO_CASES_MAX = HELLO_TRIES_MAX / HELLO_TRIES, /* at once */
};

struct hellos {
    struct path *p;
    struct path_peer *peer;
    struct options options[HELLO_SOURCES];
    struct target targets[HELLO_SOURCES];
    enum hello_source base;      /* of the padded ones: small, or our own if that is not answered */
    bool has_post_quantum;       /* the library */
    size_t bytes[HELLO_SOURCES]; /* of each without padding */
    bool has_name;               /* SNI is sent */
    struct hello_patience patience;
    struct hello_patience hurry; /* where a limit is searched for that is confirmed later */
};

/* ERROR_SYSTEM, ERROR_INPUT, ERROR_TLS. Call hellos_done on failure too. */
int hellos_init(struct hellos *h, struct path *p, struct path_peer *peer, struct error *err);
void hellos_done(struct hellos *h);

/* Tries up to HELLO_CASES_MAX cases at once. -1: interrupted; or TCP does not connect any more,
 * whose error it is. */
int hello_cases_try(struct hellos *h, const struct hello_case *cases, size_t count,
                    struct hello_score *ret, struct error *err);

/* Each of up to HELLO_TRIES_MAX cases a single time: likewise, but some may not have been
 * connected.
 */
int hello_cases_try_once(struct hellos *h, const struct hello_case *cases, size_t count,
                         struct hello_score *ret, struct error *err);

/* One more try of a case whose score is known. One without a TCP connection counts as none, and is
 * made again; after three of those the score stays. Errors as of hello_cases_try. */
int hello_case_try_again(struct hellos *h, const struct hello_case *c, struct hello_score *score,
                         struct error *err);

/* What became of one more try. */
void hello_score_add(struct hello_score *score, const struct hello_try *t);

/* Some were answered and some not, or not all could be sent. */
bool hello_score_is_unclear(const struct hello_score *score);

/* -1: none was connected; p->phase and err say why. */
int hello_score_check_connected(struct path *p, const struct hello_score *score, struct error *err);

/* What is to be said where not even a small ClientHello is answered: then there is no control. Sets
 * p->phase; always returns -1. */
int hello_score_error(struct path *p, const struct hello_score *score, struct error *err);

/* Each of at least two tries was answered: it may be a control. */
bool hello_score_always_answers(const struct hello_score *score);

/* Adds what became of the tries of another case. */
void hello_score_add_all(struct hello_score *score, const struct hello_score *other);

/* Tells which failed though others alike were answered, and what that can be. */
void hello_score_note_mixed(struct path *p, const struct hello_score *mixed);

/* The same, for a run that is interrupted before the failure is judged; nothing if it was answered.
 */
void hello_score_keep_error(struct path *p, const struct hello_score *score);

/* None of all tries was answered, and that was not for lack of a connection. */
bool hello_score_fails(const struct hello_score *score);

/* Tells it, as a step; ..._blame: a finding rests on it. */
void hello_score_record(struct path *p, const struct hello_case *c,
                        const struct hello_score *score);

void hello_score_blame(struct path *p, const struct hello_case *c, const struct hello_score *score);

/* "ServerHello after 1.2 ms; 1 of 4 never acknowledged, sent 3 times each" */
void hello_score_outcome_text(const struct hello_score *score, char ret[PATH_TEXT_BYTES]);

/* "split after 1 byte"; "" if it is not split. Static. */
const char *hello_form_text(enum hello_form form);

/* "4 of 4 never acknowledged, sent 3 times each": what became of those without an answer. */
void hello_score_failures_text(const struct hello_score *score, char ret[PATH_TEXT_BYTES]);

#endif
