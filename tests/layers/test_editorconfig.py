# SPDX-License-Identifier: MIT
"""The files of the project follow .editorconfig."""

import configparser
import fnmatch
import pathlib
import re
import unittest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = (".ci", ".github", ".gitlab", "bench", "certs", "cmake", "config", "docs", "include",
           "packaging", "scripts", "src", "tests")


def expanded(glob):
    """Expands one `{a,b}`; .editorconfig uses no other pattern."""
    braces = re.fullmatch(r"(.*)\{(.+)\}(.*)", glob)
    if not braces:
        return [glob]
    before, inside, after = braces.groups()
    return [before + choice + after for choice in inside.split(",")]


def rules_of(text, path):
    """The properties for this path: later sections win."""
    parser = configparser.ConfigParser()
    parser.read_string("[preamble]\n" + text)
    rules = {}
    for section in parser.sections()[1:]:
        for glob in expanded(section):
            subject = path if "/" in glob else path.rsplit("/", 1)[-1]
            if fnmatch.fnmatchcase(subject, glob):
                rules.update(parser[section])
    return rules


def faults(content, rules):
    """Descriptions of what does not follow the rules."""
    if rules.get("charset") == "utf-8":
        content.decode()
    lines = content.split(b"\n")
    if rules.get("end_of_line") == "lf" and b"\r" in content:
        yield "has a carriage return"
    if rules.get("insert_final_newline") == "true" and lines[-1]:
        yield "does not end with a newline"
    for number, line in enumerate(lines, 1):
        if rules.get("trim_trailing_whitespace") == "true" and line != line.rstrip(b" \t"):
            yield f"line {number} ends with white space"
        if rules.get("indent_style") == "space" and line.startswith(b"\t"):
            yield f"line {number} starts with a tab"


def project_files():
    for path in [*REPOSITORY.iterdir(), *(found for folder in FOLDERS
                                          for found in (REPOSITORY / folder).rglob("*"))]:
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(REPOSITORY).as_posix(), path


class Editorconfig(unittest.TestCase):
    TEXT = (REPOSITORY / ".editorconfig").read_text()

    def test_every_file_follows_the_rules(self):
        for name, path in project_files():
            with self.subTest(name):
                self.assertEqual(list(faults(path.read_bytes(), rules_of(self.TEXT, name))), [])

    def test_a_later_section_wins(self):
        self.assertEqual(rules_of(self.TEXT, "src/CMakeLists.txt")["indent_size"], "2")
        self.assertEqual(rules_of(self.TEXT, "packaging/debian/rules")["indent_style"], "tab")
        self.assertEqual(rules_of(self.TEXT, "tests/fuzz/corpus/hello/x")["indent_style"], "unset")

    def test_each_fault_is_found(self):
        rules = rules_of(self.TEXT, "src/base/ascii.c")
        self.assertEqual(list(faults(b"int a;\n", rules)), [])
        for content, fault in ((b"int a;", "does not end with a newline"),
                               (b"int a;\r\n", "has a carriage return"),
                               (b"int a; \n", "line 1 ends with white space"),
                               (b"\n\tint a;\n", "line 2 starts with a tab")):
            self.assertIn(fault, list(faults(content, rules)))
        self.assertEqual(list(faults(b"\ttrue\n", rules_of(self.TEXT, "rules"))), [])
        with self.assertRaises(UnicodeDecodeError):
            list(faults(b"\xff\n", rules))


if __name__ == "__main__":
    unittest.main()
