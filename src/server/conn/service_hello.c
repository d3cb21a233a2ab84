/* SPDX-License-Identifier: MIT */
/* First one line of JSON, docs/schema/hello.json: which server this is, and how it sees the client.
 * Then an echo. */
#include "tlsecho/base/json.h"
#include "tlsecho/server/report.h"
#include "tlsecho/server/service.h"

static size_t produce(const struct conn_info *info, uint64_t offset, unsigned char *data,
                      size_t size)
{
    struct json json;
    json_begin(&json, data, size, offset);
    json_open(&json, NULL);
    report_put_hello(&json, info);
    json_close(&json);
    json_newline(&json);
    return json.n;
}

static size_t answer(unsigned char *data, size_t n)
{
    (void)data;
    return n;
}

const struct service service_hello = {
    .name = "hello",
    .produce = produce,
    .answer = answer,
    .verbatim = true,
    .wants_info = true,
};
