# SPDX-License-Identifier: MIT
"""--path: every finding is found where something causes it, and nothing else; once each. `scripts/path-table
RUNS` does it more often."""

import unittest

import netpath
import path_table


def setUpModule():
    netpath.require()


class Table(unittest.TestCase):
    def test_every_row(self):
        for name, found, text in path_table.run_all(path_table.ROWS):
            with self.subTest(name):
                self.assertEqual(found, path_table.ROWS[name].found, text)

    def test_an_ordinary_user_finds_the_same(self):
        name = "large packets to the server are dropped"
        found, text = path_table.run(name, user="nobody")
        self.assertEqual(found, path_table.ROWS[name].found, text)

    def test_every_finding_has_a_row(self):
        rows = frozenset().union(*(row.found for row in path_table.ROWS.values()))
        self.assertEqual(path_table.known(), rows)


if __name__ == "__main__":
    unittest.main()
