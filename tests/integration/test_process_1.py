# SPDX-License-Identifier: MIT
"""The programs as process 1 of a PID namespace, as in a container: the kernel drops a signal that
they do not handle."""

import contextlib
import os
import pathlib
import signal
import subprocess
import tempfile
import unittest

import peers
import support

ENTER = ("unshare", "--pid", "--mount-proc", "--fork", "--kill-child")


def setUpModule():
    if subprocess.run([*ENTER, "true"], check=False, capture_output=True).returncode != 0:
        raise unittest.SkipTest("needs root: a PID namespace cannot be made")


def process_1(enter):
    """The process that this unshare(1) has started."""
    children = pathlib.Path(f"/proc/{enter.pid}/task/{enter.pid}/children")
    return int(children.read_text())


@contextlib.contextmanager
def started(variable, *args, **how):
    command = [*ENTER, support.program(variable), *args]
    with subprocess.Popen(command, env=support.environment(), **how) as process:
        try:
            yield process
        finally:
            process.kill()


class Process1(support.TestCase):
    def test_the_server_drains_at_TERM_and_ends_at_a_second_one(self):
        server = self.server(support.LISTENERS + support.PROFILE, prefix=ENTER)
        number = process_1(server.process)
        with peers.Plain(server.address("tcp")) as peer:
            os.kill(number, signal.SIGTERM)
            server.wait_for("draining")
            peer.send(b"x")
            self.assertEqual(peer.receive(1), b"x")
            os.kill(number, signal.SIGTERM)
            server.wait_for("stopping")
            self.assertEqual(server.wait(), 0)

    def test_a_pipe_of_the_client_ends_at_TERM_and_INT(self):
        server = self.server(support.LISTENERS + support.PROFILE)
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number), started(
                    "TLSECHO_CLIENT", server.endpoint("tcp"), stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE, bufsize=0) as client:
                client.stdin.write(b"x")
                self.assertEqual(client.stdout.read(1), b"x")
                os.kill(process_1(client), number)
                self.assertEqual(client.wait(support.DEADLINE_S), 128 + number)

    def test_a_check_of_the_configuration_ends_at_TERM(self):
        with tempfile.TemporaryDirectory(prefix="tlsecho-") as folder:
            path = os.path.join(folder, "server.yaml")
            os.mkfifo(path)
            with started("TLSECHO_SERVER", "-t", "-c", path) as server, open(path, "wb"):
                os.kill(process_1(server), signal.SIGTERM)
                self.assertEqual(server.wait(support.DEADLINE_S), 128 + signal.SIGTERM)


if __name__ == "__main__":
    unittest.main()
