# SPDX-License-Identifier: MIT
"""The prompt of tlsecho-client, on a pseudo-terminal."""

import os
import pty
import select
import socket
import termios
import threading
import time
import unittest

import datagrams
import proc
import stub_server
import support
from stub_server import StubServer, server_context

UP, INTERRUPT, END = b"\x1b[A", b"\x03", b"\x04"


class Terminal:
    """A client on a pseudo-terminal."""

    def __init__(self, *args, locale="C.UTF-8"):
        program = support.program("TLSECHO_CLIENT")
        environment = support.environment(TERM="vt100", LC_ALL=locale)
        self.seen = b""
        self.pid, self.keyboard = pty.fork()
        if self.pid == 0:
            os.execve(program, [program, *map(str, args)], environment)

    def type(self, keys):
        os.write(self.keyboard, keys)

    def read(self, end):
        """Reads output; False once the client has closed the terminal."""
        ready, _, _ = select.select([self.keyboard], [], [], max(0, end - time.monotonic()))
        if not ready:
            raise AssertionError(f"nothing more on the screen than {self.seen!r}")
        try:
            self.seen += os.read(self.keyboard, 4096)
        except OSError:  # EIO: the other side is closed
            return False
        return True

    def wait_for(self, text):
        """Waits until the text is printed, and discards everything up to it."""
        end = time.monotonic() + support.DEADLINE_S
        while text not in self.seen:
            if not self.read(end):
                raise AssertionError(f"ended without {text!r} after {self.seen!r}")
        before, _, self.seen = self.seen.partition(text)
        return before

    def wait_for_line_editor(self):
        """Waits until the terminal is in raw mode, so that it does not echo what is typed."""
        proc.wait_until(lambda: not termios.tcgetattr(self.keyboard)[3] & termios.ICANON,
                        "no line editor")

    def prompt(self):
        self.wait_for(b"> ")
        self.wait_for_line_editor()

    def status(self):
        end = time.monotonic() + support.DEADLINE_S
        while self.read(end):
            pass
        _, status = os.waitpid(self.pid, 0)
        os.close(self.keyboard)
        return os.waitstatus_to_exitcode(status)


class Lines:
    """A handler that echoes, and records what it received."""

    def __init__(self):
        self.data = b""

    def __call__(self, connection):
        for piece in stub_server.received(connection):
            self.data += piece
            connection.sendall(piece)
        stub_server.finish(connection)


class Prompt(unittest.TestCase):
    def test_a_line_goes_out_and_its_echo_is_shown(self):
        for context in (None, server_context()):
            lines = Lines()
            with self.subTest(context), StubServer(lines, context) as stub:
                terminal = Terminal(*(("-kq",) if context else ()), stub.endpoint())
                terminal.prompt()
                terminal.type(b"hello\n")
                terminal.wait_for(b"hello\r\n")  # as typed
                terminal.wait_for(b"hello\r\n")  # as echoed
                terminal.prompt()
                terminal.type(END)
                self.assertEqual(terminal.status(), 0)
                self.assertEqual(lines.data, b"hello\n")

    def sent(self, keys, locale="C.UTF-8"):
        """Returns what the server received after this was typed."""
        lines = Lines()
        with StubServer(lines) as stub:
            terminal = Terminal(stub.endpoint(), locale=locale)
            terminal.prompt()
            for at in range(0, len(keys), 512):
                terminal.type(keys[at:at + 512])
            terminal.wait_for(b"\n> ")  # the whole echo is printed
            terminal.wait_for_line_editor()
            terminal.type(END)
            self.assertEqual(terminal.status(), 0)
        return lines.data

    def test_bytes_typed_in_any_locale_are_sent(self):
        text = "gr\u00fc\u00dfe \u20ac \U0001f600\tb\n".encode()
        latin = "gr\u00fc\u00dfe\n".encode("latin-1")  # malformed UTF-8
        for locale in ("C", "POSIX", "C.UTF-8", "", "no_SUCH.locale"):
            with self.subTest(locale):
                self.assertEqual(self.sent(text, locale), text)
                self.assertEqual(self.sent(latin, locale), latin)
                self.assertEqual(self.sent(b"\xc2\x9b\xff\n", locale), b"\xc2\x9b\xff\n")

    def test_a_control_byte_is_sent_behind_ctrl_v(self):
        self.assertEqual(self.sent(b"a\x16\x1bb\x16\x01c\x16\x00d\n"), b"a\x1bb\x01c\x00d\n")

    def test_a_character_of_several_bytes_is_edited_as_one(self):
        self.assertEqual(self.sent("a\u20ac\x7fb\u00fc\x02\x04c\n".encode()), b"abc\n")

    def test_a_long_line_is_sent_completely(self):
        line = b"0123456789abcdef" * 300 + b"\n"
        self.assertEqual(self.sent(line), line)

    def test_what_was_not_typed_commands_no_terminal(self):
        for data, shown in ((b"\x1b]0;owned\x07\x1b[2Jx\n", b"\\x1b]0;owned\\x07\\x1b[2Jx"),
                            ("\x9b2J\u202e\u2028\n".encode(), b"\\u009b2J\\u202e\\u2028"),
                            (b"\xe2\x82", b"\\xe2\\x82")):
            for args, status in (((), 14), (("--expect=none",), 0)):
                with self.subTest(data, args=args), \
                        StubServer(lambda c, data=data: (c.sendall(data), stub_server.finish(c))) as stub:
                    terminal = Terminal(*args, stub.endpoint())
                    terminal.wait_for(shown)
                    self.assertEqual(terminal.status(), status)
                    self.assertNotIn(b"\x1b]0", terminal.seen)

    def test_an_empty_line_is_not_sent(self):
        lines = Lines()
        with StubServer(lines) as stub:
            terminal = Terminal(stub.endpoint())
            for keys in (b"\n", b"\n", b"x\n"):
                terminal.prompt()
                terminal.type(keys)
            terminal.wait_for(b"x\r\nx\r\n")
            terminal.prompt()
            terminal.type(END)
            self.assertEqual(terminal.status(), 0)
            self.assertEqual(lines.data, b"x\n")

    def test_arrow_up_brings_back_a_line_and_it_can_be_edited(self):
        lines = Lines()
        with StubServer(lines) as stub:
            terminal = Terminal(stub.endpoint())
            terminal.prompt()
            terminal.type(b"first\n")
            terminal.wait_for(b"first\r\nfirst\r\n")
            terminal.prompt()
            terminal.type(UP + b"\x7f!\n")  # deletes the last character
            terminal.wait_for(b"firs!\r\n")
            terminal.prompt()
            terminal.type(END)
            self.assertEqual(terminal.status(), 0)
            self.assertEqual(lines.data, b"first\nfirs!\n")

    def test_multibyte_characters_are_not_split(self):
        lines = Lines()
        with StubServer(lines) as stub:
            terminal = Terminal(stub.endpoint())
            terminal.prompt()
            terminal.type("grün €\n".encode())
            terminal.wait_for("grün €\r\n".encode())
            terminal.prompt()
            terminal.type(END)
            self.assertEqual(terminal.status(), 0)
            self.assertEqual(lines.data, "grün €\n".encode())

    def test_an_interrupt_ends_by_what_was_measured(self):
        with StubServer(stub_server.echo) as stub:
            terminal = Terminal("-v", stub.endpoint())
            terminal.prompt()
            terminal.type(b"x\n")
            terminal.wait_for(b"x\r\nx\r\n")
            terminal.prompt()
            terminal.type(INTERRUPT)
            terminal.wait_for(b"sent 2 bytes, received 2 bytes")
            self.assertEqual(terminal.status(), 0)

    def test_an_interrupt_while_an_echo_is_awaited_is_a_timeout(self):
        got = threading.Event()

        def silent(connection):
            for _ in stub_server.received(connection):
                got.set()

        with StubServer(silent) as stub:
            terminal = Terminal(stub.endpoint())
            terminal.prompt()
            terminal.type(b"x\n")
            self.assertTrue(got.wait(support.DEADLINE_S))
            terminal.type(INTERRUPT)
            terminal.wait_for(b"interrupted with 2 of 2 bytes missing")
            self.assertEqual(terminal.status(), 6)

    def test_an_interrupt_with_nothing_outstanding_is_ok(self):
        with StubServer(stub_server.echo) as stub:
            terminal = Terminal("--json", stub.endpoint())
            terminal.prompt()
            terminal.type(INTERRUPT)
            terminal.wait_for(b'"result":"ok","exit":0,"interrupted":true')
            self.assertEqual(terminal.status(), 0)

    def test_a_server_without_an_echo_leaves_the_prompt_usable(self):
        lines = Lines()
        speak = threading.Event()

        def late(connection):
            connection.setblocking(True)
            while lines.data.count(b"\n") < 2:
                lines.data += connection.recv(99)
            speak.wait(support.DEADLINE_S)
            connection.sendall(lines.data)
            stub_server.discard(connection)

        with StubServer(late) as stub:
            terminal = Terminal(stub.endpoint())
            terminal.prompt()
            for line in (b"x\n", b"y\n"):
                terminal.type(line)
                terminal.wait_for(b"no echo yet; press Ctrl-C to stop; if it is not an echo server, "
                                  b"use --expect none")
                terminal.prompt()
            speak.set()
            terminal.wait_for(b"x\r\ny\r\n")
            terminal.type(END)
            self.assertEqual(terminal.status(), 0)

    def test_ctrl_d_ends_where_an_echo_is_missing(self):
        with StubServer(stub_server.discard) as stub:
            terminal = Terminal(stub.endpoint())
            terminal.prompt()
            terminal.type(b"x\n")
            terminal.wait_for(b"no echo yet")
            terminal.prompt()
            terminal.type(END)
            terminal.wait_for(b"closed the connection with 2 of 2 bytes missing")
            self.assertEqual(terminal.status(), 13)

    def test_ctrl_d_typed_while_an_echo_is_awaited_ends_the_input(self):
        received = threading.Event()

        def take(connection):
            for _ in stub_server.received(connection):
                received.set()
            stub_server.finish(connection)
        with StubServer(take) as stub:
            terminal = Terminal(stub.endpoint())
            terminal.prompt()
            terminal.type(b"hello\n")
            self.assertTrue(received.wait(support.DEADLINE_S))
            terminal.type(END)
            self.assertEqual(terminal.status(), 13)

    def test_a_server_that_does_not_close_is_reported(self):
        leave = threading.Event()
        with StubServer(lambda c: leave.wait(support.DEADLINE_S)) as stub:
            terminal = Terminal(stub.endpoint())
            terminal.prompt()
            terminal.type(END)
            terminal.wait_for(b"the server has not closed its side yet; press Ctrl-C to stop")
            leave.set()
            self.assertEqual(terminal.status(), 0)

    def ended_while_waiting(self, end, context=None, line=b"x\n"):
        """(status, screen) of a prompt whose server calls act() after its first echo."""
        leave = threading.Event()

        def handler(connection):
            if line:
                connection.sendall(connection.recv(99))
            leave.wait(support.DEADLINE_S)
            end(connection)

        with StubServer(handler, context) as stub:
            terminal = Terminal(*(("-k",) if context else ()), "--json", stub.endpoint())
            terminal.prompt()
            if line:
                terminal.type(line)
                terminal.wait_for(b"x\r\nx\r\n")
                terminal.prompt()
            leave.set()
            return terminal.status(), terminal.seen

    def test_a_reset_while_the_prompt_waits_is_a_reset(self):
        for context in (None, server_context()):
            for line in (b"", b"x\n"):
                with self.subTest(context, line=line):
                    status, seen = self.ended_while_waiting(stub_server.reset, context, line)
                    self.assertEqual(status, 12)
                    self.assertIn(b'"result":"reset"', seen)
                    self.assertIn(b"the server, or something on the way, reset the connection "
                                  b"before the input had ended", seen)

    def test_a_cut_while_the_prompt_waits_is_truncated(self):
        status, seen = self.ended_while_waiting(lambda c: c.shutdown(socket.SHUT_RDWR),
                                                server_context())
        self.assertEqual(status, 13)
        self.assertIn(b"without close_notify before the input had ended", seen)

    def test_an_end_while_the_prompt_waits_is_reported(self):
        for context in (None, server_context()):
            with self.subTest(context):
                status, seen = self.ended_while_waiting(stub_server.finish, context)
                self.assertEqual(status, 0)
                self.assertIn(b"tlsecho-client: the server closed the connection\r\n", seen)

    def test_an_echo_that_does_not_come_is_a_timeout(self):
        with StubServer(stub_server.discard) as stub:
            terminal = Terminal("--idle-timeout=300ms", stub.endpoint())
            terminal.prompt()
            terminal.type(b"x\n")
            terminal.wait_for(b"no data for 0.3 s, with 2 bytes missing")
            self.assertEqual(terminal.status(), 6)

    def test_a_wrong_echo_ends_the_prompt(self):
        with StubServer(lambda c: (c.recv(9), c.sendall(b"y\n"), stub_server.discard(c))) as stub:
            terminal = Terminal(stub.endpoint())
            terminal.prompt()
            terminal.type(b"x\n")
            terminal.wait_for(b"byte 0 came back as 0x79 instead of 0x78")
            self.assertEqual(terminal.status(), 14)

    def test_the_end_of_the_peer_is_noticed_during_typing(self):
        leave = threading.Event()
        with StubServer(lambda c: leave.wait(support.DEADLINE_S)) as stub:
            terminal = Terminal("--json", stub.endpoint())
            terminal.prompt()
            terminal.type(b"half a li")
            terminal.wait_for(b"half a li")
            leave.set()
            terminal.wait_for(b'"result":"ok"')
            self.assertEqual(terminal.status(), 0)

    def test_with_expect_none_output_appears_above_the_line_being_typed(self):
        speak = threading.Event()

        def handler(connection):
            speak.wait(support.DEADLINE_S)
            connection.sendall(b"news")
            stub_server.discard(connection)

        with StubServer(handler) as stub:
            terminal = Terminal("--expect=none", stub.endpoint())
            terminal.prompt()
            terminal.type(b"typing")
            terminal.wait_for(b"typing")
            speak.set()
            terminal.wait_for(b"\r\nnews\r\n")
            terminal.wait_for(b"> typing")
            terminal.type(INTERRUPT)
            self.assertEqual(terminal.status(), 0)


class PromptOverUdp(support.TestCase):
    """A line is a datagram."""

    def run_with(self, peer, *args):
        terminal = Terminal("--json", *args, peer.endpoint())
        terminal.prompt()
        return terminal

    def line(self, terminal, text, shown):
        terminal.type(text + b"\n")
        terminal.wait_for(text + b"\r\n")  # as typed
        terminal.wait_for(shown)
        terminal.prompt()

    def finish(self, terminal, status, keys=END):
        terminal.type(keys)
        self.assertEqual(terminal.status(), status)
        return support.described(terminal.seen[terminal.seen.index(b"{"):])

    def test_each_line_is_a_datagram_and_comes_back(self):
        with datagrams.Echo() as echo:
            terminal = self.run_with(echo)
            self.line(terminal, b"hello", b"hello\r\n")
            terminal.type(b"\n")  # is not sent
            terminal.prompt()
            terminal.type(UP + b"!\n")
            terminal.wait_for(b"hello!\r\nhello!\r\n")
            terminal.prompt()
            result = self.finish(terminal, 0)
            self.assertEqual(echo.seen, [b"hello\n", b"hello!\n"])
        self.assertEqual(result["lines"], {"sent": 2, "received": 2, "late": 0, "lost": 0, "on_their_way": 0,
                                           "duplicated": 0, "reordered": 0})
        self.assertEqual((result["mode"], result["bytes_sent"]), ("prompt", 13))

    def test_a_line_is_late_or_duplicated(self):
        with datagrams.Echo() as echo, \
                datagrams.Relay(echo.address, back={1: (0, 0), 2: (1.6,)}) as between:
            terminal = self.run_with(between)
            terminal.type(b"one\n")
            terminal.wait_for(b'duplicate: "one" was answered before')
            terminal.type(b"two\n")
            terminal.wait_for(b'no reply to "two" yet')
            terminal.wait_for(b'late: "two": its reply took 1.')
            result = self.finish(terminal, 1)
        self.assertEqual(result["lines"], {"sent": 2, "received": 3, "late": 1, "lost": 0, "on_their_way": 0,
                                           "duplicated": 1, "reordered": 0})

    def test_a_line_without_a_reply_is_lost_after_a_time(self):
        with datagrams.Echo() as echo, datagrams.Relay(echo.address, there={2: ()}) as between:
            terminal = self.run_with(between, "--idle-timeout=200ms")
            self.line(terminal, b"one", b"one\r\n")
            self.line(terminal, b"two", b'lost: "two": no reply within 0.2 s')
            result = self.finish(terminal, 1)
        self.assertEqual((result["lines"]["received"], result["lines"]["lost"]), (1, 1))

    def test_a_port_where_nothing_listens_refuses_each_line(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
            closed.bind(("127.0.0.1", 0))
            endpoint = "udp://127.0.0.1:%d" % closed.getsockname()[1]
        terminal = Terminal("--json", endpoint)
        terminal.prompt()
        for text in (b"one", b"two"):
            self.line(terminal, text, b'lost: "' + text + b'": send to 127.0.0.1')
        self.assertIn("Connection refused", self.finish(terminal, 4)["error"]["message"])

    def test_a_changed_reply_is_corrupt_and_commands_no_terminal(self):
        with datagrams.Echo(lambda data: b"\x1b[2J") as echo:
            terminal = self.run_with(echo)
            self.line(terminal, b"hello", b"\\x1b[2J")
            self.finish(terminal, 14)

    def test_upper_is_compared_and_none_is_shown(self):
        for kind, status in (("upper", 0), ("none", 0)):
            with self.subTest(kind), datagrams.Echo(bytes.upper) as echo:
                terminal = self.run_with(echo, "--expect", kind)
                terminal.type(b"hello\n")
                terminal.wait_for(b"HELLO\r\n")
                self.finish(terminal, status)

    def test_ctrl_c_while_a_reply_is_awaited_is_a_timeout(self):
        with datagrams.Echo(lambda data: None) as silent:
            terminal = self.run_with(silent)
            terminal.type(b"hello\n")
            proc.wait_until(lambda: silent.seen, "the line")
            self.assertTrue(self.finish(terminal, 6, INTERRUPT)["interrupted"])

    def test_a_pipe_is_refused(self):
        done = support.client("--json", "udp://127.0.0.1:7", data=b"x")
        self.assertEqual(done.status, 2)
        self.assertIn("a pipe needs a stream", done.summary()["error"]["message"])


if __name__ == "__main__":
    unittest.main()
