/* SPDX-License-Identifier: MIT */
/* When a server keeps its self-signed certificate, and when it generates a new one. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "folder.h"
#include "suite.h"
#include "tlsecho/tls/tls_context.h"

enum { DAY = 24 * 3600 };

static struct folder folder;
static struct error err;

/* The clock of this program and of the library, which may be wrong. */
static time_t ahead_s;

time_t time(time_t *ret)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    now.tv_sec += ahead_s;
    if (ret)
        *ret = now.tv_sec;
    return now.tv_sec;
}

static void set_up(void)
{
    ahead_s = 0;
    folder_new(&folder);
}

static void tear_down(void)
{
    folder_remove(&folder);
}

/* The certificate of a new context; directory NULL = in memory. */
static struct peer_certificate use(const char *directory)
{
    struct tls_context *ctx;
    struct peer_certificate about;
    size_t warnings;
    ck_assert_int_eq(tls_context_new(TLS_SERVER, &ctx, &err), 0);
    ck_assert_msg(tls_context_use_self_signed(ctx, directory, &about, &err) == 0, "%s", err.text);
    tls_context_warnings(ctx, &warnings);
    ck_assert_uint_eq(warnings, 0);
    tls_context_free(ctx);
    return about;
}

/* Whether what was made while the clock was so far ahead is kept once it is right. */
static bool is_kept(const char *directory, time_t wrong_by_s)
{
    ahead_s = wrong_by_s;
    struct peer_certificate made = use(directory);
    ck_assert(made.not_before <= time(NULL) && made.not_after > time(NULL));
    ahead_s = 0;
    struct peer_certificate now = use(directory);
    ck_assert(now.not_before <= time(NULL) && now.not_after > time(NULL) + 30 * DAY);
    return strcmp(made.sha256, now.sha256) == 0;
}

/* In a folder and in memory; a process remembers one, so one after the other. */
static void assert_kept(bool kept, time_t wrong_by_s)
{
    ck_assert_int_eq(is_kept(folder.path, wrong_by_s), kept);
    ck_assert_int_eq(is_kept(NULL, wrong_by_s), kept);
}

START_TEST(its_file_is_readable_by_its_owner_whatever_the_umask_is)
{
    struct stat status;
    mode_t before = umask(0777);
    use(folder.path);
    umask(before);
    ck_assert_int_eq(stat(folder_file(&folder, "self-signed.pem"), &status), 0);
    ck_assert_uint_eq(status.st_mode & 07777, 0600);
}
END_TEST

START_TEST(is_kept_for_most_of_its_life)
{
    assert_kept(true, 0);
    assert_kept(true, -300L * DAY);
}
END_TEST

START_TEST(is_renewed_in_its_last_days)
{
    assert_kept(false, -340L * DAY);
}
END_TEST

START_TEST(is_renewed_when_the_clock_was_ahead)
{
    assert_kept(false, DAY);
    assert_kept(false, 4000L * DAY);
}
END_TEST

START_TEST(is_renewed_when_the_clock_was_behind)
{
    assert_kept(false, -4000L * DAY);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tls_selfsigned");
    TCase *tcase = tcase_create("renewal");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, its_file_is_readable_by_its_owner_whatever_the_umask_is);
    tcase_add_test(tcase, is_kept_for_most_of_its_life);
    tcase_add_test(tcase, is_renewed_in_its_last_days);
    tcase_add_test(tcase, is_renewed_when_the_clock_was_ahead);
    tcase_add_test(tcase, is_renewed_when_the_clock_was_behind);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
