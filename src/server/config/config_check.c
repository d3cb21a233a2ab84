/* SPDX-License-Identifier: MIT */
/* What the table of keys cannot say: defaults and rules that join several keys. */
#include "config_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tlsecho/base/suggest.h"

static const char default_profile[] = "default";

static int replace_text(struct config_text *text, const char *value, struct error *err)
{
    char *copy = strdup(value);
    if (!copy)
        return error_sys(err, "read the configuration");
    free(text->value);
    text->value = copy;
    return 0;
}

/* A name is free of colons, so that it can be told from an endpoint, which is the default. */
static int name_listener(struct config *config, size_t i, struct error *err)
{
    struct config_listener *listener = &config->listeners[i];
    char text[ENDPOINT_TEXT_BYTES];
    endpoint_text(&listener->listen, text);
    if (listener->name.value[0] == '\0')
        return replace_text(&listener->name, text, err);
    if (strchr(listener->name.value, ':') && strcmp(listener->name.value, text) != 0)
        return config_refuse(config, listener->name.place, err,
                             "listeners[%zu].name: a colon in a name: remove it", i);
    return 0;
}

static int check_address(const struct config *config, const struct endpoint *endpoint,
                         struct config_place place, const char *key, struct error *err)
{
    if (!endpoint_host_is_for_many(endpoint->host))
        return 0;
    return config_refuse(config, place, err,
                         "%s: %s is %s address, which no connection can come to: write an address "
                         "of this host, or 0.0.0.0 or [::] for all of them",
                         key, endpoint->host,
                         strcmp(endpoint->host, "255.255.255.255") == 0 ? "the broadcast"
                                                                        : "a multicast");
}

/* Two texts of one socket file, which only the file system knows: folders with ".." or links. */
static bool is_same_file(const struct endpoint *a, const struct endpoint *b)
{
    char folders[2][ENDPOINT_PATH_BYTES];
    struct stat status[2];
    const char *paths[] = {a->path, b->path}, *names[2];
    if (a->scheme != ENDPOINT_UNIX || b->scheme != ENDPOINT_UNIX)
        return false;
    for (int i = 0; i < 2; i++) {
        names[i] = strrchr(paths[i], '/') + 1;
        snprintf(folders[i], sizeof folders[i], "%.*s", (int)(names[i] - paths[i]), paths[i]);
        if (stat(folders[i], &status[i]) != 0)
            return false;
    }
    return strcmp(names[0], names[1]) == 0 && status[0].st_dev == status[1].st_dev &&
           status[0].st_ino == status[1].st_ino;
}

static bool overlap(const struct endpoint *a, const struct endpoint *b)
{
    return endpoint_overlap(a, b) || is_same_file(a, b);
}

static int check_listen(const struct config *config, size_t i, struct error *err)
{
    const struct config_listener *listener = &config->listeners[i];
    char key[64];
    snprintf(key, sizeof key, "listeners[%zu].listen", i);
    return check_address(config, &listener->listen, listener->place, key, err);
}

static int check_twins(const struct config *config, size_t i, struct error *err)
{
    const struct config_listener *listener = &config->listeners[i];
    for (size_t j = 0; j < i; j++) {
        const struct config_listener *earlier = &config->listeners[j];
        if (overlap(&listener->listen, &earlier->listen))
            return config_refuse(config, listener->place, err,
                                 "listeners[%zu].listen: listeners[%zu] has that address already: "
                                 "write another one, or remove it",
                                 i, j);
        if (strcmp(listener->name.value, earlier->name.value) == 0)
            return config_refuse(
                config, listener->name.place.line ? listener->name.place : listener->place, err,
                "listeners[%zu].name: the name of listeners[%zu] again: write another one", i, j);
    }
    return 0;
}

static const struct config_tls *find_profile(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->profile_count; i++)
        if (strcmp(config->profiles[i].name.value, name) == 0)
            return &config->profiles[i];
    return NULL;
}

/* Every profile that a listener may name: those written, and the default one. */
static int refuse_profile(const struct config *config, size_t i, struct error *err)
{
    const struct config_text *profile = &config->listeners[i].profile;
    const char *names[CONFIG_ENTRIES + 1] = {default_profile};
    size_t count = 1;
    for (size_t p = 0; p < config->profile_count; p++)
        if (strcmp(config->profiles[p].name.value, default_profile) != 0)
            names[count++] = config->profiles[p].name.value;

    char list[SUGGEST_BYTES], brief[TEXT_BRIEF_BYTES];
    suggest_list(names, count, list);
    text_brief(profile->value, brief);
    return config_refuse(config, profile->place, err,
                         "listeners[%zu].tls: no profile \"%s\" under tls: write one of %s", i,
                         brief, list);
}

/* The default profile is there without being written, for those who want it. */
static int name_profile(struct config *config, size_t i, struct error *err)
{
    struct config_listener *listener = &config->listeners[i];
    if (listener->listen.scheme != ENDPOINT_TLS) {
        if (listener->profile.place.line == 0)
            return 0;
        return config_refuse(config, listener->profile.place, err,
                             "listeners[%zu].tls: a profile, but %s:// has no TLS: "
                             "remove it, or listen on tls://",
                             i, endpoint_scheme_name(listener->listen.scheme));
    }
    if (listener->profile.value[0] == '\0' &&
        replace_text(&listener->profile, default_profile, err))
        return -1;
    if (find_profile(config, listener->profile.value))
        return 0;
    if (strcmp(listener->profile.value, default_profile) != 0)
        return refuse_profile(config, i, err);
    return config_read_profile(config, default_profile, err);
}

static int check_versions(const struct config *config, const struct config_tls *profile,
                          const char *name, struct error *err)
{
    if (strcmp(profile->min_version.value, profile->max_version.value) <= 0)
        return 0;
    return config_refuse(config, profile->min_version.place, err,
                         "tls.%s.min_version: %s is above max_version %s: write at most that", name,
                         profile->min_version.value, profile->max_version.value);
}

/* What would not be enforced is refused: nobody shall take a profile for stricter than it is. */
static int check_client_auth(const struct config *config, const struct config_tls *profile,
                             const char *name, struct error *err)
{
    bool asks = profile->client_auth > 0;
    if (asks && profile->client_ca.value[0] == '\0')
        return config_refuse(config, profile->client_auth_place, err,
                             "tls.%s.client_ca: missing, but needed unless client_auth is off: "
                             "name the PEM file of the CAs that issue client certificates",
                             name);
    const struct {
        const char *key;
        const struct config_text *value; /* NULL = not given */
    } rules[] = {
        {"client_ca", profile->client_ca.value[0] ? &profile->client_ca : NULL},
        {"crl", profile->crl.value[0] ? &profile->crl : NULL},
        {"allow_names", profile->allow_names.values},
    };
    for (size_t i = 0; !asks && i < sizeof rules / sizeof *rules; i++)
        if (rules[i].value)
            return config_refuse(config, rules[i].value->place, err,
                                 "tls.%s.%s: given, but client_auth is off, so that no client is "
                                 "asked for a certificate: write client_auth: required or "
                                 "optional, or remove it",
                                 name, rules[i].key);
    return 0;
}

static int check_profile(const struct config *config, const struct config_tls *profile,
                         struct error *err)
{
    char brief[TEXT_BRIEF_BYTES];
    text_brief(profile->name.value, brief);
    if (check_versions(config, profile, brief, err))
        return -1;
    return check_client_auth(config, profile, brief, err);
}

/* Neither secrets nor strangers: what is told there needs no TLS, and has none. */
static int check_admin(struct config *config, struct error *err)
{
    const struct config_text *listen = &config->admin.listen;
    struct endpoint *endpoint = &config->admin.endpoint;
    if (listen->value[0] == '\0')
        return 0;
    if (endpoint_parse(listen->value, endpoint, err)) {
        struct error cause = *err;
        return config_refuse(config, listen->place, err, "admin.listen: %s", cause.text);
    }
    if (endpoint->scheme == ENDPOINT_TLS)
        return config_refuse(config, listen->place, err,
                             "admin.listen: tls:// is not spoken there: write tcp:// or unix://");
    if (check_address(config, endpoint, listen->place, "admin.listen", err))
        return -1;
    for (size_t i = 0; i < config->listener_count; i++)
        if (overlap(endpoint, &config->listeners[i].listen))
            return config_refuse(config, listen->place, err,
                                 "admin.listen: listeners[%zu] has that address already: "
                                 "write another one",
                                 i);
    return 0;
}

/* Addresses that anyone can claim would be worth nothing. */
static int check_proxies(const struct config *config, size_t i, struct error *err)
{
    const struct config_listener *listener = &config->listeners[i];
    bool on = listener->proxy_protocol > 0;
    if (on && listener->proxy_from.count == 0)
        return config_refuse(config, listener->proxy_protocol_place, err,
                             "listeners[%zu].proxy_from: missing, but needed unless "
                             "proxy_protocol is off: name the networks of the proxies",
                             i);
    if (!on && listener->proxy_from.count > 0)
        return config_refuse(config, listener->proxy_from.place, err,
                             "listeners[%zu].proxy_from: given, but proxy_protocol is off: write "
                             "proxy_protocol: trusted or required, or remove it",
                             i);
    return 0;
}

static int check_freebind(const struct config *config, size_t i, struct error *err)
{
    const struct config_listener *listener = &config->listeners[i];
    if (!listener->freebind || listener->listen.scheme != ENDPOINT_UNIX)
        return 0;
    return config_refuse(config, listener->freebind_place, err,
                         "listeners[%zu].freebind: on, but a Unix socket has no IP address: "
                         "remove it",
                         i);
}

/* A list in which no client of its listener can be lets nobody in, which nobody can have meant. */
static int check_allow(const struct config *config, size_t i, struct error *err)
{
    const struct config_listener *listener = &config->listeners[i];
    const struct config_cidrs *allow = &listener->allow;
    bool local = listener->listen.scheme == ENDPOINT_UNIX;
    if (allow->count == 0 || listener->proxy_protocol > 0)
        return 0;
    for (size_t n = 0; n < allow->count; n++)
        if ((allow->values[n].family == AF_UNIX) == local)
            return 0;
    return config_refuse(config, allow->place, err,
                         "listeners[%zu].allow: %s, so that nobody could come in: %s, "
                         "or remove the list",
                         i,
                         local ? "networks, but clients of a Unix socket have no network"
                               : "unix, but no client of this listener comes through a Unix socket",
                         local ? "add unix" : "add a network");
}

static int check_security(const struct config *config, struct error *err)
{
    if (config->security.group.value[0] == '\0' || config->security.user.value[0] != '\0')
        return 0;
    return config_refuse(config, config->security.group.place, err,
                         "security.group: given, but without security.user nobody changes groups: "
                         "name the user too, or remove it");
}

int config_check(struct config *config, struct error *err)
{
    if (check_security(config, err))
        return -1;
    for (size_t i = 0; i < config->listener_count; i++)
        if (name_listener(config, i, err) || check_listen(config, i, err) ||
            check_twins(config, i, err) || name_profile(config, i, err) ||
            check_proxies(config, i, err) || check_freebind(config, i, err) ||
            check_allow(config, i, err))
            return -1;
    for (size_t i = 0; i < config->profile_count; i++)
        if (check_profile(config, &config->profiles[i], err))
            return -1;

    if (check_admin(config, err))
        return -1;

    /* The profiles stay where they are from here on. */
    for (size_t i = 0; i < config->listener_count; i++)
        if (config->listeners[i].listen.scheme == ENDPOINT_TLS)
            config->listeners[i].tls = find_profile(config, config->listeners[i].profile.value);
    return 0;
}
