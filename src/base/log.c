/* SPDX-License-Identifier: MIT */
#include "tlsecho/base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "log_internal.h"
#include "log_sink.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/base/thread.h"

enum {
    QUEUE_BYTES = 512 * 1024,
    CHUNK_BYTES = 4096, /* whole lines in one write: PIPE_BUF, so that lines never mix, pipe(7) */
    BATCH_MS = 5,
    CLOSE_US = 1000000,
    RETRY_US = 1000000,
    PREFIX_BYTES = 4, /* a priority */
    LEVEL_NONE = LOG_LEVEL_ERROR + 1,
};

static struct {
    pthread_mutex_t mutex; /* guards what follows up to `ended` */
    pthread_cond_t filled, over;
    size_t head;           /* the queued bytes: waiting ones from here on, around the ring */
    atomic_size_t waiting; /* read without the mutex too */
    uint64_t dropped;      /* lines since the last log_dropped */
    int drop_reason;       /* why the last of them: an errno, 0 = the queue was full */
    bool closing, ended;   /* the writer is to end, has ended */
    _Atomic uint64_t dropped_ever; /* since log_open */
    atomic_int level;
    atomic_int format;
    struct log_sink sink;
    bool journal; /* the sink is the journal */
    bool started; /* the writer thread runs */
    pthread_t writer;
} state = {
    .mutex = PTHREAD_MUTEX_INITIALIZER,
    .level = LEVEL_NONE,
};
static char
    ring[QUEUE_BYTES]; /* not in `state`, whose initial value is stored in the program file */

static void ring_put(const char *text, size_t n)
{
    size_t at = (state.head + state.waiting) % QUEUE_BYTES;
    size_t first = n < QUEUE_BYTES - at ? n : QUEUE_BYTES - at;
    memcpy(ring + at, text, first);
    memcpy(ring, text + first, n - first);
    state.waiting += n;
}

/* Takes as many whole lines as fit into a chunk; at least one, as no line is longer. */
static size_t ring_take(char chunk[CHUNK_BYTES])
{
    size_t limit = state.waiting < CHUNK_BYTES ? state.waiting : CHUNK_BYTES;
    size_t first = limit < QUEUE_BYTES - state.head ? limit : QUEUE_BYTES - state.head;
    memcpy(chunk, ring + state.head, first);
    memcpy(chunk + first, ring, limit - first);
    const char *newline = memrchr(chunk, '\n', limit);
    size_t n = newline ? (size_t)(newline - chunk) + 1 : 0;
    state.head = (state.head + n) % QUEUE_BYTES;
    state.waiting -= n;
    return n;
}

/* The priority of a line in the journal, sd-daemon(3); "" elsewhere. */
static const char *priority(const struct log_line *line)
{
    static const char *const priorities[] = {"<7>", "<6>", "<4>", "<3>"};
    return state.journal ? priorities[line->level] : "";
}

/* Writes the line that reports how many were dropped; false if that fails too. */
static bool write_dropped(uint64_t count, int reason)
{
    struct log_line line;
    char text[PREFIX_BYTES + LOG_LINE_BYTES];
    log_line_start(&line, LOG_LEVEL_WARNING, "log_dropped",
                   (enum log_format)atomic_load(&state.format));
    log_number(&line, "lines", count);
    log_text(&line, "reason", reason ? strerror(reason) : "the queue was full");
    log_line_finish(&line);
    int n = snprintf(text, sizeof text, "%s%.*s", priority(&line), (int)line.length, line.text);
    return log_sink_write(&state.sink, text, (size_t)n) == 0;
}

/* Under load many lines are written at once, and the threads that log need not wake the writer. */
static void collect_lines(void)
{
    struct timespec time = {.tv_nsec = BATCH_MS * 1000000L};
    nanosleep(&time, NULL);
}

/* Counts lines that could not be written; errno is the cause. */
static void count_unwritten(uint64_t lines)
{
    if (lines == 0)
        return;
    state.drop_reason = errno;
    state.dropped += lines;
    state.dropped_ever += lines;
}

/* Waits until there is something to write; at most one second if the count could not be written. */
static void await_lines(bool retry)
{
    const uint64_t due_us = clock_now_us() + RETRY_US;
    while (state.waiting == 0 && (state.dropped == 0 || retry) && !state.closing)
        if (!retry)
            pthread_cond_wait(&state.filled, &state.mutex);
        else if (!thread_condition_wait(&state.filled, &state.mutex, due_us))
            return;
}

static void *writer(void *unused)
{
    (void)unused;
    char chunk[CHUNK_BYTES];
    bool failed = false; /* the last attempt to report dropped lines failed */
    pthread_mutex_lock(&state.mutex);
    for (;;) {
        await_lines(failed);
        if (state.waiting == 0 && state.dropped == 0)
            break;
        bool closing = state.closing;
        size_t n = ring_take(chunk);
        bool last = state.waiting == 0 && !state.closing;
        pthread_mutex_unlock(&state.mutex);
        uint64_t unwritten = log_sink_write(&state.sink, chunk, n);
        pthread_mutex_lock(&state.mutex);
        count_unwritten(unwritten);
        uint64_t dropped = state.waiting == 0 ? state.dropped : 0;
        int reason = state.drop_reason;
        pthread_mutex_unlock(&state.mutex);
        failed = dropped > 0 && !write_dropped(dropped, reason);
        if (last)
            collect_lines();
        pthread_mutex_lock(&state.mutex);
        if (!failed)
            state.dropped -= dropped;
        else if (closing && state.waiting == 0)
            break;
    }
    state.ended = true;
    pthread_cond_signal(&state.over);
    pthread_mutex_unlock(&state.mutex);
    return NULL;
}

/* systemd.exec(5): device and inode of the descriptor that the journal reads. */
static bool is_journal(int fd)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat status;
    char expected[64];
    if (!stream || fstat(fd, &status) < 0)
        return false;
    snprintf(expected, sizeof expected, "%ju:%ju", (uintmax_t)status.st_dev,
             (uintmax_t)status.st_ino);
    return strcmp(stream, expected) == 0;
}

static void init_conditions(void)
{
    thread_condition_init(&state.filled);
    thread_condition_init(&state.over);
}

void log_open(int fd, enum log_level level, enum log_format format)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init_conditions);
    state.sink = (struct log_sink){.fd = fd};
    state.journal = is_journal(fd);
    state.started = false;
    state.format = (int)format;
    state.head = 0;
    state.waiting = 0;
    state.dropped = 0;
    state.dropped_ever = 0;
    state.closing = state.ended = false;
    state.level = (int)level;
}

int log_start(struct error *err)
{
    if (thread_start(&state.writer, "log", writer, NULL, err) < 0)
        return -1;
    state.started = true;
    return 0;
}

void log_set(enum log_level level, enum log_format format)
{
    state.format = (int)format;
    state.level = (int)level;
}

void log_close(void)
{
    struct error err;
    if (state.level == LEVEL_NONE)
        return;
    if (!state.started && log_start(&err) < 0)
        return;
    state.level = LEVEL_NONE;
    const uint64_t due_us = clock_now_us() + CLOSE_US;
    pthread_mutex_lock(&state.mutex);
    state.closing = true;
    pthread_cond_signal(&state.filled);
    while (!state.ended && thread_condition_wait(&state.over, &state.mutex, due_us))
        ;
    bool ended = state.ended;
    pthread_mutex_unlock(&state.mutex);
    if (ended)
        pthread_join(state.writer, NULL);
    else
        pthread_detach(state.writer); /* stuck in write(2); the process is about to end */
}

uint64_t log_dropped_lines(void)
{
    return state.dropped_ever;
}

bool log_has_room(void)
{
    return state.waiting < QUEUE_BYTES / 2;
}

bool log_enabled(enum log_level level)
{
    return (int)level >= state.level;
}

bool log_begin(struct log_line *line, enum log_level level, const char *event)
{
    if (!log_enabled(level))
        return false;
    log_line_start(line, level, event, (enum log_format)atomic_load(&state.format));
    return true;
}

void log_end(struct log_line *line)
{
    log_line_finish(line);
    pthread_mutex_lock(&state.mutex);
    const char *prefix = priority(line);
    if (state.waiting + strlen(prefix) + line->length > QUEUE_BYTES) {
        state.dropped++;
        state.drop_reason = 0;
        state.dropped_ever++;
    } else {
        ring_put(prefix, strlen(prefix));
        ring_put(line->text, line->length);
    }
    pthread_cond_signal(&state.filled);
    pthread_mutex_unlock(&state.mutex);
}

void log_reason(enum log_level level, const char *event, const char *reason)
{
    struct log_line line;
    if (!log_begin(&line, level, event))
        return;
    log_text(&line, "reason", reason);
    log_end(&line);
}
