/* SPDX-License-Identifier: MIT */
#include "allocations.h"

#include <errno.h>
#include <stddef.h>

static enum { NEVER, SOON, FAILED } state;
static unsigned before_failure;
static long left;

void allocations_fail_after(unsigned successes)
{
    before_failure = successes;
    state = SOON;
}

bool allocations_have_failed(void)
{
    bool ret = state == FAILED;
    state = NEVER;
    return ret;
}

long allocations_left(void)
{
    return left;
}

static bool is_to_fail(void)
{
    if (state != SOON || before_failure-- > 0)
        return false;
    state = FAILED;
    errno = ENOMEM;
    return true;
}

static void *counted(void *allocated)
{
    left += allocated != NULL;
    return allocated;
}

/* The linker's option --wrap gives these names to the real functions and to those in their place.
 */
void *real_malloc(size_t size) __asm__("__real_malloc");
void *real_calloc(size_t count, size_t size) __asm__("__real_calloc");
void *real_realloc(void *old, size_t size) __asm__("__real_realloc");
void *real_reallocarray(void *old, size_t count, size_t size) __asm__("__real_reallocarray");
char *real_strdup(const char *text) __asm__("__real_strdup");
void real_free(void *allocated) __asm__("__real_free");

void *wrap_malloc(size_t size) __asm__("__wrap_malloc");
void *wrap_malloc(size_t size)
{
    return is_to_fail() ? NULL : counted(real_malloc(size));
}

void *wrap_calloc(size_t count, size_t size) __asm__("__wrap_calloc");
void *wrap_calloc(size_t count, size_t size)
{
    return is_to_fail() ? NULL : counted(real_calloc(count, size));
}

void *wrap_realloc(void *old, size_t size) __asm__("__wrap_realloc");
void *wrap_realloc(void *old, size_t size)
{
    if (is_to_fail())
        return NULL;
    return old ? real_realloc(old, size) : counted(real_realloc(NULL, size));
}

void *wrap_reallocarray(void *old, size_t count, size_t size) __asm__("__wrap_reallocarray");
void *wrap_reallocarray(void *old, size_t count, size_t size)
{
    if (is_to_fail())
        return NULL;
    return old ? real_reallocarray(old, count, size)
               : counted(real_reallocarray(NULL, count, size));
}

char *wrap_strdup(const char *text) __asm__("__wrap_strdup");
char *wrap_strdup(const char *text)
{
    return is_to_fail() ? NULL : counted(real_strdup(text));
}

void wrap_free(void *allocated) __asm__("__wrap_free");
void wrap_free(void *allocated)
{
    left -= allocated != NULL;
    real_free(allocated);
}
