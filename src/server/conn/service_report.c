/* SPDX-License-Identifier: MIT */
/* What the server knows of the client: one JSON object, docs/schema/report.json. */
#include "tlsecho/base/json.h"
#include "tlsecho/server/report.h"
#include "tlsecho/server/service.h"

static size_t produce(const struct conn_info *info, uint64_t offset, unsigned char *data,
                      size_t size)
{
    struct json json;
    json_begin(&json, data, size, offset);
    json_open(&json, NULL);
    report_put(&json, info);
    json_close(&json);
    json_newline(&json);
    return json.n;
}

/* Without more room the request must be so long that the answer is no longer. */
static enum service_verdict reply(const struct service_request *request, struct datagram *datagram)
{
    size_t room = request->room > 0 ? request->room : datagram->length;
    if (room < SERVICE_REPORT_REQUEST_BYTES)
        return SERVICE_IS_SHORT;
    size_t n = produce(request->info, 0, datagram->data, room);
    if (n == 0 || datagram->data[n - 1] != '\n')
        return SERVICE_IS_SHORT; /* it is cut */
    datagram->length = n;
    return SERVICE_ANSWERS;
}

const struct service service_report = {
    .name = "report",
    .produce = produce,
    .reply = reply,
    .wants_info = true,
    .wants_arrival = true,
};
