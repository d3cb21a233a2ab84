# SPDX-License-Identifier: MIT
"""Services other than echo: discard, chargen, report, hello."""

import json
import os
import signal
import time
import unittest

import peers
import schema
import support

KINDS = ("tcp", "unix", "tls 1.2", "tls 1.3")
PROFILE = """
tls:
  default:
    certificates: [ { certificate: "{pki}/server-ecdsa.pem", key: "{pki}/server-ecdsa.key" } ]
    alpn: [ h2, http/1.1 ]
    client_auth: optional
    client_ca: "{pki}/ca.pem"
"""
SOME_BYTES = 3_000_000
PERIOD_BYTES = 95 * 74


def listeners(service):
    return f"""
listeners:
  - {{ listen: "tcp://127.0.0.1:0", service: {service} }}
  - {{ listen: "tls://127.0.0.1:0", service: {service} }}
  - {{ listen: "unix://{{dir}}/sock", service: {service} }}
""" + PROFILE


def connect(server, kind, **options):
    transport, _, version = kind.partition(" ")
    address = server.address(transport)
    return peers.Tls(address, version, **options) if version else peers.Plain(address)


def pattern(count):
    """The first bytes of RFC 864's pattern."""
    row = bytes(range(32, 127)) * 2
    period = b"".join(row[start:start + 72] + b"\r\n" for start in range(95))
    return (period * (count // PERIOD_BYTES + 1))[:count]


class Service(support.TestCase):
    service, more = None, ""

    def setUp(self):
        self.running = self.server(listeners(self.service) + self.more)

    def each_kind(self):
        for kind in KINDS:
            with self.subTest(kind), connect(self.running, kind) as peer:
                yield kind, peer

    def assert_line(self, end, **fields):
        line = self.running.wait_for("connection")
        self.assertEqual((line["service"], line["end"]), (self.service, end))
        for key, value in fields.items():
            self.assertEqual(line[key], str(value), key)
        return line


class Discard(Service):
    service = "discard"

    def test_drops_everything_and_answers_nothing(self):
        for kind, peer in self.each_kind():
            self.assertEqual(peer.exchange(os.urandom(SOME_BYTES)), b"")
            self.assertEqual((peer.ended, peer.close_notify), ("fin", kind.startswith("tls")))
            self.assert_line("closed", received_bytes=SOME_BYTES, sent_bytes=0)


class Chargen(Service):
    service = "chargen"

    def test_sends_the_pattern_until_the_client_ends(self):
        for kind, peer in self.each_kind():
            self.assertEqual(peer.receive(SOME_BYTES), pattern(SOME_BYTES))
            peer.end()
            peer.receive_all()
            self.assertEqual((peer.ended, peer.close_notify), ("fin", kind.startswith("tls")))
            line = self.assert_line("closed")
            self.assertGreaterEqual(int(line["sent_bytes"]), SOME_BYTES)

    def test_drops_what_arrives(self):
        for _, peer in self.each_kind():
            peer.send(os.urandom(SOME_BYTES))
            self.assertEqual(peer.receive(SOME_BYTES), pattern(SOME_BYTES))
            peer.end()
            peer.receive_all()
            self.assert_line("closed", received_bytes=SOME_BYTES)

    def test_notices_a_reset(self):
        for kind in KINDS:
            if kind != "unix":  # Unix sockets have no reset
                with self.subTest(kind), connect(self.running, kind) as peer:
                    peer.receive(1)
                    peer.reset()
                    self.assert_line("reset")

    def test_a_drain_ends_it(self):
        with connect(self.running, "tls 1.3") as peer:
            peer.receive(1000)
            self.running.signal(signal.SIGTERM)
            peer.receive_all()
            self.assertEqual((peer.ended, peer.close_notify), ("fin", True))
        self.assertEqual(self.running.wait(), 0)
        self.assert_line("drained")


class UnreadChargen(Service):
    service = "chargen"
    more = "timeouts: { write: 300ms, linger: 100ms }\n"

    def test_a_client_that_does_not_read_is_closed_after_the_write_timeout(self):
        for _, peer in self.each_kind():
            line = self.assert_line("write_timeout")
            self.assertLess(int(line["sent_bytes"]), 30_000_000)


class Report(Service):
    service = "report"

    def report(self, peer):
        """The report of a connection, checked against its schema."""
        text = peer.receive_all().decode()
        self.assertTrue(text.endswith("}\n") and text.count("\n") == 1, text)
        self.assertEqual(peer.ended, "fin")
        report = json.loads(text)
        self.assertEqual(schema.faults(report, schema.load("report")), [])
        return report

    def test_sends_the_report_at_once_and_ends(self):
        for kind, peer in self.each_kind():
            report = self.report(peer)
            self.assertEqual(peer.close_notify, kind.startswith("tls"))
            self.assertEqual("tls" in report, kind.startswith("tls"))
            self.assertLess(abs(time.time() - seconds(report["time"])), support.DEADLINE_S)
            peer.socket.close()
            line = self.assert_line("finished", received_bytes=0)
            self.assertEqual((str(report["connection"]), report["source"], report["destination"],
                              report["listener"]),
                             (line["id"], line["source"], line["destination"], line["listener"]))

    def test_its_words_about_tls_are_those_of_the_log(self):
        for kind in KINDS[2:]:
            ctx = peers.trusting(support.pki() / "ca.pem")
            ctx.maximum_version = peers.VERSIONS[kind[4:]]
            ctx.set_alpn_protocols(["http/1.1"])
            ctx.load_cert_chain(support.pki() / "client.pem", support.pki() / "client.key")
            with self.subTest(kind), connect(self.running, kind, ctx=ctx) as peer:
                report = self.report(peer)
                peer.socket.close()
                line = self.assert_line("finished")
                tls = report["tls"]
                for key in ("version", "cipher", "group", "sni", "alpn"):
                    self.assertEqual(tls[key], line[key], key)
                self.assertEqual((tls["alpn"], tls["resumed"]), ("http/1.1", False))
                self.assertEqual(tls["client"]["subject"], line["client"])
                self.assertEqual(", ".join(tls["client"]["sans"]), line["client_names"])
                self.assertTrue(tls["client"]["verified"])

    def test_a_client_that_ends_or_talks_first_gets_it_all_the_same(self):
        for _, peer in self.each_kind():
            sender = peer.stream(os.urandom(SOME_BYTES))
            self.assertIn("connection", self.report(peer))
            sender.join()

    def test_the_report_is_complete_with_a_small_buffer(self):
        self.running = self.server(listeners("report") + "limits: { buffer: 4KiB }\n")
        for kind, peer in self.each_kind():
            self.assertEqual("tls" in self.report(peer), kind.startswith("tls"))


class Hello(Service):
    service, more = "hello", "identity: { name: web-1 }\n"

    def test_sends_a_line_about_itself_and_then_every_byte(self):
        data = os.urandom(SOME_BYTES)
        for kind, peer in self.each_kind():
            line, _, rest = peer.exchange(data).partition(b"\n")
            self.assertEqual(rest, data)
            hello = json.loads(line)
            self.assertEqual(schema.faults(hello, schema.load("hello")), [])
            self.assertEqual(hello["identity"], {"name": "web-1"})
            self.assertEqual("tls" in hello, kind.startswith("tls"))
            ended = self.assert_line("closed", received_bytes=SOME_BYTES,
                                     sent_bytes=SOME_BYTES + len(line) + 1)
            self.assertEqual((str(hello["connection"]), hello["source"], hello["listener"]),
                             (ended["id"], ended["source"], ended["listener"]))

    def test_sends_the_line_before_the_client_sends_anything(self):
        for _, peer in self.each_kind():
            self.assertEqual(peer.receive(1), b"{")


def seconds(text):
    return time.mktime(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone


class MadeUp(unittest.TestCase):
    """Tests the check of the schema."""

    def test_what_is_wrong_is_found(self):
        good = {"schema": 1, "time": "2026-01-02T03:04:05.678Z", "listener": "x", "connection": 1,
                "source": "unix"}
        rules = schema.load("report")
        self.assertEqual(schema.faults(good, rules), [])
        for change in ({"schema": 2}, {"time": "now"}, {"connection": True}, {"connection": 0},
                       {"new": 1}, {"tls": {}}, {"source": None}):
            with self.subTest(change):
                self.assertTrue(schema.faults({**good, **change}, rules))
        del good["source"]
        self.assertEqual(schema.faults(good, rules), ["$.source is missing"])


if __name__ == "__main__":
    unittest.main()
