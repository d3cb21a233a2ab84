# SPDX-License-Identifier: MIT
"""Every exit status of tlsecho-client in pipe and prompt mode, each caused by a peer."""

import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import tempfile
import unittest

import proc
import stub_server
import support
from stub_server import StubServer, server_context

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
CA = ("--cacert", support.pki() / "ca.pem")


def take(connection, size):
    """Receives exactly size bytes."""
    data = b""
    while len(data) < size:
        data += connection.recv(size - len(data))
    return data


class Status(unittest.TestCase):
    """check() runs the client with text output and with --json; both must agree."""

    def check(self, status, word, phase, says, *args, data=b"hello", **options):
        words = support.client(*args, data=data, **options)
        done = support.client("--json", *args, data=data, **options)
        summary = done.summary()
        self.assertEqual((words.status, done.status), (status, status), words.stderr + done.stderr)
        self.assertEqual((summary["schema"], summary["exit"], summary["result"]), (1, status, word))
        if status == 0:
            self.assertNotIn("error", summary)
            self.assertEqual(words.stdout, done.stdout)
            return summary
        self.assertEqual(summary["error"]["phase"], phase)
        self.assertRegex(summary["error"]["message"], says)
        last = words.stderr.splitlines()[-1]
        beginning = "" if phase == "options" else rf"{phase}\b"
        self.assertRegex(last, f"^tlsecho-client: {beginning}.*{says}")
        return summary


class Usage(Status):
    """Exit status 2: nothing is connected."""

    def refuse(self, says, *args):
        done = support.client(*args)
        self.assertEqual(done.status, 2, done.stderr)
        self.assertEqual(done.stdout, b"")
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertIn(says, done.stderr)

    def test_a_wrong_command_line_is_one_line_with_its_remedy(self):
        self.refuse("unknown option --nonsense", "--nonsense", "localhost")
        self.refuse("give HOST [PORT]")
        self.refuse("port", "localhost", "nosuchservice")
        self.refuse("add --tls", "-k", "localhost")

    def test_a_file_that_cannot_be_read_is_a_wrong_option(self):
        for option in ("--cacert", "--cert"):
            self.check(2, "usage", "options", "/nonexistent", option, "/nonexistent",
                       "tls://127.0.0.1:1")

    def test_a_key_of_another_certificate_is_a_wrong_option(self):
        self.check(2, "usage", "options", "client.key", "--cert",
                   support.pki() / "client-expired.pem", "--key", support.pki() / "client.key",
                   "tls://127.0.0.1:1")

    def test_wrong_values_of_tls_options_are_wrong_options(self):
        self.check(2, "usage", "options", "1.1", "--tls-min", "1.1", "tls://127.0.0.1:1")
        self.check(2, "usage", "options", "64", "--pin", "abc", "tls://127.0.0.1:1")

    def test_a_source_is_an_address(self):
        self.check(2, "usage", "options", "--source", "--source", "localhost", "127.0.0.1", "1")

    def test_help_and_version_go_to_standard_output(self):
        done = support.client("--help")
        self.assertEqual((done.status, done.stderr), (0, ""))
        self.assertIn(b"--cacert FILE", done.stdout)
        done = support.client("-V")
        self.assertEqual(done.status, 0)
        self.assertRegex(done.stdout.decode(), r"(?s)^tlsecho-client \d.*OpenSSL 3.*OpenSSL 3")


class Connect(Status):
    """Exit status 3 to 6: the connection fails."""

    def test_a_name_without_an_address_is_dns(self):
        # A label of 64 bytes (RFC 1035 §2.3.4) is refused before any query.
        self.check(3, "dns", "dns", "look up", "x" * 64 + ".invalid")
        self.check(3, "dns", "dns", "look up", "-6", "127.0.0.1")

    def test_a_port_without_a_listener_is_refused(self):
        with socket.socket() as bound:
            bound.bind(("127.0.0.1", 0))
            port = bound.getsockname()[1]
            summary = self.check(4, "refused", "connect", "start the server", "127.0.0.1", port)
            self.assertEqual(summary["error"]["address"], f"127.0.0.1:{port}")

    def test_a_unix_socket_that_does_not_exist_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            self.check(4, "refused", "connect", "No such file", f"unix://{folder}/none")

    def test_an_address_that_no_route_leads_to_is_unreachable(self):
        # For TCP to the broadcast address connect(2) fails, and sends no packet.
        self.check(5, "unreachable", "connect", "255.255.255.255", "255.255.255.255", "7")

    def test_a_source_address_of_another_host_is_unreachable(self):
        self.check(5, "unreachable", "connect", "Cannot assign", "--source", "192.0.2.1", "127.0.0.1", "7")

    def test_the_source_is_the_address_that_the_peer_sees(self):
        seen = []
        with StubServer(lambda c: (seen.append(c.getpeername()[0]), stub_server.echo(c))) as stub:
            self.check(0, "ok", None, None, "--source", "127.0.0.2", stub.endpoint())
        self.assertEqual(seen, ["127.0.0.2"] * 2)

    def test_no_answer_to_a_syn_is_a_timeout(self):
        with stub_server.full_backlog() as listening:
            self.check(6, "timeout", "connect", "no answer in time", "--connect-timeout=300ms",
                       "127.0.0.1", listening.getsockname()[1])

    def test_a_handshake_without_an_answer_is_a_timeout(self):
        with StubServer(stub_server.discard) as stub:
            self.check(6, "timeout", "handshake", "in time", "--connect-timeout=300ms", "--tls",
                       "127.0.0.1", stub.port)


class Handshake(Status):
    """Exit status 7 to 12: TCP is connected, the TLS handshake fails."""

    def test_a_server_that_greets_first_does_not_speak_tls(self):
        with StubServer(lambda c: (c.sendall(b"220 hello\r\n"), stub_server.discard(c))) as stub:
            self.check(7, "handshake", "handshake", "leave out --tls", "--tls", "127.0.0.1",
                       stub.port)

    def test_a_plain_echo_does_not_speak_tls(self):
        with StubServer(stub_server.echo) as stub:
            self.check(7, "handshake", "handshake", "leave out --tls", "--tls", "127.0.0.1",
                       stub.port)

    def test_no_common_version_is_a_failed_handshake(self):
        with StubServer(stub_server.echo, server_context(maximum=V12)) as stub:
            summary = self.check(7, "handshake", "handshake", "protocol_version", "--tls-min=1.3",
                                 *CA, stub.endpoint())
            self.assertEqual(summary["error"]["alert"], 70)

    def test_an_end_in_the_middle_has_one_status_whether_by_fin_or_by_rst(self):
        for end, says in ((lambda c: take(c, 100) and c.shutdown(socket.SHUT_WR), "closed the connection during"),
                          (lambda c: take(c, 1) and stub_server.reset(c), "reset"),
                          (lambda c: c.close(), "closed|reset")):  # by chance
            with self.subTest(says), StubServer(end) as stub:
                self.check(12, "reset", "handshake", says, "--tls", "127.0.0.1", stub.port)

    def test_certificates_are_judged(self):
        for name, status, word, says in (("self-signed", 8, "untrusted", "--pin"),
                                         ("wrong-host", 9, "name-mismatch", "wrong.example"),
                                         ("expired", 10, "expired", "2021"),
                                         ("not-yet-valid", 10, "expired", "2090")):
            with self.subTest(name), StubServer(stub_server.echo, server_context(name)) as stub:
                self.check(status, word, "handshake", says, *CA, stub.endpoint())

    def test_untrusted_comes_before_expired_and_that_before_the_name(self):
        with StubServer(stub_server.echo, server_context("expired")) as stub:
            self.check(8, "untrusted", "handshake", "--cacert", "--cacert",
                       support.pki() / "other-ca.pem", stub.endpoint())
            self.check(10, "expired", "handshake", "2021", *CA, "--servername=x.example",
                       stub.endpoint())

    def test_insecure_takes_any_certificate_and_warns(self):
        with StubServer(stub_server.echo, server_context("self-signed")) as stub:
            summary = self.check(0, "ok", None, None, "-k", stub.endpoint())
            self.assertIs(summary["tls"]["verified"], False)
            self.assertIn("not verified", support.client("-k", stub.endpoint()).stderr)
            self.assertEqual("", support.client("-kq", stub.endpoint()).stderr)

    def test_a_pin_takes_the_place_of_chain_and_name(self):
        with StubServer(stub_server.echo, server_context("self-signed")) as stub:
            summary = self.check(0, "ok", None, None, "-k", stub.endpoint())
            pin = summary["tls"]["peer"]["sha256"]
            summary = self.check(0, "ok", None, None, "--pin", pin.upper(), stub.endpoint())
            self.assertIs(summary["tls"]["verified"], True)
            other = ("0" if pin[0] != "0" else "1") + pin[1:]
            self.check(8, "untrusted", "handshake", pin, "--pin", other, stub.endpoint())

    def test_servername_is_sent_and_verified_instead_of_the_host(self):
        context, names = server_context("wrong-host"), []
        context.sni_callback = lambda _socket, name, _context: names.append(name)
        with StubServer(stub_server.echo, context) as stub:
            self.check(0, "ok", None, None, *CA, "--servername=wrong.example", stub.endpoint())
        self.assertEqual(names, ["wrong.example"] * 2)

    def test_a_missing_client_certificate_is_named_on_both_versions(self):
        for version in (V12, V13):
            context = server_context(minimum=version, maximum=version, client_ca="ca.pem")
            with self.subTest(version), StubServer(stub_server.echo, context) as stub:
                phase = "handshake" if version == V12 else "echo"
                self.check(11, "client-certificate", phase, "--cert", *CA, stub.endpoint())

    def test_a_refused_client_certificate_is_named_on_both_versions(self):
        for version in (V12, V13):
            context = server_context(minimum=version, maximum=version, client_ca="ca.pem")
            with self.subTest(version), StubServer(stub_server.echo, context) as stub:
                phase = "handshake" if version == V12 else "echo"
                summary = self.check(11, "client-certificate", phase, "refused", *CA, "--cert",
                                     support.pki() / "client-other-ca.pem", "--key",
                                     support.pki() / "client-other-ca.key", stub.endpoint())
                self.assertIn(summary["error"]["alert"], (42, 43, 46, 48))

    def test_a_refusal_is_found_however_much_there_was_to_send(self):
        context = server_context(minimum=V13, client_ca="ca.pem")
        with StubServer(stub_server.echo, context) as stub:
            self.check(11, "client-certificate", "echo", "--cert", *CA, stub.endpoint(),
                       data=bytes(8 << 20))

    def test_a_good_client_certificate_is_taken(self):
        with tempfile.NamedTemporaryFile() as both:  # the key may be in the same file
            for part in ("client.pem", "client.key"):
                both.write((support.pki() / part).read_bytes())
            both.flush()
            with StubServer(stub_server.echo, server_context(client_ca="ca.pem")) as stub:
                self.check(0, "ok", None, None, *CA, "--cert", both.name, stub.endpoint())


class Echo(Status):
    """Exit status 0, 6, 12, 13, 14: the session is up, and the echo decides."""

    def test_every_byte_back_is_ok_on_all_transports(self):
        data = os.urandom(1 << 20)
        for context in (None, server_context(maximum=V12), server_context(minimum=V13),
                        server_context("server-rsa")):
            with self.subTest(context), StubServer(stub_server.echo, context) as stub:
                args = CA if context else ()
                self.assertEqual(support.client(*args, stub.endpoint(), data=data).stdout, data)
                summary = self.check(0, "ok", None, None, *args, stub.endpoint(), data=data)
                self.assertEqual(summary["bytes_sent"], len(data))
                self.assertEqual(summary["bytes_received"], len(data))
                self.assertEqual(summary["address"], f"127.0.0.1:{stub.port}")
                self.assertGreater(summary["phases"]["first_echo"], 0)
                self.assertEqual("handshake" in summary["phases"], bool(context))
                self.assertEqual(summary.get("close_notify"), True if context else None)

    def test_json_has_the_negotiated_parameters(self):
        with StubServer(stub_server.echo, server_context(minimum=V13)) as stub:
            tls = self.check(0, "ok", None, None, *CA, stub.endpoint())["tls"]
            self.assertEqual((tls["version"], tls["resumed"], tls["verified"]),
                             ("TLSv1.3", False, True))
            self.assertRegex(tls["cipher"], "^TLS_")
            self.assertRegex(tls["peer"]["not_after"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
            self.assertRegex(tls["peer"]["sha256"], "^[0-9a-f]{64}$")
            self.assertIn("CN=", tls["peer"]["subject"])
            self.assertNotIn("alpn", tls)

    def test_no_input_is_ok(self):
        with StubServer(stub_server.echo) as stub:
            summary = self.check(0, "ok", None, None, stub.endpoint(), data=b"")
            self.assertEqual((summary["bytes_sent"], summary["bytes_received"]), (0, 0))
            self.assertNotIn("first_echo", summary["phases"])

    def test_all_bytes_back_are_ok_even_without_close_notify_or_with_a_reset(self):
        def echo_then(end):
            def handler(connection):
                for data in stub_server.received(connection):
                    connection.sendall(data)
                proc.wait_for_acknowledgement(connection)
                end(connection)
            return handler

        for end in (lambda c: c.close(), stub_server.reset):
            with self.subTest(end), StubServer(echo_then(end), server_context()) as stub:
                summary = self.check(0, "ok", None, None, *CA, stub.endpoint())
                self.assertIs(summary["close_notify"], False)
        with StubServer(echo_then(stub_server.reset)) as stub:
            self.check(0, "ok", None, None, stub.endpoint())

    def test_silence_is_a_timeout(self):
        with StubServer(stub_server.discard) as stub:
            os_pipe, stays_open = os.pipe()
            with os.fdopen(os_pipe), os.fdopen(stays_open, "wb") as feed:
                feed.write(b"hello")
                feed.flush()
                done = subprocess.run([support.program("TLSECHO_CLIENT"), "--idle-timeout=300ms",
                                       stub.endpoint()], stdin=os_pipe, capture_output=True,
                                      timeout=support.DEADLINE_S, check=False)
            self.assertEqual(done.returncode, 6)
            self.assertIn(b"5 bytes missing", done.stderr)

    def test_a_reset_with_bytes_missing_is_a_reset(self):
        for context in (None, server_context()):
            with self.subTest(context), \
                    StubServer(lambda c: take(c, 5) and stub_server.reset(c), context) as stub:
                self.check(12, "reset", "echo", "5 of 5 bytes missing", *(CA if context else ()),
                           stub.endpoint())

    def test_an_end_with_bytes_missing_is_truncated(self):
        def half(connection):
            connection.sendall(take(connection, 10)[:4])
            stub_server.finish(connection)

        with StubServer(half) as stub:
            self.check(13, "truncated", "echo", "closed the connection with 6 of 10 bytes missing", stub.endpoint(),
                       data=b"0123456789")

    def test_a_cut_with_bytes_missing_is_truncated_and_named(self):
        def cut(connection):
            for _ in stub_server.received(connection):
                connection.sendall(b"0123")
            proc.wait_for_acknowledgement(connection)

        with StubServer(cut, server_context()) as stub:
            summary = self.check(13, "truncated", "echo", "without close_notify", *CA,
                                 stub.endpoint(), data=b"0123456789")
            self.assertIs(summary["close_notify"], False)

    def test_an_end_before_the_input_s_is_truncated(self):
        with StubServer(lambda c: c.sendall(take(c, 5))) as stub:
            client = subprocess.Popen([support.program("TLSECHO_CLIENT"), stub.endpoint()],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE)
            client.stdin.write(b"hello")
            client.stdin.flush()
            self.assertEqual(client.wait(support.DEADLINE_S), 13)
            self.assertEqual(client.stdout.read(), b"hello")
            self.assertIn(b"closed the connection before the input had ended", client.stderr.read())
            for stream in (client.stdin, client.stdout, client.stderr):
                stream.close()

    def test_a_different_byte_is_corrupt_at_its_offset_at_once(self):
        def change(connection):
            data = bytearray(take(connection, 10))
            data[7] ^= 1
            connection.sendall(data)
            stub_server.discard(connection)  # the client must not wait for the end

        with StubServer(change) as stub:
            self.check(14, "corrupt", "echo", "byte 7 came back as 0x36 instead of 0x37",
                       stub.endpoint(), data=b"0123456789")

    def test_a_surplus_byte_is_corrupt(self):
        with StubServer(lambda c: (c.sendall(take(c, 5) + b"!"), stub_server.discard(c))) as stub:
            self.check(14, "corrupt", "echo", r"byte 5 \(0x21\) came back, but only 5 were sent",
                       stub.endpoint())

    def test_a_tls_server_is_recognised_by_its_alert(self):
        alert = b"\x15\x03\x01\x00\x02\x02\x46"  # fatal, protocol_version (RFC 8446 §6)
        with StubServer(lambda c: (take(c, 5), c.sendall(alert), stub_server.discard(c))) as stub:
            self.check(14, "corrupt", "echo", "it speaks TLS, add --tls", stub.endpoint())

    def test_upper_is_compared_as_upper(self):
        def upper(connection):
            for data in stub_server.received(connection):
                connection.sendall(data.upper())
            stub_server.finish(connection)

        with StubServer(upper) as stub:
            self.check(0, "ok", None, None, "--expect=upper", stub.endpoint(), data=b"Hello, 1\xe9")
            self.check(14, "corrupt", "echo", "byte 1 ", stub.endpoint(), data=b"Hello")

    def test_expect_none_accepts_any_end_but_a_reset(self):
        def other(end):
            return lambda c: (take(c, 5), c.sendall(b"something else"),
                              proc.wait_for_acknowledgement(c), end(c))

        with StubServer(other(lambda c: c.close())) as stub:
            done = support.client("--expect=none", stub.endpoint(), data=b"hello")
            self.assertEqual((done.status, done.stdout), (0, b"something else"))
        with StubServer(other(stub_server.reset)) as stub:
            self.check(12, "reset", "echo", "reset", "--expect=none", stub.endpoint())


class Local(Status):
    """Exit status 15, and signals."""

    def shell(self, line, stub):
        return support.run("sh", "-c", line, "sh", support.program("TLSECHO_CLIENT"),
                           stub.endpoint(), data=b"hello")

    def test_failed_input_and_output_is_local_io(self):
        with StubServer(stub_server.echo) as stub:
            for line, says in (('"$1" "$2" >/dev/full', "No space left"),
                               ('"$1" "$2" >&-', "standard output"),
                               ('"$1" "$2" <&-', "standard input"),
                               ('"$1" "$2" <.', "Is a directory")):
                with self.subTest(line):
                    done = self.shell(line, stub)
                    self.assertEqual(done.status, 15, done.stderr)
                    self.assertRegex(done.stderr, f"^tlsecho-client: local: .*{says}")

    def test_an_output_that_cannot_be_written_is_local_io_in_every_mode(self):
        with StubServer(stub_server.echo) as stub, tempfile.TemporaryDirectory() as folder:
            load = ("--bench", "-n", "1", stub.endpoint())
            summary = pathlib.Path(folder, "a.json")
            summary.write_bytes(support.client(*load, "--json").stdout)
            check = ("--check", stub.endpoint())
            ping = ("--ping", "-c", "1", stub.endpoint())
            for args, status in ((ping, 15), ((*ping, "--json"), 15), ((*ping, "--json", "-v"), 15),
                                 (load, 15), ((*load, "--json"), 15), ((*load, "--json", "-v"), 15),
                                 (check, 15), ((*check, "--json"), 15), ((*check, "--nagios"), 3),
                                 (("--merge", summary), 15), (("--merge", "--json", summary), 15),
                                 (("--help",), 15), (("--version",), 15)):
                for where, says in ((">/dev/full", "No space left on device"),
                                    (">&-", "Bad file descriptor")):
                    with self.subTest(args=args, where=where):
                        done = support.run("sh", "-c", f'"$@" {where}', "sh",
                                           support.program("TLSECHO_CLIENT"), *args)
                        self.assertEqual(done.status, status, done.stderr)
                        self.assertEqual(
                            done.stderr.splitlines(True)[-1],
                            f"tlsecho-client: local: write standard output: {says}\n")

    def test_an_output_longer_than_a_buffer_that_cannot_be_written_is_local_io(self):
        with StubServer(stub_server.echo) as stub:
            done = support.run("sh", "-c", '"$@" >/dev/full', "sh",
                               support.program("TLSECHO_CLIENT"), "--bench", "-n", "2000",
                               "--json", stub.endpoint())
        self.assertEqual(done.status, 15)
        self.assertRegex(done.stderr, "local: write standard output: (it is full|No space left)")

    def test_an_output_that_cannot_be_written_does_not_hide_an_earlier_failure(self):
        done = support.run("sh", "-c", '"$@" >/dev/full', "sh", support.program("TLSECHO_CLIENT"),
                           "--check", "--json", "tcp://127.0.0.1:1")
        self.assertEqual(done.status, 4)
        self.assertRegex(done.stderr, "^tlsecho-client: connect to .*refused")

    def test_a_closed_standard_output_is_local_io_and_not_a_signal(self):
        with StubServer(stub_server.echo) as stub:
            read_end, write_end = os.pipe()
            os.close(read_end)
            done = subprocess.run([support.program("TLSECHO_CLIENT"), "--json", stub.endpoint()],
                                  input=b"hello", stdout=write_end, stderr=subprocess.PIPE,
                                  timeout=support.DEADLINE_S, check=False)
            os.close(write_end)
            self.assertEqual(done.returncode, 15)
            self.assertIn(b'"result":"local-io"', done.stderr)

    def test_an_interrupt_ends_the_pipe_by_the_signal(self):
        with StubServer(stub_server.echo) as stub:
            client = subprocess.Popen([support.program("TLSECHO_CLIENT"), stub.endpoint()],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            client.stdin.write(b"x")
            client.stdin.flush()
            self.assertEqual(client.stdout.read(1), b"x")
            client.send_signal(signal.SIGINT)
            self.assertEqual(client.wait(support.DEADLINE_S), -signal.SIGINT)
            client.stdin.close()
            client.stdout.close()

    def test_verbose_prints_the_session_and_quiet_nothing(self):
        with StubServer(stub_server.echo, server_context()) as stub:
            text = support.client("-v", *CA, stub.endpoint(), data=b"x").stderr
            self.assertTrue(re.search(rf"connected to 127\.0\.0\.1:{stub.port} from 127\.", text))
            self.assertIn("TLSv1.3", text)
            self.assertIn("sent 1 bytes, received 1 bytes", text)
            self.assertEqual(support.client("-q", *CA, stub.endpoint(), data=b"x").stderr, "")


if __name__ == "__main__":
    unittest.main()
