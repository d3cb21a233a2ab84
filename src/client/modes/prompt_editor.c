/* SPDX-License-Identifier: MIT */
#include "prompt_editor.h"

#include <errno.h>
#include <histedit.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>
#include <wchar.h>

#include "tlsecho/client/interrupt.h"
#include "tlsecho/client/output.h"

enum { HISTORY_LINES = 1000 };

static char *prompt_text(EditLine *editline)
{
    static char text[] = "> ";
    (void)editline;
    return text;
}

static bool has_input(void)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    return poll(&input, 1, 0) > 0;
}

/* False at the end of the input, or if it cannot be read. */
static bool read_key(struct prompt_editor *e, char *ret)
{
    ssize_t n;
    do {
        e->ahead = e->ahead && has_input(); /* libedit has the terminal by now */
        e->ended = !e->await_key(e->owner);
        if (e->ended)
            return false;
        n = read(STDIN_FILENO, ret, 1);
    } while (n < 0 && (errno == EINTR || errno == EAGAIN));
    e->read_errno = n < 0 ? errno : 0;
    return n == 1 && !(e->ahead && *ret == '\0');
}

/* For libedit, EL_GETCFN in editline(3): 1 = a character, 0 = the end. */
static int read_character(EditLine *editline, wchar_t *ret)
{
    struct prompt_editor *e;
    el_get(editline, EL_CLIENTDATA, &e);
    while (!terminal_next(&e->keys, ret)) {
        char byte;
        if (!read_key(e, &byte))
            return 0;
        terminal_type(&e->keys, byte);
    }
    return 1;
}

/* Without memory libedit may start nevertheless, and have no commands. */
static bool set_up(struct prompt_editor *e)
{
    HistEventW event;
    return history_w(e->history, &event, H_SETSIZE, HISTORY_LINES) == 0 &&
           history_w(e->history, &event, H_SETUNIQUE, 1) == 0 &&
           el_set(e->editline, EL_CLIENTDATA, e) == 0 &&
           el_set(e->editline, EL_PROMPT, prompt_text) == 0 &&
           el_set(e->editline, EL_EDITOR, "emacs") == 0 &&
           el_set(e->editline, EL_BIND, "^I", "ed-insert", NULL) == 0 && /* insert tabs */
           el_set(e->editline, EL_SIGNAL, 1) == 0 &&
           el_wset(e->editline, EL_HIST, history_w, e->history) == 0 &&
           el_set(e->editline, EL_GETCFN, read_character) == 0;
}

int prompt_editor_open(struct prompt_editor *e, struct error *err)
{
    terminal_init();
    e->to_terminal = isatty(STDOUT_FILENO);
    e->display = e->to_terminal ? stdout : stderr;
    e->history = history_winit();
    e->editline = el_init("tlsecho-client", stdin, e->display, stderr);
    if (e->history && e->editline && set_up(e))
        return 0;
    errno = ENOMEM;
    return error_sys(err, "start the line editor");
}

void prompt_editor_close(struct prompt_editor *e)
{
    terminal_show(&e->screen, NULL, 0, stdout);
    if (e->editline)
        el_end(e->editline);
    if (e->history)
        history_wend(e->history);
}

/* What was typed, byte for byte. */
static int keep(const wchar_t *line, size_t n, char **ret, size_t *ret_n, struct error *err)
{
    char *bytes = malloc(n * MB_LEN_MAX);
    if (!bytes)
        return error_sys(err, "memory for a line");
    *ret_n = terminal_bytes(line, n, bytes);
    *ret = bytes;
    return PROMPT_LINE;
}

int prompt_editor_read(struct prompt_editor *e, char **ret, size_t *ret_n, struct error *err)
{
    HistEventW event;
    int n = 0;
    e->ahead = true; /* the kernel edited lines until now: Ctrl-D is NUL, termios(3) */
    e->editing = true;
    const wchar_t *line = el_wgets(e->editline, &n);
    e->editing = false;
    if (e->ended || e->read_errno || !line || n <= 0) {
        fputc('\n', e->display);
        fflush(e->display);
        errno = e->read_errno;
        return errno ? error_sys(err, "read standard input") : PROMPT_END;
    }
    if (wcscmp(line, L"\n") == 0)
        return PROMPT_EMPTY_LINE;
    history_w(e->history, &event, H_ENTER, line);
    return keep(line, (size_t)n, ret, ret_n, err);
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

static int write_back(struct prompt_editor *e, const unsigned char *data, size_t n,
                      size_t typed_bytes, struct error *err)
{
    size_t raw = e->to_terminal ? typed_bytes : n;
    if (write_all(data, raw, err) < 0)
        return -1;
    if (raw == n)
        return 0;
    terminal_show(&e->screen, data + raw, n - raw, stdout);
    return fflush(stdout) == 0 ? 0 : error_sys(err, "write standard output");
}

static void leave_line(struct prompt_editor *e)
{
    if (!e->editing)
        return;
    fputc('\n', e->display);
    fflush(e->display);
}

static void return_to_line(struct prompt_editor *e)
{
    if (e->editing)
        el_set(e->editline, EL_REFRESH);
}

int prompt_editor_show(struct prompt_editor *e, const unsigned char *data, size_t n,
                       size_t typed_bytes, struct error *err)
{
    bool unfinished = n && data[n - 1] != '\n';
    leave_line(e);
    int result = write_back(e, data, n, typed_bytes, err);
    if (e->editing && unfinished)
        fputc('\n', e->display);
    return_to_line(e);
    return result;
}

void prompt_editor_notice(struct prompt_editor *e, const struct options *options, const char *text)
{
    if (options->verbosity == OPTIONS_QUIET)
        return;
    leave_line(e);
    output_notice(options, text);
    return_to_line(e);
}
