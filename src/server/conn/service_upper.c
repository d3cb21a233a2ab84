/* SPDX-License-Identifier: MIT */
#include "tlsecho/base/ascii.h"
#include "tlsecho/net/datagram.h"
#include "tlsecho/server/service.h"

static size_t answer(unsigned char *data, size_t n)
{
    ascii_upper(data, n);
    return n;
}

static enum service_verdict reply(const struct service_request *request, struct datagram *datagram)
{
    (void)request;
    ascii_upper(datagram->data, datagram->length);
    return SERVICE_ANSWERS;
}

const struct service service_upper = {.name = "upper", .answer = answer, .reply = reply};
