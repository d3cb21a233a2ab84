/* SPDX-License-Identifier: MIT */
/* The effective configuration as block-style YAML, in the order of the table of keys. */
#include <assert.h>
#include <string.h>
#include <strings.h>

#include "config_internal.h"

enum { INDENT = 2 };

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* Whether any reader of YAML takes the unquoted text as that text, and not for a number, a switch,
 * nothing, or the beginning of something else. */
static bool is_plain(const char *text)
{
    static const char *const meaning[] = {"on", "off", "true", "false", "yes",
                                          "no", "y",   "n",    "null"};
    for (size_t i = 0; i < sizeof meaning / sizeof *meaning; i++)
        if (strcasecmp(text, meaning[i]) == 0)
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
        fputs(key->words(*(const uint64_t *)(const void *)field), out);
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

static void print_section(const struct config_section *section, const char *base, int indent,
                          bool dash, FILE *out);

static void print_entries(const struct config_key *key, const char *base, int indent, FILE *out)
{
    const char *entries;
    size_t count;
    memcpy(&entries, base + key->offset, sizeof entries);
    memcpy(&count, base + key->count, sizeof count);
    bool profiles = key->type == CONFIG_PROFILES;
    if (count == 0)
        fputs(profiles ? " {}" : " []", out);
    fputc('\n', out);

    for (size_t i = 0; i < count; i++) {
        const char *entry = entries + i * key->section->size;
        if (profiles) {
            const struct config_text *name = (const void *)(entry + key->section->name);
            fprintf(out, "%*s", indent, "");
            print_text(name->value, out);
            fputs(":\n", out);
        }
        print_section(key->section, entry, indent + INDENT, !profiles, out);
    }
}

/* With a dash before its first key where the section is an entry of a list. */
static void print_section(const struct config_section *section, const char *base, int indent,
                          bool dash, FILE *out)
{
    for (const struct config_key *key = section->keys; key->name; key++) {
        const struct config_text *text = (const void *)(base + key->offset);
        if (key->hide_empty && text->value[0] == '\0')
            continue;
        fprintf(out, "%*s%s:", indent, dash ? "- " : "", key->name);
        dash = false;
        if (key->type == CONFIG_SECTION) {
            fputc('\n', out);
            print_section(key->section, base, indent + INDENT, false, out);
        } else if (key->type == CONFIG_TEXTS) {
            print_texts((const void *)(base + key->offset), indent + INDENT, out);
        } else if (key->type == CONFIG_CIDRS) {
            print_cidrs((const void *)(base + key->offset), indent + INDENT, out);
        } else if (key->section) {
            print_entries(key, base, indent + INDENT, out);
        } else {
            fputc(' ', out);
            print_value(key, base + key->offset, out);
            fputc('\n', out);
        }
    }
}

void config_print(const struct config *config, FILE *out)
{
    print_section(&config_keys, (const char *)config, 0, false, out);
}
