# SPDX-License-Identifier: MIT
"""Tests and files that documents name exist. No two decisions have the same number. Keys, services, modes
and metrics of the sources are documented."""

import pathlib
import re
import unittest

from test_layers import OF_MODULES, House, layer_of

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
TEST = re.compile(r"`((?:unit/[\w/]*|integration/)test_\w+\.(?:c|py))` `(\w+)`")
# `src/room/file.c`, `file.c`, or `room/folder`; nothing that a build makes.
NAMED = re.compile(r"`(?!build/|dist/|_)([\w.-]+(?:/[\w.-]+)+|[\w-]+\.(?:c|h|py|yaml))[` ]")
LINK = re.compile(r"\]\(([^)#:]+)\)")


def read(path):
    return (REPOSITORY / path).read_text()


def read_all(pattern):
    return "\n".join(path.read_text() for path in sorted(REPOSITORY.glob(pattern)))


def modes_of_schema(schema):
    """The values of each "mode": { "enum": [...] } of a schema."""
    return {word for words in re.findall(r'"mode": \{ "enum": \[(.*?)\]', schema)
            for word in re.findall(r'"([\w-]+)"', words)}


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

    def test_every_file_that_contributing_names_exists(self):
        folders = [REPOSITORY / name for name in ("src", "include", "tests")]
        known = {path.name for folder in folders for path in folder.rglob("*")}
        named = [name for name in NAMED.findall((REPOSITORY / "CONTRIBUTING.md").read_text())
                 if "NAME" not in name]
        self.assertGreater(len(named), 20)
        for name in named:
            with self.subTest(name):
                self.assertTrue((REPOSITORY / name).exists() or (REPOSITORY / "src" / name).exists()
                                or name in known)

    def test_decisions_are_numbered_without_a_gap_and_state_their_number(self):
        decisions = sorted((REPOSITORY / "docs" / "adr").glob("*.md"))
        self.assertTrue(decisions)
        for number, decision in enumerate(decisions, 1):
            with self.subTest(decision.name):
                self.assertTrue(decision.name.startswith(f"{number:04}-"))
                self.assertTrue(decision.read_text().startswith(f"# {number}. "))

    def test_both_hosts_have_the_same_templates(self):
        github, gitlab = REPOSITORY / ".github", REPOSITORY / ".gitlab"
        pairs = {github / "pull_request_template.md":
                 gitlab / "merge_request_templates" / "Default.md"}
        for template in gitlab.glob("issue_templates/*.md"):
            pairs[github / "ISSUE_TEMPLATE" / template.name] = template
        self.assertEqual(len(pairs), 1 + len(list(github.glob("ISSUE_TEMPLATE/*.md"))))
        for one, other in pairs.items():
            with self.subTest(other.name):
                text = re.sub(r"\A---\n.*?\n---\n", "", one.read_text(), flags=re.DOTALL)
                self.assertEqual(text, other.read_text())


class Sources(unittest.TestCase):
    """Documents describe everything that the sources have, and nothing else."""

    def test_the_example_configuration_has_every_key(self):
        keys = set(re.findall(r'\bKEY\("(\w+)"', read("src/server/config/config_keys.c")))
        self.assertGreater(len(keys), 50)
        example = read("config/server.yaml")
        self.assertEqual([key for key in sorted(keys) if not re.search(rf"\b{key}:", example)], [])

    def test_the_map_of_the_architecture_has_every_room(self):
        architecture = read("ARCHITECTURE.md")
        rows = re.findall(r"^\| `([\w/]+)/`(?:, `([\w/]+)/`)? \| (.*) \|$", architecture, re.M)
        named = {room for row in rows for room in row[:2]}
        modules = {f"{row[0]}/{name}" for row in rows if row[0] in OF_MODULES
                   for name in re.findall(r"`(\w+)`", row[2])}
        rooms = set(House(REPOSITORY).rooms.values())
        self.assertEqual({room for room in rooms if layer_of(room) not in OF_MODULES}
                         - named - {"client/output/html"}, set())
        self.assertEqual({room for room in rooms if layer_of(room) in OF_MODULES}
                         - named - modules, set())
        self.assertLessEqual(named - {"", "base", "net", "output/html"} | modules, rooms)

    def test_every_service_is_described(self):
        services = set(re.findall(r'\.name = "(\w+)"', read_all("src/server/[ch]*/service_*.c")))
        self.assertGreater(len(services), 4)
        described = re.findall(r"^\| `(\w+)` \|", read("docs/server.md"), re.MULTILINE)
        self.assertEqual(set(described), services)
        listed = re.search(r"service: \w+ +# (.*)", read("config/server.yaml")).group(1)
        self.assertEqual(set(listed.split(" | ")), services)

    def test_every_mode_has_an_example_and_is_in_the_schema(self):
        modes = set(re.findall(r'\{"([a-z-]+)"[^{}]*?\bCHOOSES\(MODE_',
                               read("src/client/options/options.c")))
        self.assertGreater(len(modes), 5)
        shown = set(re.findall(r"tlsecho-client --([a-z-]+)", read("docs/client.md")))
        self.assertEqual(modes - shown, set())
        schema = read("docs/schema/client.schema.json")
        self.assertEqual(modes_of_schema(schema), modes | {"pipe", "prompt"})

    def test_every_finding_of_a_path_has_a_section(self):
        names = re.findall(r'\.name = "([a-z-]+)"', read("src/client/path/path_findings.c"))
        self.assertTrue(names)
        described = re.findall(r"^### `([a-z-]+)`", read("docs/path.md"), re.MULTILINE)
        self.assertEqual(described, names)

    def test_every_stage_of_a_path_is_described(self):
        names = re.findall(r'\.name = "([a-z-]+)"', read("src/client/path/path_stages.c"))
        self.assertTrue(names)
        described = re.findall(r"^\| `([a-z-]+)` \|", read("docs/path.md"), re.MULTILINE)
        self.assertEqual(described, names)

    def test_every_metric_is_described(self):
        sources = read_all("src/server/metrics/*.c")
        printed = set(re.findall(r'"((?:tlsecho|process)_\w+)"', sources))
        self.assertGreater(len(printed), 20)
        described = re.findall(r"^\| `(\w+)` \|", read("docs/metrics.md"), re.MULTILINE)
        self.assertEqual(sorted(described), sorted(printed))


if __name__ == "__main__":
    unittest.main()
