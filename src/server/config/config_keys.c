/* SPDX-License-Identifier: MIT */
#include "config_keys.h"

#include <string.h>

#include "tlsecho/server/config.h"
#include "tlsecho/server/service.h"

#define SECOND UINT64_C(1000) /* in ms, as CONFIG_TIME is */
#define DAY    (24 * 3600 * SECOND)
#define KIB    UINT64_C(1024)
#define MIB    (1024 * KIB)

enum {
    PATH_BYTES = 4095,         /* PATH_MAX without its NUL */
    DNS_NAME_BYTES = 253,      /* RFC 1035 §2.3.4, without the final dot */
    LOGIN_BYTES = 255,         /* LOGIN_NAME_MAX without its NUL, useradd(8) */
    CIPHERS_BYTES = 4095,      /* of a list of names */
    ALPN_BYTES = 255,          /* RFC 7301 §3.1: ProtocolName */
    KEEPALIVE_SECONDS = 32767, /* tcp(7): TCP_KEEPIDLE and TCP_KEEPINTVL */
    KEEPALIVE_PROBES = 127,    /* tcp(7): TCP_KEEPCNT */
};

#define WORDS(name, ...)                                                                           \
    static const char *name(size_t i)                                                              \
    {                                                                                              \
        static const char *const words[] = {__VA_ARGS__};                                          \
        return i < sizeof words / sizeof *words ? words[i] : NULL;                                 \
    }

WORDS(word_auto, "auto")
WORDS(word_version, "1.2", "1.3")
WORDS(word_sandbox, [CONFIG_SANDBOX_AUTO] = "auto", [CONFIG_SANDBOX_ON] = "on",
      [CONFIG_SANDBOX_OFF] = "off")

/* Required by config_keys_get_choice and config_keys_set_choice. */
#define STORED_AS_UNSIGNED(type)                                                                   \
    _Static_assert(sizeof(type) == sizeof(unsigned), "not stored as an unsigned: " #type)

STORED_AS_UNSIGNED(enum config_proxy_protocol);
STORED_AS_UNSIGNED(enum config_sandbox);
STORED_AS_UNSIGNED(enum log_format);
STORED_AS_UNSIGNED(enum log_level);
STORED_AS_UNSIGNED(enum tls_client_auth);
STORED_AS_UNSIGNED(enum tls_key_files);

/* A key's name, type and field. */
#define KEY(name_, type_, at)  .name = name_, .type = CONFIG_##type_, .offset = at
#define AT(member)             offsetof(struct config, member)
#define AT_LISTENER(member)    offsetof(struct config_listener, member)
#define AT_PROFILE(member)     offsetof(struct config_tls, member)
#define AT_CERTIFICATE(member) offsetof(struct config_certificate, member)

static const struct config_key listener_keys[] = {
    {KEY("listen", ENDPOINT, AT_LISTENER(listen)), .place = AT_LISTENER(place),
     .help =
         "where to listen: tcp://HOST:PORT, tls://HOST:PORT, udp://HOST:PORT, dtls://HOST:PORT or "
         "unix:///PATH"},
    {KEY("name", TEXT, AT_LISTENER(name)), .default_text = "", .max = CONFIG_NAME_BYTES,
     .help = "its name in the log and the metrics; if empty, its endpoint"},
    {KEY("service", TEXT, AT_LISTENER(service)), .default_text = "echo", .words = service_name,
     .help = "the service that answers"},
    {KEY("tls", TEXT, AT_LISTENER(profile)), .default_text = "", .max = CONFIG_NAME_BYTES,
     .hide_empty = true,
     .help = "its profile under tls, for tls:// and dtls:// only; if empty, the one named default"},
    {KEY("proxy_protocol", CHOICE, AT_LISTENER(proxy_protocol)), .default_text = "off",
     .words = config_proxy_protocol_name, .place = AT_LISTENER(proxy_protocol_place),
     .help = "whether connections begin with a PROXY protocol header, version 1 or 2"},
    {KEY("proxy_from", CIDRS, AT_LISTENER(proxy_from)), .default_text = "[]",
     .help = "networks of the trusted proxies, which must send the header"},
    {KEY("freebind", SWITCH, AT_LISTENER(freebind)), .default_text = "off",
     .place = AT_LISTENER(freebind_place),
     .help = "bind an address that this host does not have yet"},
    {KEY("allow", CIDRS, AT_LISTENER(allow)), .default_text = "[]",
     .help = "networks of clients that may connect; if empty, all"},
    {KEY("deny", CIDRS, AT_LISTENER(deny)), .default_text = "[]",
     .help = "networks of clients that may not connect, even if allow lists them"},
    {0},
};

static const struct config_section listener_section = {.keys = listener_keys,
                                                       .size = sizeof(struct config_listener)};

static const struct config_key certificate_keys[] = {
    {KEY("certificate", PATH, AT_CERTIFICATE(certificate)), .max = PATH_BYTES,
     .place = AT_CERTIFICATE(place),
     .help = "a PEM file with the certificate first, then its chain"},
    {KEY("key", PATH, AT_CERTIFICATE(key)), .max = PATH_BYTES,
     .help = "a PEM file with the private key, which others must not be able to read"},
    {KEY("ocsp", PATH, AT_CERTIFICATE(ocsp)), .default_text = "", .max = PATH_BYTES,
     .help = "a DER file with the OCSP response to staple"},
    {0},
};

static const struct config_section certificate_section = {
    .keys = certificate_keys, .size = sizeof(struct config_certificate)};

static const struct config_key profile_keys[] = {
    {KEY("certificates", LIST, AT_PROFILE(certificates)), .count = AT_PROFILE(certificate_count),
     .default_text = "[]", .max = CONFIG_ENTRIES, .section = &certificate_section,
     .help = "the certificates of the server; if empty, it generates a self-signed one"},
    {KEY("min_version", TEXT, AT_PROFILE(min_version)), .default_text = "1.2",
     .words = word_version, .help = "the oldest TLS version to accept"},
    {KEY("max_version", TEXT, AT_PROFILE(max_version)), .default_text = "1.3",
     .words = word_version, .help = "the newest TLS version to accept"},
    {KEY("ciphers", TEXT, AT_PROFILE(ciphers)), .default_text = "", .max = CIPHERS_BYTES,
     .help = "ciphers for TLS 1.2, separated by ':'; if empty, modern ones"},
    {KEY("ciphersuites", TEXT, AT_PROFILE(ciphersuites)), .default_text = "", .max = CIPHERS_BYTES,
     .help = "cipher suites for TLS 1.3, separated by ':'; if empty, all"},
    {KEY("groups", TEXT, AT_PROFILE(groups)), .default_text = "", .max = CIPHERS_BYTES,
     .help = "groups for the key exchange, separated by ':'; if empty, modern ones"},
    {KEY("alpn", TEXTS, AT_PROFILE(alpn)), .default_text = "[]", .max = ALPN_BYTES,
     .help = "application protocols, the preferred one first; if empty, ALPN is ignored"},
    {KEY("client_auth", CHOICE, AT_PROFILE(client_auth)), .default_text = "off",
     .words = tls_client_auth_name, .place = AT_PROFILE(client_auth_place),
     .help =
         "whether clients are asked for a certificate; a chain may have up to 8 certificates and "
         "32 KiB"},
    {KEY("client_ca", PATH, AT_PROFILE(client_ca)), .default_text = "", .max = PATH_BYTES,
     .help =
         "a PEM file with the CAs that issue client certificates; an intermediate CA is trusted "
         "without its root too"},
    {KEY("crl", PATH, AT_PROFILE(crl)), .default_text = "", .max = PATH_BYTES,
     .help =
         "a PEM file with a complete CRL of each CA in client_ca, not a delta CRL; of several, the "
         "newest valid one is used"},
    {KEY("allow_names", TEXTS, AT_PROFILE(allow_names)), .default_text = "[]", .max = PATH_BYTES,
     .help = "patterns of the client names to accept, where * is one whole label, local part, or "
             "segment without percent signs; if empty, every verified certificate"},
    {KEY("ticket_keys", PATH, AT_PROFILE(ticket_keys)), .default_text = "", .max = PATH_BYTES,
     .help = "a file with 1 to 8 ticket keys of 80 random bytes each, newest first; if empty, the "
             "server generates its own"},
    {KEY("keylog", PATH, AT_PROFILE(keylog)), .default_text = "", .max = PATH_BYTES,
     .written = true,
     .help = "a file to append the secrets of every connection to, for decrypting captures"},
    {0},
};

const struct config_section config_keys_profile = {
    .keys = profile_keys, .size = sizeof(struct config_tls), .name = AT_PROFILE(name)};

static const struct config_key timeout_keys[] = {
    {KEY("handshake", TIME, AT(timeouts_ms.handshake)), .default_text = "10s", .max = 365 * DAY,
     .help = "time for the whole handshake; 0 = no limit"},
    {KEY("idle", TIME, AT(timeouts_ms.idle)), .default_text = "5m", .max = 365 * DAY,
     .help = "time without a byte in either direction; 0 = no limit"},
    {KEY("write", TIME, AT(timeouts_ms.write)), .default_text = "1m", .max = 365 * DAY,
     .help = "time without the peer accepting any data; 0 = no limit"},
    {KEY("linger", TIME, AT(timeouts_ms.linger)), .default_text = "5s", .max = 365 * DAY,
     .help = "time for the peer to close, once the server has; 0 = no limit"},
    {KEY("drain", TIME, AT(timeouts_ms.drain)), .default_text = "30s", .max = 365 * DAY,
     .help = "time for connections to finish when the server stops; 0 = no limit"},
    {KEY("lame_duck", TIME, AT(timeouts_ms.lame_duck)), .default_text = "0", .max = 365 * DAY,
     .help = "time for which a stopping server still accepts while /readyz says 503, so that load "
             "balancers stop sending; 0 = none"},
    {KEY("lifetime", TIME, AT(timeouts_ms.lifetime)), .default_text = "0", .max = 365 * DAY,
     .help = "time for a whole connection; 0 = no limit"},
    {0},
};

static const struct config_section timeout_section = {.keys = timeout_keys};

static const struct config_key limit_keys[] = {
    {KEY("connections", COUNT, AT(limits.connections)), .default_text = "10000", .max = 10000000,
     .help = "open connections; 0 = no limit"},
    {KEY("per_source", COUNT, AT(limits.per_source)), .default_text = "0", .max = 10000000,
     .help = "open connections from one address, or one IPv6 /64; 0 = no limit"},
    {KEY("accept_rate", COUNT, AT(limits.accept_rate)), .default_text = "0", .max = 10000000,
     .help = "new connections per second; 0 = no limit"},
    {KEY("handshakes", COUNT, AT(limits.handshakes)), .default_text = "1000", .max = 10000000,
     .help = "unfinished handshakes, beyond which the oldest is closed; 0 = no limit"},
    {KEY("client_hello", SIZE, AT(limits.client_hello_bytes)), .default_text = "32KiB", .max = MIB,
     .help = "data that a client may send before the handshake begins; 0 = no limit"},
    {KEY("datagram_rate", COUNT, AT(limits.datagram_rate)), .default_text = "10000",
     .max = 10000000,
     .help =
         "datagrams per second from one address, or one IPv6 /64, that are answered, or begin an "
         "association of DTLS; 0 = no limit"},
    {KEY("buffer", SIZE, AT(limits.buffer_bytes)), .default_text = "64KiB", .min = 4 * KIB,
     .max = 64 * MIB, .help = "memory for waiting data of one connection"},
    {0},
};

static const struct config_section limit_section = {.keys = limit_keys};

static const struct config_key keepalive_keys[] = {
    {KEY("idle", TIME, AT(tcp.keepalive.idle_ms)), .default_text = "2h", .min = SECOND,
     .max = KEEPALIVE_SECONDS * SECOND, .step = SECOND, .help = "idle time before the first probe"},
    {KEY("interval", TIME, AT(tcp.keepalive.interval_ms)), .default_text = "75s", .min = SECOND,
     .max = KEEPALIVE_SECONDS * SECOND, .step = SECOND, .help = "time between probes"},
    {KEY("probes", COUNT, AT(tcp.keepalive.probes)), .default_text = "10", .min = 1,
     .max = KEEPALIVE_PROBES, .help = "unanswered probes that end a connection"},
    {0},
};

static const struct config_section keepalive_section = {.keys = keepalive_keys};

static const struct config_key tcp_keys[] = {
    {KEY("nodelay", SWITCH, AT(tcp.nodelay)), .default_text = "on",
     .help = "send small messages immediately (TCP_NODELAY)"},
    {KEY("backlog", COUNT, AT(tcp.backlog)), .default_text = "4096", .min = 1, .max = 65535,
     .help = "connections that may wait to be accepted, listen(2)"},
    {KEY("keepalive", SECTION, 0), .section = &keepalive_section,
     .help = "probes on an idle connection, tcp(7)"},
    {0},
};

static const struct config_section tcp_section = {.keys = tcp_keys};

static const struct config_key log_keys[] = {
    {KEY("level", CHOICE, AT(log.level)), .default_text = "info", .words = log_level_name,
     .help = "the least severe lines to write"},
    {KEY("format", CHOICE, AT(log.format)), .default_text = "logfmt", .words = log_format_name,
     .help = "the format of a line"},
    {KEY("connections", SWITCH, AT(log.connections)), .default_text = "on",
     .help = "write a line for each connection when it ends"},
    {0},
};

static const struct config_section log_section = {.keys = log_keys};

static const struct config_key admin_keys[] = {
    {KEY("listen", TEXT, AT(admin.listen)), .default_text = "", .max = CONFIG_NAME_BYTES,
     .help = "tcp://HOST:PORT or unix:///PATH; if empty, disabled"},
    {0},
};

static const struct config_section admin_section = {.keys = admin_keys};

static const struct config_key identity_keys[] = {
    {KEY("name", TEXT, AT(identity.name)), .default_text = "", .max = DNS_NAME_BYTES,
     .help = "the name of this server, of 253 bytes at most; if empty, the host name"},
    {KEY("env", TEXTS, AT(identity.env)), .default_text = "[]", .max = IDENTITY_BYTES,
     .help =
         "environment variables that say where it runs, such as POD_NAME; each must be set, and "
         "may be empty; with the name they may have 512 bytes, names and values"},
    {0},
};

static const struct config_section identity_section = {.keys = identity_keys};

static const struct config_key security_keys[] = {
    {KEY("user", TEXT, AT(security.user)), .default_text = "", .max = LOGIN_BYTES,
     .help = "the user to run as once the server listens, by name or number; if empty, no change"},
    {KEY("group", TEXT, AT(security.group)), .default_text = "", .max = LOGIN_BYTES,
     .help = "the group to run as, by name or number; if empty, the group of the user"},
    {KEY("sandbox", CHOICE, AT(security.sandbox)), .default_text = "auto", .words = word_sandbox,
     .place = AT(security.sandbox_place),
     .help =
         "Landlock and seccomp: auto = what the kernel supports; on = both, or the server does not "
         "start; off = none"},
    {KEY("key_files", CHOICE, AT(security.key_files)), .default_text = "strict",
     .words = tls_key_files_name,
     .help =
         "strict = refuse keys that others can read or the group can write; any = only warn, where "
         "modes cannot be set"},
    {0},
};

static const struct config_section security_section = {.keys = security_keys};

static const struct config_key keys[] = {
    {KEY("listeners", LIST, AT(listeners)), .count = AT(listener_count),
     .default_text = "[{listen: tcp://localhost:7007}, {listen: tls://localhost:7443}]", .min = 1,
     .max = CONFIG_ENTRIES, .section = &listener_section,
     .help = "the addresses to listen on, and their services"},
    {KEY("tls", PROFILES, AT(profiles)), .count = AT(profile_count), .default_text = "{}",
     .max = CONFIG_ENTRIES, .section = &config_keys_profile,
     .help = "TLS profiles by name; one named default always exists"},
    {KEY("watch", SWITCH, AT(watch)), .default_text = "on",
     .help = "reload when a file that the configuration names changes"},
    {KEY("workers", COUNT, AT(workers)), .default_text = "auto", .min = 1, .max = 1024,
     .words = word_auto,
     .help =
         "number of worker threads; auto = one per usable CPU, by affinity and the smallest cgroup "
         "quota"},
    {KEY("timeouts", SECTION, 0), .section = &timeout_section,
     .help = "time limits, after which a connection is closed"},
    {KEY("limits", SECTION, 0), .section = &limit_section,
     .help = "limits beyond which connections are refused or closed"},
    {KEY("tcp", SECTION, 0), .section = &tcp_section, .help = "options of every TCP socket"},
    {KEY("log", SECTION, 0), .section = &log_section, .help = "the log on standard error"},
    {KEY("admin", SECTION, 0), .section = &admin_section,
     .help = "the HTTP address of /metrics, /healthz and /readyz"},
    {KEY("identity", SECTION, 0), .section = &identity_section,
     .help = "which of several servers this is, for the log, the metrics and reports"},
    {KEY("security", SECTION, 0), .section = &security_section,
     .help = "privileges to drop once the server listens; a change needs a restart"},
    {0},
};

const struct config_section config_keys = {.keys = keys, .size = sizeof(struct config)};

const struct config_key *config_keys_next(const struct config_section *section,
                                          const struct config_key *key)
{
    const struct config_key *next = key ? key + 1 : section->keys;
    return next->name ? next : NULL;
}

const struct config_key *config_keys_find(const struct config_section *section, const char *name)
{
    const struct config_key *key = NULL;
    while ((key = config_keys_next(section, key)) && strcmp(key->name, name) != 0)
        ;
    return key;
}

size_t config_keys_get_choice(const void *field)
{
    unsigned value;
    memcpy(&value, field, sizeof value);
    return value;
}

void config_keys_set_choice(void *field, size_t value)
{
    unsigned stored = (unsigned)value;
    memcpy(field, &stored, sizeof stored);
}
