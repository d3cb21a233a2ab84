/* SPDX-License-Identifier: MIT */
/* A configuration is read as a whole or, without memory, not at all, and freed as a whole. */
#include <check.h>
#include <errno.h>
#include <string.h>

#include "allocations.h"
#include "suite.h"
#include "tlsecho/server/config_load.h"

static const char text[] =
    "listeners:\n"
    "  - {listen: 'tls://127.0.0.1:1', name: a, tls: web, allow: [10.0.0.0/8, '::1'], deny: []}\n"
    "  - {listen: 'tls://127.0.0.1:2'}\n"
    "  - {listen: 'udp://127.0.0.1:3', service: discard}\n"
    "tls: {web: {alpn: [echo, h2], certificates: [{certificate: /c, key: /k}]}}\n"
    "admin: {listen: 'unix:///run/admin'}\n"
    "identity: {name: b}\n";

static const struct {
    const char *name, *text;
} files[] = {{"/etc/s.yaml", text}, {"/etc/s.yaml", ""}, {NULL, NULL}}; /* NULL: the default */

static int read_file(int i, struct config **ret, struct error *err)
{
    const char *yaml = files[i].text;
    return yaml ? config_parse(files[i].name, yaml, strlen(yaml), ret, err)
                : config_default(ret, err);
}

START_TEST(says_that_there_is_no_memory_and_keeps_nothing_whichever_allocation_fails)
{
    long before = allocations_left();
    for (unsigned n = 0;; n++) {
        struct config *config = NULL;
        struct error err = {.code = 0};
        allocations_fail_after(n);
        int result = read_file(_i, &config, &err);
        if (!allocations_have_failed()) {
            ck_assert_msg(result == 0, "%s", err.text);
            ck_assert_uint_ge(n, 10);
            config_free(config);
            ck_assert_int_eq(allocations_left(), before);
            return;
        }
        ck_assert_msg(result == -1, "allocation %u", n);
        ck_assert_ptr_null(config);
        ck_assert_msg(err.kind == ERROR_SYSTEM, "allocation %u: %s", n, err.text);
        ck_assert_int_eq(err.code, ENOMEM);
        ck_assert_msg(strncmp(err.text, "read ", 5) == 0, "%s", err.text);
        ck_assert_msg(allocations_left() == before, "allocation %u", n);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config_allocations");
    TCase *tcase = tcase_create("config_allocations");
    tcase_add_loop_test(
        tcase, says_that_there_is_no_memory_and_keeps_nothing_whichever_allocation_fails, 0, 3);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
