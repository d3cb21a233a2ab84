/* SPDX-License-Identifier: MIT */
#include "config_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config_complete.h"
#include "config_keys.h"
#include "tlsecho/base/suggest.h"
#include "tlsecho/base/text.h"
#include "tlsecho/server/service.h"

/* Without colons a name cannot look like an endpoint, the default name of other listeners. */
static int check_name(const struct config *config, size_t i, struct error *err)
{
    const struct config_listener *listener = &config->listeners[i];
    char endpoint[ENDPOINT_TEXT_BYTES];
    endpoint_text(&listener->listen, endpoint);
    if (!strchr(listener->name.value, ':') || strcmp(listener->name.value, endpoint) == 0)
        return 0;
    return config_refuse(config, listener->name.place, err,
                         "listeners[%zu].name: a name must not contain a colon: remove it", i);
}

static int check_address(const struct config *config, const struct endpoint *endpoint,
                         struct config_place place, const char *key, struct error *err)
{
    if (!endpoint_host_is_for_many(endpoint->host))
        return 0;
    return config_refuse(config, place, err,
                         "%s: %s is %s address, which %s: write an address of this host, or "
                         "0.0.0.0 or [::] for all of them",
                         key, endpoint->host,
                         strcmp(endpoint->host, "255.255.255.255") == 0   ? "the broadcast"
                         : strcmp(endpoint->host, "127.255.255.255") == 0 ? "a broadcast"
                                                                          : "a multicast",
                         endpoint_has_datagrams(endpoint->scheme) ? "gets no answers"
                                                                  : "accepts no connections");
}

/* Whether two different paths lead to the same socket file, through ".." or symbolic links. */
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

static int check_unique(const struct config *config, size_t i, struct error *err)
{
    const struct config_listener *listener = &config->listeners[i];
    for (size_t j = 0; j < i; j++) {
        const struct config_listener *earlier = &config->listeners[j];
        if (overlap(&listener->listen, &earlier->listen))
            return config_refuse(config, listener->place, err,
                                 "listeners[%zu].listen: listeners[%zu] already has this address: "
                                 "write another one, or remove it",
                                 i, j);
        if (strcmp(listener->name.value, earlier->name.value) == 0)
            return config_refuse(
                config, listener->name.place.line ? listener->name.place : listener->place, err,
                "listeners[%zu].name: listeners[%zu] already has this name: write another one", i,
                j);
    }
    return 0;
}

/* The message lists every profile that a listener may use, including the default one. */
static int refuse_profile(const struct config *config, size_t i, struct error *err)
{
    const struct config_text *profile = &config->listeners[i].profile;
    const char *names[CONFIG_ENTRIES + 1] = {CONFIG_COMPLETE_PROFILE};
    size_t count = 1;
    for (size_t p = 0; p < config->profile_count; p++)
        if (strcmp(config->profiles[p].name.value, CONFIG_COMPLETE_PROFILE) != 0)
            names[count++] = config->profiles[p].name.value;

    char list[SUGGEST_BYTES], brief[TEXT_BRIEF_BYTES];
    suggest_list(names, count, list);
    text_brief(profile->value, brief);
    return config_refuse(config, profile->place, err,
                         "listeners[%zu].tls: no profile \"%s\" under tls: write one of %s", i,
                         brief, list);
}

static int check_listener_profile(const struct config *config, size_t i, struct error *err)
{
    const struct config_listener *listener = &config->listeners[i];
    if (endpoint_has_tls(listener->listen.scheme))
        return listener->tls ? 0 : refuse_profile(config, i, err);
    if (listener->profile.place.line == 0)
        return 0;
    return config_refuse(config, listener->profile.place, err,
                         "listeners[%zu].tls: %s:// does not use TLS: "
                         "remove this key, or listen on %s://",
                         i, endpoint_scheme_name(listener->listen.scheme),
                         endpoint_has_datagrams(listener->listen.scheme) ? "dtls" : "tls");
}

/* The library has no DTLS 1.3. */
static int check_dtls(const struct config *config, size_t i, struct error *err)
{
    const struct config_listener *listener = &config->listeners[i];
    char brief[TEXT_BRIEF_BYTES];
    if (listener->listen.scheme != ENDPOINT_DTLS ||
        strcmp(listener->tls->min_version.value, "1.3") != 0)
        return 0;
    text_brief(listener->tls->name.value, brief);
    return config_refuse(config, listener->tls->min_version.place, err,
                         "tls.%s.min_version: listeners[%zu] uses DTLS, which has only 1.2: set it "
                         "to 1.2, or give that listener another profile",
                         brief, i);
}

static int check_versions(const struct config *config, const struct config_tls *profile,
                          const char *name, struct error *err)
{
    if (strcmp(profile->min_version.value, profile->max_version.value) <= 0)
        return 0;
    return config_refuse(config, profile->min_version.place, err,
                         "tls.%s.min_version: %s is above max_version %s: lower it", name,
                         profile->min_version.value, profile->max_version.value);
}

/* A key that would not be enforced is an error, or the profile would look stricter than it is. */
static int check_client_auth(const struct config *config, const struct config_tls *profile,
                             const char *name, struct error *err)
{
    bool asks = profile->client_auth != TLS_CLIENT_AUTH_OFF;
    if (asks && profile->client_ca.value[0] == '\0')
        return config_refuse(
            config, profile->client_auth_place, err,
            "tls.%s.client_auth: needs client_ca: set it to the PEM file of the CAs "
            "that issue client certificates",
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
            return config_refuse(
                config, rules[i].value->place, err,
                "tls.%s.%s: has no effect while client_auth is off: set client_auth "
                "to required or optional, or remove this key",
                name, rules[i].key);
    return 0;
}

/* Some listener uses the profile, and none for TLS. */
static bool is_for_dtls_only(const struct config *config, const struct config_tls *profile)
{
    size_t count = 0;
    for (size_t i = 0; i < config->listener_count; i++) {
        if (config->listeners[i].tls != profile)
            continue;
        if (config->listeners[i].listen.scheme != ENDPOINT_DTLS)
            return false;
        count++;
    }
    return count > 0;
}

/* A list that no version uses is an error, or the profile would look stricter than it is. */
static int check_ciphers(const struct config *config, const struct config_tls *profile,
                         const char *name, struct error *err)
{
    const struct config_text *suites = &profile->ciphersuites, *ciphers = &profile->ciphers;
    bool only_12 = strcmp(profile->max_version.value, "1.2") == 0;
    bool only_13 = strcmp(profile->min_version.value, "1.3") == 0;
    if (suites->value[0] != '\0' && (only_12 || is_for_dtls_only(config, profile)))
        return config_refuse(config, suites->place, err,
                             "tls.%s.ciphersuites: has no effect %s: write ciphers instead, or "
                             "remove this key",
                             name,
                             only_12 ? "while max_version is 1.2"
                                     : "on listeners of DTLS, which has only 1.2");
    if (ciphers->value[0] != '\0' && only_13)
        return config_refuse(config, ciphers->place, err,
                             "tls.%s.ciphers: has no effect while min_version is 1.3: write "
                             "ciphersuites instead, or remove this key",
                             name);
    return 0;
}

static int check_profile(const struct config *config, const struct config_tls *profile,
                         struct error *err)
{
    char brief[TEXT_BRIEF_BYTES];
    text_brief(profile->name.value, brief);
    if (check_versions(config, profile, brief, err))
        return -1;
    if (check_ciphers(config, profile, brief, err))
        return -1;
    return check_client_auth(config, profile, brief, err);
}

/* The admin address has no TLS: it serves no secrets and is not meant for the public. */
static int check_admin(const struct config *config, struct error *err)
{
    const struct config_text *listen = &config->admin.listen;
    const struct endpoint *endpoint = &config->admin.endpoint;
    if (listen->value[0] == '\0')
        return 0;
    if (endpoint_has_tls(endpoint->scheme) || endpoint_has_datagrams(endpoint->scheme))
        return config_refuse(config, listen->place, err,
                             "admin.listen: %s:// is not supported here: write tcp:// or unix://",
                             endpoint_scheme_name(endpoint->scheme));
    if (check_address(config, endpoint, listen->place, "admin.listen", err))
        return -1;
    for (size_t i = 0; i < config->listener_count; i++)
        if (overlap(endpoint, &config->listeners[i].listen))
            return config_refuse(config, listen->place, err,
                                 "admin.listen: listeners[%zu] already has this address: "
                                 "write another one",
                                 i);
    return 0;
}

/* Names the services that could stand there. */
static int refuse_service(const struct config *config, size_t i, struct error *err)
{
    const struct config_text *service = &config->listeners[i].service;
    static const char *const why[ENDPOINT_SCHEMES] = {
        [ENDPOINT_UDP] = "is not offered over UDP", [ENDPOINT_DTLS] = "is not offered over DTLS"};
    enum endpoint_scheme scheme = config->listeners[i].listen.scheme;
    bool packets = service_find(service->value)->datagrams_only;
    const char *names[CONFIG_ENTRIES];
    size_t count = 0;
    for (size_t n = 0; service_name(n); n++)
        if (service_fits(service_find(service_name(n)), scheme))
            names[count++] = service_name(n);
    char list[SUGGEST_BYTES];
    suggest_list(names, count, list);
    return config_refuse(config, service->place, err,
                         "listeners[%zu].service: %s %s: write one of %s, or listen on %s://", i,
                         service->value, why[scheme] ? why[scheme] : "needs datagrams", list,
                         packets ? "udp" : "tcp");
}

static int check_service(const struct config *config, size_t i, struct error *err)
{
    const struct config_listener *listener = &config->listeners[i];
    if (service_fits(service_find(listener->service.value), listener->listen.scheme))
        return 0;
    return refuse_service(config, i, err);
}

/* A PROXY header begins a stream, not each datagram. */
static int check_datagrams(const struct config *config, size_t i, struct error *err)
{
    const struct config_listener *listener = &config->listeners[i];
    if (!endpoint_has_datagrams(listener->listen.scheme) ||
        listener->proxy_protocol == CONFIG_PROXY_OFF)
        return 0;
    return config_refuse(config, listener->proxy_protocol_place, err,
                         "listeners[%zu].proxy_protocol: datagrams have no PROXY header: remove "
                         "this key, or listen on tcp://",
                         i);
}

/* Without proxy_from any client could claim any address. */
static int check_proxies(const struct config *config, size_t i, struct error *err)
{
    const struct config_listener *listener = &config->listeners[i];
    bool on = listener->proxy_protocol != CONFIG_PROXY_OFF;
    if (on && listener->proxy_from.count == 0)
        return config_refuse(
            config, listener->proxy_protocol_place, err,
            "listeners[%zu].proxy_protocol: needs proxy_from: list the networks of "
            "the proxies",
            i);
    if (!on && listener->proxy_from.count > 0)
        return config_refuse(
            config, listener->proxy_from.place, err,
            "listeners[%zu].proxy_from: has no effect while proxy_protocol is off: set "
            "proxy_protocol to trusted or required, or remove this key",
            i);
    return 0;
}

static int check_freebind(const struct config *config, size_t i, struct error *err)
{
    const struct config_listener *listener = &config->listeners[i];
    if (!listener->freebind || listener->listen.scheme != ENDPOINT_UNIX)
        return 0;
    return config_refuse(
        config, listener->freebind_place, err,
        "listeners[%zu].freebind: a Unix socket has no IP address: remove this key", i);
}

/* A list that matches no client of its listener is a mistake. */
static int check_allow(const struct config *config, size_t i, struct error *err)
{
    const struct config_listener *listener = &config->listeners[i];
    const struct config_cidrs *allow = &listener->allow;
    bool local = listener->listen.scheme == ENDPOINT_UNIX;
    if (allow->count == 0 || listener->proxy_protocol != CONFIG_PROXY_OFF)
        return 0;
    for (size_t n = 0; n < allow->count; n++)
        if ((allow->values[n].family == AF_UNIX) == local)
            return 0;
    return config_refuse(config, allow->place, err,
                         "listeners[%zu].allow: no client could connect: %s, or remove the list", i,
                         local ? "clients of a Unix socket have no IP address: add unix"
                               : "no client of this listener uses a Unix socket: add a network");
}

static int check_security(const struct config *config, struct error *err)
{
    if (config->security.group.value[0] == '\0' || config->security.user.value[0] != '\0')
        return 0;
    return config_refuse(config, config->security.group.place, err,
                         "security.group: needs security.user: set it too, or remove this key");
}

static int check_listener(const struct config *config, size_t i, struct error *err)
{
    static int (*const checks[])(const struct config *config, size_t i, struct error *err) = {
        check_name,    check_listen,    check_unique,  check_listener_profile, check_dtls,
        check_service, check_datagrams, check_proxies, check_freebind,         check_allow,
    };
    for (size_t n = 0; n < sizeof checks / sizeof *checks; n++)
        if (checks[n](config, i, err))
            return -1;
    return 0;
}

int config_check(const struct config *config, struct error *err)
{
    if (check_security(config, err))
        return -1;
    for (size_t i = 0; i < config->listener_count; i++)
        if (check_listener(config, i, err))
            return -1;
    for (size_t i = 0; i < config->profile_count; i++)
        if (check_profile(config, &config->profiles[i], err))
            return -1;
    return check_admin(config, err);
}
