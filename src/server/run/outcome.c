/* SPDX-License-Identifier: MIT */
#include "outcome.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tlsecho/base/log.h"

enum { ROOM = PATH_MAX + sizeof "/reload.new" };

static void path_of(const struct outcome *outcome, const char *name, char ret[ROOM])
{
    snprintf(ret, ROOM, "%s/%s", outcome->folder, name);
}

/* Sets errno. */
static int write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0)
        return -1;
    size_t length = strlen(text);
    /* Whatever the umask is: systemctl reload may read it as another user. */
    ssize_t written = fchmod(fd, 0644) == 0 ? write(fd, text, length) : -1;
    int code = written < 0 ? errno : ENOSPC;
    close(fd);
    errno = code;
    return written == (ssize_t)length ? 0 : -1;
}

static void put(const struct outcome *outcome, const char *word, const char *why)
{
    if (outcome->folder[0] == '\0')
        return;
    char path[ROOM], draft[ROOM], text[ERROR_TEXT_BYTES + 64];
    path_of(outcome, "reload", path);
    path_of(outcome, "reload.new", draft);
    snprintf(text, sizeof text, "%" PRIu64 " %s%s%s\n", outcome->number, word, *why ? " " : "",
             why);
    if (write_file(draft, text) == 0 && rename(draft, path) == 0)
        return;
    struct error err;
    error_sys(&err, "write %s", path);
    log_reason(LOG_LEVEL_WARNING, "outcome_unwritten", err.text);
}

void outcome_open(struct outcome *ret)
{
    const char *all = getenv("RUNTIME_DIRECTORY");
    int length = all ? (int)strcspn(all, ":") : 0; /* the first of several */
    *ret = (struct outcome){.number = 0};
    if (length < PATH_MAX)
        snprintf(ret->folder, sizeof ret->folder, "%.*s", length, length ? all : "");
    put(ret, "reloaded", "");
}

void outcome_begin(struct outcome *outcome)
{
    outcome->number++;
    put(outcome, "reading", "");
}

void outcome_reloaded(const struct outcome *outcome)
{
    put(outcome, "reloaded", "");
}

void outcome_refused(const struct outcome *outcome, const char *why)
{
    put(outcome, "refused", why);
}

void outcome_close(const struct outcome *outcome)
{
    char path[ROOM];
    if (outcome->folder[0] == '\0')
        return;
    path_of(outcome, "reload", path);
    unlink(path);
}
