# SPDX-License-Identifier: MIT
"""docs/walks.md is correct: files are in the rooms that it names, they define each `function()` that it
names, and no walk enters a room twice."""

import functools
import itertools
import pathlib
import re
import unittest

from test_layers import House

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / "docs" / "walks.md"
ROW = re.compile(r"^\| `([\w/]+)` \| `(src/[\w/.]+)` \| (.*) \|$", re.MULTILINE)
FUNCTION = re.compile(r"`(\w+)\(\)`")
FILE = re.compile(r"`(src/[\w/]+\.[ch])`")


@functools.cache
def rooms():
    return House(REPOSITORY)


def walks(page):
    """[(title, [(room, file, text)])]"""
    return [(section.partition("\n")[0], ROW.findall(section))
            for section in re.split(r"^## ", page, flags=re.MULTILINE)[1:]]


def defines(text, function):
    return re.search(rf"^[a-z][\w *]*\b{function}\(", text, re.MULTILINE)


def faults_of_row(house, room, file, text):
    if file not in house.files:
        yield f"{file}: there is no such file"
        return
    if house.rooms[file] != room:
        yield f"{file}: in {house.rooms[file]}, not in {room}"
    code = (REPOSITORY / file).read_text()
    for function in FUNCTION.findall(text):
        if not defines(code, function):
            yield f"{file}: does not define {function}()"


def faults_of_prose(house, page):
    """Mistakes between the tables: a `function()` must be in one of the `files` of its paragraph."""
    for paragraph in re.split(r"\n\n", page):
        files = FILE.findall(paragraph)
        if not files or paragraph.startswith("|"):
            continue
        yield from (f"{file}: there is no such file" for file in files if file not in house.files)
        code = "\n".join((REPOSITORY / file).read_text() for file in files if file in house.files)
        for function in FUNCTION.findall(paragraph):
            if not defines(code, function):
                yield f"{', '.join(files)}: does not define {function}()"


def faults(page):
    house = rooms()
    found = list(faults_of_prose(house, page))
    for title, rows in walks(page):
        entered = [room for room, _ in itertools.groupby(room for room, _, _ in rows)]
        found += [f"{title}: enters {room} twice" for room in sorted(set(entered))
                  if entered.count(room) > 1]
        for row in rows:
            found += faults_of_row(house, *row)
    return found


class Walks(unittest.TestCase):
    def test_the_page_names_what_exists_and_enters_no_room_twice(self):
        self.assertEqual(faults(PAGE.read_text()), [])

    def test_there_are_three_walks_and_every_row_is_read(self):
        page = PAGE.read_text()
        found = walks(page)
        self.assertEqual(len(found), 3)
        for title, rows in found:
            with self.subTest(title):
                self.assertGreater(len({room for room, _, _ in rows}), 3)
        lines = [line for line in page.splitlines() if line.startswith("| `")]
        self.assertEqual(sum(len(rows) for _, rows in found), len(lines))


class MadeUp(unittest.TestCase):
    """Tests the check: with a correct row, and with each mistake in it."""

    TRUE = "## A walk\n\n| `net/reactor` | `src/net/reactor.c` | `reactor_turn()` waits |\n"

    def test_a_correct_row_passes(self):
        self.assertEqual(faults(self.TRUE), [])

    def test_each_mistake_is_found(self):
        for old, new in (("reactor.c", "reaktor.c"), ("reactor_turn", "reactor_tern"),
                         ("net/reactor", "net/socket")):
            with self.subTest(new):
                self.assertTrue(faults(self.TRUE.replace(old, new, 1)))

    def test_a_mistake_between_the_tables_is_found(self):
        self.assertEqual(faults("`reactor_turn()` in `src/net/reactor.c`.\n"), [])
        self.assertTrue(faults("`reactor_tern()` in `src/net/reactor.c`.\n"))
        self.assertTrue(faults("`reactor_turn()` in `src/net/reaktor.c`.\n"))

    def test_a_room_that_is_entered_twice_is_found(self):
        row = self.TRUE.splitlines()[-1] + "\n"
        self.assertEqual(faults(self.TRUE + row), [])
        between = "| `net/dial` | `src/net/dial.c` | `dial()` |\n"
        self.assertEqual(faults(self.TRUE + between + row), ["A walk: enters net/reactor twice"])


if __name__ == "__main__":
    unittest.main()
