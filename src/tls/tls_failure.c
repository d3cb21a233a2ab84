/* SPDX-License-Identifier: MIT */
#include "tls_failure.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "tls_bio.h"
#include "tls_screen_peer.h"
#include "tls_verification.h"

#include "tls_meaning.h"
#include "tlsecho/net/proxy.h"
#include "tlsecho/tls/tls_alert.h"

/* A record header (RFC 8446 §5.1) starts with a known type and major version 3. */
static bool looks_like_tls(const struct tls_bio *wire)
{
    if (wire->first_n < 2)
        return true;
    return wire->first[0] >= SSL3_RT_CHANGE_CIPHER_SPEC &&
           wire->first[0] <= SSL3_RT_APPLICATION_DATA && wire->first[1] == 3;
}

/* A server never sends a ClientHello: a plain echo server returned ours. */
static bool is_our_client_hello(const struct tls_bio *wire)
{
    return wire->first_n >= 6 && wire->first[0] == SSL3_RT_HANDSHAKE &&
           wire->first[5] == SSL3_MT_CLIENT_HELLO;
}

static bool is_http(const struct tls_bio *wire)
{
    static const char *const methods[] = {"GET ", "HEAD", "POST", "PUT ", "OPTI", "DELE", "CONN"};
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (wire->first_n >= 4 && memcmp(wire->first, methods[i], 4) == 0)
            return true;
    return false;
}

enum { FIRST_TEXT_BYTES = 3 * TLS_BIO_FIRST_BYTES + 1, ALERT_TEXT_BYTES = 40 };

static bool is_text(const unsigned char *data, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((data[i] < ' ' || data[i] > '~') && data[i] != '\r' && data[i] != '\n')
            return false;
    return true;
}

/* In quotes if it is text, "SSH-2.0-", up to the end of its line; else in hex, c8 c9 00. */
static void first_text(const struct tls_bio *wire, char ret[FIRST_TEXT_BYTES])
{
    if (is_text(wire->first, wire->first_n)) {
        size_t n = 0;
        while (n < wire->first_n && wire->first[n] >= ' ')
            n++;
        snprintf(ret, FIRST_TEXT_BYTES, "\"%.*s\"", (int)n, (const char *)wire->first);
        return;
    }
    for (size_t i = 0; i < wire->first_n; i++)
        snprintf(ret + 3 * i, 4, "%02x ", wire->first[i]);
    ret[3 * wire->first_n - 1] = '\0'; /* at least two bytes were received */
}

static void describe_not_tls(const struct tls_bio *wire, bool server, struct error *err)
{
    if (server && is_http(wire)) {
        error_set(err, ERROR_NOT_TLS, "a plain HTTP request on a TLS port");
        return;
    }
    if (!server && proxy_begins(wire->first, wire->first_n)) {
        error_set(err, ERROR_NOT_TLS,
                  "our PROXY header came back: it is a plain echo server that expects none, leave "
                  "out --proxy-protocol, and --tls or write tcp://");
        return;
    }
    char bytes[FIRST_TEXT_BYTES];
    first_text(wire, bytes);
    if (server)
        error_set(err, ERROR_NOT_TLS,
                  "not TLS: the first bytes were %s; a plain client on a TLS port?", bytes);
    else
        error_set(
            err, ERROR_NOT_TLS,
            "the server does not use TLS (its first bytes were %s): leave out --tls, or write "
            "tcp://",
            bytes);
}

/* RFC 8446 §6.2: the alerts about the client certificate, or its absence. */
static bool is_about_certificate(int alert)
{
    switch (alert) {
    case TLS_ALERT_BAD_CERTIFICATE:
    case TLS_ALERT_UNSUPPORTED_CERTIFICATE:
    case TLS_ALERT_CERTIFICATE_REVOKED:
    case TLS_ALERT_CERTIFICATE_EXPIRED:
    case TLS_ALERT_CERTIFICATE_UNKNOWN:
    case TLS_ALERT_UNKNOWN_CA:
    case TLS_ALERT_ACCESS_DENIED:
    case TLS_ALERT_CERTIFICATE_REQUIRED:
        return true;
    }
    return false;
}

static bool refused_our_certificate(const struct tls_failure *failure, const SSL *ssl,
                                    const struct tls_verification *verification)
{
    if (SSL_is_server(ssl) || !verification->requested_client_certificate ||
        !failure->alert_received)
        return false;
    if (is_about_certificate(failure->alert))
        return true;
    /* TLS 1.2 has no certificate_required: the server may send handshake_failure (RFC 5246 §7.4.6).
     */
    return failure->alert == TLS_ALERT_HANDSHAKE_FAILURE && !SSL_get_certificate(ssl) &&
           SSL_version(ssl) != TLS1_3_VERSION;
}

/* About a version that this program does not support. False: another cause. */
static bool describe_old_version(const struct tls_failure *failure, SSL *ssl, struct error *err)
{
    static const char *const names[] = {"SSL 3.0", "TLS 1.0", "TLS 1.1"};
    unsigned seen = failure->server_version;
    if (failure->established || SSL_is_dtls(ssl) || failure->alert != TLS_ALERT_PROTOCOL_VERSION)
        return false;
    if (seen >= SSL3_VERSION && seen < TLS1_2_VERSION) {
        error_set(err, ERROR_TLS,
                  "the server speaks %s, which is obsolete (RFC 8996): upgrade it, this client "
                  "speaks TLS 1.2 and 1.3 only",
                  names[seen - SSL3_VERSION]);
        return true;
    }
    long max = SSL_get_max_proto_version(ssl);
    if (!failure->alert_received || SSL_get_min_proto_version(ssl) > TLS1_2_VERSION ||
        (max != 0 && max < TLS1_3_VERSION))
        return false;
    error_set(err, ERROR_TLS,
              "the server refuses TLS 1.2 and 1.3 (alert protocol_version), so it speaks only "
              "versions up to TLS 1.1, which are obsolete (RFC 8996): upgrade it");
    return true;
}

/* "handshake_failure"; "number 200" where the registry has no name. */
static const char *alert_text(int alert, char ret[ALERT_TEXT_BYTES])
{
    const char *name = tls_alert_name(alert);
    if (strcmp(name, tls_alert_name(-1)) == 0)
        snprintf(ret, ALERT_TEXT_BYTES, "number %d", alert);
    else
        snprintf(ret, ALERT_TEXT_BYTES, "%s", name);
    return ret;
}

static void describe_alert_of_server(const struct tls_failure *failure, const char *alert,
                                     struct error *err)
{
    error_set(err, ERROR_TLS, "the server sent the alert %s: %s", alert,
              tls_meaning_of_alert(failure->alert, failure->established));
    err->code = ERROR_CODE_ALERT;
}

static void describe_alert(const struct tls_failure *failure, SSL *ssl,
                           const struct tls_verification *verification, struct error *err)
{
    char alert[ALERT_TEXT_BYTES];
    alert_text(failure->alert, alert);
    if (SSL_is_server(ssl))
        error_set(err, ERROR_TLS, "the client sent the alert %s", alert);
    else if (failure->renegotiation_refused)
        error_set(err, ERROR_TLS,
                  "the server asked for renegotiation, which is refused (RFC 9325 §3.5), and "
                  "closed the connection (alert %s): let it ask for a certificate in the first "
                  "handshake, or use TLS 1.3",
                  alert);
    else if (!refused_our_certificate(failure, ssl, verification))
        describe_alert_of_server(failure, alert, err);
    else if (SSL_get_certificate(ssl))
        error_set(err, ERROR_CLIENT_CERTIFICATE,
                  "the server refused our certificate (alert %s): is it one that its CA issued, "
                  "in date and not revoked?",
                  alert);
    else
        error_set(err, ERROR_CLIENT_CERTIFICATE,
                  "the server requires a client certificate (alert %s): give --cert and --key",
                  alert);
}

/* The peer's certificate was refused; the verification has the reason. */
static bool is_about_certificate_of_peer(const struct tls_failure *failure,
                                         const struct tls_verification *verification)
{
    int code = ERR_GET_REASON(failure->reason);
    return verification && *verification->text &&
           (failure->chain_refused || code == SSL_R_CERTIFICATE_VERIFY_FAILED ||
            code == SSL_R_INVALID_STATUS_RESPONSE);
}

/* SSL_CTX_set_max_cert_list(3) */
static bool is_chain_too_long(int code, SSL *ssl)
{
    OSSL_HANDSHAKE_STATE state = SSL_get_state(ssl);
    return code == SSL_R_EXCESSIVE_MESSAGE_SIZE &&
           (state == TLS_ST_SR_CERT || state == TLS_ST_CR_CERT);
}

static void describe_verification(const struct tls_failure *failure,
                                  const struct tls_verification *verification, struct error *err)
{
    enum error_kind kind = tls_verification_error_kind(verification);
    if (verification->remedy)
        error_set(err, kind, "%s: %s", verification->text, verification->remedy);
    else
        error_set(err, kind, "%s", verification->text);
    err->code = failure->chain_refused ? ERROR_CODE_UNREAD : 0;
}

static bool is_short_of_memory(const struct tls_failure *failure,
                               const struct tls_verification *verification)
{
    return failure->no_memory || ERR_GET_REASON(failure->reason) == ERR_R_MALLOC_FAILURE ||
           (verification && verification->error == X509_V_ERR_OUT_OF_MEM);
}

/* A description of a flood; NULL = another cause. */
static const char *flood_of(const struct tls_failure *failure)
{
    if (failure->flood)
        return "too many key updates or attempts at renegotiation for so little data";
    switch (ERR_GET_REASON(failure->reason)) {
    case SSL_R_RECORD_TOO_SMALL:
        return "too many empty records in a row";
    case SSL_R_TOO_MANY_WARN_ALERTS:
        return "too many warning alerts in a row";
    }
    return NULL;
}

/* OpenSSL's reason, of a server with what it means to the user of a client. */
static void describe_reason(const struct tls_failure *failure, bool server, bool answered,
                            struct error *err)
{
    const char *text = ERR_reason_error_string(failure->reason);
    const char *reason = text ? text : "the TLS protocol failed";
    struct tls_meaning meaning = tls_meaning_of_reason(failure->reason);
    if (server)
        error_set(err, ERROR_TLS, "%s", reason);
    else if (!answered)
        error_set(err, ERROR_TLS,
                  "no ClientHello can be made (%s): the versions, ciphers, groups and signatures "
                  "of the options and of OPENSSL_CONF do not go together",
                  reason);
    else if (!failure->established && (failure->alert == SSL_AD_HANDSHAKE_FAILURE ||
                                       failure->alert == SSL_AD_INSUFFICIENT_SECURITY))
        error_set(err, ERROR_TLS, "%s: %s", reason, tls_meaning_of_alert(failure->alert, false));
    else if (!failure->established)
        error_set(err, ERROR_TLS, "%s (%s): %s", meaning.what, reason, meaning.remedy);
    else if (tls_meaning_is_no_record(failure->reason))
        error_set(err, ERROR_TLS,
                  "the received data is not a record of this session (%s): something on the way "
                  "changed or "
                  "injected bytes; compare what both ends sent and received",
                  reason);
    else
        error_set(err, ERROR_TLS, "the server sent invalid TLS (%s): see its log", reason);
}

/* OpenSSL has a reason for each fatal alert (SSL_AD_REASON_OFFSET), those too that end without one
 * when they are warnings. */
static struct tls_failure with_alert(const struct tls_failure *failure)
{
    struct tls_failure ret = *failure;
    int code = ERR_GET_REASON(failure->reason) - SSL_AD_REASON_OFFSET;
    if (ERR_GET_LIB(failure->reason) == ERR_LIB_SSL && code >= 0 && code <= UINT8_MAX) {
        ret.alert = code;
        ret.alert_received = true;
    }
    return ret;
}

static void describe(const struct tls_failure *failure, SSL *ssl, const struct tls_bio *wire,
                     const struct tls_verification *verification, struct error *err)
{
    bool server = SSL_is_server(ssl);
    int code = ERR_GET_REASON(failure->reason);
    const char *flood = flood_of(failure);
    if (is_short_of_memory(failure, verification)) {
        errno = ENOMEM;
        error_sys(err, failure->established ? "memory for a TLS record"
                                            : "memory for the TLS handshake");
    } else if (flood) {
        error_set(err, ERROR_FLOOD, "%s", flood);
    } else if (!looks_like_tls(wire)) {
        describe_not_tls(wire, server, err);
    } else if (!server && is_our_client_hello(wire)) {
        error_set(
            err, ERROR_NOT_TLS,
            "the server sent our ClientHello back: it is a plain echo server, leave out --tls, or "
            "write tcp://");
    } else if (!server && describe_old_version(failure, ssl, err)) {
        return;
    } else if (failure->alert_received) {
        describe_alert(failure, ssl, verification, err);
    } else if (is_about_certificate_of_peer(failure, verification)) {
        describe_verification(failure, verification, err);
    } else if (code == SSL_R_CALLBACK_FAILED && failure->alert == SSL_AD_ILLEGAL_PARAMETER) {
        error_set(err, ERROR_TLS, "too many key shares in a ClientHello");
    } else if (is_chain_too_long(code, ssl)) {
        error_set(err, ERROR_UNTRUSTED, "the %s's chain is refused, as it has more than %d KiB",
                  server ? "client" : "server",
                  (server ? TLS_CLIENT_CHAIN_BYTES : TLS_SERVER_CHAIN_BYTES) / 1024);
        err->code = ERROR_CODE_UNREAD;
    } else if (code == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) {
        error_set(err, ERROR_UNTRUSTED, "no client certificate, and one is required");
    } else {
        describe_reason(failure, server, wire->received_bytes > 0, err);
    }
}

void tls_failure_describe(const struct tls_failure *failure, SSL *ssl, const struct tls_bio *wire,
                          const struct tls_verification *verification, struct error *err)
{
    struct tls_failure known = with_alert(failure);
    describe(&known, ssl, wire, verification, err);
    err->alert = known.alert;
}

void tls_failure_note_alert(struct tls_failure *failure, const SSL *ssl, int where, int value)
{
    int alert = value & 0xff;
    bool ends = alert == SSL_AD_CLOSE_NOTIFY || alert == SSL_AD_USER_CANCELLED;
    bool fatal =
        value >> 8 == SSL3_AL_FATAL || SSL_version(ssl) == TLS1_3_VERSION; /* RFC 8446 §6 */
    if (ends || !fatal)
        return;
    failure->alert = alert;
    failure->alert_received = where & SSL_CB_READ;
}
