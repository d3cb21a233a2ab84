# SPDX-License-Identifier: MIT
"""Where the client connects to: names that change, names with many addresses, --connect-to."""

import socket
import struct
import subprocess
import unittest

import boxes
import netpath
import support

ETH_P_IP, ETH_P_IPV6 = 0x0800, 0x86dd
CA = ("--cacert", support.pki() / "ca.pem")


def setUpModule():
    netpath.enter()


def dscp_to(port, capture):
    """(DSCP, whether it is a SYN) of each TCP packet that has been sent to that port."""
    capture.setblocking(False)
    while True:
        try:
            packet = capture.recv(65536)
        except BlockingIOError:
            return
        version = packet[0] >> 4
        dscp = packet[1] >> 2 if version == 4 else (struct.unpack("!H", packet[:2])[0] >> 6) & 0x3f
        tcp = packet[(packet[0] & 15) * 4:] if version == 4 else packet[40:]
        if packet[9 if version == 4 else 6] == socket.IPPROTO_TCP and \
                struct.unpack("!H", tcp[2:4])[0] == port:
            yield dscp, bool(tcp[13] & boxes.SYN)


class Destination(support.TestCase):
    def test_reconnect_resolves_the_name_again(self):
        server = self.server("listeners: [ { listen: 'tcp://127.0.0.1:0' } ]")
        port = server.address("tcp")[1]
        with netpath.hosts("127.0.0.9 moving.test") as prefix:
            client = subprocess.Popen(
                [*prefix, support.program("TLSECHO_CLIENT"), "--ping", "--reconnect", "-i", "0.1s",
                 "-w", "20", "-c", "300", f"tcp://moving.test:{port}"], stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, env=support.environment())
            self.addCleanup(client.stdout.close)
            self.assertIn("refused", client.stdout.readline())
            with open(prefix[-1], "w", encoding="ascii") as file:
                file.write("127.0.0.1 moving.test\n")
            for line in client.stdout:
                if "time=" in line:
                    break
            else:
                self.fail("it never came to the new address")
            client.terminate()
            client.wait(support.DEADLINE_S)

    def test_all_addresses_of_a_name_share_the_load(self):
        servers = [self.server(f"listeners: [ {{ listen: 'tcp://127.0.0.{n}:7007' }} ]")
                   for n in (11, 12, 13)]
        names = [f"127.0.0.{n} many.test" for n in (11, 12, 13, 14)]  # nothing listens on the last one
        for args in (("-P", "8", "-n", "80"), ("--handshakes", "-n", "30")):
            with self.subTest(args=args), netpath.hosts(*names) as prefix:
                done = support.run(*prefix, support.program("TLSECHO_CLIENT"), "--bench", *args,
                                   "tcp://many.test:7007")
                self.assertEqual(done.status, 0, done.stderr)
                for server in servers:
                    server.wait_for("connection")

    def test_the_number_of_addresses_is_not_limited(self):
        server = self.server("listeners: [ { listen: 'tcp://127.0.0.99:7007' } ]")
        names = [f"127.0.0.{n} many.test" for n in range(30, 100)]
        with netpath.hosts(*names) as prefix:
            done = support.run(*prefix, support.program("TLSECHO_CLIENT"), "--check",
                               "tcp://many.test:7007")
        self.assertEqual(done.status, 0, done.stderr)
        server.wait_for("connection")

    def test_connect_to_leaves_name_and_sni(self):
        server = self.server(support.EVERYTHING)
        host, port = server.address("tls")
        for mode in (("--check",), ("--ping", "-c", "1"), ("--bench", "-n", "1"), ()):
            with self.subTest(mode=mode):
                done = support.client(*mode, *CA, "--connect-to", f"{host}:{port}",
                                      "tls://localhost:1", data=b"x")
                self.assertEqual(done.status, 0, done.stderr)
                server.wait_for("connection", sni="localhost")
        done = support.client("--check", *CA, "--connect-to", f"{host}:{port}",
                              "tls://nowhere.invalid")
        self.assertEqual(done.status, 9, done.stderr)
        for wrong in ("host", "host:0", "tcp://host:1", "::1:5", "[::1]", ":7"):
            self.assertEqual(support.client("--connect-to", wrong, "tls://h").status, 2, wrong)

    def test_packets_of_both_families_carry_the_dscp(self):
        for host, kind in ("127.0.0.1", ETH_P_IP), ("::1", ETH_P_IPV6):
            at = f"[{host}]" if ":" in host else host
            server = self.server(f"listeners: [ {{ listen: 'tcp://{at}:0' }} ]")
            port = server.address("tcp")[1]
            for mode in ("--check",), ("--bench", "-n", "3", "-P", "2"), ("--ping", "-c", "1"), ():
                with self.subTest(host=host, mode=mode), \
                        socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(kind)) as capture:
                    capture.bind(("lo", kind))
                    done = support.client(*mode, "--dscp", "46", f"tcp://{at}:{port}", data=b"x")
                    self.assertEqual(done.status, 0, done.stderr)
                    seen = list(dscp_to(port, capture))
                    self.assertIn((46, True), seen)
                    self.assertEqual({dscp for dscp, _ in seen}, {46})
        self.assertEqual(support.client("--dscp", "64", "h").status, 2)


if __name__ == "__main__":
    unittest.main()
