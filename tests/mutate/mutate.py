#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Changes the sources, and reports which changes no unit test notices.

    mutate.py [--sample N] [--seed N] [OPTION...] [FILE...]
    mutate.py --changed REF [--most N] [--seconds N] [OPTION...]
    mutate.py --list FILE...
    OPTION: --preset PRESET, --reach N, --jobs N, --verbose; -h tells what each is for

All mutants of a file are in one object (schema.py), which is linked with the unit tests in place of the file's own:
with those of its module and those that guarded.txt names, of the modules that it is a part of, of its room, and, only
with --reach 4, all others that link it, which take long. Each runs the mutants whose place it reaches, the shortest of
its tests first, until one fails or hangs, which is to take three times as long as without a mutant.
What survives with one preset is tried with the next: dev is fast, asan finds more. explained.txt has the mutants
that may survive.

Without FILE: the files of guarded.txt.

Exit status: 0 each mutant was noticed or is explained; 1 one was not, or explained.txt is wrong; 3 each that was tried
was noticed, but --changed left others untried, which the last line counts.
"""

import argparse
import collections
import concurrent.futures
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import time

import explained
import harness
import mutants
import schema
from harness import REPOSITORY

UNTRIED = 3  # the exit status
PRESETS = ("dev", "asan")
GUARDED = pathlib.Path(__file__).resolve().parent / "guarded.txt"


class Source:
    """A C source and its mutants."""

    def __init__(self, builds, name):
        build = builds[0]
        self.name = name
        self.path = REPOSITORY / name
        self.text = self.path.read_text(mutants.ENCODING)
        tree = mutants.tree_of(build.options(self.path), self.path)
        self.mutants = mutants.mutants_of(tree, self.text)
        self.tests = guarded().get(name, (None, []))[1]
        self.keys = explained.keys_of(self.mutants, self.text)

    def line(self, number):
        return f"{self.name}:{self.mutants[number].line} {self.keys[number]}"


class Report:
    def __init__(self):
        self.mutants = self.killed = self.explained = self.untried = 0
        self.survived = []
        self.problems = []

    def add(self, name, killed, survived, reasons, seconds):
        known = sum(1 for key in survived if key in reasons)
        count = killed + len(survived)
        self.mutants += count
        self.killed += killed
        self.explained += known
        print(f"{name}: {count} mutants, {killed} killed ({100 * killed / max(count, 1):.1f} %), "
              f"{known} explained, {len(survived) - known} survived, {seconds:.0f} s", flush=True)

    def close(self):
        print(f"in all: {self.mutants} mutants, {self.killed} killed "
              f"({100 * self.killed / max(self.mutants, 1):.1f} %), {self.explained} explained, "
              f"{len(self.survived)} survived")
        for problem in self.problems:
            print(f"mutate: {problem}", file=sys.stderr, flush=True)
        if self.untried:
            print(f"mutate: {self.untried} of {self.mutants + self.untried} mutants of the changed lines were not "
                  "tried with all of their tests: raise --most or --seconds")
        if self.survived or self.problems:
            return 1
        return UNTRIED if self.untried else 0


def order_of(build, source, reach):
    """The tests of the file's module and those that guarded.txt names, of the modules that it is part of, of its
    room, and of the others; not those beyond `reach` of these four."""
    room = pathlib.Path("tests/unit") / pathlib.Path(source.name).relative_to("src").parent
    stem = pathlib.Path(source.name).stem
    functions = build.functions_of(source.path)

    def rank(test):
        name = test.stem.removeprefix("test_")
        if test.stem in source.tests:
            return 1, source.tests.index(test.stem)
        if name.endswith("_orders"):
            return 4, 1  # minutes, as each of its runs is long
        if name.startswith(stem) and test.parent == REPOSITORY / room:
            return 1, -1
        if stem.startswith(name):
            return 2, 0
        return (3 if test.parent == REPOSITORY / room else 4), 0

    found = [test for test in build.tests() if rank(test)[0] <= reach]
    return sorted((test for test in found if build.links(test, functions)), key=rank)


def kill(build, source, chosen, args, report, deadline):
    """Returns (the numbers that survive, those of them that a test has not tried as the time was over)."""
    alive, untried = set(chosen), set()
    if not alive:
        return alive, untried
    mutated = build.compile(source.path, schema.schema_of(source.text, source.mutants, source.name))
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for test in order_of(build, source, args.reach):
            if not alive:
                break
            if time.monotonic() > deadline:
                untried = set(alive)
                break
            started = time.monotonic()
            try:
                program = harness.Program(build, test, mutated, len(source.mutants), alive, pool)
            except harness.Unfit as unfit:
                report.problems.append(str(unfit))
                continue

            def attempt(number, program=program):
                if time.monotonic() > deadline:
                    return None
                return program.try_mutant(number)

            recorded = time.monotonic()
            results = dict(zip(program.mine, pool.map(attempt, program.mine)))
            untried |= {number for number, result in results.items() if result is None}
            alive -= {number for number, result in results.items() if result in ("failed", "hangs")}
            if args.verbose:
                count = collections.Counter(results.values())
                forks = ", each test in a process" if program.fork == "yes" else ""
                print(f"  {build.preset} {test.stem}: takes {program.times.wall:.2f} s{forks}; "
                      f"{recorded - started:.1f} s to link and record, {time.monotonic() - recorded:.1f} s for "
                      f"{len(results)} mutants: {count['failed']} fail, {count['hangs']} hang", flush=True)
            program.remove()
    return alive, untried & alive


def try_file(builds, source, chosen, reasons, args, report, deadline=float("inf")):
    started = time.monotonic()
    alive, untried = set(chosen), set()
    explained_ones = {number for number in chosen if source.keys[number] in reasons}
    for turn, build in enumerate(builds):
        tried = alive if turn == 0 else alive - explained_ones
        left, more = kill(build, source, tried, args, report, deadline)
        alive -= tried - left
        untried |= more
    untried &= alive
    survived = sorted(alive - untried)
    report.add(source.name, len(chosen) - len(alive), [source.keys[number] for number in survived], reasons,
               time.monotonic() - started)
    for number in survived:
        if source.keys[number] not in reasons:
            print(f"  survived: {source.line(number)}")
            report.survived.append(source.line(number))
    for number in sorted(untried):
        print(f"  not decided in the time: {source.line(number)}")
    report.untried += len(untried)
    for number in sorted(explained_ones - alive):
        if reasons[source.keys[number]].startswith(explained.RACE):
            continue
        report.problems.append(f"explained.txt: a test fails with {source.line(number)}: remove the line")


def check_keys(source, reasons, report):
    for key in reasons:
        if key not in source.keys:
            report.problems.append(f"explained.txt: {source.name} has no mutant {key}: change or remove the line")


def sample(source, count, seed):
    numbers = list(range(len(source.mutants)))
    if count is None or count >= len(numbers):
        return numbers
    return sorted(random.Random(f"{seed}:{source.name}").sample(numbers, count))


def guarded():
    """{file: (size of the sample or None, names of tests)} of guarded.txt."""
    found = {}
    for line in GUARDED.read_text().splitlines():
        if line and not line.startswith("#"):
            pattern, size, *tests = line.split()
            names = sorted(str(path.relative_to(REPOSITORY)) for path in REPOSITORY.glob(pattern))
            if not names:
                raise harness.Failure(f"{GUARDED.name}: no file matches {pattern}")
            for name in names:
                found.setdefault(name, (None if size == "all" else int(size), tests))
    return found


def changed_lines(ref):
    """{source: its lines that differ from that commit}"""
    done = subprocess.run(["git", "diff", "-U0", "--no-color", "--diff-filter=d", ref, "--", "src"],
                          cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, check=True)
    found, current = {}, set()
    for line in done.stdout.splitlines():
        if line.startswith("+++ "):
            current = found.setdefault(line.removeprefix("+++ b/"), set())
        hunk = re.match(r"@@ -\S+ \+(\d+)(?:,(\d+))? @@", line)
        if hunk:
            first, count = int(hunk[1]), int(hunk[2] or 1)
            current.update(range(first, first + count))
    return {name: lines for name, lines in found.items() if lines and name.endswith(".c")}


def builds_of(args, work):
    return [harness.Build(preset, work) for preset in args.preset or PRESETS]


def try_changed(args, work, report):
    lines = changed_lines(args.changed)
    if not lines:
        print(f"mutate: nothing to do: no source differs from {args.changed}")
        return
    builds, reasons = builds_of(args, work), explained.read()
    report.problems += [f"no mutant of {name} was tried: it is not a source of this build"
                        for name in sorted(lines) if REPOSITORY / name not in builds[0].entries]
    sources = [Source(builds, name) for name in sorted(lines) if REPOSITORY / name in builds[0].entries]
    left = [(source, number) for source in sources for number, mutant in enumerate(source.mutants)
            if mutant.line in lines[source.name] and source.keys[number] not in reasons.get(source.name, {})]
    if len(left) > args.most:
        report.untried += 0 if args.list else len(left) - args.most
        left = random.Random(args.seed).sample(left, args.most)
    deadline = time.monotonic() + args.seconds  # reading the sources takes seconds too, and tries nothing
    for source in sources:
        chosen = sorted(number for other, number in left if other is source)
        if args.list:
            for number in chosen:
                print(source.line(number))
        elif chosen:
            try_file(builds, source, chosen, {}, args, report, deadline)


def try_files(args, work, report):
    builds, reasons = builds_of(args, work), explained.read()
    files = [(name, args.sample) for name in args.files] or [(name, size) for name, (size, _) in guarded().items()]
    for name, count in files:
        source = Source(builds, name)
        check_keys(source, reasons.get(source.name, {}), report)
        if args.list:
            for number in range(len(source.mutants)):
                print(source.line(number))
        else:
            try_file(builds, source, sample(source, count, args.seed), reasons.get(source.name, {}), args, report)


def positive(text):
    if not re.fullmatch(r"0*[1-9]\d{0,8}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


def source_name(text):
    """The file, from the top of the clone."""
    path = pathlib.Path(text).resolve()
    if not path.is_file() or path.suffix != ".c" or REPOSITORY / "src" not in path.parents:
        raise argparse.ArgumentTypeError(f"{text!r} is no C source of src: give some, such as src/net/socket.c")
    return str(path.relative_to(REPOSITORY))


def read_arguments(arguments=None):
    parser = argparse.ArgumentParser(prog="mutate", usage="scripts/mutate [OPTION...] [FILE...]", allow_abbrev=False)
    parser.add_argument("files", nargs="*", type=source_name, metavar="FILE",
                        help="a C source of src; by default those of guarded.txt")
    parser.add_argument("--preset", action="append", choices=PRESETS,
                        help="the build whose tests run; what survives with one is tried with the next; by default "
                             "dev and then asan, with --changed dev only")
    parser.add_argument("--sample", type=positive, metavar="N", help="so many mutants of each FILE, chosen at random")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="other mutants for --sample and --most")
    parser.add_argument("--reach", type=int, choices=(1, 2, 3, 4), default=3,
                        help="1: the tests of the module; 2: and of those that it is a part of; 3: and of its room, "
                             "the default; 4: and all others that link it, which take long")
    parser.add_argument("--jobs", type=positive, default=os.cpu_count(), metavar="N",
                        help="mutants at once; by default one for each processor")
    parser.add_argument("--changed", metavar="REF", help="the lines that differ from this commit, and no FILE")
    parser.add_argument("--most", type=positive, default=40, metavar="N",
                        help="with --changed, so many mutants at most; by default 40")
    parser.add_argument("--seconds", type=positive, default=20, metavar="N",
                        help="with --changed, for so long at most; by default 20")
    parser.add_argument("--list", action="store_true", help="print the mutants, and try none")
    parser.add_argument("--verbose", action="store_true", help="tell of each test what it noticed")
    parser.add_argument("--check", action="store_true", help="only whether these arguments are right")
    args = parser.parse_args(arguments)
    if args.files and args.changed is not None:
        parser.error("--changed REF has no FILE: it is for all sources that differ")
    return args


def main():
    args = read_arguments()
    if args.check:
        return 0
    report = Report()
    try:
        with tempfile.TemporaryDirectory(prefix="mutate-", dir=REPOSITORY / "build") as work:
            (try_files if args.changed is None else try_changed)(args, work, report)
    except (harness.Failure, explained.Malformed) as failure:
        sys.exit(f"mutate: {failure}")
    if not args.list:
        return report.close()
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main())
