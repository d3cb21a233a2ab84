/* SPDX-License-Identifier: MIT */
/*
 * A server that authenticates its clients, and one client: the world of the tests of client_auth,
 * crl and tickets. Whatever fails, fails the test.
 *
 * Ownership: mutual_tear_down.   Threads: one.
 */
#ifndef TLSECHO_TEST_MUTUAL_H
#define TLSECHO_TEST_MUTUAL_H

#include <stddef.h>

#include "folder.h"
#include "foreign.h"
#include "pki.h"
#include "tlsecho/tls/tls_context.h"

/* RFC 8446 §6 */
enum {
    HANDSHAKE_FAILURE = 40,
    BAD_CERTIFICATE = 42,
    UNSUPPORTED_CERTIFICATE = 43,
    CERTIFICATE_REVOKED = 44,
    CERTIFICATE_EXPIRED = 45,
    CERTIFICATE_UNKNOWN = 46,
    ILLEGAL_PARAMETER = 47,
    UNKNOWN_CA = 48,
    DECODE_ERROR = 50,
    CERTIFICATE_REQUIRED = 116,
};

extern const char *const versions[2]; /* 1.2, 1.3 */
extern struct folder folder;
extern struct pki own, ca, other_ca, middle, leaf, under_middle; /* `ca` issued middle and leaf */
extern struct tls_context *server;
extern struct foreign client;
extern struct error err;

void mutual_set_up(void);
void mutual_tear_down(void);

/* A server context without client authentication yet. */
struct tls_context *mutual_new_server(void);

/* That a setter succeeded, or refused with that in its text. */
void mutual_ok(int result);
void mutual_refused(int result, const char *text);

/* Setters with files that are written first. */
void mutual_use_ca(struct tls_context *ctx, const struct pki *first, const struct pki *second);
int mutual_use_crls(struct tls_context *ctx, const struct pki_crl_spec *specs, size_t count);
int mutual_use_crl(struct tls_context *ctx, const struct pki *revoked);

/* The server asks for certificates of `ca` from now on. */
void mutual_require(enum tls_client_auth mode);

/* A new client. */
void mutual_use_version(const char *version);

/* The next handshake is accepted, or rejected with that alert and text. */
struct foreign_result mutual_accepted(void);
void mutual_rejected(int alert, const char *text);

/* Refused with both versions. */
void mutual_rejects(const struct pki *presented, const struct pki *issuer, int alert,
                    const char *text);

#endif
