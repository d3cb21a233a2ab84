# SPDX-License-Identifier: MIT
"""A clock for other processes that runs faster than the real one, or jumps.

    clock = fast_clock.Clock(folder)
    server = self.server(config, env=clock.environment())
    clock.advance(hours=12)
"""

import datetime
import mmap
import os
import pathlib
import struct
import time

import support

BYTES = 32  # struct fast_clock of tests/clock/fast_clock.c
AHEAD = 24


def has_thread_sanitizer():
    with open(support.program("TLSECHO_SERVER"), "rb") as file:
        return b"__tsan_init" in file.read()


class Clock:
    """The file is in that folder. Processes with this environment have the same time."""

    def __init__(self, folder, factor=1):
        self.path, self.factor = pathlib.Path(folder) / "clock", factor
        self._start_ns, self._wall_ns, self._ahead_ns = time.monotonic_ns(), time.time_ns(), 0
        self.path.write_bytes(struct.pack("=4q", factor, self._start_ns, self._wall_ns, 0))
        with self.path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), BYTES)

    def variables(self):
        options = os.environ.get("ASAN_OPTIONS", "")
        return {"LD_PRELOAD": support.program("TLSECHO_CLOCK_LIBRARY"), "TLSECHO_CLOCK": str(self.path),
                "ASAN_OPTIONS": f"{options}:verify_asan_link_order=0".lstrip(":")}

    def environment(self, **more):
        return support.environment(**self.variables(), **more)

    def now(self):
        """In seconds since 1970."""
        return (self._wall_ns + (time.monotonic_ns() - self._start_ns) * self.factor
                + self._ahead_ns) / 1e9

    def start(self):
        """When the clock was made, in seconds since 1970."""
        return self._wall_ns / 1e9

    def hours(self):
        return (self.now() - self.start()) / 3600

    def advance(self, hours):
        self._ahead_ns += round(hours * 3600e9)
        struct.pack_into("=q", self._map, AHEAD, self._ahead_ns)

    def asn1(self, hours=0):
        """The time in so many hours, as openssl-ca(1) reads it."""
        then = datetime.datetime.fromtimestamp(self.now() + hours * 3600, datetime.timezone.utc)
        return then.strftime("%Y%m%d%H%M%SZ")
