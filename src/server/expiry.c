/* SPDX-License-Identifier: MIT */
#include "tlsecho/expiry.h"

#include <time.h>

#include "tlsecho/clock.h"
#include "tlsecho/log.h"

enum { DAY_SECONDS = 24 * 3600 };

/* A warning about a file (NULL = none) of a profile, and the date that it is about. */
struct warning {
    const char *event, *profile, *file, *subject; /* subject NULL = unknown */
    const char *key;                              /* of the date */
    int64_t date;
    const char *reason;
};

static void log_warning(const struct warning *w)
{
    char date[CLOCK_TEXT_BYTES];
    struct log_line line;
    if (!log_begin(&line, LOG_LEVEL_WARNING, w->event))
        return;
    clock_seconds_text(w->date, date);
    log_text(&line, "profile", w->profile);
    if (w->file)
        log_text(&line, "file", w->file);
    if (w->subject)
        log_text(&line, "subject", w->subject);
    log_text(&line, w->key, date);
    log_text(&line, "reason", w->reason);
    log_end(&line);
}

static void check_certificate(const struct settings_certificate *c, int64_t now)
{
    const struct peer_certificate *d = &c->description;
    struct warning w = {.profile = c->profile, .file = c->file, .subject = d->subject};
    if (now < d->not_before) {
        w.event = "certificate_not_yet_valid";
        w.key = "not_before";
        w.date = d->not_before;
        w.reason = "clients refuse it until then: check this host's clock, or use another one";
        log_warning(&w);
        return;
    }
    w.key = "not_after";
    w.date = d->not_after;
    if (now > d->not_after) {
        w.event = "certificate_expired";
        w.reason = "clients refuse it: renew it";
        log_warning(&w);
    } else if (d->not_after - now < EXPIRY_WARNING_DAYS * DAY_SECONDS) {
        w.event = "certificate_expiring";
        w.reason = "it ends within 30 days: renew it";
        log_warning(&w);
    }
}

static void check_staple(const struct settings_certificate *c, int64_t now)
{
    if (c->staple && now > c->staple_until)
        log_warning(&(struct warning){
            .event = "staple_expired",
            .profile = c->profile,
            .file = c->staple,
            .key = "next_update",
            .date = c->staple_until,
            .reason = "it is no longer sent: fetch a new one",
        });
}

static void check_crl(const struct config_tls *profile, int64_t until, int64_t now)
{
    if (profile->crl.value[0] != '\0' && now > until)
        log_warning(&(struct warning){
            .event = "crl_expired",
            .profile = profile->name.value,
            .file = profile->crl.value,
            .key = "next_update",
            .date = until,
            .reason = "clients of that CA are refused: fetch a new one",
        });
}

void expiry_log(const struct settings *settings)
{
    int64_t now = (int64_t)time(NULL);
    for (size_t i = 0; i < settings->certificate_count; i++) {
        check_certificate(&settings->certificates[i], now);
        check_staple(&settings->certificates[i], now);
    }
    for (size_t i = 0; i < settings->config->profile_count; i++)
        check_crl(&settings->config->profiles[i], settings->crl_until[i], now);
}

bool expiry_is_ours(const struct settings *settings)
{
    int64_t soon = (int64_t)time(NULL) + EXPIRY_WARNING_DAYS * DAY_SECONDS;
    for (size_t i = 0; i < settings->certificate_count; i++)
        if (!settings->certificates[i].file &&
            settings->certificates[i].description.not_after < soon)
            return true;
    return false;
}
