/* SPDX-License-Identifier: MIT */
#include "dtls_trim.h"

#include <openssl/evp.h>
#include <string.h>

enum {
    HEADER_BYTES = 13, /* RFC 6347 §4.1 */
    EPOCH_AT = 3,
    LENGTH_AT = 11,
    TAG_BYTES = 16,
    SHORT_TAG_BYTES = 8,
    NONCE_BYTES = 8, /* explicit, RFC 5288 §3 */
};

static size_t read_16(const unsigned char *at)
{
    return (size_t)at[0] << 8 | at[1];
}

size_t dtls_trim_overhead(const SSL *ssl)
{
    const SSL_CIPHER *cipher = SSL_get_pending_cipher(ssl);
    if (!cipher)
        cipher = SSL_get_current_cipher(ssl);
    if (!cipher)
        return NONCE_BYTES + TAG_BYTES;
    if (SSL_CIPHER_get_cipher_nid(cipher) == NID_chacha20_poly1305)
        return TAG_BYTES;
    if (strstr(SSL_CIPHER_get_name(cipher), "CCM8"))
        return NONCE_BYTES + SHORT_TAG_BYTES;
    if (SSL_CIPHER_is_aead(cipher))
        return NONCE_BYTES + TAG_BYTES;
    const EVP_MD *mac = EVP_get_digestbynid(SSL_CIPHER_get_digest_nid(cipher));
    return mac ? (size_t)EVP_MD_get_size(mac) : 0;
}

size_t dtls_trim(size_t overhead, const unsigned char *data, size_t n)
{
    size_t at = 0;
    while (n - at >= HEADER_BYTES) {
        size_t body = read_16(data + at + LENGTH_AT);
        if (read_16(data + at + EPOCH_AT) > 0 && body < overhead)
            return at;
        if (body > n - at - HEADER_BYTES)
            break; /* OpenSSL drops it */
        at += HEADER_BYTES + body;
    }
    return n;
}
