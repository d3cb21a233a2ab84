# SPDX-License-Identifier: MIT
"""tlsecho-client over UDP: what it counts behind a relay that loses, doubles and reorders, what ICMP
tells it, and STAMP."""

import json
import os
import random
import re
import signal
import socket
import statistics
import struct
import subprocess
import tempfile
import time
import unittest
from concurrent import futures

import datagrams
import support


class PingCase(support.TestCase):
    def ping(self, *args, status=0):
        """(summary, events) of a run with --json -v."""
        done = support.client("--ping", "--json", "-v", *args)
        lines = [support.described(line) for line in done.stdout.splitlines()]
        self.assertEqual(done.status, status, (done.stdout, done.stderr))
        self.assertEqual(lines[-1]["exit"], status)
        return lines[-1], lines[:-1]

    def check_jitter(self, summary, events):
        times = [event["time"] for event in events if event["status"] in ("reply", "late")]
        self.assertAlmostEqual(summary["jitter"], datagrams.jitter(times), 12)


def closed_port():
    """A UDP port that nothing is bound to."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Counts(PingCase):
    def check_figures(self, between, summary):
        expected = between.figures()
        self.assertEqual({key: summary["probes"][key] for key in expected}, expected)

    def test_what_it_counts_is_what_a_relay_did(self):
        chance = random.Random(20261129)
        fates = [(), (0, 0), (0.012,), (0.025,), (0, 0.02), (0.003, 0.003, 0.03)]
        for direction in ("there", "back"):
            script = {n: chance.choice(fates) for n in range(5, 235) if chance.random() < 0.3}
            with self.subTest(direction), datagrams.Echo() as echo, \
                    datagrams.Relay(echo.address, **{direction: script}) as between:
                summary, events = self.ping("-c250", "-i2ms", "-W1s", between.endpoint(),
                                            status=1)
                self.check_figures(between, summary)
                self.assertGreater(summary["probes"]["reordered"], 5)
                self.assertGreater(summary["probes"]["duplicated"], 5)
                self.assertGreater(summary["probes"]["lost"], 5)
                self.check_jitter(summary, events)
                self.assertEqual(len([e for e in events if e["status"] == "duplicate"]),
                                 summary["probes"]["duplicated"])
                self.assertEqual(len([e for e in events if e.get("reordered")]),
                                 summary["probes"]["reordered"])

    def test_late_is_received_and_counted(self):
        with datagrams.Echo() as echo, datagrams.Relay(echo.address, back={2: (0.3,)}) as between:
            summary, events = self.ping("-c40", "-i20ms", "-W150ms", between.endpoint(), status=1)
            self.check_figures(between, summary)
        self.assertEqual((summary["probes"]["late"], summary["probes"]["lost"]), (1, 0))
        self.assertEqual([e["status"] for e in events if e["seq"] == 2], ["overdue", "late"])
        self.assertEqual(summary["result"], "lost")
        self.check_jitter(summary, events)

    def test_each_loss_has_a_reason_of_its_own(self):
        script = {4: (), 8: (), 9: (), 12: ()}
        for service, args in ((datagrams.Echo, ()), (datagrams.Reflector, ("--expect=stamp",))):
            with self.subTest(service.__name__), service() as server, \
                    datagrams.Relay(server.address, there=script) as between:
                summary, events = self.ping("-c12", "-i5ms", "-W200ms", *args, between.endpoint(),
                                            status=1)
            lost = [event for event in events if event["status"] == "lost"]
            self.assertEqual([(event["seq"], event["count"], event["message"]) for event in lost],
                             [(4, 1, "no reply to seq=4 within 0.2 s"),
                              (8, 2, "no reply to seq=8..9 within 0.2 s"),
                              (12, 1, "no reply to seq=12 within 0.2 s")])
            self.assertEqual(summary["error"]["message"],
                             "4 of 12 probes late or lost; the last: no reply to seq=12 within 0.2 s")
            self.assertEqual(summary["probes"]["failures"], {"timeout": 4})

    def test_in_words_too(self):
        script = {2: (), 3: (0, 0), 5: (0.1,)}
        with datagrams.Echo() as echo, datagrams.Relay(echo.address, back=script) as between:
            done = support.client("--ping", "-c8", "-i30ms", "-W300ms", between.endpoint())
        text = done.stdout.decode()
        self.assertEqual(done.status, 1, text)
        self.assertRegex(text, r"\APING (udp://127.0.0.1:\d+) \(127.0.0.1:\d+\): dns [\d.]+ ms\n")
        self.assertIn("\nduplicate reply: seq=3\n", text)
        self.assertRegex(text, r"seq=5 time=\d{3,}\.\d{3} ms \(out of order\)\n")
        self.assertRegex(text, r"\nlost: seq=2 timeout: ")
        self.assertIn("\n8 probes transmitted, 7 received, 0 late, 12.5% lost, 1 duplicated, "
                      "1 out of order, time ", text)
        times = [float(time) for time in re.findall(r"seq=\d+ time=([\d.]+) ms", text)]
        printed = float(re.search(r"\njitter = ([\d.]+) ms\n", text)[1])
        self.assertAlmostEqual(printed, datagrams.jitter(times), 3)

    def test_with_interval_0_a_lost_reply_holds_up_nothing_for_longer_than_its_time(self):
        with datagrams.Echo() as echo, datagrams.Relay(echo.address, back={2: (), 4: ()}) as between:
            summary, _ = self.ping("-c6", "-i0", "-W100ms", between.endpoint(), status=1)
            self.check_figures(between, summary)

    def test_nothing_at_all_is_a_timeout(self):
        with datagrams.Echo(lambda data: None) as echo:
            summary, _ = self.ping("-c2", "-i10ms", "-W100ms", echo.endpoint(), status=6)
        self.assertEqual(summary["probes"]["lost"], 2)
        self.assertIn("no reply to seq=1..2", summary["error"]["message"])

    def test_any_size_comes_back_whole(self):
        for size in ("1", "2", "5", "9", "10", "1472", "65507"):
            with self.subTest(size=size), datagrams.Echo() as echo:
                self.ping(f"-s{size}", "-c20", "-i0", echo.endpoint())
                self.assertEqual({len(data) for data in echo.seen}, {int(size)})
                self.assertEqual(len(set(echo.seen)), 20)

    def test_ipv6(self):
        with datagrams.Echo(address="::1") as echo:
            summary, _ = self.ping("-c3", "-i0", echo.endpoint())
        self.assertEqual(summary["address"], f"[::1]:{echo.address[1]}")

    def test_the_page_has_duplicates_and_reordering(self):
        script = {3: (0, 0), 5: (0.3,)}
        with datagrams.Echo() as echo, datagrams.Relay(echo.address, back=script) as between:
            with tempfile.NamedTemporaryFile(suffix=".html") as page:
                support.client("--ping", "-c8", "-i20ms", "--report-html", page.name,
                               between.endpoint())
                text = page.read().decode()
        self.assertIn("duplicated", text)
        self.assertIn("out of order", text)
        self.assertIn('<th scope="row">Jitter</th>', text)
        self.assertNotIn("STAMP", text)

    def test_the_page_has_each_direction_of_stamp(self):
        with datagrams.Reflector(lose=[2], unseen=[4], twice=[5]) as reflector:
            with tempfile.NamedTemporaryFile(suffix=".html") as page:
                support.client("--ping", "-c8", "-i10ms", "-W300ms", "--expect=stamp", "--clocks-agree",
                               "--report-html", page.name, reflector.endpoint())
                text = page.read().decode()
        row = r'<th scope="row">{}</th><td>1</td><td>{}</td><td>[0-9.]+ .?s</td>(<td>-?[0-9.]+ ms</td>){{3}}'
        for direction, duplicated in (("forward", 1), ("reverse", 0)):
            self.assertTrue(re.search(row.format(direction, duplicated), text), direction)


class Wrong(PingCase):
    def test_a_changed_byte_is_corrupt_and_ends_nothing(self):
        def change(data):
            changed.append(data)
            return data[:40] + bytes([data[40] ^ 1]) + data[41:] if len(changed) == 2 else data
        changed = []
        with datagrams.Echo(change) as echo:
            summary, events = self.ping("-c4", "-i10ms", "-W1s", echo.endpoint(), status=14)
        self.assertEqual([(e["seq"], e["status"]) for e in events],
                         [(1, "reply"), (2, "lost"), (3, "reply"), (4, "reply")])
        self.assertIn("byte 40 came back as", events[1]["message"])
        self.assertEqual(summary["probes"]["failures"], {"corrupt": 1})

    def test_a_datagram_that_was_cut_is_corrupt(self):
        with datagrams.Echo(lambda data: data[:30]) as echo:
            summary, _ = self.ping("-c1", echo.endpoint(), status=14)
        self.assertIn("has 30 bytes instead of 64", summary["error"]["message"])

    def test_what_no_echo_server_sends_is_corrupt_and_shown(self):
        with datagrams.Echo(lambda data: b"220 ready\r\n") as echo:
            summary, _ = self.ping("-c1", "-W200ms", echo.endpoint(), status=14)
        self.assertIn('"220 ready"', summary["error"]["message"])

    def test_upper_is_compared_as_upper(self):
        with datagrams.Echo(bytes.upper) as echo:
            self.ping("-c5", "-i0", "--expect=upper", echo.endpoint())
            self.ping("-c1", echo.endpoint(), status=14)


class Icmp(PingCase):
    HOST = "127.0.0.2"  # where neither another test nor the client itself gets the closed port

    def test_a_port_that_is_closed_is_refused_and_the_run_goes_on(self):
        summary, events = self.ping("-c3", "-i10ms", f"udp://{self.HOST}:{closed_port()}", status=4)
        self.assertEqual([(e["seq"], e["status"], e["result"]) for e in events],
                         [(n, "lost", "refused") for n in (1, 2, 3)])
        self.assertEqual(summary["error"]["phase"], "echo")
        self.assertIn(f"ICMP from {self.HOST}", summary["error"]["message"])
        self.assertEqual(summary["probes"]["failures"], {"refused": 3})

    def test_a_port_that_opens_again_answers_again(self):
        port = closed_port()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again, subprocess.Popen(
                [support.program("TLSECHO_CLIENT"), "--ping", "--json", "-v", "-i50ms",
                 f"udp://{self.HOST}:{port}"], stdout=subprocess.PIPE) as client:
            first = support.described(client.stdout.readline())
            self.assertEqual(first["result"], "refused")
            again.bind((self.HOST, port))
            for _ in range(2):
                data, source = again.recvfrom(100)
                again.sendto(data, source)
                while support.described(client.stdout.readline())["status"] != "reply":
                    pass
            client.send_signal(signal.SIGINT)
            summary = support.described(client.stdout.read().splitlines()[-1])
            self.assertEqual(client.wait(support.DEADLINE_S), 1)
        self.assertEqual(summary["probes"]["received"], 2)

    def test_a_name_without_an_address_is_dns(self):
        done = support.client("--ping", "-c1", "udp://no-such-host.invalid:7")
        self.assertEqual(done.status, 3, done.stderr)


class Stamp(PingCase):
    def stamp(self, reflector, *args, status=0):
        return self.ping("--expect=stamp", *args, reflector.endpoint(), status=status)

    def test_a_packet_is_as_the_rfc_has_it(self):
        with datagrams.Reflector() as reflector:
            self.stamp(reflector, "-c3", "-i0")
            for size in (44, 63, 1000):
                self.stamp(reflector, "-c1", f"-s{size}")
        sessions = [packet[14:16] for packet in reflector.seen]
        for number, packet in enumerate(reflector.seen[:3]):
            self.assertEqual(struct.unpack_from("!I", packet)[0], number)
            self.assertEqual(packet[12:14] + packet[16:44], b"\0\1" + bytes(28))
        self.assertEqual(len(set(sessions[:3])), 1)
        self.assertNotIn(bytes(2), sessions)
        record = b"tlse" + bytes(12)
        self.assertEqual([packet[44:] for packet in reflector.seen[2:]],
                         [b"\x80\xfd\0\x10" + record, b"", b"\x80\1\0\x0f" + bytes(15),
                          b"\x80\xfd\3\xb8" + record + bytes(936)])

    def test_a_record_tells_what_numbers_leave_open(self):
        """Probe 2 is lost forward, and the reply to the duplicate of probe 1."""
        for record, lost, duplicated in ((True, 1, 1), (False, 0, 0)):
            with self.subTest(record=record), \
                    datagrams.Reflector(record=record, lose=(1,)) as reflector, \
                    datagrams.Relay(reflector.address, there={1: (0, 0), 2: ()}) as between:
                summary, _ = self.stamp(between, "-c4", "-i20ms", "-W200ms", status=1)
                stamp = summary["stamp"]
                self.assertEqual((stamp["record"], stamp["forward"]["lost"],
                                  stamp["forward"]["duplicated"], stamp["reverse"]["lost"]),
                                 ("used" if record else "none", lost, duplicated, 1))

    def test_the_last_probe_waits_for_the_others_where_there_is_a_record(self):
        for record in (True, False):
            with self.subTest(record=record), datagrams.Reflector(record=record, unseen=(2,)) as reflector:
                summary, events = self.stamp(reflector, "-c3", "-i200ms", "-W500ms", status=1)
                self.assertEqual(summary["stamp"]["lost_somewhere"], 0)
                fates = [(event["seq"], event["status"]) for event in events]
                self.assertEqual(fates.index((2, "overdue")) < fates.index((3, "reply")), record)

    def test_what_follows_the_last_reply_is_waited_for_where_there_is_a_record(self):
        """The reply to a duplicate comes after it, within another round trip."""
        for record in (True, False):
            with self.subTest(record=record), \
                    datagrams.Reflector(record=record, twice=(1,), slow_s=(0.4, 0.2)) as reflector:
                summary, _ = self.stamp(reflector, "-c1")
                self.assertEqual(summary["stamp"]["forward"]["duplicated"], int(record))

    def test_a_record_that_cannot_be_is_not_used(self):
        def too_many(number, record):
            record[2] += 1000

        def miscounted(number, record):
            record[3] += number == 2

        def another(number, record):
            record[0] += number > 4

        def partly(number, record):
            record[0] *= number > 2

        for spoil, state, text in (
                (too_many, "contradictory", "its counts contradict each other or the replies"),
                (miscounted, "contradictory", "its counts contradict each other or the replies"),
                (another, "replaced", "the reflector began another one"),
                (partly, "partial", "only some of the replies have it")):
            with self.subTest(spoil.__name__), \
                    datagrams.Reflector(record=True, spoil=spoil, unseen=(3,), lose=(5,)) as reflector:
                done = support.client("--ping", "--expect=stamp", "--json", "-c9", "-i5ms", "-W200ms",
                                      reflector.endpoint())
                stamp = support.described(done.stdout)["stamp"]
                self.assertEqual((stamp["record"], stamp["forward"]["lost"], stamp["reverse"]["lost"]),
                                 (state, 1, 1))
            with datagrams.Reflector(record=True, spoil=spoil) as reflector:
                done = support.client("--ping", "--expect=stamp", "-c9", "-i0", reflector.endpoint())
                self.assertIn(f"note: the reflector's record of arrivals is not used: {text}\n",
                              done.stdout.decode())

    def test_a_reflector_may_know_no_tlvs(self):
        """It cuts them off, or has zeros in their place, as TWAMP has it (RFC 8762 section 4.6)."""
        for tail in (b"", bytes(20)):
            with self.subTest(tail), datagrams.Reflector(tail=tail, unseen=(2,)) as reflector:
                summary, _ = self.stamp(reflector, "-c4", "-i5ms", "-W200ms", status=1)
                stamp = summary["stamp"]
                self.assertEqual((stamp["record"], stamp["forward"]["lost"]), ("none", 1))
        with datagrams.Reflector(tail=b"") as reflector:
            self.stamp(reflector, "-c2", "-s65", "-W200ms", status=14)

    def test_loss_is_told_each_way(self):
        with datagrams.Reflector(unseen=(3, 7, 8), lose=(1, 9)) as reflector:
            summary, events = self.stamp(reflector, "-c20", "-i5ms", "-W200ms", status=1)
        stamp = summary["stamp"]
        self.assertEqual((stamp["forward"]["lost"], stamp["reverse"]["lost"],
                          stamp["lost_somewhere"]), (3, 2, 0))
        self.assertTrue(stamp["stateful"])
        self.assertEqual(summary["probes"]["lost"], 5)
        self.check_jitter(summary, events)

    def test_what_is_lost_after_the_last_reply_has_no_direction(self):
        with datagrams.Reflector(unseen=(5,), lose=(4,)) as reflector:
            summary, _ = self.stamp(reflector, "-c6", "-i5ms", "-W200ms", status=1)
        self.assertEqual(summary["stamp"]["lost_somewhere"], 2)

    def test_duplicates_are_told_each_way(self):
        with datagrams.Reflector(twice=(2,)) as reflector, \
                datagrams.Relay(reflector.address, back={5: (0, 0)}) as between:
            summary, _ = self.stamp(between, "-c10", "-i20ms")
        stamp = summary["stamp"]
        self.assertEqual((stamp["forward"]["duplicated"], stamp["reverse"]["duplicated"]), (1, 1))
        self.assertEqual(summary["probes"]["duplicated"], 2)

    def test_losses_are_not_hidden_by_duplicates_whose_replies_are_lost(self):
        """Of three requests the first arrives twice, of which one reply is lost, and the third never."""
        there = {n: (0, 0) if n % 3 == 1 else () for n in range(1, 13) if n % 3 != 2}
        with datagrams.Reflector(lose=range(1, 12, 3)) as reflector, \
                datagrams.Relay(reflector.address, there=there) as between:
            summary, _ = self.stamp(between, "-c14", "-i10ms", "-W200ms", status=1)
        stamp = summary["stamp"]
        self.assertEqual([stamp["forward"][name] for name in ("lost", "duplicated", "duplicated_max")],
                         [4, 4, 4])
        self.assertEqual([stamp["reverse"][name] for name in ("lost", "lost_probes", "duplicated")],
                         [4, 0, 0])
        self.assertEqual(stamp["lost_somewhere"], 0)
        with datagrams.Reflector(twice=(2,), lose=(2,)) as reflector:
            text = support.client("--ping", "--expect=stamp", "-c3", "-i5ms",
                                  reflector.endpoint()).stdout.decode()
        self.assertRegex(text, r"\nforward: 0 lost, 1 duplicated, .*\nreverse: 1 lost, 0 duplicated, .*\n"
                               r"note: 1 of the replies lost in reverse answered duplicates\n")

    def test_one_way_delay_only_on_request_and_by_both_clocks(self):
        for ahead_s in (0, 3600):
            with datagrams.Reflector(ahead_s=ahead_s) as reflector:
                summary, _ = self.stamp(reflector, "-c5", "-i5ms")
                self.assertNotIn("delay", summary["stamp"]["forward"])
                self.assertLess(summary["stamp"]["forward"]["jitter"], 1)
                summary, events = self.stamp(reflector, "-c5", "-i5ms", "--clocks-agree")
            forward, reverse = (summary["stamp"][way]["delay"] for way in ("forward", "reverse"))
            round_trip = statistics.mean(event["time"] for event in events)
            both = forward["mean"] + reverse["mean"]  # without the reflector's own time
            self.assertGreater(both, 0)
            self.assertLess(both, round_trip + 1e-5)
            self.assertLess(abs(forward["mean"] - ahead_s), round_trip + 1e-5)

    def test_a_reflector_without_a_clock_has_no_delay(self):
        for clock in (0, (1 << 64) - 1):
            with self.subTest(clock), datagrams.Reflector(clock=clock) as reflector:
                summary, _ = self.stamp(reflector, "-c5", "-i5ms", "--clocks-agree")
                for way in ("forward", "reverse"):
                    self.assertEqual(sorted(set(summary["stamp"][way]) & {"jitter", "delay"}), [])

    def test_a_stateless_reflector_is_not_called_stateful(self):
        with datagrams.Reflector(stateful=False, unseen=(3, 9)) as reflector:
            summary, _ = self.stamp(reflector, "-c6", "-i5ms", "-W200ms", status=1)
            self.assertFalse(summary["stamp"]["stateful"])
            text = support.client("--ping", "--expect=stamp", "-c6", "-i5ms", "-W200ms",
                                  reflector.endpoint()).stdout.decode()
        self.assertRegex(text, r"\nforward: 0 lost, 0 duplicated, jitter = [\d.]+ ms\n"
                               r"reverse: 1 lost, 0 duplicated, jitter = [\d.]+ ms\n"
                               r"note: the reflector's numbers are ours throughout; if it is stateless, "
                               r"the direction of the losses is unknown\n")

    def test_an_echo_is_no_reflector(self):
        with datagrams.Echo() as echo:
            summary, _ = self.stamp(echo, "-c1", "-W200ms", status=14)
            done = support.client("--ping", "--expect=stamp", "-c2", "-i0", "-W200ms", echo.endpoint())
        self.assertEqual(summary["result"], "corrupt")
        self.assertIn("leave out --expect stamp", done.stderr)
        self.assertNotIn("sends its bytes back", done.stderr)
        self.assertIn("direction unknown: 2 lost: no STAMP reply came\n", done.stdout.decode())


class Check(support.TestCase):
    def check(self, *args, status=0):
        done = support.client("--check", "--json", *args)
        self.assertEqual(done.status, status, (done.stdout, done.stderr))
        return support.described(done.stdout)

    def test_one_datagram_one_verdict(self):
        with datagrams.Echo() as echo:
            summary = self.check(echo.endpoint())
            self.assertEqual(len(echo.seen), 1)
            text = support.client("--check", echo.endpoint()).stdout.decode()
            nagios = support.client("--check", "--nagios", echo.endpoint())
        self.assertEqual((summary["bytes_sent"], summary["bytes_received"]), (64, 64))
        self.assertEqual(summary["transport"], "udp")
        self.assertIn("first_echo", summary["phases"])
        self.assertRegex(text, r"\Aok: udp://127.0.0.1:\d+ \(127.0.0.1:\d+\), every byte came back, ")
        self.assertEqual(nagios.status, 0)
        self.assertRegex(nagios.stdout.decode(), r"\ATLSECHO OK - udp://\S+ \(\S+\)\|time=[\d.]+s;;;0 "
                                                 r"dns=[\d.]+s;;;0 first_echo=[\d.]+s;;;0\n\Z")

    def test_each_failure_has_its_class(self):
        with datagrams.Echo(lambda data: None) as silent:
            summary = self.check("--idle-timeout=100ms", silent.endpoint(), status=6)
            self.assertIn("no answer within 0.1 s", summary["error"]["message"])
            ping = support.client("--ping", "-q", "-W5", "--idle-timeout=100ms", silent.endpoint())
            self.assertEqual(ping.status, 6)
            self.assertNotIn("--check", ping.stderr)  # which needs an answer, too
        summary = self.check(f"udp://127.0.0.1:{closed_port()}", status=4)
        self.assertEqual(summary["error"]["phase"], "echo")
        with datagrams.Echo(lambda data: data[:-1] + b"\0") as wrong:
            self.assertIn("byte 63", self.check(wrong.endpoint(), status=14)["error"]["message"])
        with datagrams.Echo(bytes.upper) as upper:
            self.check(upper.endpoint(), status=14)
            self.check("--expect=upper", upper.endpoint())
        nagios = support.client("--check", "--nagios", f"udp://127.0.0.1:{closed_port()}")
        self.assertEqual(nagios.status, 2)
        self.assertIn(b"TLSECHO CRITICAL - refused: ", nagios.stdout)


class Report(support.TestCase):
    """A listener with `service: report`, as docs/schema/report.json has it."""

    def answer(self, source, destination):
        return json.dumps({"schema": 1, "time": "2026-01-01T00:00:00.000Z", "server": "s",
                           "listener": "udp", "source": source, "destination": destination,
                           "datagram": {"bytes": 1200, "ttl": 61, "dscp": 0, "ecn": 3},
                           "transport": "udp"}).encode() + b"\n"

    def report(self, server, *args, status=0):
        done = support.client("--report", "--json", *args, server.endpoint())
        self.assertEqual(done.status, status, (done.stdout, done.stderr))
        return support.described(done.stdout)

    def test_both_views_are_compared(self):
        class Reporter(datagrams.Echo):
            def handle(self, which, data, source):
                self.seen.append(data)
                own, seen_from = ("{}:{}".format(*one) for one in (self.address, self.told or source))
                self.socket.sendto(test.answer(seen_from, own), source)
        test = self
        with Reporter() as server:
            server.told = None
            summary = self.report(server)
            self.assertEqual(len(server.seen[0]), 1200)
            self.assertEqual(summary["verdict"]["path"], "plain")
            self.assertEqual(summary["here"]["source"], summary["there"]["source"])
            server.told = "10.1.2.3", 4
            self.assertEqual(self.report(server)["verdict"]["path"], "relayed")
            text = support.client("--report", "--dscp=46", server.endpoint()).stdout.decode()
        self.assertIn("translated or relayed", text)
        self.assertEqual(summary["here"]["datagram"], {"ttl": 64, "dscp": 0, "ecn": 0})
        self.assertEqual((summary["verdict"]["datagram_dscp"], summary["verdict"]["datagram_ecn"]),
                         ("same", "different"))
        self.assertRegex(text, r"\nTTL +64 +61 +3 hops\nDSCP +46 +0 +different\n"
                               r"ECN +Not-ECT +CE +different\n")

    def test_what_is_no_report_is_corrupt_and_silence_a_timeout(self):
        with datagrams.Echo() as echo:
            self.report(echo, status=14)
        with datagrams.Echo(lambda data: None) as silent:
            self.report(silent, "--idle-timeout=100ms", status=6)


class Server(PingCase):
    """tlsecho-server at the other end."""

    def test_echo_upper_and_discard(self):
        server = self.server("""
listeners:
  - { listen: "udp://127.0.0.1:0", name: echo }
  - { listen: "udp://127.0.0.1:0", service: upper, name: upper }
  - { listen: "udp://127.0.0.1:0", service: discard, name: discard }
limits: { datagram_rate: 0 }
""")
        for size in ("1", "64", "1472", "65507"):
            with self.subTest(size=size):
                summary, events = self.ping(f"-s{size}", "-c30", "-i0", server.endpoint("echo"))
                self.check_jitter(summary, events)
        self.ping("-c5", "-i0", "--expect=upper", server.endpoint("upper"))
        self.assertEqual(support.client("--check", server.endpoint("echo")).status, 0)
        for args in (("-P4", server.endpoint("echo")),
                     ("--expect=none", server.endpoint("discard"))):
            done = support.client("--bench", "--json", "--rate=1000", "-n200", *args)
            summary = support.described(done.stdout)
            self.assertEqual((done.status, summary["messages"], summary["lost"]), (0, 200, 0))


    def run_disturbed(self, reflector, seed, count=240):
        """What the client and what the relay counted under loss, duplicates and reordering at once."""
        there, back = datagrams.disturb(seed, count, 2, 0.05)
        with datagrams.StampRelay(reflector, there, back, spared=count - 1) as between:
            summary, _ = self.ping("--expect=stamp", f"-c{count}", "-i2ms", "-W1s",
                                   between.endpoint(), status=1)
        return summary["stamp"], between.directions()

    def check_record(self, stamp, expected):
        """Every figure is that of the relay."""
        self.assertEqual({name: stamp[name] for name in ("record", "lost_somewhere")},
                         {"record": "used", "lost_somewhere": expected["lost_somewhere"]})
        for way in ("forward", "reverse"):
            figures = {name: stamp[way][name] for name in expected[way]}
            self.assertEqual(figures, expected[way], way)
            self.assertGreater(min(figures.values()), 0)

    def test_stamp_and_report(self):
        server = self.server("""
listeners:
  - { listen: "udp://127.0.0.1:0", service: stamp, name: stamp }
  - { listen: "udp://127.0.0.1:0", service: report, name: report }
limits: { datagram_rate: 0 }
""")
        for size in ("44", "48", "64", "1400"):
            with self.subTest(size=size):
                summary, events = self.ping("--expect=stamp", f"-s{size}", "-c20", "-i5ms",
                                            server.endpoint("stamp"))
                self.check_jitter(summary, events)
        host, port = server.address("stamp")
        with datagrams.Relay((host, port), there={4: (), 8: (0, 0)}, back={6: ()}) as between:
            summary, _ = self.ping("--expect=stamp", "-c20", "-i20ms", "-W300ms",
                                   between.endpoint(), status=1)
        stamp = summary["stamp"]
        self.assertEqual((stamp["forward"]["lost"], stamp["reverse"]["lost"], stamp["stateful"]),
                         (1, 1, True))
        self.assertEqual(stamp["forward"]["duplicated"], 1)
        with futures.ThreadPoolExecutor() as threads:
            runs = list(threads.map(lambda seed: self.run_disturbed((host, port), seed), range(3)))
        for stamp, expected in runs:
            self.check_record(stamp, expected)
        done = support.client("--report", "--json", server.endpoint("report"))
        summary = support.described(done.stdout)
        self.assertEqual((done.status, summary["verdict"]["path"]), (0, "plain"), done.stdout)


class Foreign(PingCase):
    """Echo services of other programs."""

    def check(self, *command):
        port = closed_port()
        words = [word.format(port=port) for word in command]
        peer = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            self.wait_until_open(port)
            summary, _ = self.ping("-c20", "-i0", "-s500", f"udp://127.0.0.1:{port}")
            self.assertEqual(summary["probes"]["received"], 20)
        finally:
            os.killpg(peer.pid, signal.SIGTERM)  # and what it has started for each client
            peer.wait()

    def wait_until_open(self, port):
        end = time.monotonic() + support.DEADLINE_S
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.connect(("127.0.0.1", port))
            one.settimeout(0.1)
            while time.monotonic() < end:
                try:
                    one.send(b"x")
                    one.recv(100)
                    return
                except OSError:  # refused, or no answer yet
                    pass
        self.fail(f"nothing answers on UDP port {port}")

    @support.requires("socat")
    def test_socat(self):
        self.check("socat", "UDP4-RECVFROM:{port},bind=127.0.0.1,fork", "PIPE")

    @support.requires("ncat")
    def test_ncat(self):
        self.check("ncat", "-u", "-l", "-k", "-e", "/bin/cat", "127.0.0.1", "{port}")


class Usage(support.TestCase):
    def refused(self, *args, remedy):
        done = support.client(*args)
        self.assertEqual(done.status, 2, done.stderr)
        self.assertIn(remedy, done.stderr)

    def test_what_udp_cannot_do_is_refused_with_a_remedy(self):
        udp = "udp://127.0.0.1:7007"
        self.refused(udp, remedy="a pipe needs a stream")
        self.refused("--show-certs", udp, remedy="needs TLS")
        self.refused("--tls", "--ping", udp, remedy="--tls cannot be used with udp://")
        self.refused("--ping", "--proxy-protocol=1", udp, remedy="leave it out")
        self.refused("--ping", "-s65508", udp, remedy="at most 65507")
        self.refused("--ping", "-s0", udp, remedy="at least one byte")
        self.refused("--ping", "-Mdo", "tcp://127.0.0.1", remedy="give udp://HOST:PORT")
        self.refused("--ping", "-Mdont", udp, remedy="give do or want")
        self.refused("--ping", "--expect=stamp", "tcp://127.0.0.1", remedy="udp://HOST:PORT")
        self.refused("--ping", "--expect=stamp", "-s47", udp, remedy="44 bytes, or 48 and more")
        self.refused("--ping", "--clocks-agree", udp, remedy="--expect stamp")
        self.refused("--check", "--expect=none", udp, remedy="must be echo or upper")
        self.refused("--report", "--expect-direct", udp, remedy="needs TLS")
        self.refused("--ping", "--expect=none", udp, remedy="echo, upper or stamp")


if __name__ == "__main__":
    unittest.main()
