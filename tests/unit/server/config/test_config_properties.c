/* SPDX-License-Identifier: MIT */
/*
 * A printed configuration parses to the same configuration: each value of it, by the table of keys,
 * so that what is not printed, or not read, is found too.
 */
#include <check.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_keys.h"
#include "config_walk.h"
#include "property.h"
#include "suite.h"
#include "tlsecho/server/config.h"
#include "tlsecho/server/config_load.h"

enum { CASES = 1000 /* each parses twice */, TEXT_BYTES = 16 << 10 };

static char text[TEXT_BYTES];
static size_t used;
static unsigned accepted;

static void put(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void put(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    used += (size_t)vsnprintf(text + used, sizeof text - used, format, args);
    va_end(args);
}

/* A name in double quotes, with characters and words that mean something in YAML. */
static void put_name(const char *prefix)
{
    static const char *const pieces[] = {
        "a",    "B",    "0",       "-",           " ",     "#",   " #",      "\\\"", "'",
        "\\\\", "[",    "]",       "{",           "}",     ",",   "&",       "*",    "!",
        "|",    ">",    "%%",      "@",           "`",     "?",   "true",    "null", "~",
        "1.5",  "0x10", "\\u00e4", "\\u2028",     "---",   "=",   "- ",      "<<",   "\\x7e",
        "no",   "1e3",  "_",       "\\U0001f600", "\\x20", "...", "\xc3\xa4"};
    put("\"%s", prefix);
    for (uint64_t n = 1 + property_below(5); n > 0; n--) {
        const char *piece = pieces[property_below(sizeof pieces / sizeof *pieces)];
        put("%s", piece);
    }
    put("\"");
}

/* Any of the numbers that the table allows, small ones often. */
static uint64_t number_for(const struct config_key *key)
{
    uint64_t range = key->max - key->min + 1, step = key->step ? key->step : 1;
    uint64_t number =
        key->min + (property_below(2) ? property_below(range) : property_of_any_size() % range);
    return number - number % step < key->min ? key->min : number - number % step;
}

static void put_value(const struct config_key *key)
{
    size_t words = 0;
    while (key->type == CONFIG_CHOICE && key->words(words))
        words++;
    switch (key->type) {
    case CONFIG_SWITCH:
        put("%s\n", property_below(2) ? "on" : "off");
        break;
    case CONFIG_COUNT:
    case CONFIG_SIZE:
        put("%" PRIu64 "\n", number_for(key));
        break;
    case CONFIG_TIME:
        put("%" PRIu64 "ms\n", number_for(key));
        break;
    case CONFIG_CHOICE:
        put("%s\n", key->words((size_t)property_below(words)));
        break;
    case CONFIG_TEXT:
    case CONFIG_PATH:
    case CONFIG_ENDPOINT:
    case CONFIG_TEXTS:
    case CONFIG_CIDRS:
    case CONFIG_SECTION:
    case CONFIG_LIST:
    case CONFIG_PROFILES:
        ck_abort_msg("%s: another type", key->name);
    }
}

/* Its first key, and some of the others. */
static void put_section(const struct config_key *parent, int indent)
{
    put("%*s%s:\n", indent, "", parent->name);
    for (const struct config_key *key = config_keys_next(parent->section, NULL); key;
         key = config_keys_next(parent->section, key)) {
        if (key != config_keys_next(parent->section, NULL) && property_below(2))
            continue;
        if (key->type == CONFIG_SECTION) {
            put_section(key, indent + 2);
            continue;
        }
        put("%*s%s: ", indent + 2, "", key->name);
        put_value(key);
    }
}

static void put_listener(unsigned number)
{
    static const char *const services[] = {"echo",   "upper", "discard", "chargen",
                                           "report", "hello", "http"};
    static const char *const networks[] = {"10.0.0.0/8", "'::1'", "'2001:db8::/32'", "192.0.2.1"};
    if (property_below(4))
        put("  - listen: tcp://127.0.0.1:%u\n", 1024 + number);
    else
        put("  - listen: tcp://[::1]:%u\n    freebind: yes\n", 1024 + number);
    if (property_below(3)) {
        put("    name: ");
        put_name("");
        put("\n");
    }
    put("    service: %s\n", services[property_below(7)]);
    if (property_below(3) == 0)
        put("    allow: [%s, %s]\n", networks[property_below(4)], networks[property_below(4)]);
    if (property_below(3) == 0)
        put("    deny: [%s]\n", networks[property_below(4)]);
}

static void put_profile(void)
{
    put("  ");
    put_name("p");
    put(":\n    min_version: \"%s\"\n", property_below(2) ? "1.2" : "1.3");
    if (property_below(2) == 0)
        return;
    put("    alpn: [");
    put_name("");
    put("]\n    client_auth: optional\n    client_ca: ");
    put_name("./");
    put("\n");
}

static void make_text(void)
{
    static const char *const sections[] = {"timeouts", "limits", "tcp", "log"};
    used = 0;
    put("listeners:\n");
    for (unsigned i = 0, n = 1 + (unsigned)property_below(4); i < n; i++)
        put_listener(i);
    if (property_below(2)) {
        put("tls:\n");
        put_profile();
    }
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
        if (property_below(2))
            put_section(config_keys_find(&config_keys, sections[i]), 0);
}

/* NULL: refused. */
static struct config *parsed(const char *from)
{
    struct config *config;
    struct error err;
    return config_parse("/etc/tlsecho/server.yaml", from, strlen(from), &config, &err) < 0 ? NULL
                                                                                           : config;
}

/* The caller frees it. */
static char *printed(const struct config *config)
{
    char *text_of_it = NULL;
    size_t size;
    FILE *out = open_memstream(&text_of_it, &size);
    config_print(config, out);
    fclose(out);
    return text_of_it;
}

static bool texts_equal(const struct config_texts *a, const struct config_texts *b)
{
    bool equal = a->count == b->count;
    for (size_t i = 0; equal && i < a->count; i++)
        equal = strcmp(a->values[i].value, b->values[i].value) == 0;
    return equal;
}

static bool cidrs_equal(const struct config_cidrs *a, const struct config_cidrs *b)
{
    bool equal = a->count == b->count;
    for (size_t i = 0; equal && i < a->count; i++)
        equal = cidr_equal(&a->values[i], &b->values[i]);
    return equal;
}

static bool endpoints_equal(const struct endpoint *a, const struct endpoint *b)
{
    char texts[2][ENDPOINT_TEXT_BYTES];
    endpoint_text(a, texts[0]);
    endpoint_text(b, texts[1]);
    return strcmp(texts[0], texts[1]) == 0;
}

static bool values_equal(const struct config_key *key, const void *a, const void *b)
{
    switch (key->type) {
    case CONFIG_SWITCH:
        return *(const bool *)a == *(const bool *)b;
    case CONFIG_COUNT:
    case CONFIG_SIZE:
    case CONFIG_TIME:
        return *(const uint64_t *)a == *(const uint64_t *)b;
    case CONFIG_CHOICE:
        return config_keys_get_choice(a) == config_keys_get_choice(b);
    case CONFIG_TEXT:
    case CONFIG_PATH:
        return strcmp(((const struct config_text *)a)->value,
                      ((const struct config_text *)b)->value) == 0;
    case CONFIG_ENDPOINT:
        return endpoints_equal(a, b);
    case CONFIG_TEXTS:
        return texts_equal(a, b);
    case CONFIG_CIDRS:
        return cidrs_equal(a, b);
    case CONFIG_SECTION:
    case CONFIG_LIST:
    case CONFIG_PROFILES:
        break; /* the walk goes into them */
    }
    return true;
}

/* Values, and how many of them there are. */
static bool configs_equal(const struct config *a, const struct config *b)
{
    struct config_walk walks[2];
    config_walk_start(&walks[0], a);
    config_walk_start(&walks[1], b);
    for (;;) {
        bool more = config_walk_next(&walks[0]);
        if (config_walk_next(&walks[1]) != more)
            return false;
        if (!more)
            return true;
        if (walks[0].step != walks[1].step || walks[0].key != walks[1].key)
            return false;
        if (walks[0].step == CONFIG_WALK_KEY &&
            !values_equal(walks[0].key, walks[0].field, walks[1].field))
            return false;
    }
}

static void print_and_parse(void)
{
    make_text();
    struct config *first = parsed(text);
    if (!first) /* two of one name, or one that is not allowed */
        return;
    accepted++;
    char *text_of_it = printed(first);
    struct config *second = parsed(text_of_it);
    property_require(second, "what is printed is valid");
    property_require(configs_equal(first, second), "what is printed is the configuration");
    char *again = printed(second);
    property_require(strcmp(text_of_it, again) == 0, "what is printed is printed again");
    free(text_of_it);
    free(again);
    config_free(first);
    config_free(second);
}

START_TEST(a_printed_configuration_parses_to_itself)
{
    property_check("config, print and parse", CASES, print_and_parse);
    ck_assert_uint_gt(accepted, 0);
    printf("config, print and parse: %u were valid\n", accepted);
}
END_TEST

SUITE_OF_ONE_TEST("config_properties", a_printed_configuration_parses_to_itself)
