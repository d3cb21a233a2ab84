/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folder.h"
#include "pair.h"
#include "suite.h"
#include "tlsecho/tls/tls_context.h"

enum { TEXT_BYTES = 16384 };

static struct folder folder;
static struct tls_context *server, *client;
static struct error err;

static void set_up(void)
{
    struct peer_certificate about;
    folder_new(&folder);
    ck_assert_int_eq(tls_context_new(TLS_SERVER, &server, &err), 0);
    ck_assert_int_eq(tls_context_new(TLS_CLIENT, &client, &err), 0);
    ck_assert_int_eq(tls_context_use_self_signed(server, NULL, &about, &err), 0);
    tls_context_trust_any(client);
}

static void tear_down(void)
{
    tls_context_free(server);
    tls_context_free(client);
    folder_remove(&folder);
}

static void shake(const char *version)
{
    struct peer peer;
    ck_assert_int_eq(tls_context_set_versions(client, "1.2", version, &err), 0);
    ck_assert_msg(pair_meet(client, server, "localhost", &peer, &err) == IO_OK, "%s", err.text);
}

static void keep_log(struct tls_context *ctx, const char *name)
{
    ck_assert_msg(tls_context_set_keylog(ctx, folder_file(&folder, name), &err) == 0, "%s",
                  err.text);
}

static void refused(const char *path, const char *text)
{
    ck_assert_int_eq(tls_context_set_keylog(server, path, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_msg(strstr(err.text, text) != NULL, "%s", err.text);
}

static const char *content(const char *name)
{
    static char text[TEXT_BYTES];
    FILE *file = fopen(folder_file(&folder, name), "r");
    ck_assert_ptr_nonnull(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

static int count(const char *text, const char *part)
{
    int n = 0;
    for (const char *at = text; (at = strstr(at, part)); at++)
        n++;
    return n;
}

START_TEST(a_new_file_has_mode_0600_whatever_the_umask_is)
{
    struct stat status;
    mode_t before = umask(0777);
    keep_log(server, "new.keys");
    umask(before);
    ck_assert_int_eq(stat(folder_file(&folder, "new.keys"), &status), 0);
    ck_assert_uint_eq(status.st_mode & 07777, 0600);
}
END_TEST

START_TEST(logs_the_secrets_of_both_versions_line_by_line)
{
    keep_log(server, "log");
    shake("1.2");
    const char *text = content("log");
    ck_assert_ptr_eq(strstr(text, "CLIENT_RANDOM "), text);
    ck_assert_int_eq(count(text, "\n"), 1);
    ck_assert_int_eq(text[strlen(text) - 1], '\n');

    shake("1.3");
    text = content("log");
    ck_assert_int_eq(count(text, "\nCLIENT_HANDSHAKE_TRAFFIC_SECRET "), 1);
    ck_assert_int_eq(count(text, "\nSERVER_TRAFFIC_SECRET_0 "), 1);
    ck_assert_int_eq(count(text, "\n\n"), 0);
    ck_assert_int_eq(text[strlen(text) - 1], '\n');
}
END_TEST

START_TEST(logs_the_same_on_both_sides)
{
    char theirs[TEXT_BYTES];
    keep_log(server, "server");
    keep_log(client, "client");
    shake("1.2");
    strcpy(theirs, content("server"));
    ck_assert_str_eq(content("client"), theirs);
}
END_TEST

START_TEST(logs_nothing_unless_configured)
{
    setenv("SSLKEYLOGFILE", folder_file(&folder, "log"), 1);
    shake("1.3");
    unsetenv("SSLKEYLOGFILE");
    ck_assert_int_ne(access(folder_file(&folder, "log"), F_OK), 0);
}
END_TEST

START_TEST(appends_to_an_existing_file)
{
    folder_write(&folder, "log", "# mine\n", 7);
    keep_log(server, "log");
    keep_log(server, "log");
    shake("1.2");
    ck_assert_ptr_eq(strstr(content("log"), "# mine\nCLIENT_RANDOM "), content("log"));
    ck_assert_int_eq(count(content("log"), "\n"), 2);
}
END_TEST

START_TEST(creates_the_file_for_its_owner_alone)
{
    struct stat status;
    mode_t before = umask(0);
    keep_log(server, "log");
    umask(before);
    ck_assert_int_eq(stat(folder_file(&folder, "log"), &status), 0);
    ck_assert_uint_eq(status.st_mode & 07777, 0600);
}
END_TEST

START_TEST(refuses_a_file_that_others_can_read)
{
    folder_write(&folder, "log", "", 0);
    ck_assert_int_eq(chmod(folder.file, 0604), 0);
    refused(folder.file, "open to others: chmod o= /");
    ck_assert_int_eq(chmod(folder.file, 0640), 0);
    keep_log(server, "log");
}
END_TEST

START_TEST(refuses_what_is_no_file_without_waiting)
{
    char target[FOLDER_FILE_BYTES];
    strcpy(target, folder_write(&folder, "target", "", 0));
    ck_assert_int_eq(symlink(target, folder_file(&folder, "link")), 0);
    refused(folder.file,
            "link: Too many levels of symbolic links: name the file, not a symbolic link to it");

    ck_assert_int_eq(mkfifo(folder_file(&folder, "fifo"), 0600), 0);
    refused(folder.file, "fifo: No such device or address: name a regular file");
    int reader = open(folder.file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    refused(folder.file, "fifo is not a regular file: name one");
    close(reader);

    refused("/dev/zero", "not a regular file");
    refused(folder.path, "Is a directory: name a file in it");
    refused("/nonexistent/log", "No such file or directory: create its folder");
    ck_assert_int_eq(err.code, ENOENT);
}
END_TEST

START_TEST(reports_a_line_that_could_not_be_written)
{
    struct rlimit before, limit;
    keep_log(client, "keys");
    ck_assert_int_eq(tls_context_check_keylog(client, &err), 0);
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = (struct rlimit){.rlim_cur = 100, .rlim_max = before.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    shake("1.3");
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    ck_assert_int_eq(tls_context_check_keylog(client, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "write the key log: "));
}
END_TEST

START_TEST(is_not_inherited_by_what_the_process_starts)
{
    char path[64], target[FOLDER_FILE_BYTES];
    int found = 0;
    keep_log(server, "log");
    keep_log(server, "log"); /* closes the first */
    for (int fd = 3; fd < 64; fd++) {
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        ssize_t n = readlink(path, target, sizeof target - 1);
        target[n > 0 ? n : 0] = '\0';
        if (strcmp(target, folder.file) != 0)
            continue;
        found++;
        ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    }
    ck_assert_int_eq(found, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tls_keylog");
    TCase *tcase = tcase_create("keylog");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, a_new_file_has_mode_0600_whatever_the_umask_is);
    tcase_add_test(tcase, logs_the_secrets_of_both_versions_line_by_line);
    tcase_add_test(tcase, logs_the_same_on_both_sides);
    tcase_add_test(tcase, logs_nothing_unless_configured);
    tcase_add_test(tcase, appends_to_an_existing_file);
    tcase_add_test(tcase, creates_the_file_for_its_owner_alone);
    tcase_add_test(tcase, refuses_a_file_that_others_can_read);
    tcase_add_test(tcase, refuses_what_is_no_file_without_waiting);
    tcase_add_test(tcase, is_not_inherited_by_what_the_process_starts);
    tcase_add_test(tcase, reports_a_line_that_could_not_be_written);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
