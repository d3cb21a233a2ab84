/* SPDX-License-Identifier: MIT */
/* Which of two representations a client prefers (RFC 9110 §12.4.2, §12.5.1). */
#include "http_text.h"

enum { QUALITY_MAX = 1000, QUALITY_DIGITS = 3 };

/* A media type and what the client says of it. */
struct preference {
    const char *type, *group; /* "text/html", "text/" and "*" */
    int specific;             /* how exact the range was that decided: 0 none, 1, 2, 3 all of it */
    int quality;              /* in thousandths */
};

/* "0" or "1", a point and up to three digits, in thousandths; 0 if it is malformed. */
static int parse_quality(struct http_span text)
{
    if (text.size == 0 || (text.at[0] != '0' && text.at[0] != '1') ||
        text.size > 2 + QUALITY_DIGITS || (text.size > 1 && text.at[1] != '.'))
        return 0;
    int quality = text.at[0] - '0';
    for (size_t i = 2; i < 2 + QUALITY_DIGITS; i++) {
        char c = i < text.size ? text.at[i] : '0';
        if (c < '0' || c > '9')
            return 0;
        quality = 10 * quality + (c - '0');
    }
    return quality <= QUALITY_MAX ? quality : 0;
}

/* The quality of a range with these parameters; -1 = others than q, which ask for a variant that we
 * do not have. */
static int read_parameters(struct http_span parameters)
{
    struct http_span parameter, name;
    int quality = QUALITY_MAX;
    while (parameters.size > 0) {
        if (!http_text_split(&parameters, ';', &parameter)) {
            parameter = parameters;
            parameters.size = 0;
        }
        parameter = http_text_trim(parameter);
        if (parameter.size == 0)
            continue;
        if (!http_text_split(&parameter, '=', &name) || !http_equals_nocase(name, "q"))
            return -1;
        quality = parse_quality(parameter);
    }
    return quality;
}

/* The most exact range decides. */
static void consider(struct preference *p, struct http_span range, int quality)
{
    int specific = http_equals_nocase(range, p->type)    ? 3
                   : http_equals_nocase(range, p->group) ? 2
                   : http_equals(range, "*/*")           ? 1
                                                         : 0;
    if (specific <= p->specific)
        return;
    p->specific = specific;
    p->quality = quality;
}

bool http_prefers_html(const struct http_head *head)
{
    struct preference html = {.type = "text/html", .group = "text/*"};
    struct preference json = {.type = "application/json", .group = "application/*"};
    struct http_span fields = head->fields, name, value, entry;
    while (http_field_next(&fields, &name, &value)) {
        if (!http_equals_nocase(name, "Accept"))
            continue;
        while (http_text_next_entry(&value, &entry)) {
            struct http_span parameters = entry, range;
            if (!http_text_split(&parameters, ';', &range)) {
                range = entry;
                parameters.size = 0;
            }
            int quality = read_parameters(parameters);
            if (quality < 0)
                continue;
            consider(&html, http_text_trim(range), quality);
            consider(&json, http_text_trim(range), quality);
        }
    }
    return html.quality > json.quality;
}
