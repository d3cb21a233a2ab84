/* SPDX-License-Identifier: MIT */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <unistd.h>

#include "tlsecho/base/log.h"
#include "tlsecho/base/standard_fds.h"
#include "tlsecho/base/version.h"
#include "tlsecho/server/announce.h"
#include "tlsecho/server/config.h"
#include "tlsecho/server/config_load.h"
#include "tlsecho/server/config_snapshot.h"
#include "tlsecho/server/expiry.h"
#include "tlsecho/server/privilege.h"
#include "tlsecho/server/server.h"
#include "tlsecho/tls/tls_context.h"
#include "tlsecho/tls/tls_memory.h"

#define DEFAULT_FILE  "/etc/tlsecho/server.yaml"
#define SHORT_OPTIONS ":c:tTVh" /* ':' first: getopt returns ':' for a missing argument */

enum { EXIT_REFUSED = 1, EXIT_USAGE = 2, EXIT_CONFIG = 78 /* EX_CONFIG, sysexits.h(3head) */ };

enum action { ACTION_SERVE, ACTION_CHECK, ACTION_PRINT };

struct arguments {
    const char *file; /* NULL = the built-in default */
    enum action action;
};

static const char usage[] =
    "Usage: tlsecho-server [-c FILE] [-t | -T | -V | -h]\n"
    "Sends every byte back, over plain TCP, TLS or UDP. Runs in the foreground, logs to "
    "standard error.\n"
    "\n"
    "  -c, --config FILE    YAML, - = standard input; without it: " DEFAULT_FILE "\n"
    "                       if it exists, else tcp://localhost:7007 and tls://localhost:7443\n"
    "  -t, --check-config   check the configuration, its certificates and keys; exit 0 or 78\n"
    "  -T, --print-config   print the effective configuration\n"
    "  -V, --version        print versions\n"
    "  -h, --help           print this help\n";

static void print_version(void)
{
    char features[PRIVILEGE_FEATURES_BYTES];
    privilege_features(features);
    printf("tlsecho-server %s\nbuilt with %s\nrunning with %s\noffers %s\nsandbox %s\n",
           tlsecho_version, tls_version_built(), tls_version_running(), tls_features(), features);
}

static int report(const struct error *err)
{
    fprintf(stderr, "tlsecho-server: %s\n", err->text);
    return err->kind == ERROR_INPUT && !error_is_temporary(err) ? EXIT_CONFIG : EXIT_REFUSED;
}

static noreturn void refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));

static noreturn void refuse(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("tlsecho-server: ", stderr);
    vfprintf(stderr, format, args);
    fputs("; tlsecho-server --help lists the options\n", stderr);
    va_end(args);
    exit(EXIT_USAGE);
}

/* getopt_long(3) returned `answer`, which is none of our options. */
static noreturn void refuse_option(int answer, char **argv)
{
    if (answer == ':')
        refuse("-%c needs an argument: FILE", optopt);
    if (optopt && strchr(SHORT_OPTIONS, optopt))
        refuse("-%c takes no argument", optopt);
    if (optopt)
        refuse("unknown option -%c", optopt);
    refuse("unknown option %s", argv[optind - 1]);
}

/* Parses the command line. Ends the program for -V, -h and errors. */
static struct arguments parse_arguments(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"check-config", no_argument, NULL, 't'},
        {"print-config", no_argument, NULL, 'T'}, {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
    };
    struct arguments a = {.action = ACTION_SERVE};
    int option;
    opterr = 0;
    while ((option = getopt_long(argc, argv, SHORT_OPTIONS, options, NULL)) != -1) {
        switch (option) {
        case 'c':
            if (*optarg == '\0')
                refuse("-c needs an argument: FILE");
            a.file = optarg;
            break;
        case 't':
            a.action = ACTION_CHECK;
            break;
        case 'T':
            a.action = ACTION_PRINT;
            break;
        case 'V':
            print_version();
            exit(EXIT_SUCCESS);
        case 'h':
            fputs(usage, stdout);
            exit(EXIT_SUCCESS);
        default:
            refuse_option(option, argv);
        }
    }
    if (optind < argc)
        refuse("unexpected argument '%s': a configuration is named with -c", argv[optind]);
    if (!a.file && access(DEFAULT_FILE, F_OK) == 0)
        a.file = DEFAULT_FILE;
    return a;
}

static int load_config(const struct arguments *a, struct config **ret, struct error *err)
{
    return a->file ? config_load(a->file, ret, err) : config_default(ret, err);
}

/* systemd.exec(5): several directories are separated by colons; the first is ours. */
static int find_state_directory(char **ret, struct error *err)
{
    const char *all = getenv("STATE_DIRECTORY");
    *ret = all && *all ? strndup(all, strcspn(all, ":")) : NULL;
    return all && *all && !*ret ? error_sys(err, "memory for STATE_DIRECTORY") : 0;
}

/* Warnings go where the server would log them. Takes the draft over. */
static int check(const struct arguments *a, const struct config_snapshot *draft)
{
    log_open(STDERR_FILENO, LOG_LEVEL_WARNING, draft->config->log.format);
    announce_warnings(draft);
    expiry_log(draft);
    log_close();
    config_snapshot_free(draft);
    printf("%s: the configuration is valid\n", a->file ? a->file : "built-in default");
    return EXIT_SUCCESS;
}

/* Takes the draft over. */
static int serve(const struct config_snapshot *draft, struct error *err)
{
    const struct config *config = draft->config;
    log_open(STDERR_FILENO, config->log.level, config->log.format);
    log_identify(&config->identity.effective);
    char *state;
    int result = find_state_directory(&state, err);
    if (result == 0)
        result = server_run(draft, state, err);
    else
        config_snapshot_free(draft);
    free(state);
    log_close();
    return result;
}

int main(int argc, char **argv)
{
    standard_fds_open(STANDARD_FDS_NULL);
    tls_memory_watch();
    server_hold_signals();
    struct arguments a = parse_arguments(argc, argv);
    if (a.action != ACTION_SERVE)
        server_release_signals();
    struct error err;
    struct config *config;
    const struct config_snapshot *draft;
    if (privilege_forbid_dumps(&err) < 0 || load_config(&a, &config, &err) < 0)
        return report(&err);
    if (a.action == ACTION_PRINT) {
        config_print(config, stdout);
        config_free(config);
        return EXIT_SUCCESS;
    }

    if (config_snapshot_draft(config, &draft, &err) < 0)
        return report(&err);
    if (a.action == ACTION_SERVE)
        return serve(draft, &err) < 0 ? report(&err) : EXIT_SUCCESS;
    return check(&a, draft);
}
