/* SPDX-License-Identifier: MIT */
#include "http_text.h"

#include <string.h>
#include <strings.h>

const char *http_reason(enum http_status status)
{
    switch (status) {
    case HTTP_MORE:
        break;
    case HTTP_OK:
        return "OK";
    case HTTP_BAD_REQUEST:
        return "Bad Request";
    case HTTP_NOT_FOUND:
        return "Not Found";
    case HTTP_METHOD_NOT_ALLOWED:
        return "Method Not Allowed";
    case HTTP_REQUEST_TIMEOUT:
        return "Request Timeout";
    case HTTP_CONTENT_TOO_LARGE:
        return "Content Too Large";
    case HTTP_URI_TOO_LONG:
        return "URI Too Long";
    case HTTP_EXPECTATION_FAILED:
        return "Expectation Failed";
    case HTTP_MISDIRECTED_REQUEST:
        return "Misdirected Request";
    case HTTP_HEAD_TOO_LARGE:
        return "Request Header Fields Too Large";
    case HTTP_NOT_IMPLEMENTED:
        return "Not Implemented";
    case HTTP_UNAVAILABLE:
        return "Service Unavailable";
    case HTTP_VERSION_NOT_SUPPORTED:
        return "HTTP Version Not Supported";
    }
    return "Continue";
}

bool http_equals(struct http_span span, const char *text)
{
    return span.size == strlen(text) && memcmp(span.at, text, span.size) == 0;
}

bool http_equals_nocase(struct http_span span, const char *text)
{
    return span.size == strlen(text) && strncasecmp(span.at, text, span.size) == 0;
}

bool http_text_is_token_char(unsigned char c)
{
    bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
    bool digit = c >= '0' && c <= '9';
    return letter || digit || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

bool http_text_is_token(struct http_span span)
{
    for (size_t i = 0; i < span.size; i++)
        if (!http_text_is_token_char((unsigned char)span.at[i]))
            return false;
    return span.size > 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct http_span http_text_trim(struct http_span span)
{
    for (; span.size > 0 && is_blank(span.at[0]); span.size--)
        span.at++;
    while (span.size > 0 && is_blank(span.at[span.size - 1]))
        span.size--;
    return span;
}

bool http_text_split(struct http_span *rest, char c, struct http_span *ret)
{
    const char *end = rest->size > 0 ? memchr(rest->at, c, rest->size) : NULL;
    if (!end)
        return false;
    *ret = (struct http_span){rest->at, (size_t)(end - rest->at)};
    *rest = (struct http_span){end + 1, rest->size - ret->size - 1};
    return true;
}

bool http_text_next_entry(struct http_span *list, struct http_span *ret)
{
    while (list->size > 0) {
        struct http_span entry;
        if (!http_text_split(list, ',', &entry)) {
            entry = *list;
            list->size = 0;
        }
        *ret = http_text_trim(entry);
        if (ret->size > 0)
            return true;
    }
    return false;
}

bool http_field_next(struct http_span *fields, struct http_span *ret_name,
                     struct http_span *ret_value)
{
    struct http_span line;
    if (!http_text_split(fields, '\n', &line))
        return false;
    line.size--; /* CR */
    http_text_split(&line, ':', ret_name);
    *ret_value = http_text_trim(line);
    return true;
}
