/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "settings_internal.h"
#include "tlsecho/config_stamp.h"
#include "tlsecho/privilege.h"

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
    s->crl_until = calloc(config->profile_count + 1, sizeof *s->crl_until);
    s->certificates = calloc(count_certificates(config) + 1, sizeof *s->certificates);
    if (state_directory)
        s->state_directory = strdup(state_directory);
    if (!s->listeners || !s->contexts || !s->crl_until || !s->certificates ||
        (state_directory && !s->state_directory))
        return error_sys(err, "make the settings");
    return 0;
}

static int build(struct config *config, const char *state_directory, bool check_only,
                 struct settings **ret, struct error *err)
{
    struct settings *s = calloc(1, sizeof *s);
    if (!s) {
        config_free(config);
        return error_sys(err, "make the settings");
    }
    atomic_init(&s->references, 1);
    s->config = config;
    s->check_only = check_only;
    s->stamp = config_stamp(config);
    int result = privilege_check(config, err);
    if (result == 0)
        result = allocate(s, state_directory, err);
    for (size_t i = 0; result == 0 && i < config->profile_count; i++)
        result = settings_load_profile(s, i, err);
    if (result < 0) {
        settings_free(s);
        return -1;
    }
    link_listeners(s);
    *ret = s;
    return 0;
}

int settings_new(struct config *config, const char *state_directory, struct settings **ret,
                 struct error *err)
{
    return build(config, state_directory, false, ret, err);
}

int settings_draft(struct config *config, struct settings **ret, struct error *err)
{
    return build(config, NULL, true, ret, err);
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
    free(s->crl_until);
    free(s->certificates);
    free(s->state_directory);
    config_free(s->config);
    free(s);
}
