# SPDX-License-Identifier: MIT
"""The order of close_notify, FIN and RST on the wire, and which side holds TIME_WAIT: RFC 9293 §3.6, RFC 8446 §6.1."""

import contextlib
import signal
import socket
import ssl
import unittest
from typing import Callable, NamedTuple

import dtls
import loads
import netpath
import peers
import proc
import support
import wire

CONFIG = support.EVERYTHING + """    keylog: "{dir}/keys"
"""
DTLS = """
listeners: [ { listen: "dtls://127.0.0.1:0" } ]
""" + support.PROFILE + """    keylog: "{dir}/keys"
"""
BULK, PENDING = 1 << 20, 32 << 10
TLS = "tls", "TLS 1.2"


def setUpModule():
    netpath.enter()


# --- what the client does after a first echo ---


def end(_, peer):
    """close_notify and FIN in one segment, so that the answer comes behind both."""
    peer.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
    peer.end()
    peer.receive_all()


def end_before_the_echo(server, peer):
    """The server has all to send after the client's FIN."""
    ours, theirs = peer.socket.getsockname(), peer.socket.getpeername()
    with server.paused():
        peer.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        peer.send(bytes(PENDING))
        peer.end()
        proc.wait_for_state(ours, theirs, "FIN_WAIT2")
        proc.wait_for_state(theirs, ours, "CLOSE_WAIT")
    assert peer.receive_all() == bytes(PENDING)


def cut(_, peer):
    peer.fin()
    peer.receive_all()


def notify(_, peer):
    peer.notify()
    peer.receive_all()
    peer.fin()


def forge(_, peer):
    """A record that is not encrypted."""
    peer.socket.send(bytes([23, 3, 3, 0, 32]) + bytes(32))
    with contextlib.suppress(ssl.SSLError):
        peer.receive_all()
    peer.socket.setblocking(True)
    while peer.socket.recv(wire.PACKET_BYTES):
        pass
    peer.fin()


def leave_last(_, peer):
    peer.receive_all()
    peer.fin()


def read_nothing(_, peer):
    ours, theirs = peer.socket.getsockname(), peer.socket.getpeername()
    peer.push(bytes(BULK))
    proc.wait_until(lambda: not proc.state(theirs, ours), "the server does not give up")


def reset(_, peer):
    peer.reset()


class Session(NamedTuple):
    """steps: from the first FIN, RST or alert on, by transport. holder: of TIME_WAIT, C or S."""
    act: Callable
    end: str  # in the log
    holder: str
    steps: dict
    config: str = ""
    options: dict = {}
    signal: int = None  # for the server


def on_tls(steps):
    return {transport: steps for transport in TLS}


SESSIONS = {
    "the client ends first": Session(
        end, "closed", "C", {"tcp": "C:FIN S:FIN", **on_tls("C:close_notify C:FIN S:close_notify S:FIN")}),
    "half-close with output pending": Session(end_before_the_echo, "closed", "C", {
        "tcp": "C:FIN S:data S:FIN", **on_tls("C:close_notify C:FIN S:data S:close_notify S:FIN")}),
    "close_notify without a FIN": Session(notify, "closed", "S", on_tls("C:close_notify S:close_notify S:FIN C:FIN")),
    "a FIN without close_notify": Session(cut, "cut", "C", on_tls("C:FIN S:close_notify S:FIN")),
    "an RST": Session(reset, "reset", None, {"tcp": "C:RST", **on_tls("C:RST")}),
    "a forged record": Session(forge, "tls_failed", "S", on_tls("S:bad_record_mac S:FIN C:FIN")),
    "idle": Session(leave_last, "idle_timeout", "S", {
        "tcp": "S:FIN C:FIN", **on_tls("S:close_notify S:FIN C:FIN")}, "timeouts: { idle: 100ms }"),
    "the client reads nothing": Session(
        read_nothing, "write_timeout", None, {"tcp": "S:RST", **on_tls("S:RST")}, "timeouts: { write: 200ms }",
        {"receive_buffer": 4096}),
    "drain": Session(leave_last, "drained", "S", {
        "tcp": "S:FIN C:FIN", **on_tls("S:close_notify S:FIN C:FIN")}, signal=signal.SIGTERM),
}


PIPE = {"tcp": "C:FIN S:FIN", "tls": "C:close_notify C:FIN S:close_notify S:FIN"}
DTLS_SESSIONS = {
    "the client ends first": Session(
        dtls.Client.close, "closed", None, {"dtls": "C:close_notify S:close_notify"}),
    "idle": Session(
        dtls.Client.wait, "idle_timeout", None, {"dtls": "S:close_notify C:close_notify"}, "timeouts: { idle: 200ms }"),
    "drain": Session(
        dtls.Client.wait, "drained", None, {"dtls": "S:close_notify C:close_notify"}, signal=signal.SIGTERM),
}


@support.requires("tshark")
class Endings(support.TestCase):
    def setUp(self):
        super().setUp()
        self.keys = b""
        self.ran = []  # (name, transport, address of the client or None = the only one, of the server, steps)

    def add(self, server, *ran):
        self.ran.append(ran)
        file = server.folder / "keys"
        self.keys += file.read_bytes() if file.exists() else b""

    def assert_holds(self, holder, other):
        """TIME_WAIT."""
        proc.wait_for_state(holder, other, "TIME_WAIT")
        self.assertIsNone(proc.state(other, holder))

    def run_session(self, server, session, transport):
        """The addresses of the client and the server."""
        connect, options = peers.Plain, dict(session.options)
        if transport in TLS:
            connect = peers.Tls
            options["version"] = "1.2" if transport == "TLS 1.2" else "1.3"
        with connect(server.address("tls" if transport in TLS else "tcp"), **options) as peer:
            peer.send(b"x")
            self.assertEqual(peer.receive(1), b"x")
            sides = peer.socket.getsockname(), peer.socket.getpeername()
            name = peer.name
            if session.signal:
                server.signal(session.signal)
            session.act(server, peer)
            self.assertEqual(server.wait_for("connection", source=name)["end"], session.end)
        if session.holder:
            self.assert_holds(*(sides if session.holder == "C" else sides[::-1]))
        return sides

    def run_sessions(self):
        for name, session in SESSIONS.items():
            server = None
            for transport, steps in session.steps.items():
                with self.subTest(name, transport=transport):
                    if not server or session.signal:
                        server = self.server(CONFIG + session.config)
                    sides = self.run_session(server, session, transport)
                    self.add(server, name, transport, *sides, steps)

    def run_pipe(self):
        """tlsecho-client."""
        for transport, steps in PIPE.items():
            with self.subTest(transport):
                server = self.server(CONFIG)
                trust = loads.CA if transport == "tls" else ()
                done = support.client(*trust, server.endpoint(transport), data=b"x")
                self.assertEqual(done.stdout, b"x", done.stderr)
                host, port = server.wait_for("connection", end="closed")["source"].split(":")
                self.assert_holds((host, int(port)), server.address(transport))
                self.add(server, "pipe", transport, (host, int(port)), server.address(transport), steps)

    def run_dtls(self):
        for name, session in DTLS_SESSIONS.items():
            with self.subTest(name):
                server = self.server(DTLS + session.config)
                client = dtls.Client(server.address("dtls"))
                self.assertEqual(client.ask("x"), "x")
                if session.signal:
                    server.signal(session.signal)
                session.act(client)
                server.wait_for("connection", end=session.end)
                self.add(server, name, "dtls", None, server.address("dtls"), session.steps["dtls"])

    def test_each_ending_is_on_the_wire_what_the_log_says(self):
        with wire.Capture() as capture:
            self.run_sessions()
            self.run_pipe()
            self.run_dtls()
        found = capture.conversations(self.keys)
        for name, transport, client, server, steps in self.ran:
            with self.subTest(name, transport=transport):
                [ended] = [sent for sent in found if sent.server == server and client in (sent.client, None)]
                self.assertEqual(ended.opening, "C:SYN S:SYN" if client else "C:data S:data")
                # The pipe's client does not wait for all of the echo before it ends.
                said = ended.ending.replace("S:data ", "") if name == "pipe" else ended.ending
                self.assertEqual(said, steps)


if __name__ == "__main__":
    unittest.main()
