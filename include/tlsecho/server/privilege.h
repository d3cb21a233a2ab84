/* SPDX-License-Identifier: MIT */
/*
 * Dropping privileges: once the server listens, it drops everything that serving does not need.
 *
 * Threads: the main one, before it starts others: capabilities, Landlock and seccomp belong to a
 * thread, and the threads that it starts inherit them.
 */
#ifndef TLSECHO_PRIVILEGE_H
#define TLSECHO_PRIVILEGE_H

#include <stdbool.h>

#include "tlsecho/base/error.h"
#include "tlsecho/server/config.h"

/*
 * From now on no core dump is written, neither to a file nor to a collector, and only root may
 * trace the process: its memory holds private keys. prctl(2), PR_SET_DUMPABLE. ERROR_SYSTEM.
 */
int privilege_forbid_dumps(struct error *err);

/* Checks that security.user and security.group exist. ERROR_INPUT with the key's place. */
int privilege_check(const struct config *config, struct error *err);

/* Makes security.user and its group the owner of the file at path; without security.user it stays
 * as it is. ERROR_SYSTEM. */
int privilege_change_owner(const struct config *config, const char *path, struct error *err);

/* The same for a socket, if the system permits it: only sockets of one user can share a port,
 * socket(7). */
void privilege_change_socket_owner(const struct config *config, int fd);

/*
 * Drops, with a line in the log for each step: the user and its groups; all capabilities; gaining
 * new ones by execve(2) (no_new_privs); access to files that no reload needs (Landlock); system
 * calls that the server does not make (seccomp). state_directory may be NULL. *ret: whether
 * anything was dropped that opening a file or a port may need. ERROR_SYSTEM with the key's place,
 * the reason and the remedy.
 */
int privilege_drop(const struct config *config, const char *state_directory, bool *ret,
                   struct error *err);

/* Adds to an error about a missing permission that privileges were dropped, and the remedy: at the
 * start to grant access, later to restart. Leaves other errors as they are. Returns -1. */
int privilege_explain(bool at_start, struct error *err);

/* What the sandbox can use, for --version. */
enum { PRIVILEGE_FEATURES_BYTES = 64 };
void privilege_features(char ret[PRIVILEGE_FEATURES_BYTES]);

#endif
