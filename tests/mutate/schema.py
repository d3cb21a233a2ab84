# SPDX-License-Identifier: MIT
"""A source that holds all of its mutants, of which the environment chooses one when a program starts:

    TLSECHO_MUTANT       the number of the mutant; without it the source behaves as it is written
    TLSECHO_MUTANT_SEEN  a file with a byte for each mutant, set to 1 once its place is reached, and behind them two
                         of the number of tests of the program, the low one first
    TLSECHO_MUTANT_TESTS the tests that run, by number, such as ",0,4,"; without it all of them. Each turn of a short
                         loop is a test
"""

BEGINNING = r"""
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
static int mutant_chosen = -1;
static unsigned char mutant_unseen[%(count)d + 2], *mutant_seen = mutant_unseen;
#define MUTANT(n) (mutant_seen[n] = 1, mutant_chosen == (n))
__attribute__((constructor)) static void mutant_choose(void)
{
    const char *chosen = getenv("TLSECHO_MUTANT"), *seen = getenv("TLSECHO_MUTANT_SEEN");
    mutant_chosen = chosen ? atoi(chosen) : -1;
    int fd = seen ? open(seen, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *map = mmap(NULL, %(count)d + 2, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map != MAP_FAILED)
        mutant_seen = map;
    close(fd);
}
/* Instead of Check's: the first failure decides, also where each test has a process of its own. */
void __wrap__ck_assert_failed(const char *file, int line, const char *text, ...);
void __wrap__ck_assert_failed(const char *file, int line, const char *text, ...)
{
    (void)file, (void)line, (void)text;
    const char *fork = getenv("CK_FORK");
    if (fork && strcmp(fork, "yes") == 0)
        kill(getppid(), SIGKILL);
    _exit(1);
}
void __real__tcase_add_test(void *tcase, const void *test, int signal, int status, int start, int end);
void __wrap__tcase_add_test(void *tcase, const void *test, int signal, int status, int start, int end);
void __wrap__tcase_add_test(void *tcase, const void *test, int signal, int status, int start, int end)
{
    static int count;
    const char *wanted = getenv("TLSECHO_MUTANT_TESTS");
    char number[16];
    int step = end - start <= 4 ? 1 : end - start;
    for (int at = start; at < end; at += step) {
        snprintf(number, sizeof number, ",%%d,", count++);
        if (!wanted || strstr(wanted, number))
            __real__tcase_add_test(tcase, test, signal, status, at, at + step);
    }
    mutant_seen[%(count)d] = (unsigned char)count;
    mutant_seen[%(count)d + 1] = (unsigned char)(count >> 8);
}
#line 1 "%(path)s"
"""


def groups_of(mutants):
    """{(start, end): the numbers of the mutants of that text}, outer ones first."""
    groups = {}
    for number, mutant in enumerate(mutants):
        groups.setdefault((mutant.start, mutant.end), []).append(number)
    return groups


def is_jump(text):
    return text.split()[0] in ("break", "continue", "goto")


def wrapped(text, original, numbers, mutants):
    """text: the original, with the mutants of its parts."""
    statement = any(mutants[number].statement for number in numbers)
    if statement and is_jump(original):
        return f"if (MUTANT({numbers[0]})) {{}} else {text}"
    void = "(void)" if statement else ""
    choices = "".join(f"MUTANT({number}) ? {void}({mutants[number].change or 0}) : " for number in numbers)
    return f"({choices}{void}({text}))"


def render(source, mutants):
    groups = sorted(groups_of(mutants).items(), key=lambda item: (item[0][0], -item[0][1]))

    def part(start, end, inner):
        """The text from start to end, with the groups of `inner`, all of which lie within it."""
        out, at = [], start
        while inner:
            (first, last), numbers = inner[0]
            within = [item for item in inner[1:] if item[0][0] < last]
            inner = inner[1 + len(within):]
            out.append(source[at:first])
            out.append(wrapped(part(first, last, within), source[first:last], numbers, mutants))
            at = last
        return "".join(out) + source[at:end]

    return part(0, len(source), groups)


def schema_of(source, mutants, path):
    return BEGINNING % {"count": len(mutants), "path": path} + render(source, mutants)
