# SPDX-License-Identifier: MIT
"""What the server's --help lists is in its manual page and completions, and nothing else is."""

import pathlib
import re
import unittest

import support

PACKAGING = pathlib.Path(__file__).resolve().parents[2] / "packaging"
LONG = re.compile(r"(?<![\w-])--([a-z][a-z-]+)")


def options(text):
    return set(LONG.findall(text))


class Server(support.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.offered = options(support.run(support.program("TLSECHO_SERVER"), "-h").stdout.decode())

    def test_the_manual_page_describes_every_option(self):
        text = (PACKAGING / "man" / "tlsecho-server.8.scd").read_text()
        described = text.partition("# OPTIONS")[2].partition("# SIGNALS")[0]
        self.assertEqual(options(described), self.offered)
        self.assertGreater(len(self.offered), 4)

    def test_completions_know_every_option(self):
        for name in ("tlsecho-server.bash", "_tlsecho-server"):
            with self.subTest(name):
                self.assertEqual(options((PACKAGING / "completions" / name).read_text()), self.offered)


if __name__ == "__main__":
    unittest.main()
