/* SPDX-License-Identifier: MIT */
/* A STAMP Session-Reflector (RFC 8762), stateful while there is room for the session. */
#include <time.h>

#include "tlsecho/net/datagram.h"
#include "tlsecho/net/stamp_reflect.h"
#include "tlsecho/server/service.h"
#include "tlsecho/server/stamp_sessions.h"

static enum service_verdict reply(const struct service_request *request, struct datagram *datagram)
{
    if (datagram->length < STAMP_BYTES)
        return SERVICE_IS_SHORT;
    struct stamp_reflection how = {.received = datagram->time, .ttl = datagram->ttl};
    const struct stamp_session_key key = {.peer = &datagram->peer,
                                          .own = &datagram->own,
                                          .own_port = request->own_port,
                                          .ssid = stamp_reflect_ssid(datagram->data)};
    how.stateful = stamp_sessions_next(request->stamp, &key, stamp_reflect_seq(datagram->data),
                                       request->now_us, &how.numbers);
    clock_gettime(CLOCK_REALTIME, &how.sent);
    if (how.received.tv_sec == 0)
        how.received = how.sent;
    stamp_reflect(&how, datagram->data, datagram->length);
    return SERVICE_ANSWERS;
}

const struct service service_stamp = {
    .name = "stamp",
    .reply = reply,
    .datagrams_only = true,
    .wants_arrival = true,
    .mark_bytes = STAMP_REFLECT_MARK_BYTES,
    .mark_offset = STAMP_REFLECT_MARK_OFFSET,
};
