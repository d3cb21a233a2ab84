/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/output_session.h"
#include "tlsecho/client/session_peer.h"

#include <stdio.h>
#include <string.h>

#include "tlsecho/base/clock.h"
#include "tlsecho/tls/tls_chain.h"

#define NAME "tlsecho-client: "

static void addresses(const struct session *session)
{
    char peer[ADDRESS_TEXT_BYTES], own[ADDRESS_TEXT_BYTES];
    address_text(&session->peer, peer);
    address_text(&session->own, own);
    fprintf(stderr, NAME "connected to %s from %s over %s\n", peer, own,
            endpoint_scheme_name(session->target->endpoint->scheme));
}

static const char *or_none(const char *text)
{
    return *text ? text : "none";
}

static void agreed(const struct peer *peer)
{
    fprintf(stderr, NAME "%s, %s, group %s, signature %s\n", peer->version, peer->cipher,
            or_none(peer->group), or_none(peer->signature));
    fprintf(stderr, NAME "resumed %s, ALPN %s, staple %s\n", peer->resumed ? "yes" : "no",
            or_none(peer->alpn), or_none(peer->staple));
}

static void names(const char *name)
{
    fputs(NAME "  names  ", stderr);
    for (const char *separator = " "; *name; name += strlen(name) + 1, separator = ", ")
        fprintf(stderr, "%s%s", separator, name);
    fputc('\n', stderr);
}

static void certificate(size_t number, const struct tls_chain_certificate *shown)
{
    char from[CLOCK_TEXT_BYTES], until[CLOCK_TEXT_BYTES];
    clock_seconds_text(shown->about.not_before, from);
    clock_seconds_text(shown->about.not_after, until);
    fprintf(stderr, NAME "certificate %zu: %s\n", number, shown->about.subject);
    fprintf(stderr, NAME "  issuer  %s\n", shown->about.issuer);
    if (*shown->names)
        names(shown->names);
    fprintf(stderr, NAME "  valid   %s to %s\n", from, until);
    fprintf(stderr, NAME "  sha256  %s\n", shown->about.sha256);
}

static void chain(const struct session *session)
{
    struct tls_chain chain;
    struct error ignored; /* no memory: without certificates */
    if (session_peer_chain(session, &chain, &ignored) < 0)
        return;
    for (size_t i = 0; i < chain.count; i++)
        certificate(i, &chain.certificates[i]);
    tls_chain_done(&chain);
}

static void verification(const struct options *options, const struct peer *peer)
{
    if (!peer->certificate.present)
        return;
    if (peer->certificate.verified)
        fprintf(stderr, NAME "verification: ok%s\n", options->pin ? " (pinned)" : "");
    else if (options->insecure)
        fprintf(stderr, NAME "verification: skipped (--insecure); its result would be: %s\n",
                peer->verification);
    else
        fprintf(stderr, NAME "verification: %s\n", peer->verification);
}

void output_session(const struct options *options, const struct session *session)
{
    if (options->verbosity < OPTIONS_VERBOSE || !(session->transport || session->dtls))
        return;
    addresses(session);

    struct peer peer;
    session_peer(session, &peer);
    if (!peer.tls)
        return;
    if (*peer.version)
        agreed(&peer);
    chain(session);
    verification(options, &peer);
}
