/* SPDX-License-Identifier: MIT */
#include "tls_meaning.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stddef.h>

#define COMPARE       "compare what both ends sent and received"
#define CHANGED       "something on the way changed bytes of the handshake"
#define FAULTY        CHANGED ", or its TLS is faulty; " COMPARE
#define ITS_LOG       "see its log"
#define NO_CERT_ASKED "it rejected a certificate, although it did not request one from us; " ITS_LOG

static const struct {
    int code;
    const char *text;
} alerts[] = {
    {SSL_AD_CLOSE_NOTIFY, "it closed the connection during the handshake; " ITS_LOG},
    {SSL_AD_UNEXPECTED_MESSAGE, "it received a message that it did not expect; " FAULTY},
    {SSL_AD_BAD_RECORD_MAC, "it did not receive what we sent; " CHANGED "; " COMPARE},
    {SSL_AD_DECRYPTION_FAILED, "it did not receive what we sent; " CHANGED "; " COMPARE},
    {SSL_AD_RECORD_OVERFLOW, "it received a record that is too long; " FAULTY},
    {SSL_AD_HANDSHAKE_FAILURE,
     "no common cipher, group or signature scheme? See --ciphers, --ciphersuites, --groups"},
    {SSL_AD_BAD_CERTIFICATE, NO_CERT_ASKED},
    {SSL_AD_UNSUPPORTED_CERTIFICATE, NO_CERT_ASKED},
    {SSL_AD_CERTIFICATE_REVOKED, NO_CERT_ASKED},
    {SSL_AD_CERTIFICATE_EXPIRED, NO_CERT_ASKED},
    {SSL_AD_CERTIFICATE_UNKNOWN, NO_CERT_ASKED},
    {SSL_AD_ILLEGAL_PARAMETER, "it does not accept a value that we sent; " ITS_LOG},
    {SSL_AD_UNKNOWN_CA, NO_CERT_ASKED},
    {SSL_AD_ACCESS_DENIED, "it denied access; " ITS_LOG},
    {SSL_AD_DECODE_ERROR,
     "it could not parse what we sent; " CHANGED ", or it cannot parse a ClientHello like ours"},
    {SSL_AD_DECRYPT_ERROR, "it could not verify what we sent; " CHANGED "; " COMPARE},
    {SSL_AD_PROTOCOL_VERSION, "no common TLS version, see --tls-min and --tls-max"},
    {SSL_AD_INSUFFICIENT_SECURITY,
     "no common cipher, group or signature scheme? See --ciphers, --ciphersuites, --groups"},
    {SSL_AD_INTERNAL_ERROR, ITS_LOG},
    {SSL_AD_INAPPROPRIATE_FALLBACK,
     "it received our ClientHello as a fallback to an older version; " CHANGED "; " COMPARE},
    {SSL_AD_USER_CANCELLED, "it cancelled the handshake; " ITS_LOG},
    {SSL_AD_MISSING_EXTENSION,
     "our ClientHello lacks an extension that it requires; see --servername and --alpn"},
    {SSL_AD_UNRECOGNIZED_NAME, "it does not serve that name, see --servername"},
    {SSL_AD_UNKNOWN_PSK_IDENTITY, "it does not know the session that we offered; " ITS_LOG},
    {SSL_AD_CERTIFICATE_REQUIRED, "it requires a client certificate; " ITS_LOG},
    {SSL_AD_NO_APPLICATION_PROTOCOL, "no common protocol, see --alpn"},
};

static const struct {
    int code;
    struct tls_meaning meaning;
} reasons[] = {
    {SSL_R_DIGEST_CHECK_FAILED,
     {"the two ends did not see the same handshake", CHANGED "; " COMPARE}},
    {SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC,
     {"what arrived is not what the server sent", CHANGED "; " COMPARE}},
    {SSL_R_BAD_SIGNATURE,
     {"the server's signature is wrong",
      CHANGED ", or its key is not that of its certificate; " COMPARE}},
    {SSL_R_INAPPROPRIATE_FALLBACK,
     {"the server marked its answer as a downgrade (RFC 8446 §4.1.3)",
      "something on the way changed our ClientHello; " COMPARE}},
    {SSL_R_UNSUPPORTED_PROTOCOL, {"no common TLS version", "see --tls-min and --tls-max"}},
    {SSL_R_WRONG_SSL_VERSION, {"no common TLS version", "see --tls-min and --tls-max"}},
};

static bool is_about_records(int alert)
{
    switch (alert) {
    case SSL_AD_UNEXPECTED_MESSAGE:
    case SSL_AD_BAD_RECORD_MAC:
    case SSL_AD_DECRYPTION_FAILED:
    case SSL_AD_RECORD_OVERFLOW:
    case SSL_AD_DECODE_ERROR:
    case SSL_AD_DECRYPT_ERROR:
    case SSL_AD_PROTOCOL_VERSION:
        return true;
    }
    return false;
}

const char *tls_meaning_of_alert(int alert, bool established)
{
    if (established)
        return is_about_records(alert) ? "it received data that is not a record of this session; "
                                         "something on the way changed "
                                         "or injected bytes; " COMPARE
                                       : ITS_LOG;
    for (size_t i = 0; i < sizeof alerts / sizeof *alerts; i++)
        if (alerts[i].code == alert)
            return alerts[i].text;
    return ITS_LOG;
}

struct tls_meaning tls_meaning_of_reason(unsigned long error)
{
    bool known = ERR_GET_LIB(error) == ERR_LIB_SSL;
    for (size_t i = 0; known && i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].code == ERR_GET_REASON(error))
            return reasons[i].meaning;
    return (struct tls_meaning){"the server's answer is not valid TLS", FAULTY};
}

bool tls_meaning_is_no_record(unsigned long error)
{
    if (ERR_GET_LIB(error) != ERR_LIB_SSL) /* since 3.5 the cipher's own: it refused to decrypt */
        return true;
    switch (ERR_GET_REASON(error)) {
    case SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC:
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
    case SSL_R_ENCRYPTED_LENGTH_TOO_LONG:
    case SSL_R_DATA_LENGTH_TOO_LONG:
    case SSL_R_LENGTH_TOO_SHORT:
    case SSL_R_BAD_LENGTH:
    case SSL_R_BAD_RECORD_TYPE:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
    case SSL_R_UNEXPECTED_RECORD:
    case SSL_R_UNEXPECTED_MESSAGE:
    case ERR_R_INTERNAL_ERROR: /* of a record too short to be encrypted */
        return true;
    }
    return false;
}
