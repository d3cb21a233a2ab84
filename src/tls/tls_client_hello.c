/* SPDX-License-Identifier: MIT */
#include "tlsecho/tls/tls_client_hello.h"

#include <assert.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "tls_context_internal.h"
#include "tls_error.h"
#include "tls_verify.h"

enum {
    PADDING_TYPE = 0xff77, /* 0xff01 is renegotiation_info, RFC 5746 */
    RECORD_HEADER_BYTES = 5,
    ALERT_BYTES = 2,
    /* Up to the session id, RFC 8446 §4.1.2: headers of record and message, version, random. */
    FIXED_BYTES = RECORD_HEADER_BYTES + 4 + 2 + 32,
};

/* Where the middle of the server name is; 0 = nowhere. */
static size_t find_name(const SSL *ssl, const struct tls_client_hello *hello)
{
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    size_t length = name ? strlen(name) : 0;
    for (size_t at = 0; length > 0 && at + length <= hello->n; at++)
        if (memcmp(hello->bytes + at, name, length) == 0)
            return at + length / 2;
    return 0;
}

static int take_hello(SSL *ssl, struct tls_client_hello *ret, struct error *err)
{
    struct tls_client_hello hello = {0};
    char *bytes = NULL;
    long n = BIO_get_mem_data(SSL_get_wbio(ssl), &bytes);
    if (n <= 0)
        return tls_error_set(err, ERROR_TLS, "make a ClientHello");
    assert(n <= TLS_CLIENT_HELLO_MAX_BYTES); /* names and lists are shorter, all together */
    hello.n = (size_t)n;
    hello.bytes = calloc(1, TLS_CLIENT_HELLO_MAX_BYTES + RECORD_HEADER_BYTES);
    if (!hello.bytes)
        return error_sys(err, "memory for a ClientHello");
    memcpy(hello.bytes, bytes, hello.n);
    hello.name_at = find_name(ssl, &hello);
    *ret = hello;
    return 0;
}

static int write_hello(SSL *ssl, const char *server_name, struct tls_client_hello *ret,
                       struct error *err)
{
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    if (!in || !out) {
        BIO_free(in);
        BIO_free(out);
        return tls_error_set(err, ERROR_SYSTEM, "make a ClientHello");
    }
    SSL_set_bio(ssl, in, out);
    SSL_set_connect_state(ssl);
    if (tls_verify_prepare(ssl, server_name, err) < 0)
        return -1;
    SSL_do_handshake(ssl); /* it wants an answer */
    return take_hello(ssl, ret, err);
}

static unsigned get_number(const unsigned char *at)
{
    return (unsigned)(at[0] << 8 | at[1]);
}

static void put_number(unsigned char *at, size_t number)
{
    at[0] = (unsigned char)(number >> 8);
    at[1] = (unsigned char)number;
}

/* Where the length of the extensions is: after session id, cipher suites and compression methods.
 */
static size_t find_extensions(const struct tls_client_hello *hello)
{
    size_t at = FIXED_BYTES;
    at += 1u + hello->bytes[at];
    at += 2u + get_number(hello->bytes + at);
    return at + 1u + hello->bytes[at];
}

/* Adds a last extension, so that all others stay where they are. */
static void pad(struct tls_client_hello *hello, size_t padded_bytes)
{
    unsigned char *bytes = hello->bytes;
    size_t added = padded_bytes - hello->n, length_at = find_extensions(hello);
    put_number(bytes + hello->n, PADDING_TYPE);
    put_number(bytes + hello->n + 2, added - TLS_CLIENT_HELLO_PADDING_MIN_BYTES);
    put_number(bytes + length_at, get_number(bytes + length_at) + added);
    put_number(bytes + RECORD_HEADER_BYTES + 2, padded_bytes - RECORD_HEADER_BYTES - 4);
    put_number(bytes + 3, padded_bytes - RECORD_HEADER_BYTES);
    hello->n = padded_bytes;
}

static int make(struct tls_context *ctx, const char *server_name, struct tls_client_hello *ret,
                struct error *err)
{
    ERR_clear_error();
    SSL *ssl = SSL_new(ctx->ssl);
    if (!ssl)
        return tls_error_set(err, ERROR_SYSTEM, "make a ClientHello");
    int result = write_hello(ssl, server_name, ret, err);
    SSL_free(ssl);
    ERR_clear_error();
    return result;
}

int tls_client_hello_make(struct tls_context *ctx, const char *server_name, size_t padded_bytes,
                          struct tls_client_hello *ret, struct error *err)
{
    assert(padded_bytes <= TLS_CLIENT_HELLO_MAX_BYTES);
    if (make(ctx, server_name, ret, err) < 0)
        return -1;
    if (padded_bytes >= ret->n + TLS_CLIENT_HELLO_PADDING_MIN_BYTES)
        pad(ret, padded_bytes);
    return 0;
}

void tls_client_hello_split(struct tls_client_hello *hello, size_t at)
{
    assert(at > RECORD_HEADER_BYTES && at < hello->n);
    unsigned char *bytes = hello->bytes;
    size_t first = at - RECORD_HEADER_BYTES, rest = hello->n - at;
    memmove(bytes + at + RECORD_HEADER_BYTES, bytes + at, rest);
    memcpy(bytes + at, bytes, RECORD_HEADER_BYTES);
    put_number(bytes + 3, first);
    put_number(bytes + at + 3, rest);
    hello->n += RECORD_HEADER_BYTES;
    if (hello->name_at >= at)
        hello->name_at += RECORD_HEADER_BYTES;
}

void tls_client_hello_done(struct tls_client_hello *hello)
{
    free(hello->bytes);
    *hello = (struct tls_client_hello){0};
}

/* A record from `at` on. *ret_next: where the next one begins, if this one is only a warning. */
static enum tls_answer examine_record(const unsigned char *record, size_t n, int *ret_alert,
                                      size_t *ret_next)
{
    if ((record[0] != SSL3_RT_ALERT && record[0] != SSL3_RT_HANDSHAKE) ||
        (n > 1 && record[1] != SSL3_VERSION_MAJOR))
        return TLS_ANSWER_OTHER;
    if (n <= RECORD_HEADER_BYTES)
        return TLS_ANSWER_PART;
    if (record[0] == SSL3_RT_HANDSHAKE)
        return record[RECORD_HEADER_BYTES] == SSL3_MT_SERVER_HELLO ? TLS_ANSWER_SERVER_HELLO
                                                                   : TLS_ANSWER_OTHER;
    if (record[3] != 0 || record[4] != ALERT_BYTES)
        return TLS_ANSWER_OTHER;
    if (n < RECORD_HEADER_BYTES + ALERT_BYTES)
        return TLS_ANSWER_PART;
    if (record[RECORD_HEADER_BYTES] == SSL3_AL_WARNING &&
        record[RECORD_HEADER_BYTES + 1] != SSL_AD_CLOSE_NOTIFY) {
        *ret_next = RECORD_HEADER_BYTES + ALERT_BYTES;
        return TLS_ANSWER_PART;
    }
    *ret_alert = record[RECORD_HEADER_BYTES + 1];
    return TLS_ANSWER_ALERT;
}

enum tls_answer tls_client_hello_answer(const unsigned char *data, size_t n, int *ret_alert)
{
    size_t at = 0;
    while (at < n) {
        size_t next = 0;
        enum tls_answer answer = examine_record(data + at, n - at, ret_alert, &next);
        if (answer != TLS_ANSWER_PART || next == 0)
            return answer;
        at += next;
    }
    return TLS_ANSWER_PART;
}
