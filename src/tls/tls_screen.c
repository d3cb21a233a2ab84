/* SPDX-License-Identifier: MIT */
#include "tls_screen.h"

#include <stdint.h>
#include <string.h>

/* Tags of X.690 §8.1.2; 0xa0 + n is a constructed [n]. */
enum {
    BOOLEAN = 0x01,
    INTEGER = 0x02,
    BIT_STRING = 0x03,
    OCTET_STRING = 0x04,
    OID = 0x06,
    ENUMERATED = 0x0a,
    SEQUENCE = 0x30,
    CONTEXT_0 = 0xa0,
    CONTEXT_1,
    CONTEXT_2,
    CONTEXT_3,
    UNIQUE_ID_1 = 0x81, /* of issuer and subject, obsolete */
    UNIQUE_ID_2 = 0x82,
};

struct der {
    const unsigned char *at;
    size_t n;
};

static int next_tag(const struct der *in)
{
    return in->n > 0 ? in->at[0] : -1;
}

/* Takes a vector: a big-endian length of `bytes` bytes, 1 to 4, and that many bytes. */
static bool take_counted(struct der *in, size_t bytes, struct der *ret)
{
    size_t length = 0;
    if (in->n < bytes)
        return false;
    for (size_t i = 0; i < bytes; i++)
        length = length << 8 | in->at[i];
    if (in->n - bytes < length)
        return false;
    *ret = (struct der){in->at + bytes, length};
    in->at += bytes + length;
    in->n -= bytes + length;
    return true;
}

/* Takes the next element, which must have this tag and a definite length. */
static bool take(struct der *in, int tag, struct der *ret)
{
    if (next_tag(in) != tag || in->n < 2)
        return false;
    struct der rest = {in->at + 1, in->n - 1};
    size_t long_form = rest.at[0] & 0x7f;
    bool is_long = rest.at[0] & 0x80;
    if (is_long) {
        rest.at++, rest.n--;
        if (long_form < 1 || long_form > 4)
            return false;
    }
    if (!take_counted(&rest, is_long ? long_form : 1, ret))
        return false;
    *in = rest;
    return true;
}

/* Takes the header of a constructed element of indefinite length (BER), which OpenSSL accepts.
 */
static bool take_endless(struct der *in)
{
    if (in->n < 2 || !(in->at[0] & 0x20) || in->at[1] != 0x80)
        return false;
    in->at += 2;
    in->n -= 2;
    return true;
}

/*
 * Counts elements, also nested ones and those in OCTET STRINGs (extensions), in the order of the
 * bytes. The rest of an OCTET STRING without elements, as in a key identifier, is skipped. SIZE_MAX
 * if they cannot be counted.
 */
static size_t count_elements(struct der in)
{
    enum { NESTED_MAX = 16 };
    const unsigned char *const end = in.at + in.n, *ends[NESTED_MAX]; /* of the OCTET STRINGs */
    size_t count = 0, nested = 0;
    while (in.n >= 2) {
        struct der contents, rest = in;
        int tag = next_tag(&in);
        count++;
        if (take_endless(&in))
            continue;
        bool taken = take(&rest, tag, &contents);
        while (nested > 0 && in.at >= ends[nested - 1])
            nested--;
        if (nested > 0 && (!taken || rest.at > ends[nested - 1])) {
            nested--;
            in = (struct der){ends[nested], (size_t)(end - ends[nested])};
            continue;
        }
        if (!taken)
            return SIZE_MAX;
        bool holds = tag == OCTET_STRING && nested < NESTED_MAX;
        if (holds)
            ends[nested++] = rest.at;
        in = holds || (tag & 0x20) ? (struct der){contents.at, (size_t)(end - contents.at)} : rest;
    }
    return count;
}

static bool skip(struct der *in, int tag)
{
    struct der ignored;
    return take(in, tag, &ignored);
}

static bool skip_optional(struct der *in, int tag)
{
    return next_tag(in) != tag || skip(in, tag);
}

/* RFC 8017 §A.1.1: only RSA keys are a SEQUENCE that begins with two INTEGERs. */
static bool is_long_rsa(struct der key)
{
    enum {
        UNUSED_BITS_BYTES = 1,
        MODULUS_BYTES_MAX = 8192 / 8 + 1,
        EXPONENT_BYTES_MAX = 32 / 8 + 1
    };
    struct der bits, numbers, modulus, exponent;
    if (!take(&key, BIT_STRING, &bits) || bits.n < UNUSED_BITS_BYTES)
        return false;
    bits = (struct der){bits.at + UNUSED_BITS_BYTES, bits.n - UNUSED_BITS_BYTES};
    return take(&bits, SEQUENCE, &numbers) && take(&numbers, INTEGER, &modulus) &&
           take(&numbers, INTEGER, &exponent) &&
           (modulus.n > MODULUS_BYTES_MAX || exponent.n > EXPONENT_BYTES_MAX);
}

/*
 * Explicit ECParameters begin with a version and a FieldID, a SEQUENCE; no other parameters do.
 * Only curves have a name as parameters, and their uncompressed points begin with 4 (SEC 1 §2.3.3).
 */
static enum tls_screen screen_key(struct der key)
{
    enum { NO_UNUSED_BITS = 0, UNCOMPRESSED = 4 };
    struct der algorithm, parameters, point;
    if (!take(&key, SEQUENCE, &algorithm) || !skip(&algorithm, OID))
        return TLS_SCREEN_NOT_DER;
    if (is_long_rsa(key))
        return TLS_SCREEN_LONG_RSA;
    if (next_tag(&algorithm) == OID) {
        bool usual = take(&key, BIT_STRING, &point) && point.n > 1 &&
                     point.at[0] == NO_UNUSED_BITS && point.at[1] == UNCOMPRESSED;
        return usual ? TLS_SCREEN_OK : TLS_SCREEN_COMPRESSED_POINT;
    }
    if (next_tag(&algorithm) != SEQUENCE)
        return TLS_SCREEN_OK;
    if (!take(&algorithm, SEQUENCE, &parameters))
        return TLS_SCREEN_NOT_DER;
    bool explicit = next_tag(&parameters) == INTEGER && skip(&parameters, INTEGER) &&
                    next_tag(&parameters) == SEQUENCE;
    return explicit ? TLS_SCREEN_EXPLICIT_CURVE : TLS_SCREEN_OK;
}

/* OpenSSL 3.0 copies the issuer's name, which may be long, for each of them. */
static enum tls_screen screen_distribution_points(struct der value)
{
    struct der points, point, name;
    if (!take(&value, SEQUENCE, &points))
        return TLS_SCREEN_NOT_DER;
    while (points.n > 0) {
        if (!take(&points, SEQUENCE, &point))
            return TLS_SCREEN_NOT_DER;
        if (next_tag(&point) != CONTEXT_0)
            continue;
        if (!take(&point, CONTEXT_0, &name))
            return TLS_SCREEN_NOT_DER;
        if (next_tag(&name) == CONTEXT_1)
            return TLS_SCREEN_RELATIVE_NAME;
    }
    return TLS_SCREEN_OK;
}

static enum tls_screen screen_extensions(struct der extensions)
{
    static const unsigned char distribution_points[] = {0x55, 0x1d, 0x1f}; /* 2.5.29.31 */
    enum tls_screen found = TLS_SCREEN_OK;
    struct der list, extension, oid, value;
    if (!take(&extensions, SEQUENCE, &list))
        return TLS_SCREEN_NOT_DER;
    while (found == TLS_SCREEN_OK && list.n > 0) {
        if (!take(&list, SEQUENCE, &extension) || !take(&extension, OID, &oid) ||
            !skip_optional(&extension, BOOLEAN) || !take(&extension, OCTET_STRING, &value))
            return TLS_SCREEN_NOT_DER;
        if (oid.n == sizeof distribution_points && memcmp(oid.at, distribution_points, oid.n) == 0)
            found = screen_distribution_points(value);
    }
    return found;
}

/* RFC 5280 §4.1. */
static enum tls_screen screen(struct der in, struct der *ret_subject)
{
    struct der certificate, tbs, key, extensions;
    if (!take(&in, SEQUENCE, &certificate) || !take(&certificate, SEQUENCE, &tbs) ||
        !skip_optional(&tbs, CONTEXT_0) /* version */ || !skip(&tbs, INTEGER) /* serial number */ ||
        !skip(&tbs, SEQUENCE) /* algorithm */ || !skip(&tbs, SEQUENCE) /* issuer */ ||
        !skip(&tbs, SEQUENCE) /* validity */)
        return TLS_SCREEN_NOT_DER;
    const unsigned char *subject = tbs.at;
    if (!skip(&tbs, SEQUENCE))
        return TLS_SCREEN_NOT_DER;
    *ret_subject = (struct der){subject, (size_t)(tbs.at - subject)};
    if (!take(&tbs, SEQUENCE, &key))
        return TLS_SCREEN_NOT_DER;
    enum tls_screen found = screen_key(key);
    if (found != TLS_SCREEN_OK)
        return found;
    if (!skip_optional(&tbs, UNIQUE_ID_1) || !skip_optional(&tbs, UNIQUE_ID_2))
        return TLS_SCREEN_NOT_DER;
    if (tbs.n == 0)
        return TLS_SCREEN_OK;
    return take(&tbs, CONTEXT_3, &extensions) && tbs.n == 0 ? screen_extensions(extensions)
                                                            : TLS_SCREEN_NOT_DER;
}

enum tls_screen tls_screen_certificate(const unsigned char *der, size_t n)
{
    struct der ignored;
    return screen((struct der){der, n}, &ignored);
}

struct tls_screening tls_screen_message(const unsigned char *body, size_t n, bool tls13,
                                        const struct tls_screen_limits *limits)
{
    struct tls_screening result = {.fault = TLS_SCREEN_OK};
    size_t elements = 0;
    struct der in = {body, n}, list, certificate, ignored;
    if ((tls13 && !take_counted(&in, 1, &ignored)) || !take_counted(&in, 3, &list))
        return result;
    while (list.n > 0 && take_counted(&list, 3, &certificate)) {
        struct der subject = {0};
        enum tls_screen found = screen(certificate, &subject);
        if (result.count++ == 0) {
            result.subject = subject.at;
            result.subject_n = subject.n;
        }
        if (result.fault == TLS_SCREEN_OK)
            result.fault = found;
        size_t more = count_elements(certificate);
        elements = more > SIZE_MAX - elements ? SIZE_MAX : elements + more;
        if (tls13 && !take_counted(&list, 2, &ignored))
            break;
    }
    if (elements > limits->elements)
        result.fault = TLS_SCREEN_TOO_COMPLEX;
    if (result.count > limits->certificates)
        result.fault = TLS_SCREEN_TOO_MANY;
    return result;
}

/* The content of the responseBytes of an OCSPResponse; empty if there are none. */
static bool find_basic_response(struct der in, struct der *ret)
{
    struct der response, outer, bytes;
    if (!take(&in, SEQUENCE, &response) || !skip(&response, ENUMERATED))
        return false;
    if (response.n == 0)
        return true;
    return take(&response, CONTEXT_0, &outer) && take(&outer, SEQUENCE, &bytes) &&
           skip(&bytes, OID) && take(&bytes, OCTET_STRING, ret);
}

static enum tls_screen screen_list(struct der list, const struct tls_screen_limits *limits)
{
    enum tls_screen found = TLS_SCREEN_OK;
    if (count_elements(list) > limits->elements)
        return TLS_SCREEN_TOO_COMPLEX;
    for (size_t count = 0; found == TLS_SCREEN_OK && list.n > 0; count++) {
        struct der certificate = list, ignored;
        if (count == limits->certificates)
            return TLS_SCREEN_TOO_MANY;
        if (!skip(&list, SEQUENCE))
            return TLS_SCREEN_NOT_DER;
        certificate.n -= list.n;
        found = screen(certificate, &ignored);
    }
    return found;
}

enum tls_screen tls_screen_ocsp(const unsigned char *der, size_t n,
                                const struct tls_screen_limits *limits)
{
    struct der basic = {0}, response, certificates, list;
    if (!find_basic_response((struct der){der, n}, &basic))
        return TLS_SCREEN_NOT_DER;
    if (basic.n == 0)
        return TLS_SCREEN_OK;
    if (!take(&basic, SEQUENCE, &response) || !skip(&response, SEQUENCE) ||
        !skip(&response, SEQUENCE) || !skip(&response, BIT_STRING))
        return TLS_SCREEN_NOT_DER;
    if (response.n == 0)
        return TLS_SCREEN_OK;
    if (!take(&response, CONTEXT_0, &certificates) || !take(&certificates, SEQUENCE, &list))
        return TLS_SCREEN_NOT_DER;
    return screen_list(list, limits);
}

bool tls_screen_key_shares(const unsigned char *data, size_t n)
{
    enum { GROUP_BYTES = 2, LENGTH_BYTES = 2, SHARES_MAX = 32 };
    struct der in = {data, n}, list, share;
    size_t count = 0;
    if (!take_counted(&in, LENGTH_BYTES, &list))
        return true;
    while (list.n > GROUP_BYTES && count <= SHARES_MAX) {
        list = (struct der){list.at + GROUP_BYTES, list.n - GROUP_BYTES};
        if (!take_counted(&list, LENGTH_BYTES, &share))
            break;
        count++;
    }
    return count <= SHARES_MAX;
}
