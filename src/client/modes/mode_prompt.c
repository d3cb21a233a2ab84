/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <unistd.h>

#include "prompt_internal.h"
#include "tlsecho/client/interrupt.h"
#include "tlsecho/client/mode.h"
#include "tlsecho/client/session_wait.h"

bool prompt_wait(struct prompt *p, bool typing, uint64_t until_us)
{
    struct session_wait wait = {.fd = p->fd,
                                .want = p->want,
                                .stop_fd = interrupt_fd(),
                                .due_us = until_us,
                                .other_count = typing,
                                .others = {{.fd = STDIN_FILENO, .events = POLLIN}}};
    int event = session_wait(&wait, &p->error);
    p->failed = p->failed || event < 0;
    p->interrupted = event == SESSION_STOPPED;
    p->over = p->over || p->failed || p->interrupted;
    if (event == SESSION_DUE)
        p->carrier->expire(p);
    return event == SESSION_READY && typing && wait.others[0].revents;
}

void prompt_show(struct prompt *p, const unsigned char *data, size_t n, size_t typed_bytes)
{
    if (p->failed)
        return;
    p->failed = prompt_editor_show(&p->editor, data, n, typed_bytes, &p->error) < 0;
    p->over = p->over || p->failed;
}

/* For the editor. */
static bool await_key(void *owner)
{
    struct prompt *p = owner;
    for (;;) {
        p->carrier->move(p);
        if (p->over)
            return false;
        if (prompt_wait(p, true, p->carrier->due_us(p)))
            return true;
    }
}

/* False at the end of the input. */
static bool take_line(struct prompt *p)
{
    char *line = NULL;
    size_t n = 0;
    int read = prompt_editor_read(&p->editor, &line, &n, &p->error);
    p->failed = p->failed || read < 0;
    p->over = p->over || p->failed;
    if (read == PROMPT_LINE && !p->over)
        p->carrier->send(p, line, n);
    free(line);
    return read == PROMPT_LINE || read == PROMPT_EMPTY_LINE;
}

void prompt_run(struct prompt *p)
{
    p->editor.await_key = await_key;
    p->editor.owner = p;
    p->failed = prompt_editor_open(&p->editor, &p->error) < 0;
    p->over = p->failed;
    while (!p->over && take_line(p))
        ;
    if (!p->over)
        p->carrier->end(p);
    prompt_editor_close(&p->editor);
}

void mode_prompt(const struct options *options, struct outcome *ret)
{
    if (endpoint_has_datagrams(options->endpoint.scheme))
        prompt_datagram(options, ret);
    else
        prompt_stream(options, ret);
}
