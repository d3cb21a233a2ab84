# SPDX-License-Identifier: MIT
"""Foreign peers of the server, with every step of a connection in the test's hand.

    with peers.Tls(server.address("tls"), version="1.3") as peer:
        peer.send(b"x")
        assert peer.receive(1) == b"x"
        peer.end()
        assert peer.receive_all() == b"" and peer.close_notify and peer.ended == "fin"

They are full duplex: what arrives while something is sent is kept, so no size can deadlock.
"""

import functools
import select
import shutil
import socket
import ssl
import struct
import subprocess
import threading
import time

import support

CHUNK_BYTES = 256 * 1024
VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def connect(address, receive_buffer=None, source=None):
    """A connected, blocking socket to what Server.address() gives, from that host if given."""
    family = socket.AF_UNIX
    if not isinstance(address, str):
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.settimeout(support.DEADLINE_S)
    if receive_buffer:  # only before connect does it bound the window, tcp(7)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    try:
        if source:
            sock.bind((source, 0))
        sock.connect(address)
    except OSError:
        sock.close()
        raise
    return sock


@functools.cache
def context(version="1.3"):
    """A client's context that trusts the development PKI and speaks one version only."""
    ctx = trusting(support.pki() / "ca.pem")
    ctx.minimum_version = ctx.maximum_version = VERSIONS[version]
    return ctx


def trusting(certificate):
    """A client's context that trusts nothing but what is in that file."""
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ctx.load_verify_locations(certificate)
    return ctx


def trusting_anyone():
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ctx.check_hostname = False
    ctx.verify_mode = ssl.CERT_NONE
    return ctx


def client_hello(ctx):
    """The first flight of a client."""
    outgoing = ssl.MemoryBIO()
    tls = ctx.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost")
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


class Plain:
    """A peer over plain TCP or a Unix socket. preamble: what is sent before anything else."""

    def __init__(self, address, receive_buffer=None, source=None, preamble=b""):
        self.socket = connect(address, receive_buffer, source)
        self.socket.sendall(preamble)
        self.socket.setblocking(False)
        self.close_notify = False  # has it arrived?
        self.ended = None          # how the peer ended: "fin" or "reset"
        self._received = bytearray()
        self._unsent = bytearray()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.socket.close()

    @property
    def name(self):
        """Our address as the server's log writes it."""
        host, port = self.socket.getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def send(self, data):
        self.send_soon(data)
        self._turn_until(lambda: not self._unsent, "all was sent")

    def send_soon(self, data):
        """Leaves the sending to the call that waits for the answer."""
        self._unsent += data

    def push(self, data):
        """Sends what the kernel takes at once of it, and reads nothing."""
        self.send_soon(data)
        if self._unsent:
            del self._unsent[:self.socket.send(self._unsent)]

    def stream(self, data):
        """Sends it and our end from a thread of its own, whether or not anything is read here."""
        self.send_soon(data)
        self._notify_soon()
        wire = bytes(self._unsent)
        self._unsent.clear()
        self.socket.settimeout(support.DEADLINE_S)

        def run():
            self.socket.sendall(wire)
            self.socket.shutdown(socket.SHUT_WR)

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    def receive(self, count):
        """Exactly so many bytes."""
        self._turn_until(lambda: len(self._received) >= count, f"{count} bytes arrived")
        data = bytes(self._received[:count])
        del self._received[:count]
        return data

    def receive_all(self):
        """Everything until the peer's FIN or RST; `ended` tells which."""
        self._turn_until(lambda: self.ended, "the peer ended")
        data = bytes(self._received)
        self._received.clear()
        return data

    def exchange(self, data):
        """Sends it, ends our direction, and returns everything that came back."""
        self.send(data)
        self.end()
        return self.receive_all()

    def end(self):
        """Ends our direction as it should be done."""
        self.fin()

    def fin(self):
        """A bare FIN."""
        self._turn_until(lambda: not self._unsent, "all was sent")
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self):
        """RST instead of FIN, socket(7)."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def _notify_soon(self):
        pass

    def _turn_until(self, done, what):
        deadline = time.monotonic() + support.DEADLINE_S
        while not done():
            if self.ended:
                raise AssertionError(f"the peer ended ({self.ended}) before {what}: "
                                     f"{len(self._received)} bytes here, {len(self._unsent)} to go")
            self._turn(deadline - time.monotonic())

    def _turn(self, timeout):
        readable, writable, _ = select.select([self.socket], [self.socket] if self._unsent else [],
                                              [], max(timeout, 0))
        if not readable and not writable:
            raise AssertionError(f"nothing moved: {len(self._received)} bytes here, "
                                 f"{len(self._unsent)} to go; {self._in_the_kernel()}")
        if readable:
            self._receive_some()
        if writable and not self.ended:
            del self._unsent[:self.socket.send(self._unsent[:CHUNK_BYTES])]

    def _in_the_kernel(self):
        """What ss(8) says of the connection at both ends: which of the two does not move on."""
        ss = shutil.which("ss", path=support.TOOL_PATH)
        if not ss or self.socket.family == socket.AF_UNIX:
            return "unknown to ss(8)"
        port = self.socket.getsockname()[1]
        return subprocess.run([ss, "-tinmo", f"sport = :{port} or dport = :{port}"],
                              capture_output=True, text=True, check=False).stdout

    def _receive_some(self):
        try:
            wire = self.socket.recv(CHUNK_BYTES)
        except ConnectionResetError:
            self.ended = "reset"
            return
        if wire:
            self._take(wire)
        else:
            self.ended = "fin"

    def _take(self, wire):
        self._received += wire


class Tls(Plain):
    """A peer over TLS, of one version unless a context is given. Its handshake is done.
    with_finished: data that goes out together with the last flight of the handshake.
    session: an earlier peer's tls.session, to be resumed. server_hostname: sent, and verified."""

    def __init__(self, address, version="1.3", ctx=None, receive_buffer=None, with_finished=b"",
                 session=None, source=None, preamble=b"", server_hostname="localhost"):
        super().__init__(address, receive_buffer, source, preamble)
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = (ctx or context(version)).wrap_bio(self._in, self._out,
                                                      server_hostname=server_hostname,
                                                      session=session)
        self._shaken = False
        self._with_finished = with_finished
        try:
            self._advance()
            self._turn_until(lambda: self._shaken and not self._unsent, "the handshake was done")
        except BaseException:
            self.socket.close()
            raise

    def send_soon(self, data):
        """One record, or several where it is longer than one may be."""
        if data:
            self.tls.write(data)
        super().send_soon(self._out.read())

    def take_outgoing(self):
        """The records of what was given to `tls`, for a test that sends them itself."""
        return self._out.read()

    def end(self):
        self.notify()
        self.fin()

    def notify(self):
        """close_notify without a FIN."""
        self._notify_soon()
        self.send(b"")

    def _notify_soon(self):
        try:
            self.tls.unwrap()
        except ssl.SSLWantReadError:
            pass
        super().send_soon(self._out.read())

    def _take(self, wire):
        self._in.write(wire)
        try:
            self._advance()
        except ssl.SSLError:
            self.push(b"")  # the alert, if it is ours
            raise

    def _advance(self):
        try:
            if not self._shaken:
                self.tls.do_handshake()
                self._shaken = True
                if self._with_finished:
                    self.tls.write(self._with_finished)
            while not self.close_notify:
                data = self.tls.read(CHUNK_BYTES)
                self._received += data
                self.close_notify = not data
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:  # so it says once we have sent ours
            self.close_notify = True
        super().send_soon(self._out.read())
