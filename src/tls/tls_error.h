/* SPDX-License-Identifier: MIT */
/*
 * Errors of OpenSSL.
 *
 * Ownership: values.   Threads: any; OpenSSL's queue belongs to the thread.
 */
#ifndef TLSECHO_TLS_ERROR_H
#define TLSECHO_TLS_ERROR_H

#include "tlsecho/base/error.h"

/* As error_set, and appends ": REASON" from the first error in OpenSSL's queue, which is emptied.
 * Always returns -1. */
int tls_error_set(struct error *err, enum error_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
#define tls_error_set(...) error_minus_one(tls_error_set(__VA_ARGS__))

#endif
