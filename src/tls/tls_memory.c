/* SPDX-License-Identifier: MIT */
#include "tlsecho/tls/tls_memory.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>

static _Thread_local bool ran_out;

static void *noted(void *memory)
{
    ran_out |= !memory;
    return memory;
}

/* NULL for a size of 0 is not a failure, as in OpenSSL. */
static void *allocate(size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    return n ? noted(malloc(n)) : NULL;
}

static void release(void *memory, const char *file, int line)
{
    (void)file;
    (void)line;
    free(memory);
}

static void *resize(void *memory, size_t n, const char *file, int line)
{
    if (n)
        return noted(realloc(memory, n));
    release(memory, file, line);
    return NULL;
}

void tls_memory_watch(void)
{
    CRYPTO_set_mem_functions(allocate, resize, release);
}

bool tls_memory_ran_out(void)
{
    bool ret = ran_out;
    ran_out = false;
    return ret;
}

int tls_memory_check(int result, struct error *err)
{
    if (!tls_memory_ran_out() || (result < 0 && err->code == ENOMEM))
        return result;
    errno = ENOMEM;
    return error_sys(err, "set up TLS");
}
