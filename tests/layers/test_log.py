# SPDX-License-Identifier: MIT
"""Every event and field that the sources log is in docs/log.md, and nothing else is."""

import pathlib
import re
import sys
import unittest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "tests" / "integration"))
import logdoc  # noqa: E402

# A line begins: its event is the literal, or one of several, behind the level.
BEGINS = re.compile(r"\b(?:log_begin\(&|log_line_start\(&|log_reason\()(?:\w+,\s*)?\w+,([^,;)]*)")
ASSIGNED = re.compile(r"\.event = \"(\w+)\"")
ADDED = re.compile(r"\btls_warning_add\(\s*\w+,\s*\(struct tls_warning_topic\)\{\"(\w+)\"")
FIELD = re.compile(r"\b(?:log_(text|number|seconds|switch)|(known_text|address_field))"
                   r"\((?:&|)\w+, \"(\w+)\"")
KEY = re.compile(r"\.key = \"(\w+)\"")
ENDING = re.compile(r"\[CONN_END_(?!NONE)\w+\] = \"(\w+)\"")
SHOWN_AS = {"date": "text"}  # how the sources write a type of the document


def sources():
    for folder in ("base", "net", "tls", "server"):
        for path in sorted((REPOSITORY / "src" / folder).rglob("*.c")):
            yield path, path.read_text()


class Log(unittest.TestCase):
    def test_every_event_is_documented_and_every_documented_one_exists(self):
        logged = set()
        for _, text in sources():
            for call in BEGINS.findall(text):
                logged |= set(re.findall(r'"(\w+)"', call))
            logged |= set(ASSIGNED.findall(text)) | set(ADDED.findall(text))
        self.assertEqual(logged, set(logdoc.events()) - {""})

    def test_every_field_is_documented_with_its_type(self):
        known = {}
        for fields in logdoc.events().values():
            for name, (kind, _) in fields.items():
                known.setdefault(name, set()).add(SHOWN_AS.get(kind, kind))
        for path, text in sources():
            for kind, _, name in FIELD.findall(text):
                with self.subTest(path.name, field=name):
                    self.assertIn(kind or "text", known.get(name, set()),
                                  f"docs/log.md has no field {name} of that type")
            for name in KEY.findall(text):
                self.assertIn(name, known)

    def test_every_ending_is_documented(self):
        text = (REPOSITORY / "src" / "server" / "conn" / "conn_end.c").read_text()
        self.assertEqual(set(ENDING.findall(text)), logdoc.endings())


class MadeUp(unittest.TestCase):
    """Tests the check of log lines."""

    READY = {"time": "2026-11-26T12:00:00.000Z", "level": "info", "event": "ready", "workers": 2}

    def test_a_good_line_is_good(self):
        self.assertEqual(logdoc.complaints(self.READY), [])

    def test_each_mistake_is_found(self):
        for wrong in ({"event": "unknown"}, {"unknown": 1}, {"workers": "2"}, {"workers": True},
                      {"workers": -1}, {"level": 1}):
            with self.subTest(wrong):
                self.assertEqual(len(logdoc.complaints({**self.READY, **wrong})), 1)
        self.assertEqual(logdoc.complaints({k: v for k, v in self.READY.items() if k != "workers"}),
                         ["ready: workers is missing"])


if __name__ == "__main__":
    unittest.main()
