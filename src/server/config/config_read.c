/* SPDX-License-Identifier: MIT */
#include "config_read.h"

#include <stdlib.h>
#include <string.h>

#include "config_keys.h"
#include "config_reader.h"
#include "config_scalar.h"
#include "tlsecho/base/suggest.h"
#include "tlsecho/base/text.h"

static int read_section(struct config_reader *r, const struct config_section *section,
                        const struct config_node *node, char *base);

static const struct config_node *find_child(const struct config_node *node, const char *name)
{
    for (const struct config_node *child = node->first; child; child = child->next)
        if (strcmp(child->key, name) == 0)
            return child;
    return NULL;
}

static int refuse_repeated(struct config_reader *r, const struct config_node *node,
                           const struct config_node *child)
{
    const struct config_node *first = find_child(node, child->key);
    if (first == child)
        return 0;
    return config_reader_refuse(r, child->key_place,
                                "repeated, first on line %d: remove one of them",
                                first->key_place.line);
}

static int refuse_unknown(struct config_reader *r, const struct config_section *section,
                          const struct config_node *child)
{
    const char *names[CONFIG_ENTRIES];
    size_t count = 0;
    const struct config_key *key = NULL;
    while ((key = config_keys_next(section, key)) && count < CONFIG_ENTRIES)
        names[count++] = key->name;
    char suggestion[SUGGEST_BYTES];
    suggest_name(child->key, names, count, suggestion);
    return config_reader_refuse(r, child->key_place, "unknown key: %s", suggestion);
}

static int expect_text(struct config_reader *r, const struct config_key *key,
                       const struct config_node *node)
{
    if (node->kind != CONFIG_NODE_TEXT)
        return config_reader_refuse(r, node->place, "expected a single value: %s", key->help);
    return node->unprintable ? config_reader_refuse(r, node->place, CONFIG_YAML_UNPRINTABLE) : 0;
}

static int expect(struct config_reader *r, const struct config_key *key,
                  const struct config_node *node)
{
    switch (key->type) {
    case CONFIG_SECTION:
    case CONFIG_PROFILES:
        if (node->kind == CONFIG_NODE_MAPPING || node->kind == CONFIG_NODE_EMPTY)
            return 0;
        return config_reader_refuse(r, node->place, "not a mapping: write \"KEY: VALUE\" lines");
    case CONFIG_TEXTS:
    case CONFIG_CIDRS:
    case CONFIG_LIST:
        if (node->kind == CONFIG_NODE_LIST)
            return 0;
        return config_reader_refuse(r, node->place,
                                    "not a list: begin each entry with \"- \", or write []");
    case CONFIG_SWITCH:
    case CONFIG_COUNT:
    case CONFIG_SIZE:
    case CONFIG_TIME:
    case CONFIG_CHOICE:
    case CONFIG_TEXT:
    case CONFIG_PATH:
    case CONFIG_ENDPOINT:
        break;
    }
    return expect_text(r, key, node);
}

/* The name of a profile is its key. */
static int read_name(struct config_reader *r, const struct config_section *section,
                     const struct config_node *child, char *entry)
{
    if (child->key[0] == '\0' || strlen(child->key) > CONFIG_NAME_BYTES)
        return config_reader_refuse(r, child->key_place,
                                    "%zu bytes long: write a name of 1 to %d bytes",
                                    strlen(child->key), CONFIG_NAME_BYTES);
    struct config_text *name = (void *)(entry + section->name);
    name->value = strdup(child->key);
    name->place = child->key_place;
    return name->value ? 0 : error_sys(r->err, "read %s", r->path);
}

static int read_entry(struct config_reader *r, const struct config_key *key,
                      const struct config_node *parent, const struct config_node *child,
                      char *entry)
{
    if (key->type == CONFIG_PROFILES &&
        (refuse_repeated(r, parent, child) || read_name(r, key->section, child, entry)))
        return -1;
    if (child->kind == CONFIG_NODE_TEXT || child->kind == CONFIG_NODE_LIST)
        return config_reader_refuse(r, child->place, "not a mapping: write \"KEY: VALUE\" lines");
    return read_section(r, key->section, child, entry);
}

static int read_entries(struct config_reader *r, const struct config_key *key,
                        const struct config_node *node, char *base)
{
    if (node->count < key->min || node->count > key->max)
        return config_reader_refuse(r, node->place,
                                    "%zu entries: write %d to %d, or leave the key out",
                                    node->count, (int)key->min, (int)key->max);
    if (node->count == 0)
        return 0;
    char *entries = calloc(node->count, key->section->size);
    if (!entries)
        return error_sys(r->err, "read %s", r->path);
    memcpy(base + key->offset, &entries, sizeof entries);
    memcpy(base + key->count, &node->count, sizeof node->count);

    size_t i = 0;
    for (const struct config_node *child = node->first; child; child = child->next, i++) {
        size_t before =
            child->key ? config_reader_enter_key(r, child->key) : config_reader_enter_entry(r, i);
        if (read_entry(r, key, node, child, entries + i * key->section->size))
            return -1;
        config_reader_leave(r, before);
    }
    return 0;
}

static int read_cidr(struct config_reader *r, const char *text, struct config_place place,
                     const struct config_cidrs *cidrs, size_t i)
{
    if (cidr_parse(text, &cidrs->values[i], r->err))
        return config_reader_refuse(r, place, "%s", r->err->text);
    size_t first = 0;
    while (!cidr_equal(&cidrs->values[first], &cidrs->values[i]))
        first++;
    if (first == i)
        return 0;
    char repeated[CIDR_TEXT_BYTES];
    cidr_text(&cidrs->values[i], repeated);
    return config_reader_refuse(r, place, "%s is already in the list as [%zu]: remove one of them",
                                repeated, first);
}

/* Reads the i-th value of a list that is large enough for it. */
static int read_value(struct config_reader *r, const struct config_key *key,
                      const struct config_node *node, void *list, size_t i)
{
    if (expect_text(r, key, node))
        return -1;
    if (node->text[0] == '\0')
        return config_reader_refuse(r, node->place, "empty entry: write a text, or remove it");
    if (key->type == CONFIG_CIDRS)
        return read_cidr(r, node->text, node->place, list, i);
    return config_scalar_text(r, key, node->text, node->place,
                              &((struct config_texts *)list)->values[i]);
}

static int read_values(struct config_reader *r, const struct config_key *key,
                       const struct config_node *node, void *list)
{
    if (node->count > CONFIG_VALUES_ENTRIES)
        return config_reader_refuse(r, node->place, "%zu entries: write at most %d", node->count,
                                    CONFIG_VALUES_ENTRIES);
    if (node->count == 0)
        return 0;
    bool cidrs = key->type == CONFIG_CIDRS;
    void *values = calloc(node->count, cidrs ? sizeof(struct cidr) : sizeof(struct config_text));
    if (!values)
        return error_sys(r->err, "read %s", r->path);
    if (cidrs)
        *(struct config_cidrs *)list = (struct config_cidrs){values, node->count, node->place};
    else
        *(struct config_texts *)list = (struct config_texts){values, node->count};

    size_t i = 0;
    for (const struct config_node *child = node->first; child; child = child->next, i++) {
        size_t before = config_reader_enter_entry(r, i);
        if (read_value(r, key, child, list, i))
            return -1;
        config_reader_leave(r, before);
    }
    return 0;
}

static int read_key(struct config_reader *r, const struct config_key *key,
                    const struct config_node *node, char *base)
{
    if (expect(r, key, node))
        return -1;
    if (key->type == CONFIG_SECTION)
        return read_section(r, key->section, node, base);
    if (key->type == CONFIG_TEXTS || key->type == CONFIG_CIDRS)
        return read_values(r, key, node, base + key->offset);
    if (key->section)
        return read_entries(r, key, node, base);
    return config_scalar_read(r, key, node->text,
                              r->in_default ? (struct config_place){0} : node->place, base);
}

/* A default is read like a value in the file, but has no place. */
static int read_default(struct config_reader *r, const struct config_key *key, char *base)
{
    static const struct config_node empty;
    if (key->type == CONFIG_SECTION)
        return read_section(r, key->section, &empty, base);
    if (key->type == CONFIG_TEXTS || key->type == CONFIG_CIDRS)
        return 0; /* the default of each is [] */
    if (!key->section)
        return config_scalar_read(r, key, key->default_text, empty.place, base);

    struct config_node *node;
    if (config_yaml_parse(key->name, key->default_text, strlen(key->default_text), &node, r->err))
        return -1;
    bool in_default = r->in_default;
    r->in_default = true;
    int result = read_entries(r, key, node, base);
    r->in_default = in_default;
    config_yaml_free(node);
    return result;
}

static int read_section(struct config_reader *r, const struct config_section *section,
                        const struct config_node *node, char *base)
{
    for (const struct config_node *child = node->first; child; child = child->next) {
        size_t before = config_reader_enter_key(r, child->key);
        const struct config_key *key = config_keys_find(section, child->key);
        if (!key)
            return refuse_unknown(r, section, child);
        if (refuse_repeated(r, node, child) || read_key(r, key, child, base))
            return -1;
        config_reader_leave(r, before);
    }
    for (const struct config_key *key = NULL; (key = config_keys_next(section, key));) {
        if (find_child(node, key->name))
            continue;
        size_t before = config_reader_enter_key(r, key->name);
        if (key->type != CONFIG_SECTION && !key->default_text)
            return config_reader_refuse(r, node->place, "required key is missing: %s", key->help);
        if (read_default(r, key, base))
            return -1;
        config_reader_leave(r, before);
    }
    return 0;
}

int config_read(struct config *config, const struct config_node *root, struct error *err)
{
    struct config_reader r = {.config = config, .err = err};
    if (root->kind == CONFIG_NODE_TEXT || root->kind == CONFIG_NODE_LIST)
        return config_reader_refuse(&r, root->place,
                                    "not a mapping: begin with \"listeners:\" or another key");
    return read_section(&r, &config_keys, root, (char *)config);
}

int config_read_profile(struct config *config, const char *name, struct error *err)
{
    const struct config_key *key = config_keys_find(&config_keys, "tls");
    struct config_reader r = {.config = config, .in_default = true, .err = err};
    config_reader_enter_key(&r, key->name);
    if (config->profile_count >= key->max)
        return config_reader_refuse(
            &r, (struct config_place){0},
            "a listener needs one more profile, %s, beside these %zu: remove one", name,
            config->profile_count);

    size_t n = config->profile_count;
    struct config_tls *profiles = reallocarray(config->profiles, n + 1, sizeof *profiles);
    if (!profiles)
        return error_sys(err, "read tls");
    profiles[n] = (struct config_tls){.name.value = strdup(name)};
    config->profiles = profiles;
    config->profile_count = n + 1;
    if (!profiles[n].name.value)
        return error_sys(err, "read tls");
    static const struct config_node empty;
    return read_section(&r, &config_keys_profile, &empty, (char *)&profiles[n]);
}
