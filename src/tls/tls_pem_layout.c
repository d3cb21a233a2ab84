/* SPDX-License-Identifier: MIT */
/* Finds the parts of a PEM file (RFC 7468) that OpenSSL would silently skip. */
#include <string.h>

#include "tls_pem.h"

static const char begin_text[] = "-----BEGIN ", end_text[] = "-----END ", dashes[] = "-----",
                  bom[] = "\xef\xbb\xbf";

struct span {
    const char *at;
    size_t n;
};

static bool begins_with(struct span s, const char *text)
{
    return s.n >= strlen(text) && memcmp(s.at, text, strlen(text)) == 0;
}

static bool ends_with(struct span s, const char *text)
{
    return s.n >= strlen(text) && memcmp(s.at + s.n - strlen(text), text, strlen(text)) == 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct span trim_end(struct span s)
{
    while (s.n > 0 && is_blank(s.at[s.n - 1]))
        s.n--;
    return s;
}

static bool is_all_blank(struct span s)
{
    return trim_end(s).n == 0;
}

/* Whether the file ends within a BEGIN line. */
static bool is_cut(struct span line, bool last)
{
    if (begins_with(line, begin_text))
        return !ends_with(trim_end(line), dashes) || trim_end(line).n <= strlen(begin_text);
    return last && line.n > strlen(dashes) && line.n < strlen(begin_text) &&
           memcmp(line.at, begin_text, line.n) == 0;
}

/* Whether it looks like a BEGIN line but has other dashes, or invisible characters before them. */
static bool is_like_begin(struct span line)
{
    return line.n > 0 && (line.at[0] == '-' || (unsigned char)line.at[0] >= 0x80) &&
           memmem(line.at, line.n, "BEGIN ", strlen("BEGIN "));
}

static const char like_begin[] = "looks like a BEGIN: start it with five dashes";

/* NULL = nothing wrong; comments may contain BEGIN. within: between a BEGIN and its END. */
static const char *fault_of(struct span line, bool last, bool within)
{
    if (memchr(line.at, '\0', line.n))
        return "has a NUL byte: write the file again as text";
    if (begins_with(line, end_text) && !within)
        return "is an END without a BEGIN: start a line with its -----BEGIN";
    if (is_cut(line, last))
        return "ends within its BEGIN: write the file again";
    if (begins_with(line, "-----BEGIN TRUSTED CERTIFICATE"))
        return "begins a TRUSTED CERTIFICATE, a format of OpenSSL alone: convert it with openssl "
               "x509";
    if (begins_with(line, "-----BEGIN PKCS7"))
        return "begins a PKCS7: convert it with openssl pkcs7 -print_certs";
    const char *begin = memmem(line.at, line.n, begin_text, strlen(begin_text));
    if (begin == line.at)
        return NULL;
    if (!begin)
        return is_like_begin(line) ? like_begin : NULL;
    struct span before = {line.at, (size_t)(begin - line.at)};
    if (is_all_blank(before))
        return "has blanks before -----BEGIN: remove them, and those of the lines that follow";
    if (begins_with(before, end_text))
        return "has an END and a BEGIN: put each on its own line";
    return is_like_begin(line) ? like_begin : NULL;
}

/* Concatenated files have one in the middle. */
static struct span skip_bom(struct span line)
{
    size_t n = begins_with(line, bom) ? strlen(bom) : 0;
    return (struct span){line.at + n, line.n - n};
}

static bool is_utf16(const struct tls_pem *pem)
{
    return pem->n >= 2 && ((pem->data[0] == 0xff && pem->data[1] == 0xfe) ||
                           (pem->data[0] == 0xfe && pem->data[1] == 0xff));
}

/* DER begins with a SEQUENCE of more than 127 bytes, as no text does. */
static bool is_der(const struct tls_pem *pem)
{
    return pem->n >= 2 && pem->data[0] == 0x30 && pem->data[1] > 0x80;
}

int tls_pem_check_layout(const struct tls_pem *pem, struct error *err)
{
    struct span rest = {(const char *)pem->data, pem->n};
    if (is_utf16(pem))
        return error_set(err, ERROR_INPUT, "%s is UTF-16: save it as UTF-8 or ASCII", pem->path);
    if (is_der(pem))
        return error_set(err, ERROR_INPUT,
                         "%s is binary (DER or PKCS#12): convert it to PEM, as with openssl x509, "
                         "crl or pkey -inform DER, or openssl pkcs12 -nodes",
                         pem->path);
    bool within = false;
    for (int number = 1; rest.n > 0; number++) {
        const char *end = memchr(rest.at, '\n', rest.n);
        struct span line = {rest.at, end ? (size_t)(end - rest.at) : rest.n};
        struct span text = skip_bom(line);
        const char *fault = fault_of(text, !end, within);
        if (fault)
            return error_set(err, ERROR_INPUT, "%s: line %d %s", pem->path, number, fault);
        if (begins_with(text, begin_text))
            within = true;
        else if (begins_with(text, end_text))
            within = false;
        rest.at += line.n + (end ? 1 : 0);
        rest.n -= line.n + (end ? 1 : 0);
    }
    return 0;
}
