/* SPDX-License-Identifier: MIT */
/*
 * The first datagrams of a DTLS client, each behind its length: a cookie is never longer than the
 * question, only the right one is believed, and whatever follows it a session stays bounded.
 */
#include <stdlib.h>
#include <string.h>

#include "dtls_hello.h"
#include "tlsecho/net/address.h"
#include "tlsecho/tls/dtls_cookie.h"
#include "tlsecho/tls/dtls_record.h"
#include "tlsecho/tls/dtls_session.h"
#include "tlsecho/tls/tls_context.h"

enum { DATAGRAM_MAX = 2048, COOKIE_BYTES = 32, FLIGHT_MAX = 64 * 1024, NOW_US = 1000 };

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static struct tls_context *ctx;
static struct dtls_cookies *cookies;
static struct address peer, own;
static struct error err;

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void prepare(void)
{
    struct peer_certificate about;
    require(tls_context_new_dtls(TLS_SERVER, &ctx, &err) == 0);
    require(tls_context_use_self_signed(ctx, NULL, &about, &err) == 0);
    require(dtls_cookies_new(&cookies, &err) == 0);
    peer.length = own.length = sizeof peer.ipv4;
    peer.ipv4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = 1};
    own.ipv4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = 2};
}

/* Takes a datagram into a buffer of its own; its length, 0 = none is left. */
static size_t take(const unsigned char **data, size_t *size, unsigned char ret[DATAGRAM_MAX])
{
    if (*size < 2)
        return 0;
    size_t n = ((size_t)(*data)[0] << 8 | (*data)[1]) % DATAGRAM_MAX;
    n = n < *size - 2 ? n : *size - 2;
    memcpy(ret, *data + 2, n);
    *data += 2 + n;
    *size -= 2 + n;
    return n;
}

static enum dtls_first check(const unsigned char *data, size_t n,
                             unsigned char ret[DTLS_COOKIE_ANSWER_BYTES])
{
    const struct dtls_first_flight flight = {.peer = &peer, .own = &own, .data = data, .length = n};
    enum dtls_first first = dtls_cookies_check(cookies, &flight, NOW_US, ret);
    bool answered = first == DTLS_FIRST_ASK || first == DTLS_FIRST_WRONG;
    require(!answered || n >= DTLS_COOKIE_ANSWER_BYTES);
    require((first == DTLS_FIRST_OTHER) || dtls_record_look(data, n, NULL) == DTLS_RECORD_HELLO);
    return first;
}

/* Puts the right cookie where there is one of its length. False: it is not to be believed. */
static bool prove(unsigned char *data, size_t n)
{
    struct dtls_hello hello;
    unsigned char answer[DTLS_COOKIE_ANSWER_BYTES];
    if (check(data, n, answer) != DTLS_FIRST_WRONG || !dtls_hello_parse(data, n, &hello) ||
        hello.cookie_n != COOKIE_BYTES)
        return false;
    memcpy(data + (hello.cookie - data), answer + sizeof answer - COOKIE_BYTES, COOKIE_BYTES);
    require(check(data, n, answer) == DTLS_FIRST_PROVEN);
    return true;
}

static void drain(struct dtls_session *s)
{
    const unsigned char *out;
    size_t n, all = 0;
    while (dtls_session_next(s, &out, &n))
        all += n;
    require(all <= FLIGHT_MAX);
}

static void serve(struct dtls_session *s, const unsigned char *data, size_t size)
{
    unsigned char datagram[DATAGRAM_MAX], message[DTLS_DATA_MAX];
    enum dtls_status status = dtls_session_handshake(s, &err);
    drain(s);
    for (size_t n; status == DTLS_WAIT && (n = take(&data, &size, datagram)) > 0;) {
        dtls_session_feed(s, datagram, n);
        status = dtls_session_handshake(s, &err);
        if (status == DTLS_OK)
            status = dtls_session_read(s, message, sizeof message, &n, &err);
        drain(s);
    }
    dtls_session_close(s);
    drain(s);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    unsigned char hello[DATAGRAM_MAX];
    struct dtls_session *s;
    if (!ctx)
        prepare();
    size_t n = take(&data, &size, hello);
    const struct dtls_session_options options = {.ctx = ctx, .hello = hello, .hello_length = n};
    if (!prove(hello, n) || dtls_session_new(&options, &s, &err) < 0)
        return 0;
    serve(s, data, size);
    dtls_session_free(s);
    return 0;
}
