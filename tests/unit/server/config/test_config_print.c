/* SPDX-License-Identifier: MIT */
/* The printed configuration, and the shipped examples. */
#include "suite.h"
#include "tlsecho/server/config.h"
#include "tlsecho/server/config_load.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

static struct config *parsed(const char *text)
{
    struct config *config;
    struct error err;
    ck_assert_msg(config_parse("/etc/tlsecho/server.yaml", text, strlen(text), &config, &err) == 0,
                  "%s", err.text);
    return config;
}

/* The caller frees it. */
static char *printed(const struct config *config)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    config_print(config, out);
    fclose(out);
    return text;
}

/* Ends the test at the first line that differs, which it prints. */
static void assert_same_lines(const char *text, const char *expected)
{
    for (int line = 1; *text || *expected; line++) {
        size_t n = strcspn(text, "\n"), m = strcspn(expected, "\n");
        ck_assert_msg(n == m && memcmp(text, expected, n) == 0,
                      "line %d: \"%.*s\" instead of \"%.*s\"", line, (int)n, text, (int)m,
                      expected);
        text += n;
        expected += m;
        ck_assert_msg(*text == *expected, "line %d: one text ends here", line);
        text += *text == '\n';
        expected += *expected == '\n';
    }
}

static const char *const configurations[] = {
    "",
    "listeners: [{listen: 'unix:///a\"b\\c'}, {listen: 'tcp://[fe80::1%lo]:0'}]",
    "listeners: [{listen: tls://a:0, name: 'on', tls: 'no'}]\ntls: {'no': {}, '1.2': {}}",
    "listeners: [{listen: tls://a, tls: 'true'}]\ntls: {'true': {}, '- x': {}, 'y #z': {}, 'k:': "
    "{}}",
    "listeners: [{listen: tls://a, tls: \"\xc3\xa4 \"}]\ntls: {\"\xc3\xa4 \": {}, '~': {}, ' ': "
    "{}}",
    "tls: {'''': {certificates: [{certificate: './-', key: '{[&*!|>%@`,]}?'}]}}",
    "tls: {a: {alpn: [' x', '- y', 'no', '#', \"\\xc3\\xa4\", 'a\"b'], client_auth: optional, "
    "client_ca: c, allow_names: ['DNS:*', 'k:']}}",
    "limits: {buffer: 4097}\ntimeouts: {idle: 1ms, write: 86399999ms, linger: 1001ms}",
    "identity: {name: 'a: b', env: [PATH]}",
};

START_TEST(printed_output_parses_to_the_same_configuration)
{
    struct config *config = parsed(configurations[_i]);
    char *first = printed(config);
    struct config *again = parsed(first);
    char *second = printed(again);
    assert_same_lines(second, first);
    ck_assert_uint_eq(config->listener_count, again->listener_count);
    for (size_t i = 0; i < config->listener_count; i++)
        ck_assert_str_eq(config->listeners[i].name.value, again->listeners[i].name.value);
    ck_assert_uint_eq(config->profile_count, again->profile_count);
    for (size_t i = 0; i < config->profile_count; i++)
        ck_assert_str_eq(config->profiles[i].name.value, again->profiles[i].name.value);
    ck_assert_mem_eq(&config->timeouts_ms, &again->timeouts_ms, sizeof config->timeouts_ms);
    ck_assert_mem_eq(&config->limits, &again->limits, sizeof config->limits);
    free(first);
    free(second);
    config_free(config);
    config_free(again);
}
END_TEST

START_TEST(prints_every_key_with_readable_units)
{
    static const char complete[] = "listeners:\n"
                                   "  - listen: tcp://[::1]:7\n"
                                   "    name: one\n"
                                   "    service: upper\n"
                                   "    proxy_protocol: required\n"
                                   "    proxy_from:\n"
                                   "      - \"192.0.2.0/24\"\n"
                                   "      - unix\n"
                                   "    freebind: on\n"
                                   "    allow:\n"
                                   "      - \"10.0.0.0/8\"\n"
                                   "      - \"::1/128\"\n"
                                   "      - unix\n"
                                   "    deny:\n"
                                   "      - \"10.1.0.0/16\"\n"
                                   "  - listen: tls://example.org:8\n"
                                   "    name: tls://example.org:8\n"
                                   "    service: echo\n"
                                   "    tls: web\n"
                                   "    proxy_protocol: off\n"
                                   "    proxy_from: []\n"
                                   "    freebind: off\n"
                                   "    allow: []\n"
                                   "    deny: []\n"
                                   "  - listen: \"unix:///run/a b\"\n"
                                   "    name: \"unix:///run/a b\"\n"
                                   "    service: echo\n"
                                   "    proxy_protocol: off\n"
                                   "    proxy_from: []\n"
                                   "    freebind: off\n"
                                   "    allow: []\n"
                                   "    deny: []\n"
                                   "tls:\n"
                                   "  web:\n"
                                   "    certificates:\n"
                                   "      - certificate: /etc/tlsecho/tls/a.pem\n"
                                   "        key: /keys/a.key\n"
                                   "        ocsp: /etc/tlsecho/a.ocsp\n"
                                   "      - certificate: /etc/tlsecho/b.pem\n"
                                   "        key: \"/etc/tlsecho/b \\\"\\\\.key\"\n"
                                   "        ocsp: \"\"\n"
                                   "    min_version: \"1.2\"\n"
                                   "    max_version: \"1.3\"\n"
                                   "    ciphers: ECDHE-RSA-AES128-GCM-SHA256:x\n"
                                   "    ciphersuites: TLS_AES_128_GCM_SHA256\n"
                                   "    groups: \"?X25519MLKEM768:X25519\"\n"
                                   "    alpn:\n"
                                   "      - h2\n"
                                   "      - http/1.1\n"
                                   "      - \"no\"\n"
                                   "    client_auth: required\n"
                                   "    client_ca: /etc/tlsecho/ca.pem\n"
                                   "    crl: /etc/tlsecho/crl.pem\n"
                                   "    allow_names:\n"
                                   "      - \"DNS:*.example.org\"\n"
                                   "      - email:a\n"
                                   "    ticket_keys: /etc/tlsecho/tickets\n"
                                   "    keylog: /etc/tlsecho/keys.log\n"
                                   "  \"two words\":\n"
                                   "    certificates: []\n"
                                   "    min_version: \"1.2\"\n"
                                   "    max_version: \"1.2\"\n"
                                   "    ciphers: \"\"\n"
                                   "    ciphersuites: \"\"\n"
                                   "    groups: \"\"\n"
                                   "    alpn: []\n"
                                   "    client_auth: off\n"
                                   "    client_ca: \"\"\n"
                                   "    crl: \"\"\n"
                                   "    allow_names: []\n"
                                   "    ticket_keys: \"\"\n"
                                   "    keylog: \"\"\n"
                                   "watch: off\n"
                                   "workers: 3\n"
                                   "timeouts:\n"
                                   "  handshake: 1500ms\n"
                                   "  idle: 0\n"
                                   "  write: 90s\n"
                                   "  linger: 1h\n"
                                   "  drain: 365d\n"
                                   "  lame_duck: 15s\n"
                                   "  lifetime: 2d\n"
                                   "limits:\n"
                                   "  connections: 0\n"
                                   "  per_source: 3\n"
                                   "  accept_rate: 10000000\n"
                                   "  handshakes: 500\n"
                                   "  client_hello: 32KiB\n"
                                   "  datagram_rate: 10000\n"
                                   "  buffer: 125KiB\n"
                                   "tcp:\n"
                                   "  nodelay: off\n"
                                   "  backlog: 65535\n"
                                   "  keepalive:\n"
                                   "    idle: 1s\n"
                                   "    interval: 32767s\n"
                                   "    probes: 127\n"
                                   "log:\n"
                                   "  level: debug\n"
                                   "  format: json\n"
                                   "  connections: off\n"
                                   "admin:\n"
                                   "  listen: unix:///run/admin\n"
                                   "identity:\n"
                                   "  name: web-1\n"
                                   "  env:\n"
                                   "    - PATH\n"
                                   "security:\n"
                                   "  user: echo\n"
                                   "  group: echoes\n"
                                   "  sandbox: on\n"
                                   "  key_files: any\n";
    struct config *config = parsed(complete);
    char *text = printed(config);
    assert_same_lines(text, complete);
    free(text);
    config_free(config);
}
END_TEST

START_TEST(quotes_text_that_other_parsers_would_not_read_as_a_string)
{
    static const struct {
        const char *name, *text;
    } names[] = {{"web", "web"},
                 {"a-1.b_c", "a-1.b_c"},
                 {"/run/x", "/run/x"},
                 {"a:b", "a:b"},
                 {"k:", "\"k:\""},
                 {"On", "\"On\""},
                 {"no", "\"no\""},
                 {"y", "\"y\""},
                 {"null", "\"null\""},
                 {"1.2", "\"1.2\""},
                 {"-", "\"-\""},
                 {"~", "\"~\""},
                 {"[a]", "\"[a]\""},
                 {"a b", "\"a b\""},
                 {"a#", "\"a#\""},
                 {"a\"b", "\"a\\\"b\""},
                 {"\xc3\xa4", "\"\xc3\xa4\""}};
    for (int i = 0; i < COUNT(names); i++) {
        char given[128], expected[128];
        snprintf(given, sizeof given, "listeners: [{listen: tcp://a}]\ntls: {'%s': {}}",
                 names[i].name);
        snprintf(expected, sizeof expected, "\ntls:\n  %s:\n", names[i].text);
        struct config *config = parsed(given);
        char *text = printed(config);
        ck_assert_msg(strstr(text, expected) != NULL, "%s", text);
        free(text);
        config_free(config);
    }
}
END_TEST

START_TEST(prints_no_profiles_where_there_are_none)
{
    struct config *config = parsed("listeners: [{listen: tcp://a}]");
    char *text = printed(config);
    ck_assert_ptr_nonnull(strstr(text, "\ntls: {}\nwatch: on\nworkers: auto\n"));
    free(text);
    config_free(config);
}
END_TEST

static struct config *loaded(const char *path)
{
    struct config *config;
    struct error err;
    ck_assert_msg(config_load(path, &config, &err) == 0, "%s", err.text);
    return config;
}

START_TEST(the_shipped_example_shows_the_defaults)
{
    struct config *shipped = loaded(TLSECHO_SOURCE_DIR "/config/server.yaml"), *defaults;
    struct error err;
    ck_assert_int_eq(config_default(&defaults, &err), 0);
    char *text = printed(shipped), *expected = printed(defaults);
    ck_assert_str_eq(text, expected);
    free(text);
    free(expected);
    config_free(shipped);
    config_free(defaults);
}
END_TEST

START_TEST(the_other_examples_are_valid)
{
    struct config *config = loaded(TLSECHO_SOURCE_DIR "/config/minimal.yaml");
    ck_assert_uint_eq(config->listener_count, 2);
    ck_assert_uint_eq(config->listeners[1].tls->certificate_count, 0);
    config_free(config);

    config = loaded(TLSECHO_SOURCE_DIR "/config/certificates.yaml");
    ck_assert_str_eq(config->listeners[1].tls->certificates[0].key.value,
                     TLSECHO_SOURCE_DIR "/config/tls/server-ecdsa.key");
    config_free(config);

    config = loaded(TLSECHO_SOURCE_DIR "/config/mtls.yaml");
    ck_assert_uint_eq(config->listeners[0].tls->client_auth, 2);
    ck_assert_uint_eq(config->listeners[0].tls->allow_names.count, 3);
    config_free(config);

    config = loaded(TLSECHO_SOURCE_DIR "/config/http.yaml");
    ck_assert_uint_eq(config->listener_count, 3);
    ck_assert_str_eq(config->listeners[2].service.value, "http");
    config_free(config);

    config = loaded(TLSECHO_SOURCE_DIR "/config/cluster.yaml");
    ck_assert_str_eq(config->listeners[0].tls->ticket_keys.value,
                     TLSECHO_SOURCE_DIR "/config/tls/tickets.key");
    config_free(config);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("config_print");
    tcase_add_loop_test(tcase, printed_output_parses_to_the_same_configuration, 0,
                        COUNT(configurations));
    tcase_add_test(tcase, prints_every_key_with_readable_units);
    tcase_add_test(tcase, quotes_text_that_other_parsers_would_not_read_as_a_string);
    tcase_add_test(tcase, prints_no_profiles_where_there_are_none);
    tcase_add_test(tcase, the_shipped_example_shows_the_defaults);
    tcase_add_test(tcase, the_other_examples_are_valid);

    Suite *suite = suite_create("config_print");
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
