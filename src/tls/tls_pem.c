/* SPDX-License-Identifier: MIT */
#include "tls_pem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tls_certificate.h"
#include "tls_error.h"
#include "tls_exposure.h"

/* Fills err from errno; a wrong file name is ERROR_INPUT. Always returns -1. */
static int unreadable(const char *what, const char *path, struct error *err)
{
    error_sys(err, "%s %s", what, path);
    err->kind = ERROR_INPUT;
    return -1;
}

static int check_owner(const struct stat *status, const char *path, struct error *err)
{
    if (status->st_uid != geteuid() && status->st_uid != 0)
        return error_set(err, ERROR_INPUT,
                         "%s belongs to another user, who can change it: name another file", path);
    if (status->st_mode & (S_IWGRP | S_IWOTH))
        return error_set(err, ERROR_INPUT,
                         "%s can be written by others: name another file, or chmod go-w %s", path,
                         path);
    return 0;
}

static int check_file(int fd, const char *path, enum tls_pem_access access, struct error *err)
{
    struct stat status;
    struct tls_exposure exposure;
    if (fstat(fd, &status))
        return unreadable("read", path, err);
    if (!S_ISREG(status.st_mode))
        return error_set(err, ERROR_INPUT, "%s is not a regular file: name one", path);
    if (status.st_size > TLS_PEM_BYTES_MAX)
        return error_set(err, ERROR_INPUT, "%s is larger than 1 MiB", path);
    if (access == TLS_PEM_SECRET && tls_exposure_of_secret(status.st_mode, &exposure))
        return error_set(err, ERROR_INPUT,
                         "%s holds secret keys and %s: chmod %s %s (on Kubernetes: defaultMode: "
                         "0440, and fsGroup)",
                         path, exposure.how, exposure.remedy, path);
    if (access == TLS_PEM_GUARDED && status.st_mode & S_IWOTH)
        return error_set(err, ERROR_INPUT, "%s can be written by all users: chmod o-w %s", path,
                         path);
    return access == TLS_PEM_OURS ? check_owner(&status, path, err) : 0;
}

static int read_all(int fd, struct tls_pem *pem, struct error *err)
{
    while (pem->n < TLS_PEM_BYTES_MAX) {
        ssize_t n = read(fd, pem->data + pem->n, TLS_PEM_BYTES_MAX - pem->n);
        if (n < 0)
            return unreadable("read", pem->path, err);
        if (n == 0)
            break;
        pem->n += (size_t)n;
    }
    return 0;
}

int tls_pem_open(const char *path, enum tls_pem_access access, struct tls_pem *ret,
                 struct error *err)
{
    /* O_NONBLOCK: opening a FIFO must not wait for a writer. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return unreadable("open", path, err);

    struct tls_pem pem = {.path = path};
    int result = check_file(fd, path, access, err);
    if (result == 0 && !(pem.data = OPENSSL_malloc(TLS_PEM_BYTES_MAX)))
        result = error_set(err, ERROR_SYSTEM, "read %s: no memory", path);
    if (result == 0)
        result = read_all(fd, &pem, err);
    close(fd);
    if (result == 0)
        *ret = pem;
    else
        tls_pem_close(&pem);
    return result;
}

void tls_pem_close(struct tls_pem *pem)
{
    OPENSSL_clear_free(pem->data, pem->n);
    pem->data = NULL;
}

int tls_pem_refuse_passphrase(char *buffer, int size, int writing, void *asked)
{
    (void)buffer, (void)size, (void)writing;
    *(bool *)asked = true;
    return -1;
}

/* Whether reading stopped at the end of the file. */
static bool at_end(void)
{
    unsigned long code = ERR_peek_last_error();
    return ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
}

/* Objects of which a file has several. */
struct pem_kind {
    const char *name, *label;
    void *(*read)(BIO *in, bool *asked);
    void (*free)(void *thing);
};

static void *read_certificate(BIO *in, bool *asked)
{
    X509 *certificate = PEM_read_bio_X509(in, NULL, tls_pem_refuse_passphrase, asked);
    if (certificate)
        tls_certificate_derive(certificate);
    return certificate;
}

static void free_certificate(void *certificate)
{
    X509_free(certificate);
}

/* OpenSSL sorts the entries at the first look-up, which can be in several threads at once. */
static void sort(X509_CRL *crl)
{
    STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(crl);
    X509_REVOKED *first = sk_X509_REVOKED_value(entries, 0), *found;
    if (first)
        X509_CRL_get0_by_serial(crl, &found, X509_REVOKED_get0_serialNumber(first));
}

static void *read_crl(BIO *in, bool *asked)
{
    X509_CRL *crl = PEM_read_bio_X509_CRL(in, NULL, tls_pem_refuse_passphrase, asked);
    if (crl)
        sort(crl);
    return crl;
}

static void free_crl(void *crl)
{
    X509_CRL_free(crl);
}

static const struct pem_kind certificate_kind = {"certificate", "CERTIFICATE", read_certificate,
                                                 free_certificate};
static const struct pem_kind crl_kind = {"CRL", "X509 CRL", read_crl, free_crl};

static int read_several(BIO *in, const char *path, const struct pem_kind *kind, OPENSSL_STACK *ret,
                        struct error *err)
{
    bool asked = false;
    ERR_clear_error();
    for (void *next; (next = kind->read(in, &asked));)
        if (!OPENSSL_sk_push(ret, next)) {
            kind->free(next);
            return error_set(err, ERROR_SYSTEM, "read %s: no memory", path);
        }
    if (!at_end())
        return tls_error_set(err, ERROR_INPUT, "%s: %s %d is broken", path, kind->name,
                             OPENSSL_sk_num(ret) + 1);
    ERR_clear_error();
    if (OPENSSL_sk_num(ret) == 0)
        return error_set(err, ERROR_INPUT, "%s has no %s: name a PEM file with -----BEGIN %s-----",
                         path, kind->name, kind->label);
    return 0;
}

static int several(const struct tls_pem *pem, const struct pem_kind *kind, OPENSSL_STACK **ret,
                   struct error *err)
{
    if (tls_pem_check_layout(pem, err))
        return -1;
    BIO *in = BIO_new_mem_buf(pem->data, (int)pem->n);
    OPENSSL_STACK *list = OPENSSL_sk_new_null();
    int result = in && list ? read_several(in, pem->path, kind, list, err)
                            : error_set(err, ERROR_SYSTEM, "read %s: no memory", pem->path);
    BIO_free(in);
    if (result == 0)
        *ret = list;
    else
        OPENSSL_sk_pop_free(list, kind->free);
    return result;
}

int tls_pem_certificates(const struct tls_pem *pem, STACK_OF(X509) * *ret, struct error *err)
{
    OPENSSL_STACK *list = NULL;
    int result = several(pem, &certificate_kind, &list, err);
    if (result == 0)
        *ret = (STACK_OF(X509) *)list;
    return result;
}

int tls_pem_read_certificates(const char *path, enum tls_pem_access access, STACK_OF(X509) * *ret,
                              struct error *err)
{
    struct tls_pem pem;
    if (tls_pem_open(path, access, &pem, err))
        return -1;
    int result = tls_pem_certificates(&pem, ret, err);
    tls_pem_close(&pem);
    return result;
}

int tls_pem_crls(const struct tls_pem *pem, STACK_OF(X509_CRL) * *ret, struct error *err)
{
    OPENSSL_STACK *list = NULL;
    int result = several(pem, &crl_kind, &list, err);
    if (result == 0)
        *ret = (STACK_OF(X509_CRL) *)list;
    return result;
}

int tls_pem_key(const struct tls_pem *pem, EVP_PKEY **ret, struct error *err)
{
    bool asked = false;
    if (tls_pem_check_layout(pem, err))
        return -1;
    BIO *in = BIO_new_mem_buf(pem->data, (int)pem->n);
    if (!in)
        return error_set(err, ERROR_SYSTEM, "read %s: no memory", pem->path);
    ERR_clear_error();
    EVP_PKEY *key = PEM_read_bio_PrivateKey(in, NULL, tls_pem_refuse_passphrase, &asked);
    BIO_free(in);
    if (key) {
        *ret = key;
        return 0;
    }
    if (asked) {
        ERR_clear_error();
        return error_set(err, ERROR_INPUT,
                         "%s is encrypted: write it without a passphrase, "
                         "openssl pkey -in %s -out FILE",
                         pem->path, pem->path);
    }
    if (ERR_GET_REASON(ERR_peek_last_error()) != ERR_R_UNSUPPORTED)
        return tls_error_set(err, ERROR_INPUT, "%s has no private key in PEM", pem->path);
    ERR_clear_error();
    return error_set(err, ERROR_INPUT,
                     "%s has no private key in PEM of a type that OpenSSL supports: name the file "
                     "that begins with BEGIN PRIVATE KEY",
                     pem->path);
}

int tls_pem_save(const char *path, BIO *content, struct error *err)
{
    char temporary[PATH_MAX], *data;
    long n = BIO_get_mem_data(content, &data);
    if (snprintf(temporary, sizeof temporary, "%s.XXXXXX", path) >= (int)sizeof temporary)
        return error_set(err, ERROR_INPUT, "write %.100s...: the path is too long", path);
    int fd = mkostemp(temporary, O_CLOEXEC); /* mode 0600, less the umask */
    if (fd < 0)
        return error_sys(err, "write %s", path);

    bool written = fchmod(fd, S_IRUSR | S_IWUSR) == 0 && write(fd, data, (size_t)n) == n &&
                   fsync(fd) == 0 && rename(temporary, path) == 0;
    if (!written) {
        error_sys(err, "write %s", path);
        unlink(temporary);
    }
    close(fd);
    return written ? 0 : -1;
}
