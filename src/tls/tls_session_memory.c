/* SPDX-License-Identifier: MIT */
/*
 * A client's newest session, kept in memory for later connections of any thread. The server's
 * certificate was verified when the session was made and is not verified again.
 */
#include "tls_session_memory.h"

#include <openssl/err.h>
#include <pthread.h>
#include <stdlib.h>

#include "tls_context_internal.h"
#include "tls_error.h"
#include "tls_once.h"

struct tls_session_memory {
    pthread_mutex_t lock;
    SSL_SESSION *session; /* NULL = none yet */
};

static atomic_int memory_index;

void tls_session_memory_free(struct tls_session_memory *memory)
{
    if (!memory)
        return;
    SSL_SESSION_free(memory->session);
    pthread_mutex_destroy(&memory->lock);
    free(memory);
}

/* SSL_CTX_sess_set_new_cb(3). 1: the session is ours to free. */
static int on_session(SSL *ssl, SSL_SESSION *session)
{
    struct tls_session_memory *memory = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), memory_index);
    if (!SSL_SESSION_is_resumable(session))
        return 0;
    pthread_mutex_lock(&memory->lock);
    SSL_SESSION *before = memory->session;
    memory->session = session;
    pthread_mutex_unlock(&memory->lock);
    SSL_SESSION_free(before);
    return 1;
}

/* A copy: OpenSSL marks a session as used when its connection gets a new one, although other
 * connections have offered it too. (RFC 8446 §C.4 recommends using each once; a load needs more
 * sessions than it receives.)
 */
int tls_session_recall(struct tls_context *ctx, SSL *ssl, struct error *err)
{
    struct tls_session_memory *memory = ctx->session_memory;
    if (!memory)
        return 0;
    pthread_mutex_lock(&memory->lock);
    bool none = !memory->session;
    SSL_SESSION *copy = none ? NULL : SSL_SESSION_dup(memory->session);
    pthread_mutex_unlock(&memory->lock);
    int result = none || (copy && SSL_set_session(ssl, copy) == 1)
                     ? 0
                     : tls_error_set(err, ERROR_SYSTEM, "offer a session");
    SSL_SESSION_free(copy);
    return result;
}

int tls_context_remember_session(struct tls_context *ctx, struct error *err)
{
    struct tls_session_memory *memory = calloc(1, sizeof *memory);
    if (!memory)
        return error_sys(err, "no memory for a session");
    pthread_mutex_init(&memory->lock, NULL);
    int index = tls_once_index(&memory_index, CRYPTO_EX_INDEX_SSL_CTX);
    if (SSL_CTX_set_ex_data(ctx->ssl, index, memory) != 1) {
        tls_session_memory_free(memory);
        return tls_error_set(err, ERROR_SYSTEM, "remember a session");
    }
    tls_session_memory_free(ctx->session_memory);
    ctx->session_memory = memory;
    SSL_CTX_set_session_cache_mode(ctx->ssl, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx->ssl, on_session);
    return 0;
}
