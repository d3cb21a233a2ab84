/* SPDX-License-Identifier: MIT */
#include "tlsecho/server/expiry.h"

#include <time.h>

#include "tlsecho/base/clock.h"
#include "tlsecho/base/log.h"

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

struct dates {
    int64_t not_before, not_after;
};

/* A certificate for a few days is always within 30 days of its end. */
static bool ends_soon(struct dates d, int64_t now)
{
    int64_t third = (d.not_after - d.not_before) / 3;
    int64_t month = EXPIRY_WARNING_DAYS * (int64_t)DAY_SECONDS;
    return d.not_after - now < (third < month ? third : month);
}

/* The warnings for a certificate that is not valid yet, has expired, or expires soon. */
struct sentences {
    struct sentence {
        const char *event, *reason;
    } early, ended, soon;
};

static const struct sentences of_leaf = {
    .early = {.event = "certificate_not_yet_valid",
              "clients refuse it until then: check this host's clock, or use another certificate"},
    .ended = {.event = "certificate_expired", "clients refuse it: renew it"},
    .soon = {.event = "certificate_expiring",
             "a third of its lifetime is left, and no more than 30 days: renew it"},
};

/* Clients may know another path to a root that they trust. */
static const struct sentences of_issuer = {
    .early = {.event = "issuer_not_yet_valid",
              "clients that know no other path refuse what it has issued until then: check this "
              "host's clock, or replace it in the file with its issuer's current one"},
    .ended = {.event = "issuer_expired",
              "clients that know no other path refuse what it has issued: replace it in the file "
              "with its issuer's current one"},
    .soon = {.event = "issuer_expiring",
             "clients that know no other path will refuse what it has issued: replace it in the "
             "file with its issuer's next one"},
};

static const struct sentences of_client_ca = {
    .early = {.event = "client_ca_not_yet_valid",
              "client certificates from it are refused until then: check this host's clock"},
    .ended = {.event = "client_ca_expired",
              "client certificates from it are refused: replace it in the file with the current "
              "certificate of the CA, or remove it"},
    .soon = {.event = "client_ca_expiring",
             "client certificates from it will be refused: add the next certificate of the CA to "
             "the file, or remove this one"},
};

/* w without its event, date and reason. */
static void check_dates(struct warning w, struct dates d, const struct sentences *of, int64_t now)
{
    bool early = now < d.not_before;
    const struct sentence *sentence = early               ? &of->early
                                      : now > d.not_after ? &of->ended
                                      : ends_soon(d, now) ? &of->soon
                                                          : NULL;
    if (!sentence)
        return;
    w.event = sentence->event;
    w.reason = sentence->reason;
    w.key = early ? "not_before" : "not_after";
    w.date = early ? d.not_before : d.not_after;
    log_warning(&w);
}

static void check_certificate(const struct config_snapshot_certificate *c, int64_t now)
{
    const struct peer_certificate *d = &c->description;
    struct warning w = {.profile = c->profile, .file = c->file, .subject = d->subject};
    check_dates(w, (struct dates){d->not_before, d->not_after}, &of_leaf, now);
}

/* Issuers and client CAs in the files of a profile. */
static void check_dated(const char *profile, const struct tls_context *ctx, int64_t now)
{
    size_t count;
    const struct tls_dated *dated = tls_context_dated(ctx, &count);
    for (size_t i = 0; i < count; i++) {
        const struct tls_dated *d = &dated[i];
        struct warning w = {.profile = profile, .file = d->file, .subject = d->subject};
        check_dates(w, (struct dates){d->not_before, d->not_after},
                    d->role == TLS_DATED_ISSUER ? &of_issuer : &of_client_ca, now);
    }
}

static void check_staple(const struct config_snapshot_certificate *c, int64_t now)
{
    if (c->staple && now > c->staple_until)
        log_warning(&(struct warning){
            .event = "staple_expired",
            .profile = c->profile,
            .file = c->staple,
            .key = "next_update",
            .date = c->staple_until,
            .reason = "it is no longer stapled: fetch a new one",
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
                   "of the CA, and keep the previous CRL in the file";
        break;
    }
    log_warning(&w);
}

void expiry_log(const struct config_snapshot *snapshot)
{
    int64_t now = (int64_t)time(NULL);
    for (size_t i = 0; i < snapshot->certificate_count; i++) {
        check_certificate(&snapshot->certificates[i], now);
        check_staple(&snapshot->certificates[i], now);
    }
    for (size_t i = 0; i < snapshot->config->profile_count; i++) {
        const struct config_tls *profile = &snapshot->config->profiles[i];
        check_dated(profile->name.value, snapshot->contexts[i], now);
        check_crl(profile, snapshot->contexts[i], now);
    }
}

bool expiry_is_ours(const struct config_snapshot *snapshot)
{
    int64_t now = (int64_t)time(NULL);
    for (size_t i = 0; i < snapshot->certificate_count; i++) {
        const struct config_snapshot_certificate *c = &snapshot->certificates[i];
        struct dates d = {c->description.not_before, c->description.not_after};
        if (!c->file && (ends_soon(d, now) || now < d.not_before))
            return true;
    }
    return false;
}
