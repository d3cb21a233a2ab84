# SPDX-License-Identifier: MIT
"""scripts/words finds what .banned-words names."""

import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
LINES = [line for line in (REPOSITORY / ".banned-words").read_text().splitlines()
         if not line.startswith("#")]


def lint(text):
    """The exit status and output of scripts/words for a file with this text."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "file.c"
        file.write_text(text)
        done = subprocess.run([REPOSITORY / "scripts" / "words", file], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return done.returncode, done.stdout


class Words(unittest.TestCase):
    def test_every_line_has_a_word_and_its_replacement(self):
        self.assertTrue(LINES)
        for line in LINES:
            with self.subTest(line):
                self.assertRegex(line, r"^\S.* -> \S.*$")

    @unittest.skipUnless(shutil.which("codespell"), "there is no codespell")
    def test_every_word_is_found_alone_and_within_a_name(self):
        words = [line.split(" -> ")[0] for line in LINES]
        for text in ("\n".join(words), "\n".join(f"is_{word.replace(' ', '_')}_now" for word in words)):
            status, said = lint(text + "\n")
            self.assertEqual(status, 1)
            for number, line in enumerate(LINES, 1):
                with self.subTest(line):
                    self.assertRegex(said, rf"file.c:{number}:.* instead: " +
                                     re.escape(line.split(" -> ")[1]))

    @unittest.skipUnless(shutil.which("codespell"), "there is no codespell")
    def test_a_word_that_contains_a_banned_one_passes(self):
        self.assertEqual(lint("\n".join(f"re{line.split(' -> ')[0]}" for line in LINES))[0], 0)

    @unittest.skipUnless(shutil.which("codespell"), "there is no codespell")
    def test_a_spelling_mistake_is_found_and_a_correct_sentence_passes(self):
        mistake = "dreiw"[::-1]
        self.assertEqual(lint(f"/* {mistake} peer */\n")[0], 1)
        self.assertEqual(lint("/* the peer */\n"), (0, ""))


if __name__ == "__main__":
    unittest.main()
