# SPDX-License-Identifier: MIT
"""USR1 logs the counters, USR2 the open connections."""

import contextlib
import signal
import unittest

import peers
import support

MANY = 500


class Summary(support.TestCase):
    def test_it_counts_per_listener_and_over_all(self):
        server = self.server(support.EVERYTHING)
        with peers.Plain(server.address("tcp")) as live:
            live.send(b"12345")
            live.receive(5)
            for kind in ("unix", "tls"):
                peer = peers.Tls if kind == "tls" else peers.Plain
                with peer(server.address(kind)) as ended:
                    ended.exchange(b"123")
                server.wait_for("connection", transport=kind)
            with peers.Plain(server.address("tls")) as wrong:
                wrong.exchange(b"GET / HTTP/1.0\r\n\r\n")
            server.wait_for("connection", end="handshake_failed")
            server.signal(signal.SIGUSR1)
            total = server.wait_for("summary")
        self.assertEqual({key: total[key] for key in ("accepted", "live", "handshakes",
                                                      "handshakes_failed", "reloads",
                                                      "reloads_refused", "log_lines_dropped")},
                         {"accepted": "4", "live": "1", "handshakes": "1",
                          "handshakes_failed": "1", "reloads": "0", "reloads_refused": "0",
                          "log_lines_dropped": "0"})
        [tcp] = server.lines("summary_listener", transport="tcp")
        self.assertEqual((tcp["accepted"], tcp["live"], tcp["received_bytes"]), ("1", "1", "5"))
        [tls] = server.lines("summary_listener", transport="tls")
        self.assertEqual((tls["accepted"], tls["live"], tls["sent_bytes"]), ("2", "0", "3"))
        self.assertEqual((tls["closed"], tls["handshake_failed"]), ("1", "1"))


class Live(support.TestCase):
    def test_each_connection_has_a_line_and_then_the_data_goes_on(self):
        server = self.server(support.EVERYTHING)
        with peers.Plain(server.address("tcp")) as plain, peers.Tls(server.address("tls")) as tls:
            for peer in (plain, tls):
                peer.send(b"123")
                peer.receive(3)
            with peers.Plain(server.address("tls")) as shaking:
                found = {}
                while len(found) < 3:  # a worker may not have received the last one yet
                    server.signal(signal.SIGUSR2)
                    line = server.wait_for("live")
                    found[line["source"]] = line
                self.assertEqual(found[plain.name]["state"], "serve")
                self.assertEqual(found[plain.name]["received_bytes"], "3")
                self.assertEqual(found[tls.name]["transport"], "tls")
                self.assertEqual(found[shaking.name]["state"], "handshake")
            tls.send(b"45")
            self.assertEqual(tls.receive(2), b"45")

    def test_every_one_of_500_connections_is_listed(self):
        server = self.server("listeners: [ { listen: 'unix://{dir}/echo.sock' } ]\n"
                             "log: { connections: off }\n")
        with contextlib.ExitStack() as stack:
            for _ in range(MANY):
                peer = stack.enter_context(peers.Plain(server.address("unix")))
                peer.send(b"x")
                peer.receive(1)  # a worker has it
            server.signal(signal.SIGUSR2)
            ids = {server.wait_for("live")["id"] for _ in range(MANY)}
        self.assertEqual(len(ids), MANY)
        self.assertEqual(server.lines("log_dropped"), [])


if __name__ == "__main__":
    unittest.main()
