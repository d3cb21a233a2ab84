/* SPDX-License-Identifier: MIT */
#include "tls_certificate.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tlsecho/base/calendar.h"
#include "tlsecho/base/text.h"

enum { NAMES_SHOWN = 4 };

/* The printed text, escaped and cut to size. */
static void take_text(BIO *printed, char *ret, size_t size)
{
    char *data;
    long n = BIO_get_mem_data(printed, &data);
    text_copy(data, n > 0 ? (size_t)n : 0, ret, size);
}

void tls_certificate_derive(X509 *certificate)
{
    ERR_set_mark();
    X509_check_purpose(certificate, -1, 0);
    ERR_pop_to_mark();
}

void tls_certificate_name(const X509_NAME *name, char *ret, size_t size)
{
    BIO *out = BIO_new(BIO_s_mem());
    ret[0] = '\0';
    if (!out)
        return;
    /* RFC 2253 escapes C0 control characters; letters beyond ASCII stay readable as UTF-8. */
    X509_NAME_print_ex(out, name, 0, XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB);
    take_text(out, ret, size);
    BIO_free(out);
}

static bool to_tm(const ASN1_TIME *date, struct tm *ret)
{
    *ret = (struct tm){0};
    return date && ASN1_TIME_to_tm(date, ret) == 1;
}

int64_t tls_certificate_date_seconds(const ASN1_TIME *date)
{
    struct tm utc;
    return to_tm(date, &utc) ? calendar_seconds(&utc) : 0;
}

void tls_certificate_date_text(const ASN1_TIME *date, char ret[TLS_CERTIFICATE_DATE_BYTES])
{
    struct tm utc;
    if (!to_tm(date, &utc) ||
        strftime(ret, TLS_CERTIFICATE_DATE_BYTES, "%Y-%m-%d %H:%M", &utc) == 0)
        strcpy(ret, "an unreadable date");
}

void tls_certificate_describe(X509 *certificate, struct peer_certificate *ret)
{
    *ret = (struct peer_certificate){.present = true};
    tls_certificate_name(X509_get_subject_name(certificate), ret->subject, sizeof ret->subject);
    tls_certificate_name(X509_get_issuer_name(certificate), ret->issuer, sizeof ret->issuer);
    tls_certificate_names(certificate, TLS_NAMES_WITH_KIND, ret->names, sizeof ret->names);
    ret->not_before = tls_certificate_date_seconds(X509_get0_notBefore(certificate));
    ret->not_after = tls_certificate_date_seconds(X509_get0_notAfter(certificate));

    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    X509_digest(certificate, EVP_sha256(), digest, &n);
    for (unsigned i = 0; i < n; i++)
        snprintf(ret->sha256 + i * 2, 3, "%02x", digest[i]);
}

static bool is_address(const ASN1_STRING *value)
{
    int length = ASN1_STRING_length(value);
    return length == sizeof(struct in_addr) || length == sizeof(struct in6_addr);
}

/* "DNS" as in x509v3_config(5); NULL for kinds that are not shown. */
static const char *kind_text(int type, const void *value)
{
    switch (type) {
    case GEN_DNS:
        return "DNS";
    case GEN_URI:
        return "URI";
    case GEN_EMAIL:
        return "email";
    case GEN_IPADD:
        return is_address(value) ? "IP" : NULL;
    }
    return NULL;
}

static void print_address(BIO *out, const ASN1_STRING *value)
{
    char text[INET6_ADDRSTRLEN];
    int family = ASN1_STRING_length(value) == sizeof(struct in_addr) ? AF_INET : AF_INET6;
    inet_ntop(family, ASN1_STRING_get0_data(value), text, sizeof text);
    BIO_puts(out, text);
}

/* False for kinds that are not shown. */
static bool print_name(BIO *out, const GENERAL_NAME *name, enum tls_names_of which,
                       const char *before)
{
    int type = GEN_OTHERNAME;
    const void *value = GENERAL_NAME_get0_value(name, &type);
    bool of_host = type == GEN_DNS || type == GEN_IPADD;
    const char *kind = of_host || which == TLS_NAMES_WITH_KIND ? kind_text(type, value) : NULL;
    if (!kind)
        return false;
    BIO_puts(out, before);
    if (which == TLS_NAMES_WITH_KIND)
        BIO_printf(out, "%s:", kind);
    if (type == GEN_IPADD)
        print_address(out, value);
    else
        ASN1_STRING_print_ex(out, value, ASN1_STRFLGS_ESC_CTRL | ASN1_STRFLGS_ESC_MSB);
    return true;
}

void tls_certificate_names(X509 *certificate, enum tls_names_of which, char *ret, size_t size)
{
    BIO *out = BIO_new(BIO_s_mem());
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    int shown = 0, i = 0, count = names ? sk_GENERAL_NAME_num(names) : 0;
    ret[0] = '\0';
    for (; out && i < count && shown < NAMES_SHOWN; i++)
        shown += print_name(out, sk_GENERAL_NAME_value(names, i), which, shown ? ", " : "");
    if (out && i < count)
        BIO_printf(out, " and %d more", count - i);
    if (out)
        take_text(out, ret, size);
    GENERAL_NAMES_free(names);
    BIO_free(out);
}

char *tls_certificate_all_names(X509 *certificate)
{
    BIO *out = BIO_new(BIO_s_mem());
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; out && i < sk_GENERAL_NAME_num(names); i++)
        if (print_name(out, sk_GENERAL_NAME_value(names, i), TLS_NAMES_WITH_KIND, ""))
            BIO_write(out, "", 1);
    char *data, *copy = NULL;
    if (out && BIO_write(out, "", 1) == 1) {
        long n = BIO_get_mem_data(out, &data);
        copy = OPENSSL_memdup(data, (size_t)n);
    }
    GENERAL_NAMES_free(names);
    BIO_free(out);
    return copy;
}
