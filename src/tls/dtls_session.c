/* SPDX-License-Identifier: MIT */
#include "tlsecho/tls/dtls_session.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "dtls_hello.h"
#include "dtls_session_internal.h"
#include "dtls_trim.h"
#include "tls_context_internal.h"
#include "tls_error.h"
#include "tls_role.h"
#include "tls_screen_peer.h"
#include "tls_verification.h"
#include "tlsecho/base/container_of.h"
#include "tlsecho/tls/dtls_record.h"
#include "tlsecho/tls/tls_alert.h"
#include "tlsecho/tls/tls_memory.h"

/* Handshake messages after the handshake, which only ask for another one: each needs credit, which
 * a message adds. */
enum { ASK_CREDIT = 64 };

/* False: no memory. */
static bool begin(struct dtls_session *s)
{
    if (ERR_peek_error() != 0)
        ERR_clear_error();
    bool ready = !s->released || SSL_alloc_buffers(s->ssl) == 1;
    s->released = s->released && !ready;
    return ready;
}

static void spend_credit(struct dtls_session *s)
{
    if (s->ask_credit > 0) {
        s->ask_credit--;
        return;
    }
    s->failure.flood = true;
    s->wire.in = NULL;
}

/* SSL_set_msg_callback(3): each message before OpenSSL handles it, and the header of each record.
 */
static void on_message(int written, int version, int type, const void *data, size_t n, SSL *ssl,
                       void *arg)
{
    struct dtls_session *s = arg;
    (void)version;
    if (written || type == SSL3_RT_HEADER)
        return;
    s->accepted = true;
    if (type != SSL3_RT_HANDSHAKE)
        return;
    if (s->established)
        spend_credit(s);
    else if (s->verification && !tls_screen_peer(ssl, data, n, s->verification))
        s->failure.chain_refused = true;
}

static void on_info(const SSL *ssl, int where, int value)
{
    struct dtls_session *s =
        container_of(dtls_bio_of(SSL_get_rbio(ssl)), struct dtls_session, wire);
    if (!(where & SSL_CB_ALERT))
        return;
    if ((value & 0xff) == SSL_AD_NO_RENEGOTIATION && where & SSL_CB_WRITE)
        s->failure.renegotiation_refused = s->ctx->role == TLS_CLIENT;
    tls_failure_note_alert(&s->failure, ssl, where, value);
}

static void describe(struct dtls_session *s, struct error *err)
{
    /* It looks like TLS: the rest was dropped. */
    const struct tls_bio received = {.received_bytes = s->answered};
    s->failure.established = s->established;
    if (s->hello_returned)
        error_set(err, ERROR_NOT_TLS,
                  "the server sent our ClientHello back: it is a plain echo server, write udp://");
    else
        tls_failure_describe(&s->failure, s->ssl, &received, s->verification, err);
}

static enum dtls_status give_up(struct dtls_session *s, struct error *err)
{
    s->failed = true;
    error_set(err, ERROR_TIMEOUT, "no answer to a flight, however often it was sent");
    return DTLS_FAILED;
}

static enum dtls_status fail(struct dtls_session *s, struct error *err)
{
    s->failed = true;
    s->failure.reason = ERR_peek_last_error();
#ifdef SSL_R_RECORD_LAYER_FAILURE /* since 3.2, wraps the cause */
    if (ERR_GET_REASON(s->failure.reason) == SSL_R_RECORD_LAYER_FAILURE)
        s->failure.reason = ERR_peek_error();
#endif
    if (tls_memory_ran_out()) /* in a read or a write */
        s->failure.no_memory = true;
    /* OpenSSL retransmits by itself if a call comes after the time and before our timer. */
    if (ERR_GET_REASON(s->failure.reason) == SSL_R_READ_TIMEOUT_EXPIRED)
        return give_up(s, err);
    describe(s, err);
    return DTLS_FAILED;
}

/* Translates a failed `result` of OpenSSL. */
static enum dtls_status translate(struct dtls_session *s, int result, struct error *err)
{
    int reason = SSL_get_error(s->ssl, result);
    if (s->failure.flood)
        return fail(s, err);
    if (reason == SSL_ERROR_ZERO_RETURN)
        return DTLS_CLOSED;
    if (reason == SSL_ERROR_WANT_READ)
        return DTLS_WAIT;
    return fail(s, err);
}

/* A plain echo server answers with what it got. */
static bool is_client_hello(const unsigned char *data, size_t n)
{
    return dtls_record_look(data, n, NULL) == DTLS_RECORD_HELLO;
}

void dtls_session_feed(struct dtls_session *s, const unsigned char *data, size_t length)
{
    s->wire.in_n = dtls_trim(s->overhead ? s->overhead : dtls_trim_overhead(s->ssl), data, length);
    s->wire.in = s->wire.in_n > 0 ? data : NULL; /* an empty one is no record */
    s->answered = true;
    /* OpenSSL reports a message once all its parts are there. */
    s->accepted = !s->established && dtls_hello_is_fragment(data, length);
    if (s->ctx->role == TLS_CLIENT && !s->established && is_client_hello(data, length))
        s->hello_returned = true;
}

bool dtls_session_accepted(const struct dtls_session *s)
{
    return s->accepted;
}

void dtls_session_rest(struct dtls_session *s)
{
    if (s->established && !s->released && SSL_pending(s->ssl) == 0)
        s->released = SSL_free_buffers(s->ssl) == 1;
}

bool dtls_session_has_more(const struct dtls_session *s)
{
    return s->wire.in || SSL_has_pending(s->ssl);
}

static void count_accepted(struct dtls_session *s)
{
    if (s->accepted)
        s->vain = 0;
}

enum dtls_status dtls_session_handshake(struct dtls_session *s, struct error *err)
{
    begin(s);
    int result = SSL_do_handshake(s->ssl);
    count_accepted(s);
    if (result != 1 && tls_memory_ran_out())
        s->failure.no_memory = true;
    if (result != 1)
        return translate(s, result, err);
    s->established = true;
    s->overhead = dtls_trim_overhead(s->ssl);
    return DTLS_OK;
}

enum dtls_status dtls_session_read(struct dtls_session *s, void *data, size_t size,
                                   size_t *ret_length, struct error *err)
{
    *ret_length = 0;
    if (!begin(s))
        return fail(s, err);
    int result = SSL_read_ex(s->ssl, data, size, ret_length);
    count_accepted(s);
    if (result != 1) {
        enum dtls_status status = translate(s, result, err);
        if (status == DTLS_WAIT)
            dtls_session_rest(s);
        return status;
    }
    s->accepted = true;
    s->ask_credit += s->ask_credit < ASK_CREDIT;
    return DTLS_OK;
}

enum dtls_status dtls_session_write(struct dtls_session *s, const void *data, size_t length,
                                    struct error *err)
{
    size_t done;
    if (length == 0 || length > DTLS_DATA_MAX) {
        error_set(err, ERROR_INPUT, "a message over DTLS has 1 to %d bytes", DTLS_DATA_MAX);
        return DTLS_FAILED;
    }
    bool written = begin(s) && SSL_write_ex(s->ssl, data, length, &done) == 1;
    return written ? DTLS_OK : fail(s, err);
}

void dtls_session_close(struct dtls_session *s)
{
    if (s->closed || s->failed || !s->established)
        return;
    s->closed = true;
    if (begin(s))
        SSL_shutdown(s->ssl);
}

bool dtls_session_next(struct dtls_session *s, const unsigned char **ret, size_t *ret_length)
{
    return dtls_bio_take(&s->wire, ret, ret_length);
}

uint64_t dtls_session_timeout_us(const struct dtls_session *s)
{
    struct timeval left;
    if (s->failed || DTLSv1_get_timeout(s->ssl, &left) != 1)
        return UINT64_MAX;
    return (uint64_t)left.tv_sec * 1000000 + (uint64_t)left.tv_usec;
}

enum dtls_status dtls_session_retransmit(struct dtls_session *s, struct error *err)
{
    enum { FULL_SIZE = 2 }; /* so often */
    if (dtls_session_timeout_us(s) > 0)
        return DTLS_OK;
    if (!begin(s))
        return fail(s, err);
    if (++s->vain > FULL_SIZE)
        dtls_session_lower_mtu(s, 0);
    s->retransmissions++;
    if (DTLSv1_handle_timeout(s->ssl) >= 0)
        return DTLS_OK;
    return give_up(s, err);
}

unsigned dtls_session_retransmissions(const struct dtls_session *s)
{
    return s->retransmissions;
}

void dtls_session_lower_mtu(struct dtls_session *s, size_t mtu)
{
    /* Ethernet, the one that IPv6 guarantees less a tunnel, that of IPv4, the least. */
    static const size_t usual[] = {1472, DTLS_MTU_DEFAULT, 1024, 548};
    size_t next = DTLS_MTU_MIN;
    for (size_t i = 0; mtu == 0 && i < sizeof usual / sizeof *usual && next == DTLS_MTU_MIN; i++)
        if (usual[i] < s->mtu)
            next = usual[i];
    if (mtu > next)
        next = mtu;
    if (next >= s->mtu)
        return;
    SSL_set_mtu(s->ssl, (long)next);
    s->mtu = next;
}

size_t dtls_session_mtu(const struct dtls_session *s)
{
    return s->mtu;
}

size_t dtls_session_data_room(const struct dtls_session *s, size_t datagram)
{
    enum { BLOCK_BYTES = 16 }; /* of a cipher: padding stays the same */
    size_t missing = datagram < DTLS_MTU_MIN ? DTLS_MTU_MIN - datagram : 0;
    size_t more = (missing + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES;
    SSL_set_mtu(s->ssl, (long)(datagram + more)); /* OpenSSL takes none that is less */
    size_t room = DTLS_get_data_mtu(s->ssl);
    SSL_set_mtu(s->ssl, (long)s->mtu);
    room = room > more ? room - more : 0;
    return room < DTLS_DATA_MAX ? room : DTLS_DATA_MAX;
}

/* Goes on behind the cookie, which was checked. */
static int take_hello(struct dtls_session *s, const struct dtls_session_options *options,
                      struct error *err)
{
    BIO_ADDR *nobody = BIO_ADDR_new();
    dtls_session_feed(s, options->hello, options->hello_length);
    int result = nobody ? DTLSv1_listen(s->ssl, nobody) : -1;
    BIO_ADDR_free(nobody);
    dtls_bio_number_from(&s->wire, options->hello, options->hello_length);
    if (result > 0)
        return 0;
    return tls_error_set(err, nobody ? ERROR_TLS : ERROR_SYSTEM, "begin a DTLS session");
}

static int prepare(struct dtls_session *s, const struct dtls_session_options *options,
                   struct error *err)
{
    tls_memory_ran_out(); /* for another session */
    s->ssl = SSL_new(s->ctx->ssl);
    BIO *bio = s->ssl ? dtls_bio_bio(&s->wire) : NULL;
    if (!bio)
        return tls_error_set(err, ERROR_SYSTEM, "make a DTLS session");
    SSL_set_bio(s->ssl, bio, bio);
    SSL_set_info_callback(s->ssl, on_info);
    SSL_set_msg_callback(s->ssl, on_message);
    SSL_set_msg_callback_arg(s->ssl, s);
    if (SSL_set_mtu(s->ssl, (long)s->mtu) <= 0)
        return tls_error_set(err, ERROR_SYSTEM, "set the MTU of a DTLS session");
    if (tls_role_prepare(s->ctx, s->ssl, options->server_name, &s->verification, err) < 0)
        return -1;
    return s->ctx->role == TLS_SERVER ? take_hello(s, options, err) : 0;
}

int dtls_session_new(const struct dtls_session_options *options, struct dtls_session **ret,
                     struct error *err)
{
    struct dtls_session *s = calloc(1, sizeof *s);
    if (!s)
        return error_sys(err, "make a DTLS session");
    s->ctx = tls_context_ref(options->ctx);
    s->failure.alert = -1;
    s->ask_credit = ASK_CREDIT;
    s->mtu = options->mtu > 0 ? options->mtu : DTLS_MTU_DEFAULT;
    ERR_clear_error();
    if (prepare(s, options, err) < 0) {
        dtls_session_free(s);
        return -1;
    }
    *ret = s;
    return 0;
}

void dtls_session_free(struct dtls_session *s)
{
    if (!s)
        return;
    SSL_free(s->ssl);
    dtls_bio_done(&s->wire);
    tls_context_free(s->ctx);
    tls_verification_free(s->verification);
    free(s);
}
