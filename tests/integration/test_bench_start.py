# SPDX-License-Identifier: MIT
"""tlsecho-client --bench --start-at: several clients connect first and start together."""

import concurrent.futures
import datetime
import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import threading
import time
import unittest

import stub_server
import support
from loads import CA, BenchCase, bench, due
from stub_server import StubServer, server_context

CONFIG = """
listeners:
  - listen: tls://127.0.0.1:0
  - listen: udp://127.0.0.1:0
""" + support.PROFILE


def ahead(seconds, zone=datetime.timezone.utc):
    """The time in so many seconds, as an argument, and as seconds since 1970."""
    at = round(time.time() + seconds, 3)
    return datetime.datetime.fromtimestamp(at, zone).isoformat(timespec="milliseconds"), at


class Recorder:
    """A server that records when each of its connections came, and when its first byte."""

    def __init__(self):
        self.came, self.sent = [], []

    def __call__(self, connection):
        self.came.append(time.time())
        for data in stub_server.received(connection):
            if len(self.sent) < len(self.came):
                self.sent.append(time.time())
            connection.sendall(data)
        stub_server.finish(connection)


class Start(BenchCase):
    def measured(self, *loads):
        """The summaries of loads that start together, and when. On a machine that is too slow to connect
        in time once more, with more time."""
        for seconds in 1.5, 6, 24:
            text, at = ahead(seconds, datetime.timezone(datetime.timedelta(hours=-3, minutes=-30)))
            with concurrent.futures.ThreadPoolExecutor(len(loads)) as pool:
                runs = list(pool.map(lambda load: bench("--json", "--start-at", text, *load), loads))
            summaries = [json.loads(run.stdout.splitlines()[-1]) for run in runs]
            if all(run.status == 0 and "warning" not in run.stderr for run in runs):
                return [support.described(run.stdout.splitlines()[-1]) for run in runs], at
        self.fail(summaries)

    def test_all_kinds_of_load_start_at_the_time_together(self):
        server = self.server(CONFIG)
        messages, handshakes = Recorder(), Recorder()
        with StubServer(messages) as one, StubServer(handshakes) as two:
            summaries, at = self.measured(
                ("-n", "4", "-P", "2", "--ramp", "0.1", one.endpoint()),
                ("--handshakes", "-n", "3", two.endpoint()),
                ("-t", "0.2", "--rate", "100", "-P", "3", "--threads", "2", *CA, server.endpoint("tls")),
                ("-t", "0.2", "--omit", "0.1", "--rate", "100", "-P", "2", server.endpoint("udp")),
                ("-t", "0.2", "--handshakes", "--resume", *CA, server.endpoint("tls")))
        self.assertEqual(summaries[0]["messages"], 4)
        self.assertLess(max(messages.came[-2:]), at)
        self.assertGreaterEqual(min(messages.sent[-2:]), at)
        self.assertEqual(summaries[1]["handshakes"], 3)
        self.assertGreaterEqual(min(handshakes.came[-3:]), at, "only one connection came earlier")
        self.assertEqual((due(summaries[2]), summaries[2]["duration"]), (20, 0.2))
        self.assertEqual((due(summaries[3]), summaries[3]["load"]["omit"]), (20, 0.1))
        self.assertEqual(summaries[4]["resumed"], summaries[4]["handshakes"])
        for summary in summaries:
            asked = datetime.datetime.fromisoformat(summary["load"]["start_at"].replace("Z", "+00:00"))
            started = datetime.datetime.fromisoformat(summary["started"].replace("Z", "+00:00"))
            self.assertAlmostEqual(asked.timestamp(), at, places=4)
            self.assertAlmostEqual(started.timestamp(), at + summary["start_late"] +
                                   summary["load"].get("omit", 0), delta=0.0015)
            self.assertGreaterEqual(summary["start_late"], 0)

    def waiting(self, *args):
        return subprocess.Popen([support.program("TLSECHO_CLIENT"), "--bench", "--json", "--start-at",
                                 ahead(3600)[0], *map(str, args)], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, env=support.environment())

    def test_an_interrupt_ends_the_wait(self):
        came, seen = threading.Semaphore(0), []

        def quiet(connection):
            came.release()
            seen.extend(stub_server.received(connection))

        with StubServer(quiet) as stub:
            process = self.waiting("-P", "3", stub.endpoint())
            for _ in range(3):
                self.assertTrue(came.acquire(timeout=support.DEADLINE_S))
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=support.DEADLINE_S)
        summary = support.described(out)
        self.assertEqual((process.returncode, summary["interrupted"], seen), (6, True, []), err)
        self.assertEqual(summary["error"]["message"], "interrupted before anything was measured")

    def test_a_connection_that_ends_while_it_waits_is_told_at_once(self):
        """The reset comes after a handshake, so that it does not meet the client as it connects."""
        for handler, context, word, says in (
                (stub_server.finish, None, "truncated", "connection 1: the server ended before the load "
                 "started; if it ends idle connections, start the client closer to --start-at"),
                (stub_server.reset, server_context(), "reset", "connection 1: the server, or something on the way, reset "
                 "the connection before the load started"),
                (lambda c: (c.sendall(b"220 mail\r\n"), stub_server.discard(c)), None, "corrupt",
                 'connection 1: the server sent "220 mail" instead of our bytes')):
            with self.subTest(word), StubServer(handler, context) as stub:
                out, err = self.waiting(*CA[:2 * bool(context)], stub.endpoint()).communicate(timeout=support.DEADLINE_S)
                summary = support.described(out)
                self.assertEqual(summary["result"], word, err)
                self.assertTrue(summary["error"]["message"].startswith(says), summary["error"])
                self.assertNotIn("messages", summary)

    def test_a_dtls_session_that_the_server_ends_is_told_at_once(self):
        server = self.server('listeners: [ { listen: "dtls://127.0.0.1:0" } ]\ntimeouts: { idle: 200ms }\n' +
                             support.PROFILE)
        out, err = self.waiting("--rate=10", "-P3", *CA, server.endpoint("dtls")).communicate(
            timeout=support.DEADLINE_S)
        self.assertEqual(support.described(out)["result"], "truncated", err)

    def test_connections_that_are_not_up_in_time_are_told(self):
        with StubServer(stub_server.echo) as stub:
            for seconds in 1, 8, 30:
                done = bench("--json", "-P", "2", "--ramp", "100", "-t", "0.1", "--start-at",
                             ahead(seconds)[0], stub.endpoint())
                if done.status == 0 and json.loads(done.stdout)["start_late"] < 0.05:
                    break
        summary = support.described(done.stdout)
        self.assertEqual((summary["connections"], summary["connections_late"]), (1, 1))
        self.assertIn("warning: 1 of 2 connections were not up at --start-at: ", done.stderr)

    def test_a_time_that_has_passed_or_is_none_is_a_usage_error(self):
        for text, says in (("2001-02-03T04:05:06Z", "2001-02-03T04:05:06Z is in the past, it is 20"),
                           ("1970-01-01T00:00:00Z", "is in the past"),
                           ("9999-12-31T23:59:59Z", ": give an earlier time"),
                           ("2016-12-31T23:59:60Z", "'2016-12-31T23:59:60Z': character 18: "),
                           ("17:00", "'17:00': character 3: 4 digits of the year expected; write RFC 3339 with a zone, such as 20")):
            done = bench("--start-at", text, "tcp://127.0.0.1:1")
            self.assertEqual((done.status, done.stdout, len(done.stderr.splitlines())), (2, b"", 1))
            self.assertIn("--start-at: ", done.stderr)
            self.assertIn(says, done.stderr)


    def test_in_other_modes_it_is_a_usage_error_in_any_order(self):
        at = "--start-at", ahead(100)[0]
        for mode in "--ping", "--check", "--report", "--path":
            for words in ((*at, mode, "localhost"), (mode, *at, "localhost"), ("localhost", mode, *at)):
                done = support.client(*words)
                self.assertEqual((done.status, done.stdout, done.stderr), (2, b"", (
                    f"tlsecho-client: --start-at cannot be used with {mode}: leave it out; it is for --bench\n")))


class Hosts(BenchCase):
    """Clients on several hosts by GNU parallel, with a shell in place of ssh. As sshd does, it sets SHELL,
    which GNU parallel runs there."""

    SSH = '#!/bin/sh\nuntil [ "$1" = -- ]; do shift; done\nshift\nSHELL=/bin/sh exec sh -c "$*"\n'

    @support.requires("parallel")
    def test_the_command_of_the_documentation_adds_their_results_up(self):
        all_are_here = threading.Barrier(6)

        def echo(connection):
            all_are_here.wait(support.DEADLINE_S)
            stub_server.echo(connection)

        text = (support.REPOSITORY / "docs" / "fleet.md").read_text()
        command = re.search(r"^    (parallel .*?)\n\n", text, re.S | re.M).group(1)
        with tempfile.TemporaryDirectory(prefix="tlsecho-hosts-") as folder, StubServer(echo) as stub:
            ssh = pathlib.Path(folder) / "ssh"
            ssh.write_text(self.SSH)
            ssh.chmod(0o755)
            changes = {"parallel ": f"parallel --ssh {ssh} ", "-P 1000 -t 30s": "-P 2 -n 20",
                       "--start-at $(date -u -d '1 minute' +%FT%TZ)": "",  # all at once even so
                       "tls://server.example": stub.endpoint(), "--merge -": "--merge --json -"}
            for old, new in changes.items():
                self.assertIn(old, command)
                command = command.replace(old, new)
            programs = os.path.dirname(support.program("TLSECHO_CLIENT"))
            env = support.environment(PATH=f"{programs}{os.pathsep}{support.TOOL_PATH}", HOME=folder)
            env.pop("SHELL", None)  # of this host
            done = support.run("sh", "-c", command, env=env)
        self.assertEqual(done.status, 0, done.stderr)
        summary = support.described(done.stdout)
        self.assertEqual((summary["result"], summary["clients"], summary["connections"], summary["messages"]),
                         ("ok", 3, 6, 60), done.stderr)


class Starts(BenchCase):
    """How far apart the clients started, in what is merged."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tlsecho-start-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        with StubServer(stub_server.echo) as stub:
            self.summary = support.without_rates(self.ok("-n", "20", stub.endpoint()))
        self.summary.update(duration=2.0, started="2026-11-29T08:00:00.100Z")

    def merged(self, *changes):
        files = [self.folder / str(i) for i in range(len(changes))]
        for file, change in zip(files, changes):
            file.write_text(json.dumps(self.summary | change))
        done = support.client("--merge", "--json", *files)
        self.assertEqual(done.status, 0, done.stderr)
        (self.folder / "sum").write_bytes(done.stdout)
        return support.described(done.stdout), done.stderr

    def started_at(self, late, **more):
        load = self.summary["load"] | {"start_at": "2026-11-29T08:00:00.100000Z"} | more
        return {"load": load, "start_late": late}

    def test_starts_of_start_at_are_exact_others_are_rounded(self):
        whole, warnings = self.merged(self.started_at(0.0003), self.started_at(0.0012))
        self.assertAlmostEqual(whole["start_spread"], 0.0009)
        self.assertEqual((whole["load"]["start_at"], whole["start_late"], warnings),
                         ("2026-11-29T08:00:00.100000Z", 0.0012, ""))
        self.assertAlmostEqual(whole["messages_per_second"], whole["messages_per_second_sum"], delta=0.02)
        page = self.folder / "page.html"
        self.assertEqual(support.client("--merge", "--report-html", page, self.folder / "sum").status, 0)
        self.assertIn(", start 2026-11-29T08:00:00.100000Z, 1.20 ms late.", page.read_text())
        whole, _ = self.merged({}, {"started": "2026-11-29T08:00:00.103Z"})
        self.assertAlmostEqual(whole["start_spread"], 0.004)
        whole, _ = self.merged(self.started_at(0.0003), self.started_at(0.0003, omit=0.5))
        self.assertAlmostEqual(whole["start_spread"], 0.5)
        self.assertNotIn("start_spread", self.merged({})[0])

    def test_a_sum_of_sums_knows_the_last_start(self):
        self.merged({}, {"started": "2026-11-29T08:00:00.900Z"})
        before = json.loads((self.folder / "sum").read_text())
        whole, _ = self.merged(before, {"started": "2026-11-29T08:00:00.200Z"})
        self.assertAlmostEqual(whole["start_spread"], 0.801)

    def test_different_starts_are_told(self):
        _, warnings = self.merged({}, {"started": "2026-11-29T08:00:00.115Z"})
        self.assertEqual(warnings, "")
        whole, warnings = self.merged({}, {"started": "2026-11-29T08:00:00.600Z"})
        self.assertIn("warning: the clients started within 0.501 s of each other, and measured 2.500 s in "
                      "all: give them the same --start-at\n", warnings)
        text = support.client("--merge", self.folder / "0", self.folder / "1").stdout
        self.assertIn(b"starts      within 501 ms of each other\n", text)


if __name__ == "__main__":
    unittest.main()
