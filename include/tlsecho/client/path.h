/* SPDX-License-Identifier: MIT */
/*
 * --path: what is wrong on the way to a server. A run consists of stages, one file each, which are
 * all in one table. A stage tries something several times and says of each step what was tried and
 * what happened; what differs from what should happen becomes a finding. All findings are in one
 * table too, from which messages and documents are made.
 *
 * To add a stage: stage_NAME.c in src/client/path, a row in path_stages.c, rows for its findings in
 * path_findings.c.
 *
 * Ownership: a verdict is a value of its own on the heap; free it with path_verdict_free. Texts of
 * the tables are static.   Threads: one.
 */
#ifndef TLSECHO_PATH_H
#define TLSECHO_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tlsecho/base/error.h"
#include "tlsecho/client/options.h"
#include "tlsecho/client/result.h"
#include "tlsecho/net/address.h"
#include "tlsecho/net/endpoint.h"

enum {
    PATH_TEXT_BYTES = 200,
    PATH_SENTENCE_BYTES = 512,
    PATH_STEPS_MAX = 128, /* of a stage */
    PATH_NOTES_MAX = 48,  /* likewise */
    PATH_STAGES_MAX = 8,
    PATH_FINDINGS_MAX = 16,
};

/* A kind of finding. */
struct path_finding_kind {
    const char *name; /* "hello-lost-above": an interface */
    const char *stage;
    const char *meaning;   /* what it is, a sentence without a full stop */
    const char *remedy;    /* likewise, in the imperative; {} stands for what the stage measured */
    const char *value;     /* what takes its place where nothing is measured: in the manual page */
    const char *reproduce; /* how to get it at home: commands, or what to do */
};

extern const struct path_finding_kind path_finding_kinds[];
extern const size_t path_finding_kinds_count;

/* What was tried, and what happened. */
struct path_step {
    char what[PATH_TEXT_BYTES];     /* "a ClientHello of 1,492 bytes" */
    char happened[PATH_TEXT_BYTES]; /* "never acknowledged, 2 of 2 times" */
    bool passed;                    /* at least once, as on a path without faults */
    bool blamed;                    /* a finding rests on it */
    uint64_t bytes;                 /* of what was sent; 0 = it has no size */
    uint64_t packet_bytes;          /* of the largest IP packet in which it was sent; 0 = unknown */
    bool bounded;                   /* packet_bytes was set, and is what is tried */
    uint64_t silence_us;            /* before it; 0 = none was waited for */
    unsigned tries, failed;
};

/* In which direction something was lost. */
enum path_way { PATH_TO_SERVER, PATH_FROM_SERVER };

struct path_finding {
    const struct path_finding_kind *kind;
    const struct path_server *server; /* on the way to which it is */
    char evidence[PATH_SENTENCE_BYTES], remedy[PATH_SENTENCE_BYTES];
    uint64_t packet_bytes; /* the largest IP packet that passes that way; 0 = not about packets */
    enum path_way way;
};

enum path_state {
    PATH_DONE,
    PATH_SKIPPED, /* reason says why */
    PATH_STOPPED, /* something failed in the middle: reason is its error */
};

struct path_stage_result {
    const char *name;
    enum path_state state;
    char reason[PATH_SENTENCE_BYTES];
    struct path_step steps[PATH_STEPS_MAX];
    size_t step_count, steps_told;
    char notes[PATH_NOTES_MAX][PATH_SENTENCE_BYTES]; /* what is worth knowing and no fault */
    size_t note_count, notes_told;
    bool found; /* a finding */
};

/* A server to which the path was examined. */
struct path_server {
    const struct endpoint *endpoint; /* of the options */
    struct address address;          /* all connections go to this one; length 0 = none answered, */
    char error[PATH_TEXT_BYTES];     /* for this reason */
    uint64_t rtt_us;                 /* the smallest round trip, of the first connection */
};

struct path_verdict {
    uint64_t started_us, ended_us; /* clock_now_us */
    struct path_server servers[OPTIONS_ENDPOINTS_MAX];
    size_t server_count;
    struct path_stage_result stages[PATH_STAGES_MAX];
    size_t stage_count;
    struct path_finding findings[PATH_FINDINGS_MAX];
    size_t finding_count;
};

/* What is told while it runs. */
enum path_event {
    PATH_EVENT_SERVERS,  /* the servers are known, and nothing else yet */
    PATH_EVENT_STAGE,    /* the last stage of the verdict has begun */
    PATH_EVENT_PROGRESS, /* text: what is being tried */
    PATH_EVENT_STEP,     /* the last told step of the last stage. Those that follow one that never
                            passed are told at the end: only then is known whether it is blamed */
    PATH_EVENT_NOTE,     /* the last told note, likewise */
    PATH_EVENT_END,      /* the last stage is over, or was skipped */
};

struct path_watch {
    void (*tell)(void *context, const struct path_verdict *verdict, enum path_event event,
                 const char *text);
    void *context;
};

/* "done", "skipped", "stopped" */
const char *path_state_word(enum path_state state);

/* "ok"; "some": tries failed at times; "none": it never passed, and no finding rests on it; "FAIL":
 * one does. */
const char *path_step_word(const struct path_step *step);

/* NULL if there is none of that name. */
const struct path_finding_kind *path_finding_kind_find(const char *name);

/* The names of all stages, in their order. */
size_t path_stage_names(const char *ret[PATH_STAGES_MAX]);

/* The sentence in which {} is replaced by the value. */
void path_fill_in(const char *text, const char *value, char ret[PATH_SENTENCE_BYTES]);

/*
 * Runs the stages that the options choose. The outcome is RESULT_IMPAIRED if there is a finding, or
 * what stopped it, else ok. NULL: no memory, as the outcome says.
 */
struct path_verdict *path_run(const struct options *options, const struct path_watch *watch,
                              struct outcome *outcome);
void path_verdict_free(struct path_verdict *verdict);

#endif
