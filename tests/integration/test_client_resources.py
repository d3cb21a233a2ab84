# SPDX-License-Identifier: MIT
"""tlsecho-client without enough memory or descriptors: it reports that and no other cause."""

import unittest

import loads
import support

STEP_KB = 5000
MISLEADING = (2, 7, 8, 9, 10, 11, 14)  # usage, untrusted, ...: results that would mislead


def limited(what, amount, *args):
    """Runs the client under a limit of ulimit(1). One arena: each allocation that fails would try to map
    another, which takes longer than all else."""
    return support.run("sh", "-c", f"ulimit {what} {amount} && exec \"$@\"", "sh",
                       support.program("TLSECHO_CLIENT"), *args, env=support.environment(MALLOC_ARENA_MAX="1"))


class Shortage(support.TestCase):
    def least_kb(self):
        """The least address space with which the program starts."""
        for kilobytes in range(STEP_KB, 400_000, STEP_KB):
            if limited("-v", kilobytes, "--version").status == 0:
                return kilobytes
        raise unittest.SkipTest("the program reserves more address space than a limit can leave it")

    def test_memory(self):
        server = self.server(loads.CONFIG)
        least, told = self.least_kb(), []
        for more in range(5):
            done = limited("-v", least + more * STEP_KB, "--bench", "-P300", "-t0.1", *loads.CA,
                           server.endpoint("tls"))
            self.assertNotIn(done.status, MISLEADING, done.stderr)
            told.append(done.stderr)
        self.assertTrue(any("emory" in text for text in told), told)

    def test_memory_at_the_start(self):
        server = self.server(loads.CONFIG)
        least, statuses = self.least_kb(), set()
        for kilobytes in range(least - STEP_KB, least + STEP_KB, 100):
            done = limited("-v", kilobytes, "--check", *loads.CA, server.endpoint("tls"))
            if done.status == 127:
                continue  # its libraries cannot be mapped
            statuses.add(done.status)
            self.assertNotIn(done.status, MISLEADING, done.stderr)
            self.assertNotRegex(done.stderr, "no reason given|malloc failure")
        self.assertIn(15, statuses)

    def test_descriptors(self):
        if support.has_sanitizer("TLSECHO_CLIENT"):
            raise unittest.SkipTest("a sanitizer needs descriptors of its own")
        for amount in range(4, 8):
            with self.subTest(amount):
                done = limited("-n", amount, "--check", "localhost", "1")
                if done.status == 127:
                    continue  # its libraries cannot be opened
                self.assertIn(done.status, (4, 15), done.stderr)
                if done.status == 15:
                    self.assertIn("Too many open files", done.stderr)


if __name__ == "__main__":
    unittest.main()
