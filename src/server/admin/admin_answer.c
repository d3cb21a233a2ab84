/* SPDX-License-Identifier: MIT */
#include "admin_answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEAD_BYTES = 512 };

const char *admin_answer_text(enum http_status status)
{
    static const struct {
        enum http_status status;
        const char *text;
    } texts[] = {
        {HTTP_OK, "ok\n"},
        {HTTP_BAD_REQUEST, "not an HTTP/1 request\n"},
        {HTTP_NOT_FOUND, "not found: use /metrics, /healthz or /readyz\n"},
        {HTTP_METHOD_NOT_ALLOWED, "method not allowed: use GET or HEAD\n"},
        {HTTP_REQUEST_TIMEOUT, "the request took too long\n"},
        {HTTP_URI_TOO_LONG, "the request line is larger than 4 KiB\n"},
        {HTTP_MISDIRECTED_REQUEST, "unknown Host: use the IP address or localhost\n"},
        {HTTP_HEAD_TOO_LARGE, "the request is larger than 4 KiB\n"},
        {HTTP_VERSION_NOT_SUPPORTED, "use HTTP/1.1\n"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i].status == status)
            return texts[i].text;
    return "not supported here\n";
}

char *admin_answer(enum http_status status, const struct admin_body *body, bool head_only,
                   size_t *ret_size)
{
    char head[HEAD_BYTES];
    int n = snprintf(head, sizeof head,
                     "HTTP/1.0 %d %s\r\n"
                     "Content-Type: %s\r\n"
                     "Content-Length: %zu\r\n"
                     "%s"
                     "Cache-Control: no-store\r\n"
                     "Connection: close\r\n"
                     "\r\n",
                     (int)status, http_reason(status), body->type, body->size,
                     status == HTTP_METHOD_NOT_ALLOWED ? "Allow: GET, HEAD\r\n" : "");
    size_t head_size = (size_t)n, body_size = head_only ? 0 : body->size;
    char *text = malloc(head_size + body_size);
    if (!text)
        return NULL;
    memcpy(text, head, head_size);
    memcpy(text + head_size, body->text, body_size);
    *ret_size = head_size + body_size;
    return text;
}
