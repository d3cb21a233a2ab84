/* SPDX-License-Identifier: MIT */
#include "tlsecho/tls/tls_chain.h"

#include <openssl/pem.h>
#include <stdlib.h>

#include "tls_certificate.h"
#include "tls_chain_internal.h"
#include "tlsecho/tls/tls_memory.h"

/* NULL = no memory. */
static char *pem_text(X509 *certificate)
{
    BIO *out = BIO_new(BIO_s_mem());
    char *data, *text = NULL;
    if (out && PEM_write_bio_X509(out, certificate)) {
        long n = BIO_get_mem_data(out, &data);
        text = OPENSSL_strndup(data, (size_t)n);
    }
    BIO_free(out);
    return text;
}

int tls_chain_describe(STACK_OF(X509) * certificates, struct tls_chain *ret, struct error *err)
{
    int count = certificates ? sk_X509_num(certificates) : 0;
    struct tls_chain chain = {.certificates = calloc((size_t)count + 1, sizeof *ret->certificates)};
    tls_memory_ran_out(); /* for something else */
    for (int i = 0; chain.certificates && i < count; i++) {
        X509 *certificate = sk_X509_value(certificates, i);
        struct tls_chain_certificate *shown = &chain.certificates[chain.count++];
        tls_certificate_describe(certificate, &shown->about);
        shown->names = tls_certificate_all_names(certificate);
        shown->pem = pem_text(certificate);
    }
    if (!chain.certificates || tls_memory_ran_out()) { /* or names may be missing */
        tls_chain_done(&chain);
        return error_set(err, ERROR_SYSTEM, "no memory for the certificates");
    }
    *ret = chain;
    return 0;
}

void tls_chain_done(struct tls_chain *chain)
{
    for (size_t i = 0; i < chain->count; i++) {
        OPENSSL_free(chain->certificates[i].names);
        OPENSSL_free(chain->certificates[i].pem);
    }
    free(chain->certificates);
    *chain = (struct tls_chain){0};
}
