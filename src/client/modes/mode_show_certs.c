/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/datagram_link.h"
#include "tlsecho/client/mode.h"
#include "tlsecho/client/output_session.h"
#include "tlsecho/client/output_show_certs.h"
#include "tlsecho/client/session.h"

void mode_show_certs(const struct options *options, struct outcome *ret)
{
    struct target target;
    struct session session;
    struct datagram_link link = {.session = &session};
    struct error err = {.alert = -1};

    target_init(&target, options, &options->endpoint);
    session_init(&session, &target);
    bool datagrams = endpoint_has_datagrams(options->endpoint.scheme);
    if ((datagrams ? datagram_link_open(&link, &err) : session_open(&session, &err)) < 0)
        outcome_fail_to_open(ret, session.phase, &err, options);
    output_session(options, &session);
    if (output_show_certs_chain(&session, &err) < 0 && ret->result == RESULT_OK)
        outcome_fail(ret, PHASE_LOCAL, &err);
    session_keep(&session, ret);
    output_show_certs(options, &session, ret);
    datagram_link_close(&link);
    session_close(&session);
    target_done(&target);
}
