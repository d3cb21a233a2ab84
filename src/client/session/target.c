/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/target.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tlsecho/client/interrupt.h"
#include "tlsecho/client/piped_file.h"
#include "tlsecho/net/proxy.h"
#include "tlsecho/net/socket.h"
#include "tlsecho/tls/tls_memory.h"
#include "tlsecho/tls/tls_scratch.h"
#include "tlsecho/tls/transport_tls.h"

enum { ALPN_MAX = 32 };

void target_init(struct target *t, const struct options *options, const struct endpoint *endpoint)
{
    *t = (struct target){.options = options, .endpoint = endpoint};
}

void target_done(struct target *t)
{
    tls_scratch_free(t->scratch);
    tls_context_free(t->context);
    address_list_free(&t->addresses);
    target_init(t, t->options, t->endpoint);
}

const struct endpoint *target_destination(const struct target *t)
{
    return *t->options->connect_to.host ? &t->options->connect_to : t->endpoint;
}

void target_forget_addresses(struct target *t)
{
    address_list_free(&t->addresses);
}

bool target_is_tls(const struct target *t)
{
    return endpoint_has_tls(t->endpoint->scheme);
}

const char *target_server_name(const struct target *t)
{
    return t->options->server_name ? t->options->server_name : t->endpoint->host;
}

static int trust(struct tls_context *context, const struct options *options, struct error *err)
{
    if (options->trusts_any) {
        tls_context_trust_any(context);
        return 0;
    }
    if (options->pin)
        return tls_context_pin(context, options->pin, err);
    if (tls_context_trust(context, options->cacert, err) < 0)
        return options->cacert ? error_prefix(err, "--cacert") : -1;
    if (options->insecure) /* after the CAs, so that the result of the verification is known */
        tls_context_trust_any(context);
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

/* Applies an option to the context unless it is NULL. */
static int apply(struct tls_context *context, const char *option, const char *value,
                 int (*set)(struct tls_context *, const char *, struct error *), struct error *err)
{
    if (!value || set(context, value, err) == 0)
        return 0;
    return error_prefix(err, "%s", option);
}

/* Without a file: within the run. */
static int resume(struct tls_context *context, const char *path, struct error *err)
{
    return *path ? tls_context_use_session_file(context, path, err)
                 : tls_context_remember_session(context, err);
}

static int set_policy(struct tls_context *context, const struct options *options, struct error *err)
{
    if (tls_context_set_versions(context, options->tls_min, options->tls_max, err) < 0 ||
        apply(context, "--ciphers", options->ciphers, tls_context_set_ciphers, err) < 0 ||
        apply(context, "--ciphersuites", options->ciphersuites, tls_context_set_ciphersuites, err) <
            0 ||
        apply(context, "--groups", options->groups, tls_context_set_groups, err) < 0 ||
        apply(context, "--alpn", options->alpn, offer_alpn, err) < 0 ||
        apply(context, options->keylog_name, options->keylog, tls_context_set_keylog, err) < 0)
        return -1;
    return apply(context, "--resume", options->resume, resume, err);
}

static int use_own_certificate(struct tls_context *context, const struct options *options,
                               struct error *err)
{
    struct peer_certificate own;
    if (!options->cert)
        return 0;
    if (tls_context_use_certificate(context, options->cert, &own, err) < 0)
        return error_prefix(err, "--cert");
    if (options->key)
        return apply(context, "--key", options->key, tls_context_use_key, err);
    if (tls_context_use_key(context, options->cert, err) == 0)
        return 0;
    size_t used = strlen(err->text);
    snprintf(err->text + used, sizeof err->text - used,
             "; if it is in a file of its own, add --key");
    return error_prefix(err, "--cert");
}

static int load_tls(struct target *t, struct error *err)
{
    int made = t->endpoint->scheme == ENDPOINT_DTLS
                   ? tls_context_new_dtls(TLS_CLIENT, &t->context, err)
                   : tls_context_new(TLS_CLIENT, &t->context, err);
    if (made < 0 || set_policy(t->context, t->options, err) < 0 ||
        trust(t->context, t->options, err) < 0)
        return -1;
    t->scratch = tls_scratch_new();
    if (!t->scratch)
        return error_sys(err, "memory for TLS");
    return use_own_certificate(t->context, t->options, err);
}

static int prepare_tls(struct target *t, struct error *err)
{
    tls_memory_ran_out(); /* for something else */
    int result = load_tls(t, err);
    if (result < 0)
        piped_file_name(err);
    return tls_memory_check(result, err);
}

/* A local address, never a name. */
static int prepare_source(const char *text, struct address *ret, struct error *err)
{
    struct endpoint source = {.scheme = ENDPOINT_TCP};
    struct address_list found;
    if (!endpoint_host_is_address(text) || strlen(text) >= sizeof source.host)
        return error_set(err, ERROR_INPUT, "--source: '%s' is not an IPv4 or IPv6 address", text);
    memcpy(source.host, text, strlen(text));
    if (address_resolve(&source, AF_UNSPEC, false, &found, err) < 0)
        return error_prefix(err, "--source");
    *ret = found.items[0];
    address_list_free(&found);
    return 0;
}

int target_prepare(struct target *t, struct error *err)
{
    if (t->prepared)
        return 0;
    if (interrupt_happened()) /* while a warning was written; reading the CAs takes long */
        return error_set(err, ERROR_INTERRUPTED, "interrupted before the run began");
    target_done(t); /* from an earlier attempt */
    if (target_is_tls(t) && prepare_tls(t, err) < 0)
        return -1;
    if (t->options->source && prepare_source(t->options->source, &t->origin.source, err) < 0)
        return -1;
    t->origin.dscp = (unsigned)t->options->dscp;
    t->prepared = true;
    return 0;
}

/* What the ClientHello will have, for a server that only reads the header. */
static void add_names(struct proxy *proxy, const struct target *t)
{
    const char *alpn = t->options->alpn ? t->options->alpn : "";
    const char *server_name = target_server_name(t);
    snprintf(proxy->alpn, sizeof proxy->alpn, "%.*s", (int)strcspn(alpn, ","), alpn);
    if (endpoint_host_is_name(server_name))
        snprintf(proxy->authority, sizeof proxy->authority, "%s", server_name);
}

int target_send_proxy_header(const struct target *t, int fd, struct error *err)
{
    unsigned char header[PROXY_BUILD_BYTES];
    struct proxy proxy = {.version = (int)t->options->proxy_protocol};
    if (!proxy.version)
        return 0;
    if (socket_addresses(fd, &proxy.destination, &proxy.source, err) < 0)
        return error_prefix(err, "PROXY header");
    if (target_is_tls(t))
        add_names(&proxy, t);

    size_t n = proxy_build(&proxy, header);
    ssize_t sent = send(fd, header, n, MSG_NOSIGNAL);
    if (sent >= 0 && (size_t)sent < n)
        errno = ENOBUFS;
    return sent == (ssize_t)n ? 0 : error_sys(err, "send the PROXY header");
}
