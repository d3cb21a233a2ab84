/* SPDX-License-Identifier: MIT */
#include "admin_answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEAD_BYTES = 512 };

static const struct {
    int status;
    const char *reason, *text;
} answers[] = {
    {200, "OK", "ok\n"},
    {400, "Bad Request", "not an HTTP/1 request\n"},
    {404, "Not Found", "not found: use /metrics, /healthz or /readyz\n"},
    {405, "Method Not Allowed", "method not allowed: use GET or HEAD\n"},
    {408, "Request Timeout", "the request took too long\n"},
    {421, "Misdirected Request", "unknown Host: use the IP address or localhost\n"},
    {431, "Request Header Fields Too Large", "the request is larger than 4 KiB\n"},
    {503, "Service Unavailable", "unavailable\n"},
};

enum { ANSWERS = sizeof answers / sizeof *answers };

static size_t find(int status)
{
    size_t i = 0;
    while (i < ANSWERS - 1 && answers[i].status != status)
        i++;
    return i;
}

const char *admin_answer_text(int status)
{
    return answers[find(status)].text;
}

char *admin_answer(int status, const struct admin_body *body, bool head_only, size_t *ret_size)
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
                     status, answers[find(status)].reason, body->type, body->size,
                     status == 405 ? "Allow: GET, HEAD\r\n" : "");
    size_t head_size = (size_t)n, body_size = head_only ? 0 : body->size;
    char *text = malloc(head_size + body_size);
    if (!text)
        return NULL;
    memcpy(text, head, head_size);
    memcpy(text + head_size, body->text, body_size);
    *ret_size = head_size + body_size;
    return text;
}
