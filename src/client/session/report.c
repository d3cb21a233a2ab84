/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/report.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "tlsecho/base/text.h"
#include "tlsecho/client/json_memory.h"

/* Control characters must not reach a terminal. */
static void clean(char *text)
{
    for (; *text; text++)
        if (*text < ' ' || *text > '~')
            *text = '?';
}

/* A text that is absent stays "". */
static void take(const json_t *object, const char *key, char *ret, size_t size)
{
    const char *text = json_string_value(json_object_get(object, key));
    if (!text)
        return;
    snprintf(ret, size, "%s", text);
    clean(ret);
}

enum { SCHEMA = 1 }; /* docs/schema/report.json */

#define TAKE(object, key, field) take(object, key, field, sizeof field)

static void take_tls(const json_t *tls, struct report_view *ret)
{
    ret->tls = json_is_object(tls);
    TAKE(tls, "version", ret->version);
    TAKE(tls, "cipher", ret->cipher);
    TAKE(tls, "group", ret->group);
    TAKE(tls, "signature", ret->signature);
    TAKE(tls, "sni", ret->sni);
    TAKE(tls, "alpn", ret->alpn);
    TAKE(tls, "exporter", ret->exporter);
    TAKE(tls, "certificate_sha256", ret->certificate);
    TAKE(json_object_get(tls, "client"), "sha256", ret->client_certificate);
}

static int take_number(const json_t *object, const char *key, int max)
{
    const json_t *number = json_object_get(object, key);
    json_int_t value = json_integer_value(number);
    return json_is_integer(number) && value >= 0 && value <= max ? (int)value : -1;
}

static void take_options(const json_t *options, struct report_syn *ret)
{
    size_t used = 0, i;
    const json_t *option;
    char name[SYN_OPTION_TEXT_BYTES];
    json_array_foreach(options, i, option)
    {
        const char *text = json_string_value(option);
        snprintf(name, sizeof name, "%s", text ? text : "");
        clean(name);
        int n =
            snprintf(ret->options + used, sizeof ret->options - used, "%s%s", i ? " " : "", name);
        if (n < 0 || (size_t)n >= sizeof ret->options - used)
            return;
        used += (size_t)n;
    }
}

/* RFC 7323: 32 bits. */
static void take_timestamps(const json_t *timestamps, struct syn *ret)
{
    const json_t *tsval = json_object_get(timestamps, "tsval");
    ret->timestamps = json_is_integer(tsval);
    ret->tsval = (uint32_t)json_integer_value(tsval);
}

static void take_syn(const json_t *syn, struct report_syn *ret)
{
    int ttl = take_number(syn, "ttl", UINT8_MAX), dscp = take_number(syn, "dscp", 63);
    ret->has_arrived = ttl >= 0 && dscp >= 0;
    if (!ret->has_arrived)
        return;
    ret->arrived = (struct syn){
        .ttl = (unsigned)ttl,
        .dscp = (unsigned)dscp,
        .ece = json_is_true(json_object_get(syn, "ece")),
        .cwr = json_is_true(json_object_get(syn, "cwr")),
        .mss = take_number(syn, "mss", UINT16_MAX),
        .window_scale = take_number(syn, "window_scale", UINT8_MAX),
        .sack = json_is_true(json_object_get(syn, "sack")),
        .malformed = -1,
    };
    take_timestamps(json_object_get(syn, "timestamps"), &ret->arrived);
    take_options(json_object_get(syn, "options"), ret);
}

static void take_datagram(const json_t *datagram, struct report *ret)
{
    ret->by_datagram = json_is_object(datagram);
    ret->sent = (struct report_marks){-1, -1, -1};
    ret->arrived = (struct report_marks){.ttl = take_number(datagram, "ttl", UINT8_MAX),
                                         .dscp = take_number(datagram, "dscp", 63),
                                         .ecn = take_number(datagram, "ecn", 3)};
}

static void take_all(const json_t *json, struct report *ret)
{
    const json_t *proxy = json_object_get(json, "proxy");
    TAKE(json, "server", ret->server);
    TAKE(json, "listener", ret->listener);
    ret->connection = (uint64_t)json_integer_value(json_object_get(json, "connection"));
    TAKE(json, "source", ret->there.source);
    TAKE(json, "destination", ret->there.destination);
    take_tls(json_object_get(json, "tls"), &ret->there);
    take_syn(json_object_get(json, "syn"), &ret->syn);
    take_datagram(json_object_get(json, "datagram"), ret);
    ret->proxy.version = (int)json_integer_value(json_object_get(proxy, "version"));
    ret->proxy.local = json_is_true(json_object_get(proxy, "local"));
    TAKE(proxy, "source", ret->proxy.source);
}

int report_parse(const char *text, size_t n, struct report *ret, struct error *err)
{
    static const char remedy[] =
        "the server's answer is not a report: connect to a listener with `service: report`";
    struct report report = {.here = ret->here};
    json_memory_ran_out(); /* for something else */
    json_t *json = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
    bool is_one = json_is_string(json_object_get(json, "listener")) &&
                  json_is_integer(json_object_get(json, "schema"));
    json_int_t schema = json_integer_value(json_object_get(json, "schema"));
    if (is_one && schema == SCHEMA)
        take_all(json, &report);
    json_decref(json);
    if (!is_one) {
        error_set(err, ERROR_INPUT, "%s", remedy);
        return json_memory_check(-1, err);
    }
    if (schema != SCHEMA)
        return error_set(err, ERROR_INPUT,
                         "the report has schema %" JSON_INTEGER_FORMAT
                         ", but this client reads %d: use a client of the server's version",
                         schema, SCHEMA);
    if (json_memory_check(0, err) < 0)
        return -1;
    *ret = report;
    return 0;
}

static void append(char ret[REPORT_IDENTITY_BYTES], const char *text)
{
    size_t used = strlen(ret);
    snprintf(ret + used, REPORT_IDENTITY_BYTES - used, "%s", text);
}

static void append_variables(char ret[REPORT_IDENTITY_BYTES], json_t *variables)
{
    const char *name, *before = " (";
    json_t *value;
    json_object_foreach(variables, name, value)
    {
        append(ret, before);
        append(ret, name);
        append(ret, "=");
        append(ret, json_is_string(value) ? json_string_value(value) : "?");
        before = ", ";
    }
    if (*before == ',')
        append(ret, ")");
}

int report_parse_identity(const char *line, size_t n, char ret[REPORT_IDENTITY_BYTES],
                          struct error *err)
{
    char whole[REPORT_IDENTITY_BYTES] = "";
    json_memory_ran_out(); /* for something else */
    json_t *json = json_loadb(line, n, JSON_REJECT_DUPLICATES, NULL);
    json_t *identity = json_object_get(json, "identity");
    const char *name = json_string_value(json_object_get(identity, "name"));
    bool known = name && *name && json_integer_value(json_object_get(json, "schema")) == SCHEMA;
    if (known) {
        append(whole, name);
        append_variables(whole, json_object_get(identity, "env"));
    }
    json_decref(json);
    if (known && json_memory_check(0, err) < 0)
        return -1;
    if (known) {
        text_copy(whole, strlen(whole), ret, REPORT_IDENTITY_BYTES);
        return 0;
    }
    error_set(err, ERROR_INPUT,
              "the hello line does not say which server answered: use a client of the server's "
              "version");
    return json_memory_check(-1, err);
}
