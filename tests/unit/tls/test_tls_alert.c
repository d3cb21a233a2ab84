/* SPDX-License-Identifier: MIT */
#include "suite.h"
#include "tlsecho/tls/tls_alert.h"

#include <check.h>
#include <limits.h>
#include <openssl/ssl.h>

START_TEST(names_the_alerts_as_the_registry_does)
{
    static const struct {
        int alert;
        const char *name;
    } expected[] = {
        {SSL3_AD_CLOSE_NOTIFY, "close_notify"},
        {SSL3_AD_UNEXPECTED_MESSAGE, "unexpected_message"},
        {SSL3_AD_BAD_RECORD_MAC, "bad_record_mac"},
        {TLS1_AD_RECORD_OVERFLOW, "record_overflow"},
        {SSL3_AD_HANDSHAKE_FAILURE, "handshake_failure"},
        {SSL3_AD_BAD_CERTIFICATE, "bad_certificate"},
        {SSL3_AD_UNSUPPORTED_CERTIFICATE, "unsupported_certificate"},
        {SSL3_AD_CERTIFICATE_REVOKED, "certificate_revoked"},
        {SSL3_AD_CERTIFICATE_EXPIRED, "certificate_expired"},
        {SSL3_AD_CERTIFICATE_UNKNOWN, "certificate_unknown"},
        {SSL3_AD_ILLEGAL_PARAMETER, "illegal_parameter"},
        {TLS1_AD_UNKNOWN_CA, "unknown_ca"},
        {TLS1_AD_ACCESS_DENIED, "access_denied"},
        {TLS1_AD_DECODE_ERROR, "decode_error"},
        {TLS1_AD_DECRYPT_ERROR, "decrypt_error"},
        {TLS1_AD_PROTOCOL_VERSION, "protocol_version"},
        {TLS1_AD_INSUFFICIENT_SECURITY, "insufficient_security"},
        {TLS1_AD_INTERNAL_ERROR, "internal_error"},
        {TLS1_AD_INAPPROPRIATE_FALLBACK, "inappropriate_fallback"},
        {TLS1_AD_USER_CANCELLED, "user_canceled"},
        {TLS13_AD_MISSING_EXTENSION, "missing_extension"},
        {TLS1_AD_UNSUPPORTED_EXTENSION, "unsupported_extension"},
        {TLS1_AD_UNRECOGNIZED_NAME, "unrecognized_name"},
        {TLS1_AD_UNKNOWN_PSK_IDENTITY, "unknown_psk_identity"},
        {TLS13_AD_CERTIFICATE_REQUIRED, "certificate_required"},
        {TLS1_AD_NO_APPLICATION_PROTOCOL, "no_application_protocol"},
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        ck_assert_str_eq(tls_alert_name(expected[i].alert), expected[i].name);
}
END_TEST

START_TEST(decides_by_the_numbers_of_the_registry)
{
    ck_assert_int_eq(TLS_ALERT_UNEXPECTED_MESSAGE, SSL3_AD_UNEXPECTED_MESSAGE);
    ck_assert_int_eq(TLS_ALERT_HANDSHAKE_FAILURE, SSL3_AD_HANDSHAKE_FAILURE);
    ck_assert_int_eq(TLS_ALERT_BAD_CERTIFICATE, SSL3_AD_BAD_CERTIFICATE);
    ck_assert_int_eq(TLS_ALERT_DECODE_ERROR, TLS1_AD_DECODE_ERROR);
    ck_assert_int_eq(TLS_ALERT_CERTIFICATE_REQUIRED, TLS13_AD_CERTIFICATE_REQUIRED);
}
END_TEST

START_TEST(a_number_without_a_name_is_unknown)
{
    static const int numbers[] = {INT_MIN, -1, 1, 9, 117, 119, 121, 255, 256, INT_MAX};
    ck_assert_str_eq(tls_alert_name(numbers[_i]), "unknown");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tls_alert");
    TCase *tcase = tcase_create("tls_alert");
    tcase_add_test(tcase, names_the_alerts_as_the_registry_does);
    tcase_add_test(tcase, decides_by_the_numbers_of_the_registry);
    tcase_add_loop_test(tcase, a_number_without_a_name_is_unknown, 0, 10);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
