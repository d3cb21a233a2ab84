# SPDX-License-Identifier: MIT
"""The PROXY protocol: headers from proxies, and from sources outside proxy_from."""

import contextlib
import json
import os
import socket
import struct
import unittest

import haproxy
import peers
import schema
import support

PROXY, UNTRUSTED = "127.0.0.1", "127.0.0.2"
CLIENT = ("192.0.2.7", 4711)
FRONT = ("198.51.100.1", 443)
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
V1 = f"PROXY TCP4 {CLIENT[0]} {FRONT[0]} {CLIENT[1]} {FRONT[1]}\r\n".encode()

PROFILE = """
tls:
  default:
    certificates: [ { certificate: "{pki}/server-ecdsa.pem", key: "{pki}/server-ecdsa.key" } ]
"""


def listeners(protocol, service="echo", more=""):
    keys = f"service: {service}, proxy_protocol: {protocol}, proxy_from: [ {PROXY}, unix ]{more}"
    return f"""
listeners:
  - {{ listen: "tcp://127.0.0.1:0", {keys} }}
  - {{ listen: "tls://127.0.0.1:0", {keys} }}
  - {{ listen: "unix://{{dir}}/sock", {keys} }}
""" + PROFILE


def tlv(kind, value):
    return struct.pack(">BH", kind, len(value)) + value


def v2(command=0x21, family=0x11, addresses=None, tlvs=b""):
    if addresses is None:
        addresses = (socket.inet_aton(CLIENT[0]) + socket.inet_aton(FRONT[0]) +
                     struct.pack(">HH", CLIENT[1], FRONT[1]))
    body = addresses + tlvs
    return SIGNATURE + struct.pack(">BBH", command, family, len(body)) + body


SSL = tlv(0x20, b"\x07\0\0\0\0" + tlv(0x21, b"TLSv1.3") + tlv(0x22, b"client") +
          tlv(0x23, b"TLS_AES_128_GCM_SHA256"))
FULL = v2(tlvs=tlv(1, b"h2") + tlv(2, b"front.example") + tlv(5, b"id-7") + SSL)
LOCALS = (b"PROXY UNKNOWN\r\n", v2(command=0x20), v2(command=0x20, family=0, addresses=b""),
          v2(family=0, addresses=b""), v2(family=0), v2(family=0x12), v2(family=0x41))
BAD = {
    b"GET / HTTP/1.0\r\n\r\n": "does not start with one",
    b"hello": "does not start with one",
    b"PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n": "fewer than two addresses",
    b"PROXY " + b"x" * 101: "107 bytes",
    SIGNATURE + b"\x21\x11\xff\xff": "16384",
    v2(family=0x21): "too short for the addresses",
    v2(tlvs=b"\x01\0\x09h2"): "beyond its end",
    v2(tlvs=tlv(3, bytes(4))): "CRC32C",
}


class Proxied(support.TestCase):
    KINDS = ("tcp", "tls 1.2", "tls 1.3", "unix")

    @staticmethod
    def connect(server, kind, **options):
        transport, _, version = kind.partition(" ")
        if version:
            return peers.Tls(server.address(transport), version, **options)
        return peers.Plain(server.address(transport), **options)

    def talk(self, peer):
        data = os.urandom(100_000)
        self.assertEqual(peer.exchange(data), data)

    def assert_client(self, line, proxied=True):
        if not proxied:
            self.assertNotIn("proxy", line)
            return
        self.assertEqual(line["source"], "%s:%s" % CLIENT)
        self.assertEqual(line["destination"], "%s:%s" % FRONT)
        self.assertTrue(line["proxy"] == "unix" or line["proxy"].startswith(PROXY + ":"))


class Believed(Proxied):
    def test_the_client_that_the_header_names_is_the_source(self):
        for protocol in ("trusted", "required"):
            server = self.server(listeners(protocol))
            for kind in self.KINDS:
                for header in (V1, v2(), FULL):
                    with self.subTest(protocol, kind=kind, header=header), \
                            self.connect(server, kind, preamble=header) as peer:
                        self.talk(peer)
                        line = server.wait_for("connection")
                        self.assertEqual(line["end"], "closed")
                        self.assertEqual(line["received_bytes"], "100000")
                        self.assert_client(line)

    def test_bytes_behind_the_header_in_one_segment_belong_to_the_stream(self):
        server = self.server(listeners("required"))
        for header in (V1, FULL):
            with self.connect(server, "tcp", preamble=header + header) as peer:
                peer.end()
                self.assertEqual(peer.receive_all(), header)

    def test_a_header_may_arrive_in_several_segments(self):
        server = self.server(listeners("required"))
        for header in (V1, FULL):
            with self.connect(server, "tcp") as peer:
                for byte in header:
                    peer.send(bytes([byte]))
                self.talk(peer)
                self.assert_client(server.wait_for("connection"))

    def test_a_header_may_be_larger_than_a_buffer(self):
        server = self.server(listeners("required") + "limits: { buffer: 4KiB }\n")
        header = v2(tlvs=tlv(0xe0, bytes(16384 - 16 - 12 - 3)))
        with self.connect(server, "tcp") as peer:
            for at in range(0, len(header), 3000):
                peer.send(header[at:at + 3000])
            self.talk(peer)
            self.assert_client(server.wait_for("connection"))

    def test_a_local_header_keeps_the_real_addresses(self):
        server = self.server(listeners("required"))
        for header in LOCALS:
            with self.subTest(header), self.connect(server, "tcp", preamble=header) as peer:
                name = peer.name
                self.talk(peer)
                self.assert_client(server.wait_for("connection", source=name), proxied=False)

    def test_a_unique_id_is_logged_in_hex_unless_it_is_text(self):
        server = self.server(listeners("required"))
        for sent, logged in ((b"id-7", "id-7"), (b"\0\x01\xff", "0001ff")):
            with self.connect(server, "tcp", preamble=v2(tlvs=tlv(5, sent))) as peer:
                self.talk(peer)
                self.assertEqual(server.wait_for("connection")["unique_id"], logged)

    def test_the_report_has_all_fields_of_the_header(self):
        server = self.server(listeners("required", "report"))
        for kind in ("tcp", "tls 1.3"):
            with self.subTest(kind), self.connect(server, kind, preamble=FULL) as peer:
                report = json.loads(peer.receive_all())
                self.assertEqual(schema.faults(report, schema.load("report")), [])
                self.assertEqual(report["source"], "%s:%s" % CLIENT)
                self.assertEqual(report["destination"], "%s:%s" % FRONT)
                host, port = server.address(kind[:3])
                self.assertEqual(report["proxy"], {
                    "version": 2, "local": False, "source": peer.name,
                    "destination": f"{host}:{port}", "alpn": "h2", "authority": "front.example",
                    "unique_id": "id-7", "syn_sender": "proxy",
                    "tls": {"version": "TLSv1.3", "cipher": "TLS_AES_128_GCM_SHA256",
                            "client": {"common_name": "client", "verified": True}}})
                self.assertEqual("tls" in report, kind != "tcp")

    def test_a_missing_or_malformed_header_ends_the_connection_with_a_reason(self):
        server = self.server(listeners("trusted"))
        for header, words in BAD.items():
            for transport in ("tcp", "tls"):
                with self.subTest(header, transport=transport), \
                        peers.Plain(server.address(transport), preamble=header) as peer:
                    self.assertEqual(peer.receive_all(), b"")
                    line = server.wait_for("connection")
                    self.assertEqual(line["end"], "proxy_failed")
                    self.assertIn(words, line["reason"])

    def test_a_partial_header_ends_at_the_handshake_time_out(self):
        server = self.server(listeners("required") + "timeouts: { handshake: 200ms }\n")
        for half in (b"", V1[:-1], FULL[:-1], FULL[:11]):
            with self.subTest(half), peers.Plain(server.address("tls"), preamble=half) as peer:
                self.assertEqual(peer.receive_all(), b"")
                server.wait_for("connection", end="handshake_timeout")

    def test_a_connection_that_ends_within_the_header_is_logged(self):
        server = self.server(listeners("required"))
        with peers.Plain(server.address("tcp"), preamble=V1[:20]) as peer:
            peer.fin()
            self.assertEqual(peer.receive_all(), b"")
        line = server.wait_for("connection", end="proxy_failed")
        self.assertIn("closed the connection before the end of it", line["reason"])


class Spoofed(Proxied):
    def test_trusted_does_not_parse_bytes_of_a_source_outside_proxy_from(self):
        server = self.server(listeners("trusted"))
        for data in (V1, FULL, b"hello"):
            with peers.Plain(server.address("tcp"), source=UNTRUSTED) as peer:
                self.assertEqual(peer.exchange(data), data)
                line = server.wait_for("connection", source=peer.name)
                self.assert_client(line, proxied=False)
        with peers.Tls(server.address("tls"), source=UNTRUSTED) as peer:
            self.talk(peer)
        with peers.Plain(server.address("tls"), source=UNTRUSTED, preamble=V1) as peer:
            peer.receive_all()
        server.wait_for("connection", end="handshake_failed")

    def test_required_refuses_a_source_outside_proxy_from(self):
        server = self.server(listeners("required"))
        for transport in ("tcp", "tls"):
            with peers.Plain(server.address(transport), source=UNTRUSTED, preamble=FULL) as peer:
                self.assertEqual(peer.receive_all(), b"")
                line = server.wait_for("connection", end="proxy_failed")
                self.assertTrue(line["source"].startswith(UNTRUSTED))
                self.assertIn("not in proxy_from", line["reason"])


class Admission(Proxied):
    def test_deny_and_allow_apply_to_the_client_and_not_to_the_proxy(self):
        more = f", deny: [ {CLIENT[0]}/32 ], allow: [ 192.0.2.0/24 ]"
        server = self.server(listeners("trusted", more=more))
        other = V1.replace(CLIENT[0].encode(), b"192.0.2.8")
        outside = V1.replace(CLIENT[0].encode(), b"203.0.113.8")
        for header in (V1, outside):
            with self.connect(server, "tcp", preamble=header) as peer:
                self.assertEqual(peer.receive_all(), b"")
                self.assertTrue(server.wait_for("connection", end="refused")["reason"])
        with self.connect(server, "tcp", preamble=other) as peer:
            self.talk(peer)

    def test_per_source_counts_the_client(self):
        server = self.server(listeners("trusted") + "limits: { per_source: 1 }\n")
        with contextlib.ExitStack() as stack:
            for host in (b"192.0.2.1", b"192.0.2.2", b"192.0.2.3"):
                peer = self.connect(server, "tcp", preamble=V1.replace(b"192.0.2.7", host))
                stack.enter_context(peer)
                peer.send(b"x")
                self.assertEqual(peer.receive(1), b"x")
            with self.connect(server, "tcp", preamble=V1.replace(b"192.0.2.7", b"192.0.2.2")) as peer:
                self.assertEqual(peer.receive_all(), b"")
                server.wait_for("connection", end="refused", source="192.0.2.2:4711")


@support.requires("haproxy")
class Haproxy(Proxied, haproxy.TestCase):
    """haproxy in front of the server, each frontend on a Unix socket or port of its own."""

    def report_of(self, peer):
        report = json.loads(peer.receive_all())
        self.assertEqual(schema.faults(report, schema.load("report")), [])
        return report

    def test_in_tcp_mode_with_either_version_over_both_transports(self):
        server = self.server(listeners("required", "report"))
        for version, option in ((1, "send-proxy"), (2, "send-proxy-v2"),
                                (2, "send-proxy-v2 proxy-v2-options crc32c,unique-id")):
            for connect, transport in ((peers.Plain, "tcp"), (peers.Tls, "tls")):
                host, behind = server.address(transport)
                between = self.haproxy("listen x\n  mode tcp\n  bind {listening}\n"
                                       f"  server s {host}:{behind} {option}\n")
                with self.subTest(option, transport=transport), connect(between) as peer:
                    report = self.report_of(peer)
                    self.assertEqual(report["source"], peer.name)
                    self.assertEqual(report["destination"], "{}:{}".format(*between))
                    self.assertEqual(report["proxy"]["version"], version)
                    name = peer.name
                    peer.socket.close()
                    line = server.wait_for("connection", id=report["connection"])
                    self.assertEqual(line["source"], name)
                    self.assertEqual(line["proxy"], report["proxy"]["source"])

    def test_haproxy_that_ends_tls_passes_its_parameters(self):
        server = self.server(listeners("required", "report"))
        ctx = peers.trusting(support.pki() / "ca.pem")
        ctx.load_cert_chain(support.pki() / "client.pem", support.pki() / "client.key")
        host, behind = server.address("tcp")
        between = self.haproxy("listen x\n  mode tcp\n  bind {listening} ssl crt {dir}/pair.pem "
                               f"ca-file {support.pki()}/ca.pem verify optional\n"
                               f"  server s {host}:{behind} send-proxy-v2-ssl-cn "
                               "proxy-v2-options ssl,cert-cn,ssl-cipher,authority\n")
        with peers.Tls(between, ctx=ctx) as peer:
            report = self.report_of(peer)
            self.assertNotIn("tls", report)
            self.assertEqual(report["source"], peer.name)
            proxy = report["proxy"]
            self.assertEqual(proxy["authority"], "localhost")
            self.assertEqual(proxy["tls"]["version"], "TLSv1.3")
            self.assertTrue(proxy["tls"]["cipher"])
            self.assertTrue(proxy["tls"]["client"]["verified"])
            self.assertTrue(proxy["tls"]["client"]["common_name"])

    def test_health_checks_of_haproxy_are_local(self):
        server = self.server(listeners("required") + "log: { level: debug }\n")
        host, behind = server.address("tcp")
        self.haproxy("listen x\n  mode tcp\n  bind {listening}\n"
                     f"  server s {host}:{behind} send-proxy-v2 check check-send-proxy inter 100\n")
        line = server.wait_for("connection", end="probe")
        self.assertNotIn("proxy", line)
        self.assertTrue(line["source"].startswith("127.0.0.1:"))


class Refused(support.TestCase):
    def check(self, keys, words):
        server = self.server(f"listeners: [ {{ listen: 'tcp://127.0.0.1:0', {keys} }} ]\n",
                             ready=False, args=("-t",))
        self.assertEqual(server.wait(), 78)
        self.assertIn(words, server.log())

    def test_proxy_from_and_proxy_protocol_need_each_other(self):
        self.check("proxy_protocol: required", "proxy_protocol: needs proxy_from")
        self.check("proxy_protocol: trusted, proxy_from: []", "proxy_protocol: needs proxy_from")
        self.check("proxy_from: [ 10.0.0.0/8 ]", "proxy_from: has no effect while proxy_protocol is off")
        self.check("proxy_protocol: on, proxy_from: [ unix ]", "write one of off, trusted, required")


if __name__ == "__main__":
    unittest.main()
