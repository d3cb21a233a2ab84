# SPDX-License-Identifier: MIT
"""--path, stage size: messages behind paths that drop large packets in one direction or both, that
are slow, and that lose packets at random."""

import concurrent.futures
import itertools
import random
import threading
import time
import unittest
from typing import NamedTuple

import boxes
import netpath
import stub_server
import support
from boxes import TO_CLIENT

FAR = netpath.Network.SERVER
FAR6 = netpath.Network.SERVER6
CONFIG = f"""
listeners:
  - {{ listen: "tcp://{FAR}:0" }}
  - {{ listen: "tls://{FAR}:0" }}
  - {{ listen: "tls://{FAR}:0", name: report, service: report }}
  - {{ listen: "tcp://[{FAR6}]:0", name: ipv6 }}
  - {{ listen: "tcp://{FAR}:0", name: discard, service: discard }}
  - {{ listen: "tcp://{FAR}:0", name: chargen, service: chargen }}
timeouts: {{ drain: 1s }}
""" + support.PROFILE


def setUpModule():
    netpath.require()


class DropLargeTls(boxes.Rule):
    """Drops packets to the server of more than so many bytes on connections of TLS alone."""

    def __init__(self, limit_bytes):
        super().__init__()
        self.limit_bytes, self.tls = limit_bytes, set()

    def decide(self, packet, to_server):
        if to_server and boxes.begins_hello(packet.payload):
            self.tls.add(packet.ports[1])
        if to_server and packet.ports[1] in self.tls and packet.size > self.limit_bytes:
            return []
        return super().decide(packet, to_server)


class Narrow(boxes.Rule):
    """Passes so many bytes a second in each direction, one packet after the other."""

    def __init__(self, bytes_per_s):
        super().__init__()
        self.bytes_per_s, self.free_at = bytes_per_s, {}

    def decide(self, packet, to_server):
        now = time.monotonic()
        self.free_at[to_server] = max(now, self.free_at.get(to_server, 0)) + \
            packet.size / self.bytes_per_s
        return [(self.free_at[to_server] - now, packet.data)]


THERE, BACK = "to-server", "from-server"


class Row(NamedTuple):
    between: object  # returns new boxes
    found: tuple = ()  # (way, bytes of the largest packet that passes)
    names: tuple = ("tcp",)  # of the listeners
    only: str = "size"
    announced: int = 0  # the MTU of the way there, which ICMP tells


ROWS = {
    "a clean path": Row(lambda: [], names=("tls", "discard", "chargen")),
    "a slow path": Row(lambda: [Narrow(30_000)]),
    "random loss": Row(lambda: [boxes.Lose(2)], names=("tls",)),
    "large packets to the server": Row(lambda: [boxes.DropAbove(1340)], ((THERE, 1340),)),
    "large packets from the server, which stop a TLS handshake": Row(
        lambda: [boxes.DropAbove(1000, TO_CLIENT)], ((BACK, 1000),), ("tls",)),
    "IPv6": Row(lambda: [boxes.DropAbove(1401)], ((THERE, 1401),), ("ipv6",)),
    "either direction alone": Row(
        lambda: [boxes.DropAbove(1340), boxes.DropAbove(1200, TO_CLIENT)],
        ((THERE, 1340), (BACK, 1200)), ("discard", "chargen")),
    "a TLS server that is no echo": Row(
        lambda: [boxes.DropAbove(1340, TO_CLIENT)], ((BACK, 1340),), ("report",),
        "client-hello,size"),
    "a smaller MTU of the way there, and large packets from the server": Row(
        lambda: [boxes.DropAbove(1400, TO_CLIENT)], announced=1300),
    "the limit that client-hello found": Row(
        lambda: [boxes.DropAbove(1340)], ((THERE, 1340),), ("tls",), "client-hello,size"),
}


def look(row):
    """(exit status, JSON object)"""
    with netpath.Network(*row.between()) as network:
        if row.announced:
            network.router.run("ip", "route", "change", "10.9.2.0/24", "dev", "server", "mtu",
                               "lock", str(row.announced))
        server = support.Server(CONFIG, prefix=network.server.prefix)
        try:
            server.wait_for("ready")
            done = network.run_client("--path", "--json", "--only", row.only,
                                      *map(server.endpoint, row.names), timeout=120)
        finally:
            server.process.kill()
            server.remove()
    return done.status, done.summary()


class Size(unittest.TestCase):
    """They mostly wait for what does not come, so all run at once."""

    @classmethod
    def setUpClass(cls):
        with concurrent.futures.ThreadPoolExecutor(len(ROWS)) as pool:
            cls.answers = dict(zip(ROWS, pool.map(look, ROWS.values())))

    def test_every_row_has_its_findings_and_no_others(self):
        for name, row in ROWS.items():
            with self.subTest(name):
                status, summary = self.answers[name]
                found = [(one["finding"], one["way"], one["packet_bytes"])
                         for one in summary["findings"]]
                self.assertEqual(found, [("path-mtu-black-hole", *limit) for limit in row.found],
                                 summary)
                self.assertEqual(status, 16 if row.found else 0)

    def test_a_finding_has_its_evidence_and_a_remedy(self):
        _, summary = self.answers["large packets to the server"]
        finding, = summary["findings"]
        self.assertRegex(finding["evidence"],
                         r"^8,192 bytes in IP packets of up to 1,340 passed, 3 of 3; of up to 1,341: "
                         r"3 of 3 stalled on the way to the server, sent \d+ times; beside them, 3 of "
                         r"3 passed in packets of up to 256$")
        self.assertIn("IP packets of more than 1,340 bytes to the server", finding["remedy"])

    def test_a_limit_of_one_port_is_told_as_such(self):
        _, summary = look(Row(lambda: [DropLargeTls(1340)], names=("tcp", "report"),
                              only="client-hello,size"))
        finding, = summary["findings"]
        tcp, tls = (server["endpoint"] for server in summary["servers"])
        self.assertEqual((finding["finding"], finding["endpoint"]), ("hello-lost-above", tls))
        self.assertTrue(finding["evidence"].endswith(
            f"; others of up to 1,500 bytes reach {tcp}: what drops them looks at the port, or at what "
            "they carry"), finding)
        self.assertIn("pass a ClientHello in IP packets of more than 1,340 bytes", finding["remedy"])
        self.assertNotIn("packet_bytes", finding)

    def test_a_path_mtu_that_is_learned_meanwhile_is_told(self):
        _, summary = self.answers["a smaller MTU of the way there, and large packets from the server"]
        stage, = summary["stages"]
        self.assertRegex(" ".join(stage["notes"]), "a path MTU of 1,300 was learned during the run")
        for step in stage["tried"]:
            self.assertFalse(step["passed"] and step.get("packet_bytes", 0) > 1400, step)

    def test_each_direction_is_tried(self):
        _, summary = self.answers["a clean path"]
        what = [step["what"] for step in summary["stages"][0]["tried"]]
        self.assertIn("echo of 65,536 bytes", what)
        self.assertIn("to the server, 65,536 bytes", what)
        self.assertIn("from the server, 65,536 bytes", what)


class Server(support.TestCase):
    """What a server does is not held against the path."""

    @staticmethod
    def run_against(handler):
        with stub_server.StubServer(handler) as server:
            return support.client("--path", "--json", "--only", "size", server.endpoint())

    def fails(self, status, handler):
        done = self.run_against(handler)
        self.assertEqual(done.status, status, done)
        return done.summary()

    def test_one_that_is_no_echo(self):
        def greet(connection):
            connection.sendall(b"220 ready\r\n")
            stub_server.discard(connection)
        summary = self.fails(14, greet)
        self.assertRegex(summary["error"]["message"],
                         r"tcp://127\.0\.0\.1:\d+: it sends first, so it is no echo\Z")
        self.assertIn("ends connections at once", self.fails(13, stub_server.finish)["error"]["message"])

        def report(connection):
            connection.sendall(b"{" + bytes(b"x" * 5000) + b"}\n")
            stub_server.finish(connection)
        self.assertIn("it sends JSON first", self.fails(14, report)["error"]["message"])

        def answer(connection):
            connection.recv(stub_server.CHUNK)
            connection.sendall(b"400 what?\r\n")
            stub_server.discard(connection)
        self.assertIn("answers something else", self.fails(14, answer)["stages"][0]["reason"])

    def test_one_that_resets_at_random_has_no_limit(self):
        for seed in range(4):
            chance, lock = random.Random(seed), threading.Lock()

            def sometimes(connection):
                for data in stub_server.received(connection):
                    with lock:
                        resets = len(data) > 1000 and chance.random() < 0.4
                    if resets:
                        stub_server.reset(connection)
                        return
                    connection.sendall(data)
            with self.subTest(seed):
                self.assertEqual(self.run_against(sometimes).summary()["findings"], [])

    def test_one_that_ends_every_other_connection(self):
        numbers, lock = itertools.count(), threading.Lock()

        def alternate(connection):
            with lock:
                serves = next(numbers) % 2
            if serves:
                stub_server.echo(connection)
            else:
                connection.recv(stub_server.CHUNK)
                stub_server.finish(connection)
        summary = self.run_against(alternate).summary()
        self.assertEqual(summary["findings"], [])
        failures = [step["happened"] for step in summary["stages"][0]["tried"] if step["failed"]]
        self.assertTrue(failures)
        for text in failures:
            self.assertRegex(text, r"failed \(\S.*\)\Z")

    def test_one_whose_echo_stops_in_packets_of_any_size(self):
        def stop(connection):
            left = 300
            for data in stub_server.received(connection):
                connection.sendall(data[:left])
                left = max(0, left - len(data))
        summary = self.fails(6, stop)
        self.assertIn("512 bytes: it stalls in packets of any size",
                      summary["error"]["message"])
        self.assertNotIn("--idle-timeout", summary["error"]["message"])  # --path has none

    def test_one_that_serves_only_one_connection(self):
        for status, end in (13, stub_server.finish), (12, stub_server.reset):
            numbers, lock = itertools.count(), threading.Lock()

            def serve_one(connection):
                with lock:
                    serves = next(numbers) < 2
                if serves:
                    stub_server.echo(connection)
                else:
                    connection.recv(stub_server.CHUNK)
                    end(connection)
            with self.subTest(status):
                self.fails(status, serve_one)

    def test_one_that_answers_nothing(self):
        note, = self.run_against(stub_server.discard).summary()["stages"][0]["notes"]
        self.assertIn("it is taken for a discard: the way back is not tried", note)

    def test_one_that_echoes_garbage(self):
        def garble(connection):
            for data in stub_server.received(connection):
                connection.sendall(data if len(data) < 100 else data[:-1] + b"X")
        summary = self.fails(14, garble)
        self.assertRegex(summary["error"]["message"], r"\A512 bytes, in packets of any size: byte 511 "
                                                      "came back as 0x58 instead of ")
        self.assertEqual(summary["stages"][0]["state"], "stopped")


if __name__ == "__main__":
    unittest.main()
