# SPDX-License-Identifier: MIT
"""udp:// listeners: echoes, what is never answered, loops, reload, stop."""

import contextlib
import errno
import json
import os
import signal
import socket
import struct
import subprocess
import threading
import time
import unittest

import admin_client
import datagrams
import schema
import support

ADMIN = "admin: { listen: 'tcp://127.0.0.1:0' }\n"
ECHO = "listeners: [ { listen: 'udp://127.0.0.1:0', name: echo } ]\n" + ADMIN
STAMP = ECHO.replace("name: echo", "service: stamp")
SENDER = struct.Struct("!IQHH")  # RFC 8762 figure 2, RFC 8972 figure 1
REFLECTOR = struct.Struct("!IQHHQIQHHB3s")  # figure 4
LARGEST = 65507  # RFC 768 over IPv4


def ntp(unix):
    """RFC 5905 §6: seconds since 1900 in 2^-32."""
    return int((unix + 2208988800) * 2**32)


def dropped(server, reason):
    return admin_client.metrics(server)["tlsecho_datagrams_dropped_total"].value(reason=reason)


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
        server = self.server("workers: 1\n"  # that serves what came first before the rest
                             "listeners:\n"
                             "  - { listen: 'udp://127.0.0.1:0', name: up, service: upper }\n"
                             "  - { listen: 'udp://127.0.0.1:0', name: off, service: discard }\n"
                             + ADMIN)
        client = self.socket()
        client.sendto(b"gone", server.address("off"))
        self.assert_echoed(client, b"abc\xc3\xa9", server.address("up"), b"ABC\xc3\xa9")
        self.assertEqual(admin_client.metrics(server)["tlsecho_datagrams_received_total"].value(listener="off"), 1)
        self.assertEqual(admin_client.metrics(server)["tlsecho_datagrams_sent_total"].value(listener="off"), 0)

    def test_tcp_and_udp_share_a_port(self):
        with socket.create_server(("127.0.0.1", 0)) as found:
            port = found.getsockname()[1]
        server = self.server(f"listeners: [ {{ listen: 'tcp://127.0.0.1:{port}' }},\n"
                             f"             {{ listen: 'udp://127.0.0.1:{port}' }} ]")
        self.assert_echoed(self.socket(), b"x", ("127.0.0.1", port))
        self.assertEqual(support.client(server.endpoint("tcp"), data=b"y").stdout, b"y")

    def test_our_own_client(self):
        server = self.server("listeners:\n"
                             "  - { listen: 'udp://127.0.0.1:0', name: echo }\n"
                             "  - { listen: 'udp://127.0.0.1:0', name: stamp, service: stamp }\n"
                             "  - { listen: 'udp://127.0.0.1:0', name: report, service: report }\n")
        ping = ("--ping", "-c", "3", "-i", "10ms", "--json")
        for listener, options in (("echo", ping), ("stamp", (*ping, "--expect", "stamp")),
                                  ("report", ("--report", "--json")), ("echo", ("--check",))):
            with self.subTest(listener, options=options):
                done = support.client(*options, server.endpoint(listener))
                self.assertEqual(done.status, 0, done.stderr)

    @support.requires("socat")
    def test_socat(self):
        host, port = self.server(ECHO).address("udp")
        done = support.run("socat", "-t", "5", "-", f"udp:{host}:{port},readbytes=6", data=b"hello\n")
        self.assertEqual(done.stdout, b"hello\n")

    @support.requires("nping")
    def test_nping(self):
        host, port = self.server(ECHO).address("udp")
        done = support.run("nping", "--udp", "--unprivileged", "-c", "3", "--delay", "10ms", "-p", port,
                           "--data-string", "hello", host)
        self.assertIn(b"UDP packets sent: 3 | Rcvd: 3 | Lost: 0", done.stdout)

    @support.requires("ncat")
    def test_ncat(self):
        server = self.server(ECHO)
        host, port = server.address("udp")
        with subprocess.Popen(["ncat", "-u", host, str(port)], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as peer:
            peer.stdin.write(b"hello\n")
            peer.stdin.flush()
            self.assertEqual(peer.stdout.read(6), b"hello\n")
            peer.kill()  # over UDP it would wait for ever

    # STAMP, RFC 8762: a sender of its own, by the figures of the RFC.

    def reflected(self, client, address, number, tail=b"", ssid=0):
        """Sends a test packet and returns the fields of its answer."""
        sent_at = ntp(time.time())
        client.sendto(SENDER.pack(number, sent_at, 0x8001, ssid) + bytes(28) + tail, address)
        answer = client.recv(LARGEST)
        self.assertEqual(len(answer), 44 + len(tail), "a symmetrical packet")
        (own, sent, error, back_ssid, received, seq, sender_time, sender_error, zero, ttl,
         zeros) = REFLECTOR.unpack(answer[:44])
        self.assertEqual((seq, sender_time, sender_error, back_ssid), (number, sent_at, 0x8001, ssid))
        self.assertEqual((zero, zeros), (0, bytes(3)))
        self.assertEqual(error & 0xc000, 0, "neither synchronised nor a PTP time")
        self.assertGreater(error & 0xff, 0, "the multiplier must not be zero")
        self.assertLessEqual(sent_at, received + 5000)  # a microsecond, rounded
        self.assertLessEqual(received, sent)
        self.assertLessEqual(sent, ntp(time.time()) + 5000)
        return own, ttl, answer[44:]

    def test_stamp_numbers_its_own_answers_and_returns_the_ttl(self):
        server = self.server(STAMP)
        client = self.socket()
        client.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 33)
        for number in range(3):  # what is lost on the way there is not counted
            self.assertEqual(self.reflected(client, server.address("udp"), 10 * number),
                             (number, 33, b""))
        self.assertEqual(self.reflected(client, server.address("udp"), 99, ssid=7)[0], 0)
        self.assertEqual(self.reflected(self.socket(), server.address("udp"), 99)[0], 0)
        self.assertEqual(admin_client.metrics(server)["tlsecho_stamp_sessions"].value(), 3)

    def test_stamp_pads_and_flags_what_follows(self):
        server = self.server(STAMP)
        padding, unknown = b"\x80\x01\x00\x04pads", b"\x80\xf0\x00\x01?"
        malformed = b"\x80\x01\xff\xffrest"
        _, _, tail = self.reflected(self.socket(), server.address("udp"), 1,
                                    padding + unknown + malformed)
        self.assertEqual(tail, b"\x00" + padding[1:] + b"\x80" + unknown[1:]
                         + b"\x40" + malformed[1:])
        self.reflected(self.socket(), server.address("udp"), 1, bytes(LARGEST - 44))

    def test_stamp_takes_no_less_than_44_bytes(self):
        server = self.server(STAMP)
        client = self.socket()
        client.sendto(bytes(43), server.address("udp"))
        self.reflected(client, server.address("udp"), 1)
        self.assertEqual(dropped(server, "too_short"), 1)

    def test_stamp_over_ipv6_and_over_a_reload(self):
        server = self.server("listeners: [ { listen: 'udp://[::]:0', service: stamp } ]")
        address = ("::1", server.address("udp")[1])
        client = self.socket(("::1", 0))
        client.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, 55)
        self.assertEqual(self.reflected(client, address, 5)[:2], (0, 55))
        server.signal(signal.SIGHUP)
        server.wait_for("reloaded")
        self.assertEqual(self.reflected(client, address, 6)[:2], (1, 55))
        client = self.socket()
        ttl = client.getsockopt(socket.IPPROTO_IP, socket.IP_TTL)
        self.assertEqual(self.reflected(client, ("127.0.0.1", address[1]), 5)[1], ttl)

    # Reports.

    def test_a_report_is_never_longer_than_its_request(self):
        server = self.server("listeners: [ { listen: 'udp://127.0.0.1:0', service: report } ]\n"
                             + ADMIN)
        client = self.socket()
        client.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 46 << 2 | 2)
        client.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 99)
        client.sendto(bytes(1199), server.address("udp"))
        client.sendto(bytes(1200), server.address("udp"))
        answer = client.recv(LARGEST)
        self.assertLessEqual(len(answer), 1200)
        report = json.loads(answer)
        self.assertEqual(schema.faults(report, schema.load("report")), [])
        self.assertEqual(report["source"], "%s:%d" % client.getsockname())
        self.assertEqual(report["destination"], "%s:%d" % server.address("udp"))
        self.assertEqual(report["datagram"], {"bytes": 1200, "ttl": 99, "dscp": 46, "ecn": 2})
        self.assertEqual(dropped(server, "too_short"), 1)

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

    def test_a_broadcast_or_multicast_gets_no_answer(self):
        server = self.server("listeners: [ { listen: 'udp://0.0.0.0:0' } ]\n" + ADMIN)
        client = self.socket()
        datagrams.allow_many(client)
        port = server.address("udp")[1]
        for count, group in enumerate(datagrams.GROUPS, 1):
            client.sendto(b"all of you", (group, port))
            self.assert_echoed(self.socket(), b"x", ("127.0.0.1", port))
            self.assertEqual(dropped(server, "multicast"), count)

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
            received = admin_client.metrics(server)["tlsecho_datagrams_received_total"].value()
            self.assertLessEqual(received, 110)
            self.assertGreaterEqual(received, 95)

    def test_a_loop_of_more_datagrams_than_are_remembered_falls_silent(self):
        server = self.server(ECHO + "limits: { datagram_rate: 0 }\n")
        with datagrams.LateEcho(0.06) as foreign:
            for number in range(250):  # 150 and more were never found; with 250, some are in the sample
                foreign.socket.sendto(b"round and round %d" % number, server.address("udp"))
            found = server.wait_for("datagram_loop")
            self.assertEqual(found["source"], "%s:%d" % foreign.address)
            self.assertTrue(foreign.idle.wait(support.DEADLINE_S))
        self.assert_echoed(self.socket(), b"still there", server.address("udp"))
        self.assertGreaterEqual(dropped(server, "loop"), 1)

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
        found = admin_client.metrics(server)
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
