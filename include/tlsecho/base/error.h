/* SPDX-License-Identifier: MIT */
/*
 * An error with its cause in words, as a value. A function that can fail for more than one reason
 * takes `struct error *err` last, returns 0 or -1, and fills err only when it returns -1.
 *
 * Ownership: the caller's, no heap.   Threads: any, each with its own.
 */
#ifndef TLSECHO_ERROR_H
#define TLSECHO_ERROR_H

#include <stdbool.h>

enum { ERROR_TEXT_BYTES = 512 };

enum {
    ERROR_CODE_UNREAD = 1, /* of ERROR_UNTRUSTED: a chain that is refused without being parsed */
    ERROR_CODE_ALERT = 2,  /* of ERROR_TLS: the server sent the alert */
};

/* The kinds that callers distinguish. */
enum error_kind {
    ERROR_INPUT,          /* an option, a file or a value given by the user is wrong */
    ERROR_SYSTEM,         /* a system call failed; code is its errno */
    ERROR_DNS,            /* a name has no address; code is getaddrinfo(3)'s EAI_* */
    ERROR_TIMEOUT,        /* a deadline passed */
    ERROR_INTERRUPTED,    /* the caller stopped the wait, by a signal or a descriptor */
    ERROR_UNACKNOWLEDGED, /* data was retransmitted and never acknowledged */
    ERROR_SPOOFED_RESET,  /* an RST that the peer cannot have sent */
    ERROR_CLOSED,         /* the peer's FIN came during the TLS handshake, without an alert */
    ERROR_TLS,            /* the TLS protocol failed */
    ERROR_NOT_TLS,        /* the peer does not use TLS */
    ERROR_FLOOD,          /* the peer floods us with records that carry no data */
    ERROR_UNTRUSTED,      /* the peer's certificate is untrusted, revoked, or not the pinned one */
    ERROR_EXPIRED,        /* the peer's certificate has expired, or is not valid yet */
    ERROR_NAME_MISMATCH,  /* the peer's certificate is for other names */
    ERROR_CLIENT_CERTIFICATE, /* the server rejected the client certificate, or its absence */
};

struct error {
    enum error_kind kind;
    int code;  /* by kind; 0 where the kind has none */
    int alert; /* AlertDescription (RFC 8446 §6) sent or received; -1 = none */
    char text[ERROR_TEXT_BYTES];
};

/* For a struct error on the data path: hardened builds zero variables without it. */
#if defined __has_attribute
#if __has_attribute(uninitialized)
#define ERROR_UNSET __attribute__((uninitialized))
#endif
#endif
#ifndef ERROR_UNSET
#define ERROR_UNSET
#endif

/* Fills err with a formatted sentence without a full stop. Always returns -1. */
int error_set(struct error *err, enum error_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* As error_set with ERROR_SYSTEM, with errno as code, and appends ": strerror" and, if descriptors
 * or memory are exhausted, ": REMEDY". Always returns -1. */
int error_sys(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Appends ": REMEDY", in the imperative, unless error_sys has done so. Always returns -1.
 */
int error_advise(struct error *err, const char *remedy);

/* Whether a retry may succeed without any change: descriptors or memory were exhausted, or no name
 * server answered. */
bool error_is_temporary(const struct error *err);

/* Prepends "CONTEXT: " to the text. Always returns -1. */
int error_prefix(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Compilers and static analysers do not see these functions; this shows what they return. */
static inline int error_minus_one(int result)
{
    (void)result;
    return -1;
}
#define error_set(...)    error_minus_one(error_set(__VA_ARGS__))
#define error_sys(...)    error_minus_one(error_sys(__VA_ARGS__))
#define error_advise(...) error_minus_one(error_advise(__VA_ARGS__))
#define error_prefix(...) error_minus_one(error_prefix(__VA_ARGS__))

#endif
