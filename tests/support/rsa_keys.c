/* SPDX-License-Identifier: MIT */
#include "rsa_keys.h"

#include <check.h>
#include <openssl/rsa.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>

struct shared_key {
    unsigned bits; /* 0: the first that is free */
    int length;
    unsigned char der[2560];
};

enum { KEYS = 32 };
static struct shared_key *shared; /* NULL: not shared */
static bool taken[KEYS];          /* by this process */

void rsa_keys_share(void)
{
    void *memory = mmap(NULL, KEYS * sizeof(*shared), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        abort();
    shared = memory;
}

static EVP_PKEY *make_key(unsigned bits)
{
    EVP_PKEY *key = EVP_RSA_gen(bits);
    ck_assert_ptr_nonnull(key);
    return key;
}

static void store(struct shared_key *slot, unsigned bits, const EVP_PKEY *key)
{
    unsigned char *at = slot->der;
    slot->length = i2d_PrivateKey(key, NULL);
    ck_assert_int_gt(slot->length, 0);
    ck_assert_uint_le((unsigned)slot->length, sizeof(slot->der));
    ck_assert_int_eq(i2d_PrivateKey(key, &at), slot->length);
    slot->bits = bits; /* last: a test that is killed leaves nothing half-written */
}

EVP_PKEY *rsa_keys_take(unsigned bits)
{
    size_t i = 0;
    while (shared && i < KEYS && shared[i].bits && (taken[i] || shared[i].bits != bits))
        i++;
    if (!shared || i == KEYS)
        return make_key(bits);
    taken[i] = true;
    if (shared[i].bits) {
        const unsigned char *at = shared[i].der;
        EVP_PKEY *key = d2i_PrivateKey(EVP_PKEY_RSA, NULL, &at, shared[i].length);
        ck_assert_ptr_nonnull(key);
        return key;
    }
    EVP_PKEY *key = make_key(bits);
    store(&shared[i], bits, key);
    return key;
}
