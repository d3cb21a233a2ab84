/* SPDX-License-Identifier: MIT */
/* The user whom the server runs as: found by name, and become for good. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "privilege_internal.h"
#include "tlsecho/text.h"

struct account {
    uid_t uid;
    gid_t gid;
};

static int unknown(const struct config *config, const char *key, const struct config_text *name,
                   struct error *err)
{
    char brief[TEXT_BRIEF_BYTES];
    text_brief(name->value, brief);
    return config_refuse(config, name->place, err,
                         "security.%s: this system has no %s \"%s\": create it, or write another",
                         key, key, brief);
}

static int find(const struct config *config, struct account *ret, struct error *err)
{
    const struct config_text *user = &config->security.user, *group = &config->security.group;
    const struct passwd *passwd = getpwnam(user->value);
    if (!passwd)
        return unknown(config, "user", user, err);
    struct account account = {.uid = passwd->pw_uid, .gid = passwd->pw_gid};
    if (group->value[0] != '\0') {
        const struct group *found = getgrnam(group->value);
        if (!found)
            return unknown(config, "group", group, err);
        account.gid = found->gr_gid;
    }
    *ret = account;
    return 0;
}

int privilege_check(const struct config *config, struct error *err)
{
    struct account account;
    return config->security.user.value[0] ? find(config, &account, err) : 0;
}

int privilege_give(const struct config *config, const char *path, struct error *err)
{
    struct account account;
    if (config->security.user.value[0] == '\0')
        return 0;
    if (find(config, &account, err) < 0)
        return -1;
    if (lchown(path, account.uid, account.gid) < 0)
        return error_sys(err, "give %s to %s", path, config->security.user.value);
    return 0;
}

void privilege_give_socket(const struct config *config, int fd)
{
    struct account account;
    struct error ignored;
    if (config->security.user.value[0] != '\0' && find(config, &account, &ignored) == 0 &&
        fchown(fd, account.uid, account.gid) < 0)
        return; /* it stays root's: a reload then binds nothing beside it */
}

/* Fills err with ERROR_SYSTEM and the place of the key. */
static enum privilege_result refuse(const struct config *config, const char *why, struct error *err)
{
    config_refuse(config, config->security.user.place, err, "security.user: %s", why);
    err->kind = ERROR_SYSTEM;
    return PRIVILEGE_FAILED;
}

/* setresuid(2) as root also empties the permitted, effective and ambient capability sets. */
static int become(const char *name, const struct account *account, struct error *err)
{
    if (initgroups(name, account->gid) < 0)
        return error_sys(err, "take the groups of %s", name);
    if (setresgid(account->gid, account->gid, account->gid) < 0)
        return error_sys(err, "become the group %u", account->gid);
    if (setresuid(account->uid, account->uid, account->uid) < 0)
        return error_sys(err, "become the user %u", account->uid);
    return 0;
}

/* Whoever could come back has given nothing up. */
static bool can_come_back(const struct account *account)
{
    uid_t real, effective, saved;
    bool is = getresuid(&real, &effective, &saved) == 0 && real == account->uid &&
              effective == account->uid && saved == account->uid;
    return !is || (account->uid != 0 && (setuid(0) == 0 || seteuid(0) == 0));
}

enum privilege_result privilege_change_user(struct privilege_step *step, struct error *err)
{
    const char *name = step->config->security.user.value;
    struct account account = {.uid = geteuid(), .gid = getegid()};
    if (*name && find(step->config, &account, err) < 0)
        return PRIVILEGE_FAILED;
    snprintf(step->detail, sizeof step->detail, "uid %u, gid %u", account.uid, account.gid);
    if (!*name && geteuid() == 0)
        step->warning = "the server runs as root: name another user as security.user";
    if (!*name || (geteuid() != 0 && account.uid == geteuid() && account.gid == getegid()))
        return PRIVILEGE_KEPT;
    if (geteuid() != 0)
        return refuse(step->config,
                      "only root can become another user: start as root, or remove it", err);
    if (become(name, &account, err) < 0) {
        struct error cause = *err;
        return refuse(step->config, cause.text, err);
    }
    if (can_come_back(&account))
        return refuse(step->config, "root could be had back, this system does not drop it", err);
    return privilege_forbid_dumps(err) < 0 ? PRIVILEGE_FAILED : PRIVILEGE_DONE;
}
