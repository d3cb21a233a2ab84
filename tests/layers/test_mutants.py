# SPDX-License-Identifier: MIT
"""scripts/mutate: how a source and its mutants become one, and that explained.txt and guarded.txt name what
there is, and what the exit status tells."""

import contextlib
import io
import pathlib
import re
import sys
import tempfile
import unittest
from types import SimpleNamespace
from unittest import mock

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "tests" / "mutate"))

import explained  # noqa: E402
import mutate  # noqa: E402
import schema  # noqa: E402
from mutants import Mutant  # noqa: E402

GUARDED = REPOSITORY / "tests" / "mutate" / "guarded.txt"


def mutant(source, text, change, statement=False):
    start = source.index(text)
    return Mutant(start, start + len(text), change, statement, "f", 1)


class Schema(unittest.TestCase):
    def test_mutants_of_one_text_are_alternatives(self):
        source = "if (a < b)"
        mutants = [mutant(source, "a < b", "a <= b"), mutant(source, "a < b", "true")]
        self.assertEqual(schema.render(source, mutants),
                         "if ((MUTANT(0) ? (a <= b) : MUTANT(1) ? (true) : (a < b)))")

    def test_a_part_has_its_mutants_within_those_of_the_whole(self):
        source = "if (a && b < 2)"
        mutants = [mutant(source, "a && b < 2", "!!(a)"), mutant(source, "2", "3")]
        self.assertEqual(schema.render(source, mutants),
                         "if ((MUTANT(0) ? (!!(a)) : (a && b < (MUTANT(1) ? (3) : (2)))))")

    def test_a_removed_statement_keeps_its_semicolon_and_else(self):
        source = "if (a) f(); else break;"
        mutants = [mutant(source, "f()", "", True), mutant(source, "break", "", True)]
        self.assertEqual(schema.render(source, mutants),
                         "if (a) (MUTANT(0) ? (void)(0) : (void)(f())); else if (MUTANT(1)) {} else break;")


class Explained(unittest.TestCase):
    def test_the_same_text_twice_in_a_function_has_two_keys(self):
        source = "a < b; a < b"
        mutants = [Mutant(0, 5, "a <= b", False, "f", 1), Mutant(7, 12, "a <= b", False, "f", 1)]
        self.assertEqual(explained.keys_of(mutants, source),
                         ["f: `a < b` => `a <= b`", "f: `a < b` => `a <= b` #2"])

    def test_each_line_of_it_names_a_text_of_its_function(self):
        for name, reasons in explained.read().items():
            text = " ".join((REPOSITORY / name).read_text().split())
            for key in reasons:
                with self.subTest(name, key=key):
                    function, original = re.match(r"(\w+): `([^`]*)`", key).groups()
                    self.assertIn(f"{function}(", text)
                    self.assertIn(original.removesuffix("..."), text)

    def test_a_line_without_a_reason_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "explained.txt"
            path.write_text("src/a.c\n    f: `a` => `b`:\n")
            with self.assertRaises(explained.Malformed):
                explained.read(path)


class Status(unittest.TestCase):
    def close(self, untried=0, survived=(), problems=()):
        """(status, what is printed)"""
        report, out = mutate.Report(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            report.add("src/a.c", 3, list(survived), {}, 1)
            report.untried, report.survived, report.problems = untried, list(survived), list(problems)
            return report.close(), out.getvalue()

    def test_it_is_0_only_if_all_were_tried_and_noticed(self):
        self.assertEqual(self.close()[0], 0)
        self.assertEqual(self.close(survived=["f: `a` => `b`"])[0], 1)
        self.assertEqual(self.close(problems=["x"])[0], 1)

    def test_mutants_that_were_not_tried_are_counted_and_are_no_success(self):
        status, text = self.close(untried=7)
        self.assertEqual(status, 3)
        self.assertIn("mutate: 7 of 10 mutants of the changed lines were not tried", text.splitlines()[-1])
        self.assertEqual(self.close(untried=7, survived=["f: `a` => `b`"])[0], 1)

    def test_one_that_the_time_was_too_short_for_is_not_reported_as_survived(self):
        class Build:
            preset = "dev"

            def compile(self, *_):
                return None

        report, out = mutate.Report(), io.StringIO()
        source = SimpleNamespace(name="src/a.c", path=None, text="", mutants=[None], keys=["f: `a` => `b`"],
                                 line=lambda number: f"src/a.c:{number}")
        args = SimpleNamespace(jobs=1, reach=3, verbose=False)
        with contextlib.redirect_stdout(out), mock.patch.object(mutate, "order_of", return_value=["a test"]), \
                mock.patch.object(mutate.schema, "schema_of"):
            mutate.try_file([Build()], source, [0], {}, args, report, deadline=0)
        self.assertEqual((report.untried, report.survived), (1, []))


class Arguments(unittest.TestCase):
    def refused(self, *arguments):
        """What is printed."""
        out = io.StringIO()
        with contextlib.redirect_stderr(out), self.assertRaises(SystemExit) as ended:
            mutate.read_arguments(arguments)
        self.assertEqual(ended.exception.code, 2)
        return out.getvalue()

    def test_a_wrong_one_is_named(self):
        for arguments, message in ((["nosuch.c"], "'nosuch.c' is no C source of src"),
                                   ([str(REPOSITORY / "README.md")], "README.md' is no C source of src"),
                                   ([str(REPOSITORY / "tests/unit/test_explore.c")], "is no C source of src"),
                                   (["--jobs", "x"], "argument --jobs: 'x' is no whole number above 0"),
                                   (["--jobs", "0"], "argument --jobs: '0' is no whole number above 0"),
                                   (["--preset", "nosuch"], "argument --preset: invalid choice: 'nosuch'"),
                                   (["--preset"], "argument --preset: expected one argument"),
                                   (["--changed", "HEAD", self.source()], "--changed REF has no FILE")):
            with self.subTest(arguments):
                self.assertIn(message, self.refused(*arguments))

    def source(self):
        return str(next((REPOSITORY / "src").rglob("*.c")))

    def test_a_file_is_named_from_the_top_of_the_clone(self):
        source = self.source()
        self.assertEqual(mutate.read_arguments([source]).files, [str(pathlib.Path(source).relative_to(REPOSITORY))])


class Guarded(unittest.TestCase):
    def test_each_pattern_matches_a_source_and_each_test_exists(self):
        for line in GUARDED.read_text().splitlines():
            if line and not line.startswith("#"):
                with self.subTest(line):
                    pattern, size, *tests = line.split()
                    self.assertTrue(list(REPOSITORY.glob(pattern)))
                    self.assertRegex(size, r"^(all|\d+)$")
                    for test in tests:
                        self.assertTrue(list(REPOSITORY.glob(f"tests/unit/**/{test}.c")), test)


if __name__ == "__main__":
    unittest.main()
