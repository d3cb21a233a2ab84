/* SPDX-License-Identifier: MIT */
/*
 * How a context treats the files that it reads: which modes are accepted, and what it warns of.
 *
 * Ownership: the context's.   Threads: as tls_context.h.
 */
#ifndef TLSECHO_TLS_FILES_H
#define TLSECHO_TLS_FILES_H

#include <stdbool.h>

#include "tls_pem.h"
#include "tlsecho/base/error.h"

struct tls_context;

/* The access mode for the context's files with secrets. */
enum tls_pem_access tls_files_access(const struct tls_context *ctx);

/* Adds a warning to a server's context for a file that others can write or, if it is a secret,
 * read, or whose folder others can write. ERROR_SYSTEM (memory). */
int tls_files_warn(struct tls_context *ctx, const char *path, bool secret, struct error *err);

#endif
