/* SPDX-License-Identifier: MIT */
/* Frees what the table of keys says that a configuration owns. */
#include <stdlib.h>
#include <string.h>

#include "config_walk.h"

static void free_texts(const struct config_texts *texts)
{
    for (size_t i = 0; i < texts->count; i++)
        free(texts->values[i].value);
    free(texts->values);
}

static void free_value(const struct config_key *key, const char *field)
{
    if (key->type == CONFIG_TEXT || key->type == CONFIG_PATH)
        free(((const struct config_text *)(const void *)field)->value);
    else if (key->type == CONFIG_TEXTS)
        free_texts((const void *)field);
    else if (key->type == CONFIG_CIDRS)
        free(((const struct config_cidrs *)(const void *)field)->values);
}

/* The entries of a list or of profiles, whose values are freed already. */
static void free_entries(const char *field)
{
    char *entries;
    memcpy(&entries, field, sizeof entries);
    free(entries);
}

static void free_values(const struct config *config)
{
    struct config_walk walk;
    config_walk_start(&walk, config);
    while (config_walk_next(&walk))
        if (walk.step == CONFIG_WALK_KEY)
            free_value(walk.key, walk.field);
        else if (walk.step == CONFIG_WALK_END)
            free_entries(walk.field);
        else if (walk.key->type == CONFIG_PROFILES)
            free(((const struct config_text *)(const void *)(walk.field + walk.key->section->name))
                     ->value);
}

void config_free(struct config *config)
{
    if (!config || atomic_fetch_sub(&config->references, 1) > 1)
        return;
    free_values(config);
    identity_done(&config->identity.effective);
    free(config->file);
    free(config);
}
