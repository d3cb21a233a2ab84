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

/* A certificate of a few days would always be within 30 of its end. */
static bool ends_soon(const struct peer_certificate *d, int64_t now)
{
    int64_t third = (d->not_after - d->not_before) / 3;
    int64_t month = EXPIRY_WARNING_DAYS * (int64_t)DAY_SECONDS;
    return d->not_after - now < (third < month ? third : month);
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
    } else if (ends_soon(d, now)) {
        w.event = "certificate_expiring";
        w.reason = "a third of its lifetime is left, and no more than 30 days: renew it";
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

static void check_crl(const struct config_tls *profile, const struct tls_context *ctx, int64_t now)
{
    struct warning w = {.profile = profile->name.value, .file = profile->crl.value};
    switch (tls_context_crl_state(ctx, now, &w.date)) {
    case TLS_CRL_IN_DATE:
        return;
    case TLS_CRL_EXPIRED:
        w.event = "crl_expired";
        w.key = "next_update";
        w.reason = "clients of that CA are refused: fetch a new one";
        break;
    case TLS_CRL_NOT_YET_VALID:
        w.event = "crl_not_yet_valid";
        w.key = "this_update";
        w.reason = "clients of that CA are refused until then: check the clocks of this host and "
                   "of the CA, and keep the CRL before it in the file";
        break;
    }
    log_warning(&w);
}

void expiry_log(const struct settings *settings)
{
    int64_t now = (int64_t)time(NULL);
    for (size_t i = 0; i < settings->certificate_count; i++) {
        check_certificate(&settings->certificates[i], now);
        check_staple(&settings->certificates[i], now);
    }
    for (size_t i = 0; i < settings->config->profile_count; i++)
        check_crl(&settings->config->profiles[i], settings->contexts[i], now);
}

bool expiry_is_ours(const struct settings *settings)
{
    int64_t now = (int64_t)time(NULL);
    for (size_t i = 0; i < settings->certificate_count; i++) {
        const struct settings_certificate *c = &settings->certificates[i];
        if (!c->file && (ends_soon(&c->description, now) || now < c->description.not_before))
            return true;
    }
    return false;
}
