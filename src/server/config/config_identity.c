/* SPDX-License-Identifier: MIT */
#include "config_identity.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tlsecho/base/text.h"

/* Names of labels in Prometheus, too. POSIX.1-2017, XBD 8.1. */
static bool is_variable_name(const char *name)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
    static const char letters_and_digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
    return strchr(letters, name[0]) && name[strspn(name, letters_and_digits)] == '\0';
}

/* The value of the variable at that index; NULL if it is refused. */
static const char *find_value(const struct config *config, size_t i, struct error *err)
{
    const struct config_text *name = &config->identity.env.values[i];
    const char *value = getenv(name->value);
    char brief[TEXT_BRIEF_BYTES];
    text_brief(name->value, brief);
    size_t first = 0;
    while (strcmp(config->identity.env.values[first].value, name->value) != 0)
        first++;
    if (!is_variable_name(name->value))
        config_refuse(
            config, name->place, err,
            "identity.env[%zu]: \"%s\" is not the name of a variable: use letters, digits "
            "and _, with no digit first",
            i, brief);
    else if (first < i)
        config_refuse(config, name->place, err,
                      "identity.env[%zu]: %s is already in the list as [%zu]: remove one of them",
                      i, brief, first);
    else if (!value)
        config_refuse(config, name->place, err,
                      "identity.env[%zu]: %s is not set in the environment: set it, or remove this "
                      "entry",
                      i, brief);
    else if (!text_printable(value))
        config_refuse(config, name->place, err,
                      "identity.env[%zu]: the value of %s has a control character or is not UTF-8: "
                      "change it, or remove this entry",
                      i, brief);
    else
        return value;
    return NULL;
}

static int add_variable(struct config *config, size_t i, size_t *used, struct error *err)
{
    struct identity *identity = &config->identity.effective;
    const struct config_text *name = &config->identity.env.values[i];
    const char *value = find_value(config, i, err);
    if (!value)
        return -1;
    *used += strlen(name->value) + strlen(value);
    if (*used > IDENTITY_BYTES)
        return config_refuse(
            config, name->place, err,
            "identity.env[%zu]: the names and values up to here have %zu bytes, and "
            "every log line repeats them: reduce them to %d",
            i, *used, IDENTITY_BYTES);
    struct identity_variable *variable = &identity->variables[identity->count++];
    variable->name = strdup(name->value);
    variable->value = strdup(value);
    return variable->name && variable->value ? 0 : error_sys(err, "read identity.env");
}

int config_identity_complete(struct config *config, struct error *err)
{
    struct identity *identity = &config->identity.effective;
    char host[HOST_NAME_MAX + 1] = "";
    const char *name = config->identity.name.value;
    if (*name == '\0' && gethostname(host, sizeof host) == 0 && text_printable(host))
        name = host;
    identity->name = strdup(name);
    identity->variables = calloc(config->identity.env.count + 1, sizeof *identity->variables);
    if (!identity->name || !identity->variables)
        return error_sys(err, "read identity");
    size_t used = strlen(name);
    for (size_t i = 0; i < config->identity.env.count; i++)
        if (add_variable(config, i, &used, err))
            return -1;
    return 0;
}
