# SPDX-License-Identifier: MIT
"""A name server in a network namespace of its own. A test decides when it answers.

    def setUpModule():
        nameserver.enter()           # skips the module without root

    with nameserver.NameServer() as names, names.asked() as prefix:
        server = self.server(..., prefix=prefix)        # uses this name server only
        names.wait_for("echo.internal")                 # the query is unanswered so far
        names.answer("127.0.0.1")                       # answers this query and all later ones
"""

import contextlib
import ctypes
import queue
import socket
import struct
import subprocess
import tempfile
import threading
import unittest

import support

CLONE_NEWNET = 0x40000000
A, IN = 1, 1
NOERROR, SERVFAIL, NXDOMAIN = 0, 2, 3
ADDRESS = "127.0.0.53"


def enter():
    """Moves this process and its later children into a new network namespace."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        raise unittest.SkipTest("needs root: a network namespace cannot be made")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def name_of(query):
    """The name in a query, and the offset of the end of the question (RFC 1035 §4.1.2)."""
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode())
        at += 1 + query[at]
    return ".".join(labels), at + 5


class NameServer:
    """Answers nothing until answer() is called."""

    def __init__(self):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((ADDRESS, 53))
        self._lock = threading.Lock()
        self._waiting = []      # (query, source) of unanswered queries
        self._answer = None     # (code, address); None = no answer
        self._questions = queue.Queue()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
            end.sendto(b"", (ADDRESS, 53))
        self._thread.join()
        self._socket.close()

    @contextlib.contextmanager
    def asked(self):
        """A command prefix that makes this the only name server of a program."""
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
            file.write(f"nameserver {ADDRESS}\noptions timeout:10 attempts:2\n")
            file.flush()
            mount = 'mount --make-rprivate / && mount --bind "$0" /etc/resolv.conf && exec "$@"'
            yield "unshare", "-m", "sh", "-c", mount, file.name

    def wait_for(self, name):
        """Until a query for this name arrives."""
        while (asked := self._questions.get(timeout=support.DEADLINE_S)) != name:
            assert asked, "the name server has ended"

    def was_queried(self):
        """Whether a query has arrived since the last wait_for()."""
        return not self._questions.empty()

    def answer(self, address=None, code=NOERROR):
        """Answers all queries, those received so far included."""
        with self._lock:
            self._answer = (code, address)
            for query, asker in self._waiting:
                self._send(query, asker)
            self._waiting = []

    def be_silent(self):
        with self._lock:
            self._answer = None

    def _send(self, query, asker):
        code, address = self._answer
        _, end = name_of(query)
        kind = struct.unpack_from("!H", query, end - 4)[0]
        found = address is not None and kind == A
        reply = query[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, found, 0, 0) + query[12:end]
        if found:
            reply += struct.pack("!HHHIH", 0xc00c, A, IN, 0, 4) + socket.inet_aton(address)
        self._socket.sendto(reply, asker)

    def _run(self):
        while True:
            query, asker = self._socket.recvfrom(4096)
            if not query:
                return
            with self._lock:
                if self._answer is None:
                    self._waiting.append((query, asker))
                else:
                    self._send(query, asker)
            self._questions.put(name_of(query)[0])
