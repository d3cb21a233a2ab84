/* SPDX-License-Identifier: MIT */
#include "suite.h"

#include <stdlib.h>

#include "rsa_keys.h"

/* A sanitizer's malloc returns NULL where memory is missing, as that of the C library does. */
const char *asan_options(void) __asm__("__asan_default_options");
const char *asan_options(void)
{
    return "allocator_may_return_null=1";
}

const char *tsan_options(void) __asm__("__tsan_default_options");
const char *tsan_options(void)
{
    return "allocator_may_return_null=1";
}

/* Check's default of 4 s per test is too short under a sanitizer on a busy machine. It reads this
 * as it makes a TCase. */
__attribute__((constructor)) static void take_time(void)
{
    setenv("CK_DEFAULT_TIMEOUT", "120", 0);
}

int suite_run(Suite *suite)
{
    rsa_keys_share();
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
