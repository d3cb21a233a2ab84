/* SPDX-License-Identifier: MIT */
#include "config_complete.h"

#include <stdlib.h>
#include <string.h>

#include "config_identity.h"
#include "config_read.h"

static int replace_text(struct config_text *text, const char *value, struct error *err)
{
    char *copy = strdup(value);
    if (!copy)
        return error_sys(err, "read the configuration");
    free(text->value);
    text->value = copy;
    return 0;
}

static int complete_name(struct config_listener *listener, struct error *err)
{
    char text[ENDPOINT_TEXT_BYTES];
    if (listener->name.value[0] != '\0')
        return 0;
    endpoint_text(&listener->listen, text);
    return replace_text(&listener->name, text, err);
}

static const struct config_tls *find_profile(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->profile_count; i++)
        if (strcmp(config->profiles[i].name.value, name) == 0)
            return &config->profiles[i];
    return NULL;
}

/* A TLS listener without a profile uses the default one, which is added if the file lacks it. */
static int complete_profile(struct config *config, struct config_listener *listener,
                            struct error *err)
{
    if (!endpoint_has_tls(listener->listen.scheme))
        return 0;
    if (listener->profile.value[0] == '\0' &&
        replace_text(&listener->profile, CONFIG_COMPLETE_PROFILE, err))
        return -1;
    if (strcmp(listener->profile.value, CONFIG_COMPLETE_PROFILE) != 0 ||
        find_profile(config, CONFIG_COMPLETE_PROFILE))
        return 0;
    return config_read_profile(config, CONFIG_COMPLETE_PROFILE, err);
}

/* Once all profiles are read: adding one may move the others. */
static void link_profiles(struct config *config)
{
    for (size_t i = 0; i < config->listener_count; i++) {
        struct config_listener *listener = &config->listeners[i];
        if (endpoint_has_tls(listener->listen.scheme))
            listener->tls = find_profile(config, listener->profile.value);
    }
}

static int complete_admin(struct config *config, struct error *err)
{
    const struct config_text *listen = &config->admin.listen;
    if (listen->value[0] == '\0' ||
        endpoint_parse(listen->value, &config->admin.endpoint, err) == 0)
        return 0;
    struct error cause = *err;
    return config_refuse(config, listen->place, err, "admin.listen: %s", cause.text);
}

int config_complete(struct config *config, struct error *err)
{
    for (size_t i = 0; i < config->listener_count; i++)
        if (complete_name(&config->listeners[i], err) ||
            complete_profile(config, &config->listeners[i], err))
            return -1;
    link_profiles(config);
    if (complete_admin(config, err))
        return -1;
    return config_identity_complete(config, err);
}
