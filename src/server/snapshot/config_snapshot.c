/* SPDX-License-Identifier: MIT */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "config_snapshot_internal.h"
#include "tlsecho/server/config_stamp.h"
#include "tlsecho/server/privilege.h"

/* A snapshot, and the parts of it that can be written after it is built. */
struct config_snapshot_counted {
    struct config_snapshot snapshot;
    struct listener *listeners; /* the snapshot's */
    atomic_uint references;
};

static struct tls_context *context_of(const struct config_snapshot *s,
                                      const struct config_listener *listener)
{
    if (!listener->tls)
        return NULL;
    bool dtls = listener->listen.scheme == ENDPOINT_DTLS;
    return (dtls ? s->dtls : s->contexts)[listener->tls - s->config->profiles];
}

static void link_listeners(struct config_snapshot *s)
{
    for (size_t i = 0; i < s->config->listener_count; i++) {
        const struct config_listener *config = &s->config->listeners[i];
        s->counted->listeners[i] = (struct listener){
            .snapshot = s,
            .config = config,
            .service = service_find(config->service.value),
            .tls = context_of(s, config),
        };
    }
}

static size_t count_certificates(const struct config *config)
{
    size_t n = 0;
    for (size_t i = 0; i < config->profile_count; i++)
        n += config->profiles[i].certificate_count ? config->profiles[i].certificate_count : 1;
    return n;
}

static int allocate(struct config_snapshot *s, const char *state_directory, struct error *err)
{
    const struct config *config = s->config;
    s->listeners = s->counted->listeners = calloc(config->listener_count, sizeof *s->listeners);
    s->contexts = calloc(config->profile_count + 1, sizeof(struct tls_context *));
    s->dtls = calloc(config->profile_count + 1, sizeof(struct tls_context *));
    s->crl_until = calloc(config->profile_count + 1, sizeof *s->crl_until);
    s->certificates = calloc(count_certificates(config) + 1, sizeof *s->certificates);
    if (state_directory)
        s->state_directory = strdup(state_directory);
    if (!s->listeners || !s->contexts || !s->dtls || !s->crl_until || !s->certificates ||
        (state_directory && !s->state_directory))
        return error_sys(err, "load the configuration");
    return 0;
}

static int build(struct config *config, const char *state_directory, bool check_only,
                 const struct config_snapshot **ret, struct error *err)
{
    struct config_snapshot_counted *counted = calloc(1, sizeof *counted);
    if (!counted) {
        config_free(config);
        return error_sys(err, "load the configuration");
    }
    struct config_snapshot *s = &counted->snapshot;
    atomic_init(&counted->references, 1);
    s->counted = counted;
    s->config = config;
    s->check_only = check_only;
    s->stamp = config_stamp(config);
    int result = privilege_check(config, err);
    if (result == 0)
        result = allocate(s, state_directory, err);
    for (size_t i = 0; result == 0 && i < config->profile_count; i++)
        result = config_snapshot_load_profile(s, i, err);
    if (result < 0) {
        config_snapshot_free(s);
        return -1;
    }
    link_listeners(s);
    *ret = s;
    return 0;
}

int config_snapshot_new(struct config *config, const char *state_directory,
                        const struct config_snapshot **ret, struct error *err)
{
    return build(config, state_directory, false, ret, err);
}

int config_snapshot_draft(struct config *config, const struct config_snapshot **ret,
                          struct error *err)
{
    return build(config, NULL, true, ret, err);
}

const struct config_snapshot *config_snapshot_ref(const struct config_snapshot *snapshot)
{
    atomic_fetch_add(&snapshot->counted->references, 1);
    return snapshot;
}

void config_snapshot_free(const struct config_snapshot *s)
{
    if (!s || atomic_fetch_sub(&s->counted->references, 1) > 1)
        return;
    for (size_t i = 0; s->contexts && i < s->config->profile_count; i++)
        tls_context_free(s->contexts[i]);
    for (size_t i = 0; s->dtls && i < s->config->profile_count; i++)
        tls_context_free(s->dtls[i]);
    free(s->contexts);
    free(s->dtls);
    free(s->counted->listeners);
    free(s->crl_until);
    free(s->certificates);
    free(s->state_directory);
    config_free(s->config);
    free(s->counted);
}
