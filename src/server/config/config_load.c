/* SPDX-License-Identifier: MIT */
#include "tlsecho/server/config_load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config_check.h"
#include "config_complete.h"
#include "config_read.h"
#include "config_yaml.h"

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

/* 1, 0, or -1 with errno. */
static int is_regular(int fd)
{
    struct stat file;
    return fstat(fd, &file) < 0 ? -1 : S_ISREG(file.st_mode);
}

static int load(int fd, const char *path, struct config **ret, struct error *err)
{
    enum { ROOM = CONFIG_YAML_BYTES + 1 }; /* one more byte shows that a file is too large */
    char *text = malloc(ROOM);
    ssize_t size = text ? read_fully(fd, text, ROOM) : -1;
    int result =
        size < 0 ? unreadable("read", path, err) : parse_file(path, text, (size_t)size, ret, err);
    if (result == 0)
        (*ret)->read_once = is_regular(fd) == 0;
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
    int regular = is_regular(fd), result;
    if (regular < 0)
        result = unreadable("read", config->file, err);
    else if (!regular)
        result = error_set(err, ERROR_INPUT, "%s is not a regular file: replace it with one",
                           config->file);
    else
        result = load(fd, config->file, ret, err);
    close(fd);
    return result;
}
