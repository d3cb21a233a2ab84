# SPDX-License-Identifier: MIT
"""The client's messages name the remedy that fits the failure, and no other."""

import os
import pathlib
import re
import ssl
import subprocess
import tempfile
import time
import unittest

import stub_server
import support
from stub_server import StubServer, server_context

PKI = support.pki()
CA = ("--cacert", PKI / "ca.pem")


def answering(data):
    def serve(connection):
        connection.recv(65536)
        connection.sendall(data)
        stub_server.finish(connection)
    return StubServer(serve)


def wait_channel(pid):
    """Where in the kernel a process waits: proc(5)."""
    return pathlib.Path(f"/proc/{pid}/wchan").read_text(encoding="ascii")


class Sentences(support.TestCase):
    def echo(self):
        return self.server(support.EVERYTHING)

    def said(self, status, *args, **options):
        """Returns the line on standard error."""
        done = support.client(*args, **options)
        self.assertEqual(done.status, status, (done.stdout, done.stderr))
        return done.stderr

    def test_other_servers_are_quoted_with_expect_none_as_the_remedy(self):
        with answering(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n") as stub:
            for args, data in ((("--check",), b""), ((), b"hi")):
                with self.subTest(args):
                    said = self.said(14, *args, stub.endpoint(), data=data)
                    self.assertIn('the server sent "HTTP/1.1 400 Bad Request"', said)
                    self.assertIn("it is not an echo server: if that is intended, add --expect none",
                                  said)
            self.assertIn("use --check --expect none", self.said(14, "--ping", stub.endpoint()))

    def test_a_load_against_no_echo_server_names_the_loads_that_are_possible(self):
        remedy = "add --expect none to compare nothing, or --handshakes to only connect"
        with answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as stub:
            said = self.said(14, "--bench", "-n1", stub.endpoint())
            self.assertIn('connection 1: the server sent "HTTP/1.1 400 Bad Request" instead', said)
            self.assertIn(f"; it is not an echo server: {remedy}\n", said)
        with answering(b"\xff" * 64) as stub:
            said = self.said(14, "--bench", "-n1", stub.endpoint())
            self.assertRegex(said, "byte 0 came back as 0xff instead of 0x..; it is not an echo server")
        with StubServer(lambda c: c.recv(65536)) as stub:
            said = self.said(13, "--bench", "-n1", stub.endpoint())
            self.assertIn("connection 1: the server ended with 64 bytes missing", said)
            self.assertIn(f"; if it is not an echo server, {remedy}\n", said)
        with StubServer(stub_server.discard) as stub:
            said = self.said(6, "--bench", "-n1", "--idle-timeout=100ms", stub.endpoint())
            self.assertIn(f"; if it is not an echo server, {remedy}\n", said)
            for args in ("--expect=none", "-n1"), ("--handshakes", "-n1"):
                self.said(0, "--bench", *args, stub.endpoint())
        with StubServer(lambda c: c.sendall(c.recv(65536).upper())) as stub:
            self.assertIn("it returns upper case: add --expect upper",
                          self.said(14, "--bench", "-n1", "-s", "200", stub.endpoint()))

    def test_a_load_that_was_echoed_at_first_suggests_no_expect_none(self):
        def stop(connection):
            connection.sendall(connection.recv(64))
            connection.recv(64)

        def change(connection):
            connection.sendall(connection.recv(64)[:-1] + b"\xff")

        def double(connection):
            connection.sendall(connection.recv(64) * 2)

        for serve, status, says in ((stop, 13, "ended with 64 bytes missing"),
                                    (change, 14, "0x..; something on the way changed it"),
                                    (double, 14, "came back, but only 64 were sent\n")):
            with self.subTest(says), StubServer(serve) as stub:
                said = self.said(status, "--bench", "-n3", "--pipeline=1", stub.endpoint())
                self.assertRegex(said, says)
                self.assertNotIn("not an echo server", said)

    def test_silence_and_an_early_end_hint_at_expect_none(self):
        with StubServer(stub_server.discard) as stub:
            said = self.said(6, "--check", "--idle-timeout=100ms", stub.endpoint())
            self.assertIn("raise --idle-timeout; if it is not an echo server, add --expect none", said)
            self.assertNotIn("--connect-timeout", said)
        with StubServer(lambda c: c.recv(65536)) as stub:
            self.assertIn("if it is not an echo server, add --expect none",
                          self.said(13, "--check", stub.endpoint()))

    def test_an_upper_case_server_gets_a_hint_of_its_own(self):
        with StubServer(lambda c: c.sendall(c.recv(65536).upper())) as stub:
            self.assertIn("it returns upper case: add --expect upper",
                          self.said(14, "--check", stub.endpoint()))

    def test_a_byte_changed_in_transit_is_not_taken_for_another_service(self):
        with StubServer(lambda c: c.sendall(c.recv(65536)[:-1] + b"!")) as stub:
            said = self.said(14, "--check", stub.endpoint())
            self.assertIn("byte 63 came back as 0x21", said)
            self.assertNotIn("--expect", said)

    def test_a_check_offers_no_way_around_the_certificate(self):
        for name, status in (("expired", 10), ("wrong-host", 9), ("self-signed", 8)):
            with self.subTest(name), StubServer(stub_server.echo, server_context(name)) as stub:
                done = support.client("--check", "--nagios", *CA, stub.endpoint())
                self.assertEqual(done.status, 2)
                self.assertNotIn(b"--insecure", done.stdout)
                self.assertNotIn("--insecure", self.said(status, "--check", *CA, stub.endpoint()))
                self.assertIn("add --insecure", self.said(status, *CA, stub.endpoint()))
                self.assertIn("add --insecure", self.said(status, "--ping", *CA, stub.endpoint()))

    def test_a_server_that_sends_no_chain_is_reported(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as leaf:
            pem = (PKI / "server-ecdsa.pem").read_text()
            leaf.write(pem[:pem.index("-----END")] + "-----END CERTIFICATE-----\n")
            leaf.flush()
            context.load_cert_chain(leaf.name, PKI / "server-ecdsa.key")
        with StubServer(stub_server.echo, context) as stub:
            self.assertIn("add it to the server's certificate file: the server sent no chain",
                          self.said(8, "--check", *CA, stub.endpoint()))

    def test_a_key_that_is_elsewhere_has_an_option(self):
        self.assertIn("if it is in a file of its own, add --key",
                      self.said(2, "--cert", PKI / "server-ecdsa.pem", "tls://127.0.0.1:1"))

    def test_a_ping_without_a_reply_hints_at_an_echo_server(self):
        with StubServer(stub_server.discard) as stub:
            said = self.said(6, "--ping", "-c1", "--idle-timeout=100ms", stub.endpoint())
            self.assertIn("if it is not an echo server, use --check --expect none", said)

    def test_a_load_reports_how_long_no_byte_moved(self):
        with StubServer(stub_server.discard) as stub:
            self.assertIn("no data for 0.1 s (--idle-timeout)",
                          self.said(6, "--bench", "-n1", "--idle-timeout=100ms", stub.endpoint()))

    def test_no_prefix_is_there_twice(self):
        with StubServer(stub_server.echo) as stub:
            closed = stub.endpoint()
        for host, words in (("nosuch.invalid", "dns: look up nosuch.invalid: "),
                            (closed, "refused: connect to 127.0.0.1:")):
            with self.subTest(host):
                done = support.client("--check", "--nagios", host)
                self.assertIn(f"TLSECHO CRITICAL - {words}", done.stdout.decode())
                done = support.client("--ping", "-c1", host)
                self.assertIn(f"lost: seq=1 {words}", done.stdout.decode())
                self.assertNotRegex(done.stderr, r"\b(\w+): \1[: ]")
        with StubServer(stub_server.echo, server_context("expired")) as stub:
            done = support.client("--check", "--nagios", *CA, stub.endpoint())
            self.assertIn(b"CRITICAL - expired: handshake: the ", done.stdout)

    def test_an_address_of_the_other_family_is_not_a_wrong_name(self):
        self.assertIn("give an address of the family of -4 or -6",
                      self.said(3, "--check", "-6", "127.0.0.1"))

    def test_a_report_shows_whole_fingerprints(self):
        server = self.server(support.EVERYTHING.replace("tls://127.0.0.1:0",
                                                        "tls://127.0.0.1:0\n    service: report"))
        done = support.client("--report", *CA, server.endpoint("tls"))
        self.assertEqual(done.status, 0, done.stderr)
        text = done.stdout.decode()
        for row in "certificate", "exporter":
            self.assertRegex(text, rf"\n{row} +[0-9a-f]{{64}} +same\n")
        self.assertRegex(text, r"\nversion +TLSv1.3 +TLSv1.3 +same\n")

    def test_a_slow_rate_has_digits(self):
        done = support.client("--bench", "-n3", "--rate=20", self.echo().endpoint("tcp"))
        self.assertEqual(done.status, 0, done.stderr)
        text = done.stdout.decode()
        self.assertRegex(text, r"\nmessages +3, [1-9]\d\.\d/s\n")
        self.assertRegex(text, r"\nsent .*/s \([1-9][\d.]{2,3} kbit/s\)\n")
        self.assertNotIn("(0 ", text)

    def test_percentiles_that_need_more_samples_are_left_out(self):
        server = self.echo()
        done = support.client("--bench", "-n1", server.endpoint("tcp"))
        self.assertIn("latency     min", done.stdout.decode())
        self.assertNotRegex(done.stdout.decode(), r"p50|p99")
        for count, known in ((1, set()), (20, {"p50", "p90"}), (100, {"p50", "p90", "p99"})):
            with self.subTest(count):
                done = support.client("--bench", "--json", f"-n{count}", server.endpoint("tcp"))
                latency = done.summary()["latency"]
                self.assertEqual(known, set(latency) & {"p50", "p90", "p99", "p99_9"})
        done = support.client("--bench", "-n1", server.endpoint("tcp"), server.endpoint("unix"))
        self.assertRegex(done.stdout.decode(), r"latency max ")
        self.assertNotRegex(done.stdout.decode(), r"latency p99")

    def test_a_second_of_few_messages_has_no_quantile_that_takes_more(self):
        server = self.echo()
        for count, known in ((1, {"max"}), (2, {"p50", "max"}), (100, {"p50", "p99", "max"})):
            with self.subTest(count):
                done = support.client("--bench", "--json", "-v", f"-n{count}", server.endpoint("tcp"))
                second, summary = map(support.described, done.stdout.splitlines())
                self.assertEqual(known, set(second) & {"p50", "p99", "max"})
                self.assertEqual(known, set(summary["seconds"][0]) & {"p50", "p99", "max"})
                self.assertEqual("stddev" in summary["latency"], count > 1)
        with tempfile.TemporaryDirectory() as folder:
            done = support.client("--bench", "-v", "-n1", f"--report-html={folder}/page",
                                  server.endpoint("tcp"))
            with open(f"{folder}/page", encoding="utf-8") as file:
                page = file.read()
        self.assertRegex(done.stdout.decode(), r"p50 -  p99 -  max [\d.]+ .s\n")
        self.assertNotIn("stddev", done.stdout.decode())
        self.assertRegex(page, r'class="curve a dashed" d=""')
        self.assertNotIn("<td>0", page)
        curve = page.split("percentiles", 1)[1].split("</svg>", 1)[0]
        self.assertRegex(curve, r'class="curve a" d=""/>\s*<path class="bars a" d="M[\d.]+ [\d.]+h0"/>')

    def test_a_ping_of_one_probe_prints_its_times(self):
        server = self.echo()
        done = support.client("--ping", "-c1", server.endpoint("tcp"))
        times = re.search(r"time=([\d.]+) ms \(first\)", done.stdout.decode())
        self.assertRegex(done.stdout.decode(),
                         rf"\nrtt min/avg/max = ({re.escape(times[1])}/){{2}}{re.escape(times[1])} ms\n")
        summary = support.client("--ping", "-c1", "--json", server.endpoint("tcp")).summary()
        self.assertEqual(summary["latency"]["count"], 1)
        self.assertNotIn("stddev", summary["latency"])
        self.assertEqual(summary["latency"]["max"], summary["phases"]["first_echo"])

    def test_timestamps_begin_each_line(self):
        done = support.client("--ping", "-D", "-c2", "-i1ms", self.echo().endpoint("tcp"))
        lines = done.stdout.decode().splitlines()
        self.assertRegex(lines[0], r"^PING ")
        for line in lines[1:3]:
            self.assertRegex(line, r"^\[[1-9]\d{8,}\.\d{6}\] 64 bytes from ")
        self.assertEqual(lines[3], "")
        with StubServer(stub_server.echo) as stub:
            closed = stub.endpoint()
        done = support.client("--ping", "-D", "-c2", closed)
        self.assertRegex(done.stdout.decode(), r"\A\[\d+\.\d{6}\] lost: seq=1 refused: ")
        done = support.client("--ping", "-D", "--json", "-v", "-c2", "-i1ms",
                              self.echo().endpoint("tcp"))
        stamps = [support.described(line)["timestamp"] for line in done.stdout.splitlines()[:-1]]
        self.assertEqual(stamps, sorted(stamps))
        self.assertGreater(stamps[0], 1e9)

    def test_the_port_is_taken_behind_a_colon_and_by_the_name_of_its_service(self):
        address, port = self.echo().address("tcp")
        for words in ((f"{address}:{port}",), (address, port), (f"tcp://{address}:{port}",)):
            with self.subTest(words):
                self.assertEqual(support.client("--check", *words).status, 0)
        for words in (("127.0.0.1", "tcpmux"), ("127.0.0.1:tcpmux",), ("tls://127.0.0.1:tcpmux",)):
            with self.subTest(words):
                self.assertIn("127.0.0.1:1", self.said(4, "--check", *words))
        self.assertIn("127.0.0.1:1:", self.said(4, "--check", "--connect-to=127.0.0.1:tcpmux", "h"))

    def test_a_unix_socket_is_called_one(self):
        server = self.server("listeners:\n  - listen: unix://{dir}/echo.sock\n")
        shown = support.client("-v", server.endpoint("unix"), data=b"x").stderr
        self.assertIn(" over unix\n", shown)

    def test_a_pipe_is_called_by_the_name_that_it_was_given(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "fifo")
            os.mkfifo(path)
            with subprocess.Popen([support.program("TLSECHO_CLIENT"), "--check", "--cacert", path,
                                   "tls://127.0.0.1:1"], stderr=subprocess.PIPE, text=True,
                                  env=support.environment()) as client:
                end = time.monotonic() + support.DEADLINE_S
                while (client.poll() is None and "poll" not in wait_channel(client.pid)
                       and time.monotonic() < end):
                    time.sleep(0.001)
                self.assertIsNone(client.poll(), "the client does not wait for a writer")
                path.write_text("no certificate\n", encoding="ascii")
                _, said = client.communicate(timeout=support.DEADLINE_S)
        self.assertEqual(client.returncode, 2)
        self.assertIn(f"--cacert: {path} has no certificate", said)

    def test_insecure_does_not_accept_a_chain_that_is_too_long(self):
        with tempfile.NamedTemporaryFile() as chain:
            chain.write((PKI / "server-ecdsa.pem").read_bytes())
            chain.write((PKI / "intermediate.pem").read_bytes() * 90)
            chain.flush()
            context = server_context()
            context.load_cert_chain(chain.name, PKI / "server-ecdsa.key")
            with StubServer(stub_server.echo, context) as stub:
                for args in ("-k",), CA:
                    said = self.said(8, *args, stub.endpoint())
                    self.assertRegex(said, "refused")
                    self.assertNotIn("add --insecure", said)


if __name__ == "__main__":
    unittest.main()
