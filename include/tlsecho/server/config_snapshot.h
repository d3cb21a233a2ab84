/* SPDX-License-Identifier: MIT */
/*
 * A configuration made ready for use: every certificate read, every service found. Complete or not
 * there at all, and never changed afterwards; a reload replaces them as a whole.
 *
 * Ownership: counted; settings own their configuration and contexts.   Threads: any.
 */
#ifndef TLSECHO_CONFIG_SNAPSHOT_H
#define TLSECHO_CONFIG_SNAPSHOT_H

#include <stddef.h>
#include <stdint.h>

#include "tlsecho/net/peer.h"
#include "tlsecho/server/config.h"
#include "tlsecho/server/service.h"
#include "tlsecho/tls/tls_context.h"

struct config_snapshot;
struct config_snapshot_counted;

struct listener {
    const struct config_snapshot *snapshot; /* that it belongs to */
    const struct config_listener *config;
    const struct service *service;
    struct tls_context *tls; /* NULL = plain */
};

/* A certificate that is served, for the log. */
struct config_snapshot_certificate {
    const char *profile;
    const char *file;     /* NULL = self-signed, made here */
    const char *staple;   /* its file; NULL = none */
    int64_t staple_until; /* seconds since 1970, UTC */
    struct peer_certificate description;
};

struct config_snapshot {
    struct config_snapshot_counted *counted; /* for config_snapshot_ref and _free alone */
    struct config *config;
    const struct listener *listeners; /* as many as in config, in their order */
    struct tls_context **contexts;    /* as many as config has profiles, in their order */
    int64_t *crl_until;               /* of its first CRL to end; as many, as above */
    struct config_snapshot_certificate *certificates;
    size_t certificate_count;
    bool check_only;       /* nothing is written: no certificate kept, no key log begun */
    char *state_directory; /* NULL = in memory */
    uint64_t stamp;        /* of its files, when they were about to be read: config_stamp */
};

/*
 * Takes config over, on failure too. state_directory: where self-signed certificates are kept; NULL
 * = in memory. ERROR_INPUT names FILE:LINE:COLUMN; ERROR_SYSTEM (memory).
 */
int config_snapshot_new(struct config *config, const char *state_directory,
                        const struct config_snapshot **ret, struct error *err);

/* The same without writing anything: to check a configuration, and to listen by it before
 * privileges are dropped. */
int config_snapshot_draft(struct config *config, const struct config_snapshot **ret,
                          struct error *err);

/* Counted: each of these is undone by one settings_free. */
const struct config_snapshot *config_snapshot_ref(const struct config_snapshot *snapshot);
void config_snapshot_free(const struct config_snapshot *snapshot);

#endif
