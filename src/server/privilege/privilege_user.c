/* SPDX-License-Identifier: MIT */
/* Finds the user that the server is to run as, and switches to it permanently. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "privilege_internal.h"
#include "tlsecho/base/text.h"

struct account {
    const char *name; /* of getpwnam(3), valid until the next call; NULL = none */
    uid_t uid;
    gid_t gid;
};

static int unknown(const struct config *config, const char *key, const struct config_text *name,
                   struct error *err)
{
    char brief[TEXT_BRIEF_BYTES];
    text_brief(name->value, brief);
    return config_refuse(
        config, name->place, err,
        "security.%s: this system has no %s \"%s\": create it, or write another one", key, key,
        brief);
}

/* Whether the last look-up has failed, and not found that there is none: getpwnam(3). */
static bool look_up_failed(void)
{
    return errno == EINTR || errno == EIO || errno == EMFILE || errno == ENFILE ||
           errno == ENOMEM || errno == EACCES;
}

/* The greatest number is (uid_t)-1, which chown(2) and setresuid(2) ignore. */
static bool parse_number(const char *text, unsigned *ret)
{
    uint64_t value = 0;
    for (const char *c = text; *c; c++) {
        if (*c < '0' || *c > '9' || value > UINT32_MAX)
            return false;
        value = value * 10 + (unsigned)(*c - '0');
    }
    *ret = (unsigned)value;
    return *text && value < UINT32_MAX;
}

/* A number that is not in passwd(5), as in containers, gets the group of the same number. */
static bool find_user(const char *name, struct account *ret)
{
    unsigned number;
    errno = 0;
    const struct passwd *passwd = getpwnam(name);
    bool is_number = !passwd && !look_up_failed() && parse_number(name, &number);
    if (is_number)
        passwd = getpwuid(number);
    if (passwd)
        *ret =
            (struct account){.name = passwd->pw_name, .uid = passwd->pw_uid, .gid = passwd->pw_gid};
    else if (is_number && !look_up_failed())
        *ret = (struct account){.uid = number, .gid = number};
    else
        return false;
    return true;
}

static bool find_group(const char *name, gid_t *ret)
{
    errno = 0;
    const struct group *group = getgrnam(name);
    if (!group)
        return !look_up_failed() && parse_number(name, ret);
    *ret = group->gr_gid;
    return true;
}

static int not_found(const struct config *config, const char *key, const struct config_text *name,
                     struct error *err)
{
    if (look_up_failed())
        return error_sys(err, "look up the %s that security.%s names", key, key);
    return unknown(config, key, name, err);
}

static int find(const struct config *config, struct account *ret, struct error *err)
{
    const struct config_text *user = &config->security.user, *group = &config->security.group;
    struct account account;
    if (!find_user(user->value, &account))
        return not_found(config, "user", user, err);
    if (group->value[0] != '\0' && !find_group(group->value, &account.gid))
        return not_found(config, "group", group, err);
    *ret = account;
    return 0;
}

int privilege_check(const struct config *config, struct error *err)
{
    struct account account;
    return config->security.user.value[0] ? find(config, &account, err) : 0;
}

int privilege_change_owner(const struct config *config, const char *path, struct error *err)
{
    struct account account;
    if (config->security.user.value[0] == '\0')
        return 0;
    if (find(config, &account, err) < 0)
        return -1;
    if (lchown(path, account.uid, account.gid) < 0)
        return error_sys(err, "change the owner of %s to %s", path, config->security.user.value);
    return 0;
}

void privilege_change_socket_owner(const struct config *config, int fd)
{
    struct account account;
    struct error ignored;
    if (config->security.user.value[0] != '\0' && find(config, &account, &ignored) == 0 &&
        fchown(fd, account.uid, account.gid) < 0)
        return; /* it stays root's, and a reload cannot bind another socket beside it */
}

/* Fills err with ERROR_SYSTEM and the place of the key. */
static enum privilege_result refuse(const struct config *config, const char *why, struct error *err)
{
    config_refuse(config, config->security.user.place, err, "security.user: %s", why);
    err->kind = ERROR_SYSTEM;
    return PRIVILEGE_FAILED;
}

/* setresuid(2) as root also empties the permitted, effective and ambient capability sets. */
static int switch_to(const struct account *account, struct error *err)
{
    bool has_groups = account->name ? initgroups(account->name, account->gid) == 0
                                    : setgroups(1, &account->gid) == 0;
    if (!has_groups)
        return error_sys(err, "set the groups of user %u", account->uid);
    if (setresgid(account->gid, account->gid, account->gid) < 0)
        return error_sys(err, "switch to group %u", account->gid);
    if (setresuid(account->uid, account->uid, account->uid) < 0)
        return error_sys(err, "switch to user %u", account->uid);
    return 0;
}

/* Whether the process could become root again. */
static bool can_regain_root(const struct account *account)
{
    uid_t real, effective, saved;
    bool switched = getresuid(&real, &effective, &saved) == 0 && real == account->uid &&
                    effective == account->uid && saved == account->uid;
    return !switched || (account->uid != 0 && (setuid(0) == 0 || seteuid(0) == 0));
}

enum privilege_result privilege_change_user(struct privilege_step *step, struct error *err)
{
    const char *name = step->config->security.user.value;
    struct account account = {.uid = geteuid(), .gid = getegid()};
    if (*name && find(step->config, &account, err) < 0)
        return PRIVILEGE_FAILED;
    snprintf(step->detail, sizeof step->detail, "uid %u, gid %u", account.uid, account.gid);
    if (!*name && geteuid() == 0)
        step->warning = "the server runs as root: set security.user to another user";
    if (!*name || (geteuid() != 0 && account.uid == geteuid() && account.gid == getegid()))
        return PRIVILEGE_KEPT;
    if (geteuid() != 0)
        return refuse(step->config, "only root can switch users: start as root, or remove this key",
                      err);
    if (switch_to(&account, err) < 0) {
        struct error cause = *err;
        return refuse(step->config, cause.text, err);
    }
    if (can_regain_root(&account))
        return refuse(step->config,
                      "the process could become root again: start it as that user instead", err);
    return privilege_forbid_dumps(err) < 0 ? PRIVILEGE_FAILED : PRIVILEGE_DONE;
}
