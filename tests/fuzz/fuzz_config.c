/* SPDX-License-Identifier: MIT */
/* A configuration that is read without an error is printed as text that reads back to the same
 * print. */
#include <stdlib.h>
#include <string.h>

#include "tlsecho/server/config.h"
#include "tlsecho/server/config_load.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static char *print(const struct config *config, size_t *ret_size)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, ret_size);
    if (!out)
        abort();
    config_print(config, out);
    fclose(out);
    return text;
}

static struct config *parse(const char *text, size_t size)
{
    struct config *config;
    struct error err;
    if (config_parse("/etc/tlsecho/server.yaml", text, size, &config, &err) == 0)
        return config;
    if (err.kind != ERROR_INPUT || err.text[0] == '\0')
        abort();
    return NULL;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct config *config = parse((const char *)data, size);
    if (!config)
        return 0;
    size_t first_size, second_size;
    char *first = print(config, &first_size);
    struct config *again = parse(first, first_size);
    if (!again)
        abort();
    char *second = print(again, &second_size);
    if (strcmp(first, second) != 0)
        abort();

    free(first);
    free(second);
    config_free(config);
    config_free(again);
    return 0;
}
