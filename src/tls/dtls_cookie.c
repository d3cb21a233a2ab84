/* SPDX-License-Identifier: MIT */
#include "tlsecho/tls/dtls_cookie.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "dtls_hello.h"
#include "tls_error.h"

enum { COOKIE_BYTES = 32, KEY_BYTES = 32 };

struct dtls_cookies {
    EVP_MAC_CTX *macs[2]; /* with the key of now, and the one before */
    uint64_t key_us; /* since when that is the key; 0 at first, as if since the clock's start */
};

static bool new_key(EVP_MAC_CTX *mac)
{
    unsigned char key[KEY_BYTES];
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                 OSSL_PARAM_END};
    bool made = RAND_bytes(key, sizeof key) == 1 && EVP_MAC_init(mac, key, sizeof key, params) == 1;
    OPENSSL_cleanse(key, sizeof key);
    return made;
}

int dtls_cookies_new(struct dtls_cookies **ret, struct error *err)
{
    struct dtls_cookies *cookies = calloc(1, sizeof *cookies);
    if (!cookies)
        return error_sys(err, "make cookies");
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);
    bool made = hmac;
    for (int i = 0; made && i < 2; i++) {
        cookies->macs[i] = EVP_MAC_CTX_new(hmac);
        made = cookies->macs[i] && new_key(cookies->macs[i]);
    }
    EVP_MAC_free(hmac);
    if (!made) {
        dtls_cookies_free(cookies);
        return tls_error_set(err, ERROR_SYSTEM, "make cookies");
    }
    *ret = cookies;
    return 0;
}

void dtls_cookies_free(struct dtls_cookies *cookies)
{
    if (!cookies)
        return;
    EVP_MAC_CTX_free(cookies->macs[0]);
    EVP_MAC_CTX_free(cookies->macs[1]);
    free(cookies);
}

/* A key lasts for one period, and is accepted for another one. */
static bool change_key(struct dtls_cookies *cookies, uint64_t now_us)
{
    EVP_MAC_CTX *now = cookies->macs[0], *before = cookies->macs[1];
    uint64_t periods = (now_us - cookies->key_us) / DTLS_KEY_US;
    if (periods == 0)
        return true;
    if (!new_key(before) || (periods > 1 && !new_key(now)))
        return false;
    cookies->macs[0] = before;
    cookies->macs[1] = now;
    cookies->key_us += periods * DTLS_KEY_US;
    return true;
}

static bool add(EVP_MAC_CTX *mac, const void *data, size_t n)
{
    return EVP_MAC_update(mac, data, n) == 1;
}

/* The families have different lengths, so that two addresses of one never have the bytes of two of
 * the other. */
static bool add_address(EVP_MAC_CTX *mac, const struct address *address)
{
    const struct sockaddr_in *ipv4 = &address->ipv4;
    const struct sockaddr_in6 *ipv6 = &address->ipv6;
    if (address->any.sa_family == AF_INET)
        return add(mac, &ipv4->sin_addr, sizeof ipv4->sin_addr) &&
               add(mac, &ipv4->sin_port, sizeof ipv4->sin_port);
    return add(mac, &ipv6->sin6_addr, sizeof ipv6->sin6_addr) &&
           add(mac, &ipv6->sin6_scope_id, sizeof ipv6->sin6_scope_id) &&
           add(mac, &ipv6->sin6_port, sizeof ipv6->sin6_port);
}

static bool make_cookie(EVP_MAC_CTX *mac, const struct dtls_first_flight *flight,
                        unsigned char ret[COOKIE_BYTES])
{
    size_t n;
    return EVP_MAC_init(mac, NULL, 0, NULL) == 1 && add_address(mac, flight->peer) &&
           add_address(mac, flight->own) && EVP_MAC_final(mac, ret, &n, COOKIE_BYTES) == 1;
}

/* RFC 6347 §4.2.1, §4.2.2. The version is that of DTLS 1.0, whatever the client offers, and the
 * record's number that of the ClientHello. */
static void write_answer(const unsigned char *hello, const unsigned char cookie[COOKIE_BYTES],
                         unsigned char ret[DTLS_COOKIE_ANSWER_BYTES])
{
    enum {
        NUMBER_AT = 5, /* of the record */
        NUMBER_BYTES = 6,
        MESSAGE_AT = 13,
        BODY_AT = MESSAGE_AT + 12,
        COOKIE_AT = BODY_AT + 3,
        BODY_BYTES = DTLS_COOKIE_ANSWER_BYTES - BODY_AT,
    };
    static const unsigned char head[COOKIE_AT] = {
        [0] = 22,
        0xfe,
        0xff,
        [MESSAGE_AT - 1] = DTLS_COOKIE_ANSWER_BYTES - MESSAGE_AT,
        [MESSAGE_AT] = 3,
        [MESSAGE_AT + 3] = BODY_BYTES,
        [BODY_AT - 1] = BODY_BYTES, /* in one fragment */
        [BODY_AT] = 0xfe,
        0xff,
        COOKIE_BYTES,
    };
    _Static_assert(sizeof head + COOKIE_BYTES == DTLS_COOKIE_ANSWER_BYTES, "of the answer");
    memcpy(ret, head, sizeof head);
    memcpy(ret + NUMBER_AT, hello + NUMBER_AT, NUMBER_BYTES);
    memcpy(ret + sizeof head, cookie, COOKIE_BYTES);
}

static bool is_returned(const unsigned char cookie[COOKIE_BYTES], const struct dtls_hello *hello)
{
    return hello->cookie_n == COOKIE_BYTES &&
           CRYPTO_memcmp(hello->cookie, cookie, COOKIE_BYTES) == 0;
}

static enum dtls_first check(struct dtls_cookies *cookies, const struct dtls_first_flight *flight,
                             const struct dtls_hello *hello,
                             unsigned char ret_answer[DTLS_COOKIE_ANSWER_BYTES])
{
    unsigned char now[COOKIE_BYTES], before[COOKIE_BYTES];
    if (!make_cookie(cookies->macs[0], flight, now))
        return DTLS_FIRST_OTHER;
    write_answer(flight->data, now, ret_answer);
    if (hello->cookie_n == 0)
        return DTLS_FIRST_ASK;
    if (is_returned(now, hello))
        return DTLS_FIRST_PROVEN;
    if (!make_cookie(cookies->macs[1], flight, before))
        return DTLS_FIRST_OTHER;
    return is_returned(before, hello) ? DTLS_FIRST_PROVEN : DTLS_FIRST_WRONG;
}

enum dtls_first dtls_cookies_check(struct dtls_cookies *cookies,
                                   const struct dtls_first_flight *flight, uint64_t now_us,
                                   unsigned char ret_answer[DTLS_COOKIE_ANSWER_BYTES])
{
    struct dtls_hello hello;
    if (!dtls_hello_parse(flight->data, flight->length, &hello))
        return DTLS_FIRST_OTHER;
    if (flight->max_bytes > 0 && hello.bytes > flight->max_bytes)
        return DTLS_FIRST_TOO_LONG;
    assert(flight->length > DTLS_COOKIE_ANSWER_BYTES); /* or others could be flooded through us */
    if (!change_key(cookies, now_us))
        return DTLS_FIRST_OTHER;
    return check(cookies, flight, &hello, ret_answer);
}
