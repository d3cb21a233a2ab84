/* SPDX-License-Identifier: MIT */
#include "admin_request.h"

static enum http_status find_path(struct http_span target, enum admin_path *ret)
{
    static const char *const paths[] = {
        [ADMIN_METRICS] = "/metrics", [ADMIN_HEALTHZ] = "/healthz", [ADMIN_READYZ] = "/readyz"};
    struct http_span path = http_target_path(target);
    for (unsigned i = 0; i < sizeof paths / sizeof *paths; i++)
        if (http_equals(path, paths[i])) {
            *ret = (enum admin_path)i;
            return HTTP_OK;
        }
    return HTTP_NOT_FOUND;
}

enum http_status admin_request_parse(const char *data, size_t size, struct admin_request *ret)
{
    struct http_scan scan = {.seen = 0};
    struct http_head head;
    const char *ignored;
    const struct http_span bytes = {data, size};
    enum http_status status = http_head_read(&scan, bytes, ADMIN_REQUEST_BYTES, &head, &ignored);
    *ret = (struct admin_request){.head = http_scan_is_head(&scan, bytes)};
    if (status != HTTP_OK)
        return status;
    ret->by_name = http_host_is_foreign_name(head.host);
    status = find_path(head.target, &ret->path);
    if (status == HTTP_OK && !ret->head && !http_equals(head.method, "GET"))
        status = HTTP_METHOD_NOT_ALLOWED;
    return status;
}
