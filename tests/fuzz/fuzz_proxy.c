/* SPDX-License-Identifier: MIT */
/* A PROXY header from any peer: the parser does not read beyond it, and a header that is built from
 * the result reads back to the same. */
#include <stdlib.h>
#include <string.h>

#include "tlsecho/net/proxy.h"

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void require_text(const char *text, size_t size)
{
    require(memchr(text, '\0', size));
}

/* The second time nothing changes any more. */
static void go_around(const struct proxy *proxy)
{
    static unsigned char first[PROXY_BYTES_MAX], second[PROXY_BYTES_MAX];
    struct proxy again;
    struct error err;
    size_t n = proxy_build(proxy, first), bytes = 0;
    require(n <= PROXY_BYTES_MAX);
    require(proxy_parse(first, n, &again, &bytes, &err) == 0 && bytes == n);
    require(again.version == proxy->version && (again.local || !proxy->local));
    require(proxy_build(&again, second) == n && memcmp(first, second, n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct proxy proxy;
    struct error err;
    size_t bytes = 0, early = 0;
    if (proxy_parse(data, size, &proxy, &bytes, &err) < 0) {
        require(err.kind == ERROR_INPUT && *err.text);
        return 0;
    }
    require(bytes <= size && bytes <= PROXY_BYTES_MAX);
    if (bytes == 0)
        return 0;
    require_text(proxy.alpn, sizeof proxy.alpn);
    require_text(proxy.authority, sizeof proxy.authority);
    require_text(proxy.unique_id, sizeof proxy.unique_id);
    require_text(proxy.tls.common_name, sizeof proxy.tls.common_name);
    for (size_t i = 0; i < bytes; i++)
        require(proxy_parse(data, i, &proxy, &early, &err) == 0 && early == 0);
    require(proxy_parse(data, bytes, &proxy, &bytes, &err) == 0 && bytes > 0);
    go_around(&proxy);
    return 0;
}
