/* SPDX-License-Identifier: MIT */
/* What is known of the peer, and of what was negotiated with it. */
#include "tls_peer.h"

#include <string.h>

#include "tls_certificate.h"
#include "tls_ocsp.h"
#include "tls_verification.h"

#include "tlsecho/base/text.h"

static void copy_text(char *to, size_t size, const char *from)
{
    if (!from)
        return;
    size_t n = strnlen(from, size - 1);
    memcpy(to, from, n);
    to[n] = '\0';
}

static const char *group_name(SSL *ssl)
{
    static const struct {
        int nid;
        const char *name;
    } usual[] = {{NID_X25519, "X25519"},
                 {NID_X9_62_prime256v1, "P-256"},
                 {NID_secp384r1, "P-384"},
                 {NID_secp521r1, "P-521"},
                 {EVP_PKEY_X448, "X448"}};
    int nid = (int)SSL_get_negotiated_group(ssl);
    if (nid == NID_undef)
        return NULL;
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
        if (usual[i].nid == nid)
            return usual[i].name;
    return SSL_group_to_name(ssl, nid);
}

/* A PSS scheme has two names, one for each kind of key. */
static bool is_pss_key(SSL *ssl)
{
    X509 *certificate =
        SSL_is_server(ssl) ? SSL_get_certificate(ssl) : SSL_get0_peer_certificate(ssl);
    return certificate && EVP_PKEY_is_a(X509_get0_pubkey(certificate), "RSA-PSS");
}

/* The scheme of the server's signature, at both ends, named as in RFC 8446 §4.2.3. TLS 1.2 has the
 * same numbers, but they do not fix the curve. */
static const char *signature_name(SSL *ssl)
{
    enum { PSS_KEY = -1 }; /* no NID */
    static const struct {
        int type, digest;
        const char *name;
    } known[] = {{PSS_KEY, NID_sha256, "rsa_pss_pss_sha256"},
                 {PSS_KEY, NID_sha384, "rsa_pss_pss_sha384"},
                 {PSS_KEY, NID_sha512, "rsa_pss_pss_sha512"},
                 {EVP_PKEY_EC, NID_sha256, "ecdsa_secp256r1_sha256"},
                 {EVP_PKEY_EC, NID_sha384, "ecdsa_secp384r1_sha384"},
                 {EVP_PKEY_EC, NID_sha512, "ecdsa_secp521r1_sha512"},
                 {EVP_PKEY_RSA_PSS, NID_sha256, "rsa_pss_rsae_sha256"},
                 {EVP_PKEY_RSA_PSS, NID_sha384, "rsa_pss_rsae_sha384"},
                 {EVP_PKEY_RSA_PSS, NID_sha512, "rsa_pss_rsae_sha512"},
                 {EVP_PKEY_RSA, NID_sha256, "rsa_pkcs1_sha256"},
                 {EVP_PKEY_RSA, NID_sha384, "rsa_pkcs1_sha384"},
                 {EVP_PKEY_RSA, NID_sha512, "rsa_pkcs1_sha512"},
                 {EVP_PKEY_ED25519, NID_undef, "ed25519"},
                 {EVP_PKEY_ED448, NID_undef, "ed448"}};
    int type = NID_undef, digest = NID_undef;
    bool server = SSL_is_server(ssl);
    int (*get_type)(const SSL *, int *) =
        server ? SSL_get_signature_type_nid : SSL_get_peer_signature_type_nid;
    if (SSL_session_reused(ssl) || get_type(ssl, &type) != 1)
        return NULL; /* no signature */
    if (server)
        SSL_get_signature_nid(ssl, &digest);
    else
        SSL_get_peer_signature_nid(ssl, &digest);
    if (type == EVP_PKEY_RSA_PSS && is_pss_key(ssl))
        type = PSS_KEY;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].type == type && known[i].digest == digest)
            return known[i].name;
    return NULL;
}

static void describe_handshake(SSL *ssl, struct peer *ret)
{
    copy_text(ret->version, sizeof ret->version, SSL_get_version(ssl));
    copy_text(ret->cipher, sizeof ret->cipher,
              SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl)));
    copy_text(ret->group, sizeof ret->group, group_name(ssl));
    copy_text(ret->signature, sizeof ret->signature, signature_name(ssl));
    ret->resumed = SSL_session_reused(ssl);

    const unsigned char *alpn = NULL;
    unsigned alpn_bytes = 0;
    SSL_get0_alpn_selected(ssl, &alpn, &alpn_bytes);
    text_copy(alpn, alpn_bytes, ret->alpn, sizeof ret->alpn);
}

/* A client has the server's certificate even if it was refused. */
static X509 *certificate_of(SSL *ssl, const struct tls_verification *verification)
{
    if (!SSL_is_server(ssl))
        return sk_X509_value(verification->chain, 0);
    return SSL_is_init_finished(ssl) ? SSL_get0_peer_certificate(ssl) : NULL;
}

void tls_peer_describe(SSL *ssl, const struct tls_verification *verification, bool established,
                       struct peer *ret)
{
    *ret = (struct peer){.tls = true};
    copy_text(ret->sni, sizeof ret->sni, SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
    if (established || SSL_is_init_finished(ssl))
        describe_handshake(ssl, ret);
    if (*ret->version && !ret->resumed && !SSL_is_server(ssl))
        copy_text(ret->staple, sizeof ret->staple, tls_ocsp_name(verification->staple));

    X509 *certificate = certificate_of(ssl, verification);
    if (!certificate)
        return;
    tls_certificate_describe(certificate, &ret->certificate);
    /* A resumed session contains the result of its verification. */
    ret->certificate.verified = SSL_get_verify_result(ssl) == X509_V_OK;
    if (verification)
        copy_text(ret->verification, sizeof ret->verification,
                  *verification->text ? verification->text : "ok");
}

void tls_peer_exporter(SSL *ssl, char ret[TLS_EXPORTER_BYTES])
{
    static const char label[] = "EXPORTER-Channel-Binding"; /* RFC 9266 §2, an empty context */
    unsigned char value[(TLS_EXPORTER_BYTES - 1) / 2];
    bool unique = SSL_version(ssl) == TLS1_3_VERSION || SSL_get_extms_support(ssl) == 1;
    if (!SSL_is_init_finished(ssl) || !unique ||
        SSL_export_keying_material(ssl, value, sizeof value, label, sizeof label - 1,
                                   (const unsigned char *)"", 0, 1) != 1)
        return;
    for (size_t i = 0; i < sizeof value; i++)
        snprintf(ret + i * 2, 3, "%02x", value[i]);
}

void tls_peer_own_sha256(SSL *ssl, char ret[PEER_SHA256_BYTES])
{
    struct peer_certificate about;
    bool shown = SSL_is_init_finished(ssl) && !(SSL_is_server(ssl) && SSL_session_reused(ssl));
    X509 *own = shown ? SSL_get_certificate(ssl) : NULL;
    if (!own)
        return;
    tls_certificate_describe(own, &about);
    copy_text(ret, PEER_SHA256_BYTES, about.sha256);
}

void tls_peer_names(SSL *ssl, char ret[TLS_NAMES_BYTES])
{
    X509 *certificate = SSL_is_init_finished(ssl) ? SSL_get0_peer_certificate(ssl) : NULL;
    char *names = certificate ? tls_certificate_all_names(certificate) : NULL;
    size_t used = 0;
    for (const char *name = names; name && *name; name += strlen(name) + 1) {
        size_t n = strlen(name) + 1;
        if (used + n + 1 > TLS_NAMES_BYTES)
            break;
        memcpy(ret + used, name, n);
        used += n;
    }
    ret[used] = '\0';
    OPENSSL_free(names);
}
