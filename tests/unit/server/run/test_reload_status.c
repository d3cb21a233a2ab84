/* SPDX-License-Identifier: MIT */
#include "reload_status.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "folder.h"
#include "suite.h"

static struct folder folder;
static struct reload_status reload_status;

static void set_up(void)
{
    folder_new(&folder);
    setenv("RUNTIME_DIRECTORY", folder.path, 1);
}

static void tear_down(void)
{
    folder_remove(&folder);
}

/* The file's text and mode. */
static mode_t written(char *ret, size_t size)
{
    struct stat status;
    FILE *file = fopen(folder_file(&folder, "reload"), "re");
    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(fgets(ret, (int)size, file));
    ck_assert_int_eq(fstat(fileno(file), &status), 0);
    fclose(file);
    return status.st_mode & 07777;
}

START_TEST(can_be_read_by_all_whatever_the_umask_is)
{
    char text[80];
    mode_t before = umask(0777);
    reload_status_open(&reload_status);
    umask(before);
    ck_assert_uint_eq(written(text, sizeof text), 0644);
    ck_assert_str_eq(text, "0 reloaded\n");
}
END_TEST

START_TEST(writes_the_result_of_the_last_reload)
{
    char text[80];
    reload_status_open(&reload_status);
    reload_status_begin(&reload_status);
    written(text, sizeof text);
    ck_assert_str_eq(text, "1 reading\n");
    reload_status_refused(&reload_status, "a reason");
    written(text, sizeof text);
    ck_assert_str_eq(text, "1 refused a reason\n");
    reload_status_close(&reload_status);
    ck_assert_ptr_null(fopen(folder_file(&folder, "reload"), "re"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reload_status");
    TCase *tcase = tcase_create("reload_status");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, can_be_read_by_all_whatever_the_umask_is);
    tcase_add_test(tcase, writes_the_result_of_the_last_reload);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
