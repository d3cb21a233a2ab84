/* SPDX-License-Identifier: MIT */
#include "config_walk.h"

#include <check.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "suite.h"
#include "tlsecho/server/config_load.h"

enum { TEXT_BYTES = 1024 };

static void append(char text[TEXT_BYTES], const char *word)
{
    size_t used = strlen(text);
    int n = snprintf(text + used, TEXT_BYTES - used, "%s ", word);
    ck_assert_int_lt(n, (int)(TEXT_BYTES - used));
}

/* The steps from the key of that name on, up to the next key of the same level: names of keys, "["
 * for an entry and "]" for the end of a list. */
static void steps_of(const char *name, const struct config *config, char ret[TEXT_BYTES])
{
    struct config_walk walk;
    bool inside = false;
    ret[0] = '\0';
    config_walk_start(&walk, config);
    while (config_walk_next(&walk)) {
        if (walk.step == CONFIG_WALK_KEY && walk.depth == 0)
            inside = strcmp(walk.key->name, name) == 0;
        if (inside)
            append(ret, walk.step == CONFIG_WALK_KEY     ? walk.key->name
                        : walk.step == CONFIG_WALK_ENTRY ? "["
                                                         : "]");
    }
}

static struct config *parsed(const char *text)
{
    struct config *config;
    struct error err;
    ck_assert_msg(config_parse("test.yaml", text, strlen(text), &config, &err) == 0, "%s",
                  err.text);
    return config;
}

static size_t keys_of(const struct config_section *section)
{
    size_t count = 0;
    for (const struct config_key *key = NULL; (key = config_keys_next(section, key)); count++)
        count += key->section ? keys_of(key->section) : 0;
    return count;
}

START_TEST(visits_every_key_of_the_table_once)
{
    struct config_walk walk;
    size_t count = 0;
    config_walk_start(&walk, NULL);
    while (config_walk_next(&walk)) {
        ck_assert_ptr_null(walk.field);
        count += walk.step == CONFIG_WALK_KEY;
    }
    ck_assert_uint_eq(count, keys_of(&config_keys));
    ck_assert_uint_eq(walk.depth, 0);
}
END_TEST

START_TEST(enters_sections_at_any_depth)
{
    char steps[TEXT_BYTES];
    steps_of("tcp", NULL, steps);
    ck_assert_str_eq(steps, "tcp nodelay backlog keepalive idle interval probes ");
}
END_TEST

START_TEST(visits_one_entry_of_each_list_of_the_table)
{
    char steps[TEXT_BYTES];
    steps_of("tls", NULL, steps);
    ck_assert_str_eq(steps, "tls [ certificates [ certificate key ocsp ] min_version max_version "
                            "ciphers ciphersuites groups alpn client_auth client_ca crl "
                            "allow_names ticket_keys keylog ] ");
}
END_TEST

START_TEST(enters_as_many_entries_as_there_are)
{
    struct config *config = parsed(
        "tls: {a: {certificates: [{certificate: c, key: k}, {certificate: d, key: l}]}, b: {}}");
    char steps[TEXT_BYTES];
    steps_of("tls", config, steps);
    ck_assert_str_eq(steps,
                     "tls [ certificates [ certificate key ocsp [ certificate key ocsp ] "
                     "min_version max_version ciphers ciphersuites groups alpn client_auth "
                     "client_ca crl allow_names ticket_keys keylog [ certificates ] min_version "
                     "max_version ciphers ciphersuites groups alpn client_auth client_ca crl "
                     "allow_names ticket_keys keylog [ certificates ] min_version max_version "
                     "ciphers ciphersuites groups alpn client_auth client_ca crl allow_names "
                     "ticket_keys keylog ] ");
    config_free(config);
}
END_TEST

START_TEST(returns_the_field_of_each_value)
{
    struct config *config = parsed("listeners: [{listen: tcp://a, name: x}, {listen: tcp://b}]\n"
                                   "tcp: {keepalive: {probes: 7}}\nidentity: {name: y}\n");
    struct config_walk walk;
    char names[TEXT_BYTES] = "";
    config_walk_start(&walk, config);
    while (config_walk_next(&walk)) {
        if (walk.step != CONFIG_WALK_KEY)
            continue;
        if (strcmp(walk.key->name, "name") == 0)
            append(names, ((const struct config_text *)(const void *)walk.field)->value);
        if (strcmp(walk.key->name, "probes") == 0)
            ck_assert_ptr_eq(walk.field, (const char *)&config->tcp.keepalive.probes);
    }
    ck_assert_str_eq(names, "x tcp://b:7007 y ");
    config_free(config);
}
END_TEST

/* The use of a key of tcp casts its value to int or unsigned, setsockopt(2). */
START_TEST(no_key_of_tcp_has_a_maximum_beyond_a_socket_option)
{
    struct config_walk walk;
    int numbers = 0;
    config_walk_start(&walk, NULL);
    for (bool inside = false; config_walk_next(&walk);) {
        if (walk.step != CONFIG_WALK_KEY)
            continue;
        if (walk.depth == 0)
            inside = strcmp(walk.key->name, "tcp") == 0;
        bool number = walk.key->type == CONFIG_COUNT || walk.key->type == CONFIG_SIZE ||
                      walk.key->type == CONFIG_TIME;
        if (!inside || !number)
            continue;
        ck_assert_msg(walk.key->max <= INT_MAX, "%s: lower its .max", walk.key->name);
        numbers++;
    }
    ck_assert_int_gt(numbers, 0);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("config_walk");
    tcase_add_test(tcase, visits_every_key_of_the_table_once);
    tcase_add_test(tcase, enters_sections_at_any_depth);
    tcase_add_test(tcase, visits_one_entry_of_each_list_of_the_table);
    tcase_add_test(tcase, enters_as_many_entries_as_there_are);
    tcase_add_test(tcase, returns_the_field_of_each_value);
    tcase_add_test(tcase, no_key_of_tcp_has_a_maximum_beyond_a_socket_option);

    Suite *suite = suite_create("config_walk");
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
