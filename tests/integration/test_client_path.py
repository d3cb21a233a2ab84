# SPDX-License-Identifier: MIT
"""tlsecho-client --path on the loopback: output, and servers of several kinds."""

import itertools
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import unittest

import stub_server
import haproxy
import pages
import proc
import support
from stub_server import StubServer

TLS = """
listeners:
  - listen: tls://127.0.0.1:0
""" + support.PROFILE


SERVER_HELLO = b"\x16\x03\x03\x00\x50\x02" + bytes(0x4f)


def path(*args, **options):
    return support.client("--path", *args, **options)


class Clean(support.TestCase):
    def is_clean(self, endpoint, *args):
        done = path("--json", *args, endpoint)
        summary = done.summary()
        self.assertEqual((done.status, summary["result"], summary["findings"]), (0, "ok", []), done)
        return summary

    def test_tlsecho_server_answers_every_client_hello(self):
        server = self.server(TLS)
        stage, = self.is_clean(server.endpoint("tls"), "--only", "client-hello")["stages"]
        self.assertEqual(stage["state"], "done")
        self.assertTrue(all(step["passed"] and step["failed"] == 0 for step in stage["tried"]))
        sizes = [step["bytes"] for step in stage["tried"]]
        self.assertTrue({2048, 4096, 8192, 16389} < set(sizes), sizes)
        self.assertTrue(any(1400 < size < 1800 for size in sizes), sizes)  # of post-quantum size
        self.assertLess(min(sizes), 400)

    def test_no_trusted_certificate_is_read(self):
        server = self.server(TLS)
        done = path("--only", "names", server.endpoint("tls"),
                    env=support.environment(SSL_CERT_FILE="/nonexistent"))
        self.assertEqual(done.status, 0, done)

    def test_openssl_which_serves_one_connection_at_a_time(self):
        with stub_server.OpenSsl() as server:
            self.is_clean(server.endpoint())

    def test_the_text_has_the_steps_first_and_the_findings_last(self):
        server = self.server(TLS)
        done = path(server.endpoint("tls"))
        text = done.stdout.decode()
        self.assertEqual(done.status, 0, done)
        self.assertRegex(text, r"^path to tls://127\.0\.0\.1:\d+ \(127\.0\.0\.1:\d+\), round trip ")
        self.assertRegex(text, r"\nclient-hello\n  ok   ClientHello, our own, [\d,]+ bytes: ServerHello"
                               r" after [\d.]+ ms\n")
        self.assertTrue(text.endswith("\nno finding\n"), text)
        self.assertEqual(path("-q", server.endpoint("tls")).stdout, b"")

    def test_a_server_that_refuses_every_client_hello_by_an_alert_has_answered(self):
        with stub_server.OpenSsl("-tls1_2") as server:
            summary = self.is_clean(server.endpoint(), "--tls-min", "1.3")
        stage = summary["stages"][0]
        self.assertIn("alert protocol_version", stage["tried"][0]["happened"])
        told, count = re.search(r"(\d+) of (\d+) ClientHellos were answered by an alert",
                                " ".join(stage["notes"])).groups()
        self.assertEqual(told, count)
        self.assertGreaterEqual(int(count), sum(step["tries"] for step in stage["tried"]))


class Report(support.TestCase):
    def test_one_connection_that_is_reset_does_not_stop_the_stage_syn(self):
        count = itertools.count()

        def serve(connection):
            number = next(count)
            if number == 0:  # it only has to connect
                connection.recv(1)
            elif number < 3:
                stub_server.reset(connection)
            else:
                connection.sendall(b'{"schema":1,"listener":"l"}')
        with StubServer(serve) as server:
            done = path("--json", "--only", "syn", server.endpoint())
        self.assertIn("the report has no SYN", done.summary()["stages"][0]["reason"])


class Page(support.TestCase):
    """--report-html: the same as the JSON object has."""

    def page(self, *args):
        with tempfile.TemporaryDirectory(prefix="tlsecho-") as folder:
            file = pathlib.Path(folder, "page.html")
            done = path("--json", "--report-html", file, *args)
            return done, pages.parse(file.read_text())

    def test_it_has_each_stage_and_each_step(self):
        server = self.server(TLS)
        done, page = self.page("--only", "client-hello,size", server.endpoint("tls"))
        summary = done.summary()
        self.assertEqual(done.status, 0, done)
        marks = [mark.get("class") for mark in page.iter("circle")]
        self.assertEqual(marks, ["mark a", "mark a"])
        rows = [row for row in page.iter("tr") if row[0].text in ("ok", "some", "none", "FAIL")]
        steps = [step for stage in summary["stages"] for step in stage["tried"]]
        self.assertEqual([["".join(cell.itertext()) for cell in row[1:]] for row in rows],
                         [[step["what"], step["happened"]] for step in steps])
        titles = ["".join(title.itertext()) for title in page.iter("h2")]
        self.assertIn("client-hello: what passes, by size", titles)
        self.assertIn("size: what passes, by size", titles)

    def test_a_finding_has_its_section_and_its_mark(self):
        def limit(connection):
            if stub_server.hello_bytes(connection) <= 3000:
                connection.sendall(SERVER_HELLO)
                connection.recv(1)
        with StubServer(limit) as server:
            done, page = self.page("--only", "client-hello", f"tls://127.0.0.1:{server.port}")
        self.assertEqual(done.status, 16, done)
        self.assertEqual([mark.get("class") for mark in page.iter("circle")], ["mark bad"])
        section, = [part for part in page.iter("section") if part.get("class") == "finding"]
        text = "".join(section.itertext())
        finding, = done.summary()["findings"]
        for part in ("finding", "evidence", "remedy"):
            self.assertIn(finding[part], text)

    def test_one_that_cannot_be_written(self):
        server = self.server(TLS)
        done = path("--report-html", "/nonexistent/page", "--only", "client-hello",
                    server.endpoint("tls"))
        self.assertEqual(done.status, 15, done)
        self.assertEqual(done.stdout, b"", "it is told before anything is tried")

    def test_an_old_one_stays_after_an_error_of_usage(self):
        server = self.server(TLS)
        with tempfile.TemporaryDirectory(prefix="tlsecho-") as folder:
            file = pathlib.Path(folder, "page.html")
            file.write_text("old")
            for args in (("--only", "nothing"), ("--only", "idle", "--idle-max", "abc"),
                         ("--only", "syn")):  # which needs a report
                done = path("--report-html", file, *args, server.endpoint("tls"))
                self.assertEqual((done.status, file.read_text()), (2, "old"), done)

    def test_a_stage_is_ok_only_if_all_passed(self):
        server = self.server("listeners: [ { listen: 'tcp://127.0.0.1:0' } ]\n"
                             "timeouts: { idle: 1s }\n")
        done, page = self.page("--only", "idle", "--idle-max", "2s", server.endpoint("tcp"))
        none = sum(not step["passed"] for step in done.summary()["stages"][0]["tried"])
        words = [text.text for text in page.iter("text") if text.get("class") == "word"]
        self.assertEqual((done.status, words), (0, [f"{none} none"]), done)

    def test_the_key_of_a_chart_has_what_the_chart_has(self):
        server = self.server(TLS)
        _, page = self.page("--only", "client-hello", server.endpoint("tls"))
        chart = next(svg for svg in page.iter("svg") if svg.get("class") != "map")
        drawn = {mark.get("class") for mark in chart.iter("path")}
        self.assertEqual(drawn, {"grid", "bars dot a", "bars dot bad"})


class Foreign(haproxy.TestCase):
    """Servers and proxies of other projects."""

    def found(self, endpoint):
        done = path("--json", "--only", "client-hello", "--servername", "localhost", endpoint)
        return [(finding["finding"], finding["evidence"]) for finding in done.summary()["findings"]]

    @support.requires("gnutls-serv")
    def test_gnutls_answers_all(self):
        pair = support.pki() / "server-ecdsa"
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        server = subprocess.Popen(
            [shutil.which("gnutls-serv", path=support.TOOL_PATH), "--echo", f"--port={port}",
             f"--x509certfile={pair}.pem", f"--x509keyfile={pair}.key"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=support.environment())
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        proc.wait_until(lambda: accepts(port), "gnutls-serv did not listen")
        self.assertEqual(self.found(f"tls://127.0.0.1:{port}"), [])

    @support.requires("haproxy")
    def test_haproxy_that_ends_tls_answers_all(self):
        server = self.server("listeners: [ { listen: 'tcp://127.0.0.1:0' } ]")
        _, port = self.haproxy(
            "frontend tls\n mode tcp\n bind {listening} ssl crt {dir}/pair.pem\n"
            " default_backend plain\nbackend plain\n mode tcp\n server s 127.0.0.1:%d\n"
            % server.address("tcp")[1])
        self.assertEqual(self.found(f"tls://127.0.0.1:{port}"), [])

    @support.requires("haproxy")
    def test_haproxy_that_looks_for_the_name_in_the_first_record(self):
        server = self.server(TLS)
        _, port = self.haproxy(
            "frontend sni\n mode tcp\n bind {listening}\n tcp-request inspect-delay 1s\n"
            " tcp-request content accept if {{ req.ssl_hello_type 1 }}\n"
            " use_backend tls if {{ req.ssl_sni -i localhost }}\n"
            "backend tls\n mode tcp\n server s 127.0.0.1:%d\n" % server.address("tls")[1])
        found = dict(self.found(f"tls://127.0.0.1:{port}"))
        self.assertEqual(set(found), {"hello-split-refused", "hello-lost-above"}, found)
        self.assertRegex(found["hello-split-refused"], "^in two records: 3 of 3 ")
        self.assertNotIn("after 1 byte", found["hello-split-refused"])
        self.assertRegex(found["hello-lost-above"], r"of 15,\d{3} bytes .* was answered")  # its bufsize


def accepts(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Refused(support.TestCase):
    def fails(self, status, *args, **options):
        done = path("--json", *args, **options)
        summary = done.summary()
        self.assertEqual((done.status, summary["exit"]), (status, status), done)
        return summary

    def test_a_stage_that_there_is_not(self):
        summary = self.fails(2, "--only", "client-helo", "tls://127.0.0.1:1")
        self.assertEqual(summary["error"]["message"],
                         "--only: 'client-helo' is no stage: did you mean client-hello?")
        done = path("--only", "x", "tls://127.0.0.1:1")
        self.assertEqual((done.status, len(done.stderr.splitlines())), (2, 1), done)

    def test_no_server_that_any_stage_can_use(self):
        with StubServer(stub_server.echo) as server:
            summary = self.fails(2, "--only", "client-hello", server.endpoint())
        self.assertIn("no endpoint has TLS", summary["error"]["message"])
        self.assertEqual(summary["stages"][0]["state"], "skipped")

    def test_a_name_that_does_not_resolve_and_a_port_where_nothing_listens(self):
        self.fails(3, "-6", "tls://127.0.0.1:1")
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        summary = self.fails(4, f"tls://127.0.0.1:{port}")
        self.assertEqual(summary["stages"], [])

    def test_of_several_endpoints_the_one_that_failed_is_named(self):
        server = self.server(TLS)
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        summary = self.fails(4, server.endpoint("tls"), f"tls://127.0.0.1:{port}")
        self.assertTrue(summary["error"]["message"].startswith(f"tls://127.0.0.1:{port}: "), summary)

    def test_one_that_is_not_reached_stops_only_what_no_other_serves(self):
        with socket.create_server(("127.0.0.1", 0)) as closed:
            bad = f"tls://127.0.0.1:{closed.getsockname()[1]}"
        with StubServer(stub_server.echo) as server:
            self.assertEqual(path("--only", "size", bad, server.endpoint()).status, 0)
            summary = self.fails(4, "--only", "client-hello,size", bad, server.endpoint())
            text = path("--only", "size", server.endpoint(), bad).stdout.decode()
        self.assertEqual([stage["state"] for stage in summary["stages"]], ["stopped", "done"])
        self.assertTrue(summary["servers"][0]["error"].startswith("connect to 127.0.0.1:"), summary)
        self.assertTrue(summary["error"]["message"].startswith(f"{bad}: connect to "), summary)
        self.assertNotIn("it accepted connections before", summary["error"]["message"])
        self.assertIn(f"\npath to {bad} not examined: connect to ", text)
        self.assertIn("\n  note not tried: ", text)

    def test_a_server_that_does_not_speak_tls(self):
        def ssh(connection):
            connection.sendall(b"SSH-2.0-test\r\n")
            stub_server.discard(connection)
        for handler in (ssh, stub_server.echo):
            with StubServer(handler) as server:
                summary = self.fails(7, f"tls://127.0.0.1:{server.port}")
            self.assertIn("does not speak TLS", summary["error"]["message"])

    def test_a_server_that_ends_or_resets_every_connection(self):
        def end(connection):
            connection.recv(1)
            stub_server.finish(connection)
            stub_server.discard(connection)

        def reset(connection):
            connection.recv(1)
            stub_server.reset(connection)
        for handler in end, reset:
            with StubServer(handler) as server:
                self.fails(12, f"tls://127.0.0.1:{server.port}")

    def test_the_rst_that_answers_our_alert_is_no_reset_of_the_handshake(self):
        def handle(connection):
            stub_server.hello_bytes(connection)
            connection.sendall(SERVER_HELLO)
            connection.recv(1)  # the alert
            stub_server.reset(connection)
        with StubServer(handle) as server:
            summary = self.fails(7, "--only", "size", f"tls://127.0.0.1:{server.port}")
        self.assertNotIn("reset", summary["error"]["message"])

    def test_a_server_that_sends_nothing(self):
        with StubServer(stub_server.discard) as server:
            summary = self.fails(6, "--connect-timeout", "500ms", f"tls://127.0.0.1:{server.port}")
        self.assertIn("acknowledged and nothing came back", summary["error"]["message"])

    def stops(self, is_last, answer):
        """The summary of a run against a server that stops to listen at the first ClientHello of which
        is_last(size) is true, and answers those before."""
        stopped = threading.Event()

        def handle(connection):
            size = stub_server.hello_bytes(connection)
            if is_last(size) and not stopped.is_set():
                stopped.set()
                server.listening.shutdown(socket.SHUT_RDWR)
            if answer(size):
                connection.sendall(SERVER_HELLO)
            stub_server.discard(connection)
        server = StubServer(handle)
        self.addCleanup(server.listening.close)
        return self.fails(4, "--only", "client-hello", f"tls://127.0.0.1:{server.port}")

    def test_a_server_that_dies_in_the_middle(self):
        summary = self.stops(lambda size: size > 1400, lambda size: True)
        self.assertEqual(summary["stages"][0]["state"], "stopped")
        self.assertIn("it accepted connections before", summary["error"]["message"])
        self.assertNotIn("start the server", summary["error"]["message"])

    def test_a_server_that_stops_while_a_limit_is_searched(self):
        summary = self.stops(lambda size: 2048 < size < 4096, lambda size: size <= 2048)
        self.assertEqual(summary["findings"], [])

    def test_a_report_that_cannot_be_asked_for_is_not_said_to_be_missing(self):
        def reset(connection):
            connection.recv(1)
            stub_server.reset(connection)
        with StubServer(reset) as server:
            summary = self.fails(12, "--only", "syn", f"tls://127.0.0.1:{server.port}")
        self.assertEqual(summary["stages"][0]["state"], "stopped")
        with stub_server.OpenSsl("-Verify", "1") as server:
            summary = self.fails(11, "--only", "syn", server.endpoint())
        self.assertIn("requires a client certificate", summary["stages"][0]["reason"])

    def test_a_skipped_stage_names_each_endpoint_that_was_asked(self):
        def greet(connection):
            connection.sendall(b"220 ready\r\n")
            stub_server.discard(connection)
        with StubServer(greet) as first, StubServer(stub_server.finish) as second:
            summary = self.fails(14, "--only", "size", first.endpoint(), second.endpoint())
        self.assertEqual(summary["stages"][0]["reason"],
                         "no endpoint echoes, takes all or sends all; give an echo, discard or chargen: "
                         f"{first.endpoint()}: it sends first, so it is no echo; "
                         f"{second.endpoint()}: it ends connections at once")


def is_in_two_records(start):
    """By the first nine bytes of a ClientHello."""
    record, message = int.from_bytes(start[3:5], "big"), int.from_bytes(start[6:9], "big")
    return len(start) == 9 and message + 4 > record


def refuser_of_two_records(times):
    """Resets so many ClientHellos in two records, and answers all others."""
    left, lock = [times], threading.Lock()

    def handle(connection):
        start = connection.recv(9, socket.MSG_PEEK | socket.MSG_WAITALL)
        stub_server.hello_bytes(connection)
        with lock:
            resets = is_in_two_records(start) and left[0] > 0
            left[0] -= resets
        if resets:
            stub_server.reset(connection)
        else:
            connection.sendall(SERVER_HELLO)
            stub_server.discard(connection)
    return handle


class Unsteady(support.TestCase):
    """A server that resets some connections: what fails by chance is no finding."""

    def summary(self, handler, stages="client-hello,names"):
        with StubServer(handler) as server:
            return path("--json", "--only", stages, "--servername", "localhost",
                        f"tls://127.0.0.1:{server.port}")

    def test_one_that_resets_at_random_has_no_finding(self):
        for seed, share in ((1, .5), (2, .5), (3, .2), (4, .5)):
            chance, lock = random.Random(seed), threading.Lock()

            def sometimes(connection):
                stub_server.hello_bytes(connection)
                with lock:
                    resets = chance.random() < share
                if resets:
                    stub_server.reset(connection)
                else:
                    connection.sendall(SERVER_HELLO)
                    stub_server.discard(connection)
            with self.subTest(seed):
                done = self.summary(sometimes)
                summary = done.summary()
                self.assertEqual(summary["findings"], [], done)
                stages = [stage for stage in summary["stages"] if stage["state"] == "done"]
                for stage in stages:
                    mixed = any(step["passed"] and step["failed"] for step in stage["tried"])
                    if mixed:
                        self.assertTrue(any("unsteady" in note for note in stage["notes"]), stage)
                    self.assertFalse(any(step["blamed"] for step in stage["tried"]), stage)

    def test_a_failure_of_the_first_two_tries_alone_is_no_finding(self):
        done = self.summary(refuser_of_two_records(2), "client-hello")
        self.assertEqual((done.status, done.summary()["findings"]), (0, []), done)
        tried = {step["what"]: step["failed"] for step in done.summary()["stages"][0]["tried"]}
        self.assertEqual([failed for what, failed in tried.items() if "two records" in what], [2])

    def test_what_is_mixed_or_never_blamed_is_not_called_a_failure(self):
        with StubServer(refuser_of_two_records(1)) as server:
            done = path("--only", "client-hello", "--servername", "localhost",
                        f"tls://127.0.0.1:{server.port}")
        text = done.stdout.decode()
        self.assertEqual(done.status, 0, done)
        self.assertNotIn("FAIL", text)
        self.assertRegex(text, r"\n  some ClientHello, small, \d+ bytes, in two records: ")
        self.assertRegex(text, r"note 1 of \d+ ClientHellos got no answer while others alike did: "
                               r"1 of \d+ reset: .* is unsteady")

    def test_one_that_reads_once_is_found_to_refuse_pieces(self):
        def read_once(connection):
            if len(connection.recv(4)) < 4:
                stub_server.reset(connection)
                return
            connection.sendall(SERVER_HELLO)
            stub_server.discard(connection)
        done = self.summary(read_once, "client-hello")
        found = {one["finding"]: one["evidence"] for one in done.summary()["findings"]}
        self.assertEqual(set(found), {"hello-split-refused"}, done)
        self.assertIn("split after 1 byte: 3 of 3 reset", found["hello-split-refused"])

    def test_one_that_always_refuses_pieces_is_found(self):
        with StubServer(refuser_of_two_records(1000)) as server:
            done = path("--only", "client-hello", "--servername", "localhost",
                        f"tls://127.0.0.1:{server.port}")
        text = done.stdout.decode()
        self.assertEqual(done.status, 16, done)
        self.assertRegex(text, r"\n  FAIL ClientHello, small, \d+ bytes, in two records: 3 of 3 reset")
        self.assertIn("in one piece, in between, 3 of 3 were answered", text)

    def test_one_that_closes_at_once_always_exits_alike(self):
        """Whether a FIN comes before the RST is chance."""
        ends = itertools.cycle((lambda connection: connection.close(),
                                lambda connection: connection.shutdown(socket.SHUT_WR),
                                lambda connection: connection.recv(1)))
        for _ in range(4):
            with StubServer(lambda connection: next(ends)(connection)) as server:
                done = path("--json", f"tls://127.0.0.1:{server.port}")
            self.assertEqual(done.status, 12, done)


class Interrupted(support.TestCase):
    def test_a_signal_ends_it_with_what_was_found(self):
        with StubServer(stub_server.discard) as server:
            client = subprocess.Popen(
                [support.program("TLSECHO_CLIENT"), "--path", "--json",
                 f"tls://127.0.0.1:{server.port}"], stdout=subprocess.PIPE,
                env=support.environment())
            while not server.connections:
                pass
            client.send_signal(signal.SIGINT)
            out, _ = client.communicate(timeout=support.DEADLINE_S)
            summary = support.described(out.decode())
        self.assertEqual((client.returncode, summary["interrupted"]), (6, True))
        self.assertEqual(summary["stages"][0]["state"], "stopped")
        self.assertNotEqual(summary["error"]["phase"], "options")

    def interrupt(self, answers, when):
        """Signals at the first ClientHello of which `when` is true; it and later ones get nothing."""
        reached = threading.Event()

        def handle(connection):
            start = connection.recv(9, socket.MSG_PEEK | socket.MSG_WAITALL)
            size, pieces = stub_server.hello_bytes(connection), is_in_two_records(start)
            if reached.is_set() or when(size, pieces):
                reached.set()
            elif answers(size):
                connection.sendall(SERVER_HELLO)
            elif size:
                stub_server.reset(connection)
                return
            stub_server.discard(connection)
        with StubServer(handle) as server:
            client = subprocess.Popen(
                [support.program("TLSECHO_CLIENT"), "--path", "--json", "--only", "client-hello",
                 f"tls://127.0.0.1:{server.port}"], stdout=subprocess.PIPE,
                env=support.environment())
            self.assertTrue(reached.wait(support.DEADLINE_S))
            client.send_signal(signal.SIGTERM)
            out, _ = client.communicate(timeout=support.DEADLINE_S)
        summary = support.described(out.decode())
        self.assertTrue(summary["interrupted"])
        return client.returncode, summary

    def test_what_passed_before_a_signal_is_ok(self):
        status, summary = self.interrupt(lambda size: True, lambda size, pieces: size > 3000)
        self.assertEqual((status, summary["result"]), (0, "ok"), summary)
        self.assertTrue(summary["stages"][0]["tried"])

    def test_what_failed_before_a_signal_and_was_not_judged_is_not_ok(self):
        status, summary = self.interrupt(lambda size: size < 3000, lambda size, pieces: pieces)
        self.assertEqual((status, summary["findings"]), (12, []), summary)
        self.assertTrue(summary["error"]["message"].startswith("interrupted before this was tried again: "), summary)


class Quiet(support.TestCase):
    def test_findings_are_printed_with_evidence_and_remedy(self):
        with StubServer(refuser_of_two_records(1000)) as server:
            done = path("-q", "--only", "client-hello", f"tls://127.0.0.1:{server.port}")
        text = done.stdout.decode()
        self.assertEqual(done.status, 16, done)
        self.assertTrue(text.startswith("finding: hello-split-refused: "), text)
        self.assertRegex(text, r"\n  evidence: .*\n  remedy: .*\n\Z")
        self.assertNotIn("client-hello\n", text)

    def test_insecure_has_nothing_to_warn_of(self):
        server = self.server(TLS)
        done = path("-k", "--only", "client-hello", server.endpoint("tls"))
        self.assertEqual((done.status, done.stderr), (0, ""), done)

    def test_options_without_effect_are_refused(self):
        for args, word in ((("--pin", "x"), "--pin"), (("--cacert", "/dev/null"), "--cacert"),
                           (("-v",), "-v")):
            done = path(*args, "tls://127.0.0.1:1")
            self.assertEqual(done.status, 2, done)
            self.assertIn(f"leave out {word}", done.stderr)


class Told(unittest.TestCase):
    def test_manual_page_and_guide_have_every_finding_with_remedy_and_how_to_reproduce_it(self):
        source = (support.REPOSITORY / "src" / "client" / "path" / "path_findings.c").read_text()
        names = re.findall(r'\.name = "([a-z-]+)"', source)
        page = support.run(support.program("TLSECHO_CLIENT_OPTIONS"), "man",
                           data=b"FINDINGS\n").stdout.decode()
        guide = (support.REPOSITORY / "docs" / "path.md").read_text()
        for name in names:
            entry = page[page.index(f"*{name}* (stage"):].split("\n\n")[0].strip()
            self.assertRegex(entry, r"(?s) Remedy: .* To reproduce it: .*\.\Z")
            section = guide[guide.index(f"### `{name}`\n"):].split("\n### ")[0]
            self.assertRegex(section, r"(?s)\nRemedy: .*(\n    [a-z]|To reproduce it, )")


if __name__ == "__main__":
    unittest.main()
