/* SPDX-License-Identifier: MIT */
#include "tls_names.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tls_error.h"

#include "tlsecho/base/suggest.h"

enum {
    SECURITY_LEVEL = 2, /* SSL_CTX_set_security_level(3) */
    NAMES_MAX = 1024,
    NAME_BYTES = 80,
};

static const char all_ciphers[] = "ALL:COMPLEMENTOFALL";
static const char all_suites[] = /* RFC 8446 §B.4 */
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:"
    "TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256";

/* OpenSSL 3.0 cannot list its groups; these are suggested. */
static const char *const usual_groups[] = {"X25519MLKEM768",
                                           "SecP256r1MLKEM768",
                                           "SecP384r1MLKEM1024",
                                           "X25519",
                                           "X448",
                                           "P-256",
                                           "P-384",
                                           "P-521",
                                           "ffdhe2048",
                                           "ffdhe3072",
                                           "ffdhe4096",
                                           "ffdhe6144",
                                           "ffdhe8192"};

/* The valid names of one kind of list; the texts are static. */
struct name_table {
    SSL_CTX *scratch; /* to query the library */
    size_t count;
    const char *names[NAMES_MAX];   /* as users write them */
    const char *library[NAMES_MAX]; /* the same for OpenSSL */
};

struct kind {
    const char *what; /* for messages */
    void (*gather)(struct name_table *v);
    /* OpenSSL's name for one that is not in `names`; NULL = it has none. */
    const char *(*find)(const struct name_table *v, const char *name);
    /* Why a name was not found; NULL = it is unknown. */
    const char *(*explain)(const struct name_table *v, const char *name);
};

static void add_name(struct name_table *v, const char *name, const char *library)
{
    if (!name || v->count == NAMES_MAX)
        return;
    v->names[v->count] = name;
    v->library[v->count++] = library;
}

static bool is_suite(const SSL_CIPHER *cipher)
{
    return strcmp(SSL_CIPHER_get_version(cipher), "TLSv1.3") == 0;
}

/* Those with which a handshake can succeed: strong enough, with certificates. */
static void gather_usable(struct name_table *v, bool suites)
{
    SSL *ssl = SSL_new(v->scratch);
    STACK_OF(SSL_CIPHER) *usable = ssl ? SSL_get1_supported_ciphers(ssl) : NULL;
    for (int i = 0; i < sk_SSL_CIPHER_num(usable); i++) {
        const SSL_CIPHER *cipher = sk_SSL_CIPHER_value(usable, i);
        if (is_suite(cipher) != suites)
            continue;
        add_name(v, SSL_CIPHER_get_name(cipher), SSL_CIPHER_get_name(cipher));
        if (!suites) /* a suite has one name only */
            add_name(v, SSL_CIPHER_standard_name(cipher), SSL_CIPHER_get_name(cipher));
    }
    sk_SSL_CIPHER_free(usable);
    SSL_free(ssl);
}

static void gather_ciphers(struct name_table *v)
{
    gather_usable(v, false);
}

static void gather_suites(struct name_table *v)
{
    gather_usable(v, true);
}

static bool has_group(const struct name_table *v, const char *name)
{
    return SSL_CTX_set1_groups_list(v->scratch, name) == 1;
}

static void gather_groups(struct name_table *v)
{
    for (size_t i = 0; i < sizeof usual_groups / sizeof *usual_groups; i++)
        if (has_group(v, usual_groups[i]))
            add_name(v, usual_groups[i], usual_groups[i]);
}

static const char *find_nothing(const struct name_table *v, const char *name)
{
    (void)v, (void)name;
    return NULL;
}

/* OpenSSL accepts weak curves in a list and then never uses them. */
static bool is_weak_curve(const char *name)
{
    EVP_PKEY *key = EVP_EC_gen(name);
    bool weak = key && EVP_PKEY_get_security_bits(key) < TLS_NAMES_SECURITY_BITS;
    EVP_PKEY_free(key);
    return weak;
}

static bool is_several_groups(const char *name)
{
    return strcasecmp(name, "DEFAULT") == 0;
}

static const char *find_group(const struct name_table *v, const char *name)
{
    bool found = has_group(v, name) && !is_several_groups(name) && !is_weak_curve(name);
    return found ? name : NULL;
}

/* Of all ciphers of the library, by either name. */
static const SSL_CIPHER *find_any_cipher(const struct name_table *v, const char *name)
{
    STACK_OF(SSL_CIPHER) *all = SSL_CTX_get_ciphers(v->scratch);
    for (int i = 0; i < sk_SSL_CIPHER_num(all); i++) {
        const SSL_CIPHER *cipher = sk_SSL_CIPHER_value(all, i);
        const char *standard = SSL_CIPHER_standard_name(cipher);
        if (strcmp(SSL_CIPHER_get_name(cipher), name) == 0 ||
            (standard && strcmp(standard, name) == 0))
            return cipher;
    }
    return NULL;
}

static const char *explain_cipher(const struct name_table *v, const char *name)
{
    const SSL_CIPHER *cipher = find_any_cipher(v, name);
    if (cipher && is_suite(cipher))
        return "is a TLS 1.3 suite: write it in ciphersuites";
    if (cipher)
        return "is too weak, or not for certificates";
    bool expression = SSL_CTX_set_cipher_list(v->scratch, name) == 1;
    return expression ? "means several: write the name of each" : NULL;
}

static const char *explain_suite(const struct name_table *v, const char *name)
{
    const SSL_CIPHER *cipher = find_any_cipher(v, name);
    if (cipher && !is_suite(cipher))
        return "is a TLS 1.2 cipher: write it in ciphers";
    return cipher ? "is too weak" : NULL;
}

static const char *explain_group(const struct name_table *v, const char *name)
{
    if (is_several_groups(name))
        return "means several: write the name of each";
    return has_group(v, name) ? "is too weak" : NULL;
}

static const struct kind kinds[] = {
    [TLS_NAMES_CIPHERS] = {"TLS 1.2 cipher", gather_ciphers, find_nothing, explain_cipher},
    [TLS_NAMES_SUITES] = {"TLS 1.3 suite", gather_suites, find_nothing, explain_suite},
    [TLS_NAMES_GROUPS] = {"group", gather_groups, find_group, explain_group},
};

static const char *find(const struct kind *kind, const struct name_table *v, const char *name)
{
    for (size_t i = 0; i < v->count; i++)
        if (strcmp(v->names[i], name) == 0)
            return v->library[i];
    return kind->find(v, name);
}

static int refuse(const struct kind *kind, const struct name_table *v, const char *name,
                  struct error *err)
{
    const char *explanation = kind->explain(v, name);
    if (explanation)
        return error_set(err, ERROR_INPUT, "%s %s", name, explanation);
    char suggestion[SUGGEST_BYTES];
    suggest_name(name, v->names, v->count, suggestion);
    return error_set(err, ERROR_INPUT, "unknown %s %s: %s", kind->what, name, suggestion);
}

static bool is_plain(const char *name)
{
    if (!isalnum((unsigned char)*name))
        return false;
    while (isalnum((unsigned char)*name) || *name == '-' || *name == '_')
        name++;
    return *name == '\0';
}

/* Translates one item and appends it to the list for OpenSSL. */
static int take_item(const struct kind *kind, const struct name_table *v, const char *item,
                     FILE *list, struct error *err)
{
    bool optional = item[0] == '?';
    const char *name = item + optional;
    if (!is_plain(name))
        return error_set(err, ERROR_INPUT,
                         "\"%s\" is not a %s: write names, separated by ':', without operators",
                         item, kind->what);
    const char *found = find(kind, v, name);
    if (!found && !optional)
        return refuse(kind, v, name, err);
    if (found)
        fprintf(list, "%s%s", ftell(list) > 0 ? ":" : "", found);
    return 0;
}

static int take_items(const struct kind *kind, const struct name_table *v, const char *items,
                      FILE *list, struct error *err)
{
    for (bool last = false; !last;) {
        size_t length = strcspn(items, ":");
        char item[NAME_BYTES];
        snprintf(item, sizeof item, "%.*s", (int)length, items);
        if (take_item(kind, v, item, list, err) < 0)
            return -1;
        last = items[length] == '\0';
        items += length + 1;
    }
    if (ftell(list) == 0)
        return error_set(err, ERROR_INPUT, "the library has none of these: name another %s",
                         kind->what);
    return 0;
}

bool tls_names_set_limits(SSL_CTX *ssl)
{
    SSL_CTX_set_security_level(ssl, SECURITY_LEVEL);
    return SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION) &&
           SSL_CTX_set_max_proto_version(ssl, TLS1_3_VERSION);
}

static bool table_open(struct name_table *v, const struct kind *kind)
{
    v->scratch = SSL_CTX_new(TLS_method());
    v->count = 0;
    if (!v->scratch || !tls_names_set_limits(v->scratch) ||
        !SSL_CTX_set_cipher_list(v->scratch, all_ciphers) ||
        !SSL_CTX_set_ciphersuites(v->scratch, all_suites))
        return false;
    kind->gather(v);
    return true;
}

static void table_close(struct name_table *v)
{
    SSL_CTX_free(v->scratch);
    ERR_clear_error(); /* each unknown name has left an error */
}

static int translate(const struct kind *kind, const struct name_table *v, const char *list,
                     char **ret, struct error *err)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return error_sys(err, "look up a %s", kind->what);
    int result = take_items(kind, v, list, out, err);
    if ((fclose(out) || !text) && result == 0) { /* without memory fclose(3) can succeed */
        errno = ENOMEM;
        result = error_sys(err, "look up a %s", kind->what);
    }
    if (result == 0)
        *ret = text;
    else
        free(text);
    return result;
}

int tls_names_translate(enum tls_names kind, const char *list, char **ret, struct error *err)
{
    struct name_table v;
    ERR_clear_error();
    int result = table_open(&v, &kinds[kind])
                     ? translate(&kinds[kind], &v, list, ret, err)
                     : tls_error_set(err, ERROR_SYSTEM, "look up a %s", kinds[kind].what);
    table_close(&v);
    return result;
}

void tls_names_list(enum tls_names kind, char ret[TLS_NAMES_TEXT_BYTES])
{
    struct name_table v;
    ret[0] = '\0';
    if (table_open(&v, &kinds[kind]))
        suggest_list(v.names, v.count, ret);
    table_close(&v);
}
