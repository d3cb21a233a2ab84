/* SPDX-License-Identifier: MIT */
#include "tls_error.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tlsecho/tls/tls_memory.h"

#undef tls_error_set

/* The first error in the queue is the cause; the last one is generic ("handshake failed"). */
static void reason_text(char *ret, size_t size)
{
    unsigned long code = ERR_peek_error();
    const char *reason =
        ERR_SYSTEM_ERROR(code) ? strerror(ERR_GET_REASON(code)) : ERR_reason_error_string(code);
    if (code == 0)
        snprintf(ret, size, "no reason given");
    else if (reason)
        snprintf(ret, size, "%s", reason);
    else
        ERR_error_string_n(code, ret, size);
    ERR_clear_error();
}

/* Remedies for errors whose text in OpenSSL is hard to understand. */
static const char *remedy_of(unsigned long code)
{
    if (ERR_GET_LIB(code) != ERR_LIB_SSL)
        return NULL;
    switch (ERR_GET_REASON(code)) {
    case SSL_R_LIBRARY_HAS_NO_CIPHERS:
        return "correct the providers and properties in the configuration of OpenSSL "
               "(OPENSSL_CONF)";
    case SSL_R_EE_KEY_TOO_SMALL:
        return "reissue it with a larger key, such as P-256 or RSA of 2048 bits";
    case SSL_R_CA_KEY_TOO_SMALL:
        return "use a CA with a larger key, such as P-256 or RSA of 2048 bits";
    case SSL_R_CA_MD_TOO_WEAK:
        return "let its CA sign with SHA-256 or better";
    }
    return NULL;
}

static bool is_short_of_memory(void)
{
    return ERR_GET_REASON(ERR_peek_error()) == ERR_R_MALLOC_FAILURE || tls_memory_ran_out();
}

int tls_error_set(struct error *err, enum error_kind kind, const char *format, ...)
{
    char text[ERROR_TEXT_BYTES], reason[128];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (is_short_of_memory()) { /* whatever else OpenSSL makes of it */
        ERR_clear_error();
        errno = ENOMEM;
        return error_sys(err, "%s", text);
    }
    unsigned long code = ERR_peek_error();
    const char *remedy = remedy_of(code);
    reason_text(reason, sizeof reason);
    error_set(err, kind, "%s: %s", text, reason);
    if (kind == ERROR_INPUT && ERR_SYSTEM_ERROR(code))
        err->code = ERR_GET_REASON(code);
    return remedy ? error_advise(err, remedy) : -1;
}
