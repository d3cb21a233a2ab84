/* SPDX-License-Identifier: MIT */
#include "tlsecho/announce.h"

#include "tlsecho/clock.h"
#include "tlsecho/log.h"
#include "tlsecho/proxied.h"

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

void announce_certificates(const struct settings *settings)
{
    for (size_t i = 0; i < settings->certificate_count; i++) {
        const struct settings_certificate *c = &settings->certificates[i];
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

void announce_listening(const struct listening *listening)
{
    for (size_t i = 0; i < listening->count; i++) {
        const struct listening_socket *socket = &listening->sockets[i];
        char address[ADDRESS_TEXT_BYTES];
        address_text(&socket->address, address);
        struct log_line line;
        if (!log_begin(&line, LOG_LEVEL_INFO, "listening"))
            return;
        log_text(&line, "address", address);
        log_text(&line, "transport", endpoint_scheme_name(socket->listener->config->listen.scheme));
        log_text(&line, "service", socket->listener->service->name);
        log_text(&line, "listener", socket->listener->config->name.value);
        if (socket->listener->config->proxy_protocol != PROXIED_OFF)
            log_text(&line, "proxy_protocol",
                     socket->listener->config->proxy_protocol == PROXIED_TRUSTED ? "trusted"
                                                                                 : "required");
        if (socket->inherited[0] != '\0')
            log_text(&line, "inherited", socket->inherited);
        log_end(&line);
    }
}
