# SPDX-License-Identifier: MIT
"""haproxy between a client and the server."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile

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
        """Runs haproxy with these lines after the defaults, until the test ends. {listening} is an
        open listening socket: connections made before haproxy is up wait in its backlog. {dir} is
        a folder with its certificate. Returns the address."""
        folder = tempfile.TemporaryDirectory(prefix="tlsecho-haproxy-")
        self.addCleanup(folder.cleanup)
        pair = b"".join((support.pki() / f"server-ecdsa.{end}").read_bytes() for end in ("pem", "key"))
        with open(os.path.join(folder.name, "pair.pem"), "wb") as out:
            out.write(pair)
        path = os.path.join(folder.name, "haproxy.cfg")
        with socket.create_server(("127.0.0.1", 0)) as listening:
            number = listening.fileno()
            with open(path, "w", encoding="ascii") as out:
                out.write(HAPROXY + text.format(dir=folder.name, listening=f"fd@{number}"))
            process = subprocess.Popen(
                [shutil.which("haproxy", path=support.TOOL_PATH), "-db", "-f", path],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, pass_fds=(number,))
            self.addCleanup(process.wait)
            self.addCleanup(process.send_signal, signal.SIGKILL)
            return listening.getsockname()
