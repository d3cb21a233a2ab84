# SPDX-License-Identifier: MIT
"""Failures of TLS caused by the server or on the way, and the client's messages about them."""

import contextlib
import os
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import unittest

import certificates
import stub_server
import support
from stub_server import StubServer

PKI = support.pki()


def alert(number):
    return b"\x15\x03\x03\x00\x02\x02" + bytes([number])


def old_server_hello(version):
    body = version + bytes(32) + b"\0\xc0\x13\0"
    message = b"\x02" + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x01" + struct.pack("!H", len(message)) + message


class Messages(support.TestCase):
    def message(self, status, *args, **options):
        done = support.client("--check", "--json", *args, **options)
        self.assertEqual(done.status, status, (done.stdout, done.stderr))
        return done.summary()["error"]["message"]

    def answered(self, data, *args, status=7):
        """The message about a server that answers the ClientHello with these bytes."""
        with StubServer(lambda c: (c.recv(65536), c.sendall(data), stub_server.finish(c))) as stub:
            return self.message(status, "-k", *args, f"tls://127.0.0.1:{stub.port}")

    def test_an_old_server_is_reported_without_a_hint_at_an_option(self):
        for version, name in ((b"\x03\x00", "SSL 3.0"), (b"\x03\x01", "TLS 1.0"),
                              (b"\x03\x02", "TLS 1.1")):
            message = self.answered(old_server_hello(version))
            self.assertIn(f"the server speaks {name}, which is obsolete", message)
            self.assertNotIn("--tls-m", message)
        message = self.answered(alert(70))
        self.assertIn("refuses TLS 1.2 and 1.3 (alert protocol_version)", message)
        self.assertNotIn("--tls-m", message)

    def test_an_option_that_causes_the_failure_is_named(self):
        for option in ("--tls-min=1.3", "--tls-max=1.2"):
            self.assertIn("see --tls-min and --tls-max", self.answered(alert(70), option))

    def test_an_answer_that_is_not_tls_is_quoted_if_it_is_text(self):
        self.assertIn('(its first bytes were "SSH-2"): leave out --tls',
                      self.answered(b"SSH-2.0-OpenSSH_9.2\r\n"))
        self.assertIn('were "+OK"', self.answered(b"+OK\r\n"))
        self.assertIn("were c8 00 07 41 41)", self.answered(b"\xc8\x00\x07" + b"A" * 20))

    def test_a_name_that_cannot_be_one_is_refused_before_anything_is_connected(self):
        with StubServer(stub_server.echo) as stub:
            for name in ("not a name", "a..b", "*.example.org", "x" * 300, "[::1]"):
                with self.subTest(name):
                    done = support.client("--check", "--tls", "--servername", name, "127.0.0.1",
                                          str(stub.port))
                    self.assertEqual(done.status, 2, done.stderr)
                    self.assertIn("--servername", done.stderr)
            self.assertEqual(stub.connections, [])

    def test_an_address_as_a_dns_name_is_reported(self):
        with tempfile.TemporaryDirectory() as work:
            made = certificates.Authorities(work)
            made.make("root")
            made.leaf("leaf", "root", names="DNS:127.0.0.1")
            context = stub_server.server_context()
            context.load_cert_chain(made.path("leaf"), made.path("leaf", "key"))
            with StubServer(stub_server.echo, context) as stub:
                message = self.message(9, "--cacert", made.path("root"), stub.endpoint())
        self.assertIn("has 127.0.0.1 as a DNS name, where an address is not valid: reissue it "
                      "with the address as IP", message)

    def test_renegotiation_is_reported(self):
        with stub_server.OpenSsl("-tls1_2") as stub:
            with subprocess.Popen(
                [support.program("TLSECHO_CLIENT"), "-k", stub.endpoint()], stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                env=support.environment()) as client:
                client.stdin.write(b"hello\n")
                client.stdin.flush()
                stub.said("hello")
                stub.process.stdin.write("R\n")
                stub.process.stdin.flush()
                client.wait(support.DEADLINE_S)  # keeps its input open
                stderr = client.stderr.read()
        self.assertIn(client.returncode, (7, 13))  # its alert, or its end before that
        self.assertRegex(stderr, b"asked for renegotiation, which is refused")
        self.assertNotIn(b"--ciphers", stderr)

    def test_alerts_about_the_client_certificate_have_a_status_of_their_own(self):
        """A server that requests a certificate and then sends that alert."""
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
                        connection.recv(65536)  # the client certificate
                        connection.sendall(alert(number))
                        stub_server.finish(connection)
                with StubServer(between) as stub:
                    self.message(status, "--cacert", PKI / "ca.pem", "--cert", PKI / "client.pem",
                                 "--key", PKI / "client.key", f"tls://127.0.0.1:{stub.port}")

    def test_each_alert_is_explained_with_a_remedy(self):
        for number, says in ((0, "close_notify: it closed the connection"), (10, "on the way"),
                             (20, "on the way"), (42, "see its log"), (47, "--tls-max 1.2"),
                             (50, "--groups X25519"), (51, "on the way"), (80, "its log"),
                             (86, "on the way"), (90, "user_canceled: it cancelled the handshake"),
                             (109, "see --servername"), (115, "does not know the session"),
                             (116, "give --cert and --key"),
                             (200, "the alert number 200: see its log")):
            with self.subTest(number):
                message = self.answered(alert(number))
                self.assertIn("the server sent the alert ", message)
                self.assertIn(says, message)

    def test_options_that_allow_no_client_hello_are_a_usage_error(self):
        with StubServer(stub_server.discard) as stub:
            message = self.message(7, "-k", "--tls-min=1.3", "--groups=secp256k1",
                                   f"tls://127.0.0.1:{stub.port}")
        self.assertIn("no ClientHello can be made (", message)
        self.assertNotIn("on the way", message)

    def test_the_step_at_which_a_handshake_stalls_is_reported(self):
        for data, says in ((b"", "the ClientHello was acknowledged and nothing came back; check "
                                 "that it is a TLS port"),
                           (b"\x16\x03\x03\x00\x7a\x02", "6 bytes came from the server, then no more; "
                                                         "a segment may be missing on the way")):
            with self.subTest(data), StubServer(lambda c, data=data: (
                    c.sendall(data), stub_server.discard(c))) as stub:
                message = self.message(6, "-k", "--connect-timeout=300ms",
                                       f"tls://127.0.0.1:{stub.port}")
                self.assertIn(says, message)

    def test_a_reset_in_a_handshake_may_come_from_anywhere(self):
        for data, says in (b"", "refused our ClientHello"), (b"\x16\x03", "reset the connection"):
            with self.subTest(data), StubServer(lambda c, data=data: (
                    c.recv(65536), c.sendall(data), stub_server.reset(c))) as stub:
                self.assertIn(f"the server, or something on the way, {says}: receive: ",
                              self.message(12, "-k", f"tls://127.0.0.1:{stub.port}"))


def flip(at):
    """Flips a bit of the byte at that offset of a stream."""
    seen = 0

    def change(data):
        nonlocal seen
        data, place = bytearray(data), at - seen
        seen += len(data)
        if 0 <= place < len(data):
            data[place] ^= 1
        return bytes(data)
    return change


def between(address, down=bytes, up=bytes):
    """A handler that passes everything on to that server, through one function per direction."""
    def serve(connection):
        with socket.create_connection(address) as onwards:
            def copy(source, target, change):
                with contextlib.suppress(OSError):
                    for data in stub_server.received(source):
                        target.sendall(change(data))
                    target.shutdown(socket.SHUT_WR)
            back = threading.Thread(target=copy, args=(onwards, connection, down))
            back.start()
            copy(connection, onwards, up)
            back.join()
    return serve


NO_RECORD = "not a record of this session"


class Changed(support.TestCase):
    """Bytes that are changed or injected on the way."""

    def injected(self, data, version):
        """The message about bytes after the handshake that are not a record."""
        def serve(connection):
            connection.recv(64)
            os.write(connection.fileno(), data)
            stub_server.discard(connection)
        with StubServer(serve, stub_server.server_context(minimum=version, maximum=version)) as stub:
            done = support.client("-k", stub.endpoint(), data=b"hello")
        self.assertEqual(done.status, 7, done.stderr)
        return done.stderr

    def test_bytes_injected_into_a_session_are_reported(self):
        for version in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
            for data in (b"HTTP/1.1 200 OK\r\n\r\n", alert(40), alert(70),
                         b"\x17\x03\x03\x00\x20" + b"Z" * 32):
                with self.subTest(version, data=data):
                    said = self.injected(data, version)
                    self.assertIn(f"the received data is {NO_RECORD}", said)
                    self.assertIn("something on the way changed or injected bytes", said)
                    self.assertNotIn("--tls-m", said)

    def test_a_record_changed_on_the_way_to_the_server_is_reported(self):
        config = support.LISTENERS + support.PROFILE + '    max_version: "1.2"\n'
        server = self.server(config)
        changed = False

        def change(data):
            nonlocal changed
            if data[0] == 0x17 and not changed:  # application data: the last byte, which is part of the tag
                changed = True
                return data[:-1] + bytes([data[-1] ^ 1])
            return data
        with StubServer(between(server.address("tls"), up=change)) as stub:
            done = support.client("-k", f"tls://127.0.0.1:{stub.port}", data=b"hello")
        self.assertEqual(done.status, 7, done.stderr)
        self.assertIn(f"bad_record_mac: it received data that is {NO_RECORD}", done.stderr)

    def test_a_changed_handshake_is_never_reported_in_the_words_of_the_library_only(self):
        for version in "1.2", "1.3":
            server = self.server(support.LISTENERS + support.PROFILE +
                                 f'    max_version: "{version}"\n')
            for way, at in [("down", at) for at in range(0, 1200, 53)] + \
                           [("up", at) for at in range(0, 230, 23)]:
                with self.subTest(version, way=way, at=at), \
                        StubServer(between(server.address("tls"), **{way: flip(at)})) as stub:
                    done = support.client("--check", "--cacert", PKI / "ca.pem",
                                          "--connect-timeout=500ms", "--servername=localhost",
                                          f"tls://127.0.0.1:{stub.port}")
                    if done.status:
                        self.assertRegex(done.stderr, "on the way|not trusted|refused|certificate|"
                                                      "in time|see |--|closed|upgrade")
                    if done.status == 7:
                        self.assertRegex(done.stderr, "on the way|see |upgrade|leave out|--groups")


if __name__ == "__main__":
    unittest.main()
