# SPDX-License-Identifier: MIT
"""A relay between a client and a server that delays, changes or drops bytes.

    with relay.Relay(server.address("tcp"), relay.Corrupt(123_456)) as between:
        support.client("--ping", between.endpoint("tcp"))

A `Way` gets each piece that the client sends and returns what the server is to receive. It may
sleep, to delay a piece. The relay does not change what the server sends.
"""

import contextlib
import random
import socket
import struct
import threading
import time

import support

CHUNK = 64 << 10


class Way:
    """Passes everything on unchanged."""

    idle_s = None  # after so long without a byte from the client, expire() is called

    def expire(self, client, server):
        pass

    def opened(self, number):
        """Called for connection `number`, counted from 0; an OSError closes it."""

    def forward(self, data):
        return data

    def back(self, client, data):
        client.sendall(data)


class Delay(Way):
    """Delays each piece by a time between two bounds. Records for each the time from its arrival until
    the last of its answer is passed back, which is never longer than its sender waited. Handles one
    piece at a time."""

    def __init__(self, low_s, high_s):
        self.bounds = low_s, high_s
        self.random = random.Random(1)
        self.started, self.times = [], []  # one per piece

    def forward(self, data):
        self.started.append(time.monotonic())
        self.times.append(None)
        time.sleep(self.random.uniform(*self.bounds))
        return data

    def back(self, client, data):
        if self.started:
            self.times[-1] = time.monotonic() - self.started[-1]
        client.sendall(data)


class Corrupt(Way):
    """Changes one byte of the stream."""

    def __init__(self, offset):
        self.left = offset

    def forward(self, data):
        if 0 <= self.left < len(data):
            data = data[:self.left] + bytes([data[self.left] ^ 1]) + data[self.left + 1:]
        self.left -= len(data)
        return data


class Drop(Way):
    """Resets the first connection once it has forwarded so many bytes."""

    def __init__(self, after):
        self.left = after
        self.number = 0

    def opened(self, number):
        self.number = number

    def forward(self, data):
        self.left -= len(data)
        if self.number == 0 and self.left < 0:
            raise ConnectionResetError
        return data


class Stall(Way):
    """Holds that piece and all later ones until the test sets `over`."""

    def __init__(self, piece):
        self.left, self.over = piece, threading.Event()

    def forward(self, data):
        if self.left == 0:
            self.over.wait(support.DEADLINE_S)
        self.left -= 1
        return data


class Expire(Way):
    """Ends a connection after so much silence: with FIN, or to the client with RST."""

    def __init__(self, idle_s, reset=False):
        self.idle_s, self.reset = idle_s, reset

    def expire(self, client, server):
        if self.reset:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
        else:
            client.shutdown(socket.SHUT_WR)
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)


class Relay:
    def __init__(self, target, way=None, host="127.0.0.1"):
        """target: an address, or what returns one for a connection."""
        self.target = target if callable(target) else lambda _: target
        self.way = way or Way()
        self.listening = socket.create_server((host, 0))
        self.sockets, self.threads, self.accepted = [], [], 0
        self._start(self._accept)

    def endpoint(self, scheme):
        return "{}://{}:{}".format(scheme, *self.listening.getsockname())

    def pairs(self):
        """(client, server) of every connection."""
        return list(zip(self.sockets[::2], self.sockets[1::2]))

    def _start(self, target, *args):
        thread = threading.Thread(target=target, args=args, daemon=True)
        self.threads.append(thread)
        thread.start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listening.accept()
                server = socket.create_connection(self.target(client))
            except OSError:
                return
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                end.settimeout(self.way.idle_s)
                self.sockets.append(end)
            self.way.opened(self.accepted)
            self.accepted += 1
            self._start(self._there, client, server)
            self._start(self._back, server, client)

    def _there(self, client, server):
        try:
            while data := client.recv(CHUNK):
                server.sendall(self.way.forward(data))
            server.shutdown(socket.SHUT_WR)
        except ConnectionResetError:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()  # first, or the other thread sends a FIN
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
        except socket.timeout:
            with contextlib.suppress(OSError):
                self.way.expire(client, server)
        except OSError:
            pass

    def _back(self, server, client):
        try:
            while data := server.recv(CHUNK):
                self.way.back(client, data)
            client.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for end in (self.listening, *self.sockets):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join(support.DEADLINE_S)
        for end in (self.listening, *self.sockets):
            end.close()
