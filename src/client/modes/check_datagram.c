/* SPDX-License-Identifier: MIT */
#include "check_datagram.h"

#include "tlsecho/base/clock.h"
#include "tlsecho/client/datagram_ask.h"
#include "tlsecho/client/datagram_payload.h"
#include "tlsecho/client/output_session.h"

enum { PROBE_BYTES = 64 };

/* A load needs no replies, and a DTLS handshake is an answer in itself. */
static void advise(const struct target *target, struct outcome *ret)
{
    bool needs_none = target->options->mode == MODE_BENCH || target_is_tls(target);
    outcome_advise(ret, needs_none ? "if it is no echo server, use --expect none"
                                   : "if it is no echo server, nothing can be checked over UDP");
}

static void judge(const struct datagram_payload *payload, const struct datagram_ask *ask,
                  const struct target *target, struct outcome *ret)
{
    struct datagram_answer answer;
    enum datagram_verdict verdict =
        datagram_payload_check(payload, 1, ask->answer, ask->answer_bytes, &answer);
    if (verdict == DATAGRAM_SAME)
        return;
    if (ask->answer_bytes != PROBE_BYTES)
        outcome_measure(ret, RESULT_CORRUPT, "the reply has %zu bytes instead of %d",
                        ask->answer_bytes, PROBE_BYTES);
    else if (verdict == DATAGRAM_DIFFERS && answer.seq)
        outcome_measure(ret, RESULT_CORRUPT, "byte %zu came back as 0x%02x instead of 0x%02x",
                        answer.at, answer.got, answer.expected);
    else
        outcome_measure(ret, RESULT_CORRUPT, "the reply is not what was sent");
    advise(target, ret);
}

static void ask(struct datagram_link *link, uint64_t limit_us, struct exchange *counts,
                struct outcome *ret)
{
    static unsigned char out[PROBE_BYTES], in[DATAGRAM_BYTES_MAX];
    struct datagram_payload payload = {.key = (uint32_t)clock_now_ns(),
                                       .bytes = PROBE_BYTES,
                                       .expect = link->session->target->options->expect};
    struct datagram_ask ask = {
        .request = out, .request_bytes = sizeof out, .answer = in, .limit_us = limit_us};
    datagram_payload_fill(&payload, 1, out);
    if (datagram_ask(link, &ask, ret))
        judge(&payload, &ask, link->session->target, ret);
    counts->sent_bytes = ask.sent_us ? ask.request_bytes : 0;
    counts->received_bytes = ask.answer_bytes;
    counts->first_sent_us = ask.sent_us;
    counts->first_echo_us = ask.received_us;
}

void check_datagram(struct datagram_link *link, uint64_t limit_us, struct exchange *counts,
                    struct outcome *ret)
{
    const struct session *session = link->session;
    const struct options *options = session->target->options;
    struct error err = {.alert = -1};
    link->options = (struct datagram_options){.time = true};
    bool opened = datagram_link_open(link, &err) == 0;
    output_session(options, session);
    if (!opened)
        outcome_fail_to_open(ret, session->phase, &err, options);
    else if (options->expect != EXPECT_NONE)
        ask(link, limit_us, counts, ret);
    if (link->socket)
        datagram_link_keep_address(link);
    datagram_link_end(link);
}
