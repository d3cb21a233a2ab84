/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/output.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "output_json.h"

#define NAME "tlsecho-client: "

void output_warn(const struct options *options, const char *text)
{
    if (options->verbosity > OPTIONS_QUIET)
        fprintf(stderr, NAME "warning: %s\n", text);
}

void output_notice(const struct options *options, const char *text)
{
    struct error ignored;
    output_flush(&ignored);
    if (options->verbosity > OPTIONS_QUIET)
        fprintf(stderr, NAME "%s\n", text);
}

int output_flush(struct error *err)
{
    static int failure; /* the first errno: stdio drops what it could not write, and the reason */
    if (fflush(stdout) && !failure)
        failure = errno;
    if (failure == EINTR) /* of interrupt.h: the write was blocked */
        return error_set(err, ERROR_SYSTEM,
                         "write standard output: interrupted, and nothing reads it");
    errno = failure;
    if (failure)
        return error_sys(err, "write standard output");
    if (ferror(stdout))
        return error_set(err, ERROR_SYSTEM, "write standard output: it is full or closed");
    return 0;
}

const char *output_phase_prefix(const struct outcome *outcome, bool after_word,
                                char ret[OUTPUT_PHASE_BYTES])
{
    const char *phase = phase_name(outcome->phase);
    bool said = outcome->phase == PHASE_OPTIONS || /* as for a wrong command line */
                strncmp(outcome->error.text, phase, strlen(phase)) == 0 ||
                (after_word && strcmp(phase, result_word(outcome->result)) == 0);
    snprintf(ret, OUTPUT_PHASE_BYTES, "%s%s", said ? "" : phase, said ? "" : ": ");
    return ret;
}

static void print_failure(const char *prefix, const struct outcome *outcome)
{
    struct error ignored;
    if (outcome->result == RESULT_OK)
        return;
    output_flush(&ignored); /* so that it follows what was printed before */
    fprintf(stderr, NAME "%s%s\n", prefix, outcome->error.text);
}

void output_failure(const struct outcome *outcome)
{
    char phase[OUTPUT_PHASE_BYTES];
    print_failure(output_phase_prefix(outcome, false, phase), outcome);
}

void output_failure_elsewhere(const struct outcome *outcome)
{
    print_failure("", outcome);
}

FILE *output_json_stream(const struct options *options)
{
    bool data = options->mode == MODE_PIPE || options->mode == MODE_PROMPT ||
                options->mode == MODE_SHOW_CERTS;
    return data ? stderr : stdout;
}

int output_finish(const struct options *options, struct error *err)
{
    if (options->json && output_json_stream(options) == stderr && ferror(stderr))
        return error_set(err, ERROR_SYSTEM, "write the JSON object to standard error");
    return output_flush(err) < 0 ? -1 : output_json_finish(err);
}
