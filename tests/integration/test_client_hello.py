# SPDX-License-Identifier: MIT
"""tlsecho-client --expect hello: a line that says which server answers, told apart from the echo."""

import os
import unittest

import stub_server
import support
from stub_server import StubServer

CA = ("--cacert", support.pki() / "ca.pem")
CONFIG = """
listeners:
  - listen: tcp://127.0.0.1:0
  - { listen: "tcp://127.0.0.1:0", name: hello, service: hello }
  - { listen: "tls://127.0.0.1:0", name: hello-tls, service: hello }
""" + support.PROFILE
LINE = b'{"schema":1,"identity":{"name":"a"}}\n'


def slowly(connection):
    """The line in pieces, one of which has the first bytes of the echo."""
    data = connection.recv(100)
    for piece in LINE[:1], LINE[1:30], LINE[30:] + data[:1], data[1:]:
        connection.sendall(piece)
    stub_server.echo(connection)


class Hello(support.TestCase):
    def setUp(self):
        self.running = self.server(CONFIG)

    def both(self):
        return (self.running.endpoint("hello"),), (*CA, self.running.endpoint("hello-tls"))

    def test_a_pipe_writes_the_echo_alone(self):
        for data in b"", b"a", b"{\n", os.urandom(1 << 20):
            for to in self.both():
                done = support.client("--expect=hello", "--json", *to, data=data)
                self.assertEqual((done.status, done.stdout == data), (0, True), done.stderr)
                self.assertEqual(done.summary()["bytes_received"], len(data))
        with StubServer(slowly) as stub:
            self.assertEqual(support.client("--expect=hello", stub.endpoint(), data=b"abc").stdout, b"abc")

    def test_the_server_that_answered_is_told(self):
        for to in self.both():
            check = support.client("--check", "--expect=hello", *to).stdout.decode()
            known = support.described(support.client("--check", "--json", "--expect=hello", *to).stdout)["identity"]
            self.assertIn(f", answered by {known}, every byte came back", check)
            pipe = support.client("-v", "--json", "--expect=hello", *to, data=b"x\n")
            self.assertIn(f"tlsecho-client: answered by {known}\n", pipe.stderr)
            self.assertEqual(pipe.summary()["identity"], known)
        self.assertNotIn("identity", support.client("--json", self.running.endpoint("tcp"), data=b"x\n").summary())

    def test_every_mode_that_compares_bytes_knows_it(self):
        for to in self.both():
            for mode in ("--check",), ("--ping", "-c3", "-i0"), ("--ping", "-c2", "-i0", "-s100000"), \
                    ("--bench", "-n50", "-P5"), ("--bench", "--handshakes", "-n5"), \
                    ("--bench", "-n9", "--pipeline=9", "-s100000"):
                with self.subTest(mode, to=to[-1]):
                    done = support.client(*mode, "--json", "--expect=hello", *to)
                    self.assertEqual(done.status, 0, done.stdout)
                    self.assertEqual(support.described(done.stdout)["result"], "ok")

    def test_the_line_is_a_difference_where_it_is_not_expected(self):
        for mode in (), ("--check",), ("--ping", "-c1"), ("--bench", "-n1"):
            with self.subTest(mode):
                done = support.client(*mode, self.running.endpoint("hello"), data=b"x")
                self.assertEqual(done.status, 14)
                self.assertIn("it begins with a hello line: add --expect hello", done.stderr + done.stdout.decode())

    def test_a_server_without_the_line_is_named(self):
        remedy = "connect to a listener with `service: hello`, or leave out --expect hello"
        for mode in (), ("--check",), ("--ping", "-c1"), ("--bench", "-n1"):
            with self.subTest(mode):
                done = support.client("--expect=hello", *mode, self.running.endpoint("tcp"), data=b"x\n")
                self.assertEqual(done.status, 14)
                self.assertIn(remedy, done.stderr)
        done = support.client("--expect=hello", self.running.endpoint("tcp"), data=b"")
        self.assertEqual(done.status, 13)
        self.assertIn("before its hello line was complete; " + remedy, done.stderr)
        with StubServer(stub_server.discard) as stub:
            done = support.client("--check", "--expect=hello", "--idle-timeout=200ms", stub.endpoint())
        self.assertEqual(done.status, 6)
        self.assertIn("no data for 0.2 s, without a whole hello line; " + remedy, done.stderr)

    def test_a_line_that_never_ends_is_none(self):
        def endless(connection):
            connection.sendall(LINE[:-1] + b"x" * (1 << 20))
            stub_server.discard(connection)

        with StubServer(endless) as stub:
            for mode in ("--check",), ("--bench", "-n1"):
                done = support.client(*mode, "--expect=hello", stub.endpoint())
                self.assertEqual(done.status, 14, done.stderr)
                self.assertIn("is not a hello line", done.stderr)

    def test_datagrams_have_none(self):
        done = support.client("--check", "--expect=hello", "udp://127.0.0.1:1")
        self.assertEqual(done.status, 2)
        self.assertIn("--expect hello needs a stream", done.stderr)


if __name__ == "__main__":
    unittest.main()
