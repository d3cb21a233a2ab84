/* SPDX-License-Identifier: MIT */
#include "tlsecho/server/config_snapshot.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "folder.h"
#include "pki.h"
#include "suite.h"
#include "tlsecho/server/config_load.h"

static struct folder folder;
static struct pki leaf, other;

static void set_up(void)
{
    folder_new(&folder);
    leaf = pki_make(&(struct pki_spec){.subject = "leaf", .names = "DNS:localhost"});
    other = pki_make(&(struct pki_spec){.subject = "other", .names = "DNS:localhost", .rsa = true});
    pki_write_certificate(&folder, "leaf.pem", &leaf);
    pki_write_key(&folder, "leaf.key", &leaf, NULL);
    pki_write_certificate(&folder, "other.pem", &other);
    pki_write_key(&folder, "other.key", &other, NULL);
}

static void tear_down(void)
{
    pki_free(&leaf);
    pki_free(&other);
    folder_remove(&folder);
}

/* As FOLDER/test.yaml, so that its paths are relative to the folder. */
static int make(const char *yaml, const char *state_directory, const struct config_snapshot **ret,
                struct error *err)
{
    struct config *config;
    char name[FOLDER_FILE_BYTES];
    snprintf(name, sizeof name, "%s", folder_file(&folder, "test.yaml"));
    ck_assert_msg(config_parse(name, yaml, strlen(yaml), &config, err) == 0, "%s", err->text);
    return config_snapshot_new(config, state_directory, ret, err);
}

static const struct config_snapshot *made(const char *yaml, const char *state_directory)
{
    const struct config_snapshot *snapshot;
    struct error err;
    ck_assert_msg(make(yaml, state_directory, &snapshot, &err) == 0, "%s", err.text);
    return snapshot;
}

static void refused(const char *yaml, const char *place_and_key, const char *reason)
{
    const struct config_snapshot *untouched = (const struct config_snapshot *)&folder,
                                 *snapshot = untouched;
    struct error err;
    char start[2 * FOLDER_FILE_BYTES];
    ck_assert_int_eq(make(yaml, NULL, &snapshot, &err), -1);
    ck_assert_ptr_eq(snapshot, untouched);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    snprintf(start, sizeof start, "%s:%s", folder_file(&folder, "test.yaml"), place_and_key);
    ck_assert_msg(strncmp(err.text, start, strlen(start)) == 0, "\"%s\" does not begin with \"%s\"",
                  err.text, start);
    ck_assert_msg(strstr(err.text, reason) != NULL, "\"%s\" has not \"%s\"", err.text, reason);
}

START_TEST(gives_each_listener_its_service_and_its_profile)
{
    const struct config_snapshot *snapshot =
        made("listeners:\n"
             "  - listen: tcp://127.0.0.1:1\n"
             "  - { listen: tls://127.0.0.1:2, tls: b, service: upper }\n"
             "  - { listen: tls://127.0.0.1:3, tls: a }\n"
             "tls:\n"
             "  a: {}\n"
             "  b: {}\n",
             NULL);
    ck_assert_ptr_eq(snapshot->listeners[0].service, &service_echo);
    ck_assert_ptr_null(snapshot->listeners[0].tls);
    ck_assert_ptr_eq(snapshot->listeners[1].service, &service_upper);
    ck_assert_ptr_eq(snapshot->listeners[1].tls, snapshot->contexts[1]);
    ck_assert_ptr_eq(snapshot->listeners[2].service, &service_echo);
    ck_assert_ptr_eq(snapshot->listeners[2].tls, snapshot->contexts[0]);
    for (int i = 0; i < 3; i++)
        ck_assert_ptr_eq(snapshot->listeners[i].config, &snapshot->config->listeners[i]);
    config_snapshot_free(snapshot);
}
END_TEST

START_TEST(describes_every_certificate_that_is_served)
{
    const struct config_snapshot *snapshot =
        made("listeners: [{ listen: 'tls://127.0.0.1:1', tls: ours }]\n"
             "tls:\n"
             "  ours:\n"
             "    certificates:\n"
             "      - { certificate: leaf.pem, key: leaf.key }\n"
             "      - { certificate: other.pem, key: other.key }\n",
             NULL);
    ck_assert_uint_eq(snapshot->certificate_count, 2);
    static const char *const subjects[] = {"CN=leaf", "CN=other"};
    for (int i = 0; i < 2; i++) {
        const struct config_snapshot_certificate *c = &snapshot->certificates[i];
        ck_assert_str_eq(c->profile, "ours");
        ck_assert_ptr_nonnull(c->file);
        ck_assert(c->description.present);
        ck_assert_str_eq(c->description.subject, subjects[i]);
        ck_assert_uint_eq(strlen(c->description.sha256), 64);
    }
    config_snapshot_free(snapshot);
}
END_TEST

START_TEST(a_profile_without_certificates_generates_one)
{
    const struct config_snapshot *snapshot =
        made("listeners: [{ listen: 'tls://127.0.0.1:1' }]\n", NULL);
    ck_assert_uint_eq(snapshot->certificate_count, 1);
    ck_assert_str_eq(snapshot->certificates[0].profile, "default");
    ck_assert_ptr_null(snapshot->certificates[0].file);
    ck_assert_uint_eq(strlen(snapshot->certificates[0].description.sha256), 64);
    config_snapshot_free(snapshot);
}
END_TEST

START_TEST(stores_a_generated_certificate_in_the_state_directory)
{
    char sha256[2][PEER_SHA256_BYTES];
    for (int i = 0; i < 2; i++) {
        const struct config_snapshot *snapshot =
            made("listeners: [{ listen: 'tls://127.0.0.1:1' }]\n", folder.path);
        strcpy(sha256[i], snapshot->certificates[0].description.sha256);
        config_snapshot_free(snapshot);
    }
    ck_assert_str_eq(sha256[0], sha256[1]);
}
END_TEST

START_TEST(the_built_in_default_is_complete)
{
    struct config *config;
    const struct config_snapshot *snapshot;
    struct error err;
    ck_assert_int_eq(config_default(&config, &err), 0);
    ck_assert_msg(config_snapshot_new(config, NULL, &snapshot, &err) == 0, "%s", err.text);
    ck_assert_ptr_null(snapshot->listeners[0].tls);
    ck_assert_ptr_nonnull(snapshot->listeners[1].tls);
    ck_assert_ptr_null(snapshot->certificates[0].file);
    config_snapshot_free(snapshot);
}
END_TEST

#define TLS_YAML(CERTIFICATE, KEY)                                                                 \
    "listeners: [{ listen: 'tls://127.0.0.1:1' }]\n"                                               \
    "tls:\n"                                                                                       \
    "  default:\n"                                                                                 \
    "    certificates:\n"                                                                          \
    "      - certificate: leaf.pem\n"                                                              \
    "        key: leaf.key\n"                                                                      \
    "      - certificate: " CERTIFICATE "\n"                                                       \
    "        key: " KEY "\n"

START_TEST(names_the_place_of_a_certificate_that_cannot_be_read)
{
    refused(TLS_YAML("missing.pem", "other.key"),
            "7:22: tls.default.certificates[1].certificate: ", "missing.pem");
    refused(TLS_YAML("other.key", "other.key"),
            "7:22: tls.default.certificates[1].certificate: ", "other.key");
}
END_TEST

START_TEST(names_the_place_of_a_key_that_does_not_belong_to_it)
{
    refused(TLS_YAML("other.pem", "leaf.key"),
            "8:14: tls.default.certificates[1].key: ", "leaf.key");
    refused(TLS_YAML("other.pem", "missing.key"),
            "8:14: tls.default.certificates[1].key: ", "missing.key");
    refused(TLS_YAML("other.pem", "other.pem"),
            "8:14: tls.default.certificates[1].key: ", "other.pem");
}
END_TEST

START_TEST(names_the_place_of_a_key_that_others_can_read)
{
    ck_assert_int_eq(chmod(folder_file(&folder, "other.key"), 0644), 0);
    refused(TLS_YAML("other.pem", "other.key"),
            "8:14: tls.default.certificates[1].key: ", "other.key");
}
END_TEST

START_TEST(freeing_null_does_nothing)
{
    config_snapshot_free(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config_snapshot");
    TCase *tcase = tcase_create("config_snapshot");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, gives_each_listener_its_service_and_its_profile);
    tcase_add_test(tcase, describes_every_certificate_that_is_served);
    tcase_add_test(tcase, a_profile_without_certificates_generates_one);
    tcase_add_test(tcase, stores_a_generated_certificate_in_the_state_directory);
    tcase_add_test(tcase, the_built_in_default_is_complete);
    tcase_add_test(tcase, names_the_place_of_a_certificate_that_cannot_be_read);
    tcase_add_test(tcase, names_the_place_of_a_key_that_does_not_belong_to_it);
    tcase_add_test(tcase, names_the_place_of_a_key_that_others_can_read);
    tcase_add_test(tcase, freeing_null_does_nothing);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
