/* SPDX-License-Identifier: MIT */
/* The files that a configuration names, by the table of keys. */
#include "config_walk.h"

void config_each_path(const struct config *config, void (*each)(const char *path, void *context),
                      void *context)
{
    struct config_walk walk;
    config_walk_start(&walk, config);
    while (config_walk_next(&walk)) {
        const struct config_text *path = (const void *)walk.field;
        if (walk.step == CONFIG_WALK_KEY && walk.key->type == CONFIG_PATH && !walk.key->written &&
            path->value[0] != '\0')
            each(path->value, context);
    }
}
