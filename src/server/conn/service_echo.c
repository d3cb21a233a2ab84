/* SPDX-License-Identifier: MIT */
#include "tlsecho/server/service.h"

static size_t answer(unsigned char *data, size_t n)
{
    (void)data;
    return n;
}

static enum service_verdict reply(const struct service_request *request, struct datagram *datagram)
{
    (void)request;
    (void)datagram;
    return SERVICE_ANSWERS;
}

const struct service service_echo = {
    .name = "echo", .answer = answer, .verbatim = true, .reply = reply};
