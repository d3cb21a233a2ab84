/* SPDX-License-Identifier: MIT */
/*
 * Between privilege.c (the order) and its steps. Each step is taken once and cannot be undone.
 *
 * Ownership: none.   Threads: as privilege.h.
 */
#ifndef TLSECHO_PRIVILEGE_INTERNAL_H
#define TLSECHO_PRIVILEGE_INTERNAL_H

#include "tlsecho/server/privilege.h"

/* The run-time of a sanitizer, and of a coverage test, reads and writes what the server itself has
 * no need of. */
#ifndef __has_feature
#define __has_feature(feature) 0 /* as clang says what GCC has macros for */
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) ||                               \
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    defined(TLSECHO_INSTRUMENTED)
enum { PRIVILEGE_INSTRUMENTED = 1 };
#else
enum { PRIVILEGE_INSTRUMENTED = 0 };
#endif

enum privilege_result {
    PRIVILEGE_DONE,
    PRIVILEGE_KEPT,    /* there was nothing to give up */
    PRIVILEGE_MISSING, /* this system, or this build, does not do it; err says why */
    PRIVILEGE_FAILED,  /* nobody shall serve without it; err says why */
};

/* Of a step that the system did not take: what is short is not missing. */
static inline enum privilege_result privilege_result_of(const struct error *err)
{
    return error_is_temporary(err) ? PRIVILEGE_FAILED : PRIVILEGE_MISSING;
}

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

/* What may be done at a place, and in all folders beneath it. */
enum privilege_right {
    PRIVILEGE_READ = 1,   /* read files */
    PRIVILEGE_APPEND = 2, /* write to files, and make them */
    PRIVILEGE_KEEP = 4,   /* read, write, make, rename and remove files */
    PRIVILEGE_SOCKETS = 8 /* make and remove sockets */
};

struct privilege_place {
    char *path; /* a folder, or a file in the root folder */
    unsigned rights;
    bool fixed; /* another folder, or file, that takes its place could not be read */
};

struct privilege_reach {
    struct privilege_place *places;
    size_t count;
};

/*
 * Where everything is that a reload reads and writes. The folders, not the files: those are renamed
 * into place; and with each symbolic link on the way the folder of what it leads to, and its own if
 * it is of the kind that is swapped for another. The folder above each of them too, so that they
 * can be replaced, unless there is more in it. The caller frees. ERROR_SYSTEM.
 */
int privilege_find_reach(const struct config *config, const char *state_directory,
                         struct privilege_reach *ret, struct error *err);
void privilege_free_reach(struct privilege_reach *reach);

/* Nothing but these places from now on, and no TCP connection but to name servers. `detail` gets
 * words about it. */
enum privilege_result privilege_landlock(const struct privilege_reach *reach, char detail[256],
                                         struct error *err);

/* The files that can be reached, landlock(7): privilege_landlock of all that a reload needs. */
enum privilege_result privilege_restrict_files(struct privilege_step *step, struct error *err);

/* The system calls that can be made, seccomp(2); the others fail with EPERM. */
enum privilege_result privilege_restrict_calls(struct privilege_step *step, struct error *err);

/* The names of the system calls that can be made, with spaces between, and how many there are;
 * besides, tgkill(2) to ourselves. */
enum { PRIVILEGE_CALLS_BYTES = 1600 };
unsigned privilege_list_calls(char *ret, size_t size);

/* Its version, NULL where it is not built in. */
const char *privilege_seccomp_version(void);

#endif
