/* SPDX-License-Identifier: MIT */
/*
 * PEM files (RFC 7468), read with care: a path may be mistyped or hostile, a file may be secret.
 * (What only wants the bytes of such a file opens it likewise.)
 *
 * Ownership: a tls_pem owns its bytes; what is read from it is the caller's.   Threads: any.
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
    const char *path; /* the caller's, for messages */
    unsigned char *data;
    size_t n;
};

enum tls_pem_access {
    TLS_PEM_PUBLIC,
    TLS_PEM_GUARDED, /* refused if everybody can write it */
    TLS_PEM_OURS,    /* refused if it is another user's (but root's), or another can write it */
    TLS_PEM_SECRET,  /* refused if others can read it, or anyone but its owner can write it */
    TLS_PEM_SECRET_ANYWHERE, /* taken with any mode */
};

/* Reads a regular file of at most TLS_PEM_BYTES_MAX. ERROR_INPUT. */
int tls_pem_open(const char *path, enum tls_pem_access access, struct tls_pem *ret,
                 struct error *err);

/* How a secret is exposed, as the end of a sentence about it, and the mode that chmod(1) should
 * take away. */
struct tls_exposure {
    const char *how, *remedy;
};

/* Whether a file of that mode is. */
bool tls_exposure_of_secret(unsigned mode, struct tls_exposure *ret);

/* Overwrites the bytes and frees them. */
void tls_pem_close(struct tls_pem *pem);

/* Refuses a file of which a part would be skipped: UTF-16, DER, NUL bytes, something before a BEGIN
 * or other dashes, a BEGIN that is cut off or follows an END, an END without a BEGIN, OpenSSL's
 * TRUSTED CERTIFICATE, PKCS7. ERROR_INPUT names the line. */
int tls_pem_check_layout(const struct tls_pem *pem, struct error *err);

/* All certificates, in the file's order, at least one. ERROR_INPUT. */
int tls_pem_certificates(const struct tls_pem *pem, STACK_OF(X509) * *ret, struct error *err);

/* The same of a file of which nothing else is wanted. ERROR_INPUT. */
int tls_pem_read_certificates(const char *path, enum tls_pem_access access, STACK_OF(X509) * *ret,
                              struct error *err);

/* All certificate revocation lists (RFC 5280 §5), likewise. ERROR_INPUT. */
int tls_pem_crls(const struct tls_pem *pem, STACK_OF(X509_CRL) * *ret, struct error *err);

/* A pem_password_cb that never asks anybody: asked points to a bool, which becomes true. */
int tls_pem_refuse_passphrase(char *buffer, int size, int writing, void *asked);

/* The first private key, never asking for a passphrase. ERROR_INPUT. */
int tls_pem_key(const struct tls_pem *pem, EVP_PKEY **ret, struct error *err);

/* Writes what the memory BIO holds, mode 0600: under another name first, so that whoever reads path
 * finds it whole, or as it was. ERROR_SYSTEM. */
int tls_pem_save(const char *path, BIO *content, struct error *err);

#endif
