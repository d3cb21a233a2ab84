# SPDX-License-Identifier: MIT
"""tlsecho-client --check and --nagios: one verdict; and the JSON schema of the client."""

import copy
import itertools
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
import unittest

import certificates
import schema
import stub_server
import support
from stub_server import StubServer, OpenSsl, server_context

PKI = support.pki()
CA = ("--cacert", PKI / "ca.pem")
# The text after the '|': 'label'=value[UOM];[warn];[crit];[min];[max], separated by blanks.
PERFORMANCE = re.compile(r"^(\w+=-?[\d.]+(s|%|B|c)?(;[\d.:@~-]*){0,4}( |$))+$")


HELLO = support.LISTENERS + """  - { listen: "tls://127.0.0.1:0", name: hello, service: hello }
identity: { name: web-1, env: [ PATH ] }
""" + support.PROFILE


class CheckCase(support.TestCase):
    def check(self, *args, status=0):
        """Returns the JSON object; the text output must agree with it."""
        done = support.client("--check", "--json", *args)
        summary = done.summary()
        self.assertEqual(done.status, status, (done.stdout, done.stderr))
        words = support.client("--check", *args)
        self.assertEqual(words.status, status, words.stderr)
        if status:
            self.assertEqual(words.stdout, b"")
            phase = summary["error"]["phase"]
            self.assertIn("tlsecho-client: " + ("--" if phase == "options" else phase), words.stderr)
        else:
            self.assertRegex(words.stdout, rb"\A(ok|warning): .* ms\n\Z")
        return summary

    def nagios(self, status, word, *args):
        """The text before the '|'."""
        done = support.client("--check", "--nagios", *args)
        self.assertEqual(done.status, status, (done.stdout, done.stderr))
        text = done.stdout.decode()
        self.assertEqual(text.count("\n"), 1, text)
        self.assertTrue(text.startswith(f"TLSECHO {word} - "), text)
        line, bar, performance = text.rstrip("\n").partition("|")
        self.assertEqual(bool(bar), status != 3)
        if bar:
            self.assertRegex(performance, PERFORMANCE)
        return line, performance

    def echo(self):
        return self.server(support.EVERYTHING)


class Verdict(CheckCase):
    def test_an_echo_server_is_ok_and_a_few_bytes_were_there_and_back(self):
        server = self.echo()
        for which, args in (("tcp", ()), ("unix", ()), ("tls", CA)):
            with self.subTest(which):
                summary = self.check(*args, server.endpoint(which))
                self.assertEqual((summary["bytes_sent"], summary["bytes_received"]), (64, 64))
                self.assertEqual("expiry" in summary, which == "tls")
        self.assertEqual(set(summary["phases"]), {"dns", "connect", "handshake", "first_echo"})
        self.assertEqual(support.client("--check", "-q", server.endpoint("tcp")).stdout, b"")

    def test_what_is_wrong_has_its_class(self):
        with socket.socket() as bound:
            bound.bind(("127.0.0.1", 0))
            self.check("127.0.0.1", bound.getsockname()[1], status=4)
        for name, status in (("expired", 10), ("wrong-host", 9), ("self-signed", 8)):
            with self.subTest(name), StubServer(stub_server.echo, server_context(name)) as stub:
                summary = self.check(*CA, stub.endpoint(), status=status)
                self.assertEqual(summary["error"]["phase"], "handshake")
        with StubServer(lambda c: c.sendall(c.recv(64).swapcase() + b"!")) as stub:
            self.assertIn("byte ", self.check(stub.endpoint(), status=14)["error"]["message"])
        with StubServer(lambda c: c.recv(64)) as stub:
            self.check(stub.endpoint(), status=13)
        with StubServer(stub_server.discard) as stub:
            self.check("--idle-timeout=100ms", stub.endpoint(), status=6)
        self.check("x" * 64 + ".invalid", status=3)
        self.check("--cacert=/nonexistent", "tls://127.0.0.1:1", status=2)

    def test_with_expect_none_nothing_is_sent_and_any_tls_server_is_ok(self):
        seen = []
        with StubServer(lambda c: (seen.extend(stub_server.received(c)), stub_server.finish(c)),
                    server_context()) as stub:
            summary = self.check("--expect=none", *CA, stub.endpoint())
        self.assertEqual((seen, summary["bytes_sent"]), ([], 0))
        with StubServer(lambda c: (c.sendall(b"220 hello\r\n"), stub_server.discard(c)),
                    server_context()) as stub:
            self.check("--expect=none", *CA, stub.endpoint())
        with StubServer(stub_server.discard, server_context()) as stub:
            shown = support.client("--check", "--expect=none", *CA, stub.endpoint()).stdout
            self.assertIn(b", nothing sent, ended without close_notify, ", shown)

    def test_the_bytes_are_a_line_of_text_which_some_peers_wait_for(self):
        def echo_lines(connection):
            data = b""
            while not data.endswith(b"\n"):
                data += connection.recv(100)
            connection.sendall(data)
            stub_server.finish(connection)
            self.assertRegex(data, rb"\A[a-z]+\n\Z")

        with StubServer(echo_lines) as stub:
            self.check(stub.endpoint())

    def test_a_server_that_does_not_close_is_ok(self):
        hold = threading.Event()
        with StubServer(lambda _: hold.wait(support.DEADLINE_S), server_context()) as stub:
            self.check("--expect=none", "--idle-timeout=200ms", *CA, stub.endpoint())
            hold.set()

    def test_a_server_that_never_stops_sending_is_ok(self):
        def endless(connection):
            while True:
                connection.sendall(b"x" * 1000)

        for context in None, server_context():
            with self.subTest(context), StubServer(endless, context) as stub:
                summary = self.check("--expect=none", "--idle-timeout=1m", *CA, stub.endpoint()) \
                    if context else self.check("--expect=none", "--idle-timeout=1m", stub.endpoint())
                self.assertLess(summary["duration"], 1.5 * support.PATIENCE)
                self.assertGreater(summary["bytes_received"], 0)

    def test_the_idle_timeout_covers_the_whole_echo(self):
        stop = threading.Event()

        def trickle(connection):
            for byte in connection.recv(64):
                connection.sendall(bytes([byte]))
                if stop.wait(0.1):
                    return

        with StubServer(trickle) as stub:
            summary = self.check("--idle-timeout=500ms", stub.endpoint(), status=6)
            stop.set()
        self.assertRegex(summary["error"]["message"], r"\Athe server was still sending after 0\.5 s, "
                                                      r"with \d+ bytes missing; ")
        self.assertGreater(summary["bytes_received"], 0)
        self.assertLess(summary["duration"], 2 * support.PATIENCE)

    @support.requires("openssl")
    def test_a_refused_client_certificate_is_found_even_if_nothing_is_sent(self):
        for version in ("-tls1_2", "-tls1_3"):
            with self.subTest(version), OpenSsl("-Verify", "1", "-verify_return_error", "-CAfile",
                                                PKI / "ca.pem", version) as stub:
                summary = self.check("--expect=none", *CA, stub.endpoint(), status=11)
                self.assertEqual(summary["result"], "client-certificate")
        server = self.server(support.LISTENERS + support.PROFILE +
                             '    client_auth: required\n    client_ca: "{pki}/ca.pem"\n')
        self.check("--expect=none", *CA, server.endpoint("tls"), status=11)
        self.check("--expect=none", *CA, "--cert", PKI / "client.pem", "--key", PKI / "client.key",
                   server.endpoint("tls"))


class Expiry(CheckCase):
    def test_the_certificate_that_ends_first_decides(self):
        server = self.echo()
        summary = self.check(*CA, server.endpoint("tls"))
        ends = [certificate["not_after"] for certificate in summary["tls"]["chain"]]
        ends.append(certificates.not_after("ca"))  # the anchor ends too
        self.assertEqual(summary["expiry"]["not_after"], min(ends))
        days = summary["expiry"]["days"]
        self.assertGreater(days, 0)
        at = server.endpoint("tls")
        self.assertIs(self.check(*CA, "--expiry-warn", days, at)["warning"], False)
        self.assertIs(self.check(*CA, "--expiry-warn", days + 1, at)["warning"], True)
        self.assertIs(self.check(*CA, "--expiry-crit", days, at)["warning"], False)
        summary = self.check(*CA, "--expiry-crit", days + 1, at, status=10)
        self.assertRegex(summary["error"]["message"], rf"expires in {days} days, on .*--expiry-crit")

    def test_one_that_has_ended_counts_backwards(self):
        with StubServer(stub_server.echo, server_context("expired")) as stub:
            summary = self.check(*CA, "--insecure", stub.endpoint())
            self.assertLess(summary["expiry"]["days"], -1000)
            self.check(*CA, "--insecure", "--expiry-crit=1", stub.endpoint(), status=10)

    def test_limits_are_days_and_make_sense_together(self):
        for says, args in (("is not a number from 0 to 36500", ("--expiry-warn=soon", "tls://h")),
                           ("give it more days", ("--expiry-warn=7", "--expiry-crit=8", "tls://h")),
                           ("needs TLS", ("--expiry-warn=7", "h"))):
            done = support.client("--check", *args)
            self.assertEqual((done.status, done.stdout), (2, b""))
            self.assertIn(says, done.stderr)


class Nagios(CheckCase):
    def test_ok_warning_critical_and_unknown(self):
        at = self.echo().endpoint("tls")
        line, performance = self.nagios(0, "OK", *CA, at)
        self.assertIn(f"{at} ({at[6:]}), TLSv1.3, ", line)
        self.assertRegex(performance, r"^time=[\d.]+s;;;0 dns=[\d.]+s;;;0 connect=.* handshake=.* "
                                      r"first_echo=[\d.]+s;;;0 certificate_days=\d+;;$")
        _, performance = self.nagios(1, "WARNING", *CA, "--expiry-warn=9999", "--expiry-crit=1", at)
        self.assertRegex(performance, r" certificate_days=\d+;9999:;1:$")
        line, _ = self.nagios(2, "CRITICAL", *CA, "--expiry-crit=9999", at)
        self.assertIn("expired: handshake: ", line)
        self.nagios(2, "CRITICAL", at)
        line, _ = self.nagios(2, "CRITICAL", "x" * 64 + ".invalid")
        self.assertIn("CRITICAL - dns: look up ", line)
        self.nagios(3, "UNKNOWN", "--cacert=/nonexistent", at)

    def test_what_this_host_lacks_is_unknown(self):
        """Plug-in guidelines: a low-level failure internal to the plug-in, such as no socket."""
        if support.has_sanitizer("TLSECHO_CLIENT") or support.PATIENCE > 1:
            self.skipTest("a sanitizer and Memcheck need descriptors of their own")
        script = 'ulimit -n 4 && exec "$@"'  # one that the loader needs
        done = support.run("sh", "-c", script, "sh", support.program("TLSECHO_CLIENT"), "--check", "--nagios",
                           self.echo().endpoint("tcp"))
        self.assertEqual(done.status, 3, done)
        self.assertTrue(done.stdout.startswith(b"TLSECHO UNKNOWN - local-io: "), done.stdout)

    def test_a_wrong_command_line_is_unknown(self):
        for args in (("--nonsense", "h"), (), ("-i3", "h"), ("--json", "h")):
            line, _ = self.nagios(3, "UNKNOWN", *args)
            self.assertIn(args[0] if args else "HOST", line.replace("--interval", "-i3"))
        done = support.client("--nagios", "h")  # without --check
        self.assertEqual((done.status, done.stderr), (3, ""))

    def test_a_bar_in_a_message_does_not_begin_the_performance_data(self):
        line, _ = self.nagios(2, "CRITICAL", f"unix://{PKI}/a|b|c")
        self.assertIn("/a/b/c", line)

    def test_a_plain_connection_has_no_days(self):
        _, performance = self.nagios(0, "OK", self.echo().endpoint("tcp"))
        self.assertNotIn("days", performance)


def greeter(*names, first=None):
    """Answers as one of several servers after the other, each of which says its name. `first` may deal
    with a connection instead, and returns whether it did."""
    number = itertools.count()

    def handler(connection):
        i = next(number)
        if first and first(i, connection):
            return
        identity = json.dumps(names[i % len(names)])
        connection.sendall(b'{"schema":1,"identity":%s}\n' % identity.encode())
        stub_server.echo(connection)

    return handler


class Series(CheckCase):
    """--count: several connections in a row."""

    def series(self, *args, status=0):
        done = support.client("--check", "--json", *args)
        self.assertEqual(done.status, status, (done.stdout, done.stderr))
        return done.summary()

    def test_a_session_is_resumed_by_all_but_the_first(self):
        running = self.server(HELLO)
        for args, more in (("tls",), ()), (("hello", "--expect=hello"), ("--tls-max=1.2",)), \
                (("hello", "--expect=none"), ()):
            which, *expect = args
            summary = self.series("-c4", "--resume", *expect, *more, *CA, running.endpoint(which))
            self.assertEqual((summary["connections"], summary["resumed"], summary["failures"]), (4, 3, {}))
            self.assertEqual([c["handshakes"] for c in summary["certificates"]], [1])
            self.assertEqual([i["resumed"] for i in summary.get("instances", ())],
                             [3] if "--expect=hello" in expect else [])
            self.assertEqual(summary["bytes_sent"], 0 if "--expect=none" in expect else 4 * 64)
        self.assertIn("expiry", summary)
        summary = self.series("-c3", "--expect=hello", *CA, running.endpoint("hello"))
        self.assertEqual(summary["instances"], [{"identity": f"web-1 (PATH={os.environ['PATH']})",
                                                 "connections": 3, "resumed": 0}])
        self.assertEqual([c["handshakes"] for c in summary["certificates"]], [3])
        self.assertNotIn("resumed", summary)
        self.assertEqual(self.series("-c2", running.endpoint("tcp"))["connections"], 2)

    def test_instances_and_certificates_are_told_apart(self):
        other, numbers = server_context("server-rsa"), itertools.count()
        context = server_context()

        def choose(connection, name, ours):
            connection.context = (ours, other)[next(numbers) % 2]

        context.sni_callback = choose
        names = {"name": "a", "env": {"POD_NAME": "x|\u202e"}}, {"name": "b"}, {"name": "a"}
        with StubServer(greeter(*names), context) as stub:
            args = ("-c6", "--expect=hello", *CA, "--connect-to", stub.endpoint()[6:], "tls://localhost")
            summary = self.series(*args)
            text = support.client("--check", *args).stdout.decode()
            line, performance = self.nagios(0, "OK", *args)
        self.assertEqual({(i["identity"], i["connections"]) for i in summary["instances"]},
                         {("a (POD_NAME=x|\\u202e)", 2), ("b", 2), ("a", 2)})
        self.assertEqual([c["handshakes"] for c in summary["certificates"]], [3, 3])
        says = ", 6 connections, 3 instances (a (POD_NAME=x/\\u202e): 2, b: 2, a: 2), 2 certificates"
        self.assertIn(says + ", every byte came back, ", text)
        self.assertIn(says, line)
        self.assertIn(" connections=6;;;0 failed=0;;;0 instances=3;;;0 certificates=2;;;0 ", performance)

    def test_many_instances_are_counted_and_the_first_are_listed(self):
        with StubServer(greeter(*({"name": f"web-{i}"} for i in range(12)))) as stub:
            text = support.client("--check", "-c12", "--expect=hello", stub.endpoint()).stdout.decode()
        self.assertIn(", 12 instances (web-0: 1, web-1: 1, ", text)
        self.assertIn(", web-7: 1, and 4 more), ", text)

    def test_without_a_resumed_session_it_fails_as_handshake(self):
        context = server_context()
        context.num_tickets = 0
        with StubServer(stub_server.echo, context) as stub:
            summary = self.series("-c3", "--resume", *CA, stub.endpoint(), status=7)
            self.assertEqual((summary["resumed"], summary["failures"]), (0, {}))
            self.assertIn("none of 3 connections resumed a session", summary["error"]["message"])
            self.nagios(2, "CRITICAL", "-c3", "--resume", *CA, stub.endpoint())

    def test_what_fails_in_the_middle_is_counted_and_the_rest_goes_on(self):
        came = []

        def first(i, connection):
            came.append(time.monotonic())
            if i % 4 == 1:
                connection.recv(64)
            return i % 4 == 1

        for args, context in ((), None), (("--resume", *CA), server_context()):
            with StubServer(greeter({"name": "a"}, {"name": "b"}, first=first), context) as stub:
                args = ("-c4", "--expect=hello", *args, stub.endpoint())
                summary = self.series(*args, status=13)
                self.assertGreaterEqual(summary["duration"], came[-1] - came[-4])
                done = support.client("--check", *args)
                self.nagios(2, "CRITICAL", *args)
            self.assertEqual((summary["connections"], summary["failures"]), (4, {"truncated": 1}))
            self.assertEqual([(i["identity"], i["connections"]) for i in summary["instances"]],
                             [("a", 2), ("b", 1)])
            self.assertTrue(summary["error"]["message"].startswith("connection 2: "))
            self.assertIn(b", 4 connections, 1 failed (truncated 1), ", done.stdout)
            self.assertTrue(done.stdout.startswith(b"failed: "))
            self.assertIn("echo: connection 2: the server closed the connection", done.stderr)
        self.assertEqual(summary["resumed"], 2)

    def test_the_exit_status_is_that_of_the_first_failure(self):
        truncated, corrupt = lambda c: c.recv(64), lambda c: c.sendall(c.recv(64).swapcase())
        for first, second, status in (truncated, corrupt, 13), (corrupt, truncated, 14):
            turns = iter([stub_server.echo, first, second])
            with StubServer(lambda c, turns=turns: next(turns)(c)) as stub:
                summary = self.series("-c3", stub.endpoint(), status=status)
            self.assertEqual(summary["failures"], {"truncated": 1, "corrupt": 1})
            self.assertTrue(summary["error"]["message"].startswith("connection 2: "))

    def test_what_cannot_change_is_tried_once(self):
        summary = self.series("-c3", "x" * 64 + ".invalid", status=3)
        self.assertEqual((summary["connections"], summary["failures"]), (1, {"dns": 1}))
        self.assertTrue(summary["error"]["message"].startswith("look up"))
        with socket.socket() as bound:
            bound.bind(("127.0.0.1", 0))
            summary = self.series("-c3", "127.0.0.1", bound.getsockname()[1], status=4)
        self.assertEqual(summary["failures"], {"refused": 3})

    def test_an_interrupt_ends_it_with_what_was_seen(self):
        held = threading.Event()

        def first(i, connection):
            if i == 2:
                held.set()
                stub_server.discard(connection)
            return i == 2

        with StubServer(greeter({"name": "a"}, first=first)) as stub:
            process = subprocess.Popen([support.program("TLSECHO_CLIENT"), "--check", "--json", "-c9",
                                        "--expect=hello", stub.endpoint()], stdout=subprocess.PIPE,
                                       env=support.environment())
            self.assertTrue(held.wait(support.DEADLINE_S))
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=support.DEADLINE_S)
        summary = support.described(out)
        self.assertEqual((process.returncode, summary["connections"], summary["interrupted"],
                          summary["failures"]), (0, 2, True, {}))

    def test_a_hello_line_that_names_nobody_is_corrupt(self):
        for identity in None, 7, {}, {"name": ""}, {"name": 7}, {"env": {"A": "b"}}:
            with StubServer(greeter(identity)) as stub:
                summary = self.series("-c2", "--expect=hello", stub.endpoint(), status=14)
            self.assertEqual(summary["failures"], {"corrupt": 2})
            self.assertIn("does not say which server answered", summary["error"]["message"])

    def test_what_makes_no_sense_is_refused_with_a_remedy(self):
        for args, says in ((("-c1", "--resume", "tls://h"), "give 2 or more"),
                           (("-c3", "--resume=f", "tls://h"), "leave out the file with --count"),
                           (("--resume", "tls://h"), "--resume=FILE, or --count N"),
                           (("-c3", "udp://h"), "use --ping"), (("-c0", "h"), "is not a number"),
                           (("-c3", "--resume", "h"), "--resume needs TLS")):
            done = support.client("--check", *args)
            self.assertEqual((done.status, done.stdout), (2, b""))
            self.assertIn(says, done.stderr)


class Schema(CheckCase):
    """Tests that the schema, against which every summary is checked, refuses what it should."""

    def test_it_refuses_wrong_values(self):
        rules = schema.load("client.schema")
        good = support.client("--check", "--json", *CA, self.echo().endpoint("tls")).summary()
        self.assertEqual(schema.faults(good, rules), [])
        bad = support.client("--check", "--json", "tls://127.0.0.1:1").summary()
        for base, path, value in ((good, "exit", 1), (good, "result", "fine"), (good, "new", 1),
                                  (good, "schema", 2), (good, "bytes_sent", -1),
                                  (good, "duration", "1"), (good, "mode", "pong"),
                                  (good, "error", {"phase": "echo", "message": "x"}),
                                  (good, "probes", {}), (good, "close_notify", True),
                                  (bad, "exit", 0), (bad, "result", "ok")):
            with self.subTest(path, value=value):
                self.assertTrue(schema.faults({**base, path: value}, rules))
        for name in ("schema", "mode", "result", "exit", "phases", "warning"):
            with self.subTest(name):
                less = copy.deepcopy(good)
                del less[name]
                self.assertTrue(schema.faults(less, rules))
        less = copy.deepcopy(bad)
        del less["error"]["phase"]
        self.assertTrue(schema.faults(less, rules))

    def test_every_word_of_the_client_is_in_it_and_no_other(self):
        client_md = (support.REPOSITORY / "docs" / "client.md").read_text()
        words = re.findall(r"^\| \d+ \| ([a-z-]+) \|", client_md, re.M)
        text = json.loads((support.REPOSITORY / "docs/schema/client.schema.json").read_text())
        self.assertEqual(text["$defs"]["word"]["enum"], words)


if __name__ == "__main__":
    unittest.main()
