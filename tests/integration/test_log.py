# SPDX-License-Identifier: MIT
"""Every log line is one that docs/log.md describes."""

import json
import signal
import unittest

import logdoc
import peers
import schema
import support

CONFIG = """
listeners:
  - { listen: 'tcp://127.0.0.1:0', name: plain }
  - { listen: 'unix://{dir}/echo.sock', name: 'of "this" host' }
  - { listen: 'tls://127.0.0.1:0', name: tls, tls: mutual }
  - { listen: 'tls://127.0.0.1:0', name: report, service: report }
  - { listen: 'tcp://127.0.0.1:0', name: closed, deny: [ 127.0.0.0/8 ] }
tls:
  default:
    certificates: [ { certificate: "{pki}/expired.pem", key: "{pki}/expired.key" } ]
  early:
    certificates: [ { certificate: "{pki}/not-yet-valid.pem", key: "{pki}/not-yet-valid.key" } ]
  mutual:
    certificates: [ { certificate: "{pki}/server-ecdsa.pem", key: "{pki}/server-ecdsa.key" } ]
    alpn: [ h2, http/1.1 ]
    client_auth: optional
    client_ca: "{pki}/ca.pem"
admin: { listen: 'tcp://127.0.0.1:0' }
limits: { connections: 20 }
log: { level: debug, format: json }
"""

# The events of such a session on every system.
EXPECTED = {"certificate", "certificate_expired", "certificate_not_yet_valid", "connection",
            "connections_refused", "draining", "library", "listening", "live", "privilege", "ready",
            "reload_refused", "reloaded", "reloading", "stopped", "stopping", "summary",
            "summary_listener"}


class Log(support.TestCase):
    def hold_against_the_document(self, server):
        lines = [json.loads(line) for line in server.log().splitlines()]
        wrong = [f"{complaint}: {line}" for line in lines for complaint in logdoc.complaints(line)]
        self.assertEqual(wrong, [])
        return lines

    def clients(self, server):
        """Makes connections that end in different ways."""
        for name in ("plain", 'of "this" host'):
            with peers.Plain(server.address(name)) as peer:
                peer.exchange(b"x")
        ctx = peers.trusting(support.pki() / "ca.pem")
        ctx.load_cert_chain(support.pki() / "client.pem", support.pki() / "client.key")
        ctx.set_alpn_protocols(["h2"])
        with peers.Tls(server.address("tls"), ctx=ctx) as peer:
            peer.exchange(b"x")
        with peers.Tls(server.address("tls"), "1.2") as peer:
            peer.send(b"x")
            peer.receive(1)
            peer.fin()  # without close_notify
            peer.receive_all()
        for name in ("tls", "plain"):
            with peers.Plain(server.address(name)) as peer:
                peer.exchange(peers.client_hello(peers.context())[:-9] + b"\x1b[31m\"\n\xff\x00")
        with peers.Plain(server.address("plain")) as peer:
            peer.send(b"x")
            peer.receive(1)
            peer.reset()
        with peers.Plain(server.address("closed")) as peer:
            peer.receive_all()

    def test_every_line_of_a_varied_session_is_documented(self):
        server = self.server(CONFIG)
        self.clients(server)
        server.wait_for("connection", end="reset")
        server.wait_for("connections_refused", cause="deny")
        with peers.Plain(server.address("plain")) as live:
            live.send(b"x")
            live.receive(1)
            server.signal(signal.SIGUSR1)
            server.wait_for("summary")
            server.signal(signal.SIGUSR2)
            server.wait_for("live")
            server.signal(signal.SIGHUP)
            server.wait_for("reloaded")
            config = (server.folder / "server.yaml").read_text()
            (server.folder / "server.yaml").write_text("listeners: nonsense")
            server.signal(signal.SIGHUP)
            server.wait_for("reload_refused")
            (server.folder / "server.yaml").write_text(config)
            server.signal(signal.SIGTERM)
            server.wait_for("draining")
            server.signal(signal.SIGTERM)
            server.wait_for("stopping")
        self.assertEqual(server.wait(), 0)
        seen = {line["event"] for line in self.hold_against_the_document(server)}
        self.assertEqual(EXPECTED - seen, set())

    def test_the_report_has_the_connection_id_of_the_log(self):
        server = self.server(CONFIG)
        with peers.Tls(server.address("report"), ctx=peers.trusting_any()) as peer:
            report = json.loads(peer.receive_all())
        ended = server.wait_for("connection", service="report")
        self.assertEqual(ended["id"], str(report["connection"]))
        self.assertEqual(ended["source"], report["source"])

    def test_the_identity_is_on_every_line_and_in_report_and_metrics(self):
        pod = 'echo-0 "x"'
        server = self.server(
            CONFIG + "identity: { name: web-1, env: [ TLSECHO_POD ] }\n",
            env=support.environment(TLSECHO_POD=pod))
        lines = [json.loads(line) for line in server.log().splitlines()]
        self.assertTrue(all((line["identity"], line["env_TLSECHO_POD"]) == ("web-1", pod)
                            for line in lines), lines)
        with peers.Tls(server.address("report"), ctx=peers.trusting_any()) as peer:
            report = json.loads(peer.receive_all())
        self.assertEqual(schema.faults(report, schema.load("report")), [])
        self.assertEqual(report["identity"], {"name": "web-1", "env": {"TLSECHO_POD": pod}})
        with peers.Plain(server.address("admin")) as peer:
            metrics = peer.exchange(b"GET /metrics HTTP/1.0\r\n\r\n").decode()
        self.assertIn('tlsecho_identity_info{identity="web-1",env_TLSECHO_POD="echo-0 \\"x\\""} 1\n',
                      metrics)
        (server.folder / "server.yaml").write_text(
            (server.folder / "server.yaml").read_text().replace("web-1", "web-2"))
        server.signal(signal.SIGHUP)
        self.assertEqual(server.wait_for("reloaded")["identity"], "web-2")

    def test_logfmt_has_the_same_fields(self):
        server = self.server(CONFIG.replace("format: json", "format: logfmt"))
        self.clients(server)
        server.wait_for("connection", end="reset")
        for line in server.lines("connection"):
            known = {**logdoc.events()[""], **logdoc.events()["connection"]}
            self.assertLessEqual(set(line), set(known))


if __name__ == "__main__":
    unittest.main()
