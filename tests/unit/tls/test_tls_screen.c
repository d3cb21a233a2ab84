/* SPDX-License-Identifier: MIT */
#include "tls_screen.h"

#include <check.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "pki.h"
#include "suite.h"

enum { MESSAGE_BYTES = 64 * 1024 };

static struct pki ca, leaf, explicit, rsa;
static unsigned char message[MESSAGE_BYTES];
static size_t used;
static struct tls_screen_limits limits;

static void set_up(void)
{
    limits = (struct tls_screen_limits){.certificates = 2, .elements = 400};
    ca = pki_make(&(struct pki_spec){.subject = "CA", .ca = true});
    leaf = pki_make(&(struct pki_spec){.subject = "leaf", .names = "DNS:a", .issuer = &ca});
    explicit = pki_make(&(struct pki_spec){.subject = "explicit", .explicit_curve = true});
    rsa = pki_make(&(struct pki_spec){.subject = "rsa", .rsa = true});
}

static void tear_down(void)
{
    pki_free(&rsa);
    pki_free(&explicit);
    pki_free(&leaf);
    pki_free(&ca);
}

static enum tls_screen screen(X509 *certificate)
{
    unsigned char *der = NULL;
    int n = i2d_X509(certificate, &der);
    ck_assert_int_gt(n, 0);
    enum tls_screen found = tls_screen_certificate(der, (size_t)n);
    OPENSSL_free(der);
    return found;
}

static void put(const void *bytes, size_t n)
{
    ck_assert_uint_le(used + n, sizeof message);
    memcpy(message + used, bytes, n);
    used += n;
}

static void put_number(size_t value, size_t bytes)
{
    while (bytes-- > 0)
        put(&(unsigned char){(unsigned char)(value >> 8 * bytes)}, 1);
}

/* A Certificate of RFC 8446 §4.4.2 or RFC 5246 §7.4.2. */
static struct tls_screening screened(bool tls13, X509 *const *certificates, size_t count)
{
    size_t prefix = tls13 ? 1 : 0;
    used = 0;
    put_number(0, prefix + 3);
    for (size_t i = 0; i < count; i++) {
        unsigned char *der = NULL;
        int n = i2d_X509(certificates[i], &der);
        put_number((size_t)n, 3);
        put(der, (size_t)n);
        OPENSSL_free(der);
        put_number(0, tls13 ? 2 : 0);
    }
    size_t end = used;
    used = prefix;
    put_number(end - prefix - 3, 3);
    used = end;
    return tls_screen_message(message, used, tls13, &limits);
}

/* crl: the contents of CRLDistributionPoints. */
static enum tls_screen screen_with_points(const unsigned char *crl, size_t n)
{
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(value, crl, (int)n);
    X509 *certificate = X509_dup(leaf.certificate);
    X509_EXTENSION *extension =
        X509_EXTENSION_create_by_NID(NULL, NID_crl_distribution_points, 1, value);
    ck_assert_int_eq(X509_add_ext(certificate, extension, -1), 1);
    ck_assert_int_ne(X509_sign(certificate, ca.key, EVP_sha256()), 0);
    enum tls_screen found = screen(certificate);
    X509_EXTENSION_free(extension);
    X509_free(certificate);
    ASN1_OCTET_STRING_free(value);
    return found;
}

START_TEST(accepts_usual_certificates)
{
    ck_assert_int_eq(screen(ca.certificate), TLS_SCREEN_OK);
    ck_assert_int_eq(screen(leaf.certificate), TLS_SCREEN_OK);
    ck_assert_int_eq(screen(rsa.certificate), TLS_SCREEN_OK);
}
END_TEST

START_TEST(finds_explicit_curve_parameters)
{
    ck_assert_int_eq(screen(explicit.certificate), TLS_SCREEN_EXPLICIT_CURVE);
}
END_TEST

START_TEST(finds_a_compressed_point)
{
    struct pki odd = pki_make(&(struct pki_spec){.subject = "odd", .compressed_point = true});
    ck_assert_int_eq(screen(odd.certificate), TLS_SCREEN_COMPRESSED_POINT);
    pki_free(&odd);
}
END_TEST

/* With an RSA modulus of so many bits, a multiple of 8, and an exponent of so many bytes. */
static enum tls_screen screen_rsa(size_t bits, unsigned char exponent_bytes)
{
    unsigned char exponent[11] = {0x02, exponent_bytes, 0x01, [10] = 0x01};
    size_t exponent_n = 2 + (size_t)exponent_bytes;
    size_t n = bits / 8 + 1; /* a zero comes first */
    X509 *certificate = X509_dup(rsa.certificate);
    used = 0;
    put_number(0x3082, 2);
    put_number(n + 4 + exponent_n, 2);
    put_number(0x0282, 2);
    put_number(n, 2);
    put_number(0x00ff, 2);
    for (size_t i = 2; i < n; i++)
        put_number(0x55, 1);
    put(exponent, exponent_n);
    ck_assert_int_eq(X509_PUBKEY_set0_param(X509_get_X509_PUBKEY(certificate),
                                            OBJ_nid2obj(NID_rsaEncryption), V_ASN1_NULL, NULL,
                                            OPENSSL_memdup(message, used), (int)used),
                     1);
    ck_assert_int_gt(i2d_re_X509_tbs(certificate, NULL), 0);
    enum tls_screen found = screen(certificate);
    X509_free(certificate);
    return found;
}

START_TEST(finds_an_rsa_key_that_is_slow_to_verify_with)
{
    ck_assert_int_eq(screen_rsa(4096, 3), TLS_SCREEN_OK);
    ck_assert_int_eq(screen_rsa(8192, 5), TLS_SCREEN_OK);
    ck_assert_int_eq(screen_rsa(8200, 3), TLS_SCREEN_LONG_RSA);
    ck_assert_int_eq(screen_rsa(16384, 3), TLS_SCREEN_LONG_RSA);
    ck_assert_int_eq(screen_rsa(2048, 6), TLS_SCREEN_LONG_RSA);
}
END_TEST

START_TEST(counts_the_elements_of_all_certificates)
{
    char names[4096] = "DNS:a";
    for (size_t n = 5; n < 6 * 200; n += 6)
        memcpy(names + n, ",DNS:a", 7);
    struct pki named = pki_make(&(struct pki_spec){.subject = "named", .names = names});
    X509 *const chain[] = {named.certificate, named.certificate};
    ck_assert_int_eq(screened(true, chain, 1).fault, TLS_SCREEN_OK);
    ck_assert_int_eq(screened(true, chain, 2).fault, TLS_SCREEN_TOO_COMPLEX);
    pki_free(&named);
}
END_TEST

/* An extension whose value is these bytes, before one with 200 names. */
static size_t elements_behind(const char *value)
{
    char names[4096] = "DNS:a";
    for (size_t n = 5; n < 6 * 200; n += 6)
        memcpy(names + n, ",DNS:a", 7);
    struct pki named = pki_make(&(struct pki_spec){.subject = "named"});
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, NULL, NULL, NULL, NULL, 0);
    X509_EXTENSION *opaque = X509V3_EXT_conf(NULL, &ctx, "1.2.3.4", value),
                   *many = X509V3_EXT_conf(NULL, &ctx, "subjectAltName", names);
    ck_assert_ptr_nonnull(opaque);
    ck_assert(X509_add_ext(named.certificate, opaque, 0));
    ck_assert(X509_add_ext(named.certificate, many, 1));
    ck_assert_int_gt(X509_sign(named.certificate, named.key, EVP_sha256()), 0);
    X509_EXTENSION_free(opaque);
    X509_EXTENSION_free(many);
    size_t low = 0, high = 4096; /* the least limit that takes it */
    while (low < high) {
        limits.elements = (low + high) / 2;
        if (screened(true, &named.certificate, 1).fault == TLS_SCREEN_OK)
            high = limits.elements;
        else
            low = limits.elements + 1;
    }
    pki_free(&named);
    return low;
}

START_TEST(counts_elements_after_bytes_that_are_not_elements)
{
    /* nothing; an element that would be longer than all; one that would end behind its OCTET
     * STRING; an endless one; a stray byte; such bytes two OCTET STRINGs deep */
    static const char *const values[] = {"DER:0500",     "DER:04847FFFFFFF", "DER:0440AA",
                                         "DER:30800000", "DER:050030",       "DER:04040484FFFF"};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        size_t n = elements_behind(values[i]);
        ck_assert_msg(n > 200 && n < 300, "%s: %zu", values[i], n);
    }
}
END_TEST

START_TEST(refuses_more_key_shares_than_there_are_groups)
{
    for (size_t count = 32; count <= 33; count++) {
        used = 0;
        put_number(5 * count, 2);
        for (size_t i = 0; i < count; i++)
            put_number(i << 24 | 1 << 8, 5); /* a group, and a byte of a key */
        ck_assert(tls_screen_key_shares(message, used) == (count == 32));
    }
    for (size_t n = 0; n < used; n++)
        tls_screen_key_shares(message, n);
}
END_TEST

START_TEST(finds_a_distribution_point_relative_to_the_issuer)
{
    static const unsigned char uri[] = {0x30, 9, 0x30, 7, 0xa0, 5, 0xa0, 3, 0x86, 1, 'x'};
    static const unsigned char relative[] = {
        0x30, 19, 0x30, 2, 0x81, 0, 0x30, 13, 0xa0, 11, 0xa1, 9, 0x30, 7, 6, 3, 0x55, 4, 3, 12, 0};
    ck_assert_int_eq(screen_with_points(uri, sizeof uri), TLS_SCREEN_OK);
    ck_assert_int_eq(screen_with_points(relative, sizeof relative), TLS_SCREEN_RELATIVE_NAME);
}
END_TEST

START_TEST(refuses_lengths_that_der_does_not_allow)
{
    static const unsigned char indefinite[] = {0x30, 0x80, 0x30, 0x80, 0, 0, 0, 0};
    ck_assert_int_eq(tls_screen_certificate(indefinite, sizeof indefinite), TLS_SCREEN_NOT_DER);
    ck_assert_int_eq(screen_with_points(indefinite, sizeof indefinite), TLS_SCREEN_NOT_DER);
}
END_TEST

START_TEST(counts_the_certificates_of_a_message)
{
    X509 *const chain[] = {leaf.certificate, ca.certificate, rsa.certificate};
    for (int tls13 = 0; tls13 < 2; tls13++) {
        ck_assert_int_eq(screened(tls13, chain, 2).fault, TLS_SCREEN_OK);
        struct tls_screening found = screened(tls13, chain, 3);
        ck_assert_int_eq(found.fault, TLS_SCREEN_TOO_MANY);
        ck_assert_uint_eq(found.count, 3);
        X509_NAME *name = d2i_X509_NAME(NULL, &found.subject, (long)found.subject_n);
        ck_assert_int_eq(X509_NAME_cmp(name, X509_get_subject_name(leaf.certificate)), 0);
        X509_NAME_free(name);
        ck_assert_int_eq(screened(tls13, NULL, 0).fault, TLS_SCREEN_OK);
    }
}
END_TEST

START_TEST(finds_a_fault_in_any_certificate_of_a_message)
{
    X509 *const chain[] = {leaf.certificate, explicit.certificate};
    ck_assert_int_eq(screened(true, chain, 2).fault, TLS_SCREEN_EXPLICIT_CURVE);
    ck_assert_int_eq(screened(false, chain, 2).fault, TLS_SCREEN_EXPLICIT_CURVE);
}
END_TEST

/* In a block of its own, so that a sanitizer sees a byte too far. */
START_TEST(reads_nothing_beyond_a_message_that_is_cut)
{
    X509 *const chain[] = {leaf.certificate, rsa.certificate};
    screened(true, chain, 2);
    for (size_t n = 0; n < used; n++) {
        unsigned char *part = malloc(n + 1);
        memcpy(part, message, n);
        tls_screen_message(part, n, true, &limits);
        tls_screen_ocsp(part, n, &limits);
        if (n > 7)
            ck_assert_int_ne(tls_screen_certificate(part + 7, n - 7), TLS_SCREEN_EXPLICIT_CURVE);
        free(part);
    }
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("screen");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, accepts_usual_certificates);
    tcase_add_test(cases, finds_explicit_curve_parameters);
    tcase_add_test(cases, finds_a_compressed_point);
    tcase_add_test(cases, finds_an_rsa_key_that_is_slow_to_verify_with);
    tcase_add_test(cases, counts_the_elements_of_all_certificates);
    tcase_add_test(cases, counts_elements_after_bytes_that_are_not_elements);
    tcase_add_test(cases, refuses_more_key_shares_than_there_are_groups);
    tcase_add_test(cases, finds_a_distribution_point_relative_to_the_issuer);
    tcase_add_test(cases, refuses_lengths_that_der_does_not_allow);
    tcase_add_test(cases, counts_the_certificates_of_a_message);
    tcase_add_test(cases, finds_a_fault_in_any_certificate_of_a_message);
    tcase_add_test(cases, reads_nothing_beyond_a_message_that_is_cut);
    Suite *suite = suite_create("tls_screen");
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
