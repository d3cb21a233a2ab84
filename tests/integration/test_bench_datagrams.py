# SPDX-License-Identifier: MIT
"""tlsecho-client --bench over UDP: what it counts is what a relay did, and each failure has its
class."""

import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import tempfile
import unittest

import datagrams
import support


class Bench(support.TestCase):
    def bench(self, *args, status=0):
        done = support.client("--bench", "--json", *args)
        self.assertEqual(done.status, status, (done.stdout, done.stderr))
        return support.described(done.stdout)

    def test_what_it_counts_is_what_a_relay_did(self):
        chance = random.Random(862)
        fates = [(), (0, 0), (0.02,), (0, 0.03)]
        script = {n: chance.choice(fates) for n in range(5, 240) if chance.random() < 0.3}
        with datagrams.Echo() as echo, datagrams.Relay(echo.address, back=script) as between:
            summary = self.bench("--rate=500", "-n250", "-s200", between.endpoint(), status=1)
            expected = between.figures()
        # One more goes first, alone, to see whether anything answers.
        self.assertEqual(expected["sent"], 251)
        self.assertEqual({key: summary[key] for key in ("lost", "duplicated", "reordered")},
                         {key: expected[key] for key in ("lost", "duplicated", "reordered")})
        self.assertEqual(summary["messages"], expected["received"] - 1)
        self.assertEqual(summary["latency"]["count"], summary["messages"])
        self.assertEqual(summary["failures"], {"timeout": expected["lost"]})
        self.assertEqual(summary["result"], "lost")
        self.assertRegex(summary["error"]["message"],
                         r"\A\d+ of 250 messages lost, the first: no reply to message \d+ of")
        for count in ("lost", "duplicated", "reordered"):
            self.assertGreater(summary[count], 3)

    def test_each_connection_has_a_socket_and_messages_of_its_own(self):
        sources = set()

        class Counting(datagrams.Echo):
            def handle(self, which, data, source):
                sources.add(source)
                super().handle(which, data, source)

        with Counting() as echo:
            summary = self.bench("--rate=400", "-n200", "-P4", "--threads=2", echo.endpoint())
        self.assertEqual(len(sources), 5)
        self.assertEqual(len(set(echo.seen)), 201)
        self.assertEqual((summary["connections"], summary["messages"], summary["lost"]), (4, 200, 0))
        self.assertEqual(summary["transport"], "udp")
        self.assertNotIn("connect", summary)

    def test_what_the_kernel_had_no_room_for_is_told(self):
        stopped = []

        class Flood(datagrams.Echo):
            def handle(self, which, data, source):
                super().handle(which, data, source)
                if len(self.seen) == 3:  # the client cannot read meanwhile
                    client.send_signal(signal.SIGSTOP)
                    os.waitid(os.P_PID, client.pid, os.WSTOPPED)
                    for _ in range(300):
                        self.socket.sendto(data, source)
                    stopped.append(client.send_signal(signal.SIGCONT))

        with Flood() as flood:
            client = subprocess.Popen([support.program("TLSECHO_CLIENT"), "--bench", "--json", "--rate=50",
                                       "-n10", "-s32000", flood.endpoint()], stdout=subprocess.PIPE,
                                      env=support.environment())
            summary = support.described(client.communicate(timeout=support.DEADLINE_S)[0])
        self.assertEqual(len(stopped), 1)
        self.assertGreater(summary["kernel_drops"], 50)
        self.assertEqual(summary["duplicated"] + summary["kernel_drops"], 300 + summary["lost"])

    def test_any_size_and_upper_case(self):
        with datagrams.Echo() as echo:
            for size, count in ("1", 50), ("2", 50), ("1472", 50), ("65507", 2):
                with self.subTest(size=size):
                    self.bench("--rate=200", f"-n{count}", f"-s{size}", echo.endpoint())
        with datagrams.Echo(bytes.upper) as upper:
            self.bench("--rate=200", "-n20", "--expect=upper", upper.endpoint())
            self.bench("--rate=200", "-n20", upper.endpoint(), status=14)

    def test_where_none_is_expected_back_what_was_sent_counts(self):
        with datagrams.Echo(lambda data: None) as sink:
            summary = self.bench("--rate=500", "-n50", "--expect=none", sink.endpoint())
        self.assertEqual((summary["messages"], summary["lost"]), (50, 0))
        self.assertNotIn("latency", summary)

    def test_each_failure_has_its_class(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
            closed.bind(("127.0.0.1", 0))
            port = closed.getsockname()[1]
        self.bench("--rate=100", "-n10", f"udp://127.0.0.1:{port}", status=4)
        with datagrams.Echo(lambda data: data if len(once.seen) == 1 else None) as once:
            summary = self.bench("--rate=100", "-n10", once.endpoint(), status=6)
            self.assertEqual((summary["messages"], summary["lost"]), (0, 10))
        with datagrams.Echo(lambda data: data[:9] + b"?" + data[10:]) as wrong:
            self.bench("--rate=100", "-n10", wrong.endpoint(), status=14)
        with datagrams.Echo(lambda data: data + b"?" * 9 * (len(longer.seen) > 4)) as longer:
            summary = self.bench("--rate=100", "-n10", longer.endpoint(), status=14)
            self.assertIn("more than 65 bytes instead of 64", summary["error"]["message"])

    def test_a_server_that_never_answers_is_a_timeout(self):
        with datagrams.Echo(lambda data: None) as silent:
            summary = self.bench("--rate=100", "-n10", silent.endpoint(), status=6)
            self.assertEqual(len(silent.seen), 3)
        self.assertIn("no answer within 1 s", summary["error"]["message"])

    def test_in_words_and_on_a_page(self):
        with datagrams.Echo() as echo, tempfile.NamedTemporaryFile(suffix=".html") as page, \
                datagrams.Relay(echo.address, back={5: (), 7: (0, 0)}) as between:
            done = support.client("--bench", "--rate=200", "-n40", "--report-html", page.name,
                                  between.endpoint())
            drawn = page.read().decode()
        self.assertEqual(done.status, 1, done.stderr)
        self.assertRegex(done.stdout.decode(), r"\A(udp://127\.0\.0\.1:\d+) \(127\.0\.0\.1:\d+\)\n")
        self.assertIn("\nlost        1 (2.5 %), 1 duplicated, 0 out of order\n", done.stdout.decode())
        self.assertIn("duplicated", drawn)

    def test_two_servers_side_by_side(self):
        with datagrams.Echo() as one, datagrams.Echo() as other:
            done = support.client("--bench", "--json", "--rate=200", "-n80", one.endpoint(),
                                  other.endpoint())
        self.assertEqual(done.status, 0, done.stderr)
        self.assertEqual([side["messages"] for side in json.loads(done.stdout)["compared"]], [80, 80])

    def test_summaries_add_up(self):
        with tempfile.TemporaryDirectory() as folder, datagrams.Echo() as echo:
            files = [pathlib.Path(folder) / name for name in ("one", "two")]
            for file in files:
                with datagrams.Relay(echo.address, back={5: (), 9: (0, 0)}) as between:
                    done = support.client("--bench", "--json", "--rate=200", "-n40",
                                          between.endpoint())
                file.write_bytes(done.stdout)
            done = support.client("--merge", "--json", *files)
            summary = support.described(done.stdout)
            self.assertEqual((summary["messages"], summary["lost"], summary["duplicated"]), (78, 2, 2))
            text = support.client("--merge", *files).stdout.decode()
        self.assertIn("\nlost        2 (2.5 %), 2 duplicated, 0 out of order\n", text)

    def test_what_udp_cannot_do_is_refused_with_a_remedy(self):
        for args, remedy in ((("-t1",), "needs --rate"),
                             (("--rate=1", "--pipeline=2"), "leave it out"),
                             (("--handshakes",), "leave it out"),
                             (("--rate=1", "-s65508"), "at most 65507"),
                             (("--rate=1", "-s0", "--expect=none"), "at least one byte"),
                             (("--rate=1", "--expect=stamp"), "--ping udp://HOST:PORT")):
            done = support.client("--bench", *args, "udp://127.0.0.1:7")
            self.assertEqual(done.status, 2, args)
            self.assertIn(remedy, done.stderr)


if __name__ == "__main__":
    unittest.main()
