/* SPDX-License-Identifier: MIT */
/*
 * Landlock by system call, as of its ABI 6: the kernel's own header may be older than the kernel,
 * and the C library has no functions for it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "privilege_internal.h"
#include "tlsecho/base/log.h"

enum { CREATE_RULESET = 444, ADD_RULE = 445, RESTRICT_SELF = 446 }; /* on every architecture */
enum { ASK_VERSION = 1, RULE_PATH = 1, RULE_PORT = 2, DOMAIN_PORT = 53 };

/* linux/landlock.h, access rights to files. */
enum {
    EXECUTE = 1 << 0,
    WRITE_FILE = 1 << 1,
    READ_FILE = 1 << 2,
    READ_DIR = 1 << 3,
    REMOVE_DIR = 1 << 4,
    REMOVE_FILE = 1 << 5,
    MAKE_REG = 1 << 8,
    MAKE_SOCK = 1 << 9,
    ALL_FILES = (1 << 13) - 1, /* of ABI 1 */
    REFER = 1 << 13,           /* 2 */
    TRUNCATE = 1 << 14,        /* 3 */
    IOCTL_DEV = 1 << 15,       /* 5 */
    OF_A_FILE = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV,
};

enum { CONNECT_TCP = 1 << 1 };                                    /* ABI 4 */
enum { SCOPE_ABSTRACT_SOCKETS = 1 << 0, SCOPE_SIGNALS = 1 << 1 }; /* ABI 6 */

struct ruleset {
    uint64_t files, net, scoped;
};

struct path_rule {
    uint64_t allowed;
    int32_t folder_fd;
} __attribute__((packed));

struct port_rule {
    uint64_t allowed, port;
};

static struct ruleset ruleset_of(long abi)
{
    return (struct ruleset){
        .files = (uint64_t)ALL_FILES | (abi >= 2 ? REFER : 0) | (abi >= 3 ? TRUNCATE : 0) |
                 (abi >= 5 ? IOCTL_DEV : 0),
        .net = abi >= 4 ? CONNECT_TCP : 0,
        .scoped = abi >= 6 ? SCOPE_ABSTRACT_SOCKETS | SCOPE_SIGNALS : 0,
    };
}

static uint64_t rights_of(unsigned rights)
{
    uint64_t all = 0;
    if (rights & PRIVILEGE_READ)
        all |= READ_FILE;
    if (rights & PRIVILEGE_APPEND)
        all |= WRITE_FILE | MAKE_REG;
    if (rights & PRIVILEGE_KEEP)
        all |= READ_FILE | WRITE_FILE | MAKE_REG | REMOVE_FILE | TRUNCATE;
    if (rights & PRIVILEGE_SOCKETS)
        all |= MAKE_SOCK | REMOVE_FILE;
    return all;
}

/* A place that does not exist or cannot be opened needs no rule. Sets errno. */
static int allow(int ruleset_fd, const struct ruleset *ruleset, const struct privilege_place *place)
{
    struct stat status;
    int fd = open(place->path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return errno == EMFILE || errno == ENFILE || errno == ENOMEM ? -1 : 0;
    struct path_rule rule = {.allowed = rights_of(place->rights) & ruleset->files, .folder_fd = fd};
    if (fstat(fd, &status) == 0 && !S_ISDIR(status.st_mode))
        rule.allowed &= OF_A_FILE;
    long result = syscall(ADD_RULE, ruleset_fd, RULE_PATH, &rule, 0);
    close(fd);
    return (int)result;
}

/* The resolver repeats a query over TCP if the answer does not fit into a datagram. */
static int allow_name_servers(int ruleset_fd, const struct ruleset *ruleset)
{
    struct port_rule rule = {.allowed = ruleset->net, .port = DOMAIN_PORT};
    return ruleset->net ? (int)syscall(ADD_RULE, ruleset_fd, RULE_PORT, &rule, 0) : 0;
}

static int restrict_to(const struct privilege_places *places, long abi)
{
    struct ruleset ruleset = ruleset_of(abi);
    int fd = (int)syscall(CREATE_RULESET, &ruleset, sizeof ruleset, 0);
    if (fd < 0)
        return -1;
    long result = allow_name_servers(fd, &ruleset);
    for (size_t i = 0; i < places->count && result == 0; i++)
        result = allow(fd, &ruleset, &places->values[i]);
    if (result == 0)
        result = syscall(RESTRICT_SELF, fd, 0);
    int code = errno;
    close(fd);
    errno = code;
    return (int)result;
}

enum privilege_result privilege_landlock(const struct privilege_places *places, char detail[256],
                                         struct error *err)
{
    long abi = syscall(CREATE_RULESET, NULL, 0, ASK_VERSION);
    if (abi < 0) {
        error_sys(err, "Landlock is not supported by the kernel, or not allowed");
        return PRIVILEGE_MISSING;
    }
    if (restrict_to(places, abi) < 0) {
        error_sys(err, "restrict the files with Landlock");
        return privilege_result_of(err);
    }
    snprintf(detail, 256, "ABI %ld, %zu places", abi, places->count);
    return PRIVILEGE_DONE;
}

/* A warning for a file in the root folder, which renewal replaces by renaming; folders are seldom
 * replaced. */
static void warn_of_fixed(const struct privilege_place *place)
{
    struct stat status;
    struct log_line line;
    bool file = lstat(place->path, &status) == 0 && !S_ISDIR(status.st_mode);
    enum log_level level = file ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO;
    if (!log_begin(&line, level, "not_replaceable"))
        return;
    log_text(&line, "path", place->path);
    log_text(
        &line, "reason",
        file ? "the sandbox cannot reload a file in the root folder once another file is renamed "
               "over it: move it into a folder, or set security.sandbox: off"
             : "the sandbox cannot reload files in this folder once the folder itself is "
               "replaced or remounted: replace only the files in it, move it into a folder of "
               "its own, or set security.sandbox: off");
    log_end(&line);
}

enum privilege_result privilege_restrict_files(struct privilege_step *step, struct error *err)
{
    struct privilege_places places;
    if (privilege_find_places(step->config, step->state_directory, &places, err) < 0)
        return PRIVILEGE_FAILED;
    enum privilege_result result = privilege_landlock(&places, step->detail, err);
    for (size_t i = 0; i < places.count && result == PRIVILEGE_DONE; i++)
        if (places.values[i].fixed)
            warn_of_fixed(&places.values[i]);
    privilege_free_places(&places);
    return result;
}
