/* SPDX-License-Identifier: MIT */
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "tlsecho/base/standard_fds.h"
#include "tlsecho/base/version.h"
#include "tlsecho/client/interrupt.h"
#include "tlsecho/client/json_memory.h"
#include "tlsecho/client/mode.h"
#include "tlsecho/client/options.h"
#include "tlsecho/client/output.h"
#include "tlsecho/client/output_html.h"
#include "tlsecho/client/output_refusal.h"
#include "tlsecho/client/piped_file.h"
#include "tlsecho/client/result.h"
#include "tlsecho/tls/tls_context.h"
#include "tlsecho/tls/tls_memory.h"

static void (*const modes[MODES])(const struct options *options, struct outcome *ret) = {
    [MODE_PIPE] = mode_pipe,   [MODE_PROMPT] = mode_prompt,
    [MODE_PING] = mode_ping,   [MODE_SHOW_CERTS] = mode_show_certs,
    [MODE_BENCH] = mode_bench, [MODE_MERGE] = mode_merge,
    [MODE_CHECK] = mode_check, [MODE_REPORT] = mode_report,
    [MODE_PATH] = mode_path,
};

static void print_version(void)
{
    printf("tlsecho-client %s\nbuilt with %s\nrunning with %s\noffers %s\n", tlsecho_version,
           tls_version_built(), tls_version_running(), tls_features());
}

/* A result that could not be written is not ok, since a script would take an empty file for an
 * answer. A failure keeps its status, and is printed as text if its JSON object was lost. */
static void finish_output(const struct options *options, struct outcome *outcome)
{
    struct error err;
    bool lost = options->nagios || (options->json && output_json_stream(options) == stdout);
    bool printed = outcome->result != RESULT_OK && !lost;
    if (output_finish(options, &err) == 0)
        return;
    if (outcome->result == RESULT_OK)
        outcome_fail(outcome, PHASE_LOCAL, &err);
    if (!printed)
        output_failure(outcome);
}

/* A signal ends a pipe, as any filter; a merge only reads files. */
static int prepare_for_signals(const struct options *options, struct error *err)
{
    return options->mode == MODE_PIPE || options->mode == MODE_MERGE ? 0 : interrupt_open(err);
}

/* --cacert <(command) */
static int keep_pipes(struct options *options, struct error *err)
{
    static char paths[3][PIPED_FILE_PATH_BYTES];
    if (piped_file_keep(&options->cacert, paths[0], err) < 0)
        return error_prefix(err, "--cacert");
    if (piped_file_keep(&options->cert, paths[1], err) < 0)
        return error_prefix(err, "--cert");
    return piped_file_keep(&options->key, paths[2], err) < 0 ? error_prefix(err, "--key") : 0;
}

static void run_mode(struct options *options, struct outcome *ret)
{
    struct error err = {.alert = -1};
    if (options_choose_prompt(options, isatty(STDIN_FILENO), &err) < 0 ||
        prepare_for_signals(options, &err) < 0 || keep_pipes(options, &err) < 0) {
        outcome_fail(ret, PHASE_OPTIONS, &err);
        output_refusal(options, ret);
        return;
    }
    if (options->report_html && output_html_check(options->report_html, &err) < 0) {
        outcome_fail(ret, PHASE_LOCAL, &err);
        output_refusal(options, ret);
        return;
    }
    if (options->insecure && options->mode != MODE_PATH)
        output_warn(options, "the server's certificate is not verified (--insecure)");
    modes[options->mode](options, ret);
}

/* The exit status. */
static int run(struct options *options)
{
    struct outcome outcome = {.result = RESULT_OK, .error.alert = -1};
    switch (options->action) {
    case OPTIONS_HELP:
        options_help(stdout);
        break;
    case OPTIONS_VERSION:
        print_version();
        break;
    case OPTIONS_RUN:
        run_mode(options, &outcome);
        break;
    }
    finish_output(options, &outcome);
    return options->nagios ? outcome_nagios_status(&outcome) : (int)outcome.result;
}

/* The command line is wrong; the options that can be read say how to print the error. */
static int refuse(int argc, char **argv, const struct error *err)
{
    struct options options;
    struct outcome outcome = {.error.alert = -1};
    options_glean(argc, argv, &options);
    outcome_fail(&outcome, PHASE_OPTIONS, err);
    output_refusal(&options, &outcome);
    finish_output(&options, &outcome);
    return options.nagios ? outcome_nagios_status(&outcome) : (int)outcome.result;
}

int main(int argc, char **argv)
{
    standard_fds_open(STANDARD_FDS_FAIL);
    tls_memory_watch();
    json_memory_watch();
    setlocale(LC_CTYPE, "");
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a failed write is reported by the exit status */
    interrupt_end_process_1();

    struct options options;
    struct error err;
    if (options_parse(argc, argv, &options, &err) < 0)
        return refuse(argc, argv, &err);
    return run(&options);
}
