/* SPDX-License-Identifier: MIT */
#include "rsa_keys.h"

#include <check.h>
#include <fcntl.h>
#include <openssl/rsa.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

struct shared_key {
    unsigned bits; /* 0: the first that is free */
    int length;
    unsigned char der[2560];
};

enum { KEYS = 32, FILE_BYTES = KEYS * sizeof(struct shared_key) };
static struct shared_key *shared; /* NULL: not shared */
static const char *path;          /* of the file that is shared; NULL: memory is */
static bool taken[KEYS];          /* by this process */

void rsa_keys_share(void)
{
    int fd = -1;
    path = getenv("TLSECHO_TEST_KEYS");
    if (path) {
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0 || ftruncate(fd, FILE_BYTES) != 0)
            abort();
    }
    void *memory = mmap(NULL, FILE_BYTES, PROT_READ | PROT_WRITE,
                        MAP_SHARED | (path ? 0 : MAP_ANONYMOUS), fd, 0);
    if (memory == MAP_FAILED)
        abort();
    shared = memory;
    if (path)
        close(fd);
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

static EVP_PKEY *take(unsigned bits)
{
    size_t i = 0;
    while (i < KEYS && shared[i].bits && (taken[i] || shared[i].bits != bits))
        i++;
    if (i == KEYS)
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

/* Until close(2) no other process makes a key. */
static int lock_file(void)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(flock(fd, LOCK_EX), 0);
    return fd;
}

EVP_PKEY *rsa_keys_take(unsigned bits)
{
    if (!shared)
        return make_key(bits);
    int lock = path ? lock_file() : -1;
    EVP_PKEY *key = take(bits);
    if (path)
        close(lock);
    return key;
}
