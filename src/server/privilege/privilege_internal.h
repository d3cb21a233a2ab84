/* SPDX-License-Identifier: MIT */
/*
 * Shared by privilege.c, which has the order, and its steps. A step is taken once and cannot be
 * undone.
 *
 * Ownership: none.   Threads: as privilege.h.
 */
#ifndef TLSECHO_PRIVILEGE_INTERNAL_H
#define TLSECHO_PRIVILEGE_INTERNAL_H

#include "tlsecho/server/privilege.h"

/* The runtime of a sanitizer or of a coverage test needs files and system calls that the server
 * does not. */
#ifndef __has_feature
#define __has_feature(feature) 0 /* of clang; GCC has macros instead */
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
    PRIVILEGE_KEPT,    /* there was nothing to drop */
    PRIVILEGE_MISSING, /* this system, or this build, does not support it; err says why */
    PRIVILEGE_FAILED,  /* the server must not start without it; err says why */
};

/* The result of a step that failed: a shortage of memory or descriptors is not a missing feature.
 */
static inline enum privilege_result privilege_result_of(const struct error *err)
{
    return error_is_temporary(err) ? PRIVILEGE_FAILED : PRIVILEGE_MISSING;
}

struct privilege_step {
    const struct config *config;
    const char *state_directory; /* NULL = none */
    char detail[256];            /* for the log, filled by the step */
    const char *warning;         /* likewise, if nothing was dropped; NULL = none */
};

/* The capabilities that execve(2) could restore. Only root can drop them, before it switches users.
 */
enum privilege_result privilege_empty_bounding_set(struct privilege_step *step, struct error *err);

/* Switches the groups, then the user, permanently. */
enum privilege_result privilege_change_user(struct privilege_step *step, struct error *err);

/* Drops ambient, inheritable, permitted and effective capabilities, capabilities(7). */
enum privilege_result privilege_empty_capabilities(struct privilege_step *step, struct error *err);

/* What is allowed at a place and in all folders beneath it. */
enum privilege_right {
    PRIVILEGE_READ = 1,   /* read files */
    PRIVILEGE_APPEND = 2, /* write to files, and create them */
    PRIVILEGE_KEEP = 4,   /* read, write, create, rename and remove files */
    PRIVILEGE_SOCKETS = 8 /* create and remove sockets */
};

struct privilege_place {
    char *path; /* a folder, or a file in the root folder */
    unsigned rights;
    bool fixed; /* a folder or file that replaces it could not be read */
};

struct privilege_places {
    struct privilege_place *values;
    size_t count;
};

/*
 * The places that a reload reads and writes: the folders, not the files, since files are replaced
 * by renaming. For each symbolic link on a path also the folder of its target, and the link's own
 * folder if the link may be swapped. The parent of each folder too, so that the folder can be
 * replaced, unless the parent holds anything else. The caller frees. ERROR_SYSTEM.
 */
int privilege_find_places(const struct config *config, const char *state_directory,
                          struct privilege_places *ret, struct error *err);
void privilege_free_places(struct privilege_places *places);

/* From now on only these places can be used, and TCP connections only to name servers. detail gets
 * a text for the log. */
enum privilege_result privilege_landlock(const struct privilege_places *places, char detail[256],
                                         struct error *err);

/* The files that can be reached, landlock(7): privilege_landlock of all that a reload needs. */
enum privilege_result privilege_restrict_files(struct privilege_step *step, struct error *err);

/* The system calls that can be made, seccomp(2); the others fail with EPERM. */
enum privilege_result privilege_restrict_calls(struct privilege_step *step, struct error *err);

/* Writes the names of the allowed system calls, separated by spaces, and returns their number;
 * tgkill(2) to the process itself is allowed too. */
enum { PRIVILEGE_CALLS_BYTES = 1600 };
unsigned privilege_list_calls(char *ret, size_t size);

/* The version of libseccomp; NULL if the server was built without it. */
const char *privilege_seccomp_version(void);

#endif
