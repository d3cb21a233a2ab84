/* SPDX-License-Identifier: MIT */
#include "lean_memory.h"

#include <check.h>
#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "tlsecho/tls/tls_memory.h"

enum { NEVER = -1 };

static CRYPTO_malloc_fn watched_malloc;
static CRYPTO_realloc_fn watched_realloc;
static CRYPTO_free_fn watched_free;
static int until_failure = NEVER; /* allocations */
static bool goes_on;

/* No malloc has as much. */
void lean_memory_run_out(void)
{
    ck_assert_ptr_null(watched_malloc(SIZE_MAX / 2 + 1, __FILE__, __LINE__));
}

static bool fails(size_t n)
{
    if (n == 0 || until_failure == NEVER || until_failure-- > 0)
        return false;
    lean_memory_run_out();
    return !goes_on;
}

static void *lean_malloc(size_t n, const char *file, int line)
{
    return fails(n) ? NULL : watched_malloc(n, file, line);
}

static void *lean_realloc(void *memory, size_t n, const char *file, int line)
{
    return fails(n) ? NULL : watched_realloc(memory, n, file, line);
}

void lean_memory_watch(void)
{
    tls_memory_watch();
    CRYPTO_get_mem_functions(&watched_malloc, &watched_realloc, &watched_free);
    if (CRYPTO_set_mem_functions(lean_malloc, lean_realloc, watched_free) != 1)
        abort(); /* no test is running yet */
}

static void begin(int others, bool notes_only)
{
    until_failure = others;
    goes_on = notes_only;
}

void lean_memory_fail_after(int others)
{
    begin(others, false);
}

void lean_memory_note_after(int others)
{
    begin(others, true);
}

int lean_memory_end(void)
{
    int ret = until_failure;
    until_failure = NEVER;
    return ret;
}
