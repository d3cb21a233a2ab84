/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/result.h"

#include <errno.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "tlsecho/base/text.h"
#include "tlsecho/client/options.h"
#include "tlsecho/tls/tls_alert.h"

static const char *const words[] = {
    [RESULT_OK] = "ok",
    [RESULT_LOST] = "lost",
    [RESULT_USAGE] = "usage",
    [RESULT_DNS] = "dns",
    [RESULT_REFUSED] = "refused",
    [RESULT_UNREACHABLE] = "unreachable",
    [RESULT_TIMEOUT] = "timeout",
    [RESULT_HANDSHAKE] = "handshake",
    [RESULT_UNTRUSTED] = "untrusted",
    [RESULT_NAME_MISMATCH] = "name-mismatch",
    [RESULT_EXPIRED] = "expired",
    [RESULT_CLIENT_CERTIFICATE] = "client-certificate",
    [RESULT_RESET] = "reset",
    [RESULT_TRUNCATED] = "truncated",
    [RESULT_CORRUPT] = "corrupt",
    [RESULT_LOCAL_IO] = "local-io",
    [RESULT_IMPAIRED] = "impaired",
};

/* For errors without a remedy of their own. */
static const char *const remedies[RESULTS] = {
    [RESULT_REFUSED] = "start the server there, or check the port",
    [RESULT_UNREACHABLE] = "check the address, the route to it and the firewalls on it",
    [RESULT_RESET] = "see the log of the server",
};

static const char *const phases[] = {
    [PHASE_OPTIONS] = "options",     [PHASE_DNS] = "dns",   [PHASE_CONNECT] = "connect",
    [PHASE_HANDSHAKE] = "handshake", [PHASE_ECHO] = "echo", [PHASE_LOCAL] = "local",
    [PHASE_PATH] = "path",
};

/* getaddrinfo(3) tells a wrong name from name servers that fail. */
static const char *dns_remedy(const struct error *err, const struct options *options)
{
    if (err->kind == ERROR_TIMEOUT && options && options->family == AF_UNSPEC)
        return "check the name servers in /etc/resolv.conf, try -4 or -6 in case they answer for "
               "one family only, or raise --connect-timeout";
    if (err->kind == ERROR_TIMEOUT)
        return "check the name servers in /etc/resolv.conf, or raise --connect-timeout";
    switch (err->code) {
    case EAI_AGAIN:
    case EAI_FAIL:
        return "check the name servers in /etc/resolv.conf and the route to them";
    case EAI_NODATA:
        return "the name exists without an address: check its A and AAAA records";
    case EAI_ADDRFAMILY:
        return "give an address of the family of -4 or -6, or leave the option out";
    case EAI_NONAME:
        return "check the host name";
    }
    return NULL;
}

/* Some errors are local; some have their remedy from TCP. */
static const char *remedy_for(enum result result, enum phase phase, const struct error *err,
                              const struct options *options)
{
    bool local = options && options->endpoint.scheme == ENDPOINT_UNIX;
    if (err->kind == ERROR_UNACKNOWLEDGED || err->kind == ERROR_SPOOFED_RESET ||
        err->kind == ERROR_INTERRUPTED)
        return NULL;
    if (result == RESULT_DNS)
        return dns_remedy(err, options);
    if (result == RESULT_REFUSED && local)
        return "start the server there, or check the path";
    if (result == RESULT_TIMEOUT && phase == PHASE_ECHO)
        return options && options->mode == MODE_PATH ? NULL /* it has no --idle-timeout */
                                                     : "if it is only slow, raise --idle-timeout";
    if (result == RESULT_TIMEOUT)
        return "if it is only slow, raise --connect-timeout";
    if (result != RESULT_UNREACHABLE || err->kind != ERROR_SYSTEM)
        return remedies[result];
    if (err->code == EADDRNOTAVAIL)
        return options && options->source ? "give an address of this host with --source"
                                          : "all local ports to this server are in use: widen "
                                            "net.ipv4.ip_local_port_range";
    if (err->code == EAFNOSUPPORT)
        return "this host has no addresses of that family, or --source is of the other one";
    return remedies[result];
}

const char *result_word(enum result result)
{
    return words[result];
}

const char *phase_name(enum phase phase)
{
    return phases[phase];
}

enum phase phase_find(const char *name)
{
    int i = 0;
    while (i < PHASES && strcmp(phases[i], name) != 0)
        i++;
    return (enum phase)i;
}

/* The class of an errno of a system call on the connection. */
static enum result of_errno(int code)
{
    switch (code) {
    case ECONNREFUSED:
    case ENOENT: /* unix(7): no such socket */
        return RESULT_REFUSED;
    case ECONNRESET:
    case EPIPE:
        return RESULT_RESET;
    case ETIMEDOUT:
        return RESULT_TIMEOUT;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
    case ENONET:
    case ENOPROTOOPT: /* Linux, of ICMP: protocol unreachable, source route failed */
    case EOPNOTSUPP:
    case EMSGSIZE: /* packet too big */
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
    case EACCES:
    case EPERM:
    case EPROTO:
    case EINVAL: /* ip(7): an address such as 255.255.255.255 */
        return RESULT_UNREACHABLE;
    default:
        return RESULT_LOCAL_IO;
    }
}

enum result result_of(enum phase phase, const struct error *err)
{
    if (phase == PHASE_LOCAL)
        return RESULT_LOCAL_IO;

    switch (err->kind) {
    case ERROR_INPUT: /* a file could not be read for lack of descriptors or memory, or is wrong */
        return error_is_temporary(err) ? RESULT_LOCAL_IO : RESULT_USAGE;
    case ERROR_SYSTEM:
        return phase == PHASE_OPTIONS ? RESULT_LOCAL_IO : of_errno(err->code);
    case ERROR_DNS:
        return err->code == EAI_MEMORY ? RESULT_LOCAL_IO : RESULT_DNS;
    case ERROR_TIMEOUT: /* the class of what was waited for */
    case ERROR_INTERRUPTED:
        return phase == PHASE_DNS ? RESULT_DNS : RESULT_TIMEOUT;
    case ERROR_UNACKNOWLEDGED:
        return RESULT_TIMEOUT;
    case ERROR_SPOOFED_RESET:
    case ERROR_CLOSED: /* FIN or RST depends on what the peer had read when it closed */
        return RESULT_RESET;
    case ERROR_TLS:
    case ERROR_NOT_TLS:
    case ERROR_FLOOD:
        return RESULT_HANDSHAKE;
    case ERROR_UNTRUSTED:
        return RESULT_UNTRUSTED;
    case ERROR_EXPIRED:
        return RESULT_EXPIRED;
    case ERROR_NAME_MISMATCH:
        return RESULT_NAME_MISMATCH;
    case ERROR_CLIENT_CERTIFICATE:
        return RESULT_CLIENT_CERTIFICATE;
    }
    return RESULT_LOCAL_IO; /* not reached: the switch is complete */
}

/* What may help against an alert of the server, unless the options have it already; NULL =
 * nothing. */
static const char *alert_remedy(int alert, const struct options *options)
{
    bool groups = !options->groups || strcmp(options->groups, "X25519") != 0;
    bool tls13 = !options->tls_max || strcmp(options->tls_max, "1.2") != 0;
    switch (alert) {
    case TLS_ALERT_ILLEGAL_PARAMETER:
        return groups && tls13 ? "or try --groups X25519 or --tls-max 1.2"
               : groups        ? "or try --groups X25519"
               : tls13         ? "or try --tls-max 1.2"
                               : NULL;
    case TLS_ALERT_DECODE_ERROR:
        return groups ? "try --groups X25519" : NULL;
    case TLS_ALERT_UNKNOWN_PSK_IDENTITY:
        return options->resume ? "or leave out --resume" : NULL;
    case TLS_ALERT_CERTIFICATE_REQUIRED:
        return options->cert ? NULL : "or give --cert and --key";
    }
    return NULL;
}

/* options: NULL = unknown. */
static void fail(struct outcome *outcome, enum phase phase, const struct error *err,
                 const struct options *options)
{
    outcome->result = result_of(phase, err);
    outcome->phase = phase;
    outcome->error = *err;

    const char *remedy = remedy_for(outcome->result, phase, err, options);
    if (remedy)
        outcome_advise(outcome, remedy);
}

void outcome_fail(struct outcome *outcome, enum phase phase, const struct error *err)
{
    fail(outcome, phase, err, NULL);
}

void outcome_fail_to_open(struct outcome *outcome, enum phase phase, const struct error *err,
                          const struct options *options)
{
    fail(outcome, phase, err, options);
    bool judged = outcome->result == RESULT_UNTRUSTED || outcome->result == RESULT_EXPIRED ||
                  outcome->result == RESULT_NAME_MISMATCH;
    bool unread = err->kind == ERROR_UNTRUSTED && err->code == ERROR_CODE_UNREAD;
    if (judged && !unread && options->mode != MODE_CHECK && !options->insecure)
        outcome_advise(outcome, options->pin
                                    ? "to connect all the same, give --insecure instead of --pin"
                                    : "to connect all the same, add --insecure");
    if (phase == PHASE_HANDSHAKE && err->kind == ERROR_TLS && err->code == ERROR_CODE_ALERT &&
        alert_remedy(err->alert, options))
        outcome_advise(outcome, alert_remedy(err->alert, options));
    if (options->proxy_protocol && phase == PHASE_HANDSHAKE && err->kind != ERROR_NOT_TLS &&
        !judged)
        outcome_advise(outcome, "if it expects no PROXY header, leave out --proxy-protocol");
    if (err->kind == ERROR_DNS && err->code == EAI_NONAME && options->family != AF_UNSPEC)
        outcome_advise(outcome, options->family == AF_INET
                                    ? "or leave out -4, if it has IPv6 only"
                                    : "or leave out -6, if it has IPv4 only");
}

void outcome_advise(struct outcome *outcome, const char *remedy)
{
    size_t used = strlen(outcome->error.text);
    snprintf(outcome->error.text + used, sizeof outcome->error.text - used, "; %s", remedy);
}

void outcome_measure(struct outcome *outcome, enum result result, const char *format, ...)
{
    outcome->result = result;
    outcome->phase = PHASE_ECHO;
    outcome->error.code = 0;
    outcome->error.alert = -1;

    char text[ERROR_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    text_copy(text, strlen(text), outcome->error.text, sizeof outcome->error.text);
}

int outcome_nagios_status(const struct outcome *outcome)
{
    enum { OK, WARNING, CRITICAL, UNKNOWN };
    if (outcome->result == RESULT_USAGE || outcome->result == RESULT_LOCAL_IO)
        return UNKNOWN;
    if (outcome->result != RESULT_OK)
        return CRITICAL;
    return outcome->warning ? WARNING : OK;
}
