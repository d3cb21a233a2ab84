/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <openssl/ocsp.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "folder.h"
#include "foreign.h"
#include "pki.h"
#include "suite.h"
#include "tlsecho/tls/tls_context.h"

enum { HOUR_S = 3600, OFF = 9999 };

static const char *const versions[] = {"1.2", "1.3"};

static struct folder folder;
static struct pki ca, leaf, other;
static struct tls_context *server;
static struct error err;

/* The response of an OCSP responder. */
struct answer {
    const struct pki *about, *issuer;
    int status;                   /* V_OCSP_CERTSTATUS_* */
    int starts_hours, ends_hours; /* from now; OFF = no nextUpdate */
    const EVP_MD *digest;         /* that names the certificate */
};

static void set_up(void)
{
    folder_new(&folder);
    ca = pki_make(&(struct pki_spec){.subject = "CA", .ca = true});
    leaf =
        pki_make(&(struct pki_spec){.subject = "leaf", .names = "DNS:leaf.example", .issuer = &ca});
    other = pki_make(
        &(struct pki_spec){.subject = "other", .names = "DNS:other.example", .issuer = &ca});
    ck_assert_int_eq(tls_context_new(TLS_SERVER, &server, &err), 0);
}

static void tear_down(void)
{
    tls_context_free(server);
    pki_free(&ca);
    pki_free(&leaf);
    pki_free(&other);
    folder_remove(&folder);
}

static void serve(const struct pki *pki)
{
    pki_present(&folder, pki, server);
}

static const char *write_response(const char *name, OCSP_RESPONSE *response)
{
    unsigned char *der = NULL;
    int n = i2d_OCSP_RESPONSE(response, &der);
    ck_assert_int_gt(n, 0);
    folder_write(&folder, name, der, (size_t)n);
    OPENSSL_free(der);
    OCSP_RESPONSE_free(response);
    return folder.file;
}

static const char *write_answer(const char *name, const struct answer *answer)
{
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    const X509 *issuer = answer->issuer->certificate;
    OCSP_CERTID *id = OCSP_cert_id_new(answer->digest, X509_get_subject_name(issuer),
                                       X509_get0_pubkey_bitstr(issuer),
                                       X509_get0_serialNumber(answer->about->certificate));
    ASN1_TIME *from = X509_gmtime_adj(NULL, answer->starts_hours * HOUR_S);
    ASN1_TIME *until = X509_gmtime_adj(NULL, answer->ends_hours * HOUR_S);
    bool revoked = answer->status == V_OCSP_CERTSTATUS_REVOKED;
    ck_assert_ptr_nonnull(OCSP_basic_add1_status(basic, id, answer->status, 0,
                                                 revoked ? from : NULL, from,
                                                 answer->ends_hours == OFF ? NULL : until));
    ck_assert_int_eq(OCSP_basic_sign(basic, answer->issuer->certificate, answer->issuer->key,
                                     EVP_sha256(), NULL, 0),
                     1);
    OCSP_RESPONSE *response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
    OCSP_CERTID_free(id);
    OCSP_BASICRESP_free(basic);
    return write_response(name, response);
}

static struct answer good(const struct pki *about)
{
    return (struct answer){.about = about,
                           .issuer = &ca,
                           .status = V_OCSP_CERTSTATUS_GOOD,
                           .starts_hours = -1,
                           .ends_hours = 1,
                           .digest = EVP_sha1()};
}

static void staple(const char *name, const struct answer *answer)
{
    ck_assert_msg(tls_context_use_staple(server, write_answer(name, answer), &err) == 0, "%s",
                  err.text);
}

static void refused(const char *path, const char *text)
{
    ck_assert_int_eq(tls_context_use_staple(server, path, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_msg(strstr(err.text, text) != NULL, "%s", err.text);
}

static struct foreign_result shake(const char *version, const char *sni, bool ask)
{
    struct foreign client;
    foreign_new(&client, version);
    client.sni = sni;
    if (ask)
        SSL_CTX_set_tlsext_status_type(client.ctx, TLSEXT_STATUSTYPE_ocsp);
    struct foreign_result result = foreign_shake(&client, server);
    ck_assert_int_eq(result.status, IO_OK);
    foreign_free(&client);
    return result;
}

/* A client that requests a staple gets the response in the file, or none for NULL. */
static void gets(const char *sni, const char *name)
{
    unsigned char wanted[4096];
    size_t n = 0;
    if (name) {
        FILE *file = fopen(folder_file(&folder, name), "r");
        ck_assert_ptr_nonnull(file);
        n = fread(wanted, 1, sizeof wanted, file);
        fclose(file);
    }
    for (size_t i = 0; i < 2; i++) {
        struct foreign_result result = shake(versions[i], sni, true);
        ck_assert_uint_eq(result.staple_n, n);
        ck_assert_mem_eq(result.staple, wanted, n);
    }
}

START_TEST(staples_a_response_that_is_in_date_on_request)
{
    struct answer answer = good(&leaf);
    serve(&leaf);
    staple("good", &answer);
    gets(NULL, "good");
    for (size_t i = 0; i < 2; i++)
        ck_assert_uint_eq(shake(versions[i], NULL, false).staple_n, 0);
}
END_TEST

START_TEST(names_certificates_by_any_digest)
{
    struct answer answer = good(&leaf);
    answer.digest = EVP_sha256();
    serve(&leaf);
    staple("good", &answer);
    gets(NULL, "good");
}
END_TEST

START_TEST(staples_nothing_that_is_out_of_date)
{
    struct answer answer = good(&leaf);
    serve(&leaf);
    answer.starts_hours = -2;
    answer.ends_hours = -1;
    staple("old", &answer);
    gets(NULL, NULL);
    answer.starts_hours = 1;
    answer.ends_hours = 2;
    staple("young", &answer);
    gets(NULL, NULL);
}
END_TEST

START_TEST(returns_until_when_the_response_of_the_last_certificate_is_in_date)
{
    struct answer answer = good(&leaf);
    serve(&leaf);
    ck_assert_int_eq(tls_context_staple_expires(server), INT64_MAX);
    int64_t now = time(NULL);
    staple("good", &answer);
    ck_assert_int_ge(tls_context_staple_expires(server), now + HOUR_S);
    ck_assert_int_le(tls_context_staple_expires(server), time(NULL) + HOUR_S);
    answer.ends_hours = OFF;
    staple("endless", &answer);
    ck_assert_int_eq(tls_context_staple_expires(server), INT64_MAX);
    serve(&other);
    ck_assert_int_eq(tls_context_staple_expires(server), INT64_MAX);
}
END_TEST

START_TEST(accepts_a_response_without_an_end_for_ever)
{
    struct answer answer = good(&leaf);
    answer.starts_hours = -1000;
    answer.ends_hours = OFF;
    serve(&leaf);
    staple("good", &answer);
    gets(NULL, "good");
}
END_TEST

START_TEST(staples_the_response_of_the_certificate_that_is_sent)
{
    struct pki third = pki_make(
        &(struct pki_spec){.subject = "third", .names = "DNS:third.example", .issuer = &ca});
    struct answer of_leaf = good(&leaf), of_other = good(&other);
    serve(&leaf);
    staple("leaf", &of_leaf);
    serve(&other);
    staple("other", &of_other);
    serve(&third);
    gets("leaf.example", "leaf");
    gets("other.example", "other");
    gets("third.example", NULL);
    gets("unknown.example", "leaf");
    pki_free(&third);
}
END_TEST

START_TEST(refuses_a_response_that_is_not_good)
{
    struct answer answer = good(&leaf);
    serve(&leaf);
    answer.status = V_OCSP_CERTSTATUS_REVOKED;
    refused(write_answer("r", &answer), "r says that the certificate is revoked");
    answer.status = V_OCSP_CERTSTATUS_UNKNOWN;
    refused(write_answer("u", &answer), "u says that the certificate is unknown");
    refused(write_response("t", OCSP_response_create(OCSP_RESPONSE_STATUS_TRYLATER, NULL)),
            "t contains only the error \"trylater\"");
    gets(NULL, NULL);
}
END_TEST

START_TEST(refuses_a_response_for_another_certificate)
{
    struct answer answer = good(&other);
    serve(&leaf);
    refused(write_answer("other", &answer), "not about this certificate");

    struct pki impostor = pki_make(&(struct pki_spec){.subject = "Other CA", .ca = true});
    answer = good(&leaf);
    answer.issuer = &impostor; /* the serial number is the same, the issuer's name is not */
    refused(write_answer("other", &answer), "not about this certificate");
    pki_free(&impostor);
}
END_TEST

START_TEST(refuses_a_file_that_is_not_a_response)
{
    struct answer answer = good(&leaf);
    serve(&leaf);
    refused(folder_write(&folder, "f", "", 0), "f is not an OCSP response in DER");
    refused(pki_write_certificate(&folder, "f", &leaf), "f is not an OCSP response in DER");
    write_answer("f", &answer);
    FILE *file = fopen(folder.file, "a");
    ck_assert_ptr_nonnull(file);
    fputc('x', file);
    fclose(file);
    refused(folder.file, "f is not an OCSP response in DER");

    refused(folder_file(&folder, "absent"), "No such file");
    refused("/dev/zero", "not a regular file: name one");
    ck_assert_int_eq(mkfifo(folder_file(&folder, "fifo"), 0600), 0);
    refused(folder.file, "not a regular file");
}
END_TEST

START_TEST(refuses_a_response_that_is_slow_to_parse)
{
    static const char zeros[32 * 1024 + 1];
    struct pki explicit = pki_make(&(struct pki_spec){.subject = "CA", .explicit_curve = true});
    struct answer answer = good(&leaf);
    serve(&leaf);
    refused(folder_write(&folder, "f", zeros, sizeof zeros), "f is larger than 32 KiB");
    refused(folder_write(&folder, "f", zeros, sizeof zeros - 1),
            "f is not an OCSP response in DER");
    answer.issuer = &explicit;
    refused(write_answer("f", &answer),
            "f contains certificates that would be refused from a peer");
    pki_free(&explicit);
}
END_TEST

START_TEST(refuses_a_response_before_its_certificate)
{
    struct answer answer = good(&leaf);
    refused(write_answer("f", &answer), "no certificate to staple it to");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tls_stapling");
    TCase *tcase = tcase_create("stapling");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, staples_a_response_that_is_in_date_on_request);
    tcase_add_test(tcase, names_certificates_by_any_digest);
    tcase_add_test(tcase, staples_nothing_that_is_out_of_date);
    tcase_add_test(tcase, returns_until_when_the_response_of_the_last_certificate_is_in_date);
    tcase_add_test(tcase, accepts_a_response_without_an_end_for_ever);
    tcase_add_test(tcase, staples_the_response_of_the_certificate_that_is_sent);
    tcase_add_test(tcase, refuses_a_response_that_is_not_good);
    tcase_add_test(tcase, refuses_a_response_for_another_certificate);
    tcase_add_test(tcase, refuses_a_file_that_is_not_a_response);
    tcase_add_test(tcase, refuses_a_response_that_is_slow_to_parse);
    tcase_add_test(tcase, refuses_a_response_before_its_certificate);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
