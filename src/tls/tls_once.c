/* SPDX-License-Identifier: MIT */
/* Threads that need one at the same time each make it, and one of theirs is used. */
#include "tls_once.h"

#include <openssl/crypto.h>

int tls_once_index(atomic_int *index, int class_index)
{
    int found = atomic_load(index);
    if (found > 0)
        return found;
    int made = CRYPTO_get_ex_new_index(class_index, 0, NULL, NULL, NULL, NULL);
    return atomic_compare_exchange_strong(index, &found, made) ? made : found;
}

const BIO_METHOD *tls_once_method(_Atomic(BIO_METHOD *) *method,
                                  const struct tls_once_functions *functions)
{
    BIO_METHOD *found = atomic_load(method);
    if (found)
        return found;
    BIO_METHOD *made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, functions->name);
    if (!made)
        return NULL;
    BIO_meth_set_read(made, functions->read);
    BIO_meth_set_write(made, functions->write);
    BIO_meth_set_ctrl(made, functions->ctrl);
    if (atomic_compare_exchange_strong(method, &found, made))
        return made;
    BIO_meth_free(made);
    return found;
}
