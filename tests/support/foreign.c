/* SPDX-License-Identifier: MIT */
#include "foreign.h"

#include <check.h>
#include <openssl/err.h>
#include <string.h>
#include <unistd.h>

#include "pair.h"
#include "tlsecho/tls/tls_scratch.h"
#include "tlsecho/tls/transport_tls.h"

static void note_alert(const SSL *ssl, int where, int value)
{
    struct foreign_result *result = SSL_get_app_data(ssl);
    if (where == SSL_CB_READ_ALERT && (value & 0xff) != SSL_AD_CLOSE_NOTIFY)
        result->alert = value & 0xff;
}

void foreign_new(struct foreign *foreign, const char *version)
{
    int number = strcmp(version, "1.2") == 0 ? TLS1_2_VERSION : TLS1_3_VERSION;
    *foreign = (struct foreign){.ctx = SSL_CTX_new(TLS_client_method())};
    ck_assert_ptr_nonnull(foreign->ctx);
    SSL_CTX_set_min_proto_version(foreign->ctx, number);
    SSL_CTX_set_max_proto_version(foreign->ctx, number);
    SSL_CTX_set_security_level(foreign->ctx, 0); /* it presents weak certificates too */
    SSL_CTX_set_info_callback(foreign->ctx, note_alert);
}

void foreign_free(struct foreign *foreign)
{
    SSL_SESSION_free(foreign->session);
    SSL_CTX_free(foreign->ctx);
}

void foreign_present(struct foreign *foreign, const struct pki *leaf, const struct pki *issuer)
{
    STACK_OF(X509) *chain = sk_X509_new_null();
    if (issuer)
        sk_X509_push(chain, issuer->certificate);
    ck_assert_int_eq(SSL_CTX_use_cert_and_key(foreign->ctx, leaf->certificate, leaf->key, chain, 1),
                     1);
    sk_X509_free(chain);
}

/* Steps both until the server is through, or has sent its alert. */
static void step(SSL *client, struct transport *server, struct foreign_result *ret)
{
    enum { TURNS_MAX = 100 };
    struct error ignored;
    ret->status = IO_WANT_READ;
    for (int turn = 0; turn < TURNS_MAX && ret->status == IO_WANT_READ; turn++) {
        ERR_clear_error();
        SSL_do_handshake(client);
        ret->status = transport_handshake(server, &ret->err).status;
    }
    if (ret->status == IO_OK)
        ck_assert_int_eq(transport_write(server, "x", 1, &ignored).status, IO_OK);
    else
        transport_shutdown(server, &ignored);
}

static void note_server(SSL *client, struct foreign_result *ret)
{
    const unsigned char *staple;
    long staple_n = SSL_get_tlsext_status_ocsp_resp(client, &staple);
    X509 *certificate = SSL_get0_peer_certificate(client);
    if (certificate)
        X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, ret->server,
                                  sizeof ret->server);
    ret->chain = sk_X509_num(SSL_get_peer_cert_chain(client));
    if (staple_n <= 0)
        return;
    ck_assert_uint_le((size_t)staple_n, sizeof ret->staple);
    memcpy(ret->staple, staple, (size_t)staple_n);
    ret->staple_n = (size_t)staple_n;
}

struct foreign_result foreign_shake(struct foreign *foreign, struct tls_context *server)
{
    struct foreign_result result = {.alert = -1};
    struct tls_scratch *scratch = tls_scratch_new();
    struct transport *transport;
    int fds[2];
    char byte;
    pair_sockets(false, fds);
    struct transport_tls_options options = {.ctx = server, .scratch = scratch};
    ck_assert_int_eq(transport_tls_new(fds[1], &options, &transport, &result.err), 0);
    SSL *client = SSL_new(foreign->ctx);
    SSL_set_app_data(client, &result);
    SSL_set_fd(client, fds[0]);
    SSL_set_connect_state(client);
    SSL_SESSION *offer = foreign->session ? SSL_SESSION_dup(foreign->session) : NULL;
    if (offer)
        ck_assert_int_eq(SSL_set_session(client, offer), 1);
    if (foreign->sni)
        ck_assert_int_eq(SSL_set_tlsext_host_name(client, foreign->sni), 1);

    step(client, transport, &result);
    ERR_clear_error();
    ck_assert((SSL_read(client, &byte, 1) == 1) == (result.status == IO_OK));
    result.resumed = SSL_session_reused(client);
    result.cas = sk_X509_NAME_num(SSL_get0_peer_CA_list(client));
    transport_peer(transport, &result.peer);
    note_server(client, &result);

    SSL_SESSION_free(offer);
    if (result.status == IO_OK) {
        SSL_SESSION_free(foreign->session);
        foreign->session = SSL_get1_session(client);
    }
    SSL_set_shutdown(client, SSL_SENT_SHUTDOWN); /* or OpenSSL gives the session up */
    SSL_free(client);
    close(fds[0]);
    transport_free(transport);
    tls_scratch_free(scratch);
    return result;
}
