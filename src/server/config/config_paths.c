/* SPDX-License-Identifier: MIT */
/* The files that a configuration names to be read, found by the table of keys. */
#include <string.h>

#include "config_internal.h"

struct visit {
    void (*each)(const char *path, void *context);
    void *context;
};

static void visit_fields(const struct config_section *section, const char *base,
                         const struct visit *visit)
{
    for (const struct config_key *key = section->keys; key->name; key++) {
        const char *field = base + key->offset;
        const char *entries = NULL;
        size_t count = 0;
        if (key->type == CONFIG_PATH && !key->written) {
            const char *path = ((const struct config_text *)(const void *)field)->value;
            if (path && *path)
                visit->each(path, visit->context);
        } else if (key->type == CONFIG_SECTION) {
            visit_fields(key->section, base, visit);
        } else if (key->section) {
            memcpy(&entries, field, sizeof entries);
            memcpy(&count, base + key->count, sizeof count);
        }
        for (size_t i = 0; i < count; i++)
            visit_fields(key->section, entries + i * key->section->size, visit);
    }
}

void config_each_path(const struct config *config, void (*each)(const char *path, void *context),
                      void *context)
{
    const struct visit visit = {.each = each, .context = context};
    visit_fields(&config_keys, (const char *)config, &visit);
}
