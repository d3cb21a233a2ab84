/* SPDX-License-Identifier: MIT */
/*
 * A configuration that is ready for use: every certificate is loaded, every service found. A reload
 * replaces the whole snapshot.
 *
 * Ownership: counted; a snapshot owns its configuration and contexts.   Threads: any.
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
    const struct config_snapshot *snapshot; /* the one it belongs to */
    const struct config_listener *config;
    const struct service *service;
    struct tls_context *tls; /* of TLS or DTLS; NULL = plain */
};

/* A certificate that is presented to clients, for the log. */
struct config_snapshot_certificate {
    const char *profile;
    const char *file;     /* NULL = self-signed, generated */
    const char *staple;   /* the file; NULL = none */
    int64_t staple_until; /* seconds since 1970, UTC */
    struct peer_certificate description;
};

struct config_snapshot {
    struct config_snapshot_counted *counted; /* for config_snapshot_ref and _free alone */
    struct config *config;
    const struct listener *listeners; /* as many as in config, in their order */
    struct tls_context **contexts;    /* as many as config has profiles, in their order */
    struct tls_context **dtls;        /* likewise; NULL = no dtls:// listener has that profile */
    int64_t *crl_until;               /* when its first CRL expires; as many as contexts */
    struct config_snapshot_certificate *certificates;
    size_t certificate_count;
    bool check_only;       /* write nothing: store no certificate, create no key log */
    char *state_directory; /* NULL = in memory */
    uint64_t stamp;        /* of its files, from just before they were read: config_stamp */
};

/*
 * Takes ownership of config, on failure too. state_directory: where self-signed certificates are
 * stored; NULL = in memory. ERROR_INPUT names FILE:LINE:COLUMN; ERROR_SYSTEM (memory).
 */
int config_snapshot_new(struct config *config, const char *state_directory,
                        const struct config_snapshot **ret, struct error *err);

/* The same without writing anything: to check a configuration, or to open its listeners before
 * privileges are dropped. */
int config_snapshot_draft(struct config *config, const struct config_snapshot **ret,
                          struct error *err);

/* Counted: each of these is undone by one config_snapshot_free. */
const struct config_snapshot *config_snapshot_ref(const struct config_snapshot *snapshot);
void config_snapshot_free(const struct config_snapshot *snapshot);

#endif
