/* SPDX-License-Identifier: MIT */
#include "tls_ticket_keys.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <string.h>

#include "tls_pem.h"

_Static_assert(sizeof(struct tls_ticket_key) == 80, "a key has the layout of 80 bytes of a file");

int tls_ticket_keys_read(const char *path, bool any_mode, struct tls_ticket_keys *ret,
                         struct error *err)
{
    struct tls_pem file;
    if (tls_pem_open(path, any_mode ? TLS_PEM_SECRET_ANYWHERE : TLS_PEM_SECRET, &file, err))
        return -1;
    size_t count = file.n / sizeof ret->key[0];
    bool whole = count * sizeof ret->key[0] == file.n;
    if (whole && count >= 1 && count <= TLS_TICKET_KEYS_MAX) {
        ret->count = count;
        memcpy(ret->key, file.data, file.n);
        tls_pem_close(&file);
        return 0;
    }
    size_t n = file.n;
    tls_pem_close(&file);
    return error_set(err, ERROR_INPUT,
                     "%s has %zu bytes: write 1 to %d keys of 80 random bytes, the newest first, "
                     "each as from head -c 80 /dev/urandom",
                     path, n, TLS_TICKET_KEYS_MAX);
}

/* One set per process: with one per context, no session would survive a reload. */
static struct {
    pthread_mutex_t lock;
    struct tls_ticket_keys keys;
    int64_t made_at_s; /* of the newest */
} own = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int renew(int64_t now_s)
{
    struct tls_ticket_key fresh;
    if (RAND_priv_bytes((unsigned char *)&fresh, sizeof fresh) != 1)
        return -1;
    own.keys.key[1] = own.keys.key[0];
    own.keys.key[0] = fresh;
    own.keys.count = own.keys.count == 0 ? 1 : 2;
    own.made_at_s = now_s;
    OPENSSL_cleanse(&fresh, sizeof fresh);
    return 0;
}

int tls_ticket_keys_own(int64_t now_s, struct tls_ticket_keys *ret)
{
    int result = 0;
    pthread_mutex_lock(&own.lock);
    if (own.keys.count == 0 || now_s - own.made_at_s >= TLS_TICKET_OWN_SECONDS)
        result = renew(now_s);
    if (result == 0)
        *ret = own.keys;
    pthread_mutex_unlock(&own.lock);
    return result;
}
