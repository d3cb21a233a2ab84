/* SPDX-License-Identifier: MIT */
/*
 * A client's session file: a line with server name and client certificate, the session, and the
 * server's certificates. A resumed handshake has none, so these are verified again before the
 * session is offered.
 */
#include "tls_session.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tls_certificate.h"
#include "tls_context_internal.h"
#include "tls_error.h"
#include "tls_once.h"
#include "tls_pem.h"
#include "tls_verification.h"
#include "tls_verify.h"

#define FIRST_WORDS "tlsecho session with "

enum { OWNER_BYTES = sizeof FIRST_WORDS + PEER_NAME_BYTES + PEER_SHA256_BYTES + 16 };

struct saved {
    char owner[OWNER_BYTES]; /* the file's first line: server name, and our certificate */
    SSL_SESSION *session;    /* NULL = none */
    STACK_OF(X509) * chain;  /* the server's, leaf first */
};

struct tls_session_file {
    char path[PATH_MAX];
    struct saved old; /* as read from the file */
    struct saved new; /* the newest from the server */
};

static atomic_int file_index;

static void saved_free(struct saved *saved)
{
    SSL_SESSION_free(saved->session);
    sk_X509_pop_free(saved->chain, X509_free);
    *saved = (struct saved){.session = NULL};
}

void tls_session_file_free(struct tls_session_file *file)
{
    if (!file)
        return;
    saved_free(&file->old);
    saved_free(&file->new);
    free(file);
}

static bool read_session(const struct tls_pem *pem, struct saved *ret)
{
    BIO *in = BIO_new_mem_buf(pem->data, (int)pem->n);
    int length = in ? BIO_gets(in, ret->owner, sizeof ret->owner) : 0;
    bool ours = length > 0 && strncmp(ret->owner, FIRST_WORDS, strlen(FIRST_WORDS)) == 0;
    bool asked = false;
    if (ours)
        ret->session = PEM_read_bio_SSL_SESSION(in, NULL, tls_pem_refuse_passphrase, &asked);
    BIO_free(in);
    ERR_clear_error();
    return ret->session;
}

/* Checks in advance that the session can be saved. */
static int check_folder(const char *path, struct error *err)
{
    char copy[PATH_MAX];
    snprintf(copy, sizeof copy, "%s", path);
    if (access(dirname(copy), W_OK | X_OK) == 0)
        return 0;
    error_sys(err, "save a session as %s", path);
    err->kind = ERROR_INPUT;
    return -1;
}

/* A missing or empty file has no session. Write access to it allows impersonating the server, as it
 * contains the keys of the next connection. */
static int load(struct tls_session_file *file, struct error *err)
{
    struct tls_pem pem;
    if (tls_pem_open(file->path, TLS_PEM_OURS, &pem, err) < 0)
        return err->code == ENOENT ? 0 : -1;

    int result = 0;
    if (pem.n > 0 && !read_session(&pem, &file->old))
        result = error_set(err, ERROR_INPUT,
                           "%s is not a session file and is not overwritten: name another file",
                           file->path);
    else if (pem.n > 0)
        result = tls_pem_certificates(&pem, &file->old.chain, err);
    tls_pem_close(&pem);
    return result;
}

/* The first line for a session of ssl. */
static int describe_owner(SSL *ssl, char ret[OWNER_BYTES], struct error *err)
{
    struct peer_certificate own = {.present = false};
    X509 *certificate = SSL_get_certificate(ssl);
    char *name = tls_verify_name(SSL_get0_param(ssl));
    if (!name)
        return error_set(err, ERROR_SYSTEM, "no memory for a session");
    if (certificate)
        tls_certificate_describe(certificate, &own);
    snprintf(ret, OWNER_BYTES, FIRST_WORDS "%s%s%s\n", name, certificate ? " as " : "", own.sha256);
    OPENSSL_free(name);
    return 0;
}

int tls_session_offer(struct tls_context *ctx, SSL *ssl, struct error *err)
{
    struct tls_session_file *file = ctx->session_file;
    if (!file)
        return 0;
    if (describe_owner(ssl, file->new.owner, err) < 0)
        return -1;

    if (!file->old.session || strcmp(file->old.owner, file->new.owner) != 0)
        return 0;
    if (SSL_set_session(ssl, file->old.session) != 1)
        return tls_error_set(err, ERROR_SYSTEM, "offer a session");
    if (!tls_verify_again(
            ctx, ssl, file->old.chain)) /* after SSL_set_session, which sets the earlier result */
        SSL_set_session(ssl, NULL);
    return 0;
}

/* SSL_CTX_sess_set_new_cb(3). 1: the session is ours to free. */
static int on_session(SSL *ssl, SSL_SESSION *session)
{
    struct tls_session_file *file = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), file_index);
    STACK_OF(X509) *chain = X509_chain_up_ref(tls_verification_of(ssl)->chain);
    if (!chain || !SSL_SESSION_is_resumable(session)) {
        sk_X509_pop_free(chain, X509_free);
        return 0;
    }
    SSL_SESSION_free(file->new.session);
    sk_X509_pop_free(file->new.chain, X509_free);
    file->new.session = session;
    file->new.chain = chain;
    return 1;
}

int tls_context_use_session_file(struct tls_context *ctx, const char *path, struct error *err)
{
    if (strlen(path) >= PATH_MAX)
        return error_set(err, ERROR_INPUT, "the path %.100s... is too long", path);
    struct tls_session_file *file = calloc(1, sizeof *file);
    if (!file)
        return error_sys(err, "no memory for a session");
    strcpy(file->path, path);
    if (check_folder(file->path, err) < 0 || load(file, err) < 0) {
        tls_session_file_free(file);
        return -1;
    }

    int index = tls_once_index(&file_index, CRYPTO_EX_INDEX_SSL_CTX);
    if (SSL_CTX_set_ex_data(ctx->ssl, index, file) != 1) {
        tls_session_file_free(file);
        return tls_error_set(err, ERROR_SYSTEM, "use a session file");
    }
    tls_session_file_free(ctx->session_file);
    ctx->session_file = file;
    SSL_CTX_set_session_cache_mode(ctx->ssl, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx->ssl, on_session);
    return 0;
}

int tls_context_save_session(struct tls_context *ctx, struct error *err)
{
    struct tls_session_file *file = ctx->session_file;
    if (!file || !file->new.session)
        return 0;

    /* Memory that OpenSSL overwrites before it frees it: the session is a secret. */
    BIO *out = BIO_new(BIO_s_mem());
    bool complete = out && BIO_puts(out, file->new.owner) > 0 &&
                    PEM_write_bio_SSL_SESSION(out, file->new.session);
    for (int i = 0; complete && i < sk_X509_num(file->new.chain); i++)
        complete = PEM_write_bio_X509(out, sk_X509_value(file->new.chain, i));
    int result = complete ? tls_pem_save(file->path, out, err)
                          : tls_error_set(err, ERROR_SYSTEM, "write %s", file->path);
    BIO_free(out);
    return result;
}
