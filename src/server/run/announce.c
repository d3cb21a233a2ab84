/* SPDX-License-Identifier: MIT */
#include "tlsecho/server/announce.h"

#include "tlsecho/base/clock.h"
#include "tlsecho/base/log.h"
#include "tlsecho/server/proxied.h"

void announce_library(void)
{
    struct log_line line;
    if (!log_begin(&line, LOG_LEVEL_DEBUG, "library"))
        return;
    log_text(&line, "built_with", tls_version_built());
    log_text(&line, "running_with", tls_version_running());
    log_text(&line, "offers", tls_features());
    log_end(&line);
}

void announce_certificates(const struct config_snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->certificate_count; i++) {
        const struct config_snapshot_certificate *c = &snapshot->certificates[i];
        char not_after[CLOCK_TEXT_BYTES];
        clock_seconds_text(c->description.not_after, not_after);
        struct log_line line;
        if (!log_begin(&line, LOG_LEVEL_INFO, "certificate"))
            return;
        log_text(&line, "profile", c->profile);
        log_text(&line, "subject", c->description.subject);
        log_text(&line, "issuer", c->description.issuer);
        log_text(&line, "not_after", not_after);
        log_text(&line, "sha256", c->description.sha256);
        log_switch(&line, "self_signed", !c->file);
        log_end(&line);
    }
}

/* The admin address has no authentication. */
static void warn_of_admin(const struct config *config)
{
    struct log_line line;
    if (config->admin.listen.value[0] == '\0' || endpoint_is_local(&config->admin.endpoint) ||
        !log_begin(&line, LOG_LEVEL_WARNING, "admin_exposed"))
        return;
    log_text(&line, "address", config->admin.listen.value);
    log_text(&line, "reason",
             "every host that can connect can read the metrics: listen on tcp://127.0.0.1 or "
             "unix://, or "
             "restrict it by a firewall");
    log_end(&line);
}

void announce_warnings(const struct config_snapshot *snapshot)
{
    warn_of_admin(snapshot->config);
    for (size_t i = 0; i < snapshot->config->profile_count; i++) {
        size_t count;
        const struct tls_warning *warnings = tls_context_warnings(snapshot->contexts[i], &count);
        for (size_t k = 0; k < count; k++) {
            struct log_line line;
            if (!log_begin(&line, LOG_LEVEL_WARNING, warnings[k].event))
                return;
            log_text(&line, "profile", snapshot->config->profiles[i].name.value);
            log_text(&line, "file", warnings[k].file);
            log_text(&line, "reason", warnings[k].reason);
            log_end(&line);
        }
    }
}

static void describe_listener(struct log_line *line, const struct listener *listener)
{
    log_text(line, "transport", endpoint_scheme_name(listener->config->listen.scheme));
    log_text(line, "service", listener->service->name);
    log_text(line, "listener", listener->config->name.value);
    if (listener->config->proxy_protocol != CONFIG_PROXY_OFF)
        log_text(line, "proxy_protocol",
                 config_proxy_protocol_name(listener->config->proxy_protocol));
}

static void describe_admin(struct log_line *line, const struct listen_socket *socket)
{
    bool local = socket->address.any.sa_family == AF_UNIX;
    log_text(line, "transport", endpoint_scheme_name(local ? ENDPOINT_UNIX : ENDPOINT_TCP));
    log_text(line, "service", "admin");
    log_text(line, "listener", "admin");
}

void announce_listening(const struct listen_set *listen_set)
{
    for (size_t i = 0; i < listen_set->count; i++) {
        const struct listen_socket *socket = &listen_set->sockets[i];
        char address[ADDRESS_TEXT_BYTES];
        address_text(&socket->address, address);
        struct log_line line;
        if (!log_begin(&line, LOG_LEVEL_INFO, "listening"))
            return;
        log_text(&line, "address", address);
        if (socket->listener)
            describe_listener(&line, socket->listener);
        else
            describe_admin(&line, socket);
        if (socket->fd_name[0] != '\0')
            log_text(&line, "inherited", socket->fd_name);
        log_end(&line);
    }
}
