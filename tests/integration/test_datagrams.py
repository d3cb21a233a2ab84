# SPDX-License-Identifier: MIT
"""udp:// listeners: echoes, what is never answered, loops, reload, stop."""

import contextlib
import errno
import os
import signal
import socket
import threading
import urllib.request
import unittest

import scrape
import support

ADMIN = "admin: { listen: 'tcp://127.0.0.1:0' }\n"
ECHO = "listeners: [ { listen: 'udp://127.0.0.1:0', name: echo } ]\n" + ADMIN
LARGEST = 65507  # RFC 768 over IPv4


def metrics(server):
    host, port = server.address("admin")
    with urllib.request.urlopen(f"http://{host}:{port}/metrics") as answer:
        return scrape.parse(answer.read().decode())


def dropped(server, reason):
    return metrics(server)["tlsecho_datagrams_dropped_total"].value(reason=reason)


class Datagrams(support.TestCase):
    def socket(self, address=("127.0.0.1", 0)):
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        made = socket.socket(family, socket.SOCK_DGRAM)
        self.addCleanup(made.close)
        made.settimeout(support.DEADLINE_S)
        try:
            made.bind(address)
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EADDRINUSE, errno.EADDRNOTAVAIL):
                self.skipTest(f"{address}: {error}")
            raise
        return made

    def assert_echoed(self, client, data, address, answer=None):
        client.sendto(data, address)
        self.assertEqual(client.recvfrom(LARGEST)[0], data if answer is None else answer)

    def assert_ignored(self, server, client, address, reason, count=1):
        """What the client sends there is dropped for that reason, and others are served."""
        for _ in range(count):
            client.sendto(b"into the void", address)
        self.assert_echoed(self.socket(), b"after it", (address[0], address[1]))
        self.assertEqual(dropped(server, reason), count)
        client.settimeout(0)
        with self.assertRaises(BlockingIOError):
            client.recv(1)

    def test_a_datagram_of_any_size_comes_back(self):
        server = self.server(ECHO)
        client = self.socket()
        for size in (0, 1, 64, 1472, 9000, LARGEST):
            with self.subTest(size):
                self.assert_echoed(client, os.urandom(size), server.address("udp"))

    def test_the_answer_comes_from_the_address_that_was_asked(self):
        for listen, hosts in (("0.0.0.0", ["127.0.0.1", "127.0.0.2"]),
                              ("[::]", ["::1", "127.0.0.3"])):
            server = self.server(f"listeners: [ {{ listen: 'udp://{listen}:0' }} ]")
            port = server.address("udp")[1]
            for host in hosts:
                with self.subTest(listen=listen, host=host):
                    client = self.socket(("::1" if ":" in host else "127.0.0.1", 0))
                    client.connect((host, port))  # so that no other source is heard
                    client.send(b"x")
                    self.assertEqual(client.recv(9), b"x")

    def test_upper_and_discard(self):
        server = self.server("listeners:\n"
                             "  - { listen: 'udp://127.0.0.1:0', name: up, service: upper }\n"
                             "  - { listen: 'udp://127.0.0.1:0', name: off, service: discard }\n"
                             + ADMIN)
        client = self.socket()
        client.sendto(b"gone", server.address("off"))
        self.assert_echoed(client, b"abc\xc3\xa9", server.address("up"), b"ABC\xc3\xa9")
        self.assertEqual(metrics(server)["tlsecho_datagrams_received_total"].value(listener="off"), 1)
        self.assertEqual(metrics(server)["tlsecho_datagrams_sent_total"].value(listener="off"), 0)

    def test_tcp_and_udp_share_a_port(self):
        with socket.create_server(("127.0.0.1", 0)) as found:
            port = found.getsockname()[1]
        server = self.server(f"listeners: [ {{ listen: 'tcp://127.0.0.1:{port}' }},\n"
                             f"             {{ listen: 'udp://127.0.0.1:{port}' }} ]")
        self.assert_echoed(self.socket(), b"x", ("127.0.0.1", port))
        self.assertEqual(support.client(server.endpoint("tcp"), data=b"y").stdout, b"y")

    @support.requires("socat")
    def test_socat(self):
        host, port = self.server(ECHO).address("udp")
        done = support.run("socat", "-t", "5", "-", f"udp:{host}:{port},readbytes=6", data=b"hello\n")
        self.assertEqual(done.stdout, b"hello\n")

    @support.requires("ncat")
    def test_ncat(self):
        server = self.server(ECHO)
        host, port = server.address("udp")
        done = support.run("ncat", "-u", "-i", "1", host, port, data=b"hello\n")
        self.assertEqual(done.stdout, b"hello\n")

    # Never an amplifier, never a loop.

    def test_a_port_below_1024_gets_no_answer(self):
        for number, port in enumerate((7, 19, 53, 123)):
            with self.subTest(port):
                client = self.socket((f"127.0.77.{number + 1}", port))
                server = self.server(ECHO)
                self.assert_ignored(server, client, server.address("udp"), "low_port")

    def test_a_port_of_a_listener_gets_no_answer_whatever_the_address(self):
        server = self.server("listeners: [ { listen: 'udp://127.0.0.1:0', name: one },\n"
                             "             { listen: 'udp://127.0.0.2:0', name: two } ]\n" + ADMIN)
        client = self.socket(("127.0.0.3", server.address("two")[1]))
        self.assert_ignored(server, client, server.address("one"), "listener_port")

    def test_a_broadcast_gets_no_answer(self):
        server = self.server("listeners: [ { listen: 'udp://0.0.0.0:0' } ]\n" + ADMIN)
        client = self.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        port = server.address("udp")[1]
        client.sendto(b"all of you", ("127.255.255.255", port))
        self.assert_echoed(self.socket(), b"x", ("127.0.0.1", port))
        self.assertEqual(dropped(server, "multicast"), 1)

    def test_lists_and_the_rate_limit(self):
        server = self.server("listeners: [ { listen: 'udp://127.0.0.1:0', name: echo,\n"
                             "               deny: [ 127.0.0.2 ] } ]\n"
                             "limits: { datagram_rate: 5 }\n" + ADMIN)
        self.assert_ignored(server, self.socket(("127.0.0.2", 0)), server.address("udp"), "deny")
        client = self.socket(("127.0.0.4", 0))
        with server.paused():  # so that they come at once
            for number in range(20):
                client.sendto(b"%d" % number, server.address("udp"))
        self.assertEqual([client.recv(9) for _ in range(5)], [b"%d" % i for i in range(5)])
        self.assert_echoed(self.socket(), b"others are served", server.address("udp"))
        self.assertGreaterEqual(dropped(server, "datagram_rate"), 10)

    def test_two_servers_that_are_pointed_at_each_other_fall_silent(self):
        first = self.server(ECHO + "limits: { datagram_rate: 0 }\n")
        with self.socket() as forged:
            port = forged.getsockname()[1]
            with first.paused():
                forged.sendto(b"round and round", first.address("udp"))
                forged.close()  # and now the second server has that address
                second = self.server(ECHO.replace("127.0.0.1:0', name", f"127.0.0.1:{port}', name")
                                     + "limits: { datagram_rate: 0 }\n")
        found = first.wait_for("datagram_loop")
        self.assertEqual(found["source"], f"127.0.0.1:{port}")
        # Nothing is on its way any more when both have answered others.
        for server in (first, second, first):
            self.assert_echoed(self.socket(), b"still there", server.address("udp"))
        for server in (first, second):
            received = metrics(server)["tlsecho_datagrams_received_total"].value()
            self.assertLessEqual(received, 110)
            self.assertGreaterEqual(received, 95)

    def test_a_client_that_repeats_itself_is_taken_for_a_loop_for_a_minute(self):
        server = self.server(ECHO)
        client = self.socket()
        for _ in range(100):
            self.assert_echoed(client, b"same", server.address("udp"))
        self.assert_ignored(server, client, server.address("udp"), "loop", 0)
        client.sendto(b"same", server.address("udp"))
        server.wait_for("datagram_loop")
        self.assertEqual(dropped(server, "loop"), 1)

    # Drops of the kernel.

    def test_what_the_kernel_drops_is_counted(self):
        server = self.server(ECHO + "limits: { datagram_rate: 0 }\n")
        client = self.socket()
        sent = 3000
        with server.paused():
            for number in range(sent):
                client.sendto(b"%1000d" % number, server.address("udp"))
        self.assert_echoed(self.socket(), b"the next one tells", server.address("udp"))
        found = metrics(server)
        received = found["tlsecho_datagrams_received_total"].value() - 1
        self.assertLess(received, sent)
        self.assertEqual(dropped(server, "receive_buffer"), sent - received)

    # Reload and stop.

    def reload(self, server, config):
        (server.folder / "server.yaml").write_text(config)
        server.signal(signal.SIGHUP)
        server.wait_for("reloaded")

    def test_reloads_lose_no_datagram(self):
        with self.socket() as found:
            port = found.getsockname()[1]
        config = f"listeners: [ {{ listen: 'udp://127.0.0.1:{port}', name: NAME }} ]\n"
        server = self.server(config)
        client = self.socket()
        stop = threading.Event()
        faults = []

        def exchange():
            number = 0
            with contextlib.suppress(TimeoutError):
                while not stop.is_set():
                    number += 1
                    client.sendto(b"%d" % number, ("127.0.0.1", port))
                    answer = client.recv(99)
                    if answer != b"%d" % number:
                        faults.append(answer)
                return
            faults.append(f"no answer to {number}")

        thread = threading.Thread(target=exchange)
        thread.start()
        try:
            for number in range(10):
                self.reload(server, config.replace("NAME", f"name{number}"))
        finally:
            stop.set()
            thread.join()
        self.assertEqual(faults, [])

    def test_a_reload_changes_the_service_and_the_lists_of_an_open_socket(self):
        with self.socket() as found:
            port = found.getsockname()[1]
        config = f"listeners: [ {{ listen: 'udp://127.0.0.1:{port}', KEYS }} ]\n"
        server = self.server(config.replace("KEYS", "service: echo"))
        client = self.socket()
        self.assert_echoed(client, b"a", ("127.0.0.1", port))
        self.reload(server, config.replace("KEYS", "service: upper"))
        self.assert_echoed(client, b"a", ("127.0.0.1", port), b"A")

    def test_a_reload_moves_from_an_address_to_the_wildcard_and_back(self):
        with self.socket() as found:
            port = found.getsockname()[1]
        one, all_of_them = (f"listeners: [ {{ listen: 'udp://{host}:{port}' }} ]\n"
                            for host in ("127.0.0.1", "0.0.0.0"))
        server = self.server(one)
        client = self.socket()
        self.reload(server, all_of_them)
        self.assert_echoed(client, b"1", ("127.0.0.1", port))
        self.assert_echoed(client, b"2", ("127.0.0.5", port))
        self.reload(server, one)
        self.assert_echoed(client, b"3", ("127.0.0.1", port))

    def test_a_refused_reload_changes_nothing(self):
        with self.socket() as taken:
            server = self.server(ECHO)
            port = taken.getsockname()[1]
            (server.folder / "server.yaml").write_text(
                ECHO.replace("} ]", "},\n { listen: 'udp://127.0.0.1:%d' } ]" % port, 1))
            server.signal(signal.SIGHUP)
            self.assertIn("in use", server.wait_for("reload_refused")["reason"])
            self.assert_echoed(self.socket(), b"x", server.address("udp"))

    def test_what_waits_is_answered_before_the_socket_goes(self):
        for step in (lambda server: (server.folder / "server.yaml").write_text(
                        "listeners: [ { listen: 'tcp://127.0.0.1:0' } ]") and signal.SIGHUP,
                     lambda server: signal.SIGTERM):
            server = self.server(ECHO)
            client = self.socket()
            number = step(server)
            with self.subTest(signal.Signals(number).name):
                with server.paused():
                    for i in range(100):
                        client.sendto(b"%d" % i, server.address("udp"))
                    server.signal(number)
                self.assertEqual([client.recv(9) for _ in range(100)],
                                 [b"%d" % i for i in range(100)])

    def test_a_second_server_cannot_have_the_port(self):
        server = self.server(ECHO)
        port = server.address("udp")[1]
        second = self.server(ECHO.replace("127.0.0.1:0', name", f"127.0.0.1:{port}', name"),
                             ready=False)
        self.assertEqual(second.wait(), 1)
        self.assertIn("holds the port", second.log())

    # What is told.

    def test_one_line_for_each_source_and_a_summary(self):
        server = self.server(ECHO)
        for host in ("127.0.0.1", "127.0.0.2"):
            client = self.socket((host, 0))
            for number in range(3):
                self.assert_echoed(client, b"%d" % number, server.address("udp"))
        server.signal(signal.SIGUSR1)
        self.assertEqual(server.wait_for("summary_datagrams", listener="echo")["received"], "6")
        self.assertEqual(server.stop(), 0)
        lines = server.lines("datagrams")
        self.assertEqual(sorted((line["source"], line["received"], line["sent"]) for line in lines),
                         [("127.0.0.1", "3", "3"), ("127.0.0.2", "3", "3")])

    def test_it_works_in_the_sandbox(self):
        server = self.server(ECHO + "security: { sandbox: auto }\n")
        self.assert_echoed(self.socket(), b"x", server.address("udp"))

    def test_several_listeners_are_spread_over_the_workers(self):
        listeners = ", ".join("{ listen: 'udp://127.0.0.1:0', name: n%d }" % i for i in range(4))
        server = self.server(f"workers: 2\nlisteners: [ {listeners} ]\n")
        for i in range(4):
            self.assert_echoed(self.socket(), b"x", server.address(f"n{i}"))


if __name__ == "__main__":
    unittest.main()
