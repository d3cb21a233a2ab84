/* SPDX-License-Identifier: MIT */
/* Copies the source of tlsecho-server.yaml(5) from standard input to standard output, and replaces
 * the line KEYS by all keys of the table that the server reads its configuration by. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_scalar.h"
#include "config_walk.h"

enum { LINE_BYTES = 4096 };

/* Prints text escaped for scdoc(5). */
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
    char min[QUANTITY_BYTES], max[QUANTITY_BYTES];
    if (key->words)
        printf("*%s* or ", key->words(0));
    config_scalar_number_text(key, key->min, min);
    config_scalar_number_text(key, key->max, max);
    printf("%s to %s", min, max);
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

static void print_default(const struct config_key *key)
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

/* Prints the path of the key where the walk is, such as tls.NAME.alpn. */
static void print_path(const struct config_walk *walk)
{
    putchar('*');
    for (size_t i = 1; i <= walk->depth; i++) {
        const struct config_key *parent = walk->levels[i].parent;
        print_literal(parent->name);
        if (parent->type != CONFIG_SECTION)
            print_literal(parent->type == CONFIG_LIST ? "[]" : ".NAME");
        putchar('.');
    }
    print_literal(walk->key->name);
    putchar('*');
}

static void print_keys(void)
{
    struct config_walk walk;
    config_walk_start(&walk, NULL);
    while (config_walk_next(&walk)) {
        if (walk.step != CONFIG_WALK_KEY)
            continue;
        print_path(&walk);
        fputs("\n\t", stdout);
        print_sentence(walk.key->help);
        fputs("++\n", stdout);
        print_type(walk.key);
        print_default(walk.key);
        fputs(".\n\n", stdout);
    }
}

int main(void)
{
    char line[LINE_BYTES];
    while (fgets(line, sizeof line, stdin)) {
        if (strcmp(line, "KEYS\n") == 0)
            print_keys();
        else
            fputs(line, stdout);
    }
    return ferror(stdin) || fflush(stdout) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
