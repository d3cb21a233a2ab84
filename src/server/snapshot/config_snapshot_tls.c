/* SPDX-License-Identifier: MIT */
/* Applies the keys of a TLS profile to its context. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config_snapshot_internal.h"
#include "tlsecho/base/text.h"
#include "tlsecho/tls/tls_memory.h"

struct loading {
    struct config_snapshot *snapshot;
    const struct config_tls *profile;
    struct tls_context *ctx;
    struct config_snapshot_certificate *spare; /* of DTLS: TLS has described them; else NULL */
    struct error *err;
};

/* Adds the place of the key to an error of its value or of the file that it names. */
static int refuse(const struct loading *l, struct config_place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int refuse(const struct loading *l, struct config_place place, const char *format, ...)
{
    if (l->err->kind != ERROR_INPUT)
        return -1;
    char key[64], profile[TEXT_BRIEF_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(key, sizeof key, format, args);
    va_end(args);
    text_brief(l->profile->name.value, profile);
    struct error cause = *l->err;
    config_refuse(l->snapshot->config, place, l->err, "tls.%s.%s: %s", profile, key, cause.text);
    l->err->code = cause.code;
    return -1;
}

/* A key with a single text, and the function of the context that takes it. */
struct text_key {
    const char *name;
    const struct config_text *text;
    int (*set)(struct tls_context *ctx, const char *text, struct error *err);
};

/* A key that is empty leaves the default of the context. */
static int apply(const struct loading *l, const struct text_key *key)
{
    if (key->text->value[0] == '\0' || key->set(l->ctx, key->text->value, l->err) == 0)
        return 0;
    return refuse(l, key->text->place, "%s", key->name);
}

static int apply_policy(const struct loading *l)
{
    const struct config_tls *p = l->profile;
    if (tls_context_set_versions(l->ctx, p->min_version.value, p->max_version.value, l->err))
        return refuse(l, p->min_version.place, "min_version");
    const struct text_key keys[] = {
        {"ciphers", &p->ciphers, tls_context_set_ciphers},
        {"ciphersuites", &p->ciphersuites, tls_context_set_ciphersuites},
        {"groups", &p->groups, tls_context_set_groups},
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (apply(l, &keys[i]))
            return -1;
    return 0;
}

static struct config_snapshot_certificate *add_certificate(const struct loading *l)
{
    struct config_snapshot *s = l->snapshot;
    if (l->spare)
        return l->spare;
    struct config_snapshot_certificate *c = &s->certificates[s->certificate_count++];
    c->profile = l->profile->name.value;
    return c;
}

static int apply_pair(const struct loading *l, size_t i)
{
    const struct config_certificate *pair = &l->profile->certificates[i];
    struct config_snapshot_certificate *c = add_certificate(l);
    c->file = pair->certificate.value;
    if (tls_context_use_certificate(l->ctx, pair->certificate.value, &c->description, l->err))
        return refuse(l, pair->certificate.place, "certificates[%zu].certificate", i);
    if (tls_context_use_key(l->ctx, pair->key.value, l->err))
        return refuse(l, pair->key.place, "certificates[%zu].key", i);
    if (pair->ocsp.value[0] == '\0')
        return 0;
    if (tls_context_use_staple(l->ctx, pair->ocsp.value, l->err))
        return refuse(l, pair->ocsp.place, "certificates[%zu].ocsp", i);
    c->staple = pair->ocsp.value;
    c->staple_until = tls_context_staple_expires(l->ctx);
    return 0;
}

static int apply_certificates(const struct loading *l)
{
    if (l->profile->certificate_count == 0)
        return tls_context_use_self_signed(l->ctx, l->snapshot->state_directory,
                                           &add_certificate(l)->description, l->err);
    for (size_t i = 0; i < l->profile->certificate_count; i++)
        if (apply_pair(l, i))
            return -1;
    return 0;
}

static int apply_alpn(const struct loading *l)
{
    const struct config_texts *alpn = &l->profile->alpn;
    if (alpn->count == 0)
        return 0;
    const char **protocols = calloc(alpn->count, sizeof *protocols);
    if (!protocols)
        return error_sys(l->err, "load the configuration");
    for (size_t i = 0; i < alpn->count; i++)
        protocols[i] = alpn->values[i].value;
    int result = tls_context_set_alpn(l->ctx, protocols, alpn->count, l->err);
    free(protocols);
    return result ? refuse(l, alpn->values[0].place, "alpn") : 0;
}

/* tls_context_set_client_auth comes last: it binds tickets to the other keys and the certificates.
 */
static int apply_client_auth(const struct loading *l)
{
    const struct config_tls *p = l->profile;
    const struct text_key ca = {"client_ca", &p->client_ca, tls_context_use_client_ca};
    const struct text_key crl = {"crl", &p->crl, tls_context_use_crl};
    if (apply(l, &ca) || apply(l, &crl))
        return -1;
    for (size_t i = 0; i < p->allow_names.count; i++) {
        const struct config_text *pattern = &p->allow_names.values[i];
        if (tls_context_allow_name(l->ctx, pattern->value, l->err))
            return refuse(l, pattern->place, "allow_names[%zu]", i);
    }
    if (tls_context_set_client_auth(l->ctx, p->client_auth, l->err))
        return refuse(l, p->client_auth_place, "client_auth");
    return 0;
}

static int apply_ticket_keys(const struct loading *l)
{
    const struct text_key key = {"ticket_keys", &l->profile->ticket_keys,
                                 tls_context_use_ticket_keys};
    return apply(l, &key);
}

/* Checks whether a key log could be created, without creating it. */
static int check_keylog_folder(const struct loading *l)
{
    const struct config_text *keylog = &l->profile->keylog;
    size_t length = (size_t)(strrchr(keylog->value, '/') - keylog->value);
    char *folder = length > 0 ? strndup(keylog->value, length) : strdup("/");
    int result = folder ? access(folder, W_OK | X_OK) : -1;
    if (result < 0)
        error_sys(l->err, "create %s", keylog->value);
    free(folder);
    if (result == 0)
        return 0;
    l->err->kind = ERROR_INPUT;
    return refuse(l, keylog->place, "keylog");
}

/* Comes last: the key log is the only file that is written, and only if everything else is right.
 */
static int apply_keylog(const struct loading *l)
{
    const struct text_key key = {"keylog", &l->profile->keylog, tls_context_set_keylog};
    const char *path = key.text->value;
    if (l->snapshot->check_only && *path && access(path, F_OK) < 0)
        return check_keylog_folder(l);
    return apply(l, &key);
}

static int apply_all(const struct loading *l)
{
    const struct config *config = l->snapshot->config;
    tls_context_set_key_files(l->ctx, config->security.key_files);
    tls_context_limit_client_hello(l->ctx, (size_t)config->limits.client_hello_bytes);
    if (apply_policy(l) || apply_certificates(l) || apply_alpn(l) || apply_client_auth(l) ||
        apply_ticket_keys(l))
        return -1;
    return apply_keylog(l);
}

static bool has_dtls(const struct config *config, const struct config_tls *profile)
{
    for (size_t i = 0; i < config->listener_count; i++)
        if (config->listeners[i].listen.scheme == ENDPOINT_DTLS &&
            config->listeners[i].tls == profile)
            return true;
    return false;
}

static int load_profile(struct config_snapshot *s, size_t index, struct error *err)
{
    struct loading l = {.snapshot = s, .profile = &s->config->profiles[index], .err = err};
    struct config_snapshot_certificate spare;
    if (tls_context_new(TLS_SERVER, &s->contexts[index], err))
        return -1;
    l.ctx = s->contexts[index];
    if (apply_all(&l))
        return -1;
    s->crl_until[index] = tls_context_crl_expires(l.ctx);
    if (!has_dtls(s->config, l.profile))
        return 0;
    if (tls_context_new_dtls(TLS_SERVER, &s->dtls[index], err))
        return -1;
    l.ctx = s->dtls[index];
    l.spare = &spare;
    return apply_all(&l);
}

int config_snapshot_load_profile(struct config_snapshot *s, size_t index, struct error *err)
{
    tls_memory_ran_out(); /* for something else */
    return tls_memory_check(load_profile(s, index, err), err);
}
