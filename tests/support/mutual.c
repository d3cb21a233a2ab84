/* SPDX-License-Identifier: MIT */
#include "mutual.h"

#include <check.h>
#include <string.h>

const char *const versions[2] = {"1.2", "1.3"};
struct folder folder;
struct pki own, ca, other_ca, middle, leaf, under_middle;
struct tls_context *server;
struct foreign client;
struct error err;

/* A server context without client authentication yet. */
struct tls_context *mutual_new_server(void)
{
    struct tls_context *ctx;
    ck_assert_int_eq(tls_context_new(TLS_SERVER, &ctx, &err), 0);
    pki_present(&folder, &own, ctx);
    return ctx;
}

void mutual_set_up(void)
{
    folder_new(&folder);
    own = pki_make(&(struct pki_spec){.subject = "server", .names = "DNS:server"});
    ca = pki_make(&(struct pki_spec){.subject = "Client CA", .ca = true});
    other_ca = pki_make(&(struct pki_spec){.subject = "Other CA", .ca = true});
    middle = pki_make(&(struct pki_spec){.subject = "Middle", .ca = true, .issuer = &ca});
    leaf = pki_make(
        &(struct pki_spec){.subject = "leaf",
                           .names = "DNS:a.example.org,URI:spiffe://td/ns/x/sa,email:a@example.org",
                           .issuer = &ca});
    under_middle = pki_make(&(struct pki_spec){.subject = "under", .issuer = &middle});
    server = mutual_new_server();
    foreign_new(&client, "1.3");
}

void mutual_tear_down(void)
{
    foreign_free(&client);
    tls_context_free(server);
    pki_free(&under_middle);
    pki_free(&leaf);
    pki_free(&middle);
    pki_free(&other_ca);
    pki_free(&ca);
    pki_free(&own);
    folder_remove(&folder);
}

void mutual_ok(int result)
{
    ck_assert_msg(result == 0, "%s", err.text);
}

void mutual_refused(int result, const char *text)
{
    ck_assert_int_eq(result, -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_msg(strstr(err.text, text) != NULL, "%s", err.text);
}

void mutual_use_ca(struct tls_context *ctx, const struct pki *first, const struct pki *second)
{
    mutual_ok(
        tls_context_use_client_ca(ctx, pki_write_chain(&folder, "ca.pem", first, second), &err));
}

int mutual_use_crls(struct tls_context *ctx, const struct pki_crl_spec *specs, size_t count)
{
    return tls_context_use_crl(ctx, pki_write_crls(&folder, "crl.pem", specs, count), &err);
}

int mutual_use_crl(struct tls_context *ctx, const struct pki *revoked)
{
    return mutual_use_crls(ctx, &(struct pki_crl_spec){.issuer = &ca, .revoked = revoked}, 1);
}

/* The server asks for certificates of `ca` from now on. */
void mutual_require(enum tls_client_auth mode)
{
    mutual_use_ca(server, &ca, NULL);
    mutual_ok(tls_context_set_client_auth(server, mode, &err));
}

void mutual_use_version(const char *version)
{
    foreign_free(&client);
    foreign_new(&client, version);
}

struct foreign_result mutual_accepted(void)
{
    struct foreign_result result = foreign_shake(&client, server);
    ck_assert_msg(result.status == IO_OK, "%s", result.err.text);
    ck_assert_int_eq(result.alert, -1);
    return result;
}

void mutual_rejected(int alert, const char *text)
{
    struct foreign_result result = foreign_shake(&client, server);
    ck_assert_int_eq(result.status, IO_FAILED);
    ck_assert_msg(strstr(result.err.text, text) != NULL, "%s", result.err.text);
    ck_assert_msg(result.alert == alert, "%d: %s", result.alert, result.err.text);
    ck_assert_int_eq(result.err.alert, alert);
    ck_assert(!result.resumed);
    ck_assert(!result.peer.certificate.verified);
}

/* Refused with both versions. */
void mutual_rejects(const struct pki *presented, const struct pki *issuer, int alert,
                    const char *text)
{
    for (size_t i = 0; i < 2; i++) {
        mutual_use_version(versions[i]);
        foreign_present(&client, presented, issuer);
        mutual_rejected(alert, text);
    }
}
