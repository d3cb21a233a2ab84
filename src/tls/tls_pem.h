/* SPDX-License-Identifier: MIT */
/*
 * Reads PEM files (RFC 7468): a path may be mistyped or hostile, a file may contain secrets. Other
 * files with secrets are opened in the same way.
 *
 * Ownership: a tls_pem owns its bytes; the caller owns what is read from it.   Threads: any.
 */
#ifndef TLSECHO_TLS_PEM_H
#define TLSECHO_TLS_PEM_H

#include <openssl/bio.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>

#include "tlsecho/base/error.h"

enum { TLS_PEM_BYTES_MAX = 1 << 20 };

struct tls_pem {
    const char *path; /* owned by the caller; for messages */
    unsigned char *data;
    size_t n;
};

enum tls_pem_access {
    TLS_PEM_PUBLIC,
    TLS_PEM_GUARDED, /* refused if all users can write it */
    TLS_PEM_OURS,    /* refused if another user (not root) owns it or can write it */
    TLS_PEM_SECRET,  /* refused if others can read it, or its group or others can write it */
    TLS_PEM_SECRET_ANYWHERE, /* accepted with any mode */
};

/* Reads a regular file of at most TLS_PEM_BYTES_MAX. ERROR_INPUT. */
int tls_pem_open(const char *path, enum tls_pem_access access, struct tls_pem *ret,
                 struct error *err);

/* Overwrites the bytes and frees them. */
void tls_pem_close(struct tls_pem *pem);

/* Refuses a file of which OpenSSL would skip a part: UTF-16, DER, NUL bytes, text before a BEGIN on
 * its line, other dashes, an incomplete BEGIN or one after an END on its line, an END without a
 * BEGIN, TRUSTED CERTIFICATE, PKCS7. ERROR_INPUT names the line. */
int tls_pem_check_layout(const struct tls_pem *pem, struct error *err);

/* All certificates, in the order of the file, at least one. ERROR_INPUT. */
int tls_pem_certificates(const struct tls_pem *pem, STACK_OF(X509) * *ret, struct error *err);

/* Opens the file, reads its certificates and closes it. ERROR_INPUT. */
int tls_pem_read_certificates(const char *path, enum tls_pem_access access, STACK_OF(X509) * *ret,
                              struct error *err);

/* All certificate revocation lists (RFC 5280 §5), likewise. ERROR_INPUT. */
int tls_pem_crls(const struct tls_pem *pem, STACK_OF(X509_CRL) * *ret, struct error *err);

/* A pem_password_cb that never asks for a passphrase: asked points to a bool, which is set. */
int tls_pem_refuse_passphrase(char *buffer, int size, int writing, void *asked);

/* The first private key; never asks for a passphrase. ERROR_INPUT. */
int tls_pem_key(const struct tls_pem *pem, EVP_PKEY **ret, struct error *err);

/* Writes the content of the memory BIO to path with mode 0600, atomically: to a temporary file,
 * then rename(2). ERROR_SYSTEM. */
int tls_pem_save(const char *path, BIO *content, struct error *err);

#endif
