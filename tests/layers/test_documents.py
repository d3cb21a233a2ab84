# SPDX-License-Identifier: MIT
"""What the documents name exists: the tests of docs/lessons.md, and every file that is linked. And
no two decisions have one number."""

import pathlib
import re
import unittest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
TEST = re.compile(r"`((?:unit/[\w/]*|integration/)test_\w+\.(?:c|py))` `(\w+)`")
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

    def test_decisions_are_numbered_without_a_gap_and_say_their_number(self):
        decisions = sorted((REPOSITORY / "docs" / "adr").glob("*.md"))
        self.assertTrue(decisions)
        for number, decision in enumerate(decisions, 1):
            with self.subTest(decision.name):
                self.assertTrue(decision.name.startswith(f"{number:04}-"))
                self.assertTrue(decision.read_text().startswith(f"# {number}. "))

    def test_both_hosts_have_the_same_templates(self):
        github, gitlab = REPOSITORY / ".github", REPOSITORY / ".gitlab"
        pairs = {github / "pull_request_template.md": gitlab / "merge_request_templates" / "Default.md"}
        for template in gitlab.glob("issue_templates/*.md"):
            pairs[github / "ISSUE_TEMPLATE" / template.name] = template
        self.assertEqual(len(pairs), 1 + len(list(github.glob("ISSUE_TEMPLATE/*.md"))))
        for one, other in pairs.items():
            with self.subTest(other.name):
                text = re.sub(r"\A---\n.*?\n---\n", "", one.read_text(), flags=re.DOTALL)
                self.assertEqual(text, other.read_text())


if __name__ == "__main__":
    unittest.main()
