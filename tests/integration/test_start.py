# SPDX-License-Identifier: MIT
"""What the server says of its TLS library, and which signals it outlives."""

import signal
import socket
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


class Signals(support.TestCase):
    def test_what_asks_for_more_ends_nobody(self):
        server = self.server("listeners: [{ listen: tcp://127.0.0.1:0 }]\n")
        for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE, signal.SIGHUP):
            server.signal(number)
        server.wait_for("reloaded")
        with socket.create_connection(server.address("tcp")) as client:
            client.sendall(b"x")
            self.assertEqual(client.recv(1), b"x")


if __name__ == "__main__":
    unittest.main()
