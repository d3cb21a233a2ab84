/* SPDX-License-Identifier: MIT */
/* The fields that every line has once the identity is known. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "log_internal.h"

enum { FORMATS = LOG_FORMAT_JSON + 1, KEY_BYTES = sizeof IDENTITY_PREFIX + IDENTITY_BYTES };

/* A reload replaces them while other threads begin lines. */
static struct {
    pthread_mutex_t mutex;
    size_t length[FORMATS];
    char fields[FORMATS][LOG_LINE_BYTES / 2 + KEY_BYTES];
} state = {.mutex = PTHREAD_MUTEX_INITIALIZER};

_Static_assert(sizeof state.fields[0] > 2 * IDENTITY_BYTES, "each character may be escaped");

/* As they follow other fields: one byte stands for those. */
static void compose(const struct identity *identity, struct log_line *line)
{
    line->length = 1;
    line->truncated = false;
    if (*identity->name)
        log_text(line, "identity", identity->name);
    for (size_t i = 0; i < identity->count; i++) {
        char key[KEY_BYTES];
        snprintf(key, sizeof key, IDENTITY_PREFIX "%s", identity->variables[i].name);
        log_text(line, key, identity->variables[i].value);
    }
}

void log_identify(const struct identity *identity)
{
    struct log_line lines[FORMATS];
    for (size_t i = 0; i < FORMATS; i++) {
        lines[i].format = (enum log_format)i;
        compose(identity, &lines[i]);
    }
    pthread_mutex_lock(&state.mutex);
    for (size_t i = 0; i < FORMATS; i++) {
        size_t n = lines[i].length - 1;
        state.length[i] = n < sizeof state.fields[i] ? n : 0;
        memcpy(state.fields[i], lines[i].text + 1, state.length[i]);
    }
    pthread_mutex_unlock(&state.mutex);
}

void log_identity_put(struct log_line *line)
{
    pthread_mutex_lock(&state.mutex);
    size_t n = state.length[line->format];
    memcpy(line->text + line->length, state.fields[line->format], n);
    line->length += n;
    pthread_mutex_unlock(&state.mutex);
}
