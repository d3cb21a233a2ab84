/* SPDX-License-Identifier: MIT */
/*
 * What the stages share: the run, its servers, and how a stage says what it did.
 *
 * Ownership: a run borrows the options and owns its servers; the verdict is the caller's.
 * Threads: one.
 */
#ifndef TLSECHO_PATH_INTERNAL_H
#define TLSECHO_PATH_INTERNAL_H

#include <stdbool.h>

#include "tlsecho/client/path.h"
#include "tlsecho/client/session.h"
#include "tlsecho/client/target.h"
#include "tlsecho/net/tcp_stats.h"

/* What a stage asks of a server. */
enum path_need {
    PATH_NEEDS_TLS,    /* any TLS server */
    PATH_NEEDS_SERVER, /* any; the stage looks whether it serves */
};

/* In segments of so many bytes (TCP_MAXSEG, tcp(7)) everything has to pass. Some systems send no
 * smaller ones. */
enum { PATH_SEGMENT_MIN_BYTES = 216 };

/* A server, prepared: every connection goes to one address, whatever others its name has. */
struct path_peer {
    struct path_server *about; /* in the verdict */
    struct target target;
    bool failed; /* it was not reached, and no stage uses it: */
    enum phase phase;
    struct error error;
};

/* A run. */
struct path {
    const struct options *given; /* of the user */
    struct options options; /* the same without verification: certificates are noted, not judged */
    struct options small; /* likewise, with a ClientHello that passes where large packets do not */
    const struct path_watch *watch;
    struct path_verdict *verdict;
    struct path_stage_result *stage; /* the present one */
    struct path_peer *peer;          /* that it uses now */
    struct path_peer peers[OPTIONS_ENDPOINTS_MAX];
    enum phase phase;      /* where a failure happened */
    enum result failure;   /* its result, where its error does not tell; RESULT_OK = it does */
    bool has_unjudged;     /* a step of this stage never passed: */
    struct error unjudged; /* its error, if the run is interrupted before it is judged */
    bool unsteady;         /* the same was answered at times and at times not */
    const struct path_stage_result *unserved; /* the first that no server serves; NULL = none is */
    enum result unserved_result;              /* of the run, if it is all that there is */
};

struct path_stage {
    const char *name;
    enum path_need need;
    bool asked_for; /* it only runs if an option asks for it */
    /*
     * Returns 0 when it has tried all that it can, whatever it found, or has called path_skip. -1:
     * it cannot go on, p->phase and err say why.
     */
    int (*run)(struct path *p, struct path_peer *peer, struct error *err);
};

extern const struct path_stage path_stages[];
extern const size_t path_stages_count;

int stage_client_hello_run(struct path *p, struct path_peer *peer, struct error *err);
int stage_size_run(struct path *p, struct path_peer *peer, struct error *err);
int stage_syn_run(struct path *p, struct path_peer *peer, struct error *err);
int stage_names_run(struct path *p, struct path_peer *peer, struct error *err);
int stage_idle_run(struct path *p, struct path_peer *peer, struct error *err);

/* path_peer.c: connects once, to choose the address. -1: p->phase says where it failed. */
int path_peer_open(struct path *p, struct path_peer *peer, struct error *err);
void path_peer_done(struct path_peer *peer);

/* As session_open, and sets p->phase. */
int path_peer_open_session(struct path *p, struct session *session, struct error *err);

/* For the RST after a FIN, if there is to be one. */
uint64_t path_peer_reset_us(uint64_t rtt_us);

/*
 * A new connection's SYN, or the answer to it, was lost: TCP takes the time until it was sent again
 * for the round trip, and would wait for seconds before it sends anything else again. Another
 * connection is a better instrument.
 */
bool path_peer_wants_again(const struct path_peer *peer, const struct tcp_stats *stats);

/* How often what failed and its controls are tried again, in turn, before it is a finding: where
 * anything was mixed, so often that chance does not do it. */
unsigned path_confirm_rounds(const struct path *p);

/* Another target of the same endpoint, prepared, connects to the same address. ERROR_SYSTEM. */
int path_peer_give_address(const struct path_peer *peer, struct target *target, struct error *err);

/* The first server that has what is needed. NULL: none has, and the stage is skipped. -1: those
 * that have it were not reached, and p->phase and err say why. */
int path_peer_serving(struct path *p, enum path_need need, struct path_peer **ret,
                      struct error *err);

/* path_record.c: what a stage says. Texts of peers are escaped. */
void path_record_step(struct path *p, const struct path_step *step);

/* A finding rests on the steps of this stage that are called so and never passed (NULL: of all). A
 * stage that does not say it of any has all that never passed blamed, if it has a finding. */
void path_record_blame(struct path *p, const char *what);

/* The stage is over: tells what was kept back. */
void path_record_end(struct path *p);

void path_record_note(struct path *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void path_record_progress(struct path *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void path_record_skip(struct path *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A stage is skipped since no server does what it needs, as asking them showed. The result is that
 * of a run in which nothing else is measured. */
void path_record_unserved(struct path *p, enum result result, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A finding of that name about p->peer, with its evidence; value takes the place of {} in its
 * remedy. */
void path_record_finding(struct path *p, const char *name, const char *value, const char *format,
                         ...) __attribute__((format(printf, 4, 5)));

/* The last finding is about IP packets, of which the largest that passes that way has so many
 * bytes. If an earlier one has the same limit there is one finding left: the first of a kind, else
 * the last, of which the other one is a symptom. */
void path_record_packet_limit(struct path *p, enum path_way way, uint64_t packet_bytes);

/* IP packets of so many bytes reach p->peer. An earlier finding about a ClientHello in smaller ones
 * is not about packets of all ports and contents, and is told so. */
void path_record_packets_pass(struct path *p, uint64_t packet_bytes);

#endif
