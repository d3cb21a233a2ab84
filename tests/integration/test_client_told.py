# SPDX-License-Identifier: MIT
"""What servers do that TLS clients meet, and what is said of it."""

import socket
import struct
import subprocess
import tempfile
import unittest

import farend
import issuing
import support
from farend import FarEnd

PKI = support.pki()


def alert(number):
    return b"\x15\x03\x03\x00\x02\x02" + bytes([number])


def old_server_hello(version):
    body = version + bytes(32) + b"\0\xc0\x13\0"
    message = b"\x02" + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x01" + struct.pack("!H", len(message)) + message


class Told(support.TestCase):
    def message(self, status, *args, **options):
        done = support.client("--check", "--json", *args, **options)
        self.assertEqual(done.status, status, (done.stdout, done.stderr))
        return done.summary()["error"]["message"]

    def answered(self, data, *args, status=7):
        """What is said of a server that answers the ClientHello with these bytes."""
        with FarEnd(lambda c: (c.recv(65536), c.sendall(data), farend.finish(c))) as far:
            return self.message(status, "-k", *args, f"tls://127.0.0.1:{far.port}")

    def test_an_old_server_is_told_as_such_and_no_option_is_hinted_at(self):
        for version, name in ((b"\x03\x00", "SSL 3.0"), (b"\x03\x01", "TLS 1.0"),
                              (b"\x03\x02", "TLS 1.1")):
            message = self.answered(old_server_hello(version))
            self.assertIn(f"the server speaks {name}, which is obsolete", message)
            self.assertNotIn("--tls-m", message)
        message = self.answered(alert(70))
        self.assertIn("refuses TLS 1.2 and 1.3 (alert protocol_version)", message)
        self.assertNotIn("--tls-m", message)

    def test_where_an_option_of_ours_is_the_reason_it_is_named(self):
        for option in ("--tls-min=1.3", "--tls-max=1.2"):
            self.assertIn("see --tls-min and --tls-max", self.answered(alert(70), option))

    def test_what_is_no_tls_is_shown_as_text_if_it_is_one(self):
        self.assertIn('(its first bytes were "SSH-2"): leave out --tls',
                      self.answered(b"SSH-2.0-OpenSSH_9.2\r\n"))
        self.assertIn('were "+OK"', self.answered(b"+OK\r\n"))
        self.assertIn("were c8 00 07 41 41)", self.answered(b"\xc8\x00\x07" + b"A" * 20))

    def test_a_name_that_cannot_be_one_is_refused_before_anything_is_connected(self):
        with FarEnd(farend.echo) as far:
            for name in ("not a name", "a..b", "*.example.org", "x" * 300, "[::1]"):
                with self.subTest(name):
                    done = support.client("--check", "--tls", "--servername", name, "127.0.0.1",
                                          str(far.port))
                    self.assertEqual(done.status, 2, done.stderr)
                    self.assertIn("--servername", done.stderr)
            self.assertEqual(far.connections, [])

    def test_an_address_as_a_dns_name_is_told(self):
        with tempfile.TemporaryDirectory() as work:
            made = issuing.Authorities(work)
            made.make("root")
            made.leaf("leaf", "root", names="DNS:127.0.0.1")
            context = farend.server_context()
            context.load_cert_chain(made.path("leaf"), made.path("leaf", "key"))
            with FarEnd(farend.echo, context) as far:
                message = self.message(9, "--cacert", made.path("root"), far.endpoint())
        self.assertIn("has 127.0.0.1 as a DNS name, where an address does not count: issue it anew "
                      "with the address as IP", message)

    def test_renegotiation_is_told(self):
        with farend.OpenSsl("-tls1_2") as far:
            with subprocess.Popen(
                [support.program("TLSECHO_CLIENT"), "-k", far.endpoint()], stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                env=support.environment()) as client:
                client.stdin.write(b"hello\n")
                client.stdin.flush()
                far.said("hello")
                far.process.stdin.write("R\n")
                far.process.stdin.flush()
                client.wait(support.DEADLINE_S)  # its input goes on
                stderr = client.stderr.read()
        self.assertIn(client.returncode, (7, 13))  # its alert, or its end first
        self.assertRegex(stderr, b"asked for renegotiation, which is refused")
        self.assertNotIn(b"--ciphers", stderr)

    def test_alerts_about_our_certificate_are_told_from_others(self):
        """A server that asks for a certificate, and then sends that alert."""
        server = self.server(support.LISTENERS + support.PROFILE +
                             '    client_auth: required\n    client_ca: "{pki}/ca.pem"\n'
                             '    max_version: "1.2"\n')
        for number, status in ((42, 11), (43, 11), (44, 11), (45, 11), (46, 11), (47, 7), (48, 11),
                               (49, 11), (50, 7), (51, 7), (80, 7), (116, 11)):
            with self.subTest(number):
                def between(connection, number=number):
                    with socket.create_connection(server.address("tls")) as onwards:
                        connection.settimeout(support.DEADLINE_S)
                        onwards.settimeout(support.DEADLINE_S)
                        onwards.sendall(connection.recv(65536))
                        data = b""
                        while not data.endswith(b"\x0e\x00\x00\x00"):  # ServerHelloDone
                            data += onwards.recv(65536)
                        connection.sendall(data)
                        connection.recv(65536)  # our certificate
                        connection.sendall(alert(number))
                        farend.finish(connection)
                with FarEnd(between) as far:
                    self.message(status, "--cacert", PKI / "ca.pem", "--cert", PKI / "client.pem",
                                 "--key", PKI / "client.key", f"tls://127.0.0.1:{far.port}")


if __name__ == "__main__":
    unittest.main()
