# SPDX-License-Identifier: MIT
"""Keys do not leak: no core dump, and no part of a key in the log."""

import os
import re
import resource
import signal
import subprocess
import tempfile
import unittest

import support


def dies_with_a_dump(process):
    """Aborts a process. Returns whether the kernel reports a core dump."""
    process.send_signal(signal.SIGABRT)
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT).si_code == os.CLD_DUMPED


def machine_dumps_core():
    with tempfile.TemporaryDirectory() as folder:
        with subprocess.Popen(["cat"], cwd=folder, stdin=subprocess.PIPE) as process:
            return dies_with_a_dump(process)


class Secrets(support.TestCase):
    def setUp(self):
        limits = resource.getrlimit(resource.RLIMIT_CORE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_CORE, limits)
        resource.setrlimit(resource.RLIMIT_CORE, (limits[1], limits[1]))

    def test_the_server_leaves_no_core_dump(self):
        if not machine_dumps_core():
            self.skipTest("this machine writes no core dumps")
        server = self.server(support.EVERYTHING)
        self.assertFalse(dies_with_a_dump(server.process))
        self.assertEqual(server.wait(), -signal.SIGABRT)

    def test_nothing_of_a_key_is_in_the_log(self):
        server = self.server(support.EVERYTHING + "log: { level: debug }\n")
        done = support.client("--cacert", support.pki() / "ca.pem", server.endpoint("tls"),
                              data=b"x")
        self.assertEqual(done.status, 0)
        server.stop()
        key = (support.pki() / "server-ecdsa.key").read_text()
        for line in re.findall(r"^[A-Za-z0-9+/=]{16,}$", key, re.MULTILINE):
            self.assertNotIn(line[:16], server.log())


if __name__ == "__main__":
    unittest.main()
