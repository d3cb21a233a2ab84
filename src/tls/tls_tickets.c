/* SPDX-License-Identifier: MIT */
/* A server's tickets, in which its sessions are kept (RFC 5077, RFC 8446 §4.6.1). */
#include "tls_tickets.h"

#include <endian.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>
#include <time.h>

#include "tls_certificate.h"
#include "tls_context_internal.h"
#include "tls_files.h"

#include "tls_ticket_keys.h"
#include "tlsecho/base/clock.h"

static int current_keys(const struct tls_context *ctx, struct tls_ticket_keys *ret)
{
    if (!ctx->ticket_keys)
        return tls_ticket_keys_own((int64_t)(clock_now_us() / 1000000), ret);
    *ret = *ctx->ticket_keys;
    return 0;
}

/* What SSL_CTX_set_tlsext_ticket_key_evp_cb(3) passes to its callback. */
struct ticket_seal {
    unsigned char *name, *iv; /* written when sealing, else read */
    EVP_CIPHER_CTX *cipher;
    EVP_MAC_CTX *mac;
    int sealing;
};

static bool use_key(struct tls_ticket_key *key, const struct ticket_seal *seal)
{
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->hmac, sizeof key->hmac),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_END};
    return EVP_MAC_CTX_set_params(seal->mac, params) == 1 &&
           EVP_CipherInit_ex(seal->cipher, EVP_aes_256_cbc(), NULL, key->aes, seal->iv,
                             seal->sealing) == 1;
}

/* SSL_CTX_set_tlsext_ticket_key_evp_cb(3): -1 = failed, 0 = unknown key, 1 = done, 2 = done, and
 * the client should get a newer ticket. */
static int apply_keys(struct tls_ticket_keys *keys, const struct ticket_seal *seal)
{
    size_t i = 0;
    if (seal->sealing) {
        if (RAND_bytes(seal->iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1)
            return -1;
        memcpy(seal->name, keys->key[0].name, sizeof keys->key[0].name);
    } else {
        while (i < keys->count &&
               memcmp(seal->name, keys->key[i].name, sizeof keys->key[i].name) != 0)
            i++;
        if (i == keys->count)
            return 0;
    }
    if (!use_key(&keys->key[i], seal))
        return -1;
    return i == 0 ? 1 : 2;
}

static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                     EVP_MAC_CTX *mac, int sealing)
{
    const struct tls_context *ctx = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    struct tls_ticket_keys keys;
    if (current_keys(ctx, &keys) < 0)
        return -1;
    struct ticket_seal seal = {
        .name = name, .iv = iv, .cipher = cipher, .mac = mac, .sealing = sealing};
    int result = apply_keys(&keys, &seal);
    OPENSSL_cleanse(&keys, sizeof keys);
    return result;
}

/* When the first certificate of a chain expires, in seconds since 1970. */
static int64_t chain_expires(STACK_OF(X509) * chain)
{
    int64_t earliest = INT64_MAX;
    for (int i = 0; i < sk_X509_num(chain); i++) {
        int64_t end = tls_certificate_date_seconds(X509_get0_notAfter(sk_X509_value(chain, i)));
        if (end < earliest)
            earliest = end;
    }
    return earliest;
}

/* The client authentication that a ticket contains: a session contains the certificate, but neither
 * its chain nor when it was verified. In network byte order, as hosts of a cluster may differ. */
struct proof {
    uint64_t made_be;  /* when the client signed with its key, in seconds since 1970 */
    uint64_t until_be; /* when its chain expires, likewise */
};

/*
 * SSL_CTX_set_session_ticket_cb(3): a ticket is being made. Tickets of a resumed session, which has
 * no chain, keep the original proof (RFC 8446 §4.6.1).
 */
static int on_sealing(SSL *ssl, void *arg)
{
    (void)arg;
    STACK_OF(X509) *chain = SSL_get0_verified_chain(ssl);
    if (!chain)
        return 1;
    struct proof proof = {.made_be = htobe64((uint64_t)time(NULL)),
                          .until_be = htobe64((uint64_t)chain_expires(chain))};
    return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), &proof, sizeof proof);
}

/* Whether the proof is still valid: at most a day old, and not from the future, except for
 * differences between the clocks of a cluster. */
static bool is_proof_fresh(SSL_SESSION *session, int64_t now)
{
    enum { PROOF_SECONDS = 24 * 3600, CLOCKS_DIFFER_SECONDS = 300 };
    void *data;
    size_t n;
    struct proof proof;
    if (SSL_SESSION_get0_ticket_appdata(session, &data, &n) != 1 || n != sizeof proof)
        return false;
    memcpy(&proof, data, sizeof proof);
    int64_t age = now - (int64_t)be64toh(proof.made_be);
    return age < PROOF_SECONDS && age >= -CLOCKS_DIFFER_SECONDS &&
           (int64_t)be64toh(proof.until_be) > now;
}

/* Whether the client's proof and the CRLs are still in date, as they were when the session began.
 */
static bool still_holds(const struct tls_context *ctx, SSL_SESSION *session)
{
    int64_t now = time(NULL), date;
    return !SSL_SESSION_get0_peer(session) ||
           (is_proof_fresh(session, now) &&
            tls_context_crl_state(ctx, now, &date) == TLS_CRL_IN_DATE);
}

/* TLS 1.2 resumes with the session's cipher (RFC 5246 §7.3), and OpenSSL does not check that it is
 * still enabled; TLS 1.3 selects one again. */
static bool is_cipher_ours(const SSL *ssl, const SSL_SESSION *session)
{
    STACK_OF(SSL_CIPHER) *ours = SSL_get_ciphers(ssl);
    if (SSL_version(ssl) == TLS1_3_VERSION)
        return true;
    for (int i = 0; i < sk_SSL_CIPHER_num(ours); i++)
        if (sk_SSL_CIPHER_value(ours, i) == SSL_SESSION_get0_cipher(session))
            return true;
    return false;
}

/* SSL_CTX_set_session_ticket_cb(3): a ticket was opened, or could not be. */
static SSL_TICKET_RETURN on_opened(SSL *ssl, SSL_SESSION *session, const unsigned char *name,
                                   size_t n, SSL_TICKET_STATUS status, void *arg)
{
    (void)name, (void)n;
    bool old = status == SSL_TICKET_SUCCESS_RENEW;
    if ((!old && status != SSL_TICKET_SUCCESS) || !still_holds(arg, session) ||
        !is_cipher_ours(ssl, session))
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    /* RFC 8446 appendix C.4: each ticket is used once, or observers could link connections. */
    bool once = SSL_version(ssl) == TLS1_3_VERSION;
    return old || once ? SSL_TICKET_RETURN_USE_RENEW : SSL_TICKET_RETURN_USE;
}

bool tls_tickets_install(struct tls_context *ctx)
{
    return SSL_CTX_set_app_data(ctx->ssl, ctx) &&
           SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx->ssl, on_ticket) &&
           SSL_CTX_set_session_ticket_cb(ctx->ssl, on_sealing, on_opened, ctx);
}

int tls_context_use_ticket_keys(struct tls_context *ctx, const char *path, struct error *err)
{
    struct tls_ticket_keys *keys = OPENSSL_zalloc(sizeof *keys);
    if (!keys)
        return error_set(err, ERROR_SYSTEM, "read %s: no memory", path);
    if (tls_ticket_keys_read(path, ctx->key_files == TLS_KEY_FILES_ANY, keys, err) < 0) {
        OPENSSL_free(keys);
        return -1;
    }
    tls_tickets_free(ctx);
    ctx->ticket_keys = keys;
    return tls_files_warn(ctx, path, true, err);
}

void tls_tickets_free(struct tls_context *ctx)
{
    OPENSSL_clear_free(ctx->ticket_keys, sizeof *ctx->ticket_keys);
    ctx->ticket_keys = NULL;
}
