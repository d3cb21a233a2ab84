# SPDX-License-Identifier: MIT
"""tlsecho-client --bench: loads of messages, and their output."""

import datetime
import json
import os
import pty
import re
import signal
import subprocess
import time
import unittest

import relay
import stub_server
import support
from loads import BenchCase, CA, CONFIG, bench, due, samples
from stub_server import StubServer, server_context


class Loads(BenchCase):
    def setUp(self):
        self.running = self.server(CONFIG)

    def tls(self, which="tls"):
        return (*CA, self.running.endpoint(which))

    def test_the_given_number_of_messages_is_sent_and_echoed(self):
        for to in (self.running.endpoint("tcp"),), (self.running.endpoint("unix"),), self.tls():
            with self.subTest(to[-1]):
                got = self.ok("-n", "1000", "-P", "7", "--threads", "2", *to)
                self.assertEqual((got["messages"], samples(got)), (1000, 1000))
                self.assertEqual((got["bytes_sent"], got["bytes_received"]), (64000, 64000))
                self.assertEqual(got["connections"], 7)
                self.assertEqual(samples(got, "connect"), 7)
                self.assertEqual("handshake" in got, to[-1].startswith("tls:"))
                self.assertEqual(got["failures"], {})

    def test_long_and_short_messages_one_by_one_and_many_at_a_time(self):
        for args in ("-s", "1"), ("-s", "1MiB"), ("-s", "1", "--pipeline", "64"), \
                ("-s", "100000", "--pipeline", "3"):
            with self.subTest(args):
                self.assertEqual(self.ok("-n", "64", "-P", "2", *args, *self.tls())["messages"], 64)

    def test_a_time_is_kept(self):
        """A closed loop ends once the echo of its last message is back."""
        got = self.ok("-t", "0.3", "-P", "20", *self.tls())
        self.assertGreaterEqual(got["duration"], 0.3)
        self.assertAlmostEqual(got["messages_per_second"], got["messages"] / got["duration"],
                               delta=1)
        self.assertEqual(self.ok("-t", "0.2", "--rate", "10", *self.tls())["duration"], 0.2)

    def test_messages_and_latencies_are_of_the_same_messages(self):
        """Messages in flight at the start or the end of the measured time count in both or in neither."""
        with relay.Relay(self.running.address("tcp"), relay.Delay(0.02, 0.02)) as between:
            for args in ("-P", "10"), ("-P", "10", "--omit", "0.1"), ("--rate", "200", "-P", "10"), \
                    ("--rate", "200", "-P", "10", "--omit", "0.1"), ("--pipeline", "7"):
                with self.subTest(args):
                    got = self.ok("-t", "0.3", *args, between.endpoint("tcp"))
                    self.assertEqual(got["messages"], got["latency"]["count"])
                    self.assertEqual(got["messages"], samples(got))

    def test_a_number_of_messages_at_a_rate_has_that_rate(self):
        """The measured time includes the interval of the last message, but not its round trip."""
        with relay.Relay(self.running.address("tcp"), relay.Delay(0.05, 0.05)) as between:
            for args in ("-n", "7", "--rate", "100", "-P", "7"), ("-n", "1", "--rate", "2.5"):
                with self.subTest(args):
                    got = self.ok(*args, between.endpoint("tcp"))
                    self.assertEqual(got["messages"], int(args[1]))
                    self.assertAlmostEqual(got["messages_per_second"], float(args[3]), places=6)

    def test_a_rate_may_have_a_fraction(self):
        got = self.ok("-t", "0.5", "--rate", "2.5", *self.tls())
        self.assertEqual((due(got), got["load"]["messages_per_second"]), (2, 2.5))
        text = bench("-t", "0.5", "--rate", "2.5", *self.tls()).stdout.decode()
        self.assertIn("open loop at 2.5 messages/s", text)
        self.assertEqual(bench("--rate", "0", "localhost").status, 2)

    def test_a_ramp_longer_than_the_run_reports_the_connections_that_ran(self):
        done = bench("-t", "0.3", "--ramp", "30", "-P", "100", self.running.endpoint("tcp"))
        self.assertEqual(done.status, 0, done.stderr)
        ran = re.search(r"^connections (\d+) of 100$", done.stdout.decode(), re.M).group(1)
        self.assertLess(int(ran), 50)
        self.assertIn(f"warning: only {ran} of 100 connections were opened: ", done.stderr)

    def test_the_summary_has_the_start_of_the_measured_time(self):
        before = datetime.datetime.now(datetime.timezone.utc)
        got = self.ok("-t", "0.2", "--omit", "0.5", "--rate", "100", *self.tls())
        after = datetime.datetime.now(datetime.timezone.utc)
        started = datetime.datetime.fromisoformat(got["started"].replace("Z", "+00:00"))
        self.assertGreater(started - before, datetime.timedelta(seconds=0.49))
        self.assertGreater(after - started, datetime.timedelta(seconds=0.19))

    def test_the_time_that_is_omitted_is_not_measured(self):
        got = self.ok("-t", "0.2", "--omit", "0.3", "--rate", "1000", *self.tls())
        self.assertEqual(got["duration"], 0.2)
        self.assertEqual(due(got), 200)

    def test_the_ramp_is_part_of_the_run(self):
        got = self.ok("-t", "0.4", "--ramp", "0.2", "-P", "10", self.running.endpoint("tcp"))
        self.assertEqual((round(got["duration"], 1), got["connections"]), (0.4, 10))

    def test_an_open_loop_starts_after_the_ramp(self):
        """Otherwise messages are due on connections that do not exist yet."""
        began = time.monotonic()
        got = self.ok("-t", "0.2", "--ramp", "0.5", "-P", "10", "--rate", "500",
                      self.running.endpoint("tcp"))
        self.assertGreaterEqual(time.monotonic() - began, 0.65)
        self.assertEqual(due(got), 100)

    def test_a_connection_stops_after_its_share_of_messages(self):
        with relay.Relay(self.running.address("tcp"), relay.Delay(0.1, 0.1)) as between:
            got = self.ok("-n", "3", "-P", "2", "--rate", "100", between.endpoint("tcp"))
        self.assertEqual(got["messages"], 3)
        self.assertNotIn("messages_unsent", got)

    def test_an_open_loop_sends_at_the_due_times(self):
        got = self.ok("-t", "0.4", "--rate", "500", "-P", "4", "--threads", "2", *self.tls())
        self.assertEqual(due(got), 200)
        self.assertEqual(samples(got), samples(got, "service"))
        self.assertGreaterEqual(got["latency"]["mean"], got["service"]["mean"])
        self.assertEqual(got["load"]["loop"], "open")

    def test_upper_case_is_expected_from_upper(self):
        self.ok("-n", "100", "--expect", "upper", self.running.endpoint("upper"))

    def test_only_up_to_discard_and_only_down_from_chargen(self):
        """By count and not by time: in a fixed time a busy machine may transfer nothing."""
        up = self.ok("-n", "100", "-s", "64KiB", "--expect", "none", *self.tls("discard"))
        self.assertEqual((up["bytes_sent"], up["bytes_received"]), (100 * 65536, 0))
        self.assertNotIn("latency", up)
        _, down = self.interrupted("bytes_received", "-s", "0", "--expect", "none",
                                   *self.tls("chargen"))
        self.assertEqual((down["bytes_sent"], down["messages"]), (0, 0))
        self.assertGreater(down["bytes_received"], 0)

    def test_the_server_sees_every_connection_end_in_order(self):
        self.ok("-n", "20", "-P", "20", *self.tls())
        for _ in range(20):
            self.assertEqual(self.running.wait_for("connection")["end"], "closed")

    def test_each_second_is_printed_at_once_and_in_the_summary(self):
        done = bench("--json", "-v", "-t", "1.2", "--rate", "100", *self.tls())
        *lines, last = map(support.described, done.stdout.splitlines())
        self.assertEqual(lines, last["seconds"])
        self.assertEqual(lines[0]["length"], 1)
        self.assertEqual(sum(line["messages"] for line in lines), samples(last))

    def test_two_peers_are_compared(self):
        got = self.ok("-t", "0.4", "-P", "2", self.running.endpoint("tcp"), *self.tls())
        tcp, tls = got["compared"]
        self.assertEqual((tcp["transport"], tls["transport"]), ("tcp", "tls"))
        for side in tcp, tls:
            self.assertAlmostEqual(side["duration"], 0.4, delta=0.1)
            self.assertEqual(side["connections"], 4)  # two rounds
        text = bench("-n", "100", self.running.endpoint("tcp"), *self.tls()).stdout.decode()
        self.assertRegex(text, r"B / A\n")
        self.assertRegex(text, r"latency p99 +\S+ \S+ +\S+ \S+ +\d+\.\d\d\n")
        self.assertRegex(text, r"TLS handshake p50 +- +\S+ \S+ +-\n")

    def test_a_failure_of_one_endpoint_is_not_attributed_to_the_other(self):
        with StubServer(stub_server.echo) as closed:
            refusing = closed.endpoint()
        with StubServer(stub_server.echo, server_context("expired")) as expired:
            for bad, status, says in ((refusing, 4, "Connection refused"),
                                      (expired.endpoint(), 10, "expired")):
                for first in True, False:
                    with self.subTest(bad=bad, first=first):
                        good = self.running.endpoint("tcp")
                        pair = (good, bad) if first else (bad, good)
                        trust = CA if bad.startswith("tls") else ()
                        done = bench("--json", "-t", "0.1", *trust, *pair)
                        got = support.described(done.stdout)
                        self.assertEqual((done.status, got["exit"]), (status, status), got["error"])
                        self.assertTrue(got["error"]["message"].startswith(f"{bad}: "), got["error"])
                        self.assertIn(says, got["error"]["message"])
                        sides = dict(zip(pair, got["compared"]))
                        self.assertEqual(sides[bad]["exit"], status)
                        if first:
                            self.assertEqual((sides[good]["exit"], sides[good]["interrupted"]),
                                             (0, True))
                        else:
                            self.assertEqual(sides[good], {"endpoint": good, "unmeasured": True})
                        words = bench("-t", "0.1", *trust, *pair)
                        self.assertEqual(words.status, status)
                        self.assertIn(f"{bad}: ", words.stderr)
                        self.assertEqual(b" s, interrupted\n" in words.stdout, first)

    def test_the_text_output_is_a_table(self):
        text = bench("-n", "100", *self.tls()).stdout.decode()
        for word in "messages    100, ", "TLSv1.3", "latency     min", "p50 ", "p99 ", "client", "CPU":
            self.assertIn(word, text)

    def test_progress_on_a_terminal_is_erased_at_the_end(self):
        terminal, ours = pty.openpty()
        process = subprocess.Popen([support.program("TLSECHO_CLIENT"), "--bench", "-t", "1.2",
                                    *map(str, self.tls())], stdout=subprocess.PIPE, stderr=ours,
                                   env=support.environment())
        os.close(ours)
        shown = b""
        while True:
            try:
                shown += os.read(terminal, 4096)
            except OSError:
                break
        process.communicate(timeout=support.DEADLINE_S)
        os.close(terminal)
        self.assertIn(b" left", shown)
        self.assertRegex(shown, rb"\d+/s, p50 .*, p99 .*, 0 errors")
        self.assertTrue(shown.endswith(b"\r\033[K"), shown[-40:])
        self.assertEqual(bench("-n", "10", *self.tls()).stderr, "")

    def interrupted(self, key, *args):
        """Interrupts an endless load after the first second in which `key` is not 0. Returns that second
        and the summary."""
        process = subprocess.Popen([support.program("TLSECHO_CLIENT"), "--bench", "--json", "-v",
                                    "-t", "0", *map(str, args)], stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, env=support.environment())
        second = next(line for line in map(json.loads, process.stdout) if line[key] > 0)
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=support.DEADLINE_S)
        self.assertEqual(process.returncode, 0)
        return second, support.described(rest.splitlines()[-1])

    def test_an_interrupt_prints_what_was_measured(self):
        second, summary = self.interrupted("messages", *self.tls())
        self.assertGreaterEqual(summary["messages"], second["messages"])

    def test_no_thread_uses_more_than_a_cpu_however_short_the_load(self):
        for count in "1", "5":
            summary = self.ok("-n", count, "--expect", "none", *self.tls("discard"))
            self.assertLessEqual(summary["client"]["busiest_thread"], 1)

    def test_a_comparison_interrupted_in_its_first_round_is_marked(self):
        process = subprocess.Popen(
            [support.program("TLSECHO_CLIENT"), "--bench", "--json", "-v", "-t", "1000",
             self.running.endpoint("tcp"), *map(str, self.tls())], stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, env=support.environment())
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=support.DEADLINE_S)
        summary = support.described(rest.splitlines()[-1])
        self.assertEqual((process.returncode, summary["result"]), (6, "timeout"))
        self.assertEqual(summary["error"]["message"], "interrupted before anything was measured")


if __name__ == "__main__":
    unittest.main()
