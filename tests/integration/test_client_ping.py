# SPDX-License-Identifier: MIT
"""tlsecho-client --ping: its output, measurements and exit status, also through relays that disturb it."""

import contextlib
import re
import signal
import socket
import statistics
import subprocess
import threading
import time
import unittest

import proc
import relay
import stub_server
import support
from stub_server import StubServer, server_context

CA = ("--cacert", support.pki() / "ca.pem")
REPLY = re.compile(r"^(\d+) bytes from (\S+): seq=(\d+) time=([\d.]+) ms(.*)$", re.M)


class PingCase(support.TestCase):
    def ping(self, *args, status=0):
        """(summary, events) of a run with --json -v."""
        done = support.client("--ping", "--json", "-v", "-W", support.LIMIT, *args)
        lines = [support.described(line) for line in done.stdout.splitlines()]
        self.assertEqual(done.status, status, (done.stdout, done.stderr))
        self.assertEqual(lines[-1]["exit"], status)
        return lines[-1], lines[:-1]

    def echo(self):
        return self.server(support.EVERYTHING)


class Output(PingCase):
    def test_reads_like_ping(self):
        server = self.echo()
        for which, args in (("tcp", ()), ("tls", CA)):
            with self.subTest(which):
                done = support.client("--ping", "-c3", "-i1ms", *args, server.endpoint(which))
                text = done.stdout.decode()
                self.assertEqual((done.status, done.stderr), (0, ""))
                address = "{}:{}".format(*server.address(which))
                self.assertEqual([(size, peer, seq, rest)
                                  for size, peer, seq, _, rest in REPLY.findall(text)],
                                 [("64", address, "1", " (first)"), ("64", address, "2", ""),
                                  ("64", address, "3", "")])
                self.assertRegex(text, rf"\APING {which}://{address} \({address}\): dns [\d.]+, "
                                       r"connect [\d.]+" + (", handshake" if args else " ms\n"))
                self.assertRegex(text, r"\n3 probes transmitted, 3 received, 0 late, 0% lost, time ")
                self.assertRegex(text, r"\nrtt min/avg/max/stddev = ([\d.]+/){3}[\d.]+ ms\n")
                self.assertRegex(text, r"\nrtt p50 = [\d.]+ ms\n")
                self.assertRegex(text, r"\nkernel: rtt [\d.]+ ms, .* \d+ retransmits\n")
                self.assertIn("first echo", text)

    def test_a_unix_socket_has_no_kernel_figures(self):
        done = support.client("--ping", "-c2", "-i0", self.echo().endpoint("unix"))
        self.assertEqual(done.status, 0, done.stderr)
        self.assertNotIn(b"kernel", done.stdout)

    def test_quiet_is_the_summary_alone(self):
        done = support.client("--ping", "-q", "-c2", "-i1ms", self.echo().endpoint("tcp"))
        self.assertEqual(REPLY.findall(done.stdout.decode()), [])
        self.assertIn(b"2 probes transmitted", done.stdout)

    def test_json_is_one_object_and_with_verbose_a_line_for_each_reply(self):
        server = self.echo()
        done = support.client("--ping", "--json", "-c3", "-i1ms", server.endpoint("tcp"))
        self.assertEqual(done.stderr, "")
        summary = support.described(done.stdout)
        self.assertEqual(summary["probes"], {"sent": 3, "received": 3, "late": 0, "lost": 0,
                                             "on_their_way": 0, "failures": {}})
        self.assertEqual((summary["bytes_sent"], summary["bytes_received"]), (192, 192))
        self.assertEqual(summary["latency"]["count"], 2)
        summary, events = self.ping("-c3", "-i1ms", server.endpoint("tcp"))
        self.assertEqual([(event["seq"], event["status"], event["first"]) for event in events],
                         [(1, "reply", True), (2, "reply", False), (3, "reply", False)])
        times = [event["time"] for event in events]
        self.assertEqual(summary["phases"]["first_echo"], times[0])
        self.assertAlmostEqual(summary["latency"]["mean"], statistics.mean(times[1:]), 6)
        self.assertEqual((summary["latency"]["min"], summary["latency"]["max"]),
                         (min(times[1:]), max(times[1:])))

    def test_each_line_is_written_at_once_to_a_pipe(self):
        client = subprocess.Popen([support.program("TLSECHO_CLIENT"), "--ping",
                                   self.echo().endpoint("tcp")], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE)
        self.assertIn(b"PING", client.stdout.readline())
        self.assertIn(b"seq=1 ", client.stdout.readline())
        client.stdout.close()  # nothing reads the pipe now
        self.assertEqual(client.wait(support.DEADLINE_S), 15)
        self.assertIn(b"standard output", client.stderr.read())
        client.stderr.close()

    def test_sigint_prints_the_summary_and_sigquit_a_summary_so_far(self):
        client = subprocess.Popen([support.program("TLSECHO_CLIENT"), "--ping", "-i30",
                                   self.echo().endpoint("tcp")], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE)
        client.stdout.readline()
        client.stdout.readline()
        client.send_signal(signal.SIGQUIT)
        self.assertRegex(client.stderr.readline(),
                         rb"\A\r1/1 probes, 0% lost, min/avg/max = ([\d.]+/){2}[\d.]+ ms\n")
        client.send_signal(signal.SIGINT)
        self.assertIn(b"1 probes transmitted, 1 received", client.stdout.read())
        self.assertEqual(client.wait(support.DEADLINE_S), 0)
        client.stdout.close()
        client.stderr.close()


    def test_quit_counts_what_is_overdue_as_lost(self):
        with StubServer(lambda c: (c.sendall(c.recv(64)), stub_server.discard(c))) as stub:
            client = subprocess.Popen([support.program("TLSECHO_CLIENT"), "--ping", "-i20ms",
                                       "-W100ms", stub.endpoint()], stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE)
            for line in client.stdout:
                if line == b"no reply yet: seq=3\n":
                    break
            client.send_signal(signal.SIGQUIT)
            line = client.stderr.readline()
            found = re.match(rb"\r1/(\d+) probes, ([\d.]+)% lost, (\d+) on their way, min/avg/max", line)
            self.assertTrue(found, line)
            sent = int(found[1])
            self.assertEqual(int(found[3]), sent - 1)
            self.assertIn(found[2].decode(), [f"{100 * overdue / (overdue + 1):.3g}"
                                              for overdue in range(2, sent)])
            client.send_signal(signal.SIGINT)
            client.communicate(timeout=support.DEADLINE_S)


class Sizes(PingCase):
    def test_probes_of_any_size_come_back(self):
        server = self.echo()
        for which, args in (("tcp", ()), ("tls", CA)):
            for size, count in (("1", 20), ("16KiB", 3), ("40MiB", 2)):  # more than the window
                with self.subTest(which=which, size=size):
                    self.ping(f"-s{size}", f"-c{count}", "-i1ms", "-W0", *args, server.endpoint(which))

    def test_a_peer_that_waits_for_a_whole_probe_receives_it(self):
        size = 1 << 20

        def whole(connection):
            for _ in range(2):
                data = b""
                while len(data) < size:
                    data += connection.recv(size - len(data))
                connection.sendall(data)

        with StubServer(whole) as stub:
            self.ping("-c2", "-i0", f"-s{size}", stub.endpoint())

    def test_probes_do_not_wait_for_each_other_but_with_interval_0_they_do(self):
        most, arrived = 0, []

        def hold(connection):
            """Answers the first three probes together."""
            nonlocal most
            data = b""
            while len(data) < 3 * 64:
                data += connection.recv(1024)
            most = len(data)
            arrived.append(most)
            connection.sendall(data)
            stub_server.echo(connection)

        with StubServer(hold) as stub:
            self.ping("-c3", "-i1ms", stub.endpoint())
        seen = []

        def one_by_one(connection):
            for data in stub_server.received(connection):
                seen.append(len(data))
                connection.sendall(data)
            stub_server.finish(connection)

        with StubServer(one_by_one) as stub:
            self.ping("-c50", "-i0", stub.endpoint())
        self.assertEqual(seen, [64] * 50)

    def test_probes_differ_from_each_other(self):
        data = []

        def keep(connection):
            for piece in stub_server.received(connection):
                data.append(piece)
                connection.sendall(piece)
            stub_server.finish(connection)

        with StubServer(keep) as stub:
            self.ping("-c20", "-i0", stub.endpoint())
        self.assertEqual(len(set(data)), 20)

    def test_upper_is_compared_as_upper(self):
        server = self.server("listeners: [ { listen: 'tcp://127.0.0.1:0', service: upper } ]")
        self.ping("-c3", "-i0", "--expect=upper", server.endpoint("tcp"))
        summary, _ = self.ping("-c3", "-i0", server.endpoint("tcp"), status=14)
        self.assertIn("of seq=1", summary["error"]["message"])


class Phases(PingCase):
    """A delay in one phase is measured in that phase and in no other."""
    DELAY_S = support.PATIENCE  # more than a busy machine adds to another phase

    def check(self, phase, *args):
        summary, events = self.ping("-c3", "-i1ms", *args)
        times = {**summary["phases"], "round trips": min(event["time"] for event in events[1:])}
        for name, seconds in times.items():
            with self.subTest(phase, name=name):
                if name == phase:
                    self.assertGreaterEqual(seconds, self.DELAY_S * 0.98)
                else:
                    self.assertLess(seconds, self.DELAY_S)
        return summary

    def test_handshake(self):
        class Late(StubServer):
            """Waits before it answers the client's first message."""
            def _serve(self, connection):
                connection.recv(1, socket.MSG_PEEK)
                time.sleep(Phases.DELAY_S)
                super()._serve(connection)

        with Late(stub_server.echo, server_context()) as stub:
            self.check("handshake", *CA, stub.endpoint())

    def test_first_echo(self):
        def slow_start(connection):
            data = connection.recv(64)
            time.sleep(self.DELAY_S)
            connection.sendall(data)
            stub_server.echo(connection)

        # One probe at a time, or the later ones also wait.
        for context, args in ((None, ()), (server_context(), CA)):
            with StubServer(slow_start, context) as stub:
                self.check("first_echo", "-i0", *args, stub.endpoint())

    def test_round_trips(self):
        def slow(connection):
            connection.sendall(connection.recv(64))
            for data in stub_server.received(connection):
                time.sleep(self.DELAY_S)
                connection.sendall(data)

        with StubServer(slow) as stub:
            self.check("round trips", "-i0", stub.endpoint())

    def test_connect(self):
        """A full backlog drops the SYN, and the kernel sends it again after a second, and then again."""
        with stub_server.full_backlog() as listening:
            waiting = []

            def answer(connection):
                with contextlib.suppress(OSError):
                    stub_server.echo(connection)

            def serve():
                proc.wait_for_dropped_syn(listening.getsockname())
                time.sleep(self.DELAY_S - 1)
                while True:
                    try:
                        connection, _ = listening.accept()
                    except OSError:
                        return
                    waiting.append(connection)
                    threading.Thread(target=answer, args=(connection,), daemon=True).start()

            server = threading.Thread(target=serve, daemon=True)
            server.start()
            self.check("connect", "127.0.0.1", listening.getsockname()[1])
            listening.shutdown(socket.SHUT_RDWR)
            server.join()
            for connection in waiting:
                connection.close()

    def test_the_phases_add_up_to_the_duration(self):
        with relay.Relay(self.echo().address("tls"), relay.Delay(0.5, 0.5)) as between:
            summary, _ = self.ping("-c1", *CA, between.endpoint("tls"))
        whole, parts = summary["duration"], sum(summary["phases"].values())
        self.assertEqual(set(summary["phases"]), {"dns", "connect", "handshake", "first_echo"})
        self.assertLessEqual(parts, whole)
        self.assertGreater(parts, 1)
        self.assertLess(whole - parts, 0.25 * whole)


class Relays(PingCase):
    def test_statistics_agree_with_what_the_relay_recorded(self):
        way = relay.Delay(0.2, 0.3)
        with relay.Relay(self.echo().address("tcp"), way) as between:
            summary, events = self.ping("-c10", "-i0", between.endpoint("tcp"))
        self.assertEqual(len(way.times), 10)
        for event, seconds in zip(events, way.times):
            self.assertGreater(event["time"], seconds)
        self.assertAlmostEqual(summary["latency"]["mean"], statistics.mean(way.times[1:]),
                               delta=0.05)

    def test_a_dropped_connection_ends_the_run_with_its_class(self):
        with relay.Relay(self.echo().address("tcp"), relay.Drop(0)) as between:
            summary, events = self.ping("-c3", "-i1ms", between.endpoint("tcp"), status=12)
            self.assertEqual(summary["result"], "reset")
            self.assertEqual(summary["error"]["phase"], "echo")
            self.assertRegex(summary["error"]["message"], "reset the connection with .* missing")
            self.assertEqual(events[-1]["result"], "reset")

    def test_after_some_good_replies_it_is_lost(self):
        with relay.Relay(self.echo().address("tcp"), relay.Drop(2 * 64)) as between:
            summary, events = self.ping("-c5", "-i0", between.endpoint("tcp"), status=1)
            self.assertEqual(summary["result"], "lost")
            self.assertEqual(summary["probes"]["failures"], {"reset": 1})
            self.assertRegex(summary["error"]["message"],
                             "1 of 3 probes late or lost; the last: the server, or something on the way, reset")
            self.assertEqual(events[-1]["seq"], 3)

    def test_reconnect_goes_on_after_it(self):
        server = self.echo()
        for interval in "300ms", "1s", "4s":  # longer than it takes to connect again
            with relay.Relay(server.address("tls"), relay.Drop(4000)) as between:
                summary, events = self.ping("-c5", "-i", interval, "-s1000", "--reconnect", *CA,
                                            between.endpoint("tls"), status=1)
            if events[-1]["status"] == "reply":
                break
        self.assertEqual(summary["connections"], 2)
        self.assertEqual(summary["probes"]["sent"], 5)
        self.assertGreaterEqual(summary["probes"]["received"], 3)
        self.assertEqual(sum(event.get("first", False) for event in events), 2)
        self.assertEqual(events[-1]["status"], "reply")
        self.assertEqual(set(summary["phases"]), {"dns", "connect", "handshake", "first_echo"})

    def test_a_changed_byte_is_corrupt_with_its_place(self):
        with relay.Relay(self.echo().address("tcp"), relay.Corrupt(123_456)) as between:
            summary, _ = self.ping("-c3", "-s100000", "-i0", between.endpoint("tcp"), status=14)
            self.assertEqual(summary["probes"]["failures"], {"corrupt": 1})
            self.assertRegex(summary["error"]["message"],
                             "byte 123456 came back as 0x.. instead of 0x..: byte 23456 of seq=2")
        with relay.Relay(self.echo().address("tcp"), relay.Corrupt(123_456)) as between:
            summary, _ = self.ping("-c3", "-s200000", "-i0", between.endpoint("tcp"), status=14)
            self.assertEqual(summary["result"], "corrupt")

    def test_a_changed_byte_of_a_record_is_a_failure_of_tls(self):
        with relay.Relay(self.echo().address("tls"), relay.Corrupt(123_456)) as between:
            summary, _ = self.ping("-c3", "-s200000", "-i0", *CA, between.endpoint("tls"), status=7)
            self.assertEqual(summary["error"]["phase"], "echo")
            self.assertEqual(summary["error"]["alert"], 20)  # bad_record_mac

    def test_a_late_reply_is_announced_as_overdue(self):
        way, events = relay.Stall(2), []
        with relay.Relay(self.echo().address("tcp"), way) as between:
            with subprocess.Popen([support.program("TLSECHO_CLIENT"), "--ping", "--json", "-v",
                                   "-c4", "-i0", "-W500ms", between.endpoint("tcp")],
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as client:
                for line in client.stdout:
                    events.append(support.described(line))
                    if events[-1].get("status") == "overdue":
                        way.over.set()
        summary = events.pop()
        self.assertEqual((client.returncode, summary["exit"]), (1, 1))
        self.assertEqual(summary["probes"]["failures"], {"timeout": 1})
        self.assertEqual((summary["probes"]["received"], summary["probes"]["late"]), (4, 1))
        self.assertEqual([event["status"] for event in events],
                         ["reply", "reply", "overdue", "late", "reply"])
        message = summary["error"]["message"]
        said = re.search(r"the reply to seq=3 took ([\d.]+) s: it is late", message)
        self.assertTrue(said, message)
        self.assertGreaterEqual(float(said[1]), 0.5)


class Ends(PingCase):
    def test_no_reply_at_all_is_lost_after_its_time_out_and_a_timeout(self):
        with StubServer(stub_server.discard) as stub:
            summary, events = self.ping("-c2", "-i1ms", "-W200ms", stub.endpoint(), status=6)
        self.assertEqual(summary["probes"]["lost"], 2)
        self.assertEqual(summary["error"]["message"], "no reply to seq=1..2 within 0.2 s")
        self.assertEqual([event["status"] for event in events], ["overdue", "overdue", "lost"])

    def test_a_probe_in_flight_at_the_deadline_is_not_lost(self):
        with StubServer(stub_server.discard) as stub:
            summary, _ = self.ping("-w300ms", stub.endpoint(), status=6)
        self.assertEqual(summary["probes"]["on_their_way"], 1)
        self.assertIn("before any reply", summary["error"]["message"])
        summary, _ = self.ping(f"-w{300 * support.PATIENCE}ms", "-i100ms", self.echo().endpoint("tcp"))
        self.assertGreaterEqual(summary["probes"]["received"], 1)

    def test_silence_ends_it_however_many_are_sent_into_it(self):
        with StubServer(stub_server.discard) as stub:
            summary, _ = self.ping("-i10ms", "--idle-timeout=200ms", stub.endpoint(), status=6)
        self.assertIn("nothing came back for 0.2 s", summary["error"]["message"])

    def test_a_long_interval_is_not_an_idle_timeout(self):
        idle_ms = 100 * support.PATIENCE
        self.ping("-c2", f"-i{4 * idle_ms}ms", f"--idle-timeout={idle_ms}ms", self.echo().endpoint("tcp"))

    def test_an_end_between_two_probes_is_the_loss_of_the_next(self):
        def once(connection):
            connection.sendall(connection.recv(64))

        with StubServer(once) as stub:
            summary, _ = self.ping("-c2", "-i30", stub.endpoint(), status=1)
            self.assertRegex(summary["error"]["message"], "the server (closed|reset) the connection")
            self.ping("-c1", stub.endpoint())
            summary, _ = self.ping("-c2", "-i1s", "--reconnect", stub.endpoint())
            self.assertEqual(summary["connections"], 2)

    def test_a_failed_connection_is_a_probe_with_its_class(self):
        with socket.socket() as bound:
            bound.bind(("127.0.0.1", 0))
            port = bound.getsockname()[1]
            summary, events = self.ping("-c3", "127.0.0.1", port, status=4)
            self.assertEqual(summary["probes"]["failures"], {"refused": 1})
            self.assertEqual([event["seq"] for event in events], [1])
            self.assertNotIn("latency", summary)
            summary, _ = self.ping("-c3", "-i1ms", "--reconnect", "127.0.0.1", port, status=4)
            self.assertEqual(summary["probes"]["failures"], {"refused": 3})
        self.ping("-c3", "x" * 64 + ".invalid", status=3)
        summary, _ = self.ping("-c2", "-i1ms", "--reconnect", "x" * 64 + ".invalid", status=3)
        self.assertEqual(summary["probes"]["failures"], {"dns": 2})
        with StubServer(stub_server.echo, server_context("expired")) as stub:
            summary, _ = self.ping("-c3", *CA, stub.endpoint(), status=10)
            self.assertEqual(summary["error"]["phase"], "handshake")
            self.assertIn("peer", summary["tls"])

    def test_an_outage_costs_a_probe_for_each_interval(self):
        served = []

        def handshake_once(connection):
            served.append(connection)
            if len(served) > 1:
                stub_server.discard(connection)  # never answers a ClientHello
                return
            with server_context().wrap_socket(connection, server_side=True) as tls:
                tls.sendall(tls.recv(64))

        with StubServer(handshake_once) as stub:
            summary, events = self.ping("-c8", "-i100ms", "--reconnect", "--connect-timeout=350ms",
                                        *CA, f"tls://127.0.0.1:{stub.port}", status=1)
        self.assertEqual(summary["probes"]["sent"], 8)
        self.assertLess(len(served), 5)  # fewer connection attempts than probes
        self.assertGreaterEqual(summary["duration"], 0.7)
        self.assertEqual(sum(event.get("count", 0) for event in events),
                         summary["probes"]["lost"])

    def test_probes_missed_while_reconnecting_do_not_delay_later_replies(self):
        class SlowToReconnect(StubServer):
            def _serve(self, connection):
                if connection is not self.connections[0]:
                    time.sleep(0.5)
                super()._serve(connection)

        served = []

        def handler(connection):
            served.append(connection)
            if len(served) > 1:
                stub_server.echo(connection)
                return
            connection.sendall(connection.recv(64))
            connection.recv(1)
            stub_server.reset(connection)

        with SlowToReconnect(handler, server_context()) as stub:
            summary, events = self.ping("-c30", "-i50ms", "-W5s", "--reconnect", *CA,
                                        stub.endpoint(), status=1)
        self.assertEqual(list(summary["probes"]["failures"]), ["reset"])
        self.assertGreater(summary["probes"]["lost"], 3)
        self.assertEqual(events[-1]["seq"], 30)

    def test_a_server_that_comes_back_is_found_again(self):
        server = self.server("listeners: [ { listen: 'tcp://127.0.0.1:0' } ]\n"
                             "timeouts: { drain: 1ms }")
        port = server.address("tcp")[1]
        client = subprocess.Popen([support.program("TLSECHO_CLIENT"), "--ping", "--reconnect",
                                   "-i20ms", "127.0.0.1", str(port)], stdout=subprocess.PIPE)
        for line in client.stdout:
            if b"seq=3 " in line:
                break
        self.assertEqual(server.stop(), 0)
        for line in client.stdout:
            if b"refused" in line:
                break
        self.server(f"listeners: [ {{ listen: 'tcp://127.0.0.1:{port}' }} ]")
        for line in client.stdout:
            if line.startswith(b"64 bytes"):
                break
        client.send_signal(signal.SIGINT)
        self.assertIn(b"2 connections", client.stdout.read())
        self.assertEqual(client.wait(support.DEADLINE_S), 1)
        client.stdout.close()

    def test_an_interrupt_ends_a_connection_attempt(self):
        came = threading.Event()
        with StubServer(lambda connection: (came.set(), stub_server.discard(connection))) as stub:
            client = subprocess.Popen([support.program("TLSECHO_CLIENT"), "--ping", "--json", "-k",
                                       "--connect-timeout=0", "--tls", "127.0.0.1", str(stub.port)],
                                      stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            self.assertTrue(came.wait(support.DEADLINE_S))
            client.send_signal(signal.SIGINT)
            summary = support.described(client.stdout.read())
            self.assertEqual(client.wait(support.DEADLINE_S), 6)
            self.assertEqual(summary["probes"]["sent"], 0)
            self.assertTrue(summary["interrupted"])
            self.assertEqual(summary["error"]["phase"], "handshake")
            client.stdout.close()

    def test_an_unreadable_file_is_usage(self):
        done = support.client("--ping", "--cacert=/nonexistent", "tls://127.0.0.1:1")
        self.assertEqual((done.status, done.stdout), (2, b""))


if __name__ == "__main__":
    unittest.main()
