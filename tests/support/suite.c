/* SPDX-License-Identifier: MIT */
#include "suite.h"

#include <stdlib.h>

#include "rsa_keys.h"

int suite_run(Suite *suite)
{
    rsa_keys_share();
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
