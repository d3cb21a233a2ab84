/* SPDX-License-Identifier: MIT */
#include "tlsecho/session.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "tlsecho/clock.h"
#include "tlsecho/dial.h"
#include "tlsecho/tls_context.h"

enum { ALPN_MAX = 32 };

void session_init(struct session *s)
{
    *s = (struct session){.phase = PHASE_OPTIONS, .started_us = clock_now_us()};
    for (int i = 0; i < PHASES; i++)
        s->phase_us[i] = SESSION_UNKNOWN_US;
}

static int trust(struct tls_context *context, const struct options *options, struct error *err)
{
    if (options->pin)
        return tls_context_pin(context, options->pin, err);
    if (tls_context_trust(context, options->cacert, err) < 0)
        return options->cacert ? error_prefix(err, "--cacert") : -1;
    if (options->insecure) /* what would have been said is said all the same */
        tls_context_trust_anyone(context);
    return 0;
}

/* "h2,http/1.1" */
static int offer_alpn(struct tls_context *context, const char *list, struct error *err)
{
    char *copy = strdup(list), *rest = copy;
    const char *names[ALPN_MAX];
    size_t count = 0;
    if (!copy)
        return error_sys(err, "memory for TLS");
    while (rest && count < ALPN_MAX)
        names[count++] = strsep(&rest, ",");
    int result = rest ? error_set(err, ERROR_INPUT, "at most %d protocols", ALPN_MAX)
                      : tls_context_set_alpn(context, names, count, err);
    free(copy);
    return result;
}

/* What an option says to the context; NULL says nothing. */
static int tell(struct tls_context *context, const char *option, const char *value,
                int (*set)(struct tls_context *, const char *, struct error *), struct error *err)
{
    if (!value || set(context, value, err) == 0)
        return 0;
    return error_prefix(err, "%s", option);
}

static int set_policy(struct tls_context *context, const struct options *options, struct error *err)
{
    if (tls_context_set_versions(context, options->tls_min, options->tls_max, err) < 0 ||
        tell(context, "--ciphers", options->ciphers, tls_context_set_ciphers, err) < 0 ||
        tell(context, "--ciphersuites", options->ciphersuites, tls_context_set_ciphersuites, err) <
            0 ||
        tell(context, "--groups", options->groups, tls_context_set_groups, err) < 0 ||
        tell(context, "--alpn", options->alpn, offer_alpn, err) < 0 ||
        tell(context, "key log", options->keylog, tls_context_set_keylog, err) < 0)
        return -1;
    return tell(context, "--resume", options->resume, tls_context_use_session_file, err);
}

static int use_own_certificate(struct tls_context *context, const struct options *options,
                               struct error *err)
{
    struct peer_certificate own;
    if (!options->cert)
        return 0;
    if (tls_context_use_certificate(context, options->cert, &own, err) < 0)
        return error_prefix(err, "--cert");
    return tell(context, options->key ? "--key" : "--cert",
                options->key ? options->key : options->cert, tls_context_use_key, err);
}

static int prepare_tls(struct session *s, const struct options *options, struct error *err)
{
    if (tls_context_new(TLS_CLIENT, &s->context, err) < 0 ||
        set_policy(s->context, options, err) < 0 || trust(s->context, options, err) < 0)
        return -1;
    s->scratch = tls_scratch_new();
    if (!s->scratch)
        return error_sys(err, "memory for TLS");
    return use_own_certificate(s->context, options, err);
}

/* An address of ours, never looked up. */
static int prepare_source(const char *text, struct address *ret, struct error *err)
{
    struct endpoint source = {.scheme = ENDPOINT_TCP};
    struct address found[SOCKET_ADDRESSES_MAX];
    size_t count;
    if (!endpoint_host_is_address(text) || strlen(text) >= sizeof source.host)
        return error_set(err, ERROR_INPUT, "--source: '%s' is no IPv4 or IPv6 address", text);
    memcpy(source.host, text, strlen(text));
    if (address_resolve(&source, AF_UNSPEC, false, found, &count, err) < 0)
        return error_prefix(err, "--source");
    *ret = found[0];
    return 0;
}

static void finish_phase(struct session *s, uint64_t since_us, enum phase next)
{
    s->phase_us[s->phase] = clock_now_us() - since_us;
    s->phase = next;
}

static int connect_to(struct session *s, const struct options *options,
                      const struct address *source, uint64_t *ret_deadline_us, int *ret_fd,
                      struct error *err)
{
    struct address addresses[SOCKET_ADDRESSES_MAX];
    size_t count;
    s->phase = PHASE_DNS;
    uint64_t since_us = clock_now_us();
    if (address_resolve(&options->endpoint, options->family, false, addresses, &count, err) < 0)
        return -1;
    finish_phase(s, since_us, PHASE_CONNECT);

    since_us = clock_now_us();
    *ret_deadline_us =
        options->connect_timeout_ms ? since_us + options->connect_timeout_ms * 1000 : UINT64_MAX;
    size_t index = 0;
    int dialled = dial(addresses, count, source, *ret_deadline_us, ret_fd, &index, err);
    s->peer = addresses[index];
    if (dialled < 0)
        return -1;
    finish_phase(s, since_us, options->tls ? PHASE_HANDSHAKE : PHASE_ECHO);
    return 0;
}

static int wait_for(int fd, short events, uint64_t deadline_us, struct error *err)
{
    struct pollfd pollfd = {.fd = fd, .events = events};
    int ready;
    do
        ready = poll(&pollfd, 1, clock_poll_ms(clock_now_us(), deadline_us));
    while (ready < 0 && errno == EINTR);
    if (ready < 0)
        return error_sys(err, "poll");
    if (ready == 0)
        return error_set(err, ERROR_TIMEOUT, "no complete handshake in time: is it a TLS port?");
    return 0;
}

static int handshake(struct session *s, uint64_t deadline_us, struct error *err)
{
    for (;;) {
        struct io io = transport_handshake(s->transport, err);
        switch (io.status) {
        case IO_OK:
            return 0;
        case IO_WANT_READ:
        case IO_WANT_WRITE:
            break;
        case IO_EOF:
        case IO_CUT:
            return error_set(
                err, ERROR_TLS,
                "the far end left in the middle of the handshake: its log may say why");
        case IO_RESET:
        case IO_FAILED:
            return -1;
        }
        if (wait_for(s->transport->fd, io.status == IO_WANT_READ ? POLLIN : POLLOUT, deadline_us,
                     err) < 0)
            return -1;
    }
}

static int shake_hands(struct session *s, const struct options *options, int fd,
                       uint64_t deadline_us, struct error *err)
{
    struct error unknown;
    socket_addresses(fd, NULL, &s->own, &unknown); /* the far end may have left already */
    if (!options->tls)
        return transport_tcp_new(fd, &s->transport, err);

    uint64_t since_us = clock_now_us();
    const char *name = options->server_name ? options->server_name : options->endpoint.host;
    if (transport_tls_new(fd, s->context, name, s->scratch, &s->transport, err) < 0 ||
        handshake(s, deadline_us, err) < 0)
        return -1;
    finish_phase(s, since_us, PHASE_ECHO);
    return 0;
}

int session_open(struct session *s, const struct options *options, struct error *err)
{
    struct address source;
    if (options->tls && prepare_tls(s, options, err) < 0)
        return -1;
    if (options->source && prepare_source(options->source, &source, err) < 0)
        return -1;

    int fd;
    uint64_t deadline_us;
    if (connect_to(s, options, options->source ? &source : NULL, &deadline_us, &fd, err) < 0)
        return -1;
    return shake_hands(s, options, fd, deadline_us, err);
}

int session_save(struct session *s, struct error *err)
{
    return s->context ? tls_context_save_session(s->context, err) : 0;
}

void session_close(struct session *s)
{
    struct error ignored;
    if (s->transport)
        transport_shutdown(s->transport, &ignored); /* the alert, or close_notify, if it fits */
    transport_free(s->transport);
    tls_scratch_free(s->scratch);
    tls_context_free(s->context);
    session_init(s);
}
