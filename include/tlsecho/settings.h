/* SPDX-License-Identifier: MIT */
/*
 * A configuration made ready for use: every certificate read, every service found. Complete or not
 * there at all, and never changed afterwards.
 *
 * Ownership: settings own their configuration and contexts.   Threads: any.
 */
#ifndef TLSECHO_SETTINGS_H
#define TLSECHO_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "tlsecho/config.h"
#include "tlsecho/peer.h"
#include "tlsecho/service.h"
#include "tlsecho/tls_context.h"

struct listener {
    const struct config_listener *config;
    const struct service *service;
    struct tls_context *tls; /* NULL = plain */
};

/* A certificate that is served, for the log. */
struct settings_certificate {
    const char *profile;
    bool self_signed; /* made here */
    struct peer_certificate description;
};

struct settings {
    struct config *config;
    struct listener *listeners;    /* as many as in config, in their order */
    struct tls_context **contexts; /* as many as config has profiles, in their order */
    struct settings_certificate *certificates;
    size_t certificate_count;
};

/*
 * Takes config over, on failure too. state_directory: where self-signed certificates are kept; NULL
 * = in memory. ERROR_INPUT names FILE:LINE:COLUMN; ERROR_SYSTEM (memory).
 */
int settings_new(struct config *config, const char *state_directory, struct settings **ret,
                 struct error *err);
void settings_free(struct settings *settings);

#endif
