# SPDX-License-Identifier: MIT
"""The service `http`: HTTP and HTTPS, with foreign clients and by hand."""

import hashlib
import http.client
import json
import os
import signal
import tempfile
import unittest

import calm
import haproxy
import peers
import schema
import support

CONFIG = """
listeners:
  - { listen: 'tcp://127.0.0.1:0', service: http, name: web }
  - { listen: 'tls://127.0.0.1:0', service: http, name: webs }
  - { listen: 'unix://{dir}/sock', service: http, name: local }
  - { listen: 'tcp://127.0.0.1:0', service: http, name: proxied, proxy_protocol: required,
      proxy_from: [ 127.0.0.0/8 ] }
identity: { name: web-1 }
tls:
  default:
    certificates: [ { certificate: "{pki}/server-ecdsa.pem", key: "{pki}/server-ecdsa.key" } ]
    alpn: [ h2 ]
    client_auth: optional
    client_ca: "{pki}/ca.pem"
"""
KINDS = ("web", "webs", "local")
SOME_BYTES = 3_000_000
GET = b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n"


class Http(support.TestCase):
    more = ""

    def setUp(self):
        self.running = self.server(CONFIG + self.more)

    def connect(self, name="web", **options):
        address = self.running.address(name)
        if name != "webs":
            return peers.Plain(address)
        return peers.Tls(address, ctx=self.context(["http/1.1"]), **options)

    def context(self, alpn):
        ctx = peers.trusting(support.pki() / "ca.pem")
        ctx.load_cert_chain(support.pki() / "client.pem", support.pki() / "client.key")
        if alpn:
            ctx.set_alpn_protocols(alpn)
        return ctx

    def checked(self, body):
        report = json.loads(body)
        self.assertEqual(schema.faults(report, schema.load("http")), [])
        return report

    def answers(self, data):
        """[(status, report or text)] of the answers in data, which end where it ends."""
        found = []
        while data:
            head, _, rest = data.partition(b"\r\n\r\n")
            lines = head.decode().split("\r\n")
            fields = dict(line.lower().split(": ", 1) for line in lines[1:])
            status, length = int(lines[0].split()[1]), int(fields.get("content-length", 0))
            body, data = rest[:length].decode(), rest[length:]
            self.assertEqual(len(body.encode()), length)
            found.append((status, self.checked(body) if status == 200 else body))
        return found

    def exchange(self, request, name="web"):
        with self.connect(name) as peer:
            return self.answers(peer.exchange(request))

    def line(self, **fields):
        return self.running.wait_for("connection", **fields)


class Answers(Http):
    def test_each_transport_answers_with_what_arrived(self):
        for name in KINDS:
            with self.subTest(name):
                [(status, report)] = self.exchange(GET, name)
                self.assertEqual(status, 200)
                self.assertEqual((report["request"]["method"], report["request"]["target"],
                                  report["request"]["headers"]),
                                 ("GET", "/x", [{"name": "Host", "value": "h"}]))
                self.assertEqual((report["identity"], report["listener"]), ({"name": "web-1"}, name))
                line = self.line(end="closed")
                self.assertEqual((str(report["connection"]), report["source"]),
                                 (line["id"], line["source"]))
                self.assertEqual("syn" in report, name != "local")
                self.assertEqual("tls" in report, name == "webs")
                if name == "webs":
                    self.assertEqual(report["tls"]["alpn"], "http/1.1")
                    self.assertTrue(report["tls"]["client"]["verified"])

    def test_h2_is_not_offered_and_its_preface_is_refused(self):
        with peers.Tls(self.running.address("webs"), ctx=self.context(["h2", "http/1.1"])) as peer:
            self.assertEqual(peer.tls.selected_alpn_protocol(), "http/1.1")
        with peers.Tls(self.running.address("webs"), ctx=self.context(None)) as peer:
            self.assertEqual(self.answers(peer.exchange(GET))[0][0], 200)
        with self.assertRaisesRegex(OSError, "(?i)no application protocol"):
            peers.Tls(self.running.address("webs"), ctx=self.context(["h2"]))
        self.assertEqual(self.line(end="handshake_failed")["alert"], "no_application_protocol")
        [(status, _)] = self.exchange(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        self.assertEqual(status, 505)

    def test_requests_may_come_at_once_and_bodies_in_any_form(self):
        data = os.urandom(SOME_BYTES)
        sum_ = hashlib.sha256(data).hexdigest()
        parts = [data[at:at + 70000] for at in range(0, SOME_BYTES, 70000)]
        chunks = b"".join(b"%x;n=%d\r\n%s\r\n" % (len(part), n, part)
                          for n, part in enumerate(parts))
        head = b" / HTTP/1.1\r\nHost: h\r\n"
        request = (GET + b"PUT" + head + b"Content-Length: %d\r\n\r\n" % SOME_BYTES + data + GET +
                   b"POST" + head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks +
                   b"0\r\nSum: " + sum_.encode() + b"\r\n\r\n" + GET)
        for name in KINDS:
            with self.subTest(name):
                found = self.exchange(request, name)
                self.assertEqual([status for status, _ in found], [200] * 5)
                bodies = [report["request"]["body"] for _, report in found]
                self.assertEqual(bodies[1], {"bytes": SOME_BYTES, "sha256": sum_})
                self.assertEqual(bodies[3], bodies[1])
                self.assertEqual(bodies[0]["bytes"], 0)

    def test_the_answers_are_complete_with_a_small_buffer(self):
        self.running = self.server(CONFIG + "limits: { buffer: 4KiB }\n")
        fields = b"".join(b"X: \"%d\"\r\n" % n for n in range(1000))
        for name in KINDS:
            with self.subTest(name):
                found = self.exchange(2 * (GET[:-2] + fields + b"\r\n"), name)
                self.assertEqual([len(report["request"]["headers"]) for _, report in found],
                                 [1001, 1001])

    def test_continue_comes_before_the_body(self):
        with self.connect() as peer:
            peer.send(b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n")
            self.assertEqual(peer.receive(25), b"HTTP/1.1 100 Continue\r\n\r\n")
            self.assertEqual(self.answers(peer.exchange(b"x"))[0][0], 200)

    def test_the_proxy_header_is_in_the_report(self):
        [(_, report)] = self.exchange(b"PROXY TCP4 192.0.2.7 192.0.2.8 1 2\r\n" + GET, "proxied")
        self.assertEqual((report["source"], report["proxy"]["version"]), ("192.0.2.7:1", 1))

    def test_what_is_refused_has_a_status_and_a_reason_in_the_log(self):
        requests = ((b"GET / HTTP/1.1\r\n\r\n", 400, "there is no Host"),
                    (b"GET / HTTP/1.1\r\nHost: h\n\n", 400, "a control character, or a line"),
                    (b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nx", 400, "the client ended"),
                    (b"GET /" + b"a" * 17000, 414, "the request line is too long"),
                    (GET[:-2] + b"X: " + b"a" * 17000, 431, "the head of the request is too large"),
                    (peers.client_hello(peers.context()), 400, "a control character"))
        for request, status, reason in requests:
            with self.subTest(request=request[:60]):
                found = self.exchange(GET + request)
                self.assertEqual([status for status, _ in found], [200, status])
                self.assertTrue(found[1][1].startswith(reason), found)
                self.assertIn(f"{status} ", self.line(end="request_refused")["reason"])

    def test_a_page_is_for_who_prefers_it(self):
        connection = http.client.HTTPConnection(*self.running.address("web"))
        self.addCleanup(connection.close)
        for accept, kind in (("text/html,*/*;q=0.8", "text/html; charset=utf-8"),
                             ("*/*", "application/json")):
            connection.request("GET", "/<script>", headers={"Accept": accept, "X": "<b>'\"&"})
            answer = connection.getresponse()
            self.assertEqual((answer.status, answer.headers["Content-Type"]), (200, kind))
            self.assertEqual(answer.headers["X-Content-Type-Options"], "nosniff")
            body = answer.read().decode()
            self.assertEqual("<script" in body, kind == "application/json")

    @support.requires("curl")
    def test_curl(self):
        with tempfile.TemporaryDirectory() as folder:
            blob = os.path.join(folder, "blob")
            with open(blob, "wb") as file:
                file.write(os.urandom(SOME_BYTES))
            host, port = self.running.address("webs")
            url = f"https://localhost:{port}/a"
            common = ["curl", "-sS", "--max-time", "20", "--cacert", support.pki() / "ca.pem",
                      "--resolve", f"localhost:{port}:{host}"]
            for options in (["--http2"], ["-T", blob, "-H", "Expect: 100-continue"],
                            ["-T", blob, "-H", "Transfer-Encoding: chunked"], ["--http1.0"]):
                with self.subTest(options):
                    done = support.run(*common, *options, url)
                    self.assertEqual(done.status, 0, done.stderr)
                    sent = SOME_BYTES if "-T" in options else 0
                    self.assertEqual(self.checked(done.stdout)["request"]["body"]["bytes"], sent)
            done = support.run(*common, "-I", url)
            self.assertIn(b"HTTP/1.1 200 OK\r\n", done.stdout)


class Ends(Http):
    more = "timeouts: { handshake: 200ms, idle: 300ms, write: 300ms, linger: 100ms }\n"

    def test_a_slow_head_and_a_stopped_body_are_answered_with_408(self):
        for part in (b"GET / HT", b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nx"):
            with self.subTest(part), self.connect("webs") as peer:
                peer.send(GET + part)
                found = self.answers(peer.receive_all())
                self.assertEqual([status for status, _ in found], [200, 408])
                self.assertTrue(self.line(end="request_timeout")["reason"].startswith("408 "))

    def test_a_client_between_two_requests_is_idle(self):
        with self.connect() as peer:
            peer.send(GET)
            self.assertEqual(len(self.answers(peer.receive_all())), 1)
            self.line(end="idle_timeout")

    def test_a_client_that_does_not_read_ends_alone(self):
        with self.connect() as slow:
            slow.push(GET * 100_000)
            self.line(end="write_timeout")
            [(status, _)] = self.exchange(GET)
            self.assertEqual(status, 200)


class Drains(Http):
    more = "timeouts: { linger: 100ms }\n"

    def test_half_a_request_has_longer_than_an_idle_connection(self):
        with self.connect() as peer, self.connect() as idle:
            peer.send(b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
            self.assertEqual(peer.receive(25), b"HTTP/1.1 100 Continue\r\n\r\n")
            peer.send(b"x")
            idle.send(GET)
            idle.receive(1)
            self.running.signal(signal.SIGTERM)
            self.line(end="drained", received_bytes=len(GET))
            peer.send(b"x")
            answer = peer.receive_all()
            self.assertEqual(self.answers(answer)[0][0], 200)
            self.assertIn(b"\r\nConnection: close\r\n", answer)
            self.line(end="drained")


class LameDuck(Http):
    more = "timeouts: { lame_duck: 1h, linger: 100ms }\n"

    def test_each_answer_is_the_last_of_its_connection(self):
        with self.connect() as kept, self.connect("webs") as kept_by_tls:
            for peer in kept, kept_by_tls:
                peer.send(GET + GET[:1])
                peer.receive(1)
            self.running.signal(signal.SIGTERM)
            self.running.wait_for("lame_duck")
            with self.connect() as late:
                late.send(GET[:1])
                for peer, before in (kept, b"H"), (kept_by_tls, b"H"), (late, b""):
                    peer.send(GET[1:] + GET)  # a server may not answer what follows its last answer
                    answers = before + peer.receive_all()
                    self.assertEqual([status for status, _ in self.answers(answers)], [200] * (1 + len(before)))
                    self.assertEqual(answers.count(b"\r\nConnection: close\r\n"), 1)
                    self.line(end="drained")


class Proxies(Http, haproxy.TestCase):
    # The interval is the time limit of a check too, and the first one that fails is enough.
    HAPROXY = """
        mode http
    listen web
        bind {{listening}}
        option httpchk
        http-check send meth GET uri /check ver HTTP/1.1 hdr Host check
        http-check expect status 200
        server plain 127.0.0.1:{web} check inter 3s
        server tls 127.0.0.1:{webs} check inter 3s ssl verify none alpn http/1.1 check-alpn http/1.1
"""

    @support.requires("haproxy")
    @calm.tried_again
    def test_haproxy_checks_it_and_passes_requests_on(self):
        address = self.haproxy(self.HAPROXY.format(web=self.running.address("web")[1],
                                                   webs=self.running.address("webs")[1]))
        for name in ("web", "webs"):
            self.assertIn(self.line(listener=name)["end"], ("closed", "cut", "finished", "reset"))
        with peers.Plain(address) as peer:
            peer.send(2 * GET)
            peer.send(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            found = [report["listener"] for _, report in self.answers(peer.receive_all())]
        self.assertEqual(sorted(set(found)), ["web", "webs"])


if __name__ == "__main__":
    unittest.main()
