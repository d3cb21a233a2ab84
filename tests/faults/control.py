# SPDX-License-Identifier: MIT
"""Controls libtlsecho-faults, which makes the n-th call of a kind fail in another process.

    control = Control(folder)
    support.run(program, env=control.environment())
    control.arm(Fault("recv", "ECONNRESET", 3))
"""

import errno
import hashlib
import mmap
import os
import pathlib
import re
import socket
import struct
import subprocess
import sys
from typing import NamedTuple

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

import support  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
SHORT = -1000
ALWAYS = 1 << 40
STRAY = 300  # so many calls earlier than when it was recorded may a stack call
OPENSSL = re.compile(r"/lib(ssl|crypto)\.so")
TIMES = ("real_time", "uptime")
PASSING = {"EINTR", "EAGAIN", "SHORT", "ECONNABORTED", "ECONNREFUSED", "EPROTO"}  # no error that lasts
NO_SYSTEM_CALLS = {"alloc", *TIMES}
ASAN = "verify_asan_link_order=0:exitcode=99:log_path={}/sanitizer:detect_leaks=1:handle_abort=1:print_suppressions=0"

# The offsets of struct control in faults.c.
KIND, CODE, COUNTDOWN, REPEAT, SITE, SKIP, RECORD, FIRED = range(0, 64, 8)
FRAMES, CALLS, MODULE_COUNT, MODULES, SITES = 64, 384, 896, 904, 7048
FRAME_COUNT, MODULE_BYTES, SITE_BYTES, SITE_COUNT = 40, 128, 352, 8192
GROUPED = SITES + SITE_COUNT * SITE_BYTES
GROUP = GROUPED + 8
GROUP_COUNT = 8
OWN_FRAMES = GROUP + 8 * GROUP_COUNT
BYTES = OWN_FRAMES + 8


def table():
    """{kind: [code, ...]} of kinds.def, in its order."""
    text = (HERE / "kinds.def").read_text()
    return {kind: codes.split() for kind, codes in re.findall(r'KIND\((\w+), "(.*)"\)', text)}


TABLE = table()
NAMES = list(TABLE)


class Fault(NamedTuple):
    kind: str
    code: str
    count: int = 1     # the how manieth call fails
    repeat: int = 1    # how many calls fail from that one on
    site: int = 0      # only calls with this stack
    skip: int = 0      # so many calls of its kind have another stack
    group: tuple = ()  # instead of the above: the first call with each of these stacks, after `skip`
    beyond: bool = False  # whether no call is expected to come to it: that all were tried is seen by that

    def __str__(self):
        if self.group:
            return f"{self.kind} {self.code} ({len(self.group)} sites)"
        place = f"site {self.site:x}, " if self.site else ""
        more = f", and {'all' if self.repeat == ALWAYS else self.repeat - 1} after it" * (self.repeat > 1)
        return f"{self.kind} {self.code} ({place}call {self.count}{more})"

    def alone(self):
        """Those of its group."""
        return [self._replace(site=site, group=()) for site in self.group] or [self]

    def is_shortage(self):
        """Whether it says that descriptors or memory are short."""
        return self.code in ("EMFILE", "ENFILE", "ENOMEM")


def has_thread_sanitizer():
    with open(support.program("TLSECHO_SERVER"), "rb") as file:
        return b"__tsan_init" in file.read()


def number(code):
    if code == "SHORT":
        return SHORT
    if code.startswith("EAI_"):
        return getattr(socket, code)
    return getattr(errno, code, None) or int(code)


class Site(NamedTuple):
    """A stack that calls."""
    first: int     # which call of its kind it was, from 0, since record()
    count: int     # how many calls have it
    frames: list
    openssl: str   # see within_openssl()


class Frame(NamedTuple):
    module: str
    offset: int


class Control:
    """The file is in that folder, as is what a sanitizer reports. own_frames: how many functions of the
    program tell a stack from others; 0: all."""

    def __init__(self, folder, own_frames=0):
        self.folder = pathlib.Path(folder)
        self.path = self.folder / "faults"
        self.whole_stacks = False  # of allocations, which takes time
        self.path.touch(mode=0o600)
        os.truncate(self.path, BYTES)
        with self.path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), BYTES)
        self._set(OWN_FRAMES, own_frames)
        self.disarm()

    def environment(self):
        return support.environment(
            LD_PRELOAD=support.program("TLSECHO_FAULTS_LIBRARY"), TLSECHO_FAULTS=str(self.path),
            ASAN_OPTIONS=ASAN.format(self.folder) + ":fast_unwind_on_malloc=0" * self.whole_stacks,
            UBSAN_OPTIONS="print_stacktrace=1")

    def sanitizer(self):
        """What a sanitizer has reported, once."""
        text = ""
        for file in self.folder.glob("sanitizer*"):
            text += file.read_text(errors="replace")
            file.unlink()
        return text

    def _set(self, offset, value):
        struct.pack_into("<Q", self._map, offset, value & (1 << 64) - 1)

    def _get(self, offset):
        return struct.unpack_from("<q", self._map, offset)[0]

    def begin(self, fault):
        """For a process that will start: nothing has been called yet."""
        self._map[CALLS:MODULE_COUNT] = bytes(MODULE_COUNT - CALLS)
        self.arm(fault)

    def arm(self, fault):
        self._set(KIND, -1)
        self._set(FIRED, 0)
        self._map[FRAMES:CALLS] = bytes(CALLS - FRAMES)
        self._set(CODE, number(fault.code))
        self._set(COUNTDOWN, fault.count)
        self._set(REPEAT, fault.repeat)
        self._set(SITE, fault.site)
        self._set(SKIP, fault.skip)
        self._set(GROUPED, len(fault.group) > 0)
        for n, site in enumerate(fault.group or [0] * GROUP_COUNT):
            self._set(GROUP + 8 * n, site)
        self._set(KIND, NAMES.index(fault.kind))

    def disarm(self):
        self._set(KIND, -1)

    def record(self, on):
        if on:
            self._before = self.calls()
        self._set(RECORD, int(on))

    def fired(self):
        """How many calls have failed since arm()."""
        return self._get(FIRED)

    def left(self):
        """The stacks of the group that no call has come from."""
        return struct.unpack_from(f"<{GROUP_COUNT}Q", self._map, GROUP)

    def calls(self):
        """{kind: how many calls so far}"""
        found = struct.unpack_from(f"<{len(NAMES)}q", self._map, CALLS)
        return dict(zip(NAMES, found))

    def system_calls(self):
        """How many so far."""
        return sum(count for kind, count in self.calls().items() if kind not in NO_SYSTEM_CALLS)

    def sites(self):
        """{kind: {site: Site}} recorded so far."""
        found, used = {}, 0
        for offset in range(SITES, GROUPED, SITE_BYTES):
            site, kind, count, first = struct.unpack_from("<Qqqq", self._map, offset)
            if site:
                used += 1
                name = NAMES[kind]
                frames = self._frames(offset + 32)
                found.setdefault(name, {})[site] = Site(first - self._before[name], count, frames,
                                                        within_openssl(frames))
        assert used < SITE_COUNT, "more stacks than faults.c has room for"
        return found

    def _frames(self, offset):
        """The last ones may be missing."""
        found = []
        for value in struct.unpack_from(f"<{FRAME_COUNT}Q", self._map, offset):
            if not value:
                break
            at = MODULES + ((value >> 48) - 1) * MODULE_BYTES
            if value >> 48 > self._get(MODULE_COUNT):
                found.append(Frame("?", 0))
                continue
            name = self._map[at + 16:at + MODULE_BYTES].split(b"\0")[0].decode()
            found.append(Frame(name, value & (1 << 48) - 1))
        return found

    def stack(self):
        """The frames of the first call that failed."""
        return self._frames(FRAMES)


def within_openssl(frames):
    """The stack of a call that OpenSSL made, up to the second function of the program, as text; else "".
    What follows is the same whichever mode or configuration has come there."""
    inner = [bool(OPENSSL.search(frame.module)) for frame in frames]
    if not any(inner[1:5]):  # those of faults_calls.c and tls_memory.c are first
        return ""
    outer = frames[inner.index(True):]
    ours = [n for n, frame in enumerate(outer) if not frame.module]
    digest = hashlib.sha256(repr(outer[:ours[1] + 1] if len(ours) > 1 else outer).encode())
    return digest.hexdigest()[:16]


def at_each_call(kind, code, count, varies):
    """varies: one more, as no two runs are the same."""
    for n in range(1, count + varies + 1):
        if kind not in TIMES:
            yield Fault(kind, code, n, beyond=n > count)
        if kind != "alloc" and code not in PASSING:
            yield Fault(kind, code, n, ALWAYS, beyond=n > count)


def at_each_stack(kind, code, stacks, lasting):
    """The first call from it, and unless it is an allocation the last one."""
    for site, place in stacks:
        here = Fault(kind, code, site=site, skip=max(0, place.first - STRAY))
        if kind not in TIMES:
            yield here
            if kind != "alloc" and place.count > 1:
                yield here._replace(count=place.count)
        if kind in TIMES or (kind != "alloc" and code not in PASSING and lasting):
            yield Fault(kind, code, place.first + 1, ALWAYS)


def faults_of(calls, sites, every=False, kinds=".*", by_stack=False, lasting=True, skip=None, varies=False):
    """The faults of a scenario that makes these calls. An allocation fails once for each stack, or with
    every=True each one; with by_stack=True that goes for system calls too. The time jumps once and for
    all; an error that may last is tried as one that does, too, with lasting=True. skip(site): whether not
    to try an allocation there."""
    found = []
    for kind, codes in TABLE.items():
        if not re.fullmatch(kinds, kind):
            continue
        stacks = sorted(sites.get(kind, {}).items(), key=lambda item: item[1].first)
        if kind == "alloc" and skip:
            stacks = [(site, place) for site, place in stacks if not skip(place)]
        for code in codes:
            if by_stack or kind == "stream" or (kind == "alloc" and not every):
                found += at_each_stack(kind, code, stacks, lasting)
            else:
                found += at_each_call(kind, code, calls.get(kind, 0), varies)
    return found


def described(stack, program):
    """Lines of a stack: "function file:line" in the program, names of libraries."""
    own = [f"{frame.offset - 1:#x}" for frame in stack if not frame.module]
    told = iter(())
    if own:
        done = subprocess.run(["addr2line", "-f", "-s", "-e", program, *own], stdout=subprocess.PIPE,
                              check=True)
        lines = done.stdout.decode().splitlines()
        told = (f"{name} {place.split()[0]}" for name, place in zip(lines[::2], lines[1::2]))
    return [next(told) if not frame.module else os.path.basename(frame.module) for frame in stack]


def sites_within(function, sites, program):
    """Those with that function of the program in their stacks, in the order of the calls."""
    offsets = sorted({frame.offset for place in sites.values() for frame in place.frames if not frame.module})
    lines = described([Frame("", offset) for offset in offsets], program)
    inside = {offset for offset, line in zip(offsets, lines) if line.startswith(f"{function} ")}
    found = [(place.first, site) for site, place in sites.items()
             if any(frame.offset in inside for frame in place.frames if not frame.module)]
    return [site for _, site in sorted(found)]


def sites_in(file, sites, program):
    """Those whose first function of the program is in that file."""
    first = {site: frame for site, place in sites.items() for frame in place.frames[::-1] if not frame.module}
    return [site for site, line in zip(first, described(first.values(), program)) if f" {file}:" in line]


def own(lines):
    """Those in the program. OpenSSL allocates by way of tls_memory.c."""
    return [line for line in lines if " " in line and "tls_memory.c" not in line]


LEAK = re.compile(r"^Direct leak.*\n((?:    #.*\n)+)", re.MULTILINE)
OWN_FRAME = re.compile(r" in (\w+) (?!\S*libsanitizer)\S*/src/\S*?([\w.]+:\d+)")


def is_failure_of_sanitizer(report):
    """It cannot work without memory either."""
    return "CHECK failed: sanitizer_" in report or "CHECK failed: asan_" in report


def is_crash_of_library(report, lines):
    """libedit with libtinfo, and what looks up names in glibc 2.36, crash where memory runs out within them.
    lines: described()."""
    crash = re.search(r"ERROR: AddressSanitizer: (SEGV|ABRT)(?s:.*?)\n *\n", report)
    inner = OWN_FRAME.split(crash.group())[0] if crash else ""
    if re.search(r"exit status -11|nss_database\.c:\d+: .* Assertion", report):  # without a sanitizer
        calls = zip(lines[2:], lines[3:-3])  # without that of main()
        return any(line == "libtlsecho-faults.so" and " " in after for line, after in calls)
    if any(name in "".join(lines[2:3]) for name in ("libedit", "libtinfo")):
        return "/libedit." in inner
    return "libtlsecho-faults.so" in lines[2:] and bool(re.search(r" in (getaddrinfo|get(pw|gr)\w+) ", inner))


# A name among those of OpenSSL's algorithms. Without memory to look it up OpenSSL 3.0 takes a name as a new
# one, which it puts in the place of the old entry.
NAME = re.compile(r"""
Direct.leak.of.16.byte\(s\).in.1.object.*\n (?:\ +\#.*\n){3} .*\ in\ CRYPTO_zalloc\ .*\n (?:\ +\#.*\n)+ \n
Indirect.leak.of.*.in.1.object.*\n (?:\ +\#.*\n){3} .*\ in\ CRYPTO_strndup\ .*\n (?:\ +\#.*\n)+
""", re.VERBOSE)


def is_leak_of_library(report, lines):
    """Whether all that leaked was allocated by the call into a library within which memory ran out: the
    program cannot know of it. lines: described()."""
    names = NAME.findall(report)
    leaks = LEAK.findall(NAME.sub("", report))
    found = [own([f"{name} {place}" for name, place in OWN_FRAME.findall(leak)])[:1] for leak in leaks]
    return (bool(leaks or names) and "ERROR: AddressSanitizer:" not in report and
            all(place and place == own(lines)[:1] for place in found))
