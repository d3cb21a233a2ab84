/* SPDX-License-Identifier: MIT */
#include "admin_request.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

enum { MORE = 0, OK = 200, BAD = 400, NOT_FOUND = 404, NOT_ALLOWED = 405, TOO_LARGE = 431 };

/* A part of the request. */
struct span {
    const char *at;
    size_t size;
};

static bool is_token_char(unsigned char c)
{
    bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
    bool digit = c >= '0' && c <= '9';
    return letter || digit || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c)); /* RFC 9110 §5.6.2 */
}

static bool is_token(struct span s)
{
    for (size_t i = 0; i < s.size; i++)
        if (!is_token_char((unsigned char)s.at[i]))
            return false;
    return s.size > 0;
}

static bool equals(struct span s, const char *text)
{
    return s.size == strlen(text) && memcmp(s.at, text, s.size) == 0;
}

/* Removes the part before the first c, and the c, from rest. False if there is no c. */
static bool split(struct span *rest, char c, struct span *ret)
{
    const char *end = memchr(rest->at, c, rest->size);
    if (!end)
        return false;
    *ret = (struct span){rest->at, (size_t)(end - rest->at)};
    *rest = (struct span){end + 1, rest->size - ret->size - 1};
    return true;
}

/*
 * Removes a line from rest, without its LF or CRLF (RFC 9112 §2.2). OK, MORE, or BAD: a control
 * character is refused at once, or a TLS client would wait for the time-out.
 */
static int next_line(struct span *rest, struct span *ret)
{
    for (size_t i = 0; i < rest->size; i++) {
        unsigned char c = (unsigned char)rest->at[i];
        if (c == '\n') {
            *ret = (struct span){rest->at, i > 0 && rest->at[i - 1] == '\r' ? i - 1 : i};
            *rest = (struct span){rest->at + i + 1, rest->size - i - 1};
            return OK;
        }
        bool ends = c == '\r' && (i + 1 == rest->size || rest->at[i + 1] == '\n');
        if ((c < ' ' && c != '\t' && !ends) || c == 0x7f)
            return BAD;
    }
    return MORE;
}

/* A server must accept the absolute form too (RFC 9112 §3.2.2). */
static struct span path_of(struct span target)
{
    static const char scheme[] = "http://";
    struct span path = target, before;
    size_t n = sizeof scheme - 1;
    if (target.size >= n && strncasecmp(target.at, scheme, n) == 0) {
        const char *slash = memchr(target.at + n, '/', target.size - n);
        path = slash ? (struct span){slash, target.size - (size_t)(slash - target.at)}
                     : (struct span){"/", 1};
    }
    return split(&path, '?', &before) ? before : path;
}

static int find_path(struct span target, enum admin_path *ret)
{
    static const char *const paths[] = {
        [ADMIN_METRICS] = "/metrics", [ADMIN_HEALTHZ] = "/healthz", [ADMIN_READYZ] = "/readyz"};
    struct span path = path_of(target);
    for (unsigned i = 0; i < sizeof paths / sizeof *paths; i++)
        if (equals(path, paths[i])) {
            *ret = (enum admin_path)i;
            return OK;
        }
    return NOT_FOUND;
}

static bool equals_name(struct span s, const char *name)
{
    return s.size == strlen(name) && strncasecmp(s.at, name, s.size) == 0;
}

static bool is_ip(int family, struct span s)
{
    char text[INET6_ADDRSTRLEN];
    unsigned char address[sizeof(struct in6_addr)];
    if (s.size >= sizeof text)
        return false;
    memcpy(text, s.at, s.size);
    text[s.size] = '\0';
    return inet_pton(family, text, address) == 1;
}

static bool consists_of(struct span s, const char *allowed)
{
    for (size_t i = 0; i < s.size; i++)
        if (s.at[i] == '\0' || !strchr(allowed, s.at[i]))
            return false;
    return true;
}

/* RFC 3986 §3.2.2: an IPv6 address; some clients leave its zone in (RFC 6874). */
static bool is_literal(struct span s)
{
    struct span address;
    return is_ip(AF_INET6, split(&s, '%', &address) ? address : s);
}

/* RFC 9110 §4.2.1, §7.2: a host, which must not be empty, and an optional port. */
static bool is_authority(struct span s)
{
    static const char digits[] = "0123456789";
    static const char name[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                               "-._~%!$&'()*+,;=";
    struct span host = s, port = s, none;
    if (s.size > 0 && s.at[0] == '[') {
        port = (struct span){s.at + 1, s.size - 1};
        if (!split(&port, ']', &host) || !is_literal(host))
            return false;
        bool colon = split(&port, ':', &none) && none.size == 0;
        return port.size == 0 || (colon && consists_of(port, digits));
    }
    bool good_port = !split(&port, ':', &host) || consists_of(port, digits);
    return good_port && host.size > 0 && consists_of(host, name);
}

/* RFC 3986 §3.2: the host is a name unless it is an IP address. */
static bool is_foreign_name(struct span authority)
{
    struct span rest = authority, host = authority;
    if (authority.at[0] == '[')
        return false;
    split(&rest, ':', &host);
    return !equals_name(host, "localhost") && !equals_name(host, "localhost.") &&
           !is_ip(AF_INET, host);
}

/* Of the absolute form, which replaces Host (RFC 9112 §3.2.2). False: another form. */
static bool authority_of(struct span target, struct span *ret)
{
    static const char scheme[] = "http://";
    size_t n = sizeof scheme - 1, length = 0;
    if (target.size < n || strncasecmp(target.at, scheme, n) != 0)
        return false;
    while (n + length < target.size && !strchr("/?#", target.at[n + length]))
        length++;
    *ret = (struct span){target.at + n, length};
    return true;
}

struct request_line {
    struct span method, target;
    bool host_needed; /* RFC 9112 §3.2: since HTTP/1.1 */
};

/* RFC 9112 §3. OK or BAD. */
static int parse_request_line(struct span line, struct request_line *ret)
{
    struct request_line r = {.host_needed = true};
    if (!split(&line, ' ', &r.method) || !split(&line, ' ', &r.target) || !is_token(r.method) ||
        r.target.size == 0)
        return BAD;
    if (line.size != 8 || memcmp(line.at, "HTTP/1.", 7) != 0 || line.at[7] < '0' ||
        line.at[7] > '9')
        return BAD;
    r.host_needed = line.at[7] != '0';
    *ret = r;
    return OK;
}

struct hosts {
    unsigned count;
    struct span last;
};

static struct span trimmed(struct span s)
{
    for (; s.size > 0 && strchr(" \t", s.at[0]); s.size--)
        s.at++;
    while (s.size > 0 && strchr(" \t", s.at[s.size - 1]))
        s.size--;
    return s;
}

/* RFC 9112 §5: no space before the colon, no line that continues the one before. OK or BAD. */
static int parse_field(struct span line, struct hosts *hosts)
{
    struct span name;
    if (!split(&line, ':', &name) || !is_token(name))
        return BAD;
    if (equals_name(name, "Host")) {
        hosts->count++;
        hosts->last = trimmed(line);
    }
    return OK;
}

static int parse(struct span rest, struct admin_request *ret)
{
    struct span line;
    struct request_line request;
    struct hosts hosts = {.count = 0};
    int status = next_line(&rest, &line);
    if (status == OK)
        status = parse_request_line(line, &request);
    if (status != OK)
        return status;
    while ((status = next_line(&rest, &line)) == OK && line.size > 0)
        if (parse_field(line, &hosts) == BAD)
            return BAD;
    if (status != OK)
        return status;
    if (hosts.count > 1 || (request.host_needed && hosts.count == 0) ||
        (hosts.count == 1 && !is_authority(hosts.last)))
        return BAD;

    bool absolute = authority_of(request.target, &hosts.last);
    if (absolute && !is_authority(hosts.last))
        return BAD;
    struct admin_request found = {.head = equals(request.method, "HEAD"),
                                  .by_name =
                                      (absolute || hosts.count > 0) && is_foreign_name(hosts.last)};
    status = find_path(request.target, &found.path);
    if (status == OK && !found.head && !equals(request.method, "GET"))
        status = NOT_ALLOWED;
    if (status == OK)
        *ret = found;
    return status;
}

int admin_request_parse(const char *data, size_t size, struct admin_request *ret)
{
    bool full = size >= ADMIN_REQUEST_BYTES;
    int status = parse((struct span){data, full ? ADMIN_REQUEST_BYTES : size}, ret);
    return status == MORE && full ? TOO_LARGE : status;
}
