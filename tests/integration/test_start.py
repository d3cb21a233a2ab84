# SPDX-License-Identifier: MIT
"""The log of the TLS library, signals around the start, and missing standard descriptors."""

import os
import pathlib
import signal
import socket
import sys
import tempfile
import unittest

import support


class Library(support.TestCase):
    def test_the_version_is_logged_at_level_debug(self):
        version = support.run(support.program("TLSECHO_SERVER"), "--version").stdout.decode()
        server = self.server("listeners: [{ listen: tcp://127.0.0.1:0 }]\nlog: { level: debug }\n")
        line = server.wait_for("library")
        self.assertIn(f"running with {line['running_with']}\n"
                      f"offers {line['offers']}\n", version)

    def test_the_version_is_not_logged_at_level_info(self):
        server = self.server("listeners: [{ listen: tcp://127.0.0.1:0 }]\n")
        self.assertEqual(server.lines("library"), [])


class Signals(support.TestCase):
    def test_hup_usr1_and_usr2_do_not_end_the_server(self):
        server = self.server("listeners: [{ listen: tcp://127.0.0.1:0 }]\n")
        for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE, signal.SIGHUP):
            server.signal(number)
        server.wait_for("reloaded")
        with socket.create_connection(server.address("tcp")) as client:
            client.sendall(b"x")
            self.assertEqual(client.recv(1), b"x")


    # A signal that is pending over execve(2) arrives at once; the mask is inherited too.
    PENDING = ("import os, signal, sys\n"
               "signal.pthread_sigmask(signal.SIG_BLOCK, range(1, signal.NSIG))\n"
               "os.kill(os.getpid(), int(sys.argv[1]))\n"
               "os.execvp(sys.argv[2], sys.argv[2:])\n")
    LISTENER = "listeners: [{ listen: tcp://127.0.0.1:0 }]\n"

    def start_with(self, number, **options):
        return self.server(self.LISTENER, prefix=[sys.executable, "-c", self.PENDING, str(number)],
                           **options)

    def test_signals_before_the_start_are_handled_after_it(self):
        self.start_with(signal.SIGHUP).wait_for("reloaded")
        self.start_with(signal.SIGUSR1).wait_for("summary")
        self.start_with(signal.SIGUSR2)

    def test_term_and_int_before_the_start_end_the_server(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            self.assertEqual(self.start_with(number, ready=False).wait(), 0)

    def test_a_configuration_that_never_comes_delays_no_end(self):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        os.mkfifo(folder / "fifo")
        for number in (signal.SIGTERM, signal.SIGINT):
            server = self.server(args=["-c", str(folder / "fifo")], ready=False,
                                 prefix=[sys.executable, "-c", self.PENDING, str(number)])
            self.assertEqual(server.wait(), 0)


class Descriptors(support.TestCase):
    """Started without standard input, output or error."""

    WITHOUT = "import os, sys\nfor fd in map(int, sys.argv[1].split(',')):\n    os.close(fd)\n" \
              "os.execvp(sys.argv[2], sys.argv[2:])\n"

    def started_without(self, closed):
        return [sys.executable, "-c", self.WITHOUT, closed]

    def test_no_socket_of_the_server_becomes_one_of_them(self):
        for closed in ("0", "1", "0,1"):
            server = self.server("listeners: [{ listen: tcp://127.0.0.1:0 }]\n",
                                 prefix=self.started_without(closed))
            for fd in closed.split(","):
                self.assertEqual(os.readlink(f"/proc/{server.process.pid}/fd/{fd}"), "/dev/null")

    def test_a_server_without_a_place_for_its_log_serves(self):
        path = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory())) / "echo"
        server = self.server(f"listeners: [{{ listen: 'unix://{path}' }}]\n", ready=False,
                             prefix=self.started_without("0,1,2"))
        done = support.run(sys.executable, "-c", self.KNOCK, path)
        self.assertEqual((done.status, done.stdout), (0, b"hello"))
        self.assertEqual(os.readlink(f"/proc/{server.process.pid}/fd/2"), "/dev/null")
        self.assertEqual(server.stop(), 0)

    # Connects until the socket exists and accepts.
    KNOCK = """
import socket, sys, time
end = time.monotonic() + 20
while True:
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.connect(sys.argv[1])
        break
    except OSError:
        if time.monotonic() > end:
            raise
sock.sendall(b"hello")
sys.stdout.write(sock.recv(5).decode())
"""

    def test_no_socket_of_the_client_becomes_one_of_them(self):
        server = self.server("listeners: [{ listen: tcp://127.0.0.1:0 }]\n")
        done = support.run(*self.started_without("0,2"), support.program("TLSECHO_CLIENT"),
                           "--ping", "-c", "1", server.endpoint("tcp"))
        self.assertEqual(done.status, 0, done.stdout)
        self.assertIn(b"1 received", done.stdout)


if __name__ == "__main__":
    unittest.main()
