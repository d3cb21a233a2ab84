/* SPDX-License-Identifier: MIT */
/*
 * A failure with its story, as a value. A function that can fail for more than one reason takes
 * `struct error *err` last, returns 0 or -1, and fills err only when it returns -1.
 *
 * Ownership: the caller's, no heap.   Threads: any, each with its own.
 */
#ifndef TLSECHO_ERROR_H
#define TLSECHO_ERROR_H

#include <stdbool.h>

enum { ERROR_TEXT_BYTES = 512 };

/* The code of ERROR_UNTRUSTED: a chain that nobody reads, whether it is to be trusted or not. */
enum { ERROR_CODE_UNREAD = 1 };

/* What went wrong, as far as somebody may want to act on it. */
enum error_kind {
    ERROR_INPUT,          /* something we were given is wrong: an option, a file, a value */
    ERROR_SYSTEM,         /* a system call failed; code is its errno */
    ERROR_DNS,            /* no address for a name; code is getaddrinfo(3)'s EAI_* */
    ERROR_TIMEOUT,        /* a deadline passed */
    ERROR_INTERRUPTED,    /* a signal or a descriptor said that nobody waits any more */
    ERROR_UNACKNOWLEDGED, /* what was sent, and sent again, was never acknowledged */
    ERROR_SPOOFED_RESET,  /* RST that the peer cannot have sent */
    ERROR_TLS,            /* the TLS protocol failed */
    ERROR_NOT_TLS,        /* the other end does not speak TLS at all */
    ERROR_FLOOD,          /* the peer sends what carries nothing and only costs work */
    ERROR_UNTRUSTED,     /* the peer's certificate is not trusted, revoked, or not the pinned one */
    ERROR_EXPIRED,       /* the peer's certificate is out of date, or not valid yet */
    ERROR_NAME_MISMATCH, /* the peer's certificate is for other names */
    ERROR_CLIENT_CERTIFICATE, /* the server refused our certificate, or that we have none */
};

struct error {
    enum error_kind kind;
    int code;  /* by kind; 0 where the kind has none */
    int alert; /* TLS AlertDescription that ended it, either way (RFC 8446 §6); -1 = none */
    char text[ERROR_TEXT_BYTES];
};

/* For a struct error on a path that every message takes: hardened builds zero other variables. */
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

/* As error_set with ERROR_SYSTEM, errno as its code and ": strerror" at its end; and then, where
 * descriptors or memory are short, ": REMEDY". Always returns -1. */
int error_sys(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts ": REMEDY", in the imperative, at the end, unless error_sys has done so. Always returns -1.
 */
int error_advise(struct error *err, const char *remedy);

/* Whether the same may succeed a little later, without anybody mending anything: descriptors or
 * memory were short, or no name server answered. */
bool error_is_temporary(const struct error *err);

/* Puts "CONTEXT: " before the text, on the way up. Always returns -1. */
int error_prefix(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
