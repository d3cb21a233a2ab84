/* SPDX-License-Identifier: MIT */
/* A printed configuration parses to the same configuration. */
#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "property.h"
#include "suite.h"
#include "tlsecho/base/quantity.h"
#include "tlsecho/server/config.h"
#include "tlsecho/server/config_load.h"

enum { CASES = 1000 /* each parses three times */, TEXT_BYTES = 16 << 10 };

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

static void put_time(const char *key)
{
    char time[QUANTITY_BYTES];
    if (property_below(2))
        return;
    quantity_time_text(property_below(4) ? property_below(86400000) : property_below(90), time);
    put("  %s: %s\n", key, time);
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
    static const char *const times[] = {"handshake", "idle", "write", "linger", "drain"};
    used = 0;
    put("listeners:\n");
    for (unsigned i = 0, n = 1 + (unsigned)property_below(4); i < n; i++)
        put_listener(i);
    if (property_below(2)) {
        put("tls:\n");
        put_profile();
    }
    put("timeouts:\n  lifetime: 1d\n");
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        put_time(times[i]);
    put("limits:\n  buffer: %u\n", 4096 + (unsigned)property_below(100000));
}

/* The caller frees it. NULL: refused. */
static char *print_parsed(const char *from)
{
    struct config *config;
    struct error err;
    char *printed = NULL;
    size_t size;
    if (config_parse("/etc/tlsecho/server.yaml", from, strlen(from), &config, &err) < 0)
        return NULL;
    FILE *out = open_memstream(&printed, &size);
    config_print(config, out);
    fclose(out);
    config_free(config);
    return printed;
}

static void print_and_parse(void)
{
    make_text();
    char *first = print_parsed(text);
    if (!first) /* two of one name, or one that is not allowed */
        return;
    char *second = print_parsed(first);
    accepted++;
    property_require(second, "what is printed is valid");
    property_require(strcmp(first, second) == 0, "what is printed is printed again");
    free(first);
    free(second);
}

START_TEST(a_printed_configuration_parses_to_itself)
{
    property_check("config, print and parse", CASES, print_and_parse);
    ck_assert_uint_gt(accepted, 0);
    printf("config, print and parse: %u were valid\n", accepted);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config_properties");
    TCase *tcase = tcase_create("properties");
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, a_printed_configuration_parses_to_itself);
    return suite_run(suite);
}
