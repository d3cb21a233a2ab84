# SPDX-License-Identifier: MIT
"""The admin address: its answers, malformed requests, and its effect on other connections."""

import contextlib
import re
import signal
import socket
import unittest

import admin_client
import peers
import scrape
import support

ADMIN = support.EVERYTHING + "admin: { listen: 'tcp://127.0.0.1:0' }\n"
CLIENTS_MAX = 16


class Answers(support.TestCase):
    def setUp(self):
        self.echo = self.server(ADMIN)

    def test_health_and_readiness(self):
        for path in ("/healthz", "/readyz"):
            status, head, body = admin_client.get(self.echo, path)
            self.assertEqual((status, body), (200, b"ok\n"))
            self.assertIn("Connection: close", head)

    def test_head_has_the_same_header_without_a_body(self):
        status, head, body = admin_client.get(self.echo, "/healthz", "HEAD")
        self.assertEqual((status, body), (200, b""))
        self.assertIn("Content-Length: 3", head)

    def test_what_is_wrong_has_its_status(self):
        hello = peers.client_hello(peers.context())
        for status, request in ((400, b"nonsense\r\n"), (400, hello),
                                (400, b"GET /metrics HTTP/1.1\r\n\r\n"),
                                (400, b"GET /metrics HTTP/1.0\n\n"),
                                (505, b"GET /metrics HTTP/2.0\r\n\r\n"),
                                (404, b"GET / HTTP/1.0\r\n\r\n"),
                                (431, b"GET /metrics HTTP/1.0\r\nA: " + b"a" * 30000)):
            with self.subTest(request=request[:40]):
                self.assertEqual(admin_client.ask(admin_client.place(self.echo), request)[0], status)
        status, head, _ = admin_client.get(self.echo, "/metrics", "PUT")
        self.assertEqual(status, 405)
        self.assertIn("Allow: GET, HEAD", head)

    def test_a_request_for_another_host_is_misdirected(self):
        for host, expected in (("evil.example:9107", 421), ("127.0.0.1", 200), ("[::1]:9107", 200),
                               ("localhost:9107", 200)):
            for path in ("/metrics", "/healthz"):
                request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
                self.assertEqual(admin_client.ask(admin_client.place(self.echo), request)[0], expected)

    def test_a_truncated_request_is_bad_and_an_empty_one_has_no_answer(self):
        for sent, expected in ((b"GET /metr", b"HTTP/1.0 400"), (b"", b"")):
            with peers.connect(admin_client.place(self.echo)) as client:
                client.sendall(sent)
                client.shutdown(socket.SHUT_WR)
                self.assertEqual(client.recv(65536)[:12], expected)

    def test_a_partial_request_has_a_time_out(self):
        echo = self.server(ADMIN + "watch: off\n")  # or its event would also run the loop
        with peers.connect(admin_client.place(echo)) as client:
            client.sendall(b"GET /metr")
            self.assertEqual(admin_client.answer(client)[0], 408)

    def test_an_answer_is_not_lost_if_more_input_follows(self):
        with peers.connect(admin_client.place(self.echo)) as client:
            client.sendall(b"POST /metrics HTTP/1.0\r\n\r\n" + b"x" * 32000)
            self.assertEqual(admin_client.answer(client)[0], 405)

    def test_the_oldest_unanswered_connection_is_closed_first(self):
        with contextlib.ExitStack() as stack:
            slow = [stack.enter_context(peers.connect(admin_client.place(self.echo)))
                    for _ in range(CLIENTS_MAX)]
            for client in slow:
                client.sendall(b"GET /healthz HTTP/1.0\r\n")
            self.assertEqual(admin_client.get(self.echo, "/healthz")[0], 200)
            self.assertEqual(slow[0].recv(1), b"")
            with peers.Plain(self.echo.address("tcp")) as peer:
                self.assertEqual(peer.exchange(b"served"), b"served")
            for client in slow[1:]:
                client.sendall(b"\r\n")
                self.assertEqual(admin_client.answer(client)[0], 200)

    def test_answered_connections_are_closed_first(self):
        with contextlib.ExitStack() as stack:
            def connect():
                return stack.enter_context(peers.connect(admin_client.place(self.echo)))
            asking = connect()
            for _ in range(2 * CLIENTS_MAX):
                answered = connect()
                answered.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
                self.assertEqual(admin_client.answer(answered)[0], 200)
            asking.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
            self.assertEqual(admin_client.answer(asking)[0], 200)

    def test_curl_accepts_the_answers(self):
        host, port = admin_client.place(self.echo)
        done = support.run("curl", "-sS", "-i", f"http://{host}:{port}/metrics")
        self.assertEqual(done.status, 0, done.stderr)
        self.assertIn(b"Content-Type: text/plain; version=0.0.4", done.stdout)


class Metrics(support.TestCase):
    def session(self, server):
        """Runs connections of every kind."""
        for transport in ("tcp", "unix"):
            with peers.Plain(server.address(transport)) as peer:
                self.assertEqual(peer.exchange(b"12345"), b"12345")
        for version in ("1.2", "1.3"):
            with peers.Tls(server.address("tls"), version) as peer:
                peer.exchange(b"123")
        with peers.Plain(server.address("tls")) as peer:
            peer.exchange(b"GET / HTTP/1.0\r\n\r\n")
        with peers.Plain(server.address("tcp")) as peer:
            peer.send(b"1")
            peer.receive(1)
            peer.reset()
        for _ in range(6):
            server.wait_for("connection")

    def test_metrics_count_what_happened(self):
        server = self.server(ADMIN)
        self.session(server)
        found = admin_client.metrics(server)
        ended, shaken = found["tlsecho_connections_ended_total"], found["tlsecho_handshakes_total"]
        self.assertEqual(found["tlsecho_connections_accepted_total"].value(transport="tcp"), 2)
        self.assertEqual(found["tlsecho_connections_active"].value(), 0)
        self.assertEqual(found["tlsecho_received_bytes_total"].value(transport="tcp"), 6)
        self.assertEqual(found["tlsecho_sent_bytes_total"].value(transport="tls"), 6)
        self.assertEqual(ended.value(transport="tcp", end="reset"), 1)
        self.assertEqual(ended.value(transport="tls", end="handshake_failed"), 1)
        self.assertEqual(shaken.value(version="TLSv1.2", result="ok", resumed="false"), 1)
        self.assertEqual(shaken.value(version="TLSv1.3", result="ok"), 1)
        self.assertEqual(shaken.value(version="none", result="handshake_failed"), 1)
        self.assertEqual(found["tlsecho_connection_duration_seconds"].samples[-1].labels,
                         {"transport": "dtls"})
        self.assertGreater(found["process_open_fds"].value(), 10)

    def test_a_connection_counts_while_it_lives(self):
        server = self.server(ADMIN)
        with peers.Plain(server.address("tcp")) as peer:
            peer.send(b"12345")
            peer.receive(5)
            peer.send(b"6")  # the first five have been counted
            peer.receive(1)
            found = admin_client.metrics(server)
        self.assertEqual(found["tlsecho_connections_active"].value(transport="tcp"), 1)
        self.assertGreaterEqual(found["tlsecho_received_bytes_total"].value(), 5)

    def test_names_of_listeners_are_escaped_in_labels(self):
        server = self.server("listeners:\n"
                             "  - { listen: 'tcp://127.0.0.1:0', name: 'a\"b\\c{}=,ä' }\n"
                             "admin: { listen: 'tcp://127.0.0.1:0' }\n")
        [sample] = admin_client.metrics(server)["tlsecho_connections_active"].samples
        self.assertEqual(sample.labels["listener"], 'a"b\\c{}=,ä')

    def test_labels_have_no_values_chosen_by_peers(self):
        server = self.server(ADMIN)
        context = peers.trusting_any()
        with peers.Tls(server.address("tls"), ctx=context) as peer:
            peer.exchange(b"x")
        text = admin_client.get(server, "/metrics")[2].decode()
        self.assertNotIn("localhost", re.sub(r"(?m)^# .*", "", text))

    def test_limits_count_refusals(self):
        server = self.server(ADMIN + "limits: { connections: 1 }\n")
        with peers.Plain(server.address("tcp")) as first:
            first.send(b"x")
            first.receive(1)
            with peers.Plain(server.address("tcp")) as second:
                second.receive_all()
            refused = admin_client.metrics(server)["tlsecho_connections_refused_total"]
        self.assertEqual((refused.value(), refused.value(reason="connections")), (1, 1))

    def test_certificates_and_reloads(self):
        server = self.server(ADMIN)
        before = admin_client.metrics(server)
        [certificate] = before["tlsecho_certificate_not_after_timestamp_seconds"].samples
        self.assertTrue(certificate.labels["file"].endswith("/server-ecdsa.pem"))
        self.assertGreater(certificate.value, before["process_start_time_seconds"].value())
        server.signal(signal.SIGHUP)
        server.wait_for("reloaded")
        (server.folder / "server.yaml").write_text("nonsense")
        server.signal(signal.SIGHUP)
        server.wait_for("reload_refused")
        after = admin_client.metrics(server)
        self.assertEqual(after["tlsecho_reloads_total"].value(result="ok"), 1)
        self.assertEqual(after["tlsecho_reloads_total"].value(result="refused"), 1)
        self.assertEqual(after["tlsecho_last_reload_successful"].value(), 0)


class Address(support.TestCase):
    def test_on_a_public_address_any_host_name_is_accepted_with_a_warning(self):
        server = self.server("listeners: [ { listen: 'tcp://127.0.0.1:0' } ]\n"
                             "admin: { listen: 'tcp://[::]:0' }\n")
        self.assertEqual(server.wait_for("admin_exposed")["address"], "tcp://[::]:0")
        port = admin_client.place(server)[1]
        request = b"GET /readyz HTTP/1.1\r\nHost: monitor.example\r\n\r\n"
        self.assertEqual(admin_client.ask(("127.0.0.1", port), request)[0], 200)

    def test_the_admin_address_may_be_a_unix_socket(self):
        server = self.server("listeners: [ { listen: 'tcp://127.0.0.1:0' } ]\n"
                             "admin: { listen: 'unix://{dir}/admin.sock' }\n")
        self.assertEqual(admin_client.get(server, "/readyz")[0], 200)
        server.stop()
        self.assertFalse((server.folder / "admin.sock").exists())

    def reload(self, server, admin):
        (server.folder / "server.yaml").write_text(
            f"listeners: [ {{ listen: 'tcp://127.0.0.1:0' }} ]\nadmin: {{ listen: '{admin}' }}\n")
        server.signal(signal.SIGHUP)
        server.wait_for("reloaded")

    def test_a_reload_adds_keeps_moves_and_removes_it(self):
        server = self.server("listeners: [ { listen: 'tcp://127.0.0.1:0' } ]\n",
                             env=support.environment(RUNTIME_DIRECTORY="{dir}"))
        self.assertEqual(server.lines("listening", service="admin"), [])
        self.reload(server, "tcp://127.0.0.1:0")
        first = admin_client.place(server)
        with peers.connect(first) as client:
            client.sendall(b"GET /readyz HTTP/1.0\r\n")
            self.reload(server, "tcp://127.0.0.1:0")
            self.assertEqual(admin_client.place(server), first)
            client.sendall(b"\r\n")
            self.assertEqual(admin_client.answer(client)[0], 200)
        self.reload(server, f"unix://{server.folder}/admin.sock")
        self.assertEqual(admin_client.get(server, "/readyz")[0], 200)
        with self.assertRaises(ConnectionRefusedError):
            peers.connect(first)
        self.reload(server, "")
        self.assertFalse((server.folder / "admin.sock").exists())

    def test_a_reload_that_cannot_open_it_changes_nothing(self):
        server = self.server(ADMIN)
        with socket.create_server(("127.0.0.1", 0)) as taken:
            (server.folder / "server.yaml").write_text(
                "listeners: [ { listen: 'tcp://127.0.0.1:0' } ]\n"
                f"admin: {{ listen: 'tcp://127.0.0.1:{taken.getsockname()[1]}' }}\n")
            server.signal(signal.SIGHUP)
            refused = server.wait_for("reload_refused")
        self.assertIn("server.yaml:2:", refused["reason"])
        self.assertEqual(admin_client.get(server, "/readyz")[0], 200)
        with peers.Tls(server.address("tls")) as peer:
            self.assertEqual(peer.exchange(b"x"), b"x")

    def test_a_reload_refused_for_a_listener_closes_its_new_admin_address(self):
        server = self.server(ADMIN, env=support.environment(RUNTIME_DIRECTORY="{dir}"))
        with socket.create_server(("127.0.0.1", 0)) as taken:
            (server.folder / "server.yaml").write_text(
                f"listeners: [ {{ listen: 'tcp://127.0.0.1:{taken.getsockname()[1]}' }} ]\n"
                f"admin: {{ listen: 'unix://{server.folder}/admin.sock' }}\n")
            server.signal(signal.SIGHUP)
            server.wait_for("reload_refused")
        self.assertFalse((server.folder / "admin.sock").exists())
        self.assertEqual(admin_client.get(server, "/readyz")[0], 200)

    def test_a_draining_server_is_not_ready_and_still_answers(self):
        server = self.server(ADMIN)
        with peers.Tls(server.address("tls")) as busy:
            busy.send(b"x")
            busy.receive(1)
            with server.paused():
                server.signal(signal.SIGTERM)
                busy.push(b"y")
            server.wait_for("draining")
            status, _, body = admin_client.get(server, "/readyz")
            self.assertEqual((status, body), (503, b"draining\n"))
            self.assertEqual(admin_client.get(server, "/healthz")[0], 200)
            self.assertEqual(admin_client.metrics(server)["tlsecho_connections_active"].value(), 1)
        self.assertEqual(server.wait(), 0)

    def test_a_lame_duck_is_not_ready_and_still_accepts_until_a_second_signal(self):
        server = self.server(ADMIN + "timeouts: { lame_duck: 1h, drain: 1h }\n")
        server.signal(signal.SIGTERM)
        self.assertEqual(server.wait_for("lame_duck")["duration"], "3600.000000")
        self.assertEqual(admin_client.get(server, "/readyz")[::2], (503, b"draining\n"))
        self.assertEqual(admin_client.get(server, "/healthz")[0], 200)
        with peers.Tls(server.address("tls")) as late:
            self.assertEqual(late.exchange(b"x"), b"x")
        server.wait_for("connection", end="closed")
        server.signal(signal.SIGTERM)
        self.assertEqual(server.wait(), 0)
        self.assertTrue(server.lines("stopping"))

    def test_after_the_lame_duck_it_drains(self):
        server = self.server(ADMIN + "timeouts: { lame_duck: 200ms, drain: 1h }\n")
        with peers.Tls(server.address("tls")) as busy:
            busy.send(b"x")
            busy.receive(1)
            server.signal(signal.SIGTERM)
            server.wait_for("lame_duck")
            busy.receive_all()  # it is quiet for a second after the lame duck
            self.assertEqual((busy.ended, busy.close_notify), ("fin", True))
            with self.assertRaises(ConnectionRefusedError):
                peers.connect(server.address("tls"))
        self.assertEqual(server.wait(), 0)
        server.wait_for("connection", end="drained")


GOOD = """# HELP a_total Some.
# TYPE a_total counter
a_total{x="1"} 2
a_total{x="2\\"\\\\\\n,}"} 2
# HELP h_seconds Some.
# TYPE h_seconds histogram
h_seconds_bucket{le="1"} 1
h_seconds_bucket{le="+Inf"} 2
h_seconds_sum 3.5
h_seconds_count 2
"""


class Parser(unittest.TestCase):
    """Tests the rules: correct text passes, and each mistake is found."""

    MISTAKES = (
        ("# HELP a_total Some.", "# HELP a_total "),
        ("# HELP a_total Some.\n", ""),
        ("# TYPE a_total counter\n", ""),
        ("# TYPE a_total counter", "# TYPE a_total gauge"),
        ('x="2', 'x="1"} 2\na_total{x="1"} 2\na_total{x="2'),
        ('x="1"', 'x="1",x="2"'),
        ('x="1"', 'x="\\1"'),
        ('x="1"', 'x="1",'),
        ("a_total", "a"),
        ("a_total", "A_total"),
        ("a_total", "a_ms_total"),
        ("a_total{x=\"1\"} 2", "a_total{x=\"1\"} -2"),
        ("a_total{x=\"1\"} 2", "a_total{x=\"1\"}  2"),
        ('h_seconds_bucket{le="+Inf"} 2\n', ""),
        ('le="1"} 1', 'le="1"} 3'),
        ('le="1"} 1', 'le="1"} 1\nh_seconds_bucket{le="0.5"} 1'),
        ("h_seconds_sum 3.5\n", ""),
        ("h_seconds_count 2", "h_seconds_count 3"),
        ("h_seconds_count 2\n", "h_seconds_count 2\na_total 1\n"),
        ("h_seconds_count 2\n", "h_seconds_count 2"),
    )

    def test_what_is_right_passes(self):
        families = scrape.parse(GOOD)
        self.assertEqual(families["a_total"].value(), 4)
        self.assertEqual(families["a_total"].samples[1].labels, {"x": '2"\\\n,}'})

    def test_each_mistake_is_found(self):
        for right, wrong in self.MISTAKES:
            with self.subTest(right=right, wrong=wrong):
                self.assertIn(right, GOOD)
                with self.assertRaises(scrape.Malformed):
                    scrape.parse(GOOD.replace(right, wrong))


if __name__ == "__main__":
    unittest.main()
