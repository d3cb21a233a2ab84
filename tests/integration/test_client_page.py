# SPDX-License-Identifier: MIT
"""--report-html of a ping, and of interrupted runs."""

import json
import pathlib
import signal
import subprocess
import tempfile
import threading
import unittest
from xml.etree import ElementTree

import pages
import stub_server
import support
from loads import CA
from stub_server import StubServer

PROBE_BYTES = 64
INTERRUPTED = "Interrupted: these are the results so far."


class PageCase(support.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tlsecho-page-")
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name, "page.html")

    def run_client(self, *args, status=0):
        """(summary, tree)"""
        done = support.client("--json", "--report-html", self.path, *args)
        self.assertEqual(done.status, status, done.stdout + done.stderr.encode())
        return support.described(done.stdout), pages.parse(self.path.read_text())

    def run_watched(self, watch, *args):
        """(status, summary, tree) of a run each of whose lines is given to watch() at once."""
        with subprocess.Popen(
                [support.program("TLSECHO_CLIENT"), "--json", "-v", "--report-html", self.path,
                 *map(str, args)],
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                env=support.environment()) as client:
            for line in client.stdout:
                last = support.described(line)
                watch(last)
        return client.returncode, last, pages.parse(self.path.read_text())

    def interrupt(self, is_enough, *args):
        """(status, summary, tree) of a run that gets SIGINT after the first line that is enough."""
        client = subprocess.Popen(
            [support.program("TLSECHO_CLIENT"), "--json", "-v", "--report-html", self.path,
             *map(str, args)],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=support.environment())
        while not is_enough(json.loads(client.stdout.readline())):
            pass
        client.send_signal(signal.SIGINT)
        last = client.stdout.read().splitlines()[-1]
        client.stdout.close()
        status = client.wait(support.DEADLINE_S)
        return status, support.described(last), pages.parse(self.path.read_text())


def marks(svg, css_class):
    """The number of marks in the path of that class: each begins with a move."""
    return sum(path.get("d").count("M") for path in svg.iter("path")
               if path.get("class") == css_class)


def reset_the_first(after):
    """A server that resets its first connection after so many messages."""
    connections = []

    def serve(connection):
        connections.append(connection)
        left = after * PROBE_BYTES if len(connections) == 1 else float("inf")
        for data in stub_server.received(connection):
            if len(data) > left:
                connection.sendall(data[:left])
                stub_server.reset(connection)
                return
            connection.sendall(data)
            left -= len(data)
    return serve


class Ping(PageCase):
    def test_has_what_the_object_has(self):
        server = self.server(support.EVERYTHING)
        summary, tree = self.run_client("--ping", "-c20", "-i1ms", *CA, server.endpoint("tls"))
        charts = pages.charts(tree)
        self.assertEqual(list(charts), ["Round trips over time", "Latency by percentile",
                                        "Histogram of latency"])
        for svg in charts.values():
            self.assertEqual(svg.get("role"), "img")
            self.assertTrue(svg.find("desc").text)
            self.assertNotIn("nan", ElementTree.tostring(svg).decode())
        cards, rows = pages.cards(tree), pages.rows(tree)
        self.assertEqual((cards["probes"], cards["received"], cards["lost"]), ("20", "20", "0 %"))
        self.assertEqual(rows["Round trip"][0], str(summary["latency"]["count"]))
        for row in ("Name look-up", "TCP connect", "TLS handshake", "First echo"):
            self.assertIn(row, rows)
        self.assertEqual(rows["Version"], [summary["tls"]["version"]])
        self.assertEqual(rows["SHA-256"], [summary["tls"]["peer"]["sha256"]])
        self.assertEqual(rows["Sent"], ["1.25 KiB"])
        self.assertEqual(rows["TCP retransmits"], [str(summary["kernel"]["retransmits"])])
        self.assertIn(summary["started"], pages.words(tree))
        self.assertEqual(pages.warnings(tree), [])

    def test_the_timeline_has_a_point_for_each_probe_and_a_dot_for_each_point(self):
        server = self.server(support.EVERYTHING)
        summary, tree = self.run_client("--ping", "-c20", "-i1ms", server.endpoint("tcp"))
        points = summary["timeline"]["points"]
        replies = [point for point in points if point["replies"]]
        self.assertEqual([point["replies"] for point in replies], [1] * 20)
        self.assertEqual(points[0]["connections"], 1)
        starts = [point["start"] for point in points]
        self.assertEqual(starts, sorted(starts))
        self.assertLessEqual(starts[-1], summary["duration"])
        self.assertEqual(max(point.get("max", 0) for point in replies[1:]),
                         summary["latency"]["max"])
        chart = pages.charts(tree)["Round trips over time"]
        self.assertEqual(marks(chart, "bars a"), 20)
        self.assertEqual(marks(chart, "curve bad") + marks(chart, "curve faint dashed"), 0)

    def test_many_probes_share_points(self):
        server = self.server(support.EVERYTHING)
        summary, tree = self.run_client("--ping", "-c3000", "-i0", server.endpoint("tcp"))
        points = summary["timeline"]["points"]
        self.assertLessEqual(len(points), 480)
        self.assertEqual(sum(point["replies"] for point in points), 3000)
        self.assertIn("min to max", pages.words(pages.charts(tree)["Round trips over time"]))

    def test_losses_and_reconnections_are_marked(self):
        with StubServer(reset_the_first(after=3)) as stub:
            summary, tree = self.run_client("--ping", "--reconnect", "-c40", "-i20ms",
                                            stub.endpoint(), status=1)
        points = summary["timeline"]["points"]
        self.assertEqual(sum(point["lost"] for point in points), summary["probes"]["lost"])
        self.assertEqual(sum(point["connections"] for point in points), 2)
        chart = pages.charts(tree)["Round trips over time"]
        self.assertEqual(marks(chart, "curve bad"),
                         sum(1 for point in points if point["lost"]) + 1)  # and one in the key
        self.assertEqual(marks(chart, "curve faint dashed"), 2)
        self.assertEqual(pages.cards(tree)["connections"], "2")
        self.assertRegex(pages.warnings(tree)[0], r"^Failures: reset \d+\. ")

    def test_a_late_reply_is_marked(self):
        overdue = threading.Event()

        def serve(connection):
            for number, data in enumerate(stub_server.received(connection)):
                if number == 1:
                    overdue.wait(support.DEADLINE_S)
                connection.sendall(data)

        def answer_if_overdue(line):
            if line.get("status") == "overdue":
                overdue.set()

        with StubServer(serve) as stub:
            status, summary, tree = self.run_watched(answer_if_overdue, "--ping", "-c3", "-i0",
                                                     "-W1s", stub.endpoint())
        self.assertEqual(status, 1)
        self.assertEqual(summary["probes"]["late"], 1)
        late = [point["late"] for point in summary["timeline"]["points"] if point["replies"]]
        self.assertEqual(late, [0, 1, 0])
        self.assertEqual(marks(pages.charts(tree)["Round trips over time"], "bars b"), 1)
        self.assertEqual(pages.cards(tree)["late"], "1")

    def test_without_a_reply_the_page_has_the_reason(self):
        _, tree = self.run_client("--ping", "-c3", "tcp://127.0.0.1:1", status=4)
        self.assertEqual(pages.charts(tree), {})
        self.assertEqual(pages.cards(tree)["lost"], "100 %")
        self.assertRegex(pages.warnings(tree)[0], "^Failures: refused 1. .*Connection refused")

    def test_an_interrupted_one_is_marked(self):
        server = self.server(support.EVERYTHING)
        status, summary, tree = self.interrupt(lambda line: line["status"] == "reply", "--ping",
                                                 "-i30", server.endpoint("tcp"))
        self.assertEqual((status, summary["interrupted"]), (0, True))
        self.assertEqual(pages.warnings(tree), [INTERRUPTED])

    def test_names_are_text_whatever_they_hold(self):
        server = self.server('listeners: [ { listen: "unix://{dir}/<b>&.sock" } ]')
        _, tree = self.run_client("--ping", "-c1", server.endpoint("unix"))
        self.assertTrue(tree.find(".//h1").text.endswith("/<b>&.sock"))

    def test_a_page_that_cannot_be_written_is_local_io(self):
        server = self.server(support.EVERYTHING)
        for path in self.path.parent / "no" / "where", "/dev/full":
            done = support.client("--ping", "-c1", "--report-html", path, server.endpoint("tcp"))
            self.assertEqual(done.status, 15)
            self.assertIn(f"--report-html: write {path}: ", done.stderr)


class Interrupted(PageCase):
    """Interrupted loads."""

    def setUp(self):
        super().setUp()
        server = self.server(support.EVERYTHING)
        self.ends = server.endpoint("tcp"), *CA, server.endpoint("tls")

    def test_a_load_is_marked(self):
        status, summary, tree = self.interrupt(lambda line: True, "--bench", "-t30",
                                                 self.ends[0])
        self.assertEqual((status, summary["interrupted"]), (0, True))
        self.assertEqual(pages.warnings(tree), [INTERRUPTED])

    def test_an_interrupted_comparison_with_both_measured_is_marked(self):
        b = self.ends[-1]
        status, summary, tree = self.interrupt(lambda line: line["endpoint"] == b, "--bench",
                                                 "-t4", *self.ends)
        self.assertEqual((status, summary["interrupted"]), (0, True))
        for side in summary["compared"]:
            self.assertIs(side["interrupted"], True)
            self.assertGreater(side["messages"], 0)
        self.assertEqual(pages.warnings(tree), [INTERRUPTED])
        for title in "Messages per second", "Latency over time":
            chart = pages.charts(tree)[title]
            for side in "ab":
                drawn = [path.get("d") for path in chart.iter("path")
                         if path.get("class") in (f"curve {side}", f"bars {side}")]
                self.assertTrue(any("L" in d or "h0" in d for d in drawn), (title, side))

    def test_an_interrupted_comparison_names_the_one_without_a_result(self):
        status, summary, tree = self.interrupt(lambda line: True, "--bench", "-t30", *self.ends)
        self.assertEqual((status, summary["interrupted"]), (6, True))
        self.assertEqual([side["result"] for side in summary["compared"]], ["ok", "timeout"])
        self.assertEqual(pages.warnings(tree), [
            INTERRUPTED, "timeout: interrupted before anything was measured"])
        self.assertEqual(pages.words(tree).count("Times: "), 1)

    def test_the_mark_is_printed_as_text(self):
        for enough, status, says in ((1, 6, b"s, interrupted\n"),
                                     (3, 0, b"as A B B A, interrupted\n")):
            with self.subTest(says=says):
                client = subprocess.Popen(
                    [support.program("TLSECHO_CLIENT"), "--bench", "-v", "-t4",
                     *map(str, self.ends)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                    env=support.environment())
                for _ in range(enough):
                    client.stdout.readline()
                client.send_signal(signal.SIGINT)
                self.assertIn(says, client.stdout.read())
                client.stdout.close()
                self.assertEqual(client.wait(support.DEADLINE_S), status)

    def test_a_sum_with_one_of_them_is_marked(self):
        client = support.client("--bench", "-n3", "--json", self.ends[0])
        part = self.path.parent / "part.json"
        part.write_text(json.dumps({**json.loads(client.stdout), "interrupted": True}))
        summary, tree = self.run_client("--merge", part)
        self.assertIs(summary["interrupted"], True)
        self.assertEqual(pages.warnings(tree), [INTERRUPTED])

    def test_what_ended_by_itself_is_not(self):
        for args in (("--bench", "-n3", self.ends[0]), ("--bench", "-n3", *self.ends),
                     ("--ping", "-c1", self.ends[0])):
            summary, tree = self.run_client(*args)
            self.assertNotIn("interrupted", summary)
            self.assertEqual(pages.warnings(tree), [])


if __name__ == "__main__":
    unittest.main()
