/* SPDX-License-Identifier: MIT */
#include "tlsecho/server/service.h"

static enum service_verdict reply(const struct service_request *request, struct datagram *datagram)
{
    (void)request;
    (void)datagram;
    return SERVICE_IS_SILENT;
}

const struct service service_discard = {.name = "discard", .reply = reply};
