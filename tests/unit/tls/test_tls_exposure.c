/* SPDX-License-Identifier: MIT */
/* Files of a context that others can read or write. */
#include <check.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folder.h"
#include "pki.h"
#include "suite.h"
#include "tlsecho/tls/tls_context.h"

static struct folder folder;
static struct pki own;
static struct tls_context *server;
static struct error err;

static void set_up(void)
{
    folder_new(&folder);
    own = pki_make(&(struct pki_spec){.subject = "a", .names = "DNS:a", .ca = true});
    ck_assert_int_eq(tls_context_new(TLS_SERVER, &server, &err), 0);
}

static void tear_down(void)
{
    ck_assert_int_eq(chmod(folder.path, 0700), 0);
    tls_context_free(server);
    pki_free(&own);
    folder_remove(&folder);
}

/* The setters of secrets, each with a file of its kind; -1 = refused. */
static int use_key(struct tls_context *ctx, mode_t mode)
{
    const char *path = pki_write_key(&folder, "own.key", &own, NULL);
    ck_assert_int_eq(chmod(path, mode), 0);
    return tls_context_use_key(ctx, path, &err);
}

static int use_ticket_keys(struct tls_context *ctx, mode_t mode)
{
    static const char bytes[80] = "";
    const char *path = folder_write(&folder, "tickets", bytes, sizeof bytes);
    ck_assert_int_eq(chmod(path, mode), 0);
    return tls_context_use_ticket_keys(ctx, path, &err);
}

static int use_keylog(struct tls_context *ctx, mode_t mode)
{
    const char *path = folder_write(&folder, "keylog", "", 0);
    ck_assert_int_eq(chmod(path, mode), 0);
    return tls_context_set_keylog(ctx, path, &err);
}

static int (*const setters[])(struct tls_context *, mode_t) = {use_key, use_ticket_keys,
                                                               use_keylog};

static void use_certificate(struct tls_context *ctx, mode_t mode)
{
    struct peer_certificate about;
    const char *path = pki_write_certificate(&folder, "own.pem", &own);
    ck_assert_int_eq(chmod(path, mode), 0);
    ck_assert_msg(tls_context_use_certificate(ctx, path, &about, &err) == 0, "%s", err.text);
}

/* The newest warning, if there are so many. */
static void assert_warned(size_t count, const char *reason)
{
    size_t all;
    const struct tls_warning *warnings = tls_context_warnings(server, &all);
    ck_assert_msg(all == count, "%zu: %s", all, all ? warnings[all - 1].reason : "");
    if (count == 0)
        return;
    ck_assert_str_eq(warnings[count - 1].event, "file_exposed");
    ck_assert_msg(strstr(warnings[count - 1].reason, reason) != NULL, "%s",
                  warnings[count - 1].reason);
}

START_TEST(accepts_secrets_that_the_owner_writes_and_the_group_reads)
{
    static const mode_t modes[] = {0600, 0640, 0700, 0400, 0440, 0550};
    use_certificate(server, 0644);
    for (size_t i = 0; i < 3; i++)
        for (size_t k = 0; k < (setters[i] == use_keylog ? 3 : 6); k++) /* that one is written */
            ck_assert_msg(setters[i](server, modes[k]) == 0, "%s", err.text);
    assert_warned(0, NULL);
}
END_TEST

START_TEST(refuses_secrets_that_others_read_or_the_group_writes)
{
    static const struct {
        mode_t mode;
        const char *text;
    } modes[] = {{0644, "is open to others: chmod o= "},
                 {0602, "is open to others: chmod o= "},
                 {0601, "is open to others: chmod o= "},
                 {0666, "is open to others: chmod o= "},
                 {0660, "can be written by its group: chmod g-w "},
                 {0620, "can be written by its group: chmod g-w "}};
    use_certificate(server, 0644);
    for (size_t i = 0; i < 3; i++)
        for (size_t k = 0; k < sizeof modes / sizeof *modes; k++) {
            ck_assert_int_eq(setters[i](server, modes[k].mode), -1);
            ck_assert_int_eq(err.kind, ERROR_INPUT);
            ck_assert_msg(strstr(err.text, modes[k].text) != NULL, "%s", err.text);
        }
    assert_warned(0, NULL);
}
END_TEST

START_TEST(accepts_any_mode_with_a_warning_if_configured)
{
    tls_context_set_key_files(server, TLS_KEY_FILES_ANY);
    use_certificate(server, 0644);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_msg(setters[i](server, 0644) == 0, "%s", err.text);
        assert_warned(2 * i + 1, "is open to others, which security.key_files: any allows");
        ck_assert_msg(setters[i](server, 0660) == 0, "%s", err.text);
        assert_warned(2 * i + 2, "can be written by its group, which security.key_files: any");
    }
}
END_TEST

START_TEST(warns_of_public_files_that_others_can_write)
{
    use_certificate(server, 0664);
    assert_warned(0, NULL);
    tls_context_free(server);
    ck_assert_int_eq(tls_context_new(TLS_SERVER, &server, &err), 0);
    use_certificate(server, 0666);
    assert_warned(1, "others can write it and so change what this server trusts");
}
END_TEST

START_TEST(warns_of_a_ca_bundle_that_others_can_write)
{
    const char *path = pki_write_certificate(&folder, "ca.pem", &own);
    ck_assert_int_eq(chmod(path, 0646), 0);
    ck_assert_int_eq(tls_context_use_client_ca(server, path, &err), 0);
    assert_warned(1, "others can write it");
    path = pki_write_crls(&folder, "crl.pem", &(struct pki_crl_spec){.issuer = &own}, 1);
    ck_assert_int_eq(chmod(path, 0646), 0);
    ck_assert_msg(tls_context_use_crl(server, path, &err) == 0, "%s", err.text);
    assert_warned(2, "others can write it");
}
END_TEST

START_TEST(warns_of_a_folder_in_which_others_can_replace_files)
{
    ck_assert_int_eq(chmod(folder.path, 01777),
                     0); /* as /tmp: users cannot remove the files of others */
    use_certificate(server, 0644);
    ck_assert_int_eq(use_key(server, 0600), 0);
    assert_warned(0, NULL);
    ck_assert_int_eq(chmod(folder.path, 0777), 0);
    ck_assert_int_eq(use_key(server, 0600), 0);
    assert_warned(1, "others can write its folder and so replace it: chmod o-w /");
}
END_TEST

START_TEST(warns_of_the_folder_that_a_link_leads_to)
{
    char target[FOLDER_FILE_BYTES], link[FOLDER_FILE_BYTES];
    struct folder inner;
    folder_new(&inner);
    use_certificate(server, 0644);
    snprintf(target, sizeof target, "%s", pki_write_key(&inner, "own.key", &own, NULL));
    snprintf(link, sizeof link, "%s", folder_file(&folder, "link.key"));
    ck_assert_int_eq(symlink(target, link), 0);
    ck_assert_int_eq(tls_context_use_key(server, link, &err), 0);
    assert_warned(0, NULL);
    ck_assert_int_eq(chmod(inner.path, 0777), 0);
    ck_assert_int_eq(tls_context_use_key(server, link, &err), 0);
    assert_warned(1, inner.path);
    folder_remove(&inner);
}
END_TEST

START_TEST(keeps_a_self_signed_certificate_where_modes_cannot_be_set)
{
    struct peer_certificate made, again;
    ck_assert_int_eq(tls_context_use_self_signed(server, folder.path, &made, &err), 0);
    ck_assert_int_eq(chmod(folder_file(&folder, "self-signed.pem"), 0666), 0);
    tls_context_free(server);
    ck_assert_int_eq(tls_context_new(TLS_SERVER, &server, &err), 0);
    ck_assert_int_eq(tls_context_use_self_signed(server, folder.path, &again, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "is open to others: chmod o= "));
    tls_context_set_key_files(server, TLS_KEY_FILES_ANY);
    ck_assert_int_eq(tls_context_use_self_signed(server, folder.path, &again, &err), 0);
    ck_assert_str_eq(made.sha256, again.sha256);
    assert_warned(1, "is open to others, which security.key_files: any allows");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tls_exposure");
    TCase *tcase = tcase_create("exposure");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, accepts_secrets_that_the_owner_writes_and_the_group_reads);
    tcase_add_test(tcase, refuses_secrets_that_others_read_or_the_group_writes);
    tcase_add_test(tcase, accepts_any_mode_with_a_warning_if_configured);
    tcase_add_test(tcase, warns_of_public_files_that_others_can_write);
    tcase_add_test(tcase, warns_of_a_ca_bundle_that_others_can_write);
    tcase_add_test(tcase, warns_of_a_folder_in_which_others_can_replace_files);
    tcase_add_test(tcase, warns_of_the_folder_that_a_link_leads_to);
    tcase_add_test(tcase, keeps_a_self_signed_certificate_where_modes_cannot_be_set);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
