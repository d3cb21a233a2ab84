# SPDX-License-Identifier: MIT
"""--path: after how long a silent connection is gone, how, and what holds it."""

import concurrent.futures
import contextlib
import itertools
import random
import re
import threading
import time
import unittest

import boxes
import calm
import stub_server
import netpath
import relay
import support

SERVER = netpath.Network.SERVER
BOX_S, LONGEST_S = 2, 5
NEAR = 0.05
CONFIG = f"""
listeners:
  - listen: tcp://{SERVER}:0
  - listen: tls://{SERVER}:0
""" + support.PROFILE


def setUpModule():
    netpath.require()


class Idle(support.TestCase):
    def path(self, *between, transport="tls", more="timeouts: { drain: 1s, linger: 1s }", longest=LONGEST_S,
             status=0, only="idle"):
        """The stage, the findings and the time that it took behind these boxes."""
        network = netpath.Network(*between)
        self.addCleanup(network.__exit__)
        self.echo = self.server(CONFIG + more + "\n", prefix=network.server.prefix)
        begun = time.monotonic()
        done = network.run_client("--path", "--json", "--only", only, "--idle-max", f"{longest}s",
                                  self.echo.endpoint(transport), timeout=90)
        took_s = time.monotonic() - begun
        summary = done.summary()
        self.assertEqual(done.status, status, done)
        self.assertLess(took_s, 2 * longest + 1)
        return summary["stages"][0], summary["findings"], took_s

    def finding(self, *between, **options):
        """The evidence of the only finding, and what was survived."""
        stage, found, _ = self.path(*between, status=16, **options)
        self.assertEqual([one["finding"] for one in found], ["idle-timeout"])
        evidence = found[0]["evidence"]
        low, high = map(float, re.match(r"a connection (?:that was silent for|is gone after a silence "
                                        r"of) ([\d.]+) s(?: is there, after ([\d.]+) s it is gone)?",
                                        evidence).groups(default=0))
        high = high or low
        self.assertIn(f"every {low:.2f} s", found[0]["remedy"])
        self.assertIn("the idle time-out of the server or of what is on the way", found[0]["remedy"])
        self.assertEqual("TCP keepalive" in found[0]["remedy"], "does not hold" not in evidence)
        return evidence, low, high, stage


@calm.all_tried_again
class Found(Idle):
    def test_a_box_that_forgets_and_drops(self):
        evidence, low, high, stage = self.finding(boxes.ForgetIdle(BOX_S))
        self.assertTrue(low < BOX_S + 0.1 and high <= low * (1 + NEAR) + 0.1, evidence)
        self.assertIn("never acknowledged, and the client is not told before it sends", evidence)
        for step in stage["tried"]:
            if "keepalive" in step["what"] or abs(step["silence"] - BOX_S) > 0.1:
                self.assertEqual(step["passed"], "keepalive" in step["what"] or
                                 step["silence"] < BOX_S, step)

    def test_a_box_that_answers_with_rst_and_that_keepalive_holds_a_connection(self):
        evidence, low, high, _ = self.finding(boxes.ForgetIdle(3, reset=True), longest=5,
                                              transport="tcp")
        self.assertTrue(low < 3.1 and high <= low * (1 + NEAR) + 0.1, evidence)
        self.assertIn("RST, and the client is not told before it sends", evidence)
        self.assertRegex(evidence, r"; TCP keepalive every [12] s holds a connection for [\d.]+ s")

    def test_a_proxy_that_tells_the_client(self):
        for reset, how in (False, "FIN without close_notify"), (True, "RST"):
            evidence, low, high, stage = self.finding(boxes.Proxy(relay.Expire(2.5, reset)), longest=6)
            self.assertTrue(low <= 2.7 and high <= low * (1 + NEAR) + 0.1, evidence)
            self.assertIn(f"{how}, and the client is told at that moment", evidence)
            self.assertIn("keepalive every 1 s does not hold a connection", evidence)
            self.assertIn(", with keepalive every 1 s'", str(stage["tried"]))


@calm.all_tried_again
class NotFound(Idle):
    def test_a_path_that_forgets_nothing_though_it_loses_packets(self):
        stage, found, _ = self.path(boxes.Lose(2), longest=3)
        self.assertEqual(found, [])
        self.assertRegex(" ".join(stage["notes"]),
                         r"\Aa connection that was silent for 3\.\d\d s is still there\Z")

    def test_an_end_by_the_server_is_a_note(self):
        # The server's second begins a little before the client's.
        for transport, says in (("tls", r"the server itself ends silent connections after (0\.9|1\.\d)\d s"),
                                ("tcp", r"silent connections end with a FIN after (0\.9|1\.\d)\d s")):
            stage, found, took_s = self.path(more="timeouts: { drain: 1s, linger: 1s, idle: 1s }",
                                             transport=transport, longest=9)
            self.assertEqual((found, stage["state"]), ([], "done"))
            self.assertRegex(stage["notes"][0], says)
            self.assertLess(took_s, 4)
            ended = [step["happened"] for step in stage["tried"] if not step["passed"]]
            how = "FIN, by itself" if transport == "tcp" else "an end by the server, by itself"
            self.assertEqual(set(ended), {how}, stage["tried"])

    def test_a_lifetime_whatever_the_traffic_is_a_note(self):
        def live(connection):
            end = time.monotonic() + 1
            with contextlib.suppress(TimeoutError):
                while (left := end - time.monotonic()) > 0:
                    connection.settimeout(left)
                    data = connection.recv(stub_server.CHUNK)
                    if not data:
                        return
                    connection.sendall(data)
            stub_server.reset(connection)
        server = self.server("listeners: [ { listen: 'tls://127.0.0.1:0' } ]\n"
                             "timeouts: { lifetime: 1s }\n" + support.PROFILE)
        with stub_server.StubServer(live) as stub, concurrent.futures.ThreadPoolExecutor(2) as pool:
            for done in pool.map(lambda endpoint: support.client(
                    "--path", "--json", "--only", "idle", "--idle-max", "2s", endpoint),
                                 (stub.endpoint(), server.endpoint("tls"))):
                summary = done.summary()
                self.assertEqual((done.status, summary["findings"]), (0, []), done)
                self.assertRegex(" ".join(summary["stages"][0]["notes"]),
                                 r"connections end (0\.9|1\.[0-2])\d s after they began, whatever")

    def test_a_server_that_stops_is_an_error_and_no_finding(self):
        network = netpath.Network()
        self.addCleanup(network.__exit__)
        server = self.server(CONFIG, prefix=network.server.prefix)
        timer = threading.Timer(2, server.process.kill)
        timer.start()
        self.addCleanup(timer.join)
        done = network.run_client("--path", "--json", "--idle-max", "9s", "--only", "idle",
                                  server.endpoint("tls"))
        summary = done.summary()
        self.assertEqual(summary["findings"], [])
        self.assertIn(done.status, (4, 12), done)  # refused; reset if connections still opened
        self.assertEqual(summary["stages"][0]["state"], "stopped")

    def test_a_server_that_starts_again_is_no_time_out(self):
        """All connections end at once, and later ones live longer."""
        proxy = boxes.Proxy(relay.Expire(None))
        network = netpath.Network(proxy)
        self.addCleanup(network.__exit__)
        server = self.server(CONFIG + "timeouts: { drain: 1s, linger: 1s }\n", prefix=network.server.prefix)
        timer = threading.Timer(2, self.expire_all, (proxy.relay,))
        timer.start()
        self.addCleanup(timer.join)
        done = network.run_client("--path", "--json", "--idle-max", "9s", "--only", "idle",
                                  server.endpoint("tls"))
        summary = done.summary()
        self.assertEqual((done.status, summary["findings"]), (0, []), done)
        self.assertRegex(summary["stages"][0]["notes"][-1], "others lasted longer: not a time-out")

    def test_a_server_that_resets_silent_connections_at_random_has_no_time_out(self):
        def summary(seed):
            chance = random.Random(seed)

            def expire(connection):
                connection.settimeout(chance.uniform(0.3, 3))
                try:
                    stub_server.echo(connection)
                except TimeoutError:
                    stub_server.reset(connection)
            with stub_server.StubServer(expire) as server:
                return support.client("--path", "--json", "--only", "idle", "--idle-max", "2s",
                                      server.endpoint()).summary()
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            for one in pool.map(summary, range(6)):
                self.assertEqual((one["stages"][0]["state"], one["findings"]), ("done", []), one)

    @staticmethod
    def expire_all(proxy):
        for client, server in proxy.pairs():
            with contextlib.suppress(OSError):
                proxy.way.expire(client, server)


class Unlucky(support.TestCase):
    """What happens to one connection alone. All runs are at once."""

    @staticmethod
    def resets_two_of_three():
        count = itertools.count()

        def serve(connection):
            if next(count) % 3 != 0:  # the first only has to connect
                stub_server.reset(connection)
            else:
                stub_server.echo(connection)
        return serve

    @staticmethod
    def resets_all_but_two():
        """One is to connect, one to see the echo."""
        count = itertools.count()

        def serve(connection):
            if next(count) > 1:
                stub_server.reset(connection)
            else:
                stub_server.echo(connection)
        return serve

    @staticmethod
    def forgets_without_a_word():
        """As a proxy that forgets the connection to its server, and not that to its client."""
        def serve(connection):
            connection.settimeout(2)
            with contextlib.suppress(TimeoutError):
                stub_server.echo(connection)
                return
            connection.settimeout(None)
            stub_server.discard(connection)
        return serve

    @classmethod
    def setUpClass(cls):
        def run(serve, longest):
            with stub_server.StubServer(serve) as far:
                return support.client("--path", "--json", "--only", "idle", "--idle-max", longest,
                                      far.endpoint(), timeout=30)
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            runs = {make.__name__: pool.submit(run, make(), longest) for make, longest in (
                (cls.resets_two_of_three, "1s"), (cls.resets_all_but_two, "1s"),
                (cls.forgets_without_a_word, "5s"))}
        cls.done = {name: future.result() for name, future in runs.items()}

    def evidence(self, name):
        self.assertEqual(self.done[name].status, 16, self.done[name])
        return self.done[name].summary()["findings"][0]["evidence"]

    def test_connections_that_are_reset_at_times_do_not_stop_the_stage(self):
        done = self.done["resets_two_of_three"]
        self.assertEqual((done.status, done.summary()["stages"][0]["state"]), (0, "done"), done)

    def test_the_first_of_all_that_fails_is_not_beside_others(self):
        stage, = self.done["resets_all_but_two"].summary()["stages"]
        self.assertEqual(stage["state"], "stopped")
        self.assertNotIn("beside", stage["reason"])

    @calm.tried_again
    def test_silence_that_is_acknowledged_is_found_within_its_five_per_cent(self):
        evidence = self.evidence("forgets_without_a_word")
        low, high = map(float, re.match(r"a connection that was silent for ([\d.]+) s is there, "
                                        r"after ([\d.]+) s it is gone", evidence).groups())
        self.assertLess(high, low * (1 + NEAR) + 0.1, evidence)
        self.assertIn("; TCP keepalive every 1 s does not hold a connection, which was gone", evidence)


class Skipped(support.TestCase):
    def path(self, *args):
        return support.client("--path", "--json", *args)

    def test_what_is_no_echo(self):
        with stub_server.StubServer(stub_server.discard) as far:
            done = self.path("--only", "idle", "--idle-max", "2s", "--connect-timeout", "1s",
                             far.endpoint())
        self.assertEqual(done.summary()["stages"][0]["reason"],
                         "no endpoint echoes; give one whose service is echo: "
                         f"{far.endpoint()}: silence: what is sent is acknowledged, but not echoed")
        self.assertEqual(done.status, 6, done)

    def test_what_sends_something_else_than_an_echo(self):
        def greet(connection):
            connection.sendall(b"220 mail.example.org ESMTP\r\n")
            stub_server.discard(connection)

        def babble(connection):
            with contextlib.suppress(OSError):
                while True:
                    connection.sendall(bytes(3000))
        server = self.server("listeners: [ { listen: 'tcp://127.0.0.1:0', service: chargen },"
                             " { listen: 'tcp://127.0.0.1:0', service: upper, name: upper } ]")
        with stub_server.StubServer(greet) as mail, stub_server.StubServer(babble) as other, \
                concurrent.futures.ThreadPoolExecutor(4) as pool:
            endpoints = (server.endpoint(), server.endpoint("upper"), mail.endpoint(),
                         other.endpoint())
            for endpoint, done in zip(endpoints, pool.map(
                    lambda one: self.path("--only", "idle", "--idle-max", "1s", one), endpoints)):
                self.assertEqual(done.status, 14, done)
                self.assertTrue(done.summary()["stages"][0]["reason"].endswith(
                    f": {endpoint}: it sends something else than an echo"), done)

    def test_the_first_that_echoes_is_taken(self):
        with stub_server.StubServer(stub_server.discard) as silent, stub_server.StubServer(stub_server.echo) as far:
            done = self.path("--only", "idle", "--idle-max", "1s", "--connect-timeout", "1s",
                             silent.endpoint(), far.endpoint())
        self.assertEqual((done.status, done.summary()["stages"][0]["state"]), (0, "done"), done)

    def test_a_server_that_sends_without_end_is_no_echo(self):
        server = self.server("listeners: [ { listen: 'tcp://127.0.0.1:0', service: chargen },"
                             " { listen: 'tcp://127.0.0.1:0', name: e } ]")
        done = self.path("--only", "idle", "--idle-max", "1s", server.endpoint(),
                         server.endpoint("e"))
        self.assertEqual((done.status, done.summary()["stages"][0]["state"]), (0, "done"), done)

    def test_without_a_longest_silence(self):
        with stub_server.StubServer(stub_server.echo) as far:
            done = self.path("--only", "idle", far.endpoint())
        self.assertIn("add --idle-max", done.summary()["stages"][0]["reason"])
        done = self.path("--idle-max", "0.5s", "tcp://127.0.0.1:1")
        self.assertEqual(done.status, 2)
        self.assertIn("--idle-max: '0.5s' is too short: give at least 1s", done.summary()["error"]["message"])
        done = self.path("--idle-max", "abc", "tcp://127.0.0.1:1")
        self.assertEqual(done.status, 2)
        self.assertIn("'abc' is not a time: write 1s, ", done.summary()["error"]["message"])
        self.assertNotIn("500ms", done.summary()["error"]["message"])


if __name__ == "__main__":
    unittest.main()
