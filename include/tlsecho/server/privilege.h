/* SPDX-License-Identifier: MIT */
/*
 * What the process keeps others, and itself, from doing: once it listens it gives up whatever it
 * does not need to serve.
 *
 * Threads: the main one, before the others: capabilities, Landlock and seccomp are a thread's own,
 * and inherited by those that it starts.
 */
#ifndef TLSECHO_PRIVILEGE_H
#define TLSECHO_PRIVILEGE_H

#include <stdbool.h>

#include "tlsecho/base/error.h"
#include "tlsecho/server/config.h"

/*
 * From now on no core dump is written, to a file or to a collector, and nobody but root may trace
 * the process: its memory holds private keys. prctl(2), PR_SET_DUMPABLE. ERROR_SYSTEM.
 */
int privilege_forbid_dumps(struct error *err);

/* Whether the user and the group that it names exist. ERROR_INPUT with the key's place. */
int privilege_check(const struct config *config, struct error *err);

/* The file at path, made by who starts the server, becomes that of the user and group that it will
 * have; without security.user it stays as it is. ERROR_SYSTEM. */
int privilege_give(const struct config *config, const char *path, struct error *err);

/* The same for a socket, as far as the system lets us: the kernel lets only sockets of the same
 * user share a port, socket(7). */
void privilege_give_socket(const struct config *config, int fd);

/*
 * Gives up, one line of the log for each step: the user and its groups; all capabilities; gaining
 * any by execve(2) (no_new_privs); the files that no reload needs (Landlock); the system calls that
 * nobody makes (seccomp). state_directory may be NULL. *ret: whether anything was given up that
 * opening a file or a port may need. ERROR_SYSTEM with the key's place: what could not be done, and
 * what to do about it.
 */
int privilege_drop(const struct config *config, const char *state_directory, bool *ret,
                   struct error *err);

/* Appends to an error about a missing permission that privileges were given up, and what helps:
 * that permission at the start, a restart later on. Leaves others as they are. Returns -1. */
int privilege_explain(bool at_start, struct error *err);

/* What the sandbox can use, for --version. */
enum { PRIVILEGE_FEATURES_BYTES = 64 };
void privilege_features(char ret[PRIVILEGE_FEATURES_BYTES]);

#endif
