/* SPDX-License-Identifier: MIT */
/* The order of the steps, and what becomes of each one. */
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
    bool sandbox; /* security.sandbox says whether it is taken, and whether it must succeed */
    bool needed;  /* to open files and ports: what it gives up, a restart has again */
};

static enum privilege_result forbid_new_privileges(struct privilege_step *step, struct error *err)
{
    (void)step;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
        return PRIVILEGE_DONE;
    error_sys(err, "forbid new privileges");
    return PRIVILEGE_FAILED;
}

/* Groups and users take capabilities; Landlock and seccomp take no_new_privs; and seccomp comes
 * last, since what the others call is not in its list. */
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

/* What is missing is missing for all who ask for it, and for those who must have it an error. */
static int judge(const struct step *step, enum privilege_result result,
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
                  "security.sandbox: the step %s is not possible: %s: write auto or off, or change "
                  "that",
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
              "this build is for tests: its sanitizer or its coverage needs more than that");
    return PRIVILEGE_MISSING;
}

/* The list is too long for the usual log, and who has to know it finds it at this level. */
static void log_calls(void)
{
    char text[PRIVILEGE_CALLS_BYTES];
    if (privilege_list_calls(text, sizeof text) > 0)
        log_reason(LOG_LEVEL_DEBUG, "system_calls", text);
}

int privilege_drop(const struct config *config, const char *state_directory, bool *ret,
                   struct error *err)
{
    bool given_up = false;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct privilege_step taken = {.config = config, .state_directory = state_directory};
        if (steps[i].sandbox && config->security.sandbox == CONFIG_SANDBOX_OFF) {
            log_step(steps[i].name, LOG_LEVEL_INFO, "off", "", NULL);
            continue;
        }
        enum privilege_result result = take(&steps[i], &taken, err);
        if (judge(&steps[i], result, &taken, err) < 0)
            return -1;
        if (result == PRIVILEGE_DONE && steps[i].take == privilege_restrict_calls)
            log_calls();
        given_up = given_up || (steps[i].needed && result == PRIVILEGE_DONE);
    }
    *ret = given_up;
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
                 " (the server has become uid %u, gid %u, without capabilities, and must reach it "
                 "now and at each reload: let them, as by chgrp and chmod g+r of it and chmod g+x "
                 "of its folders)",
                 geteuid(), getegid());
    else
        snprintf(end, room, " (privileges were given up after the start: restart the server)");
    return -1;
}
