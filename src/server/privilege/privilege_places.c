/* SPDX-License-Identifier: MIT */
/* Finds the places of the files that a reload needs. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "privilege_internal.h"

enum { LINKS_MAX = 40 }; /* path_resolution(7) */

/* What the C library needs to look up names and users: its files and modules, nsswitch.conf(5). */
static const char *const system_folders[] = {"/etc", "/lib", "/lib64", "/usr"};
static const char resolver_file[] = "/etc/resolv.conf"; /* often a link into /run */

struct search {
    struct privilege_places places;
    bool failed; /* out of memory */
};

static void add(struct search *s, const char *path, unsigned rights)
{
    struct privilege_places *places = &s->places;
    for (size_t i = 0; i < places->count; i++)
        if (strcmp(places->values[i].path, path) == 0) {
            places->values[i].rights |= rights;
            return;
        }
    struct privilege_place *values =
        reallocarray(places->values, places->count + 1, sizeof values[0]);
    char *copy = strdup(path);
    if (values)
        places->values = values;
    if (!values || !copy) {
        free(copy);
        s->failed = true;
        return;
    }
    values[places->count++] = (struct privilege_place){.path = copy, .rights = rights};
}

static bool is_beneath(const char *path, const char *folder)
{
    size_t length = strlen(folder);
    return strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

/* Whether one of the first count places already allows reading the path. */
static bool can_read(const struct search *s, size_t count, const char *path)
{
    for (size_t i = 0; i < count; i++)
        if ((s->places.values[i].rights & (PRIVILEGE_READ | PRIVILEGE_KEEP)) &&
            is_beneath(path, s->places.values[i].path))
            return true;
    return false;
}

/* Whether a rule for the folder would allow no more than those of the first count places:
 * everything in it, except symbolic links, can be read already. */
static bool adds_nothing(const struct search *s, size_t count, const char *folder)
{
    DIR *dir = opendir(folder);
    bool nothing = dir != NULL;
    for (const struct dirent *entry; nothing && (entry = readdir(dir));) {
        char path[PATH_MAX];
        bool itself = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
        if (itself || entry->d_type == DT_LNK)
            continue;
        int n = snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        nothing = n < (int)sizeof path && can_read(s, count, path);
    }
    if (dir)
        closedir(dir);
    return nothing;
}

/*
 * A rule applies to a folder itself, not to its name (landlock(7)): it does not cover a folder that
 * replaces it, or a file system mounted over it. A rule for the parent does, and is safe if the
 * parent holds nothing else. The other folders are logged at the start.
 */
static void add_folders_above(struct search *s, size_t first)
{
    size_t count = s->places.count;
    for (size_t i = first; i < count; i++) {
        char above[PATH_MAX];
        const char *path = s->places.values[i].path, *slash = strrchr(path, '/');
        if (!(s->places.values[i].rights & PRIVILEGE_READ) || !slash)
            continue;
        snprintf(above, sizeof above, "%.*s", (int)(slash - path), path);
        if (above[0] != '\0' && can_read(s, count, above))
            continue;
        if (above[0] != '\0' && adds_nothing(s, count, above))
            add(s, above, PRIVILEGE_READ);
        else
            s->places.values[i].fixed = true;
    }
}

/* Whether a link may be swapped for another one, as Kubernetes does: its target is in the same
 * folder or beneath it. */
static bool is_swapped(const char *folder, const char *target)
{
    size_t length = strlen(folder);
    if (length == 0) /* the root folder would allow everything */
        return false;
    if (target[0] != '/')
        return strcmp(target, "..") != 0 && strncmp(target, "../", 3) != 0;
    return strncmp(target, folder, length) == 0 && target[length] == '/';
}

/* A path that is being resolved, link by link. */
struct path_walk {
    char at[PATH_MAX];       /* resolved so far, without links and a final slash */
    char rest[2 * PATH_MAX]; /* the rest */
    int links;
};

static void go_up(struct path_walk *w)
{
    char *slash = strrchr(w->at, '/');
    if (slash)
        *slash = '\0';
}

/* Continues at the target of a link. False if there are too many links, or the path is too long. */
static bool follow(struct path_walk *w, const char *target, const char *rest)
{
    char next[sizeof w->rest];
    int n = snprintf(next, sizeof next, "%s/%s", target, rest);
    if (++w->links > LINKS_MAX || n >= (int)sizeof next)
        return false;
    if (target[0] == '/')
        w->at[0] = '\0';
    memcpy(w->rest, next, (size_t)n + 1);
    return true;
}

/* Resolves one component; false at the end of the path. */
static bool step(struct search *s, struct path_walk *w)
{
    const char *name = w->rest + strspn(w->rest, "/");
    size_t length = strcspn(name, "/");
    const char *rest = name + length + strspn(name + length, "/");
    if (length == 0)
        return false;
    bool up = length == 2 && memcmp(name, "..", 2) == 0;
    if (up)
        go_up(w);
    char next[PATH_MAX], target[PATH_MAX];
    int n = snprintf(next, sizeof next, "%s/%.*s", w->at, (int)length, name);
    if (n >= (int)sizeof next)
        return false;
    bool stays = up || (length == 1 && name[0] == '.');
    ssize_t link = stays ? -1 : readlink(next, target, sizeof target - 1);
    if (!stays && *rest == '\0') /* not the whole root folder */
        add(s, w->at[0] ? w->at : next, PRIVILEGE_READ);
    if (link >= 0) {
        target[link] = '\0';
        if (is_swapped(w->at, target))
            add(s, w->at, PRIVILEGE_READ);
        return follow(w, target, rest);
    }
    if (!stays)
        memcpy(w->at, next, (size_t)n + 1);
    memmove(w->rest, rest, strlen(rest) + 1);
    return true;
}

static void add_file(const char *path, void *search)
{
    struct search *s = search;
    struct path_walk w = {.links = 0};
    char here[PATH_MAX] = "";
    if (path[0] != '/' && !getcwd(here, sizeof here))
        return;
    snprintf(w.rest, sizeof w.rest, "%s/%s", here, path);
    while (step(s, &w))
        ;
}

/* The folder of a file that the server creates. */
static void add_folder_of(struct search *s, const char *path, unsigned rights)
{
    const char *slash = strrchr(path, '/');
    char folder[PATH_MAX];
    if (!slash || snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path) >= PATH_MAX)
        return;
    if (folder[0] != '\0') /* nothing is created in the root folder */
        add(s, folder, rights);
}

static void add_folder_of_socket(struct search *s, const struct endpoint *endpoint)
{
    if (endpoint->scheme == ENDPOINT_UNIX)
        add_folder_of(s, endpoint->path, PRIVILEGE_SOCKETS);
}

/* Folders of Unix sockets: those of the configuration, and RUNTIME_DIRECTORY, systemd.exec(5),
 * where a reload may add sockets and its outcome is written. */
static void add_sockets(struct search *s, const struct config *config)
{
    for (size_t i = 0; i < config->listener_count; i++)
        add_folder_of_socket(s, &config->listeners[i].listen);
    if (config->admin.listen.value[0] != '\0')
        add_folder_of_socket(s, &config->admin.endpoint);

    const char *all = getenv("RUNTIME_DIRECTORY");
    char first[PATH_MAX];
    int length = all ? (int)strcspn(all, ":") : 0;
    if (length > 0 && snprintf(first, sizeof first, "%.*s", length, all) < PATH_MAX)
        add(s, first, PRIVILEGE_SOCKETS | PRIVILEGE_KEEP);
}

int privilege_find_places(const struct config *config, const char *state_directory,
                          struct privilege_places *ret, struct error *err)
{
    struct search s = {.failed = false};
    for (size_t i = 0; i < sizeof system_folders / sizeof system_folders[0]; i++)
        add(&s, system_folders[i], PRIVILEGE_READ);
    add_file(resolver_file, &s);
    size_t first = s.places.count;
    if (config->file && !config->read_once)
        add_file(config->file, &s);
    config_each_path(config, add_file, &s);
    add_folders_above(&s, first);
    for (size_t i = 0; i < config->profile_count; i++)
        add_folder_of(&s, config->profiles[i].keylog.value, PRIVILEGE_APPEND);
    add_sockets(&s, config);
    if (state_directory)
        add(&s, state_directory, PRIVILEGE_KEEP);
    if (s.failed) {
        privilege_free_places(&s.places);
        errno = ENOMEM;
        return error_sys(err, "find the files that a reload needs");
    }
    *ret = s.places;
    return 0;
}

void privilege_free_places(struct privilege_places *places)
{
    for (size_t i = 0; i < places->count; i++)
        free(places->values[i].path);
    free(places->values);
    *places = (struct privilege_places){.count = 0};
}
