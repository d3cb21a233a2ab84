/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tls_bio.h"
#include "tls_context_internal.h"
#include "tls_error.h"
#include "tls_policy.h"
#include "tls_role.h"
#include "tls_screen_peer.h"
#include "tls_verification.h"
#include "tlsecho/base/container_of.h"
#include "tlsecho/tls/tls_alert.h"
#include "tlsecho/tls/tls_memory.h"
#include "transport_tls_internal.h"

/*
 * OpenSSL handles any number of key updates and renegotiation attempts. Each costs the peer 27
 * bytes, and this end as much as many messages; so each needs credit, which data adds.
 */
enum { REKEY_COST_BYTES = 1024, REKEY_CREDIT_BYTES = 128 * REKEY_COST_BYTES };

static struct transport_tls *self(struct transport *t)
{
    return container_of(t, struct transport_tls, base);
}

static void begin(struct transport_tls *t, size_t receive_bytes)
{
    tls_bio_begin(&t->wire, receive_bytes);
    if (ERR_peek_error() != 0) /* clearing an empty queue is as expensive as decrypting a message */
        ERR_clear_error();
}

static void add_rekey_credit(struct transport_tls *t, size_t data_bytes)
{
    size_t room = REKEY_CREDIT_BYTES - t->rekey_credit_bytes;
    t->rekey_credit_bytes += (unsigned)(data_bytes < room ? data_bytes : room);
}

/* A callback cannot stop OpenSSL; without a record to read it stops by itself. */
static void spend_rekey_credit(struct transport_tls *t)
{
    if (t->rekey_credit_bytes < REKEY_COST_BYTES) {
        t->failure.flood = true;
        tls_bio_stop(&t->wire);
        return;
    }
    t->rekey_credit_bytes -= REKEY_COST_BYTES;
}

/* RFC 8446 §4.1.3: legacy_version, the version before TLS 1.3. */
static void note_server_version(struct transport_tls *t, const unsigned char *message, size_t n)
{
    enum { AT = 4 };
    if (n >= AT + 2 && message[0] == SSL3_MT_SERVER_HELLO)
        t->failure.server_version = (unsigned short)(message[AT] << 8 | message[AT + 1]);
}

/* SSL_set_msg_callback(3): each message before OpenSSL handles it. After the handshake: a
 * KeyUpdate, or a ticket (RFC 8446 §4.6). */
static void on_message(int written, int version, int type, const void *data, size_t n, SSL *ssl,
                       void *arg)
{
    struct transport_tls *t = arg;
    (void)version;
    if (type != SSL3_RT_HANDSHAKE)
        return;
    if (written) {
        transport_tls_after_message(t, data);
        return;
    }
    note_server_version(t, data, n);
    if (t->established)
        spend_rekey_credit(t);
    else if (t->verification && !tls_screen_peer(ssl, data, n, t->verification))
        t->failure.chain_refused = true;
}

/* The transport of the current operation; an ex_data of ssl would cost 96 bytes. */
static struct transport_tls *at_work(const SSL *ssl)
{
    struct tls_bio *wire = tls_bio_current(SSL_get_rbio(ssl));
    return container_of(wire, struct transport_tls, wire);
}

static void on_info(const SSL *ssl, int where, int value)
{
    struct transport_tls *t = at_work(ssl);
    if (!(where & SSL_CB_ALERT))
        return;
    if ((value & 0xff) == SSL_AD_NO_RENEGOTIATION && where & SSL_CB_WRITE)
        t->failure.renegotiation_refused = t->ctx->role == TLS_CLIENT;
    tls_failure_note_alert(&t->failure, ssl, where, value);
}

struct io transport_tls_io_ended(enum io_status status, int code, const char *what,
                                 struct error *err)
{
    errno = code;
    if (status == IO_RESET || status == IO_FAILED)
        error_sys(err, "%s", what);
    return (struct io){.status = status};
}

static struct io report_failure(struct transport_tls *t, struct error *err)
{
    t->failure_reported = true;
    t->failure.established = t->established;
    tls_failure_describe(&t->failure, t->ssl, &t->wire, t->verification, err);
    return (struct io){.status = IO_FAILED};
}

void transport_tls_put_plain_alert(struct transport_tls *t, unsigned char alert)
{
    const unsigned char record[] = {SSL3_RT_ALERT, 3, 3, 0, 2, SSL3_AL_FATAL, alert};
    tls_bio_put(&t->wire, record, sizeof record);
    t->failure.alert = alert;
}

/* The reason of the last error of OpenSSL; 0 = none. */
static unsigned long outermost_reason(void)
{
    unsigned long code = ERR_peek_last_error();
#ifdef SSL_R_RECORD_LAYER_FAILURE /* since 3.2, wraps the cause */
    if (ERR_GET_REASON(code) == SSL_R_RECORD_LAYER_FAILURE)
        code = ERR_peek_error();
#endif
    return code;
}

/* Translates a failed `result` of OpenSSL. */
static struct io translate_ssl_error(struct transport_tls *t, int result, struct error *err)
{
    int reason = SSL_get_error(t->ssl, result);
    if (t->failure.flood) {
        t->failed = true;
        return report_failure(t, err);
    }
    if (reason == SSL_ERROR_ZERO_RETURN)
        return (struct io){.status = IO_EOF};
    if (reason == SSL_ERROR_WANT_WRITE)
        return (struct io){.status = IO_WANT_WRITE};
    if (reason == SSL_ERROR_WANT_READ && t->wire.in_end == IO_OK)
        return (struct io){.status = IO_WANT_READ};
    if (reason == SSL_ERROR_WANT_READ)
        return transport_tls_io_ended(t->wire.in_end, t->wire.in_errno, "receive", err);
    t->failed = true;
    t->failure.reason = outermost_reason();
    if (tls_memory_ran_out()) /* in a read or a write */
        t->failure.no_memory = true;
    /* RFC 8446 §5 requires an alert for a record of an unexpected type; OpenSSL sends none. */
    if (t->ctx->role == TLS_SERVER && t->wire.sent_bytes + t->wire.out_n == 0)
        transport_tls_put_plain_alert(t, TLS_ALERT_UNEXPECTED_MESSAGE);
    return report_failure(t, err);
}

/* One step of the handshake; OpenSSL has no part before the ClientHello is complete. */
static struct io run_handshake(struct transport_tls *t, struct error *err)
{
    struct io io = {.status = IO_OK};
    if (t->hello_due)
        io = transport_tls_gather_hello(t, err);
    if (io.status != IO_OK)
        return io;
    int result = SSL_do_handshake(t->ssl);
    if (result != 1 && tls_memory_ran_out())
        t->failure.no_memory = true;
    if (result != 1)
        io = translate_ssl_error(t, result, err);
    if (io.status == IO_WANT_READ && t->hello.state == TLS_HELLO_OTHER)
        io = transport_tls_refuse_other(t, err);
    return io;
}

static struct io tls_handshake(struct transport *transport, struct error *err)
{
    struct transport_tls *t = self(transport);
    uint64_t received_bytes = t->wire.received_bytes;
    begin(t, SIZE_MAX);
    struct io io = run_handshake(t, err);
    if (io.status == IO_WANT_READ && t->hello.second)
        io = run_handshake(t, err); /* that ClientHello may be here already */
    t->established = io.status == IO_OK;

    /* If the flight cannot be sent since the connection is lost, ignore the error here: a read
     * returns its cause, which the peer sent. Otherwise nothing would follow. */
    enum io_status sent = tls_bio_flush(&t->wire);
    if (sent == IO_WANT_WRITE && (io.status == IO_OK || io.status == IO_WANT_READ))
        io.status = IO_WANT_WRITE;
    if (sent == IO_FAILED && io.status != IO_FAILED)
        io = transport_tls_io_ended(sent, t->wire.out_errno, "send", err);
    io.progressed = t->wire.received_bytes > received_bytes;
    tls_bio_end(&t->wire);
    return io;
}

/* Whether data is left that the kernel no longer has: the rest of a record, or further records. */
static bool has_more(const struct transport_tls *t)
{
    return SSL_pending(t->ssl) > 0 || t->wire.in_n > 0;
}

/*
 * Receive only so much that its data fits, together with a record of which a part came before, so
 * that nothing must be copied for the next read. A small buffer receives as much as it has room
 * for.
 */
static size_t receive_limit(size_t size)
{
    return size > 2 * TLS_RECORD_BYTES ? size - TLS_RECORD_BYTES : size;
}

static struct io tls_read(struct transport *transport, void *data, size_t size, struct error *err)
{
    struct transport_tls *t = self(transport);
    if (t->failed && !t->failure_reported)
        return report_failure(t, err);
    if (t->failed) {
        enum io_status status = tls_bio_discard(&t->wire);
        return transport_tls_io_ended(status, t->wire.in_errno, "receive", err);
    }

    uint64_t received_bytes = t->wire.received_bytes;
    begin(t, receive_limit(size));
    unsigned char *at = data;
    size_t n = 0, got = 0;
    int result;
    do {
        result = SSL_read_ex(t->ssl, at + n, size - n, &got);
        n += result == 1 ? got : 0;
    } while (result == 1 && n < size && has_more(t));
    add_rekey_credit(t, n);

    struct io io = {.status = IO_OK, .n = n};
    if (result != 1) {
        struct io stop = translate_ssl_error(t, result, err);
        if (n == 0) {
            io = stop;
        } else if (stop.status != IO_WANT_READ) { /* the next read returns it */
            io.more = true;
            t->failure_reported = false;
        }
    } else {
        io.more = has_more(t);
    }
    io.progressed = n > 0 || t->wire.received_bytes > received_bytes;
    tls_bio_flush(&t->wire);
    tls_bio_end(&t->wire);
    return io;
}

/* Encrypts as many records as there is room for. Returns the bytes of data in them. */
static size_t fill(struct transport_tls *t, const unsigned char *data, size_t size, struct io *stop,
                   struct error *err)
{
    size_t n = 0;
    while (n < size && tls_bio_has_room(&t->wire)) {
        size_t done = 0; /* a record: SSL_MODE_ENABLE_PARTIAL_WRITE */
        int result = SSL_write_ex(t->ssl, data + n, size - n, &done);
        if (result != 1) {
            *stop = translate_ssl_error(t, result, err);
            break;
        }
        n += done;
    }
    return n;
}

static struct io flush(struct transport_tls *t, struct error *err)
{
    enum io_status status = tls_bio_flush(&t->wire);
    return transport_tls_io_ended(status, t->wire.out_errno, "send", err);
}

static struct io tls_write(struct transport *transport, const void *data, size_t size,
                           struct error *err)
{
    struct transport_tls *t = self(transport);
    begin(t, 0);
    uint64_t sent_bytes = t->wire.sent_bytes;
    size_t n = 0;
    struct io io = flush(t, err);
    while (io.status == IO_OK && n < size) {
        struct io stop = {.status = IO_OK};
        n += fill(t, (const unsigned char *)data + n, size - n, &stop, err);
        io = flush(t, err);
        if (io.status == IO_OK)
            io = stop;
    }
    tls_bio_end(&t->wire);
    io.n = n;
    io.progressed = t->wire.sent_bytes > sent_bytes;
    return io;
}

/* close_notify, or the alert; send: tls_bio_flush_last if a FIN follows at once. */
static struct io notify(struct transport_tls *t, enum io_status (*send)(struct tls_bio *wire),
                        struct error *err)
{
    begin(t, 0);
    bool lost = false;
    if (!t->closing) {
        t->closing = true;
        if (t->established && (!t->failed || t->failure.flood))
            lost = SSL_shutdown(t->ssl) < 0 && tls_memory_ran_out();
    }
    enum io_status status = send(&t->wire);
    struct io io = transport_tls_io_ended(status, t->wire.out_errno, "send", err);
    tls_bio_end(&t->wire);
    if (!lost)
        return io;
    t->failed = t->failure.no_memory = true; /* OpenSSL reads no more, without an error */
    return report_failure(t, err);
}

static struct io tls_finish(struct transport *transport, struct error *err)
{
    return notify(self(transport), tls_bio_flush_last, err);
}

static struct io tls_shutdown(struct transport *transport, struct error *err)
{
    struct transport_tls *t = self(transport);
    struct io io = tls_finish(transport, err);
    if (io.status != IO_OK && io.status != IO_FAILED)
        return io;
    if (transport_send_fin(t->base.fd) == 0 || io.status == IO_FAILED)
        return io;
    return transport_tls_io_ended(transport_errno_status(errno), errno, "shut down", err);
}

static void tls_free(struct transport *transport)
{
    struct transport_tls *t = self(transport);
    SSL_free(t->ssl);
    tls_bio_done(&t->wire);
    tls_context_free(t->ctx);
    tls_verification_free(t->verification);
    transport_hang_up(transport);
    free(t);
}

const struct transport_ops transport_tls_ops = {
    .name = "tls",
    .handshake = tls_handshake,
    .read = tls_read,
    .write = tls_write,
    .shutdown = tls_shutdown,
    .finish = tls_finish,
    .peer = transport_tls_peer,
    .free = tls_free,
};

int transport_tls_prepare(struct transport_tls *t, const char *server_name, struct error *err)
{
    tls_memory_ran_out(); /* for another connection */
    t->ssl = SSL_new(t->ctx->ssl);
    BIO *bio = t->ssl ? tls_bio_bio(&t->wire) : NULL;
    if (!bio)
        return tls_error_set(err, ERROR_SYSTEM, "make a TLS transport");
    SSL_set_bio(t->ssl, bio, bio);
    SSL_set_info_callback(t->ssl, on_info);
    SSL_set_msg_callback(t->ssl, on_message);
    SSL_set_msg_callback_arg(t->ssl, t);
    if (t->alpn) /* costs memory */
        tls_policy_offer_only(t->ssl, &t->alpn);
    return tls_role_prepare(t->ctx, t->ssl, server_name, &t->verification, err);
}

struct io transport_tls_close_notify(struct transport *transport, struct error *err)
{
    if (transport->ops != &transport_tls_ops)
        return transport_shutdown(transport, err);
    return notify(self(transport), tls_bio_flush, err);
}

int transport_tls_new(int fd, const struct transport_tls_options *options, struct transport **ret,
                      struct error *err)
{
    struct transport_tls *t = calloc(1, sizeof *t);
    if (!t) {
        close(fd);
        return error_sys(err, "make a TLS transport");
    }
    t->base = (struct transport){.ops = &transport_tls_ops, .fd = fd};
    t->ctx = tls_context_ref(options->ctx);
    t->alpn = options->alpn;
    t->failure.alert = -1;
    t->rekey_credit_bytes = REKEY_CREDIT_BYTES;
    t->hello_due = t->ctx->role == TLS_SERVER;
    tls_bio_init(&t->wire, fd, options->scratch);
    if (!t->hello_due && transport_tls_prepare(t, options->server_name, err) < 0) {
        tls_free(&t->base);
        return -1;
    }
    *ret = &t->base;
    return 0;
}
