/* SPDX-License-Identifier: MIT */
#include "reload_status.h"

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

static void path_of(const struct reload_status *status, const char *name, char ret[ROOM])
{
    snprintf(ret, ROOM, "%s/%s", status->folder, name);
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

static void put(const struct reload_status *status, const char *word, const char *why)
{
    if (status->folder[0] == '\0')
        return;
    char path[ROOM], draft[ROOM], text[ERROR_TEXT_BYTES + 64];
    path_of(status, "reload", path);
    path_of(status, "reload.new", draft);
    snprintf(text, sizeof text, "%" PRIu64 " %s%s%s\n", status->number, word, *why ? " " : "", why);
    if (write_file(draft, text) == 0 && rename(draft, path) == 0)
        return;
    struct error err;
    error_sys(&err, "write %s", path);
    log_reason(LOG_LEVEL_WARNING, "reload_status_not_written", err.text);
}

void reload_status_open(struct reload_status *ret)
{
    const char *all = getenv("RUNTIME_DIRECTORY");
    int length = all ? (int)strcspn(all, ":") : 0; /* the first of several */
    *ret = (struct reload_status){.number = 0};
    if (length < PATH_MAX)
        snprintf(ret->folder, sizeof ret->folder, "%.*s", length, length ? all : "");
    put(ret, "reloaded", "");
}

void reload_status_begin(struct reload_status *status)
{
    status->number++;
    put(status, "reading", "");
}

void reload_status_reloaded(const struct reload_status *status)
{
    put(status, "reloaded", "");
}

void reload_status_refused(const struct reload_status *status, const char *why)
{
    put(status, "refused", why);
}

void reload_status_close(const struct reload_status *status)
{
    char path[ROOM];
    if (status->folder[0] == '\0')
        return;
    path_of(status, "reload", path);
    unlink(path);
}
