# SPDX-License-Identifier: MIT
"""--path against servers and proxies of other projects that not every machine has: all stages that a
TLS server alone can answer."""

import unittest

import netpath
import path_table


def setUpModule():
    netpath.require()


class Foreign(unittest.TestCase):
    def test_every_row_that_is_possible(self):
        names = [name for name in path_table.FOREIGN if path_table.is_possible(name)]
        for name, found, text in path_table.run_all(names):
            with self.subTest(name):
                self.assertEqual(found, path_table.FOREIGN[name].found, text)
                if name == "sslh":
                    self.assertIn("closed without an alert", text)


if __name__ == "__main__":
    unittest.main()
