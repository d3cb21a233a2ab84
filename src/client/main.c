/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "tlsecho/exchange.h"
#include "tlsecho/mode.h"
#include "tlsecho/options.h"
#include "tlsecho/output.h"
#include "tlsecho/result.h"
#include "tlsecho/session.h"
#include "tlsecho/tls_context.h"
#include "tlsecho/version.h"

static const struct mode {
    const char *name;
    void (*run)(struct exchange *x, const struct options *options, struct outcome *ret);
} mode_table[] = {
    {"pipe", mode_pipe},
    {"prompt", mode_prompt},
};

static const struct mode *choose_mode(void)
{
    return &mode_table[isatty(STDIN_FILENO) ? 1 : 0];
}

/* No socket may come by number 0, 1 or 2. What is put in their place fails on use. */
static void occupy_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0)
            open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
    }
}

static void print_version(void)
{
    printf("tlsecho-client %s\nbuilt with %s\nrunning with %s\noffers %s\n", TLSECHO_VERSION,
           tls_version_built(), tls_version_running(), tls_features());
}

/* What the mode that fits standard input makes of the session. */
static void exchange_bytes(struct exchange *exchange, const struct session *session,
                           const struct options *options, struct outcome *outcome)
{
    struct error err;
    if (exchange_init(exchange, session->transport, (enum expect_kind)options->expect, &err) < 0)
        outcome_fail(outcome, PHASE_LOCAL, &err);
    else
        choose_mode()->run(exchange, options, outcome);
}

/* What is left to be done after the session. A failure before it weighs more. */
static void keep_results(struct session *session, const struct options *options,
                         struct outcome *outcome)
{
    struct error err;
    bool kept = !options->show_certs || output_certificates(session, &err) == 0;
    if (kept)
        kept = session_save(session, &err) == 0;
    if (!kept && outcome->result == RESULT_OK)
        outcome_fail(outcome, PHASE_LOCAL, &err);
}

static enum result run(const struct options *options)
{
    struct session session;
    struct exchange exchange = {0};
    struct outcome outcome = {.error.alert = -1};
    struct error err = {.alert = -1};

    session_init(&session);
    if (options->insecure)
        output_warn(options, "the server's certificate is not verified (--insecure)");
    bool opened = session_open(&session, options, &err) == 0;
    output_session(options, &session);
    if (!opened)
        outcome_fail(&outcome, session.phase, &err);
    else if (!options->show_certs)
        exchange_bytes(&exchange, &session, options, &outcome);

    keep_results(&session, options, &outcome);
    output_result(options, &session, &exchange, &outcome);
    exchange_done(&exchange);
    session_close(&session);
    return outcome.result;
}

int main(int argc, char **argv)
{
    occupy_standard_descriptors();
    setlocale(LC_CTYPE, "");
    signal(SIGPIPE, SIG_IGN);

    struct options options;
    struct error err;
    if (options_parse(argc, argv, &options, &err) < 0) {
        fprintf(stderr, "tlsecho-client: %s\n", err.text);
        return RESULT_USAGE;
    }
    switch ((enum options_action)options.action) {
    case OPTIONS_HELP:
        options_help(stdout);
        return RESULT_OK;
    case OPTIONS_VERSION:
        print_version();
        return RESULT_OK;
    case OPTIONS_RUN:
        break;
    }
    return (int)run(&options);
}
