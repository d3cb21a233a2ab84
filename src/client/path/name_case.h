/* SPDX-License-Identifier: MIT */
/*
 * ClientHellos that differ in one thing that a middlebox may look at: the server name, the version,
 * the group, the protocol. Each is tried several times, and those that are answered once to the end
 * of the handshake, to see which certificate comes.
 *
 * Ownership: a case owns its TLS context; the peer is the caller's and outlives it.   Threads: one.
 */
#ifndef TLSECHO_NAME_CASE_H
#define TLSECHO_NAME_CASE_H

#include "hello_case.h"

enum name_kind { NAME_SERVER, NAME_VERSION, NAME_GROUP, NAME_PROTOCOL };

enum { NAME_LABEL_BYTES = PATH_TEXT_BYTES };

struct name_case {
    enum name_kind kind;
    char label[NAME_LABEL_BYTES]; /* "server name a.example" */
    struct options options;
    struct target target;
    bool prepared; /* false: the library does not offer it, nothing is tried */
    struct hello_score score;
    bool confirmed;      /* it failed again after another was answered */
    bool too_large;      /* the answer came in small segments: what was silent is about size */
    bool is_about_size;  /* one of that size that is otherwise answered is not either */
    size_t padded_bytes; /* of the ClientHello; 0 = as it comes */
    /* of the handshake; "" = not known */
    char sha256[PEER_SHA256_BYTES], subject[PEER_NAME_BYTES], protocol[PEER_NAME_BYTES];
    char failure[PATH_TEXT_BYTES]; /* why there was none, though the ClientHello was answered */
};

/* A small ClientHello, as the options of the run have it but for groups and protocols; value, which
 * outlives it, is the server name, an address for none; the version; the group; the protocol. */
void name_case_init(struct name_case *c, struct path_peer *peer, const struct options *base,
                    enum name_kind kind, const char *value);

/* ERROR_SYSTEM; what the library does not offer is no error. */
int name_case_prepare(struct name_case *c, struct error *err);
void name_case_done(struct name_case *c);

/* Tries all that are prepared, HELLO_TRIES times each, and as often again where that is unclear.
 * -1: interrupted, or TCP does not connect any more. */
int name_cases_try(struct path *p, struct path_peer *peer, struct name_case *cases, size_t count,
                   uint64_t patience_us, struct error *err);

/* One that failed: sets confirmed if it always fails again and the control, which is padded to at
 * least its size, is always answered, in turn as often as path_confirm_rounds says, and if it fails
 * in small segments too; else is_about_size or too_large if that is the reason. -1: interrupted. */
int name_case_confirm(struct path *p, struct path_peer *peer, struct name_case *failed,
                      const struct name_case *answered, uint64_t patience_us, struct error *err);

/* One that was silent: sets too_large if the answer comes in small segments. -1: interrupted. */
int name_case_try_small_segments(struct path *p, const struct path_peer *peer, struct name_case *c,
                                 uint64_t patience_us, struct error *err);

/* Tells it, as a step; nothing if it was not tried. */
void name_case_record(struct path *p, const struct name_case *c);

/* Silence or RST where an alert should be. A FIN is how some servers refuse. */
bool name_case_is_filtered(const struct name_case *c);

/* One handshake of a case that was answered, to its end; a second one if the first is cut short.
 * *ret is false, and err says why, if none came to it. -1: interrupted. */
int name_case_look(struct path *p, struct name_case *c, struct path_peer *peer, bool *ret,
                   struct error *err);

#endif
