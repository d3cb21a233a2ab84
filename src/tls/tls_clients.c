/* SPDX-License-Identifier: MIT */
#include "tls_clients.h"

#include <openssl/x509.h>
#include <stdlib.h>

void tls_clients_free(struct tls_clients *clients)
{
    if (!clients)
        return;
    for (size_t i = 0; i < clients->allow_count; i++)
        free(clients->allow[i]);
    free(clients->allow);
    sk_X509_CRL_pop_free(clients->crls, X509_CRL_free);
    free(clients->crl_signers);
    sk_X509_free(clients->links);
    sk_X509_pop_free(clients->cas, X509_free);
    X509_STORE_free(clients->store);
    free(clients);
}
