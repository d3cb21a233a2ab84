/* SPDX-License-Identifier: MIT */
/* The host of a request, and targets. */
#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#include "http_text.h"

static bool is_ip(int family, struct http_span s)
{
    char text[INET6_ADDRSTRLEN];
    unsigned char address[sizeof(struct in6_addr)];
    if (s.size >= sizeof text)
        return false;
    memcpy(text, s.at, s.size);
    text[s.size] = '\0';
    return inet_pton(family, text, address) == 1;
}

static bool consists_of(struct http_span s, const char *allowed)
{
    for (size_t i = 0; i < s.size; i++)
        if (s.at[i] == '\0' || !strchr(allowed, s.at[i]))
            return false;
    return true;
}

/* RFC 3986 §2.1: "%" and two hexadecimal digits. */
static bool has_whole_escapes(struct http_span s)
{
    for (size_t i = 0; i < s.size; i++)
        if (s.at[i] == '%' && (s.size - i < 3 || !isxdigit((unsigned char)s.at[i + 1]) ||
                               !isxdigit((unsigned char)s.at[i + 2])))
            return false;
    return true;
}

/* RFC 3986 §3.2.2: an IPv6 address; some clients leave its zone in (RFC 6874). */
static bool is_literal(struct http_span s)
{
    struct http_span address;
    return is_ip(AF_INET6, http_text_split(&s, '%', &address) ? address : s);
}

bool http_host_is_valid(struct http_span s)
{
    static const char digits[] = "0123456789";
    static const char name[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                               "-._~%!$&'()*+,;=";
    struct http_span host = s, port = s, none;
    if (s.size > 0 && s.at[0] == '[') {
        port = (struct http_span){s.at + 1, s.size - 1};
        if (!http_text_split(&port, ']', &host) || !is_literal(host))
            return false;
        bool colon = http_text_split(&port, ':', &none) && none.size == 0;
        return port.size == 0 || (colon && consists_of(port, digits));
    }
    bool good_port = !http_text_split(&port, ':', &host) || consists_of(port, digits);
    return good_port && host.size > 0 && consists_of(host, name) && has_whole_escapes(host);
}

bool http_host_is_foreign_name(struct http_span host)
{
    struct http_span rest = host;
    if (host.size == 0 || host.at[0] == '[')
        return false;
    http_text_split(&rest, ':', &host);
    return !http_equals_nocase(host, "localhost") && !http_equals_nocase(host, "localhost.") &&
           !is_ip(AF_INET, host);
}

/* The length of "http://" or "https://" at its start; 0 = it has neither. */
static size_t scheme_length(struct http_span target)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t n = strlen(schemes[i]);
        if (target.size >= n && strncasecmp(target.at, schemes[i], n) == 0)
            return n;
    }
    return 0;
}

bool http_target_authority(struct http_span target, struct http_span *ret)
{
    size_t n = scheme_length(target), length = 0;
    if (n == 0)
        return false;
    while (n + length < target.size && !strchr("/?#", target.at[n + length]))
        length++;
    *ret = (struct http_span){target.at + n, length};
    return true;
}

struct http_span http_target_path(struct http_span target)
{
    struct http_span path = target, before, authority;
    if (http_target_authority(target, &authority)) {
        const char *end = authority.at + authority.size;
        path = (struct http_span){end, target.size - (size_t)(end - target.at)};
        if (path.size == 0 || path.at[0] != '/')
            path = (struct http_span){"/", 1};
    }
    return http_text_split(&path, '?', &before) ? before : path;
}
