/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <histedit.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "stream.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/client/interrupt.h"
#include "tlsecho/client/mode.h"
#include "tlsecho/client/output.h"
#include "tlsecho/client/session_wait.h"
#include "tlsecho/client/terminal.h"

enum { HISTORY_LINES = 1000, PATIENCE_US = 1500000 };

struct prompt {
    struct exchange *x;
    const struct options *options;
    EditLine *editor;
    HistoryW *history;
    FILE *display;    /* shows the prompt */
    bool editing;     /* a line is being edited on display */
    bool to_terminal; /* standard output is a terminal, and gets no control characters of the server
                       */
    struct terminal_keys keys;
    struct terminal_screen screen;
    uint64_t shown_bytes;
    bool interrupted;
    bool failed; /* standard input or output; error says why */
    struct error error;
};

static char *prompt_text(EditLine *editor)
{
    static char text[] = "> ";
    (void)editor;
    return text;
}

static int write_all(const unsigned char *data, size_t n, struct error *err)
{
    while (n) {
        ssize_t written = write(STDOUT_FILENO, data, n);
        if (written < 0 && (errno != EINTR || interrupt_happened()))
            return error_sys(err, "write standard output");
        if (written > 0) {
            data += written;
            n -= (size_t)written;
        }
    }
    return 0;
}

/* How many of the next n bytes were expected, and so typed by the user. */
static size_t count_expected(const struct prompt *p, size_t n)
{
    const struct expect *e = &p->x->expect;
    if (e->kind == EXPECT_NONE || e->offset_bytes <= p->shown_bytes)
        return 0;
    uint64_t expected = e->offset_bytes - p->shown_bytes;
    return expected < n ? (size_t)expected : n;
}

/* Writes received bytes. On a terminal those that were not typed are escaped. */
static void write_back(struct prompt *p, const unsigned char *data, size_t n)
{
    size_t raw = p->to_terminal ? count_expected(p, n) : n;
    p->failed = write_all(data, raw, &p->error) < 0;
    p->shown_bytes += n;
    if (p->failed || raw == n)
        return;
    terminal_show(&p->screen, data + raw, n - raw, stdout);
    if (fflush(stdout) != 0) {
        error_sys(&p->error, "write standard output");
        p->failed = true;
    }
}

/* Writes received bytes, above the line if one is being edited. */
static void show(struct prompt *p)
{
    struct buf *in = &p->x->in;
    bool unfinished = in->data[in->end - 1] != '\n';
    if (p->editing) {
        fputc('\n', p->display);
        fflush(p->display);
    }
    write_back(p, in->data + in->start, buf_waiting(in));
    buf_take(in, buf_waiting(in));
    if (p->editing) {
        if (unfinished)
            fputc('\n', p->display);
        el_set(p->editor, EL_REFRESH);
    }
}

/* Sends and receives what is possible now. Returns what to wait for. */
static unsigned move(struct prompt *p)
{
    unsigned want = exchange_send(p->x);
    for (;;) {
        unsigned receive = exchange_receive(p->x);
        if (!buf_waiting(&p->x->in))
            return want | receive;
        show(p);
    }
}

static bool is_over(const struct prompt *p)
{
    return p->x->state != EXCHANGE_OPEN || p->interrupted || p->failed;
}

/* When --idle-timeout ends the run. */
static uint64_t due_us(const struct prompt *p)
{
    return exchange_due_us(p->x, p->options->idle_timeout_ms * 1000);
}

/* Waits for the server, Ctrl-C and, if `typing`, the keyboard, until until_us. Returns whether
 * there is a key to read. */
static bool wait_for_any(struct prompt *p, unsigned want, bool typing, uint64_t until_us)
{
    struct session_wait wait = {.fd = p->x->transport->fd,
                                .want = want,
                                .stop_fd = interrupt_fd(),
                                .due_us = until_us,
                                .other_count = typing,
                                .others = {{.fd = STDIN_FILENO, .events = POLLIN}}};
    int event = session_wait(&wait, &p->error);
    p->failed = p->failed || event < 0;
    p->interrupted = event == SESSION_STOPPED;
    if (event == SESSION_DUE && clock_now_us() >= due_us(p))
        exchange_expire(p->x, p->options->idle_timeout_ms * 1000);
    return event == SESSION_READY && typing && wait.others[0].revents;
}

/* For libedit, EL_GETCFN in editline(3): 1 = a character, 0 = the end. */
static int read_character(EditLine *editor, wchar_t *ret)
{
    struct prompt *p;
    el_get(editor, EL_CLIENTDATA, &p);
    while (!terminal_next(&p->keys, ret)) {
        unsigned want = move(p);
        if (is_over(p))
            return 0;
        if (!wait_for_any(p, want, true, expect_missing(&p->x->expect) ? due_us(p) : UINT64_MAX))
            continue;

        char byte;
        if (read(STDIN_FILENO, &byte, 1) != 1)
            return 0;
        terminal_type(&p->keys, byte);
    }
    return 1;
}

/* What to wait for while no line is edited. */
enum awaited { ROOM, ECHO, END };

static bool has_come(const struct exchange *x, enum awaited what)
{
    switch (what) {
    case ROOM:
        return exchange_room(x) > 0;
    case ECHO:
        return exchange_room(x) > 0 && !expect_missing(&x->expect);
    case END:
        break;
    }
    return false; /* the exchange is over */
}

static const char *notice_of(const struct prompt *p, enum awaited what)
{
    if (what == END)
        return "the server has not closed its side yet; press Ctrl-C to stop";
    if (p->options->expect == EXPECT_NONE)
        return "the server does not read; press Ctrl-C to stop";
    return "no echo yet; press Ctrl-C to stop; if it is not an echo server, use --expect none";
}

/* Waits for it. If an echo takes long, it will be shown above the next line. */
static void await(struct prompt *p, enum awaited what)
{
    uint64_t now_us = clock_now_us(), notice_us = now_us + PATIENCE_US;
    p->x->last_activity_us = now_us; /* typing the line took time */
    for (;;) {
        unsigned want = move(p);
        if (is_over(p) || has_come(p->x, what))
            return;
        wait_for_any(p, want, false, due_us(p) < notice_us ? due_us(p) : notice_us);
        if (is_over(p) || clock_now_us() < notice_us)
            continue;
        notice_us = UINT64_MAX;
        output_notice(p->options, notice_of(p, what));
        if (what == ECHO)
            return;
    }
}

static void send_line(struct prompt *p, const char *line, size_t n)
{
    struct buf *out = &p->x->out;
    for (;;) {
        await(p, ROOM);
        if (is_over(p))
            return;
        size_t room = exchange_room(p->x);
        size_t part = n < room ? n : room;
        memcpy(out->data, line, part);
        out->end = part;
        line += part;
        n -= part;
        if (n == 0)
            break;
    }
    await(p, ECHO);
}

/* Sends what was typed, byte for byte. */
static void send_typed(struct prompt *p, const wchar_t *line, size_t n)
{
    char *bytes = malloc(n * MB_LEN_MAX);
    if (bytes)
        send_line(p, bytes, terminal_bytes(line, n, bytes));
    else
        p->failed = error_sys(&p->error, "memory for a line") < 0;
    free(bytes);
}

/* One line. False at the end of the input. */
static bool edit_line(struct prompt *p)
{
    int n = 0;
    p->editing = true;
    const wchar_t *line = el_wgets(p->editor, &n);
    p->editing = false;
    if (is_over(p) || !line || n <= 0) {
        fputc('\n', p->display);
        fflush(p->display);
        return false;
    }
    if (wcscmp(line, L"\n") == 0)
        return true;

    HistEventW event;
    history_w(p->history, &event, H_ENTER, line);
    send_typed(p, line, (size_t)n);
    return true;
}

static void run(struct prompt *p)
{
    while (!is_over(p) && edit_line(p))
        ;
    if (is_over(p))
        return;
    p->x->ending = true;
    await(p, END);
}

static int open_editor(struct prompt *p, struct error *err)
{
    HistEventW event;
    terminal_init();
    p->to_terminal = isatty(STDOUT_FILENO);
    p->display = p->to_terminal ? stdout : stderr;
    p->history = history_winit();
    p->editor = el_init("tlsecho-client", stdin, p->display, stderr);
    if (!p->history || !p->editor)
        return error_sys(err, "start the line editor");

    history_w(p->history, &event, H_SETSIZE, HISTORY_LINES);
    history_w(p->history, &event, H_SETUNIQUE, 1);
    el_set(p->editor, EL_CLIENTDATA, p);
    el_set(p->editor, EL_PROMPT, prompt_text);
    el_set(p->editor, EL_EDITOR, "emacs");
    el_set(p->editor, EL_BIND, "^I", "ed-insert", NULL); /* insert tabs */
    el_set(p->editor, EL_SIGNAL, 1);
    el_wset(p->editor, EL_HIST, history_w, p->history);
    el_set(p->editor, EL_GETCFN, read_character);
    return 0;
}

static void close_editor(struct prompt *p)
{
    if (p->editor)
        el_end(p->editor);
    if (p->history)
        history_wend(p->history);
}

/* The server may close in order while the prompt waits: that is ok; a cut is not. */
static void judge(const struct prompt *p, struct outcome *ret)
{
    const struct exchange *x = p->x;
    exchange_judge(x, x->state == EXCHANGE_CUT && !x->ending, ret);
    if (ret->result == RESULT_OK && x->state == EXCHANGE_ENDED && !x->ending)
        output_notice(p->options, "the server closed the connection");
}

static void talk(struct exchange *x, const struct options *options, struct outcome *ret)
{
    struct prompt p = {.x = x, .options = options};
    p.failed = open_editor(&p, &p.error) < 0;
    if (!p.failed)
        run(&p);
    terminal_show(&p.screen, NULL, 0, stdout);
    close_editor(&p);

    if (p.failed)
        outcome_fail(ret, PHASE_LOCAL, &p.error);
    else
        judge(&p, ret);
}

void mode_prompt(const struct options *options, struct outcome *ret)
{
    stream_run(options, talk, ret);
}
