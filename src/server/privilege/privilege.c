/* SPDX-License-Identifier: MIT */
/* The order of the steps, and the result of each. */
#include "tlsecho/server/privilege.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "privilege_internal.h"
#include "tlsecho/base/log.h"

struct step {
    const char *name;
    enum privilege_result (*take)(struct privilege_step *step, struct error *err);
    bool sandbox; /* security.sandbox decides whether it is taken, and whether it must succeed */
    bool needed;  /* drops what opening files and ports may need; a restart restores it */
};

static enum privilege_result forbid_new_privileges(struct privilege_step *step, struct error *err)
{
    (void)step;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
        return PRIVILEGE_DONE;
    error_sys(err, "forbid new privileges");
    return PRIVILEGE_FAILED;
}

/* Changing groups and users needs capabilities; Landlock and seccomp need no_new_privs; seccomp is
 * last, because its list lacks the system calls of the other steps. */
static const struct step steps[] = {
    {.name = "bounding_set", .take = privilege_empty_bounding_set},
    {.name = "user", .take = privilege_change_user, .needed = true},
    {.name = "capabilities", .take = privilege_empty_capabilities, .needed = true},
    {.name = "no_new_privs", .take = forbid_new_privileges},
    {.name = "landlock", .take = privilege_restrict_files, .sandbox = true, .needed = true},
    {.name = "seccomp", .take = privilege_restrict_calls, .sandbox = true, .needed = true},
};

int privilege_forbid_dumps(struct error *err)
{
    if (prctl(PR_SET_DUMPABLE, 0) < 0)
        return error_sys(err, "forbid core dumps");
    return 0;
}

static void log_step(const char *name, enum log_level level, const char *result, const char *detail,
                     const char *reason)
{
    struct log_line line;
    if (!log_begin(&line, level, "privilege"))
        return;
    log_text(&line, "step", name);
    log_text(&line, "result", result);
    if (*detail)
        log_text(&line, "detail", detail);
    if (reason)
        log_text(&line, "reason", reason);
    log_end(&line);
}

/* Logs the result of a step. An unsupported step is an error only if the sandbox must be on. */
static int report(const struct step *step, enum privilege_result result,
                  const struct privilege_step *taken, struct error *err)
{
    const struct config *config = taken->config;
    switch (result) {
    case PRIVILEGE_DONE:
        log_step(step->name, LOG_LEVEL_INFO, "done", taken->detail, NULL);
        return 0;
    case PRIVILEGE_KEPT:
        log_step(step->name, taken->warning ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "unchanged",
                 taken->detail, taken->warning);
        return 0;
    case PRIVILEGE_MISSING:
        if (config->security.sandbox == CONFIG_SANDBOX_ON)
            break;
        log_step(step->name, LOG_LEVEL_WARNING, "missing", taken->detail, err->text);
        return 0;
    case PRIVILEGE_FAILED:
        return -1;
    }
    struct error cause = *err;
    config_refuse(config, config->security.sandbox_place, err,
                  "security.sandbox: step %s failed: %s: fix that, or write auto or off",
                  step->name, cause.text);
    err->kind = ERROR_SYSTEM;
    return -1;
}

static enum privilege_result take(const struct step *step, struct privilege_step *taken,
                                  struct error *err)
{
    if (!step->sandbox || !PRIVILEGE_INSTRUMENTED)
        return step->take(taken, err);
    error_set(err, ERROR_SYSTEM,
              "this is a test build: its sanitizer or coverage runtime needs more access");
    return PRIVILEGE_MISSING;
}

/* At level debug, because the list is long. */
static void log_calls(void)
{
    char text[PRIVILEGE_CALLS_BYTES];
    if (privilege_list_calls(text, sizeof text) > 0)
        log_reason(LOG_LEVEL_DEBUG, "system_calls", text);
}

int privilege_drop(const struct config *config, const char *state_directory, bool *ret,
                   struct error *err)
{
    bool dropped = false;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct privilege_step taken = {.config = config, .state_directory = state_directory};
        if (steps[i].sandbox && config->security.sandbox == CONFIG_SANDBOX_OFF) {
            log_step(steps[i].name, LOG_LEVEL_INFO, "off", "", NULL);
            continue;
        }
        enum privilege_result result = take(&steps[i], &taken, err);
        if (report(&steps[i], result, &taken, err) < 0)
            return -1;
        if (result == PRIVILEGE_DONE && steps[i].take == privilege_restrict_calls)
            log_calls();
        dropped = dropped || (steps[i].needed && result == PRIVILEGE_DONE);
    }
    *ret = dropped;
    return 0;
}

void privilege_features(char ret[PRIVILEGE_FEATURES_BYTES])
{
    const char *seccomp = privilege_seccomp_version();
    snprintf(ret, PRIVILEGE_FEATURES_BYTES, "Landlock: up to ABI 6; libseccomp: %s",
             seccomp ? seccomp : "no");
}

int privilege_explain(bool at_start, struct error *err)
{
    if (err->code != EACCES && err->code != EPERM)
        return -1;
    size_t used = strlen(err->text);
    char *end = err->text + used;
    size_t room = sizeof err->text - used;
    if (at_start)
        snprintf(end, room,
                 " (the server runs as uid %u, gid %u, without capabilities, and needs access "
                 "now and at each reload: grant it, for instance with chgrp, and chmod g+r on the "
                 "file, g+x on its folders, g+w on a folder that it writes to)",
                 geteuid(), getegid());
    else
        snprintf(end, room, " (privileges were dropped after the start: restart the server)");
    return -1;
}
