/* SPDX-License-Identifier: MIT */
/*
 * The keys that encrypt a server's tickets (RFC 5077 §4). A stolen key decrypts tickets, and with
 * TLS 1.2 recorded connections too.
 *
 * Ownership: values; cleanse every copy after use.   Threads: any.
 */
#ifndef TLSECHO_TLS_TICKET_KEYS_H
#define TLSECHO_TLS_TICKET_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tlsecho/base/error.h"

enum { TLS_TICKET_KEYS_MAX = 8, TLS_TICKET_OWN_SECONDS = 12 * 3600 };

/* As in a file: 80 random bytes. */
struct tls_ticket_key {
    unsigned char name[16]; /* identifies the key of a ticket, in clear */
    unsigned char hmac[32]; /* HMAC-SHA256 */
    unsigned char aes[32];  /* AES-256-CBC */
};

/* The newest first: it encrypts, all decrypt. */
struct tls_ticket_keys {
    size_t count;
    struct tls_ticket_key key[TLS_TICKET_KEYS_MAX];
};

/* From a file of 1 to TLS_TICKET_KEYS_MAX keys. Unless any_mode, refused if others can read it, or
 * its group or others can write it. ERROR_INPUT. */
int tls_ticket_keys_read(const char *path, bool any_mode, struct tls_ticket_keys *ret,
                         struct error *err);

/*
 * The keys of the process: one that is renewed every TLS_TICKET_OWN_SECONDS, and its predecessor.
 * now_s is from a clock that never goes backwards. -1: the library has no random bytes.
 */
int tls_ticket_keys_own(int64_t now_s, struct tls_ticket_keys *ret);

#endif
