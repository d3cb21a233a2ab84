/* SPDX-License-Identifier: MIT */
/* PEM files as they occur, read as a client's bundle of CAs. */
#include <check.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

#include "folder.h"
#include "pki.h"
#include "suite.h"
#include "tlsecho/tls/tls_context.h"

enum { PEM_BYTES = 4096 };

static struct folder folder;
static struct pki ca, other;
static char first[PEM_BYTES], second[PEM_BYTES];
static struct error err;

static void write_pem(const struct pki *pki, char ret[PEM_BYTES])
{
    BIO *out = BIO_new(BIO_s_mem());
    ck_assert_int_eq(PEM_write_bio_X509(out, pki->certificate), 1);
    int n = BIO_read(out, ret, PEM_BYTES - 1);
    ck_assert_int_gt(n, 0);
    ret[n] = '\0';
    BIO_free(out);
}

static void set_up(void)
{
    folder_new(&folder);
    ca = pki_make(&(struct pki_spec){.subject = "a", .ca = true});
    other = pki_make(&(struct pki_spec){.subject = "b", .ca = true});
    write_pem(&ca, first);
    write_pem(&other, second);
}

static void tear_down(void)
{
    pki_free(&other);
    pki_free(&ca);
    folder_remove(&folder);
}

static int use(const char *text, size_t n)
{
    struct tls_context *ctx;
    ck_assert_int_eq(tls_context_new(TLS_SERVER, &ctx, &err), 0);
    int result = tls_context_use_client_ca(ctx, folder_write(&folder, "ca.pem", text, n), &err);
    tls_context_free(ctx);
    return result;
}

static void takes(const char *text)
{
    ck_assert_msg(use(text, strlen(text)) == 0, "%s", err.text);
}

static void refuses(const char *text, const char *reason)
{
    ck_assert_int_eq(use(text, strlen(text)), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_msg(strstr(err.text, reason) != NULL, "%s", err.text);
}

/* Both, with something before, between and behind. */
static const char *both(const char *before, const char *between, const char *behind)
{
    static char text[3 * PEM_BYTES];
    snprintf(text, sizeof text, "%s%s%s%s%s", before, first, between, second, behind);
    return text;
}

START_TEST(accepts_text_around_certificates)
{
    takes(both("", "", ""));
    takes(both("\xef\xbb\xbf", "", ""));
    takes(both("Bag Attributes\n  localKeyID: 01\n", "\nsubject=CN=b \xff\xfe\n", "# the end"));
    takes(both("# paste -----BEGIN CERTIFICATE----- below\n", "", "-----\n----------\n"));
    takes(both("", "#-----BEGIN CERTIFICATE-----\n#AAAA\n", ""));
}
END_TEST

START_TEST(refuses_a_begin_that_is_not_the_first_thing_on_its_line)
{
    refuses(both("", "x", ""), "is an END without a BEGIN");
    refuses(both("", "#", ""), "is an END without a BEGIN");
    refuses(both("", "\xc2\xa0", ""), "looks like a BEGIN");
    refuses(both("", "-", ""), "looks like a BEGIN");
}
END_TEST

START_TEST(refuses_other_dashes_and_letters)
{
    refuses(both("----BEGIN CERTIFICATE----\nAAAA\n----END CERTIFICATE----\n", "", ""),
            "line 1 looks like a BEGIN");
    refuses(both("\xe2\x80\x93\xe2\x80\x93-BEGIN CERTIFICATE-----\n", "", ""),
            "looks like a BEGIN");
    refuses(both("-----begin CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "", ""),
            "line 3 is an END without a BEGIN");
}
END_TEST

START_TEST(refuses_nul_bytes)
{
    static char text[3 * PEM_BYTES];
    const char *joined = both("", "?", "");
    size_t n = strlen(joined);
    memcpy(text, joined, n);
    text[strlen(first)] = '\0';
    ck_assert_int_eq(use(text, n), -1);
    ck_assert_msg(strstr(err.text, "has a NUL byte") != NULL, "%s", err.text);
}
END_TEST

START_TEST(accepts_a_byte_order_mark_where_files_were_joined)
{
    takes(both("\xef\xbb\xbf", "\xef\xbb\xbf", ""));
}
END_TEST

START_TEST(accepts_a_last_line_without_a_line_feed)
{
    second[strlen(second) - 1] = '\0';
    takes(both("", "", ""));
    takes(both("", "", " \t\r"));
}
END_TEST

START_TEST(refuses_blanks_before_a_begin)
{
    refuses(both("", "  ", ""), "has blanks before -----BEGIN");
    refuses(both("\t", "", ""), "ca.pem: line 1 has blanks before -----BEGIN");
}
END_TEST

START_TEST(refuses_files_that_were_joined_without_a_line_feed)
{
    first[strlen(first) - 1] = '\0';
    refuses(both("", "", ""), "has an END and a BEGIN");
}
END_TEST

START_TEST(refuses_a_begin_that_is_cut_off)
{
    static const char *const ends[] = {"-----B",
                                       "-----BEGIN",
                                       "-----BEGIN ",
                                       "-----BEGIN CERTIF",
                                       "-----BEGIN CERTIFICATE-",
                                       "-----BEGIN CERTIFICATE\n"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        refuses(both("", "", ends[i]), "ends within its BEGIN");
}
END_TEST

START_TEST(refuses_what_is_not_ascii_or_not_pem)
{
    static const char utf16[] = "\xff\xfe-\0-\0", der[] = "\x30\x82\x01\x02";
    ck_assert_int_eq(use(utf16, sizeof utf16 - 1), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "is UTF-16: save it as"));
    ck_assert_int_eq(use(der, sizeof der - 1), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "convert it to PEM"));
    refuses("", "has no certificate");
    refuses("0", "has no certificate");
}
END_TEST

START_TEST(refuses_formats_that_hide_certificates)
{
    refuses(both("-----BEGIN TRUSTED CERTIFICATE-----\nAAAA\n-----END TRUSTED CERTIFICATE-----\n",
                 "", ""),
            "line 1 begins a TRUSTED CERTIFICATE");
    refuses(both("", "-----BEGIN PKCS7-----\nAAAA\n-----END PKCS7-----\n", ""), "begins a PKCS7");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tls_pem_layout");
    TCase *tcase = tcase_create("layout");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, accepts_text_around_certificates);
    tcase_add_test(tcase, refuses_a_begin_that_is_not_the_first_thing_on_its_line);
    tcase_add_test(tcase, refuses_other_dashes_and_letters);
    tcase_add_test(tcase, refuses_nul_bytes);
    tcase_add_test(tcase, accepts_a_byte_order_mark_where_files_were_joined);
    tcase_add_test(tcase, accepts_a_last_line_without_a_line_feed);
    tcase_add_test(tcase, refuses_blanks_before_a_begin);
    tcase_add_test(tcase, refuses_files_that_were_joined_without_a_line_feed);
    tcase_add_test(tcase, refuses_a_begin_that_is_cut_off);
    tcase_add_test(tcase, refuses_what_is_not_ascii_or_not_pem);
    tcase_add_test(tcase, refuses_formats_that_hide_certificates);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
