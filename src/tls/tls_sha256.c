/* SPDX-License-Identifier: MIT */
#include "tlsecho/tls/tls_sha256.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

struct tls_sha256 {
    EVP_MD *algorithm;
    EVP_MD_CTX *ctx;
};

struct tls_sha256 *tls_sha256_new(void)
{
    struct tls_sha256 *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
    s->ctx = EVP_MD_CTX_new();
    if (s->algorithm && s->ctx && EVP_DigestInit_ex2(s->ctx, s->algorithm, NULL) == 1)
        return s;
    tls_sha256_free(s);
    return NULL;
}

void tls_sha256_free(struct tls_sha256 *sha256)
{
    if (!sha256)
        return;
    EVP_MD_CTX_free(sha256->ctx);
    EVP_MD_free(sha256->algorithm);
    free(sha256);
}

void tls_sha256_add(struct tls_sha256 *sha256, const void *data, size_t n)
{
    EVP_DigestUpdate(sha256->ctx, data, n);
}

void tls_sha256_take(struct tls_sha256 *sha256, char ret[TLS_SHA256_TEXT_BYTES])
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    EVP_DigestFinal_ex(sha256->ctx, sum, &n);
    EVP_DigestInit_ex2(sha256->ctx, sha256->algorithm, NULL);
    for (unsigned i = 0; i < n; i++)
        snprintf(ret + (size_t)2 * i, 3, "%02x", sum[i]);
}
