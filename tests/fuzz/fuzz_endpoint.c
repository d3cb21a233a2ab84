/* SPDX-License-Identifier: MIT */
/* Text that is read as an endpoint or a network is written as text that reads back to the same. */
#include <stdlib.h>
#include <string.h>

#include "tlsecho/net/cidr.h"
#include "tlsecho/net/endpoint.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static int same(const struct endpoint *a, const struct endpoint *b)
{
    return a->scheme == b->scheme && a->port == b->port && strcmp(a->host, b->host) == 0 &&
           strcmp(a->path, b->path) == 0;
}

static void read_endpoint(const char *text)
{
    struct endpoint endpoint, again;
    struct error err;
    char canonical[ENDPOINT_TEXT_BYTES];
    if (endpoint_parse(text, &endpoint, &err) == 0) {
        endpoint_text(&endpoint, canonical);
        if (endpoint_parse(canonical, &again, &err) || !same(&endpoint, &again))
            abort();
    } else if (err.kind != ERROR_INPUT || err.text[0] == '\0') {
        abort();
    }
}

static void read_cidr(const char *text)
{
    struct cidr cidr, again;
    struct error err;
    char canonical[CIDR_TEXT_BYTES];
    if (cidr_parse(text, &cidr, &err) == 0) {
        cidr_text(&cidr, canonical);
        if (cidr_parse(canonical, &again, &err) || !cidr_equal(&cidr, &again))
            abort();
    } else if (err.kind != ERROR_INPUT || err.text[0] == '\0') {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    char *text = malloc(size + 1);
    if (!text)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    read_endpoint(text);
    read_cidr(text);
    free(text);
    return 0;
}
