/* SPDX-License-Identifier: MIT */
#include "tls_san_match.h"

#include <string.h>
#include <strings.h>

/* A part of a text, between two separators. */
struct piece {
    const char *at;
    size_t n;
};

static const char *const prefixes[] = {
    [TLS_SAN_MATCH_DNS] = "DNS:",
    [TLS_SAN_MATCH_URI] = "URI:",
    [TLS_SAN_MATCH_EMAIL] = "email:",
};

enum { KINDS = sizeof prefixes / sizeof prefixes[0] };

/* The kind of a pattern, and the text after it; KINDS if it has none. */
static int kind_of(const char *pattern, const char **ret)
{
    for (int kind = 0; kind < KINDS; kind++) {
        size_t n = strlen(prefixes[kind]);
        if (strncmp(pattern, prefixes[kind], n) == 0) {
            *ret = pattern + n;
            return kind;
        }
    }
    return KINDS;
}

static struct piece piece(const char *text, size_t n)
{
    return (struct piece){.at = text, .n = n};
}

/* Removes the text before the next separator from *rest. false: *rest is used up. */
static bool next_piece(struct piece *rest, char separator, struct piece *ret)
{
    if (!rest->at)
        return false;
    const char *end = memchr(rest->at, separator, rest->n);
    *ret = end ? piece(rest->at, (size_t)(end - rest->at)) : *rest;
    *rest = end ? piece(end + 1, rest->n - ret->n - 1) : piece(NULL, 0);
    return true;
}

static bool has(struct piece text, char c)
{
    return memchr(text.at, c, text.n) != NULL;
}

static bool is_star(struct piece text)
{
    return text.n == 1 && *text.at == '*';
}

static bool is_same(struct piece a, struct piece b)
{
    return a.n == b.n && memcmp(a.at, b.at, a.n) == 0;
}

static bool is_same_but_case(struct piece a, struct piece b)
{
    return a.n == b.n && strncasecmp(a.at, b.at, a.n) == 0;
}

/* Printable ASCII without spaces, which excludes NUL and look-alike characters. */
static bool is_plain(struct piece text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.at[i] <= ' ' || text.at[i] > '~')
            return false;
    return text.n > 0;
}

static bool is_label(struct piece text)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (size_t i = 0; i < text.n; i++)
        if (!memchr(letters, text.at[i], sizeof letters - 1))
            return false;
    return text.n > 0;
}

/* Non-empty labels between dots; with `stars` a label may be a star. */
static bool is_domain(struct piece text, bool stars)
{
    struct piece label;
    while (next_piece(&text, '.', &label))
        if (!is_label(label) && !(stars && is_star(label)))
            return false;
    return true;
}

/* Everything before the path: "scheme://authority"; all of it if there is no path. */
static struct piece before_path(struct piece uri)
{
    const char *colon = memchr(uri.at, ':', uri.n);
    size_t scheme = colon ? (size_t)(colon - uri.at) : 0;
    if (scheme == 0 || uri.n < scheme + 3 || memcmp(colon, "://", 3) != 0)
        return uri;
    const char *path = memchr(colon + 3, '/', uri.n - scheme - 3);
    return path ? piece(uri.at, (size_t)(path - uri.at)) : uri;
}

static struct piece after(struct piece text, struct piece front)
{
    return piece(text.at + front.n, text.n - front.n);
}

static bool is_uri_pattern(struct piece text)
{
    struct piece front = before_path(text), path = after(text, front), segment;
    const char *colon = memchr(text.at, ':', text.n);
    if (!colon || colon == text.at || has(front, '*'))
        return false;
    for (bool in_path = true; next_piece(&path, '/', &segment);) {
        in_path = in_path && !has(segment, '?') && !has(segment, '#');
        if (has(segment, '*') && !(in_path && is_star(segment)))
            return false;
    }
    return true;
}

static bool is_email_pattern(struct piece text)
{
    struct piece rest = text, local, domain;
    next_piece(&rest, '@', &local);
    return next_piece(&rest, '@', &domain) && !rest.at && local.n > 0 &&
           (is_star(local) || !has(local, '*')) && is_domain(domain, false);
}

int tls_san_match_check(const char *pattern, struct error *err)
{
    const char *rest = "";
    int kind = kind_of(pattern, &rest);
    struct piece text = piece(rest, strlen(rest));
    if (kind == KINDS || !is_plain(text))
        return error_set(
            err, ERROR_INPUT,
            "\"%.160s\" is not a pattern of names: write DNS:, URI: or email: and then "
            "the name, without spaces",
            pattern);
    if (kind == TLS_SAN_MATCH_DNS && !is_domain(text, true))
        return error_set(
            err, ERROR_INPUT,
            "\"%.160s\" is not a pattern of host names: write labels between dots, where "
            "a star is one whole label, as in DNS:*.example.org",
            pattern);
    if (kind == TLS_SAN_MATCH_URI && !is_uri_pattern(text))
        return error_set(
            err, ERROR_INPUT,
            "\"%.160s\" is not a pattern of URIs: write a whole URI, where a star is one "
            "whole segment of the path, as in URI:spiffe://td/ns/*/sa",
            pattern);
    if (kind == TLS_SAN_MATCH_EMAIL && !is_email_pattern(text))
        return error_set(
            err, ERROR_INPUT,
            "\"%.160s\" is not a pattern of mail addresses: write one address, where a "
            "star is all that is before the @, as in email:*@example.org",
            pattern);
    return 0;
}

static bool domain_matches(struct piece pattern, struct piece value)
{
    struct piece wanted, label;
    while (next_piece(&pattern, '.', &wanted)) {
        if (!next_piece(&value, '.', &label))
            return false;
        if (is_star(wanted) ? !is_label(label) : !is_same_but_case(wanted, label))
            return false;
    }
    return !value.at;
}

/* RFC 3986 §3.3: the path ends before '?' and '#', and "." and ".." are not names of segments.
 * Percent-encoding may hide one of these, or a slash, until it is decoded (§2.4). */
static bool is_segment(struct piece text)
{
    bool dots = is_same(text, piece(".", 1)) || is_same(text, piece("..", 2));
    return text.n > 0 && !dots && !has(text, '?') && !has(text, '#') && !has(text, '%');
}

static bool uri_matches(struct piece pattern, struct piece value)
{
    struct piece wanted, segment;
    while (next_piece(&pattern, '/', &wanted)) {
        if (!next_piece(&value, '/', &segment))
            return false;
        if (is_star(wanted) ? !is_segment(segment) : !is_same(wanted, segment))
            return false;
    }
    return !value.at;
}

static bool email_matches(struct piece pattern, struct piece value)
{
    struct piece wanted, wanted_domain, local, domain;
    if (!next_piece(&pattern, '@', &wanted) || !next_piece(&pattern, '@', &wanted_domain) ||
        !next_piece(&value, '@', &local) || !next_piece(&value, '@', &domain))
        return false;
    return !value.at && local.n > 0 && (is_star(wanted) || is_same(wanted, local)) &&
           is_same_but_case(wanted_domain, domain);
}

bool tls_san_match_matches(const char *pattern, enum tls_san_match_kind kind, const char *value,
                           size_t n)
{
    const char *rest = "";
    struct piece given = piece(value, n);
    if (kind_of(pattern, &rest) != (int)kind || !is_plain(given))
        return false;

    struct piece wanted = piece(rest, strlen(rest));
    switch (kind) {
    case TLS_SAN_MATCH_DNS:
        return domain_matches(wanted, given);
    case TLS_SAN_MATCH_URI:
        return uri_matches(wanted, given);
    case TLS_SAN_MATCH_EMAIL:
        return email_matches(wanted, given);
    }
    return false;
}
