/* SPDX-License-Identifier: MIT */
#include "tlsecho/server/config.h"
#include "tlsecho/server/config_load.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folder.h"
#include "suite.h"
#include "tlsecho/tls/tls_context.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))
#define FILE_NAME    "/etc/tlsecho/server.yaml"

/* Replaces the C library's: the errno with which it fails, 0 = call the real one. */
static int fstat_fails;

int fstat(int fd, struct stat *file)
{
    errno = fstat_fails;
    return fstat_fails ? -1 : fstatat(fd, "", file, AT_EMPTY_PATH);
}

static struct config *parsed_as(const char *name, const char *text)
{
    struct config *config;
    struct error err;
    ck_assert_msg(config_parse(name, text, strlen(text), &config, &err) == 0, "%s", err.text);
    return config;
}

static struct config *parsed(const char *text)
{
    return parsed_as(FILE_NAME, text);
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

/* ---- defaults ---- */

START_TEST(defaults_are_one_plain_and_one_tls_listener_on_localhost)
{
    struct config *config;
    struct error err;
    ck_assert_int_eq(config_default(&config, &err), 0);
    ck_assert_ptr_null(config->file);
    ck_assert_uint_eq(config->listener_count, 2);

    const struct config_listener *plain = &config->listeners[0], *tls = &config->listeners[1];
    ck_assert_int_eq(plain->listen.scheme, ENDPOINT_TCP);
    ck_assert_str_eq(plain->listen.host, "localhost");
    ck_assert_int_eq(plain->listen.port, 7007);
    ck_assert_str_eq(plain->name.value, "tcp://localhost:7007");
    ck_assert_str_eq(plain->service.value, "echo");
    ck_assert_str_eq(plain->profile.value, "");
    ck_assert_ptr_null(plain->tls);
    ck_assert_int_eq(plain->place.line, 0);

    ck_assert_int_eq(tls->listen.scheme, ENDPOINT_TLS);
    ck_assert_str_eq(tls->listen.host, "localhost");
    ck_assert_int_eq(tls->listen.port, 7443);
    ck_assert_str_eq(tls->profile.value, "default");
    ck_assert_ptr_eq(tls->tls, &config->profiles[0]);
    ck_assert_int_eq(tls->place.line, 0);

    ck_assert_uint_eq(config->profile_count, 1);
    ck_assert_str_eq(tls->tls->name.value, "default");
    ck_assert_uint_eq(tls->tls->certificate_count, 0);
    ck_assert_str_eq(tls->tls->min_version.value, "1.2");
    ck_assert_str_eq(tls->tls->max_version.value, "1.3");
    ck_assert_str_eq(tls->tls->ciphers.value, "");
    ck_assert_str_eq(tls->tls->ciphersuites.value, "");
    ck_assert_str_eq(tls->tls->groups.value, "");
    ck_assert_uint_eq(tls->tls->alpn.count, 0);
    ck_assert_uint_eq(tls->tls->client_auth, TLS_CLIENT_AUTH_OFF);
    ck_assert_str_eq(tls->tls->client_ca.value, "");
    ck_assert_str_eq(tls->tls->crl.value, "");
    ck_assert_uint_eq(tls->tls->allow_names.count, 0);
    ck_assert_str_eq(tls->tls->ticket_keys.value, "");
    ck_assert_str_eq(tls->tls->keylog.value, "");
    config_free(config);
}
END_TEST

START_TEST(defaults_are_those_of_the_manual)
{
    struct config *config;
    struct error err;
    ck_assert_int_eq(config_default(&config, &err), 0);
    ck_assert(config->watch);
    ck_assert_uint_eq(config->workers, 0);
    ck_assert_uint_eq(config->timeouts_ms.handshake, 10000);
    ck_assert_uint_eq(config->timeouts_ms.idle, 300000);
    ck_assert_uint_eq(config->timeouts_ms.write, 60000);
    ck_assert_uint_eq(config->timeouts_ms.linger, 5000);
    ck_assert_uint_eq(config->timeouts_ms.drain, 30000);
    ck_assert_uint_eq(config->timeouts_ms.lame_duck, 0);
    ck_assert_uint_eq(config->timeouts_ms.lifetime, 0);
    ck_assert_uint_eq(config->limits.connections, 10000);
    ck_assert_uint_eq(config->limits.per_source, 0);
    ck_assert_uint_eq(config->limits.accept_rate, 0);
    ck_assert_uint_eq(config->limits.handshakes, 1000);
    ck_assert_uint_eq(config->limits.datagram_rate, 10000);
    ck_assert_uint_eq(config->limits.client_hello_bytes, 32768);
    ck_assert_uint_eq(config->limits.buffer_bytes, 65536);
    ck_assert(config->tcp.nodelay);
    ck_assert_uint_eq(config->tcp.backlog, 4096);
    ck_assert_uint_eq(config->tcp.keepalive.idle_ms, 7200000);
    ck_assert_uint_eq(config->tcp.keepalive.interval_ms, 75000);
    ck_assert_uint_eq(config->tcp.keepalive.probes, 10);
    ck_assert_uint_eq(config->log.level, LOG_LEVEL_INFO);
    ck_assert_uint_eq(config->log.format, LOG_FORMAT_LOGFMT);
    ck_assert(config->log.connections);
    config_free(config);
}
END_TEST

START_TEST(empty_files_and_sections_mean_the_defaults)
{
    static const char *const texts[] = {
        "",
        "# nothing\n",
        "---\n",
        "{}",
        "tls:\nlimits:\ntcp:\n  keepalive:\n",
        "tls: {}",
        "listeners: [{listen: tcp://localhost}, {listen: tls://localhost, tls: '', name: ''}]",
        "tls:\n  default:\n"};
    struct config *config;
    struct error err;
    ck_assert_int_eq(config_default(&config, &err), 0);
    struct config *other = parsed(texts[_i]);
    char *expected = printed(config), *text = printed(other);
    ck_assert_str_eq(text, expected);
    free(text);
    free(expected);
    config_free(config);
    config_free(other);
}
END_TEST

/* ---- values ---- */

static const char everything[] = "listeners:\n"
                                 "  - listen: tcp://[::1]:7\n"
                                 "    name: one\n"
                                 "    service: upper\n"
                                 "  - {listen: tls://example.org:8, tls: web, "
                                 "deny: [2001:db8::/32], allow: [10.0.0.0/8, '::1', unix]}\n"
                                 "  - listen: unix:///run/a b\n"
                                 "tls:\n"
                                 "  web:\n"
                                 "    certificates:\n"
                                 "      - certificate: tls/a.pem\n"
                                 "        key: /keys/a.key\n"
                                 "        ocsp: tls/a.ocsp\n"
                                 "      - {key: \"b \\\"\\\\.key\", certificate: b.pem}\n"
                                 "    min_version: 1.2\n"
                                 "    ciphers: ECDHE-RSA-AES128-GCM-SHA256\n"
                                 "    ciphersuites: TLS_AES_128_GCM_SHA256\n"
                                 "    groups: '?X25519MLKEM768:X25519'\n"
                                 "    alpn: [h2, http/1.1]\n"
                                 "    client_auth: required\n"
                                 "    client_ca: ca.pem\n"
                                 "    crl: crl.pem\n"
                                 "    allow_names:\n"
                                 "      - DNS:*.example.org\n"
                                 "      - email:a@example.org\n"
                                 "    ticket_keys: tickets\n"
                                 "    keylog: /tmp/keys\n"
                                 "  \"two words\": {max_version: \"1.2\"}\n"
                                 "watch: no\n"
                                 "workers: 3\n"
                                 "timeouts: {handshake: 1500ms, idle: 0, write: 90s, linger: 1h,\n"
                                 "           drain: 365d, lame_duck: 15s, lifetime: 2d}\n"
                                 "limits: {connections: 0, datagram_rate: 7, client_hello: 5k, "
                                 "buffer: 128k, per_source: 1, accept_rate: 2, "
                                 "handshakes: 3}\n"
                                 "tcp:\n"
                                 "  nodelay: off\n"
                                 "  backlog: 65535\n"
                                 "  keepalive: {idle: 1s, interval: 32767s, probes: 127}\n"
                                 "log: {level: debug, format: json, connections: no}\n"
                                 "identity: {name: web-1}\n";

START_TEST(reads_every_key)
{
    struct config *config = parsed(everything);
    ck_assert_str_eq(config->file, FILE_NAME);
    ck_assert_uint_eq(config->listener_count, 3);
    ck_assert_str_eq(config->listeners[0].name.value, "one");
    ck_assert_str_eq(config->listeners[0].service.value, "upper");
    const struct config_cidrs *allow = &config->listeners[1].allow;
    ck_assert_uint_eq(allow->count, 3);
    ck_assert_int_eq(allow->place.line, 5);
    ck_assert_int_eq(allow->values[0].family, AF_INET);
    ck_assert_uint_eq(allow->values[0].bits, 8);
    ck_assert_uint_eq(allow->values[1].bits, 128);
    ck_assert_int_eq(allow->values[2].family, AF_UNIX);
    ck_assert_uint_eq(config->listeners[1].deny.count, 1);
    ck_assert_uint_eq(config->listeners[2].allow.count, 0);
    ck_assert_str_eq(config->listeners[1].profile.value, "web");
    ck_assert_ptr_eq(config->listeners[1].tls, &config->profiles[0]);
    ck_assert_str_eq(config->listeners[2].listen.path, "/run/a b");

    ck_assert_msg(config->profile_count == 2,
                  "no default profile without a listener that names it");
    const struct config_tls *web = &config->profiles[0];
    ck_assert_str_eq(web->name.value, "web");
    ck_assert_uint_eq(web->certificate_count, 2);
    ck_assert_str_eq(web->certificates[0].certificate.value, "/etc/tlsecho/tls/a.pem");
    ck_assert_str_eq(web->certificates[0].key.value, "/keys/a.key");
    ck_assert_str_eq(web->certificates[1].key.value, "/etc/tlsecho/b \"\\.key");
    ck_assert_str_eq(web->min_version.value, "1.2");
    ck_assert_str_eq(web->certificates[0].ocsp.value, "/etc/tlsecho/tls/a.ocsp");
    ck_assert_str_eq(web->certificates[1].ocsp.value, "");
    ck_assert_str_eq(web->ciphers.value, "ECDHE-RSA-AES128-GCM-SHA256");
    ck_assert_str_eq(web->ciphersuites.value, "TLS_AES_128_GCM_SHA256");
    ck_assert_str_eq(web->groups.value, "?X25519MLKEM768:X25519");
    ck_assert_uint_eq(web->alpn.count, 2);
    ck_assert_str_eq(web->alpn.values[0].value, "h2");
    ck_assert_str_eq(web->alpn.values[1].value, "http/1.1");
    ck_assert_uint_eq(web->client_auth, TLS_CLIENT_AUTH_REQUIRED);
    ck_assert_str_eq(web->client_ca.value, "/etc/tlsecho/ca.pem");
    ck_assert_str_eq(web->crl.value, "/etc/tlsecho/crl.pem");
    ck_assert_uint_eq(web->allow_names.count, 2);
    ck_assert_str_eq(web->allow_names.values[0].value, "DNS:*.example.org");
    ck_assert_str_eq(web->ticket_keys.value, "/etc/tlsecho/tickets");
    ck_assert_str_eq(web->keylog.value, "/tmp/keys");
    ck_assert_str_eq(config->profiles[1].name.value, "two words");
    ck_assert_str_eq(config->profiles[1].max_version.value, "1.2");

    ck_assert(!config->watch);
    ck_assert_uint_eq(config->workers, 3);
    ck_assert_uint_eq(config->timeouts_ms.handshake, 1500);
    ck_assert_uint_eq(config->timeouts_ms.idle, 0);
    ck_assert_uint_eq(config->timeouts_ms.write, 90000);
    ck_assert_uint_eq(config->timeouts_ms.linger, 3600000);
    ck_assert_uint_eq(config->timeouts_ms.drain, UINT64_C(365) * 86400000);
    ck_assert_uint_eq(config->timeouts_ms.lame_duck, 15000);
    ck_assert_uint_eq(config->timeouts_ms.lifetime, 2 * 86400000);
    ck_assert_uint_eq(config->limits.connections, 0);
    ck_assert_uint_eq(config->limits.per_source, 1);
    ck_assert_uint_eq(config->limits.accept_rate, 2);
    ck_assert_uint_eq(config->limits.handshakes, 3);
    ck_assert_uint_eq(config->limits.datagram_rate, 7);
    ck_assert_uint_eq(config->limits.client_hello_bytes, 5000);
    ck_assert_uint_eq(config->limits.buffer_bytes, 128000);
    ck_assert(!config->tcp.nodelay);
    ck_assert_uint_eq(config->tcp.backlog, 65535);
    ck_assert_uint_eq(config->tcp.keepalive.idle_ms, 1000);
    ck_assert_uint_eq(config->tcp.keepalive.interval_ms, 32767000);
    ck_assert_uint_eq(config->tcp.keepalive.probes, 127);
    ck_assert_uint_eq(config->log.level, LOG_LEVEL_DEBUG);
    ck_assert_uint_eq(config->log.format, LOG_FORMAT_JSON);
    ck_assert(!config->log.connections);
    ck_assert_str_eq(config->identity.effective.name, "web-1");
    ck_assert_uint_eq(config->identity.effective.count, 0);
    config_free(config);
}
END_TEST

START_TEST(the_identity_has_the_host_name_and_the_values_of_the_variables)
{
    char host[256];
    ck_assert_int_eq(gethostname(host, sizeof host), 0);
    setenv("TLSECHO_TEST_POD", "echo-0 \"a\"", 1);
    setenv("TLSECHO_TEST_EMPTY", "", 1);
    struct config *config = parsed("identity: {env: [TLSECHO_TEST_POD, TLSECHO_TEST_EMPTY]}");
    setenv("TLSECHO_TEST_POD", "another", 1); /* the values are those of the start */
    const struct identity *identity = &config->identity.effective;
    ck_assert_str_eq(config->identity.name.value, "");
    ck_assert_str_eq(identity->name, host);
    ck_assert_uint_eq(identity->count, 2);
    ck_assert_str_eq(identity->variables[0].name, "TLSECHO_TEST_POD");
    ck_assert_str_eq(identity->variables[0].value, "echo-0 \"a\"");
    ck_assert_str_eq(identity->variables[1].value, "");
    config_free(config);
}
END_TEST

START_TEST(the_words_of_client_auth_are_its_enum)
{
    static const struct {
        const char *text;
        uint64_t mode;
    } modes[] = {{"tls: {a: {client_auth: off}}", TLS_CLIENT_AUTH_OFF},
                 {"tls: {a: {client_auth: optional, client_ca: c}}", TLS_CLIENT_AUTH_OPTIONAL},
                 {"tls: {a: {client_auth: required, client_ca: c}}", TLS_CLIENT_AUTH_REQUIRED}};
    for (int i = 0; i < COUNT(modes); i++) {
        struct config *config = parsed(modes[i].text);
        ck_assert_uint_eq(config->profiles[0].client_auth, modes[i].mode);
        config_free(config);
    }
}
END_TEST

START_TEST(the_words_of_the_log_are_its_enums)
{
    static const struct {
        const char *text;
        uint64_t level;
    } levels[] = {{"log: {level: debug}", LOG_LEVEL_DEBUG},
                  {"log: {level: info}", LOG_LEVEL_INFO},
                  {"log: {level: warning}", LOG_LEVEL_WARNING},
                  {"log: {level: error}", LOG_LEVEL_ERROR}};
    for (int i = 0; i < COUNT(levels); i++) {
        struct config *config = parsed(levels[i].text);
        ck_assert_uint_eq(config->log.level, levels[i].level);
        config_free(config);
    }
}
END_TEST

START_TEST(the_words_of_the_other_choices_are_their_enums)
{
    static const struct {
        const char *text;
        enum config_proxy_protocol proxy_protocol;
        enum config_sandbox sandbox;
        enum tls_key_files key_files;
        enum log_format format;
    } choices[] = {
        {"{sandbox: auto, key_files: strict}\nlog: {format: logfmt}\n"
         "listeners: [{listen: tcp://a, proxy_protocol: off}]",
         CONFIG_PROXY_OFF, CONFIG_SANDBOX_AUTO, TLS_KEY_FILES_STRICT, LOG_FORMAT_LOGFMT},
        {"{sandbox: on, key_files: any}\nlog: {format: json}\n"
         "listeners: [{listen: tcp://a, proxy_protocol: trusted, proxy_from: [unix]}]",
         CONFIG_PROXY_TRUSTED, CONFIG_SANDBOX_ON, TLS_KEY_FILES_ANY, LOG_FORMAT_JSON},
        {"{sandbox: off}\n"
         "listeners: [{listen: tcp://a, proxy_protocol: required, proxy_from: [unix]}]",
         CONFIG_PROXY_REQUIRED, CONFIG_SANDBOX_OFF, TLS_KEY_FILES_STRICT, LOG_FORMAT_LOGFMT},
    };
    for (int i = 0; i < COUNT(choices); i++) {
        char text[256];
        snprintf(text, sizeof text, "security: %s\n", choices[i].text);
        struct config *config = parsed(text);
        ck_assert_int_eq(config->listeners[0].proxy_protocol, choices[i].proxy_protocol);
        ck_assert_int_eq(config->security.sandbox, choices[i].sandbox);
        ck_assert_int_eq(config->security.key_files, choices[i].key_files);
        ck_assert_int_eq(config->log.format, choices[i].format);
        config_free(config);
    }
}
END_TEST

START_TEST(keeps_the_places_of_values_that_other_modules_check)
{
    struct config *config = parsed(everything);
    const struct config_listener *listener = &config->listeners[1];
    ck_assert_int_eq(listener->place.line, 5);
    ck_assert_int_eq(listener->place.column, 14);
    ck_assert_int_eq(listener->profile.place.column, 40);
    ck_assert_int_eq(listener->service.place.line, 0);

    const struct config_certificate *certificate = &config->profiles[0].certificates[1];
    ck_assert_int_eq(config->profiles[0].name.place.line, 8);
    ck_assert_int_eq(config->profiles[0].name.place.column, 3);
    ck_assert_int_eq(certificate->place.line, 13);
    ck_assert_int_eq(certificate->place.column, 42);
    ck_assert_int_eq(certificate->key.place.column, 15);
    const struct config_tls *web = &config->profiles[0];
    ck_assert_int_eq(web->alpn.values[1].place.line, 18);
    ck_assert_int_eq(web->alpn.values[1].place.column, 16);
    ck_assert_int_eq(web->allow_names.values[1].place.line, 24);
    ck_assert_int_eq(web->allow_names.values[1].place.column, 9);
    ck_assert_int_eq(web->client_auth_place.line, 19);
    ck_assert_int_eq(web->ticket_keys.place.line, 25);

    struct error err;
    ck_assert_int_eq(config_refuse(config, certificate->key.place, &err, "no %s", "luck"), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_str_eq(err.text, FILE_NAME ":13:15: no luck");
    config_refuse(config, listener->service.place, &err, "no place");
    ck_assert_str_eq(err.text, FILE_NAME ": no place");
    config_free(config);

    ck_assert_int_eq(config_default(&config, &err), 0);
    config_refuse(config, config->listeners[0].place, &err, "no file");
    ck_assert_str_eq(err.text, "built-in default: no file");
    config_free(config);
}
END_TEST

START_TEST(makes_paths_absolute_from_the_folder_of_the_file)
{
    char cwd[4096];
    ck_assert_ptr_nonnull(getcwd(cwd, sizeof cwd));
    static const struct {
        const char *file, *path, *expected; /* + = the working directory */
    } cases[] = {{"/a/b.yaml", "c.pem", "/a/c.pem"},       {"/b.yaml", "c.pem", "/c.pem"},
                 {"/a/b.yaml", "../c.pem", "/a/../c.pem"}, {"/a/b.yaml", "/c.pem", "/c.pem"},
                 {"b.yaml", "c.pem", "+/c.pem"},           {"./b.yaml", "c.pem", "+/c.pem"},
                 {"a/b.yaml", "d/c.pem", "+/a/d/c.pem"},   {"../b.yaml", "c.pem", "+/../c.pem"}};
    for (int i = 0; i < COUNT(cases); i++) {
        char text[256], expected[sizeof cwd + 64];
        snprintf(text, sizeof text, "tls: {x: {certificates: [{certificate: %s, key: /k}]}}",
                 cases[i].path);
        bool relative = cases[i].expected[0] == '+';
        snprintf(expected, sizeof expected, "%s%s", relative ? cwd : "",
                 cases[i].expected + relative);
        struct config *config = parsed_as(cases[i].file, text);
        ck_assert_str_eq(config->profiles[0].certificates[0].certificate.value, expected);
        config_free(config);
    }
}
END_TEST

START_TEST(refuses_relative_paths_in_a_folder_that_cannot_be_printed)
{
    static const char text[] = "tls: {x: {certificates: [{certificate: c, key: /k}]}}";
    struct config *config;
    struct error err;
    ck_assert_int_eq(config_parse("/a\xff/b", text, strlen(text), &config, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, ": write an absolute path"));
}
END_TEST

static void collect(const char *path, void *context)
{
    fprintf(context, "%s\n", path);
}

START_TEST(lists_every_file_that_is_read_and_none_that_is_written)
{
    struct config *config = parsed(everything);
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    config_each_path(config, collect, out);
    fclose(out);
    ck_assert_str_eq(text, "/etc/tlsecho/tls/a.pem\n/keys/a.key\n/etc/tlsecho/tls/a.ocsp\n"
                           "/etc/tlsecho/b.pem\n/etc/tlsecho/b \"\\.key\n"
                           "/etc/tlsecho/ca.pem\n/etc/tlsecho/crl.pem\n/etc/tlsecho/tickets\n");
    free(text);
    config_free(config);
}
END_TEST

/* ---- files ---- */

START_TEST(a_file_whose_type_is_not_known_can_be_read_again)
{
    struct folder folder;
    struct config *config, *again;
    struct error err;
    folder_new(&folder);
    const char *path = folder_write(&folder, "server.yaml", "workers: 2\n", 11);
    fstat_fails = ENOMEM;
    ck_assert_msg(config_load(path, &config, &err) == 0, "%s", err.text);
    ck_assert_int_eq(config_load_again(config, &again, &err), -1);
    ck_assert_int_eq(err.code, ENOMEM);
    ck_assert(error_is_temporary(&err));
    fstat_fails = 0;
    ck_assert_msg(config_load_again(config, &again, &err) == 0, "%s", err.text);
    config_free(again);
    config_free(config);
    folder_remove(&folder);
}
END_TEST

START_TEST(reports_why_a_file_cannot_be_read)
{
    struct config *config;
    struct error err;
    ck_assert_int_eq(config_load("/nonexistent/server.yaml", &config, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_str_eq(err.text, "open /nonexistent/server.yaml: No such file or directory: name a "
                               "file that this user can read with -c");
    ck_assert_int_eq(config_load("/", &config, &err), -1);
    ck_assert_str_eq(err.text,
                     "read /: Is a directory: name a file that this user can read with -c");
}
END_TEST

START_TEST(reads_no_more_than_1_mib_of_a_file)
{
    struct config *config;
    struct error err;
    ck_assert_int_eq(config_load("/dev/zero", &config, &err), -1);
    ck_assert_str_eq(err.text, "/dev/zero:1:1: larger than 1 MiB: make it smaller");
}
END_TEST

START_TEST(freeing_null_does_nothing)
{
    config_free(NULL);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("config");
    tcase_add_test(tcase, defaults_are_one_plain_and_one_tls_listener_on_localhost);
    tcase_add_test(tcase, defaults_are_those_of_the_manual);
    tcase_add_loop_test(tcase, empty_files_and_sections_mean_the_defaults, 0, 8);
    tcase_add_test(tcase, reads_every_key);
    tcase_add_test(tcase, the_identity_has_the_host_name_and_the_values_of_the_variables);
    tcase_add_test(tcase, the_words_of_client_auth_are_its_enum);
    tcase_add_test(tcase, the_words_of_the_log_are_its_enums);
    tcase_add_test(tcase, the_words_of_the_other_choices_are_their_enums);
    tcase_add_test(tcase, keeps_the_places_of_values_that_other_modules_check);
    tcase_add_test(tcase, lists_every_file_that_is_read_and_none_that_is_written);
    tcase_add_test(tcase, makes_paths_absolute_from_the_folder_of_the_file);
    tcase_add_test(tcase, refuses_relative_paths_in_a_folder_that_cannot_be_printed);
    tcase_add_test(tcase, a_file_whose_type_is_not_known_can_be_read_again);
    tcase_add_test(tcase, reports_why_a_file_cannot_be_read);
    tcase_add_test(tcase, reads_no_more_than_1_mib_of_a_file);
    tcase_add_test(tcase, freeing_null_does_nothing);

    Suite *suite = suite_create("config");
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
