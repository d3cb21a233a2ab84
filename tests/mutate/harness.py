# SPDX-License-Identifier: MIT
"""Links the unit tests of a build with a source that holds mutants, and runs them."""

import json
import os
import pathlib
import resource
import select
import shlex
import signal
import subprocess
import tempfile
import time
from typing import NamedTuple

from mutants import ENCODING

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
FILE_BYTES = 1 << 26
MEMORY_BYTES = 1 << 32
WAIT_S_MAX = 60
UNCHANGED_S = 120
SHORT_S = 0.1  # of tests that are tried before those that take longer
START_S = 0.1  # of a program, at most


class Failure(Exception):
    """What the user is told."""


class Unfit(Exception):
    """A test that fails without a mutant."""


class Times(NamedTuple):
    wall: float
    cpu: float


def call(command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                          **options)
    if done.returncode != 0:
        raise Failure(f"failed: {shlex.join(map(str, command))}\n{done.stdout}")
    return done.stdout


def chosen(tests):
    return {"TLSECHO_MUTANT_TESTS": f",{','.join(map(str, tests))},"}


def states_of(session):
    """{process: its state} of a session."""
    found = {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session:
            found[stat.parent.name] = fields[0]
    return found


class Build:
    """A configured and built tree, build/PRESET; work: a folder for what is made of it."""

    def __init__(self, preset, work):
        self.preset = preset
        self.work = pathlib.Path(work)
        self.folder = REPOSITORY / "build" / preset
        commands = self.folder / "compile_commands.json"
        if not commands.exists():
            raise Failure(f"{self.folder} is not built: cmake --preset {preset}")
        self.entries = {pathlib.Path(entry["file"]): entry for entry in json.loads(commands.read_text())}

    def entry(self, source):
        try:
            return self.entries[source]
        except KeyError:
            raise Failure(f"{source} is not a source of this build") from None

    def options(self, source):
        """Of the preprocessor and the language, which clang and gcc share."""
        words = shlex.split(self.entry(source)["command"])
        both = ("-I", "-D", "-isystem", "-std=", "-U")
        found = [f"-I{source.parent}"]
        for at, word in enumerate(words):
            if word.startswith(both):
                found.append(word)
                if word in ("-isystem", "-I", "-D"):
                    found.append(words[at + 1])
        return found

    def compile(self, source, text):
        """An object of that text, which stands for the source."""
        mutated, ret = self.work / source.name, self.work / (source.name + ".o")
        mutated.write_text(text, ENCODING)
        entry = self.entry(source)
        words = shlex.split(entry["command"])
        at = words.index("-o")
        del words[at:at + 2]
        words = [str(mutated) if word == str(source) else word for word in words if word != "-Werror"]
        call([*words, "-w", f"-I{source.parent}", "-o", str(ret)], cwd=entry["directory"])
        return ret

    def object_of(self, source):
        words = shlex.split(self.entry(source)["command"])
        return self.folder / words[words.index("-o") + 1]

    def functions_of(self, source):
        lines = call(["nm", "--defined-only", "-g", "-P", self.object_of(source)]).splitlines()
        return {line.split()[0] for line in lines if line.split()[1] in "TD"}

    def tests(self):
        """The source of each unit test that is built."""
        return sorted(path for path in self.entries
                      if (REPOSITORY / "tests" / "unit") in path.parents and self.program(path).exists())

    def program(self, test):
        return self.folder / "tests" / test.stem

    def links(self, test, functions):
        symbols = call(["nm", "--defined-only", "-g", "-P", self.program(test)])
        return bool(functions & {line.split()[0] for line in symbols.splitlines()})

    def link(self, test, mutated):
        target = f"tests/{test.stem}"
        command = call(["ninja", "-C", self.folder, "-t", "commands", "-s", target]).splitlines()[-1]
        ret = self.work / test.stem
        extra = f"{mutated} -Wl,--wrap=_ck_assert_failed,--wrap=_tcase_add_test,--strip-debug"
        call(["sh", "-c", command.replace(f" -o {target} ", f" {extra} -o {ret} ")], cwd=self.folder)
        return ret


class Program:
    """A unit test program that is linked with the mutants of a source. alive: those that are to be tried; mine: which
    of them it reaches."""

    def __init__(self, build, test, mutated, count, alive, pool):
        self.build = build
        self.name = test.stem
        self.path = build.link(test, mutated)
        self.count = count
        self.fork = "no"
        found = self.record({})
        if not found:
            self.fork = "yes"
            found = self.record({})
        if not found:
            raise Unfit(f"{test.stem} is left out: it fails without a mutant")
        seen, self.times = found
        self.mine = [number for number in sorted(alive) if seen[number]]
        tests = int.from_bytes(seen[count:], "little")
        worth = len(self.mine) * self.times.wall > tests * START_S
        self.tests = self.record_tests(tests, pool) if worth else []

    def record(self, more):
        """(what is reached, Times) without a mutant; None if it fails."""
        with tempfile.NamedTemporaryFile(dir=self.build.work) as seen:
            seen.write(bytes(self.count + 2))
            seen.flush()
            status, times = self.run({"TLSECHO_MUTANT_SEEN": seen.name, **more}, Times(UNCHANGED_S, UNCHANGED_S))
            return (pathlib.Path(seen.name).read_bytes(), times) if status == "passed" else None

    def record_tests(self, tests, pool):
        """[(number, what is reached, Times)] of each test of the program alone, the shortest first; [] if one fails
        alone."""
        found = list(pool.map(self.record, [chosen([number]) for number in range(tests)]))
        if not all(found):
            return []
        return sorted(((number, *of_one) for number, of_one in enumerate(found)), key=lambda test: test[2].wall)

    def try_mutant(self, number):
        """ "passed", "failed" or "hangs" """
        mutant = {"TLSECHO_MUTANT": str(number)}
        reached = [(test, times) for test, seen, times in self.tests if seen[number]]
        if not reached:
            return self.run(mutant, self.times)[0]
        short = 0
        while short < len(reached) and sum(times.wall for _, times in reached[:short + 1]) <= SHORT_S:
            short += 1
        for part in (reached[:short], reached[short:]):
            if part:
                usual = Times(sum(times.wall for _, times in part), sum(times.cpu for _, times in part))
                result, _ = self.run({**mutant, **chosen([test for test, _ in part])}, usual)
                if result != "passed":
                    return result
        return "passed"

    def remove(self):
        self.path.unlink()

    def environment(self, folder, more):
        return {"PATH": os.environ["PATH"], "HOME": folder, "TMPDIR": folder, "LC_ALL": "C.UTF-8",
                "CK_FORK": self.fork, "CK_VERBOSITY": "silent",
                "TLSECHO_SEED": "1", "TLSECHO_TEST_KEYS": str(self.build.folder / "tests" / "rsa_keys"),
                "ASAN_OPTIONS": "hard_rss_limit_mb=2048:symbolize=0", "LSAN_OPTIONS": "symbolize=0",
                "UBSAN_OPTIONS": "symbolize=0", **more}

    def run(self, more, usual):
        """("passed", "failed" or "hangs", its Times); usual: the Times without a mutant."""
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="tlsecho-mutate-") as folder:
            with subprocess.Popen([self.path], env=self.environment(folder, more), cwd=folder,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, start_new_session=True) as process:
                self.limit(process.pid, usual.cpu)
                try:
                    hangs = not self.wait(process, started, 3 * usual.wall + 1)
                finally:
                    self.end(process.pid)
                _, status, used = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
        times = Times(time.monotonic() - started, used.ru_utime + used.ru_stime)
        if hangs:
            return "hangs", times
        return "passed" if process.returncode == 0 else "failed", times

    def limit(self, process, usual_s):
        cpu = int(3 * usual_s) + 2
        try:
            resource.prlimit(process, resource.RLIMIT_CPU, (cpu, cpu))
            resource.prlimit(process, resource.RLIMIT_FSIZE, (FILE_BYTES, FILE_BYTES))
            resource.prlimit(process, resource.RLIMIT_CORE, (0, 0))
            if self.build.preset not in ("asan", "tsan", "coverage"):
                resource.prlimit(process, resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        except ProcessLookupError:
            pass  # it has ended

    def wait(self, process, started, limit):
        """Whether it ends. A process that could run, but gets no processor or waits for a disk, has more time."""
        ended = os.pidfd_open(process.pid)
        try:
            while not select.select([ended], [], [], limit)[0]:
                if time.monotonic() - started > WAIT_S_MAX or not self.is_runnable(process.pid):
                    return False
        finally:
            os.close(ended)
        return True

    @staticmethod
    def is_runnable(session):
        for _ in range(5):
            if {"R", "D"} & set(states_of(session).values()):
                return True
            time.sleep(0.02)
        return False

    @staticmethod
    def end(session):
        try:
            os.killpg(session, signal.SIGKILL)
        except ProcessLookupError:
            pass
