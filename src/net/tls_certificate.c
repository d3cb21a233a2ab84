/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tls_internal.h"

enum { NAMES_SHOWN = 4 };

/* RFC 2253 escapes control characters; letters beyond ASCII stay readable as UTF-8. */
#define NAME_FLAGS (XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB)

/* What was printed, cut to size between two characters of UTF-8. */
static void take_text(BIO *printed, char *ret, size_t size)
{
    int n = BIO_read(printed, ret, (int)size);
    if (n == (int)size)
        do
            n--;
        while (n > 0 && (ret[n] & 0xc0) == 0x80);
    ret[n > 0 ? n : 0] = '\0';
}

void tls_name_text(const X509_NAME *name, char *ret, size_t size)
{
    BIO *out = BIO_new(BIO_s_mem());
    ret[0] = '\0';
    if (!out)
        return;
    X509_NAME_print_ex(out, name, 0, NAME_FLAGS);
    take_text(out, ret, size);
    BIO_free(out);
}

static bool to_tm(const ASN1_TIME *date, struct tm *ret)
{
    *ret = (struct tm){0};
    return date && ASN1_TIME_to_tm(date, ret) == 1;
}

static int64_t seconds(const ASN1_TIME *date)
{
    struct tm utc;
    return to_tm(date, &utc) ? timegm(&utc) : 0;
}

void tls_date_text(const ASN1_TIME *date, char ret[TLS_DATE_BYTES])
{
    struct tm utc;
    if (!to_tm(date, &utc) || strftime(ret, TLS_DATE_BYTES, "%Y-%m-%d %H:%M", &utc) == 0)
        strcpy(ret, "an unreadable date");
}

void tls_describe_certificate(X509 *certificate, struct peer_certificate *ret)
{
    *ret = (struct peer_certificate){.present = true};
    tls_name_text(X509_get_subject_name(certificate), ret->subject, sizeof ret->subject);
    tls_name_text(X509_get_issuer_name(certificate), ret->issuer, sizeof ret->issuer);
    ret->not_before = seconds(X509_get0_notBefore(certificate));
    ret->not_after = seconds(X509_get0_notAfter(certificate));

    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    X509_digest(certificate, EVP_sha256(), digest, &n);
    for (unsigned i = 0; i < n; i++)
        snprintf(ret->sha256 + i * 2, 3, "%02x", digest[i]);
}

static void print_address(BIO *out, const ASN1_STRING *value)
{
    int length = ASN1_STRING_length(value);
    char text[INET6_ADDRSTRLEN] = "unreadable";
    if (length == sizeof(struct in_addr))
        inet_ntop(AF_INET, ASN1_STRING_get0_data(value), text, sizeof text);
    else if (length == sizeof(struct in6_addr))
        inet_ntop(AF_INET6, ASN1_STRING_get0_data(value), text, sizeof text);
    BIO_puts(out, text);
}

static void print_name(BIO *out, const GENERAL_NAME *name)
{
    int type;
    const void *value = GENERAL_NAME_get0_value(name, &type);
    if (type == GEN_IPADD)
        print_address(out, value);
    else if (type == GEN_DNS || type == GEN_EMAIL || type == GEN_URI)
        ASN1_STRING_print_ex(out, value, ASN1_STRFLGS_ESC_CTRL | ASN1_STRFLGS_ESC_MSB);
    else if (type == GEN_DIRNAME)
        X509_NAME_print_ex(out, value, 0, NAME_FLAGS);
    else
        BIO_puts(out, "unreadable");
}

void tls_certificate_names(X509 *certificate, char *ret, size_t size)
{
    BIO *out = BIO_new(BIO_s_mem());
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    int shown = 0, i = 0, count = names ? sk_GENERAL_NAME_num(names) : 0;
    ret[0] = '\0';
    for (; out && i < count && shown < NAMES_SHOWN; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type != GEN_DNS && name->type != GEN_IPADD)
            continue; /* nothing that a client asks for */
        BIO_puts(out, shown++ ? ", " : "");
        print_name(out, name);
    }
    if (out && i < count)
        BIO_printf(out, " and %d more", count - i);
    if (out)
        take_text(out, ret, size);
    GENERAL_NAMES_free(names);
    BIO_free(out);
}

/* As x509v3_config(5) writes it. */
static const char *kind_of(const GENERAL_NAME *name)
{
    switch (name->type) {
    case GEN_DNS:
        return "DNS:";
    case GEN_IPADD:
        return "IP:";
    case GEN_URI:
        return "URI:";
    case GEN_EMAIL:
        return "email:";
    case GEN_DIRNAME:
        return "dirName:";
    case GEN_RID:
        return "RID:";
    }
    return "otherName:";
}

char *tls_certificate_all_names(X509 *certificate)
{
    BIO *out = BIO_new(BIO_s_mem());
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; out && i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        BIO_puts(out, kind_of(name));
        print_name(out, name);
        BIO_write(out, "", 1);
    }
    char *data, *copy = NULL;
    if (out && BIO_write(out, "", 1) == 1) {
        long n = BIO_get_mem_data(out, &data);
        copy = OPENSSL_memdup(data, (size_t)n);
    }
    GENERAL_NAMES_free(names);
    BIO_free(out);
    return copy;
}
