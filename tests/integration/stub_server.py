# SPDX-License-Identifier: MIT
"""Stub servers for tests of the client: Python's sockets and TLS, or openssl s_server.

    with stub_server.StubServer(stub_server.echo) as stub:
        support.client(stub.endpoint(), data=b"x")

Each connection runs the handler in a thread of its own. An exception in the handler fails the test,
unless it is an error of the connection.
"""

import contextlib
import re
import select
import socket
import ssl
import struct
import subprocess
import threading
import time

import support

CHUNK = 64 << 10


def server_context(name="server-ecdsa", minimum=ssl.TLSVersion.TLSv1_2,
                   maximum=ssl.TLSVersion.TLSv1_3, client_ca=None):
    """TLS with a certificate of the PKI. With client_ca the client must present a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version, context.maximum_version = minimum, maximum
    context.load_cert_chain(support.pki() / f"{name}.pem", support.pki() / f"{name}.key")
    if client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(support.pki() / client_ca)
    return context


class StubServer:
    """Listens on a port of `host` and passes each connection to the handler. With a context it
    completes the TLS handshake first."""

    def __init__(self, handler, context=None, host="127.0.0.1"):
        self.handler, self.context, self.host = handler, context, host
        self.listening = socket.create_server((host, 0))
        self.port = self.listening.getsockname()[1]
        self.connections, self.failures, self.threads = [], [], []
        self.acceptor = threading.Thread(target=self._accept, daemon=True)
        self.acceptor.start()

    def endpoint(self):
        return f"{'tls' if self.context else 'tcp'}://{self.host}:{self.port}"

    def _accept(self):
        while True:
            try:
                connection, _ = self.listening.accept()
            except OSError:
                return  # closed by __exit__
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self.connections.append(connection)
            self.threads.append(thread)
            thread.start()

    def _serve(self, connection):
        try:
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True,
                                                      suppress_ragged_eofs=False)
                self.connections.append(connection)
            self.handler(connection)
        except OSError:
            pass  # the test checks the client's result
        except Exception as failure:  # raised again by __exit__
            self.failures.append(failure)
        finally:
            connection.close()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()
        self.acceptor.join(support.DEADLINE_S)
        for thread in self.threads:
            thread.join(support.DEADLINE_S)
            if thread.is_alive():
                self.failures.append(AssertionError("a handler is still running"))
        for connection in self.connections:
            connection.close()
        if self.failures and not kind:
            raise self.failures[0]


class OpenSsl:
    """openssl s_server, which prints what the client offered. It sends nothing back."""

    def __init__(self, *args, name="server-ecdsa"):
        path = support.pki() / name
        self.process = subprocess.Popen(
            ["openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", f"{path}.pem", "-key",
             f"{path}.key", "-cert_chain", support.pki() / "intermediate.pem", *map(str, args)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=support.environment(), text=True, errors="replace")
        self._lines, self._news = [], threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.port = self.said(r"ACCEPT 127\.0\.0\.1:(\d+)").group(1)

    def _read(self):
        for line in self.process.stdout:
            with self._news:
                self._lines.append(line)
                self._news.notify_all()

    def said(self, pattern):
        """Waits for output that matches the pattern, and discards everything up to the match."""
        end = time.monotonic() + support.DEADLINE_S
        with self._news:
            while not (found := re.search(pattern, "".join(self._lines))):
                if not self._news.wait(end - time.monotonic()):
                    raise AssertionError(f"no output of openssl matches {pattern}: {self._lines}")
            self._lines = ["".join(self._lines)[found.end():]]
        return found

    def connection(self):
        """All output about the next connection."""
        return self.said(r"(?s).*?DONE\n").group()

    def endpoint(self):
        return f"tls://127.0.0.1:{self.port}"

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.process.kill()
        self.process.wait(support.DEADLINE_S)
        self._reader.join(support.DEADLINE_S)
        self.process.stdin.close()
        self.process.stdout.close()


@contextlib.contextmanager
def full_backlog():
    """A listening socket whose backlog is full: the kernel drops every further SYN."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listening:
        with socket.create_connection(listening.getsockname()):
            select.select([listening], [], [], support.DEADLINE_S)
            yield listening


def received(connection):
    """Yields what arrives until the client ends its direction."""
    while True:
        try:
            data = connection.recv(CHUNK)
        except ssl.SSLEOFError:
            return
        if not data:
            return
        yield data


def reset(connection):
    """Sends an RST instead of a FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def finish(connection):
    """Ends the connection in order: close_notify on TLS, then FIN."""
    if isinstance(connection, ssl.SSLSocket):
        connection = connection.unwrap()
    connection.shutdown(socket.SHUT_WR)


def echo(connection):
    for data in received(connection):
        connection.sendall(data)
    finish(connection)


def discard(connection):
    for _ in received(connection):
        pass


def hello_bytes(connection):
    """Reads a ClientHello, its first record; returns its size, 0 if none came."""
    data = b""
    while len(data) < 5 or len(data) < 5 + int.from_bytes(data[3:5], "big"):
        piece = connection.recv(CHUNK)
        if not piece:
            return 0
        data += piece
    return len(data)
