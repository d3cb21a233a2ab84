# SPDX-License-Identifier: MIT
"""tlsecho-client --report: both views and the verdict, for direct connections and through proxies."""

import contextlib
import pathlib
import socket
import ssl
import tempfile
import threading
import unittest

import certificates
import haproxy
import relay
import schema
import stub_server
import support
from stub_server import StubServer, server_context

PKI = support.pki()
CA = ("--cacert", PKI / "ca.pem")
CONFIG = """
listeners:
  - {{ listen: "tcp://127.0.0.1:0", service: report{keys} }}
  - {{ listen: "tls://127.0.0.1:0", service: report{keys} }}
  - {{ listen: "unix://{{dir}}/report.sock", service: report{keys} }}
""" + support.PROFILE.replace("{", "{{").replace("}", "}}") + """
    alpn: [ h2, other ]
"""
PROXIED = ", proxy_protocol: required, proxy_from: [ 127.0.0.1 ]"


class ReportCase(haproxy.TestCase):
    def start(self, keys="", more=""):
        return self.server(CONFIG.format(keys=keys) + more)

    def report(self, *args, path=None, status=0):
        """Returns the JSON object. The text output must agree with it, and --expect-direct, where a
        --cacert permits it, with the path."""
        done = support.client("--report", "--json", *args)
        self.assertEqual(done.status, status, (done.stdout, done.stderr))
        summary = done.summary()
        if not path:
            return summary
        self.assertEqual(schema.faults(summary["there"], schema.load("report")), [])
        self.assertEqual(summary["verdict"]["path"], path)
        strict = ("--expect-direct",) if "--cacert" in args else ()
        direct = support.client("--report", *strict, *args)
        self.assertEqual(direct.status, 8 if strict and path != "end-to-end" else 0, direct.stderr)
        self.assertRegex(direct.stdout.decode(), r"\n {19} here +there\n")
        self.assertRegex(direct.stdout.decode(), r"\nsource  +\S+ +\S+ +(as sent|translated or)")
        self.assertRegex(direct.stdout.decode(), r"\nverdict: .+\n\Z")
        if direct.status:
            self.assertIn("(--expect-direct)", direct.stderr)
        return summary

    def relations(self, summary):
        return {key: value for key, value in summary["verdict"].items()
                if value in ("same", "different", "unknown")}


class Direct(ReportCase):
    def test_over_tls_it_is_one_session_and_all_is_the_same(self):
        server = self.start()
        for version in ("1.2", "1.3"):
            with self.subTest(version):
                summary = self.report(*CA, f"--tls-max={version}", "--servername=localhost",
                                      "--alpn=other", server.endpoint("tls"), path="end-to-end")
                self.assertEqual(set(self.relations(summary).values()), {"same"})
                here, there = summary["here"], summary["there"]
                self.assertEqual(here["exporter"], there["tls"]["exporter"])
                self.assertEqual(there["tls"]["signature"], "ecdsa_secp256r1_sha256")
                self.assertEqual(there["tls"]["signature"], summary["tls"]["signature"])
                self.assertEqual(here["certificate_sha256"], there["tls"]["certificate_sha256"])
                self.assertEqual((here["sni"], there["tls"]["sni"]), ("localhost",) * 2)
                self.assertEqual(there["tls"]["alpn"], "other")
                self.assertEqual(here["source"], there["source"])
                self.assertIs(summary["verdict"]["proxy_header"], False)

    def test_over_tcp_and_a_unix_socket_it_is_plain(self):
        server = self.start()
        summary = self.report(server.endpoint("tcp"), path="plain")
        self.assertNotIn("exporter", summary["here"])
        self.report(server.endpoint("unix"))

    def test_a_client_certificate_is_seen(self):
        server = self.start(more='    client_auth: optional\n    client_ca: "{pki}/ca.pem"\n')
        summary = self.report(*CA, "--cert", PKI / "client.pem", "--key", PKI / "client.key",
                              server.endpoint("tls"), path="end-to-end")
        self.assertEqual(summary["here"]["client_certificate_sha256"],
                         summary["there"]["tls"]["client"]["sha256"])
        self.assertEqual(self.relations(summary)["client_certificate"], "same")

    def test_a_resumed_session_is_one_too_with_no_certificate_served(self):
        server = self.start()
        with tempfile.TemporaryDirectory() as folder:
            args = (*CA, f"--resume={folder}/session", server.endpoint("tls"))
            self.report(*args)
            summary = self.report(*args, path="end-to-end")
            self.assertIs(summary["tls"]["resumed"], True)
            self.assertEqual(self.relations(summary)["certificate"], "unknown")


class Between(ReportCase):
    def test_a_tcp_relay_shows_in_the_addresses_and_not_in_tls(self):
        server = self.start()
        with relay.Relay(server.address("tls")) as between:
            summary = self.report(*CA, between.endpoint("tls"), path="end-to-end")
            self.assertEqual(summary["verdict"]["source"], "different")
            self.assertEqual(summary["verdict"]["destination"], "different")
        with relay.Relay(server.address("tcp")) as between:
            self.report(between.endpoint("tcp"), path="relayed")

    def intercept(self, address, behind):
        """A handler that connects to the server with a TLS session of its own, or in plain text."""
        def handler(connection):
            with socket.create_connection(address) as onwards:
                if behind == "tls":
                    ctx = ssl.create_default_context(cafile=PKI / "ca.pem")
                    onwards = ctx.wrap_socket(onwards, server_hostname="localhost")
                for data in stub_server.received(onwards):
                    connection.sendall(data)
                stub_server.finish(connection)
        return handler

    @contextlib.contextmanager
    def own_ca(self):
        """(a CA that the client trusts, a context with a certificate of it)"""
        with tempfile.TemporaryDirectory() as folder:
            work = pathlib.Path(folder)
            certificates.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt",
                            "ec_paramgen_curve:P-256", "-nodes", "-keyout", work / "key", "-out",
                            work / "ca", "-subj", "/CN=Interception", "-addext",
                            "subjectAltName=IP:127.0.0.1")
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(work / "ca", work / "key")
            yield work / "ca", context

    def test_interception_by_a_trusted_ca_is_found(self):
        server = self.start()
        with self.own_ca() as (ca, context):
            for behind in ("tls", "tcp"):
                handler = self.intercept(server.address(behind), behind)
                with self.subTest(behind), StubServer(handler, context) as between:
                    summary = self.report("--cacert", ca, between.endpoint(), path="terminated")
                    self.assertIs(summary["tls"]["verified"], True)
                    relations = self.relations(summary)
                    self.assertEqual(relations["certificate"],
                                     "different" if behind == "tls" else "unknown")
                    self.assertEqual(summary["result"], "ok")

    def test_tls_added_on_the_way_is_found(self):
        with StubServer(self.intercept(self.start().address("tls"), "tls")) as between:
            self.report(between.endpoint(), path="terminated")

    @support.requires("haproxy")
    def test_haproxy_in_tcp_mode_and_in_the_one_that_ends_tls(self):
        server = self.start(PROXIED)
        host, behind = server.address("tls")
        between = self.haproxy("listen x\n  mode tcp\n  bind {listening}\n"
                               f"  server s {host}:{behind} send-proxy-v2\n")
        summary = self.report(*CA, "tls://{}:{}".format(*between), path="end-to-end")
        self.assertIs(summary["verdict"]["proxy_header"], True)
        self.assertEqual(summary["verdict"]["source"], "same")  # from the PROXY header
        self.assertEqual(summary["there"]["proxy"]["version"], 2)
        for transport, extra in (("tcp", ""), ("tls", " ssl verify none")):
            host, behind = server.address(transport)
            between = self.haproxy("listen x\n  mode tcp\n  bind {listening} ssl crt {dir}/pair.pem\n"
                                   f"  server s {host}:{behind} send-proxy-v2{extra}\n")
            with self.subTest(transport):
                summary = self.report(*CA, "tls://{}:{}".format(*between), path="terminated")
                self.assertEqual(summary["verdict"]["source"], "same")


class NoReport(ReportCase):
    def test_a_listener_with_another_service_is_reported(self):
        server = self.server("listeners: [ { listen: 'tcp://127.0.0.1:0' } ]")
        summary = self.report(server.endpoint("tcp"), status=13)
        self.assertIn("`service: report`", summary["error"]["message"])

    def test_a_malformed_report_is_corrupt(self):
        for data in (b"220 hello\r\n", b"{}\n", b"{\"a\":" * 5000, bytes(200_000)):
            with StubServer(lambda c, data=data: (c.sendall(data), stub_server.finish(c))) as stub:
                summary = self.report(stub.endpoint(), status=14)
                self.assertIn("is not a report", summary["error"]["message"])
                self.assertNotIn("verdict", summary)

    def test_the_idle_timeout_covers_the_whole_report(self):
        stop = threading.Event()

        def trickle(connection):
            connection.sendall(b"{")
            while not stop.wait(0.1):
                connection.sendall(b" ")

        with StubServer(trickle) as stub:
            summary = self.report("--idle-timeout=500ms", stub.endpoint(), status=6)
            stop.set()
        self.assertRegex(summary["error"]["message"],
                         r"\Athe server was still sending after 0\.5 s; ")
        with StubServer(lambda c: stop.wait(5)) as stub:
            stop.clear()
            summary = self.report("--idle-timeout=300ms", stub.endpoint(), status=6)
            stop.set()
        self.assertIn("no data for 0.3 s", summary["error"]["message"])

    def test_failures_have_their_class(self):
        self.report("tls://127.0.0.1:1", status=4)
        with StubServer(stub_server.echo, server_context("expired")) as stub:
            self.report(*CA, stub.endpoint(), status=10)
        with StubServer(stub_server.reset) as stub:
            self.report(stub.endpoint(), status=12)

    def test_names_that_would_command_a_terminal_do_not(self):
        text = b'{"schema":1,"listener":"\\u001b[2J","source":"x"}\n'
        with StubServer(lambda c: (c.sendall(text), stub_server.finish(c))) as stub:
            done = support.client("--report", stub.endpoint())
            self.assertEqual(done.status, 0, done.stderr)
            self.assertNotIn(b"\x1b", done.stdout)

    def test_quiet_prints_nothing(self):
        done = support.client("--report", "-q", self.start().endpoint("tcp"))
        self.assertEqual((done.status, done.stdout, done.stderr), (0, b"", ""))


if __name__ == "__main__":
    unittest.main()
