# SPDX-License-Identifier: MIT
"""What the documents name exists: the tests of docs/lessons.md, and every file that is linked."""

import pathlib
import re
import unittest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
TEST = re.compile(r"`((?:unit|integration)/test_\w+\.(?:c|py))` `(\w+)`")
LINK = re.compile(r"\]\(([^)#:]+)\)")


class Documents(unittest.TestCase):
    def test_every_lesson_has_the_tests_that_it_names(self):
        named = TEST.findall((REPOSITORY / "docs" / "lessons.md").read_text())
        self.assertGreater(len(named), 10)
        for path, name in named:
            with self.subTest(path, name=name):
                text = (REPOSITORY / "tests" / path).read_text()
                self.assertRegex(text, rf"(?:def |START_TEST\(){name}\b")

    def test_every_linked_file_exists(self):
        for document in [*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md"),
                         *REPOSITORY.glob("certs/*.md")]:
            for link in LINK.findall(document.read_text()):
                with self.subTest(document.name, link=link):
                    self.assertTrue((document.parent / link).exists())


if __name__ == "__main__":
    unittest.main()
