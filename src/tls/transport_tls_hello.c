/* SPDX-License-Identifier: MIT */
/*
 * A server before the ClientHello is complete. An SSL object takes 10 KB, and 45 KB once it has
 * read a byte, so it is made only then. Until then a connection keeps what it has received.
 */
#include <openssl/ssl.h>
#include <string.h>

#include "tls_bio.h"
#include "tls_context_internal.h"
#include "tlsecho/tls/tls_alert.h"
#include "transport_tls_internal.h"

/* Without a limit: the longest ClientHello that OpenSSL accepts, in records of one byte. */
enum { UNLIMITED_BYTES = TLS_HELLO_MESSAGE_MAX * 6 };

/* Whether it is a ServerHello with the random of a HelloRetryRequest (RFC 8446 §4.1.3). OpenSSL
 * wrote the message, so it is whole. */
static bool is_hello_retry_request(const unsigned char *data)
{
    static const unsigned char random[] = {0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11,
                                           0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
                                           0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e,
                                           0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};
    enum { RANDOM_AT = 4 + 2 };
    return data[0] == SSL3_MT_SERVER_HELLO && memcmp(data + RANDOM_AT, random, sizeof random) == 0;
}

void transport_tls_after_message(struct transport_tls *t, const unsigned char *data)
{
    if (!is_hello_retry_request(data))
        return;
    t->hello = (struct tls_hello){.second = true};
    t->hello_due = true;
    tls_bio_stop(&t->wire);
}

static struct io refuse(struct transport_tls *t, unsigned char alert, const char *reason,
                        struct error *err)
{
    t->failed = t->failure_reported = true;
    transport_tls_put_plain_alert(t, alert);
    error_set(err, ERROR_TLS, "%s", reason);
    err->alert = alert;
    return (struct io){.status = IO_FAILED};
}

struct io transport_tls_refuse_other(struct transport_tls *t, struct error *err)
{
    return refuse(t, TLS_ALERT_UNEXPECTED_MESSAGE, "the handshake did not begin with a ClientHello",
                  err);
}

static struct io let_read(struct transport_tls *t, struct error *err)
{
    if (!t->ssl && transport_tls_prepare(t, NULL, err) < 0)
        return (struct io){.status = IO_FAILED};
    t->hello_due = false;
    tls_bio_go_on(&t->wire);
    return (struct io){.status = IO_OK};
}

struct io transport_tls_gather_hello(struct transport_tls *t, struct error *err)
{
    size_t max = t->ctx->client_hello_max_bytes ? t->ctx->client_hello_max_bytes : UNLIMITED_BYTES;
    tls_bio_gather(&t->wire);
    if (t->wire.in_end != IO_OK)
        return transport_tls_io_ended(t->wire.in_end, t->wire.in_errno, "receive", err);
    t->hello.state = tls_hello_examine(&t->hello, t->wire.in, t->wire.in_n, max);
    switch (t->hello.state) {
    case TLS_HELLO_PART:
        return (struct io){.status = IO_WANT_READ};
    case TLS_HELLO_TOO_LONG:
        return refuse(t, TLS_ALERT_ILLEGAL_PARAMETER, "the ClientHello exceeds the limit", err);
    case TLS_HELLO_UNALIGNED:
        return refuse(t, TLS_ALERT_UNEXPECTED_MESSAGE,
                      "the record of the ClientHello contains more data", err);
    case TLS_HELLO_WHOLE:
    case TLS_HELLO_OTHER:
        break;
    }
    return let_read(t, err);
}
