# SPDX-License-Identifier: MIT
"""Clients of other projects receive every byte that they send."""

import os
import statistics
import subprocess
import threading
import time
import unittest

import peers
import support

BINARY = bytes(range(256)) * 4 + os.urandom(1024 * 1024 + 3)
# Less than curl may buffer while the connection is open.
TEXT = b"".join(b"line %d of a plain text\n" % number for number in range(500))
FIRST_ECHOES = 20
TOO_LATE_S = 0.020  # half of the 40 ms that a delayed ACK adds with Nagle's algorithm


def converse(command, data, half_close, stays):
    """Sends data through a program. half_close: its input ends at once; otherwise once all data has
    come back, for programs that exit at the end of their input. stays: it does not exit by itself.
    Returns (what came back, its stderr)."""
    with subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=support.environment()) as process:
        watchdog = threading.Timer(support.DEADLINE_S, process.kill)
        watchdog.start()
        said = []
        listener = threading.Thread(target=lambda: said.append(process.stderr.read()))
        listener.start()

        def send():
            try:
                process.stdin.write(data)
                process.stdin.flush()
            except BrokenPipeError:
                pass  # the test compares what comes back
            if half_close:
                process.stdin.close()

        sender = threading.Thread(target=send)
        sender.start()
        back = process.stdout.read(len(data))
        sender.join()
        process.stdin.close()
        if stays:
            process.terminate()
        back += process.stdout.read()
        listener.join()
        watchdog.cancel()
    return back, said[0].decode(errors="replace")


class Foreign(support.TestCase):
    def setUp(self):
        self.echo = self.server(support.EVERYTHING)
        self.tcp = "%s:%d" % self.echo.address("tcp")
        self.host, self.tls_port = self.echo.address("tls")
        self.tls = f"{self.host}:{self.tls_port}"
        self.ca = support.pki() / "ca.pem"

    def assert_echoes(self, *command, data=BINARY, half_close=False, stays=False):
        """Returns the log line of the connection."""
        back, said = converse(command, data, half_close, stays)
        self.assertTrue(back == data, f"{len(back)} of {len(data)} bytes came back, "
                        f"or some differ\n{said}")
        line = self.echo.wait_for("connection")
        self.assertEqual((line["received_bytes"], line["sent_bytes"]), (str(len(data)),) * 2)
        return line


class OpenSsl(Foreign):
    @support.requires("openssl")
    def test_s_client(self):
        for version in ("-tls1_2", "-tls1_3"):
            with self.subTest(version):
                line = self.assert_echoes("openssl", "s_client", "-connect", self.tls, version,
                                          "-CAfile", self.ca, "-verify_return_error",
                                          "-verify_hostname", "localhost", "-quiet",
                                          "-no_ign_eof", "-nocommands")
                self.assertEqual(line["end"], "closed")


class GnuTls(Foreign):
    @support.requires("gnutls-cli")
    def test_gnutls_cli(self):
        for version in ("VERS-TLS1.2", "VERS-TLS1.3"):
            with self.subTest(version):
                line = self.assert_echoes("gnutls-cli", f"--x509cafile={self.ca}",
                                          "--verify-hostname=localhost", "--logfile=/dev/null",
                                          f"--priority=NORMAL:-VERS-ALL:+{version}",
                                          f"--port={self.tls_port}", self.host)
                self.assertEqual(line["end"], "closed")


class Socat(Foreign):
    @support.requires("socat")
    def test_over_tls(self):
        self.assert_echoes("socat", "-", f"OPENSSL:{self.tls},cafile={self.ca},verify=1,"
                           "commonname=localhost")

    @support.requires("socat")
    def test_over_tcp(self):
        self.assert_echoes("socat", "-", f"TCP:{self.tcp}")

    @support.requires("socat")
    def test_over_a_unix_socket(self):
        self.assert_echoes("socat", "-", f"UNIX-CONNECT:{self.echo.address('unix')}")


class Ncat(Foreign):
    @support.requires("ncat")
    def test_over_tls(self):
        """Ncat may not print the rest of a decrypted record while its input is open, so the input has
        to end: 7.93 then sends a bare FIN, 7.95 a close_notify."""
        line = self.assert_echoes("ncat", "--ssl", "--ssl-verify", f"--ssl-trustfile={self.ca}",
                                  "--ssl-servername=localhost", self.host, self.tls_port,
                                  half_close=True)
        self.assertIn(line["end"], ("cut", "closed"))

    @support.requires("ncat")
    def test_over_tcp(self):
        self.assert_echoes("ncat", *self.echo.address("tcp"))


class Curl(Foreign):
    @support.requires("curl")
    def test_telnet_with_text(self):
        self.assert_echoes("curl", "--silent", "--no-buffer", f"telnet://{self.tcp}", data=TEXT,
                           stays=True)


class FirstEcho(Foreign):
    def test_it_does_not_wait_for_a_delayed_ack(self):
        """A TLS 1.3 client that writes at once receives the ticket and then the echo. With Nagle's
        algorithm the echo would wait for the ACK of the ticket, which the client delays."""
        took = []
        for _ in range(FIRST_ECHOES):
            with peers.Tls(self.echo.address("tls"), "1.3", with_finished=b"x") as peer:
                start = time.monotonic()
                self.assertEqual(peer.receive(1), b"x")
                took.append(time.monotonic() - start)
        median = statistics.median(took)
        print(f"first echo over TLS 1.3: median {median * 1000:.2f} ms, "
              f"slowest {max(took) * 1000:.2f} ms, of {FIRST_ECHOES}")
        self.assertLess(median, TOO_LATE_S)


if __name__ == "__main__":
    unittest.main()
