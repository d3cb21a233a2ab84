# SPDX-License-Identifier: MIT
"""--path, stage size: messages behind paths that drop large packets in one direction or both, that
are slow, and that lose packets at random."""

import time
import unittest

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
  - {{ listen: "tcp://[{FAR6}]:0", name: ipv6 }}
  - {{ listen: "tcp://{FAR}:0", name: discard, service: discard }}
  - {{ listen: "tcp://{FAR}:0", name: chargen, service: chargen }}
timeouts: {{ drain: 1s }}
""" + support.PROFILE


def setUpModule():
    netpath.require()


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


class Size(support.TestCase):
    def look(self, *between, names=("tcp",), only="size"):
        network = netpath.Network(*between)
        self.addCleanup(network.__exit__)
        server = self.server(CONFIG, prefix=network.server.prefix)
        done = network.run_client("--path", "--json", "--only", only,
                                  *(server.endpoint(name) for name in names), timeout=120)
        self.summary = done.summary()
        self.assertIn((done.status, bool(self.summary["findings"])), ((0, False), (16, True)), done)
        return [(finding["finding"], finding.get("way"), finding.get("packet_bytes"))
                for finding in self.summary["findings"]]

    def test_large_packets_to_the_server(self):
        self.assertEqual(self.look(boxes.DropAbove(1340)),
                         [("path-mtu-black-hole", "to-server", 1340)])
        finding, = self.summary["findings"]
        self.assertRegex(finding["evidence"],
                         r"^8,192 bytes in IP packets of up to 1,340 passed, 2 of 2; of up to 1,341: "
                         r"2 of 2 stalled on the way to the server, sent \d+ times; in between, 2 of "
                         r"2 passed in packets of up to 256$")
        self.assertIn("IP packets of more than 1,340 bytes to the server", finding["remedy"])

    def test_large_packets_from_the_server_which_stop_a_tls_handshake(self):
        self.assertEqual(self.look(boxes.DropAbove(1000, TO_CLIENT), names=("tls",)),
                         [("path-mtu-black-hole", "from-server", 1000)])

    def test_over_ipv6(self):
        self.assertEqual(self.look(boxes.DropAbove(1401), names=("ipv6",)),
                         [("path-mtu-black-hole", "to-server", 1401)])

    def test_either_direction_alone_by_discard_and_chargen(self):
        self.assertEqual(self.look(boxes.DropAbove(1340), boxes.DropAbove(1200, TO_CLIENT),
                                   names=("discard", "chargen")),
                         [("path-mtu-black-hole", "to-server", 1340),
                          ("path-mtu-black-hole", "from-server", 1200)])

    def test_the_limit_that_client_hello_found_is_one_finding(self):
        self.assertEqual(self.look(boxes.DropAbove(1340), names=("tls",), only="client-hello,size"),
                         [("path-mtu-black-hole", "to-server", 1340)])

    def test_a_clean_path(self):
        self.assertEqual(self.look(names=("tls", "discard", "chargen")), [])
        what = [step["what"] for step in self.summary["stages"][0]["tried"]]
        self.assertIn("echo of 65,536 bytes", what)
        self.assertIn("to the server, 65,536 bytes", what)
        self.assertIn("from the server, 65,536 bytes", what)

    def test_a_slow_path_is_no_black_hole(self):
        self.assertEqual(self.look(Narrow(30_000)), [])

    def test_random_loss_is_no_black_hole(self):
        self.assertEqual(self.look(boxes.Lose(2), names=("tls",)), [])


class Server(support.TestCase):
    """What a server does is not held against the path."""

    def fails(self, status, handler):
        with stub_server.StubServer(handler) as server:
            done = support.client("--path", "--json", "--only", "size", server.endpoint())
        self.assertEqual(done.status, status, done)
        return done.summary()

    def test_one_that_is_no_echo(self):
        def greet(connection):
            connection.sendall(b"220 ready\r\n")
            stub_server.discard(connection)
        summary = self.fails(2, greet)
        self.assertIn("it speaks first: it is no echo", summary["error"]["message"])
        self.fails(2, stub_server.finish)

        def answer(connection):
            connection.recv(stub_server.CHUNK)
            connection.sendall(b"400 what?\r\n")
            stub_server.discard(connection)
        self.assertIn("answers something else", self.fails(2, answer)["stages"][0]["reason"])

    def test_one_whose_echo_stops_in_packets_of_any_size(self):
        def stop(connection):
            left = 300
            for data in stub_server.received(connection):
                connection.sendall(data[:left])
                left = max(0, left - len(data))
        summary = self.fails(6, stop)
        self.assertIn("messages of 512 bytes stall in packets of any size",
                      summary["error"]["message"])

    def test_one_that_echoes_garbage(self):
        def garble(connection):
            for data in stub_server.received(connection):
                connection.sendall(data if len(data) < 100 else data[:-1] + b"X")
        self.assertRegex(self.fails(2, garble)["stages"][0]["reason"],
                         "it is no echo: byte 511 came back as 0x58 instead of ")


if __name__ == "__main__":
    unittest.main()
