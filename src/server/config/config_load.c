/* SPDX-License-Identifier: MIT */
#include "tlsecho/server/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config_reader.h"
#include "config_walk.h"

int config_refuse(const struct config *config, struct config_place place, struct error *err,
                  const char *format, ...)
{
    char message[ERROR_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);

    const char *file = config->file ? config->file : "built-in default";
    if (place.line == 0)
        return error_set(err, ERROR_INPUT, "%s: %s", file, message);
    return error_set(err, ERROR_INPUT, "%s:%d:%d: %s", file, place.line, place.column, message);
}

/* name NULL = the built-in default. */
static int build(const char *name, const struct config_node *root, struct config **ret,
                 struct error *err)
{
    struct config *config = calloc(1, sizeof *config);
    if (!config)
        return error_sys(err, "read the configuration");
    atomic_init(&config->references, 1);
    if (name && !(config->file = strdup(name))) {
        error_sys(err, "read %s", name);
        goto fail;
    }
    if (config_read(config, root, err) || config_complete(config, err) || config_check(config, err))
        goto fail;
    *ret = config;
    return 0;
fail:
    config_free(config);
    return -1;
}

int config_parse(const char *name, const char *text, size_t size, struct config **ret,
                 struct error *err)
{
    struct config_node *root;
    if (config_yaml_parse(name, text, size, &root, err))
        return -1;
    int result = build(name, root, ret, err);
    config_yaml_free(root);
    return result;
}

int config_default(struct config **ret, struct error *err)
{
    static const struct config_node empty;
    return build(NULL, &empty, ret, err);
}

/* Reads at most size bytes; -1 with errno. */
static ssize_t read_fully(int fd, char *data, size_t size)
{
    size_t used = 0;
    while (used < size) {
        ssize_t n = read(fd, data + used, size - used);
        if (n < 0 && errno != EINTR)
            return -1;
        if (n == 0)
            break;
        used += n > 0 ? (size_t)n : 0;
    }
    return (ssize_t)used;
}

/* A configuration that cannot be read is an error of input, like an invalid one. */
static int unreadable(const char *what, const char *path, struct error *err)
{
    bool standard_input = strcmp(path, CONFIG_STANDARD_INPUT) == 0;
    error_sys(err, "%s %s", what, standard_input ? "standard input (-c -)" : path);
    err->kind = ERROR_INPUT;
    return error_advise(err, standard_input ? "redirect a file or a pipe to it"
                                            : "name a file that this user can read with -c");
}

/* An empty file is an accident of an editor, a template or a full disk, not a request for the
 * defaults. */
static int parse_file(const char *path, const char *text, size_t size, struct config **ret,
                      struct error *err)
{
    struct config_node *root;
    if (config_yaml_parse(path, text, size, &root, err))
        return -1;
    int result = root->kind == CONFIG_NODE_EMPTY
                     ? error_set(err, ERROR_INPUT,
                                 "%s: the file is empty: write \"listeners:\" or another key", path)
                     : build(path, root, ret, err);
    config_yaml_free(root);
    return result;
}

static bool is_regular(int fd)
{
    struct stat file;
    return fstat(fd, &file) == 0 && S_ISREG(file.st_mode);
}

static int load(int fd, const char *path, struct config **ret, struct error *err)
{
    enum { ROOM = CONFIG_YAML_BYTES + 1 }; /* one more byte shows that a file is too large */
    char *text = malloc(ROOM);
    ssize_t size = text ? read_fully(fd, text, ROOM) : -1;
    int result =
        size < 0 ? unreadable("read", path, err) : parse_file(path, text, (size_t)size, ret, err);
    if (result == 0)
        (*ret)->read_once = !is_regular(fd);
    free(text);
    return result;
}

static int load_standard_input(struct config **ret, struct error *err)
{
    int result = load(STDIN_FILENO, CONFIG_STANDARD_INPUT, ret, err);
    if (result == 0)
        (*ret)->read_once = true;
    return result;
}

int config_load(const char *path, struct config **ret, struct error *err)
{
    if (strcmp(path, CONFIG_STANDARD_INPUT) == 0)
        return load_standard_input(ret, err);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return unreadable("open", path, err);
    int result = load(fd, path, ret, err);
    close(fd);
    return result;
}

int config_load_again(const struct config *config, struct config **ret, struct error *err)
{
    if (!config->file)
        return config_default(ret, err);
    if (config->read_once)
        return error_set(
            err, ERROR_INPUT,
            "%s was %s, which cannot be read again: restart the server, or name a file with -c",
            config->file,
            strcmp(config->file, CONFIG_STANDARD_INPUT) == 0 ? "standard input" : "a pipe");
    int fd = open(config->file, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* do not wait for a FIFO */
    if (fd < 0)
        return unreadable("open", config->file, err);
    int result = is_regular(fd)
                     ? load(fd, config->file, ret, err)
                     : error_set(err, ERROR_INPUT, "%s is not a regular file: replace it with one",
                                 config->file);
    close(fd);
    return result;
}

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

struct config *config_ref(struct config *config)
{
    atomic_fetch_add(&config->references, 1);
    return config;
}

void config_free(struct config *config)
{
    if (!config || atomic_fetch_sub(&config->references, 1) > 1)
        return;
    free_values(config);
    free(config->file);
    free(config);
}

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
