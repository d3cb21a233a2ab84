/* SPDX-License-Identifier: MIT */
#include "tlsecho/settings.h"

#include <stdlib.h>
#include <string.h>

#include "tlsecho/watch.h"

/* A failure of the file that a key names becomes one of the configuration, at that key's place. */
static int refuse(const struct settings *s, const struct config_text *value, const char *key,
                  struct error *err)
{
    struct error cause = *err;
    return config_refuse(s->config, value->place, err, "%s: %s", key, cause.text);
}

static struct peer_certificate *add_certificate(struct settings *s,
                                                const struct config_tls *profile, bool self_signed)
{
    struct settings_certificate *c = &s->certificates[s->certificate_count++];
    *c = (struct settings_certificate){.profile = profile->name.value, .self_signed = self_signed};
    return &c->description;
}

static int load_certificates(struct settings *s, const struct config_tls *profile,
                             struct tls_context *ctx, struct error *err)
{
    if (profile->certificate_count == 0)
        return tls_context_use_self_signed(ctx, s->state_directory,
                                           add_certificate(s, profile, true), err);

    for (size_t i = 0; i < profile->certificate_count; i++) {
        const struct config_certificate *pair = &profile->certificates[i];
        struct peer_certificate *description = add_certificate(s, profile, false);
        if (tls_context_use_certificate(ctx, pair->certificate.value, description, err) < 0)
            return refuse(s, &pair->certificate, "certificate", err);
        if (tls_context_use_key(ctx, pair->key.value, err) < 0)
            return refuse(s, &pair->key, "key", err);
    }
    return 0;
}

static int load_profile(struct settings *s, size_t index, struct error *err)
{
    const struct config_tls *profile = &s->config->profiles[index];
    if (tls_context_new(TLS_SERVER, &s->contexts[index], err) < 0)
        return -1;
    if (tls_context_set_versions(s->contexts[index], profile->min_version.value,
                                 profile->max_version.value, err) < 0)
        return refuse(s, &profile->min_version, "min_version", err);
    return load_certificates(s, profile, s->contexts[index], err);
}

static void link_listeners(struct settings *s)
{
    for (size_t i = 0; i < s->config->listener_count; i++) {
        const struct config_listener *config = &s->config->listeners[i];
        s->listeners[i] = (struct listener){
            .settings = s,
            .config = config,
            .service = service_find(config->service.value),
            .tls = config->tls ? s->contexts[config->tls - s->config->profiles] : NULL,
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

static int allocate(struct settings *s, const char *state_directory, struct error *err)
{
    const struct config *config = s->config;
    s->listeners = calloc(config->listener_count, sizeof *s->listeners);
    s->contexts = calloc(config->profile_count + 1, sizeof(struct tls_context *));
    s->certificates = calloc(count_certificates(config) + 1, sizeof *s->certificates);
    if (state_directory)
        s->state_directory = strdup(state_directory);
    if (!s->listeners || !s->contexts || !s->certificates ||
        (state_directory && !s->state_directory))
        return error_sys(err, "make the settings");
    return 0;
}

int settings_new(struct config *config, const char *state_directory, struct settings **ret,
                 struct error *err)
{
    struct settings *s = calloc(1, sizeof *s);
    if (!s) {
        config_free(config);
        return error_sys(err, "make the settings");
    }
    atomic_init(&s->references, 1);
    s->config = config;
    s->stamp = watch_stamp(config);
    int result = allocate(s, state_directory, err);
    for (size_t i = 0; result == 0 && i < config->profile_count; i++)
        result = load_profile(s, i, err);
    if (result < 0) {
        settings_free(s);
        return -1;
    }
    link_listeners(s);
    *ret = s;
    return 0;
}

struct settings *settings_ref(struct settings *settings)
{
    atomic_fetch_add(&settings->references, 1);
    return settings;
}

void settings_free(struct settings *s)
{
    if (!s || atomic_fetch_sub(&s->references, 1) > 1)
        return;
    for (size_t i = 0; s->contexts && i < s->config->profile_count; i++)
        tls_context_free(s->contexts[i]);
    free(s->contexts);
    free(s->listeners);
    free(s->certificates);
    free(s->state_directory);
    config_free(s->config);
    free(s);
}
