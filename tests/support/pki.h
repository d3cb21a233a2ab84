/* SPDX-License-Identifier: MIT */
/*
 * Certificates of a test's own; whatever fails, fails the test.
 *
 * Ownership: pki_free.   Threads: one.
 */
#ifndef TLSECHO_TEST_PKI_H
#define TLSECHO_TEST_PKI_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>

#include "folder.h"
#include "tlsecho/tls/tls_context.h"

struct pki {
    X509 *certificate;
    EVP_PKEY *key;
};

struct pki_spec {
    const char *subject;      /* CN */
    const char *names;        /* subjectAltName as in x509v3_config(5); NULL = none */
    const char *usage;        /* extendedKeyUsage likewise; NULL = any */
    const char *key_usage;    /* likewise */
    const char *curve;        /* of an ECDSA key; NULL = P-256 */
    const struct pki *issuer; /* NULL = itself */
    const struct pki *key_of; /* has the key of this one; NULL = a key of its own */
    bool ca;
    bool key_ids;        /* subject and authority key identifier; the issuer has them too */
    bool rsa;            /* else ECDSA P-256 */
    unsigned rsa_bits;   /* 0 = 2048 */
    bool explicit_curve; /* P-256 by its parameters instead of its name */
    bool compressed_point;
    int starts_days, ends_days; /* from now; both 0 = yesterday to next year */
};

struct pki pki_make(const struct pki_spec *spec);
void pki_free(struct pki *pki);

/* Writes PEM files into the folder and returns their path as folder_file does. */
const char *pki_write_certificate(struct folder *folder, const char *name, const struct pki *pki);
const char *pki_write_chain(struct folder *folder, const char *name, const struct pki *leaf,
                            const struct pki *issuer);

struct pki_extension {
    const char *name;  /* or OID; NULL = none */
    const char *value; /* as in x509v3_config(5): "critical,DER:0500" */
};

struct pki_crl_spec {
    const struct pki *issuer;
    const struct pki *signer;       /* NULL = the issuer */
    const struct pki *revoked;      /* NULL = none */
    const struct pki *revoked_next; /* the entry behind it; NULL = none */
    int starts_days, ends_days;     /* from now; both 0 = yesterday to next month */
    bool endless;                   /* without nextUpdate */
    bool version_1;                 /* which has no extensions */
    struct pki_extension extension, entry_extension; /* of the CRL, and of the one revoked */
};

/* One file with all of them. */
const char *pki_write_crls(struct folder *folder, const char *name,
                           const struct pki_crl_spec *specs, size_t count);

const char *pki_write_key(struct folder *folder, const char *name, const struct pki *pki,
                          const char *passphrase);

/* Has the context present it, or trust it, by files in the folder. */
struct peer_certificate pki_present(struct folder *folder, const struct pki *pki,
                                    struct tls_context *ctx);
/* Likewise with a chain; issuer: NULL = none. */
struct peer_certificate pki_present_chain(struct folder *folder, const struct pki *leaf,
                                          const struct pki *issuer, struct tls_context *ctx);
void pki_trust(struct folder *folder, const struct pki *pki, struct tls_context *ctx);

#endif
