/* SPDX-License-Identifier: MIT */
#include "config_walk.h"

#include <assert.h>
#include <string.h>

static struct config_walk_level *top(struct config_walk *walk)
{
    return &walk->levels[walk->depth];
}

static bool step_to(struct config_walk *walk, enum config_walk_step step,
                    const struct config_key *key, const char *field)
{
    walk->step = step;
    walk->key = key;
    walk->field = field;
    return true;
}

/* Goes down into the section, or before the first entry, of the key where the walk is. */
static void descend(struct config_walk *walk)
{
    const struct config_walk_level *above = top(walk);
    const struct config_key *key = above->key;
    struct config_walk_level level = {.parent = key, .entry_count = 1};
    if (key->type == CONFIG_SECTION) {
        level.section = key->section;
        level.base = above->base;
    } else if (above->base) {
        memcpy(&level.entries, above->base + key->offset, sizeof level.entries);
        memcpy(&level.entry_count, above->base + key->count, sizeof level.entry_count);
    }
    assert(walk->depth + 1 < CONFIG_WALK_DEPTH);
    walk->levels[++walk->depth] = level;
}

static bool enter_entry(struct config_walk *walk)
{
    struct config_walk_level *level = top(walk);
    level->section = level->parent->section;
    level->key = NULL;
    if (level->entries)
        level->base = level->entries + level->next_entry * level->section->size;
    level->next_entry++;
    return step_to(walk, CONFIG_WALK_ENTRY, level->parent, level->base);
}

static bool end_entries(struct config_walk *walk)
{
    const struct config_key *key = top(walk)->parent;
    const char *base = walk->levels[--walk->depth].base;
    return step_to(walk, CONFIG_WALK_END, key, base ? base + key->offset : NULL);
}

void config_walk_start(struct config_walk *walk, const struct config *config)
{
    *walk = (struct config_walk){
        .step = CONFIG_WALK_ENTRY, /* the configuration is like an entry of a list */
        .levels = {{.section = &config_keys, .base = (const char *)config}},
    };
}

bool config_walk_next(struct config_walk *walk)
{
    if (walk->step == CONFIG_WALK_KEY && walk->key->section)
        descend(walk);
    for (;;) {
        struct config_walk_level *level = top(walk);
        level->key = level->section ? config_keys_next(level->section, level->key) : NULL;
        if (level->key)
            return step_to(walk, CONFIG_WALK_KEY, level->key,
                           level->base ? level->base + level->key->offset : NULL);
        if (!level->parent)
            return false;
        if (level->parent->type != CONFIG_SECTION)
            return level->next_entry < level->entry_count ? enter_entry(walk) : end_entries(walk);
        walk->depth--;
    }
}
