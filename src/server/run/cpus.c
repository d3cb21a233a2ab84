/* SPDX-License-Identifier: MIT */
#include "cpus.h"

#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES = 2 * PATH_MAX };

/* A control group hierarchy with the cpu controller: its mount, and the process's group. */
struct hierarchy {
    bool unified;         /* version 2 */
    char root[PATH_MAX];  /* of the mount, in the hierarchy: "/", or a container's own group */
    char mount[PATH_MAX]; /* "" = not mounted */
    char group[PATH_MAX]; /* of this process, "" = unknown */
};

/* Whether a comma-separated list contains the word. */
static bool has_word(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = list; *at; at += strcspn(at, ","), at += *at == ',')
        if (strcspn(at, ",\n") == n && strncmp(at, word, n) == 0)
            return true;
    return false;
}

static FILE *open_file(const char *root, const char *folder, const char *name)
{
    char path[2 * LINE_BYTES];
    int n = snprintf(path, sizeof path, "%s%s/%s", root, folder, name);
    return n < (int)sizeof path ? fopen(path, "re") : NULL;
}

/* proc_pid_mountinfo(5): "36 35 98:0 /root /mount options ... - type source super-options" */
static void read_mount(char *line, struct hierarchy *h)
{
    char root[PATH_MAX], mount[PATH_MAX], type[32], options[LINE_BYTES];
    char *behind = strstr(line, " - ");
    if (!behind || sscanf(line, "%*d %*d %*s %4095s %4095s", root, mount) != 2 ||
        sscanf(behind, " - %31s %*s %8191s", type, options) != 2)
        return;
    bool is_it = h->unified ? strcmp(type, "cgroup2") == 0
                            : strcmp(type, "cgroup") == 0 && has_word(options, "cpu");
    if (!is_it)
        return;
    strcpy(h->root, root);
    strcpy(h->mount, mount);
}

/* cgroups(7): "0::/group" in version 2, "4:cpu,cpuacct:/group" in version 1 */
static void read_group(char *line, struct hierarchy *h)
{
    char *controllers = strchr(line, ':');
    char *group = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!group)
        return;
    *group++ = '\0';
    group[strcspn(group, "\n")] = '\0';
    controllers++;
    bool is_it = h->unified ? *controllers == '\0' : has_word(controllers, "cpu");
    if (is_it && strlen(group) < sizeof h->group)
        strcpy(h->group, group);
}

static void each_line(const char *root, const char *name,
                      void (*read_line)(char *line, struct hierarchy *h), struct hierarchy *h)
{
    char line[LINE_BYTES];
    FILE *file = open_file(root, "/proc/self", name);
    while (file && fgets(line, sizeof line, file))
        read_line(line, h);
    if (file)
        fclose(file);
}

/* The first line of a file of the group, "" if there is none. */
static void read_line(const char *root, const char *folder, const char *name, char ret[LINE_BYTES])
{
    FILE *file = open_file(root, folder, name);
    if (!file || !fgets(ret, LINE_BYTES, file))
        ret[0] = '\0';
    if (file)
        fclose(file);
}

/* The quota of one group, in processors, rounded up; 0 = none, as for "max" and -1. */
static unsigned quota_of(const char *root, const char *folder, bool unified)
{
    char line[LINE_BYTES], *rest;
    read_line(root, folder, unified ? "cpu.max" : "cpu.cfs_quota_us", line);
    long long quota = strtoll(line, &rest, 10);
    if (!unified) {
        read_line(root, folder, "cpu.cfs_period_us", line);
        rest = line;
    }
    long long period = strtoll(rest, NULL, 10);
    if (quota <= 0 || period <= 0)
        return 0;
    long long cpus = quota / period + (quota % period > 0);
    return cpus < INT_MAX ? (unsigned)cpus : 0;
}

static unsigned smaller(unsigned a, unsigned b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

/* The smallest quota from the process's group up to the mount. In a container the mount may show
 * only its own group. */
static unsigned quota_in(const char *root, struct hierarchy *h)
{
    char folder[2 * PATH_MAX];
    each_line(root, "mountinfo", read_mount, h);
    each_line(root, "cgroup", read_group, h);
    if (!*h->mount)
        return 0;
    size_t above = strcmp(h->root, "/") == 0 ? 0 : strlen(h->root);
    const char *group = strncmp(h->group, h->root, above) == 0 ? h->group + above : h->group;
    snprintf(folder, sizeof folder, "%s%s", h->mount, strcmp(group, "/") == 0 ? "" : group);
    unsigned min = 0;
    for (;;) {
        min = smaller(min, quota_of(root, folder, h->unified));
        if (strlen(folder) <= strlen(h->mount))
            return min;
        *strrchr(folder, '/') = '\0';
    }
}

unsigned cpus_quota(const char *root)
{
    struct hierarchy unified = {.unified = true}, separate = {.unified = false};
    return smaller(quota_in(root, &unified), quota_in(root, &separate));
}

unsigned cpus_usable(void)
{
    cpu_set_t set;
    unsigned usable = sched_getaffinity(0, sizeof set, &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
    unsigned min = smaller(cpus_quota(""), usable);
    return min > 0 ? min : 1;
}
