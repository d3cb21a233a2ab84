/* SPDX-License-Identifier: MIT */
#include "config_scalar.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config_value.h"
#include "tlsecho/base/suggest.h"
#include "tlsecho/base/text.h"

void config_scalar_number_text(const struct config_key *key, uint64_t number,
                               char ret[QUANTITY_BYTES])
{
    if (number == 0 && key->words)
        snprintf(ret, QUANTITY_BYTES, "%s", key->words(0));
    else if (key->type == CONFIG_TIME)
        quantity_time_text(number, ret);
    else if (key->type == CONFIG_SIZE)
        quantity_size_text(number, ret);
    else
        quantity_count_text(number, ret);
}

static int parse_number(const struct config_key *key, const char *text, uint64_t *ret,
                        struct error *err)
{
    if (key->type == CONFIG_TIME)
        return quantity_parse_time(text, QUANTITY_BARE_REFUSED, ret, err);
    if (key->type == CONFIG_SIZE)
        return quantity_parse_size(text, ret, err);
    return quantity_parse_count(text, ret, err);
}

/* Whether text, which is no number of that type, would be one with fewer digits. */
static bool is_too_large(const struct config_key *key, const char *text)
{
    char one[TEXT_BRIEF_BYTES];
    struct error ignored;
    uint64_t number;
    size_t digits = strspn(text, "0123456789");
    int length = snprintf(one, sizeof one, "1%s", text + digits);
    return digits > 0 && length < (int)sizeof one && parse_number(key, one, &number, &ignored) == 0;
}

static int read_number(struct config_reader *r, const struct config_key *key, const char *text,
                       struct config_place place, uint64_t *ret)
{
    const char *zero = key->words ? key->words(0) : NULL;
    if (zero && strcmp(text, zero) == 0) {
        *ret = 0;
        return 0;
    }
    uint64_t number;
    if (parse_number(key, text, &number, r->err)) {
        if (!is_too_large(key, text))
            return config_reader_refuse(r, place, "%s%s%s", r->err->text, zero ? ", or " : "",
                                        zero ? zero : "");
        number = UINT64_MAX;
    }
    char written[TEXT_BRIEF_BYTES];
    text_brief(text, written);
    if (number < key->min || number > key->max) {
        char min[QUANTITY_BYTES], max[QUANTITY_BYTES];
        config_scalar_number_text(key, key->min, min);
        config_scalar_number_text(key, key->max, max);
        return config_reader_refuse(r, place, "%s is out of range: write %s%s%s to %s", written,
                                    zero ? zero : "", zero ? " or " : "", min, max);
    }
    if (key->step && number % key->step != 0) {
        char step[QUANTITY_BYTES];
        config_scalar_number_text(key, key->step, step);
        return config_reader_refuse(r, place, "%s is not a multiple of %s: round it", written,
                                    step);
    }
    *ret = number;
    return 0;
}

/* The index of text among the key's words. */
static int read_word(struct config_reader *r, const struct config_key *key, const char *text,
                     struct config_place place, size_t *ret)
{
    const char *names[CONFIG_ENTRIES];
    size_t count = 0;
    for (const char *word; count < CONFIG_ENTRIES && (word = key->words(count)); count++) {
        if (strcmp(text, word) == 0) {
            *ret = count;
            return 0;
        }
        names[count] = word;
    }
    char list[SUGGEST_BYTES], brief[TEXT_BRIEF_BYTES];
    suggest_list(names, count, list);
    text_brief(text, brief);
    return config_reader_refuse(r, place, "unknown value \"%s\": write one of %s", brief, list);
}

/* The path, relative to the folder of the file. */
static char *join_folder(const char *file, const char *path)
{
    char *joined = NULL;
    if (path[0] == '/')
        return strdup(path);
    while (strncmp(file, "./", 2) == 0)
        file += 2;
    const char *slash = strrchr(file, '/');
    int folder = slash ? (int)(slash - file) + 1 : 0;
    char *cwd = file[0] == '/' ? NULL : getcwd(NULL, 0);
    if (file[0] != '/' && !cwd)
        return NULL;
    if (asprintf(&joined, "%s%s%.*s%s", cwd ? cwd : "", cwd ? "/" : "", folder, file, path) < 0)
        joined = NULL;
    free(cwd);
    return joined;
}

int config_scalar_text(struct config_reader *r, const struct config_key *key, const char *text,
                       struct config_place place, struct config_text *ret)
{
    size_t index;
    if (key->words && read_word(r, key, text, place, &index))
        return -1;
    if (!key->default_text && text[0] == '\0')
        return config_reader_refuse(r, place, "must not be empty: %s", key->help);

    bool path = key->type == CONFIG_PATH && text[0] != '\0';
    char *value = path ? join_folder(r->config->file, text) : strdup(text);
    if (!value)
        return error_sys(r->err, "read %s", r->path);
    ret->value = value;
    ret->place = place;
    if (key->max && strlen(value) > key->max)
        return config_reader_refuse(r, place, "%zu bytes long: write at most %" PRIu64,
                                    strlen(value), key->max);
    if (!text_printable(value))
        return config_reader_refuse(
            r, place,
            "the path of this file's folder has a control character or is not UTF-8: "
            "write an absolute path");
    return 0;
}

static int read_choice(struct config_reader *r, const struct config_key *key, const char *text,
                       struct config_place place, void *ret)
{
    size_t choice;
    if (read_word(r, key, text, place, &choice))
        return -1;
    config_keys_set_choice(ret, choice);
    return 0;
}

static int read_switch(struct config_reader *r, const char *text, struct config_place place,
                       bool *ret)
{
    if (config_value_switch(text, ret, r->err))
        return config_reader_refuse(r, place, "%s", r->err->text);
    return 0;
}

static int read_endpoint(struct config_reader *r, const char *text, struct config_place place,
                         struct endpoint *ret)
{
    if (endpoint_parse(text, ret, r->err))
        return config_reader_refuse(r, place, "%s", r->err->text);
    return 0;
}

int config_scalar_read(struct config_reader *r, const struct config_key *key, const char *text,
                       struct config_place place, char *base)
{
    void *field = base + key->offset;
    if (key->place)
        *(struct config_place *)(void *)(base + key->place) = place;

    switch (key->type) {
    case CONFIG_SWITCH:
        return read_switch(r, text, place, field);
    case CONFIG_COUNT:
    case CONFIG_SIZE:
    case CONFIG_TIME:
        return read_number(r, key, text, place, field);
    case CONFIG_CHOICE:
        return read_choice(r, key, text, place, field);
    case CONFIG_TEXT:
    case CONFIG_PATH:
        return config_scalar_text(r, key, text, place, field);
    case CONFIG_ENDPOINT:
        return read_endpoint(r, text, place, field);
    case CONFIG_TEXTS:
    case CONFIG_CIDRS:
    case CONFIG_SECTION:
    case CONFIG_LIST:
    case CONFIG_PROFILES:
        break;
    }
    assert(!"a single value");
    return -1;
}
