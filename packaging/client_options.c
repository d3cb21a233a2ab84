/* SPDX-License-Identifier: MIT */
/*
 * What is made of the client's table of options beside its --help, so that it is always up to date:
 *
 *     man   copies the source of tlsecho-client(1) from standard input to standard output, and puts
 *           every option in the place of the line OPTIONS, every finding of --path in that of
 *           FINDINGS
 *     bash, zsh   the completion for that shell
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options_internal.h"
#include "tlsecho/client/path.h"

enum { LINE_BYTES = 4096, TEXT_BYTES = 256 };

/* Text as scdoc(5) takes it literally. */
static void print_literal(const char *text)
{
    for (const char *c = text; *c; c++) {
        if (strchr("\\*_[]|<>#~`", *c))
            putchar('\\');
        putchar(*c);
    }
}

/* "*-c*, *--count* _N_" */
static void print_option(const struct option_row *row)
{
    putchar('\n');
    if (row->short_name)
        printf("*-%c*, ", row->short_name);
    printf("*--%s*", row->name);
    if (row->argument) {
        fputs(row->optional ? "=_" : " _", stdout);
        print_literal(row->argument);
        putchar('_');
    }
    printf("\n\t%c", toupper((unsigned char)row->help[0]));
    print_literal(row->help + 1);
    fputs(".\n", stdout);
}

static void print_options(void)
{
    unsigned modes = 0;
    for (int i = 0; i < option_rows_count; i++) {
        const struct option_row *row = &option_rows[i];
        bool choice = row->role == OPTION_CHOOSES_MODE;
        char text[TEXT_BYTES];
        option_modes_text(row->modes, text, sizeof text);
        if (i == 0 && choice)
            puts("## What to do");
        else if (row->modes == 0 && !choice && option_rows[i - 1].role == OPTION_CHOOSES_MODE)
            puts("\n## Everywhere");
        else if (row->modes != modes)
            printf("\n## With %s\n", text);
        modes = row->modes;
        print_option(row);
    }
}

static void print_findings(void)
{
    for (size_t i = 0; i < path_finding_kinds_count; i++) {
        const struct path_finding_kind *kind = &path_finding_kinds[i];
        char remedy[PATH_SENTENCE_BYTES];
        path_fill_in(kind->remedy, kind->value, remedy);
        printf("%s*%s* (stage _%s_)\n\t%c", i ? "\n" : "", kind->name, kind->stage,
               toupper((unsigned char)*kind->meaning));
        print_literal(kind->meaning + 1);
        fputs(". Remedy: ", stdout);
        print_literal(remedy);
        fputs(". To reproduce it: ", stdout);
        print_literal(kind->reproduce);
        puts(".");
    }
}

static void print_man(void)
{
    char line[LINE_BYTES];
    while (fgets(line, sizeof line, stdin)) {
        if (strcmp(line, "OPTIONS\n") == 0)
            print_options();
        else if (strcmp(line, "FINDINGS\n") == 0)
            print_findings();
        else
            fputs(line, stdout);
    }
}

static bool takes_file(const struct option_row *row)
{
    return row->argument && strcmp(row->argument, "FILE") == 0;
}

static bool takes_word(const struct option_row *row)
{
    return row->argument && strchr(row->argument, '|');
}

/* "echo upper none" of "echo|upper|none" */
static void print_words(const char *alternatives)
{
    for (; *alternatives; alternatives++)
        putchar(*alternatives == '|' ? ' ' : *alternatives);
}

static void print_case(const struct option_row *row)
{
    fputs("    ", stdout);
    if (row->short_name)
        printf("-%c | ", row->short_name);
    printf("--%s) ", row->name);
    if (takes_file(row)) {
        fputs("compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$word\")", stdout);
    } else if (takes_word(row)) {
        fputs("mapfile -t COMPREPLY < <(compgen -W \"", stdout);
        print_words(row->argument);
        fputs("\" -- \"$word\")", stdout);
    } else {
        fputs("COMPREPLY=()", stdout);
    }
    puts(" ;;");
}

static void print_bash(void)
{
    puts("# SPDX-License-Identifier: MIT\n"
         "# bash completion of tlsecho-client(1), made of its table of options\n"
         "_tlsecho_client() {\n"
         "    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}\n"
         "    # bash takes --option=word apart at the sign\n"
         "    if [ \"$word\" = = ]; then\n"
         "        word=\n"
         "    elif [ \"$previous\" = = ]; then\n"
         "        previous=${COMP_WORDS[COMP_CWORD - 2]}\n"
         "    fi\n"
         "    case $previous in");
    for (int i = 0; i < option_rows_count; i++)
        if (option_rows[i].argument)
            print_case(&option_rows[i]);
    puts("    *)\n"
         "        if [[ $word != -* ]]; then\n"
         "            mapfile -t COMPREPLY < <(compgen -A hostname -- \"$word\")\n"
         "            return\n"
         "        fi\n"
         "        mapfile -t COMPREPLY < <(compgen -W \"");
    for (int i = 0; i < option_rows_count; i++) {
        const struct option_row *row = &option_rows[i];
        if (row->short_name)
            printf("            -%c --%s\n", row->short_name, row->name);
        else
            printf("            --%s\n", row->name);
    }
    puts("            \" -- \"$word\")\n"
         "        ;;\n"
         "    esac\n"
         "}\n"
         "complete -F _tlsecho_client tlsecho-client");
}

/* In single quotes, within the brackets of _arguments. */
static void print_zsh_help(const char *text)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\'", stdout);
        else if (strchr("[]:", *text))
            putchar('\\');
        putchar(*text);
    }
}

static void print_zsh_argument(const struct option_row *row)
{
    if (!row->argument)
        return;
    printf(":%s:", takes_word(row) ? "word" : row->argument);
    if (takes_file(row)) {
        fputs("_files", stdout);
    } else if (takes_word(row)) {
        putchar('(');
        print_words(row->argument);
        putchar(')');
    }
}

static void print_zsh_option(const struct option_row *row)
{
    const char *joint = row->optional ? "=-" : row->argument ? "=" : "";
    if (row->short_name)
        printf("    '(-%c --%s)'{-%c%s,--%s%s}'[", row->short_name, row->name, row->short_name,
               row->argument ? "+" : "", row->name, joint);
    else
        printf("    '--%s%s[", row->name, joint);
    print_zsh_help(row->help);
    putchar(']');
    print_zsh_argument(row);
    puts("' \\");
}

static void print_zsh(void)
{
    puts("#compdef tlsecho-client\n"
         "# SPDX-License-Identifier: MIT\n"
         "# Made of the table of options of tlsecho-client(1).\n"
         "_arguments -s \\");
    for (int i = 0; i < option_rows_count; i++)
        print_zsh_option(&option_rows[i]);
    puts("    '1:host:_hosts' '2:port:'");
}

int main(int argc, char **argv)
{
    const char *what = argc == 2 ? argv[1] : "";
    if (strcmp(what, "man") == 0)
        print_man();
    else if (strcmp(what, "bash") == 0)
        print_bash();
    else if (strcmp(what, "zsh") == 0)
        print_zsh();
    else
        return EXIT_FAILURE;
    return fflush(stdout) || ferror(stdin) ? EXIT_FAILURE : EXIT_SUCCESS;
}
