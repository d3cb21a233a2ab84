# SPDX-License-Identifier: MIT
"""tlsecho-client --bench: stalls, handshakes, failures, and files of its results."""

import json
import pathlib
import socket
import struct
import subprocess
import tempfile
import threading
import unittest
from xml.etree import ElementTree

import pages
import stub_server
import support
from loads import BenchCase, CA, CONFIG, MUTUAL, SCARCE, bench, due, samples
from stub_server import StubServer


class Stall(BenchCase):
    """Coordinated omission: the effect of a stall of the server on an open and a closed loop."""

    SECONDS, RATE = 5, 200

    def wait_for_empty_second(self, load):
        """The stall has then lasted at least a second for this load, however late it began."""
        for line in load.stdout:
            if json.loads(line)["messages"] == 0:
                return
        self.fail("the load ended before a second passed without a message")

    def test_an_open_loop_measures_from_when_a_message_was_due_a_closed_loop_measures_a_stall_once(self):
        server = self.server(CONFIG)
        loads = [subprocess.Popen([support.program("TLSECHO_CLIENT"), "--bench", "--json", "-v",
                                   "-t", str(self.SECONDS), *args, *map(str, CA), server.endpoint("tls")],
                                  stdout=subprocess.PIPE, env=support.environment())
                 for args in (("--rate", str(self.RATE)), ("-P", "2"))]
        for load in loads:
            load.stdout.readline()  # the first second is over
        with server.paused():
            for load in loads:
                self.wait_for_empty_second(load)
        opened, closed = (json.loads(load.communicate(timeout=support.DEADLINE_S)[0].splitlines()[-1])
                          for load in loads)
        self.assertGreater(opened["latency"]["p90"], 0.4)
        self.assertEqual(due(opened), self.SECONDS * self.RATE)
        self.assertLess(closed["latency"]["p99"], 0.4)
        self.assertGreater(closed["latency"]["max"], 0.9)


class Handshakes(BenchCase):
    def test_full_handshakes_are_counted(self):
        server = self.server(CONFIG)
        for args in (), ("-P", "4", "--threads", "2"), ("--tls-max", "1.2"), \
                ("--groups", "P-256"):
            with self.subTest(args):
                got = self.ok("--handshakes", "-n", "20", *args, *CA, server.endpoint("tls"))
                self.assertEqual((got["handshakes"], got["connections"]), (20, 20))
                for key in "latency", "connect", "handshake":
                    self.assertEqual(samples(got, key), 20)
                self.assertNotIn("resumed", got)

    def test_with_resume_every_handshake_is_resumed(self):
        server = self.server(CONFIG)
        for version in "1.2", "1.3":
            with self.subTest(version):
                got = self.ok("--handshakes", "--resume", "-n", "40", "-P", "4", "--tls-min",
                              version, "--tls-max", version, *CA, server.endpoint("tls"))
                self.assertEqual((got["handshakes"], got["resumed"]), (40, 40))

    def test_if_none_is_resumed_the_run_fails_as_handshake(self):
        with stub_server.OpenSsl("-num_tickets", "0") as stub:
            summary = self.fails(7, "handshake", "--handshakes", "--resume", "-n5", *CA,
                                 stub.endpoint())
        self.assertEqual((summary["handshakes"], summary["resumed"]), (5, 0))
        self.assertIn("none of 5 handshakes resumed", summary["error"]["message"])

    def test_plain_connections_are_measured(self):
        got = self.ok("--handshakes", "-n", "20", self.server(CONFIG).endpoint("tcp"))
        self.assertEqual(got["handshakes"], 20)
        self.assertNotIn("handshake", got)

    def test_handshakes_with_a_client_certificate(self):
        server = self.server(MUTUAL)
        own = ("--cert", support.pki() / "client.pem", "--key", support.pki() / "client.key")
        self.assertEqual(self.ok("--handshakes", "-n", "10", *own, *CA,
                                 server.endpoint("tls"))["handshakes"], 10)
        for version in "1.2", "1.3":  # on TLS 1.3 it is refused after the handshake
            with self.subTest(version):
                got = self.fails(11, "client-certificate", "--handshakes", "-n", "10", "--tls-max",
                                 version, *CA, server.endpoint("tls"))
                self.assertEqual(got.get("failures", {}).get("client-certificate", 10), 10)

    def test_time_wait_is_held_by_the_server(self):
        # An address of its own: on a busy machine other connections in TIME_WAIT may have the same ports.
        server = self.server(CONFIG.replace("listen: tls://127.0.0.1:0\n", "listen: tls://127.0.0.77:0\n"))
        host, port = server.address("tls")
        self.ok("--handshakes", "-n", "50", *CA, "--servername", "localhost", server.endpoint("tls"))
        address, = struct.unpack("=I", socket.inet_aton(host))  # as proc(5) prints it
        end = f"{address:08X}:{port:04X}"
        table = pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]
        waiting = [line.split() for line in table if line.split()[3] == "06"]
        self.assertLessEqual(sum(line[2] == end for line in waiting), 1)  # the first connection, which was idle
        self.assertGreaterEqual(sum(line[1] == end for line in waiting), 45)


class NoneBeyond(BenchCase):
    def test_a_load_makes_no_additional_connection(self):
        """A listener that accepts one connection, like nc -l, can serve a load of one; likewise for more."""
        for args, count in ((("-n", "5"), 1), (("-n", "6", "-P", "3", "--threads", "2"), 3)):
            with self.subTest(args):
                came = []

                def echo(connection, came=came):
                    came.append(connection)
                    stub_server.echo(connection)

                with StubServer(echo) as stub:
                    got = self.ok(*args, stub.endpoint())
                self.assertEqual(len(came), count)
                self.assertEqual(samples(got, "connect"), count)


class Failures(BenchCase):
    def test_a_refused_connection_is_reported_as_in_other_modes(self):
        with StubServer(stub_server.echo) as stub:
            endpoint = stub.endpoint()
        self.fails(4, "refused", "-P", "100", endpoint)

    def test_a_server_that_does_not_echo_fails_at_the_first_different_byte(self):
        def corrupt(connection):
            offset = 0
            for data in stub_server.received(connection):
                if offset <= 123456 < offset + len(data):
                    data = bytearray(data)
                    data[123456 - offset] ^= 0xff
                offset += len(data)
                connection.sendall(data)

        with StubServer(corrupt) as stub:
            got = self.fails(14, "corrupt", "-t", "20", "-s", "1000", stub.endpoint())
        self.assertRegex(got["error"]["message"], "connection 1: byte 123456 came back as 0x")
        self.assertEqual(got["failures"], {"corrupt": 1})

    def test_surplus_and_swapped_bytes_are_found(self):
        def doubled(connection):
            for data in stub_server.received(connection):
                connection.sendall(data + data)

        with StubServer(doubled) as stub:
            got = self.fails(14, "corrupt", "-t", "20", stub.endpoint())
        self.assertRegex(got["error"]["message"], "byte 64 .* only 64 were sent")

        def ahead(connection):
            """Answers ahead: the pattern repeats after 65,521 bytes, so its next bytes are known."""
            data = b""
            for piece in stub_server.received(connection):
                data += piece
                if len(data) == 65521:
                    connection.sendall(data + data[:64])

        with StubServer(ahead) as stub:
            got = self.fails(14, "corrupt", "-n", "2", "-s", "65521", stub.endpoint())
        self.assertRegex(got["error"]["message"], "byte 65521 .* only 65521 were sent")

        held, both = [], threading.Barrier(3)

        def swap(connection):
            held.append(connection)
            data = connection.recv(64)
            both.wait(support.DEADLINE_S)
            other = next(c for c in held if c is not connection)
            other.sendall(data)
            stub_server.discard(connection)

        with StubServer(swap) as stub:
            release = threading.Thread(target=both.wait, args=(support.DEADLINE_S,))
            release.start()
            got = self.fails(14, "corrupt", "-t", "20", "-P", "2", stub.endpoint())
            release.join()
        self.assertRegex(got["error"]["message"], "connection [12]: byte 0 came back")

    def test_a_tls_port_is_named_where_plain_was_spoken(self):
        server = self.server(CONFIG)
        got = self.fails(14, "corrupt", server.endpoint("tls").replace("tls:", "tcp:"))
        self.assertIn("add --tls", got["error"]["message"])

    def test_an_early_end_a_reset_and_an_idle_server_are_distinguished(self):
        def early(connection):
            connection.recv(64)

        def cut(connection):
            connection.recv(64)
            stub_server.reset(connection)

        for handler, status, word in (early, 13, "truncated"), (cut, 12, "reset"), \
                (stub_server.discard, 6, "timeout"):
            with self.subTest(word), StubServer(handler) as stub:
                got = self.fails(status, word, "-t", "20", "-P", "3", "--idle-timeout", "300ms",
                                 stub.endpoint())
                self.assertEqual(got["failures"], {word: 3})

    def test_established_connections_carry_the_load_and_failed_ones_are_counted(self):
        server = self.server(SCARCE)
        got = bench("--json", "-n", "100", "-P", "10", *CA, server.endpoint("tls")).summary()
        self.assertEqual(got["connections"] + sum(got["failures"].values()), 10)
        self.assertLessEqual(got["connections"], 4)
        self.assertNotEqual(got["result"], "ok")
        self.assertGreater(got["messages"], 0)

    def test_a_handshake_that_never_ends_times_out(self):
        with StubServer(stub_server.discard) as stub:
            endpoint = stub.endpoint().replace("tcp:", "tls:")
            self.fails(6, "timeout", "--connect-timeout", "200ms", *CA, endpoint)

    def test_usage_is_one_line(self):
        for args, says in ((("--rate", "0"), "--rate: '0' is not a rate"),
                           (("-s", "2GiB"), "--size: '2GiB' is not a size"),
                           (("-P", "60000", "-n", "1"), "ulimit -n"),
                           (("--handshakes", "--rate", "5"), "--handshakes sends no messages: leave out"),
                           (("-n", "1", "-t", "1"), "give one")):
            with self.subTest(args):
                done = support.run("prlimit", "--nofile=1000", support.program("TLSECHO_CLIENT"),
                                   "--bench", *args, "localhost")
                self.assertEqual(done.status, 2, done.stderr)
                self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
                self.assertIn(says, done.stderr)


class Files(BenchCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tlsecho-bench-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.running = self.server(CONFIG)

    def summary(self, name, *args):
        done = bench("--json", *args, *CA, self.running.endpoint("tls"))
        (self.folder / name).write_bytes(done.stdout)
        return support.described(done.stdout.splitlines()[-1])

    def merge(self, *names):
        return support.client("--merge", "--json", *(self.folder / name for name in names))

    def test_a_sum_has_every_sample_of_its_parts(self):
        a = self.summary("a", "-n", "300", "-P", "3", "-v")
        b = self.summary("b", "-n", "200")
        whole = support.described(self.merge("a", "b").stdout)
        buckets = {}
        for upper, count in a["latency"]["histogram"] + b["latency"]["histogram"]:
            buckets[upper] = buckets.get(upper, 0) + count
        self.assertEqual(whole["latency"]["histogram"], [list(pair) for pair in sorted(buckets.items())])
        self.assertEqual((whole["messages"], whole["clients"]), (500, 2))
        self.assertEqual(whole["latency"]["min"], min(a["latency"]["min"], b["latency"]["min"]))
        self.assertEqual(whole["latency"]["max"], max(a["latency"]["max"], b["latency"]["max"]))
        mean = (300 * a["latency"]["mean"] + 200 * b["latency"]["mean"]) / 500
        self.assertAlmostEqual(whole["latency"]["mean"], mean, places=9)
        self.assertEqual(whole["load"]["connections"], 4)

    def test_a_sum_of_sums_is_the_sum(self):
        self.summary("a", "-n", "100")
        self.summary("b", "-n", "100")
        self.summary("c", "-n", "100")
        (self.folder / "ab").write_bytes(self.merge("a", "b").stdout)
        three = support.described(self.merge("ab", "c").stdout)
        self.assertEqual((samples(three), three["clients"]), (300, 3))

    def test_the_same_run_counts_once(self):
        self.summary("a", "-n", "10")
        (self.folder / "copy").write_bytes((self.folder / "a").read_bytes())
        for name in "a", "copy":
            done = self.merge("a", name)
            refusal = support.described(done.stdout)  # against the schema
            self.assertEqual((done.status, refusal["result"]), (2, "usage"))
            self.assertIn(f"{name}: the same run as {self.folder}/a",
                          refusal["error"]["message"])
            for key in "transport", "interrupted", "load":
                self.assertNotIn(key, refusal)

    def test_other_json_than_a_summary_is_refused_in_one_line(self):
        self.summary("a", "-n", "10")
        handshakes = bench("--json", "--handshakes", "-n", "3", *CA, self.running.endpoint("tls"))
        (self.folder / "h").write_bytes(handshakes.stdout)
        text = (self.folder / "a").read_text()
        for name, content in (("empty", ""), ("words", "hello\n"), ("list", "[1]\n"),
                              ("other", '{"schema": 1}\n'),
                              ("forged", text.replace('"count":10', '"count":11')),
                              ("wrong", text.replace('"histogram":[[', '"histogram":[["x",1],['))):
            (self.folder / name).write_text(content)
        (self.folder / "folder").mkdir()
        for name in "missing", "empty", "words", "list", "other", "forged", "wrong", "h", "folder":
            with self.subTest(name):
                done = support.client("--merge", self.folder / "a", self.folder / name)
                self.assertEqual((done.status, done.stdout), (2, b""), done.stderr)
                self.assertEqual(len(done.stderr.splitlines()), 1)
                self.assertIn(str(self.folder / name), done.stderr)

    def test_one_failed_part_makes_the_sum_fail(self):
        for name, listener in ("a", "tcp"), ("failed", "upper"):
            done = bench("--json", "-n", "1000", self.running.endpoint(listener))
            (self.folder / name).write_bytes(done.stdout)
        done = self.merge("a", "failed")
        whole = support.described(done.stdout)
        self.assertEqual((done.status, whole["result"]), (14, "corrupt"))
        self.assertEqual((whole["clients"], whole["clients_failed"]), (2, 1))

    def test_a_merged_failure_keeps_its_phase(self):
        with StubServer(stub_server.echo) as stub:
            endpoint = stub.endpoint()
        done = bench("--json", endpoint)
        (self.folder / "refused").write_bytes(done.stdout)
        whole = support.described(self.merge("refused").stdout)
        self.assertEqual((whole["result"], whole["error"]["phase"]), ("refused", "connect"))
        done = support.client("--merge", self.folder / "refused")
        self.assertEqual(done.stderr, f"tlsecho-client: {self.folder}/refused: the result is refused\n")

    def forged(self, name, begin=None, source=None, **changes):
        """Writes a changed copy of the summary in the file `source`."""
        summary = support.without_rates(json.loads((self.folder / (source or "a")).read_text().splitlines()[-1]))
        if begin is not None:
            summary["started"] = f"2026-11-29T08:00:{begin:06.3f}Z"
        summary.update(changes)
        (self.folder / name).write_text(json.dumps(summary))
        return summary

    def test_rates_add_up_over_the_union_of_time(self):
        self.summary("a", "-t", "0.2", "--rate", "100")
        self.forged("early", 10, duration=2.0, messages=200)
        self.forged("inside", 10.5, duration=1.0, messages=400)
        self.forged("late", 11, duration=2.0, messages=200)
        self.forged("apart", 20, duration=1.0, messages=100)
        for names, duration, messages, total in (
                (("early", "inside"), 2, 600, 500), (("early", "late"), 3, 400, 200),
                (("late", "inside", "early"), 3, 800, 600), (("apart", "early"), 3, 300, 200)):
            with self.subTest(names):
                done = self.merge(*names)
                whole = support.described(done.stdout)
                self.assertEqual((whole["duration"], whole["messages"]), (duration, messages))
                self.assertAlmostEqual(whole["messages_per_second"], messages / duration)
                self.assertAlmostEqual(whole["messages_per_second_sum"], total)
                self.assertEqual("apart began 8.000 s after" in done.stderr.replace(
                    f"{self.folder}/", ""), "apart" in names, done.stderr)
                if "early" in names:
                    self.assertEqual(whole["started"], "2026-11-29T08:00:10.000Z")
        old = self.forged("old", duration=2.0)
        del old["started"]
        (self.folder / "old").write_text(json.dumps(old))
        done = self.merge("old", "early")
        self.assertEqual((done.status, support.described(done.stdout)["error"]["message"]),
                         (2, f"{self.folder}/old: started is missing"))

    def test_all_objects_of_a_file_count(self):
        self.summary("a", "-n", "100", "-v")
        self.summary("b", "-n", "50")
        (self.folder / "both").write_bytes((self.folder / "a").read_bytes() +
                                           (self.folder / "b").read_bytes())
        pretty = "\n".join(json.dumps(json.loads((self.folder / name).read_text().splitlines()[-1]),
                                      indent=2) for name in "ab")
        (self.folder / "pretty").write_text(pretty)
        for name in "both", "pretty":
            whole = support.described(self.merge(name).stdout)
            self.assertEqual((whole["clients"], whole["messages"]), (2, 150))
        (self.folder / "trailing").write_text(pretty + "\nhello")
        self.assertEqual(self.merge("trailing").status, 2)

    def test_other_loads_are_refused_with_what_differs(self):
        self.summary("a", "-n", "10")
        load = json.loads((self.folder / "a").read_text())["load"]
        for says, changes in (
                ("loop is open, but closed in", {"load": load | {"loop": "open"}}),
                ("pipeline is 7, but 1 in", {"load": load | {"pipeline": 7}}),
                ("message size in bytes is 65, but 64 in", {"load": load | {"size_bytes": 65}}),
                ("--expect is upper, but echo in", {"load": load | {"expect": "upper"}}),
                ("kind of load is handshakes, but messages in", {"load": load | {"kind": "handshakes"}}),
                ("transport is tcp, but tls in", {"transport": "tcp"})):
            with self.subTest(says):
                self.forged("other", **changes)
                done = self.merge("a", "other")
                self.assertEqual(done.status, 2, done.stderr)
                message = support.described(done.stdout)["error"]["message"]
                self.assertIn(says, message)
                self.assertIn(str(self.folder / "other"), message)
        for name, more in ("full", ()), ("resumed", ("--resume",)):
            self.summary(name, "--handshakes", "-n", "5", *more)
        done = self.merge("full", "resumed")
        self.assertIn("handshake is resumed, but full in", support.described(done.stdout)["error"]["message"])

    def test_a_client_that_never_began_is_a_failure_in_the_sum(self):
        self.summary("a", "-n", "10")
        with StubServer(stub_server.echo) as stub:
            endpoint = stub.endpoint().replace("tcp:", "tls:")
        for name, args in ("refused", (endpoint,)), ("usage", ("--pin", "00", endpoint)):
            (self.folder / name).write_bytes(bench("--json", *args).stdout)
        whole = support.described(self.merge("a", "refused", "usage").stdout)
        self.assertEqual((whole["clients"], whole["clients_failed"]), (3, 2))
        self.assertEqual(whole["failures"], {"refused": 1, "usage": 1})
        self.assertEqual((whole["result"], whole["messages"]), ("refused", 10))
        done = support.client("--merge", self.folder / "refused")
        self.assertEqual(done.status, 4)
        self.assertIn("1 client, of which 1 failed", done.stdout.decode())

    def test_an_interrupted_part_marks_the_sum_and_an_empty_part_is_ignored(self):
        self.summary("a", "-n", "10")
        self.forged("interrupted", interrupted=True)
        self.assertIs(support.described(self.merge("a", "interrupted").stdout)["interrupted"], True)
        self.forged("nothing", duration=0)
        self.assertEqual(self.merge("nothing").status, 2)

    def page(self, *args):
        path = self.folder / "report.html"
        self.assertEqual(bench("--report-html", path, *args).status, 0)
        text = path.read_text()
        return pages.parse(text), text

    def test_the_page_needs_no_other_file_and_has_four_charts(self):
        tree, text = self.page("-t", "0.3", *CA, self.running.endpoint("tls"))
        self.assertEqual([svg.find("title").text for svg in tree.iter("svg")],
                         ["Latency by percentile", "Histogram of latency", "Messages per second",
                          "Latency over time"])
        for svg in tree.iter("svg"):
            self.assertEqual(svg.get("role"), "img")
            self.assertTrue(svg.find("desc").text)
            self.assertNotIn("nan", ElementTree.tostring(svg).decode())
        self.assertIn("TLSv1.3", text)
        self.assertIn("prefers-color-scheme: dark", text)

    def test_a_page_of_two_a_merged_and_an_upward_one(self):
        tree, _ = self.page("-n", "100", self.running.endpoint("tcp"), *CA, self.running.endpoint("tls"))
        self.assertEqual(len(list(tree.iter("svg"))), 4)
        tree, _ = self.page("-t", "0.2", "--expect", "none", *CA, self.running.endpoint("discard"))
        self.assertEqual(len(list(tree.iter("svg"))), 1)
        self.summary("a", "-n", "10")
        path = self.folder / "merged.html"
        done = support.client("--merge", "--report-html", path, self.folder / "a")
        self.assertEqual(done.status, 0, done.stderr)
        self.assertEqual(path.read_text().count("<svg"), 2)

    def test_names_are_text_on_the_page_whatever_they_hold(self):
        server = self.server('listeners: [ { listen: "unix://{dir}/<b>&.sock" } ]')
        tree, _ = self.page("-n", "10", server.endpoint("unix"))
        self.assertTrue(tree.find(".//h1").text.endswith("/<b>&.sock"))

    def test_a_page_that_cannot_be_written_is_local_io(self):
        done = bench("-n", "1", "--report-html", self.folder / "no" / "where", *CA,
                     self.running.endpoint("tls"))
        self.assertEqual(done.status, 15)
        self.assertIn("--report-html: write ", done.stderr)


if __name__ == "__main__":
    unittest.main()
