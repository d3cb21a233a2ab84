# SPDX-License-Identifier: MIT
"""Clients of the server that a test controls step by step: Python's sockets and TLS.

    with peers.Tls(server.address("tls"), version="1.3") as peer:
        peer.send(b"x")
        assert peer.receive(1) == b"x"
        peer.end()
        assert peer.receive_all() == b"" and peer.close_notify and peer.ended == "fin"

They are full duplex: they read while they send, so that no size can deadlock.
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
    """A connected, blocking socket to an address of Server.address(); host: the source address."""
    family = socket.AF_UNIX
    if not isinstance(address, str):
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.settimeout(support.DEADLINE_S)
    if receive_buffer:  # set before connect(2), or it does not limit the window: tcp(7)
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
    """A client context that trusts the development PKI and has one version enabled."""
    ctx = trusting(support.pki() / "ca.pem")
    ctx.minimum_version = ctx.maximum_version = VERSIONS[version]
    return ctx


def trusting(certificate):
    """A client context that trusts only the certificates in that file."""
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ctx.load_verify_locations(certificate)
    return ctx


def trusting_any():
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ctx.check_hostname = False
    ctx.verify_mode = ssl.CERT_NONE
    return ctx


def client_hello(ctx):
    """A ClientHello record."""
    outgoing = ssl.MemoryBIO()
    tls = ctx.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost")
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


class Plain:
    """A client over plain TCP or a Unix socket. preamble: bytes to send first."""

    def __init__(self, address, receive_buffer=None, source=None, preamble=b""):
        self.socket = connect(address, receive_buffer, source)
        self.socket.sendall(preamble)
        self.socket.setblocking(False)
        self.close_notify = False  # whether it has arrived
        self.ended = None          # "fin" or "reset": how the server ended the connection
        self._received = bytearray()
        self._unsent = bytearray()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.socket.close()

    @property
    def name(self):
        """The address of this client as the server logs it."""
        host, port = self.socket.getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def send(self, data):
        self.send_soon(data)
        self._turn_until(lambda: not self._unsent, "all was sent")

    def send_soon(self, data):
        """Queues it; the next call that receives also sends it."""
        self._unsent += data

    def push(self, data):
        """Sends as much as the kernel takes at once, and reads nothing."""
        self.send_soon(data)
        if self._unsent:
            del self._unsent[:self.socket.send(self._unsent)]

    def stream(self, data):
        """Sends it and the end of the stream from a thread, even while this side reads nothing."""
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
        """Receives exactly so many bytes."""
        self._turn_until(lambda: len(self._received) >= count, f"{count} bytes arrived")
        data = bytes(self._received[:count])
        del self._received[:count]
        return data

    def receive_all(self):
        """Receives everything until the server's FIN or RST, which `ended` names."""
        self._turn_until(lambda: self.ended, "the peer ended")
        data = bytes(self._received)
        self._received.clear()
        return data

    def exchange(self, data):
        """Sends it, ends this direction, and returns everything that comes back."""
        self.send(data)
        self.end()
        return self.receive_all()

    def end(self):
        """Ends this direction in order: close_notify on TLS, then FIN."""
        self.fin()

    def fin(self):
        """Sends a FIN without a close_notify."""
        self._turn_until(lambda: not self._unsent, "all was sent")
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self):
        """Sends an RST instead of a FIN: SO_LINGER, socket(7)."""
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
        """What ss(8) shows of both ends of the connection, to see which one makes no progress."""
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
    """A client over TLS that has completed its handshake, of one version unless a context is given.
    with_finished: data to send with the last flight of the handshake. session: the tls.session of
    an earlier client, to resume. server_hostname: is sent and verified."""

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
        """Queues it as one record, or as several if it is too long for one."""
        if data:
            self.tls.write(data)
        super().send_soon(self._out.read())

    def take_outgoing(self):
        """Returns the records that `tls` has queued, for a test that sends them itself."""
        return self._out.read()

    def end(self):
        self.notify()
        self.fin()

    def notify(self):
        """Sends a close_notify without a FIN."""
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
            self.push(b"")  # the alert, if this side has one to send
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
        except ssl.SSLZeroReturnError:  # raised by unwrap() after this side has sent its close_notify
            self.close_notify = True
        super().send_soon(self._out.read())
