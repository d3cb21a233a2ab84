/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "path_internal.h"
#include "tlsecho/base/quantity.h"
#include "tlsecho/base/text.h"

static void tell(const struct path *p, enum path_event event, const char *text)
{
    p->watch->tell(p->watch->context, p->verdict, event, text);
}

static void tell_step(struct path *p)
{
    p->stage->steps_told++;
    tell(p, PATH_EVENT_STEP, NULL);
}

static void tell_note(struct path *p)
{
    p->stage->notes_told++;
    tell(p, PATH_EVENT_NOTE, NULL);
}

static void escape(char *text, size_t size)
{
    char raw[PATH_SENTENCE_BYTES];
    snprintf(raw, sizeof raw, "%s", text);
    text_copy(raw, strlen(raw), text, size);
}

void path_record_step(struct path *p, const struct path_step *step)
{
    assert(p->stage->step_count < PATH_STEPS_MAX);
    struct path_step *kept = &p->stage->steps[p->stage->step_count++];
    *kept = *step;
    escape(kept->what, sizeof kept->what);
    escape(kept->happened, sizeof kept->happened);
    p->unsteady = p->unsteady || (kept->passed && kept->failed);
    if (p->stage->steps_told + 1 == p->stage->step_count && kept->passed)
        tell_step(p);
}

void path_record_blame(struct path *p, const char *what)
{
    for (size_t i = 0; i < p->stage->step_count; i++) {
        struct path_step *step = &p->stage->steps[i];
        step->blamed = step->blamed || (!step->passed && (!what || strcmp(step->what, what) == 0));
    }
}

static bool blames_nothing(const struct path_stage_result *stage)
{
    for (size_t i = 0; i < stage->step_count; i++)
        if (stage->steps[i].blamed)
            return false;
    return true;
}

void path_record_end(struct path *p)
{
    if (p->stage->found && blames_nothing(p->stage))
        path_record_blame(p, NULL);
    while (p->stage->steps_told < p->stage->step_count)
        tell_step(p);
    while (p->stage->notes_told < p->stage->note_count)
        tell_note(p);
}

unsigned path_confirm_rounds(const struct path *p)
{
    enum { ROUNDS = 1, ROUNDS_UNSTEADY = 8 };
    return p->unsteady ? ROUNDS_UNSTEADY : ROUNDS;
}

void path_record_note(struct path *p, const char *format, ...)
{
    assert(p->stage->note_count < PATH_NOTES_MAX);
    char *note = p->stage->notes[p->stage->note_count++];
    va_list args;
    va_start(args, format);
    vsnprintf(note, PATH_SENTENCE_BYTES, format, args);
    va_end(args);
    escape(note, PATH_SENTENCE_BYTES);
    if (p->stage->steps_told == p->stage->step_count)
        tell_note(p);
}

void path_record_progress(struct path *p, const char *format, ...)
{
    char text[PATH_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    escape(text, sizeof text);
    tell(p, PATH_EVENT_PROGRESS, text);
}

static void skip(struct path *p, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

static void skip(struct path *p, const char *format, va_list args)
{
    vsnprintf(p->stage->reason, sizeof p->stage->reason, format, args);
    escape(p->stage->reason, sizeof p->stage->reason);
    p->stage->state = PATH_SKIPPED;
}

void path_record_skip(struct path *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    skip(p, format, args);
    va_end(args);
}

void path_record_unserved(struct path *p, enum result result, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    skip(p, format, args);
    va_end(args);
    if (p->unserved)
        return;
    p->unserved = p->stage;
    p->unserved_result = result;
}

void path_fill_in(const char *text, const char *value, char ret[PATH_SENTENCE_BYTES])
{
    const char *at = strstr(text, "{}");
    if (at)
        snprintf(ret, PATH_SENTENCE_BYTES, "%.*s%s%s", (int)(at - text), text, value, at + 2);
    else
        snprintf(ret, PATH_SENTENCE_BYTES, "%s", text);
}

void path_record_finding(struct path *p, const char *name, const char *value, const char *format,
                         ...)
{
    assert(p->verdict->finding_count < PATH_FINDINGS_MAX);
    struct path_finding *finding = &p->verdict->findings[p->verdict->finding_count++];
    finding->kind = path_finding_kind_find(name);
    finding->server = p->peer->about;
    assert(finding->kind && strcmp(finding->kind->stage, p->stage->name) == 0);
    va_list args;
    va_start(args, format);
    vsnprintf(finding->evidence, sizeof finding->evidence, format, args);
    va_end(args);
    escape(finding->evidence, sizeof finding->evidence);
    path_fill_in(finding->kind->remedy, value, finding->remedy);
    p->stage->found = true;
}

/* Paths to two hosts are two paths. */
static bool is_same_host(const struct path_server *a, const struct path_server *b)
{
    struct address with_port = a->address;
    address_set_port(&with_port, address_port(&b->address));
    return address_equal(&with_port, &b->address);
}

void path_record_packet_limit(struct path *p, enum path_way way, uint64_t packet_bytes)
{
    struct path_verdict *verdict = p->verdict;
    struct path_finding *last = &verdict->findings[verdict->finding_count - 1];
    last->packet_bytes = packet_bytes;
    last->way = way;
    for (struct path_finding *earlier = verdict->findings; earlier < last; earlier++) {
        if (earlier->packet_bytes != packet_bytes || earlier->way != way ||
            !is_same_host(earlier->server, last->server))
            continue;
        if (earlier->kind == last->kind) {
            path_record_note(p, "the same limit once more: one finding");
        } else {
            path_record_note(p, "the same limit as %s found: told once, as %s", earlier->kind->name,
                             last->kind->name);
            *earlier = *last;
        }
        verdict->finding_count--;
        return;
    }
}

void path_record_packets_pass(struct path *p, uint64_t packet_bytes)
{
    for (size_t i = 0; i < p->verdict->finding_count; i++) {
        struct path_finding *finding = &p->verdict->findings[i];
        char endpoint[ENDPOINT_TEXT_BYTES], passing[QUANTITY_BYTES], limit[QUANTITY_BYTES],
            value[PATH_TEXT_BYTES];
        bool same = finding->server == p->peer->about;
        size_t used = strlen(finding->evidence);
        if (strcmp(finding->kind->stage, "client-hello") != 0 || !finding->packet_bytes ||
            finding->packet_bytes >= packet_bytes || !is_same_host(finding->server, p->peer->about))
            continue;
        endpoint_text(p->peer->about->endpoint, endpoint);
        snprintf(finding->evidence + used, sizeof finding->evidence - used,
                 "; others of up to %s bytes reach %s: what drops them looks at %s",
                 quantity_grouped_text(packet_bytes, passing), endpoint,
                 same ? "what they carry" : "the port, or at what they carry");
        snprintf(value, sizeof value, "a ClientHello in IP packets of more than %s bytes",
                 quantity_grouped_text(finding->packet_bytes, limit));
        path_fill_in(finding->kind->remedy, value, finding->remedy);
        finding->packet_bytes = 0;
    }
}
