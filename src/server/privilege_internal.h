/* SPDX-License-Identifier: MIT */
/*
 * Between privilege.c (the order) and its steps. Each step is taken once and cannot be undone.
 *
 * Ownership: none.   Threads: as privilege.h.
 */
#ifndef TLSECHO_PRIVILEGE_INTERNAL_H
#define TLSECHO_PRIVILEGE_INTERNAL_H

#include "tlsecho/privilege.h"

enum privilege_result {
    PRIVILEGE_DONE,
    PRIVILEGE_KEPT,    /* there was nothing to give up */
    PRIVILEGE_MISSING, /* this system, or this build, has it not; err says why */
    PRIVILEGE_FAILED,  /* err says why */
};

struct privilege_step {
    const struct config *config;
    const char *state_directory; /* NULL = none */
    char detail[256];            /* for the log, filled by the step */
    const char *warning;         /* likewise, of one that gave up nothing; NULL = none */
};

/* What execve(2) could ever give back. Only root can, and before it changes users. */
enum privilege_result privilege_empty_bounding_set(struct privilege_step *step, struct error *err);

/* Groups, then user, for good: no way back is left. */
enum privilege_result privilege_change_user(struct privilege_step *step, struct error *err);

/* Ambient, inheritable, permitted and effective ones, capabilities(7). */
enum privilege_result privilege_empty_capabilities(struct privilege_step *step, struct error *err);

/* The files that can be reached, landlock(7). */
enum privilege_result privilege_restrict_files(struct privilege_step *step, struct error *err);

/* The system calls that can be made, seccomp(2). */
enum privilege_result privilege_restrict_calls(struct privilege_step *step, struct error *err);

#endif
