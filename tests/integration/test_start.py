# SPDX-License-Identifier: MIT
"""What the server says of its TLS library."""

import unittest

import support


class Library(support.TestCase):
    def test_a_debug_line_says_what_the_version_option_says(self):
        version = support.run(support.program("TLSECHO_SERVER"), "--version").stdout.decode()
        server = self.server("listeners: [{ listen: tcp://127.0.0.1:0 }]\nlog: { level: debug }\n")
        line = server.wait_for("library")
        self.assertIn(f"running with {line['running_with']}\n"
                      f"offers {line['offers']}\n", version)

    def test_nothing_is_said_at_the_usual_level(self):
        server = self.server("listeners: [{ listen: tcp://127.0.0.1:0 }]\n")
        self.assertEqual(server.lines("library"), [])


if __name__ == "__main__":
    unittest.main()
