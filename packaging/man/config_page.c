/* SPDX-License-Identifier: MIT */
/* Copies the source of tlsecho-server.yaml(5) from standard input to standard output, and puts
 * every key in the place of the line KEYS: the table that the server reads by cannot lie. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_internal.h"

enum { PATH_BYTES = 256, LINE_BYTES = 4096 };

/* Text as scdoc(5) takes it literally. */
static void print_literal(const char *text)
{
    for (const char *c = text; *c; c++) {
        if (strchr("\\*_[]|<>#~`", *c))
            putchar('\\');
        putchar(*c);
    }
}

static void print_sentence(const char *text)
{
    putchar(toupper((unsigned char)text[0]));
    print_literal(text + 1);
    putchar('.');
}

static void print_words(const struct config_key *key)
{
    const char *word;
    for (size_t i = 0; (word = key->words(i)); i++) {
        fputs(i ? " \\| *" : "*", stdout);
        print_literal(word);
        putchar('*');
    }
}

static void print_range(const struct config_key *key)
{
    char least[QUANTITY_BYTES], most[QUANTITY_BYTES];
    if (key->words)
        printf("*%s* or ", key->words(0));
    config_scalar_number_text(key, key->min, least);
    config_scalar_number_text(key, key->max, most);
    printf("%s to %s", least, most);
}

static void print_type(const struct config_key *key)
{
    switch (key->type) {
    case CONFIG_SWITCH:
        fputs("*on* \\| *off*", stdout);
        break;
    case CONFIG_COUNT:
        fputs("A number: ", stdout);
        print_range(key);
        break;
    case CONFIG_SIZE:
        fputs("A size: ", stdout);
        print_range(key);
        break;
    case CONFIG_TIME:
        fputs("A time: ", stdout);
        print_range(key);
        break;
    case CONFIG_CHOICE:
        print_words(key);
        break;
    case CONFIG_TEXT:
        if (key->words)
            print_words(key);
        else
            fputs("A text", stdout);
        break;
    case CONFIG_PATH:
        fputs("A path", stdout);
        break;
    case CONFIG_ENDPOINT:
        fputs("An endpoint", stdout);
        break;
    case CONFIG_TEXTS:
        fputs("A list of texts", stdout);
        break;
    case CONFIG_CIDRS:
        fputs("A list of networks", stdout);
        break;
    case CONFIG_SECTION:
        fputs("A mapping", stdout);
        break;
    case CONFIG_LIST:
        printf("A list of mappings, at most %llu", (unsigned long long)key->max);
        break;
    case CONFIG_PROFILES:
        printf("A mapping of names to mappings, at most %llu", (unsigned long long)key->max);
        break;
    }
}

static void print_standard(const struct config_key *key)
{
    if (key->type == CONFIG_SECTION)
        return;
    if (!key->default_text) {
        fputs(". Required", stdout);
        return;
    }
    fputs("; default: ", stdout);
    if (key->default_text[0])
        print_literal(key->default_text);
    else
        fputs("empty", stdout);
}

/* Every key below path, which says where in the file the section is. */
static void print_section(const struct config_section *section, const char *path)
{
    for (const struct config_key *key = section->keys; key->name; key++) {
        char here[PATH_BYTES];
        snprintf(here, sizeof here, "%s%s%s", path, *path ? "." : "", key->name);
        putchar('*');
        print_literal(here);
        fputs("*\n\t", stdout);
        print_sentence(key->help);
        fputs("++\n", stdout);
        print_type(key);
        print_standard(key);
        fputs(".\n\n", stdout);
        if (!key->section)
            continue;
        if (key->type != CONFIG_SECTION)
            strncat(here, key->type == CONFIG_LIST ? "[]" : ".NAME",
                    sizeof here - strlen(here) - 1);
        print_section(key->section, here);
    }
}

int main(void)
{
    char line[LINE_BYTES];
    while (fgets(line, sizeof line, stdin)) {
        if (strcmp(line, "KEYS\n") == 0)
            print_section(&config_keys, "");
        else
            fputs(line, stdout);
    }
    return ferror(stdin) || fflush(stdout) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
