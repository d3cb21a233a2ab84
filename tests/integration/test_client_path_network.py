# SPDX-License-Identifier: MIT
"""tlsecho-client --path behind middleboxes: each finding is caused by a middlebox."""

import contextlib
import socket
import threading
import time
import unittest

import boxes
import stub_server
import netpath
import support

FAR = netpath.Network.SERVER
NAME = "behind.test"
TLS = f"""
listeners:
  - listen: tls://{FAR}:0
timeouts: {{ drain: 1s }}
""" + support.PROFILE


def setUpModule():
    netpath.require()


class ResetAbove(boxes.Slow):
    """Answers larger packets to the server with an immediate RST."""

    def __init__(self, limit_bytes, rtt_s=0.0):
        super().__init__(rtt_s)
        self.limit_bytes = limit_bytes

    def decide(self, packet, to_server):
        if to_server and packet.size > self.limit_bytes:
            return [(0, packet.reset())]
        return super().decide(packet, to_server)


class Path(support.TestCase):
    def network(self, *between):
        network = netpath.Network(*between)
        self.addCleanup(network.__exit__)
        return network

    def start_server(self, network, config=TLS, name="tls"):
        return self.server(config, prefix=network.server.prefix).endpoint(name)

    def look(self, network, endpoint, *args, **options):
        begun = time.monotonic()
        done = network.run_client("--path", "--json", *args, endpoint, timeout=90, **options)
        summary = done.summary()
        self.took_s = time.monotonic() - begun
        found = [finding["finding"] for finding in summary["findings"]]
        self.assertEqual((done.status, summary["result"]),
                         (16, "impaired") if found else (0, "ok"), done)
        return summary, found

    def is_clean(self, network, endpoint, *args):
        summary, found = self.look(network, endpoint, *args)
        self.assertEqual(found, [], summary)
        return summary


class Hello(Path):
    ONLY = ("--only", "client-hello", "--servername", NAME)

    def look_behind(self, *between, **options):
        network = self.network(*between)
        return self.look(network, self.start_server(network), *self.ONLY, **options)

    def test_an_ordinary_user_gets_the_exact_size_that_a_path_drops(self):
        summary, found = self.look_behind(boxes.DropAbove(1340), user="nobody")
        self.assertEqual(found, ["hello-lost-above"], summary)
        self.assertLess(self.took_s, 15)
        finding = summary["findings"][0]
        self.assertIn("a ClientHello of 1,288 bytes (IP packets of up to 1,340) was answered, 3 of "
                      "3; of 1,289 bytes (1,341): 3 of 3 never acknowledged, sent ",
                      finding["evidence"])
        self.assertIn("IP packets of more than 1,340 bytes", finding["remedy"])

    def test_a_path_that_resets_large_packets(self):
        summary, found = self.look_behind(ResetAbove(1000))
        self.assertEqual(found, ["hello-lost-above"], summary)
        self.assertRegex(summary["findings"][0]["evidence"],
                         r"of 948 bytes .* was answered, 3 of 3; of 949 bytes .*: 3 of 3 reset")

    def test_a_reset_that_came_too_soon_is_not_the_servers(self):
        summary, found = self.look_behind(ResetAbove(1000, rtt_s=0.2))
        self.assertEqual(found, ["hello-lost-above"], summary)
        self.assertIn("3 of 3 reset, sooner than the server could have",
                      summary["findings"][0]["evidence"])

    def test_a_middlebox_that_wants_it_in_one_segment_and_one_record(self):
        summary, found = self.look_behind(boxes.Censor(boxes.is_split))
        self.assertEqual(sorted(found), ["hello-lost-above", "hello-split-refused"], summary)
        evidence = {finding["finding"]: finding["evidence"] for finding in summary["findings"]}
        self.assertIn("a ClientHello of 1,448 bytes", evidence["hello-lost-above"])
        for form in ("in two records", "split after 1 byte", "split inside the server name"):
            self.assertIn(f"{form}: 3 of 3 never acknowledged", evidence["hello-split-refused"])
        self.assertIn("in one piece, in between, 5 of 5 were answered",
                      evidence["hello-split-refused"])

    def test_a_middlebox_that_resets_what_is_split(self):
        summary, found = self.look_behind(boxes.Censor(boxes.is_split, reset=True))
        self.assertEqual(sorted(found), ["hello-lost-above", "hello-split-refused"], summary)
        self.assertRegex(summary["findings"][0]["evidence"],
                         "in two records: 3 of 3 reset.*split after 1 byte: 3 of 3 reset")

    def test_a_clean_path_has_no_finding_near_or_far(self):
        for between in ((), (boxes.Slow(0.1),)):
            summary, found = self.look_behind(*between)
            self.assertEqual(found, [], summary)
            self.doCleanups()

    def test_random_loss_is_not_reported_as_a_filter(self):
        summary, found = self.look_behind(boxes.Lose(2))
        self.assertEqual(found, [], summary)

    def test_a_small_mtu_with_icmp_is_not_a_finding(self):
        network = self.network()
        network.router.run("ip", "route", "change", "10.9.2.0/24", "dev", "server", "mtu", "lock",
                           "1300")
        self.is_clean(network, self.start_server(network), *self.ONLY)


class Servers(Path):
    """Behaviour of servers is not reported as a finding about the path."""

    SERVER_HELLO = b"\x16\x03\x03\x00\x50\x02" + bytes(0x4f)

    def serve(self, handler):
        """Runs the handler for each connection, in a thread. Returns path and endpoint."""
        network = self.network(boxes.Slow(0.01))
        with network.server.entered():
            listening = socket.create_server((FAR, 0))
        self.addCleanup(listening.close)

        def serve(connection):
            with contextlib.suppress(OSError), connection:
                handler(connection)
                connection.recv(1)

        def accept():
            with contextlib.suppress(OSError):  # closed at the end
                while True:
                    connection, _ = listening.accept()
                    threading.Thread(target=serve, args=(connection,), daemon=True).start()
        threading.Thread(target=accept, daemon=True).start()
        return network, f"tls://{FAR}:{listening.getsockname()[1]}"

    def test_a_slow_one(self):
        def slow(connection):
            stub_server.hello_bytes(connection)
            time.sleep(1.2)
            connection.sendall(self.SERVER_HELLO)
        self.is_clean(*self.serve(slow), "--only", "client-hello")

    def test_one_that_refuses_large_ones_by_an_alert(self):
        def refuse(connection):
            large = stub_server.hello_bytes(connection) > 5000
            connection.sendall(b"\x15\x03\x03\x00\x02\x02\x2f" if large else self.SERVER_HELLO)
        summary = self.is_clean(*self.serve(refuse), "--only", "client-hello")
        notes = " ".join(summary["stages"][0]["notes"])
        self.assertRegex(notes, r"4 of \d+ ClientHellos were answered by an alert "
                                r"\(illegal_parameter\)")

    def test_silence_after_a_large_one_is_a_finding(self):
        def silent(connection):
            if stub_server.hello_bytes(connection) <= 3000:
                connection.sendall(self.SERVER_HELLO)
        summary, found = self.look(*self.serve(silent), "--only", "client-hello")
        self.assertEqual(found, ["hello-lost-above"], summary)
        self.assertRegex(summary["findings"][0]["evidence"],
                         r"of 3,000 bytes .* of 3,001 bytes .*: 3 of 3 acknowledged, then silence")


if __name__ == "__main__":
    unittest.main()
