# SPDX-License-Identifier: MIT
"""Tests that compare times which two processes measured: only a machine that runs both in time can tell."""

import functools
import threading
import time

LATE_S, NAP_S = 0.03, 0.005
ATTEMPTS = 4


class Watch:
    """Measures by how much a thread that sleeps wakes up too late, at most."""

    def __enter__(self):
        self.late_s = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._measure)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def _measure(self):
        while not self._over.is_set():
            before = time.monotonic()
            time.sleep(NAP_S)
            self.late_s = max(self.late_s, time.monotonic() - before - NAP_S)


def tried_again(test):
    """A test that fails is tried again if the machine was too busy meanwhile, and skipped if it always is. On one
    that was not busy, the first failure counts."""
    @functools.wraps(test)
    def run(self):
        for attempt in range(ATTEMPTS):
            if attempt > 0:
                self.doCleanups()
                type(self).setUpClass()
                self.setUp()
            with Watch() as watch:
                try:
                    return test(self)
                except AssertionError:
                    if watch.late_s < LATE_S:
                        raise
        return self.skipTest(f"the machine is too busy: a thread woke up {watch.late_s:.3f} s too late")
    return run


def all_tried_again(tests):
    """A class whose tests are all of that kind."""
    for name in [name for name in vars(tests) if name.startswith("test_")]:
        setattr(tests, name, tried_again(getattr(tests, name)))
    return tests
