/* SPDX-License-Identifier: MIT */
/* The effective configuration as block-style YAML, in the order of the table of keys. */
#include <assert.h>
#include <string.h>
#include <strings.h>

#include "config_scalar.h"
#include "config_walk.h"

enum { INDENT = 2 };

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* Whether every YAML parser reads the unquoted text as a string, not as a number, a boolean, null
 * or a part of the syntax. */
static bool is_plain(const char *text)
{
    static const char *const keywords[] = {"on", "off", "true", "false", "yes",
                                           "no", "y",   "n",    "null"};
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
        if (strcasecmp(text, keywords[i]) == 0)
            return false;
    bool begins = text[0] == '/' || strspn(text, LETTERS) > 0;
    size_t length = strspn(text, LETTERS "0123456789:/._-[]%");
    return begins && text[length] == '\0' && text[length - 1] != ':';
}

static void print_text(const char *text, FILE *out)
{
    if (is_plain(text)) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (const char *c = text; *c; c++) {
        if (*c == '"' || *c == '\\')
            fputc('\\', out);
        fputc(*c, out);
    }
    fputc('"', out);
}

static void print_value(const struct config_key *key, const char *field, FILE *out)
{
    char text[ENDPOINT_TEXT_BYTES];
    switch (key->type) {
    case CONFIG_SWITCH:
        fputs(*(const bool *)field ? "on" : "off", out);
        return;
    case CONFIG_COUNT:
    case CONFIG_SIZE:
    case CONFIG_TIME:
        config_scalar_number_text(key, *(const uint64_t *)(const void *)field, text);
        fputs(text, out);
        return;
    case CONFIG_CHOICE:
        fputs(key->words(config_keys_get_choice(field)), out);
        return;
    case CONFIG_TEXT:
    case CONFIG_PATH:
        print_text(((const struct config_text *)(const void *)field)->value, out);
        return;
    case CONFIG_ENDPOINT:
        endpoint_text((const struct endpoint *)(const void *)field, text);
        print_text(text, out);
        return;
    case CONFIG_TEXTS:
    case CONFIG_CIDRS:
    case CONFIG_SECTION:
    case CONFIG_LIST:
    case CONFIG_PROFILES:
        break;
    }
    assert(!"a single value");
}

static void print_texts(const struct config_texts *texts, int indent, FILE *out)
{
    fputs(texts->count ? "\n" : " []\n", out);
    for (size_t i = 0; i < texts->count; i++) {
        fprintf(out, "%*s", indent + INDENT, "- ");
        print_text(texts->values[i].value, out);
        fputc('\n', out);
    }
}

static void print_cidrs(const struct config_cidrs *cidrs, int indent, FILE *out)
{
    fputs(cidrs->count ? "\n" : " []\n", out);
    for (size_t i = 0; i < cidrs->count; i++) {
        char text[CIDR_TEXT_BYTES];
        cidr_text(&cidrs->values[i], text);
        fprintf(out, "%*s", indent + INDENT, "- ");
        print_text(text, out);
        fputc('\n', out);
    }
}

/* An entry of a list, or of profiles, is two levels in from its key. */
static int indent_of(const struct config_walk *walk)
{
    int indent = 0;
    for (size_t i = 1; i <= walk->depth; i++)
        indent += walk->levels[i].parent->type == CONFIG_SECTION ? INDENT : 2 * INDENT;
    return indent;
}

static void print_profile_name(const struct config_walk *walk, FILE *out)
{
    const struct config_text *name = (const void *)(walk->field + walk->key->section->name);
    fprintf(out, "%*s", indent_of(walk) - INDENT, "");
    print_text(name->value, out);
    fputs(":\n", out);
}

/* The rest of the line of a list or of profiles; their entries come next. */
static void print_entries_line(const struct config_walk *walk, FILE *out)
{
    size_t count;
    memcpy(&count, walk->levels[walk->depth].base + walk->key->count, sizeof count);
    if (count == 0)
        fputs(walk->key->type == CONFIG_PROFILES ? " {}" : " []", out);
    fputc('\n', out);
}

static void print_key(const struct config_walk *walk, bool dash, FILE *out)
{
    const struct config_key *key = walk->key;
    int indent = indent_of(walk);
    fprintf(out, "%*s%s:", indent, dash ? "- " : "", key->name);
    if (key->type == CONFIG_SECTION) {
        fputc('\n', out);
    } else if (key->type == CONFIG_TEXTS) {
        print_texts((const void *)walk->field, indent + INDENT, out);
    } else if (key->type == CONFIG_CIDRS) {
        print_cidrs((const void *)walk->field, indent + INDENT, out);
    } else if (key->section) {
        print_entries_line(walk, out);
    } else {
        fputc(' ', out);
        print_value(key, walk->field, out);
        fputc('\n', out);
    }
}

static bool is_hidden(const struct config_walk *walk)
{
    const struct config_text *text = (const void *)walk->field;
    return walk->key->hide_empty && text->value[0] == '\0';
}

void config_print(const struct config *config, FILE *out)
{
    struct config_walk walk;
    bool dash = false; /* the next key is the first one of an entry of a list */
    config_walk_start(&walk, config);
    while (config_walk_next(&walk)) {
        if (walk.step == CONFIG_WALK_KEY && !is_hidden(&walk)) {
            print_key(&walk, dash, out);
            dash = false;
        } else if (walk.step == CONFIG_WALK_ENTRY && walk.key->type == CONFIG_PROFILES) {
            print_profile_name(&walk, out);
        } else if (walk.step == CONFIG_WALK_ENTRY) {
            dash = true;
        }
    }
}
