# SPDX-License-Identifier: MIT
"""haproxy between a client and the server."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import support

HAPROXY = """
global
    maxconn 100
defaults
    timeout connect 10s
    timeout client 10s
    timeout server 10s
"""


class TestCase(support.TestCase):
    def haproxy(self, text):
        """Runs it with that after the defaults, until the test's end; {dir} is a folder for it."""
        folder = tempfile.TemporaryDirectory(prefix="tlsecho-haproxy-")
        self.addCleanup(folder.cleanup)
        pair = b"".join((support.pki() / f"server-ecdsa.{end}").read_bytes() for end in ("pem", "key"))
        with open(os.path.join(folder.name, "pair.pem"), "wb") as out:
            out.write(pair)
        path = os.path.join(folder.name, "haproxy.cfg")
        with open(path, "w", encoding="ascii") as out:
            out.write(HAPROXY + text.replace("{dir}", folder.name))
        process = subprocess.Popen([shutil.which("haproxy", path=support.TOOL_PATH), "-db", "-f", path],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.send_signal, signal.SIGKILL)
        return folder.name

    @staticmethod
    def reach(address, connect):
        """connect(address), as soon as somebody listens there: it says so to nobody."""
        deadline = time.monotonic() + support.DEADLINE_S
        while True:
            try:
                return connect(address)
            except (ConnectionRefusedError, FileNotFoundError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)

    def free_port(self):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            return probe.getsockname()[1]
