# SPDX-License-Identifier: MIT
"""A path of three network namespaces, client - router - server. The router drops, rewrites or delays
packets, forgets connections, or sends an RST in the name of the peer.

    def setUpModule():
        netpath.require()            # skips the module where namespaces cannot be made

    with netpath.Network(boxes.DropAbove(1340), boxes.Lose(2)) as network:
        server = self.server(config, prefix=network.server.prefix)     # it listens on network.SERVER
        network.run_client("--check", f"tls://{network.SERVER}:{port}")

Namespaces have no names and end with the processes in them, so nothing is left behind. Offloads are
off: a packet is what it would be on a wire.
"""

import contextlib
import ctypes
import fcntl
import heapq
import os
import pathlib
import pwd
import select
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time
import unittest

import support
from boxes import TO_CLIENT, TO_SERVER, Rule

CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TUN_NO_PI = 0x400454ca, 0x1001
LIBC = ctypes.CDLL(None, use_errno=True)
TOOLS = "ip", "nft", "ethtool", "nsenter"


def enter():
    """Moves this process and its later children into a new network namespace."""
    if LIBC.unshare(CLONE_NEWNET) != 0:
        raise unittest.SkipTest("needs root: a network namespace cannot be made")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def require():
    """Skips the module where a Network cannot be made."""
    for tool in TOOLS:
        if not shutil.which(tool, path=support.TOOL_PATH):
            if os.environ.get("TLSECHO_TOOLS") == "required":
                raise AssertionError(f"{tool} is not installed")
            raise unittest.SkipTest(f"{tool} is not installed")
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        raise unittest.SkipTest("needs /dev/net/tun")
    try:
        namespace = Namespace()
    except OSError:
        raise unittest.SkipTest("needs root: a network namespace cannot be made") from None
    with contextlib.closing(namespace):
        if namespace.run("nft", "-f", "-", text="table inet try {}\n", check=False):
            raise unittest.SkipTest("nft cannot be used here")


@contextlib.contextmanager
def hosts(*lines):
    """A command prefix that replaces /etc/hosts by these lines for a program."""
    with tempfile.NamedTemporaryFile("w", suffix=".hosts") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        mount = 'mount --make-rprivate / && mount --bind "$0" /etc/hosts && exec "$@"'
        yield "unshare", "-m", "sh", "-c", mount, file.name


class Namespace:
    """A network namespace without a name, held open by a descriptor."""

    def __init__(self):
        with self._own() as home:
            if LIBC.unshare(CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "unshare")
            try:
                self._fd = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
            finally:
                self._join(home)
        self.path = f"/proc/{os.getpid()}/fd/{self._fd}"
        self.prefix = "nsenter", f"--net={self.path}", "--"

    @staticmethod
    @contextlib.contextmanager
    def _own():
        fd = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            yield fd
        finally:
            os.close(fd)

    @staticmethod
    def _join(fd):
        if LIBC.setns(fd, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")

    @contextlib.contextmanager
    def entered(self):
        """Moves this thread into the namespace for the block. Sockets, threads and processes that it
        makes stay there."""
        with self._own() as home:
            self._join(self._fd)
            try:
                yield self
            finally:
                self._join(home)

    def run(self, *command, text="", check=True):
        """Runs a command with text as its input. Returns its exit status, which with check must be 0."""
        with self.entered():
            done = subprocess.run(command, input=text, stdout=subprocess.PIPE, text=True,
                                  stderr=subprocess.STDOUT, check=False,
                                  env=support.environment(PATH=support.TOOL_PATH))
        if check and done.returncode:
            raise AssertionError(f"{command}: {done.stdout}\n{text}")
        return done.returncode

    def set(self, **values):
        """Writes values to /proc/sys/net: ipv4__tcp_ecn=1."""
        with self.entered():
            for name, value in values.items():
                path = pathlib.Path("/proc/sys/net", *name.split("__"))
                path.write_text(f"{value}\n", encoding="ascii")

    def close(self):
        os.close(self._fd)


class Network:
    """The three namespaces, and, if a Rule is among the boxes, the thread that reads the tun device."""

    CLIENT, SERVER = "10.9.1.2", "10.9.2.2"
    CLIENT6, SERVER6 = "fd09:1::2", "fd09:2::2"

    def __init__(self, *between):
        self.boxes = []
        self.rules = [box for box in between if isinstance(box, Rule)]
        self.client, self.router, self.server = Namespace(), Namespace(), Namespace()
        self._connect(self.client, "client", 1)
        self._connect(self.server, "server", 2)
        self.router.run("ip", "link", "set", "lo", "up")
        self.router.set(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1)
        if self.rules:
            self._divert()
        lines = "\n".join(rule for box in between for rule in box.rules)
        self.router.run("nft", "-f", "-", text=f"""
table inet boxes {{
 chain path {{
{lines}
 }}
 chain forward {{
  type filter hook forward priority mangle;
  {TO_SERVER} jump path
  {TO_CLIENT} jump path
 }}
}}
""")
        for box in between:
            self.router.set(**box.values)
            self.boxes.append(box)
            box.attach(self)

    def _connect(self, namespace, name, number):
        """Connects eth0 of a namespace to device `name` of the router."""
        self.router.run("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns",
                        namespace.path)
        for end, device, host in (self.router, name, 1), (namespace, "eth0", 2):
            end.run("ip", "-batch", "-", text=f"""
link set {device} addrgenmode none
address add 10.9.{number}.{host}/24 dev {device}
address add fd09:{number}::{host}/64 dev {device} nodad
address add fe80::{host}/64 dev {device} nodad
link set {device} up
""")
            end.run("ethtool", "-K", device, "tso", "off", "gso", "off", "gro", "off", "tx", "off")
        namespace.run("ip", "-batch", "-", text=f"""
link set lo up
route add default via 10.9.{number}.1
route add default via fd09:{number}::1
""")

    def _divert(self):
        """Routes IPv4 packets to this program through a tun device; it passes them on."""
        with self.router.entered():
            self._tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            fcntl.ioctl(self._tun, TUNSETIFF, struct.pack("16sH", b"rules", IFF_TUN_NO_PI))
        self.router.run("ip", "-batch", "-", text="""
link set rules up
route add default dev rules table 100
rule add dev client to 10.9.2.0/24 table 100 priority 100
rule add dev server to 10.9.1.0/24 table 100 priority 100
""")
        self.router.set(ipv4__conf__rules__rp_filter=0, ipv4__conf__all__rp_filter=0)
        self._wake, self._end = os.pipe()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def redirect(self, port):
        """From now on connections of the client go to that port of the router."""
        self.router.run("nft", "-f", "-", text=f"""
table ip proxy {{
 chain prerouting {{
  type nat hook prerouting priority dstnat;
  iifname "client" meta l4proto tcp redirect to :{port}
 }}
}}
""")

    def run_client(self, *args, user=None, **options):
        """Runs tlsecho-client in the client's namespace, as that user; options as for support.run()."""
        program = support.program("TLSECHO_CLIENT")
        if not user:
            return support.run(*self.client.prefix, program, *args, **options)
        account = pwd.getpwnam(user)
        with tempfile.TemporaryDirectory(prefix="tlsecho-") as folder:
            os.chmod(folder, 0o755)  # other users may have no access to the build folder
            return support.run(*self.client.prefix, "setpriv", f"--reuid={account.pw_uid}",
                               f"--regid={account.pw_gid}", "--clear-groups",
                               shutil.copy(program, folder), *args, **options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for box in self.boxes:
            box.detach()
        if self.rules:
            os.write(self._end, b"x")
            self._thread.join()
            for fd in (self._tun, self._wake, self._end):
                os.close(fd)
        for namespace in (self.client, self.router, self.server):
            namespace.close()

    def _apply(self, data):
        """Applies all rules to a packet: a list of (seconds, bytes). No rule sees an answer of a rule."""
        rules = [rule for rule in self.rules if data[0] >> 4 == 4 and rule.protocol == data[9]]
        source = data[12:16]
        to_server = source == socket.inet_aton(self.CLIENT)
        on, answers = [(0, data)], []
        for rule in rules if to_server else reversed(rules):
            results = [(delay_s + more_s, out) for delay_s, data in on
                       for more_s, out in rule.packets(rule.parse(data), to_server)]
            on = [result for result in results if result[1][12:16] == source]
            answers += [result for result in results if result[1][12:16] != source]
        return on + answers

    def _run(self):
        waiting, count = [], 0
        while True:
            now = time.monotonic()
            while waiting and waiting[0][0] <= now:
                with contextlib.suppress(OSError):
                    os.write(self._tun, heapq.heappop(waiting)[2])
            patience = max(0, waiting[0][0] - now) if waiting else None
            ready, _, _ = select.select([self._tun, self._wake], [], [], patience)
            if self._wake in ready:
                return
            if self._tun not in ready:
                continue
            try:
                data = os.read(self._tun, 65536)
            except BlockingIOError:
                continue
            for delay_s, bytes_on in self._apply(data):
                count += 1
                heapq.heappush(waiting, (time.monotonic() + delay_s, count, bytes_on))
