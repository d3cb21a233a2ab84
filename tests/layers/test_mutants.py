# SPDX-License-Identifier: MIT
"""scripts/mutate: how a source and its mutants become one, and that explained.txt and guarded.txt name what
there is."""

import pathlib
import re
import sys
import tempfile
import unittest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "tests" / "mutate"))

import explained  # noqa: E402
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
