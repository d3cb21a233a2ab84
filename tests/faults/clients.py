# SPDX-License-Identifier: MIT
"""Every mode of tlsecho-client as a scenario: its arguments, its input, and what it has to print if it
says that all went well."""

import contextlib
import functools
import json
import os
import pty
import re
import socket
import subprocess
import tempfile
import termios
from typing import Callable, NamedTuple

import control as faults
from control import support

import stub_server

HANGS_S = 25
MANY_CALLS = 20000  # more system calls than any of these makes
MANY_CONNECTIONS = ("bench", "path")  # modes that do the same again and again
DATA = bytes(range(256)) * 40
SERVER = """
listeners:
  - { listen: 'tcp://127.0.0.1:0', name: tcp }
  - { listen: 'tls://127.0.0.1:0', name: tls }
  - { listen: 'unix://{dir}/echo.sock', name: unix }
  - { listen: 'udp://127.0.0.1:0', name: udp }
  - { listen: 'dtls://127.0.0.1:0', name: dtls }
  - { listen: 'tls://127.0.0.1:0', name: report-tls, service: report }
  - { listen: 'tcp://127.0.0.1:0', name: report, service: report }
  - { listen: 'udp://127.0.0.1:0', name: report-udp, service: report }
  - { listen: 'dtls://127.0.0.1:0', name: report-dtls, service: report }
  - { listen: 'unix://{dir}/report.sock', name: report-unix, service: report }
  - { listen: 'udp://127.0.0.1:0', name: stamp, service: stamp }
  - { listen: 'tls://127.0.0.1:0', name: hello, service: hello }
  - { listen: 'tcp://127.0.0.1:0', name: chargen, service: chargen }
  - { listen: 'tcp://127.0.0.1:0', name: proxied, proxy_protocol: required, proxy_from: [ 127.0.0.0/8 ] }
limits: { datagram_rate: 0 }
log: { connections: off }
""" + support.PROFILE

# Results that would blame the command line, the peer's certificate or the peer's data.
MISLEADING = {2: "usage", 7: "handshake", 8: "untrusted", 9: "name-mismatch", 10: "expired",
              11: "client-certificate", 14: "corrupt",
              None: "critical"}  # of a plug-in: something is wrong with the server
# Failures that are none of the peer's.
LOCAL = {"alloc", "socket", "epoll_create1", "epoll_ctl", "eventfd", "timerfd_create", "signalfd",
         "pipe2", "thread", "mmap", "poll", "flush", "account", "privilege", "ioctl"}


def echoed(done):
    return None if done.stdout == DATA else f"{len(done.stdout)} bytes came back of {len(DATA)}"


def summary(done):
    lines = [line for line in (done.stdout.decode() + done.stderr).splitlines() if line[:1] == "{"]
    return json.loads(lines[-1]) if lines else None


def says(**wanted):
    """The JSON summary has these values."""
    def judge(done):
        found = summary(done)
        if not found:
            return "no summary"
        wrong = {key: found.get(key) for key in wanted if found.get(key) != wanted[key]}
        return f"the summary says {wrong}" if wrong else None
    return judge


def prints(pattern):
    def judge(done):
        return None if re.search(pattern, done.stdout.decode()) else f"stdout lacks {pattern}"
    return judge


LINE = b"hello\n"


def shown(done):
    """As typed, and as it came back."""
    count = done.stdout.count(LINE.strip() + b"\r\n")
    return None if count == 2 else f"the line is shown {count} times: {done.stdout!r}"


class Client(NamedTuple):
    name: str
    args: str  # {NAME} stands for an endpoint of Peer, {pki} and {dir} for folders
    judge: Callable
    data: bytes = b""
    typed: bytes = b""  # at a terminal, instead of data


def pinged(done):
    probes = (summary(done) or {}).get("probes", {})
    return None if (probes.get("sent"), probes.get("received")) == (2, 2) else f"probes: {probes}"


CLIENTS = [
    Client("pipe-tcp", "{tcp}", echoed, DATA),
    Client("pipe-tls", "--cacert {pki}/ca.pem --json {tls}", echoed, DATA),
    Client("pipe-unix", "{unix}", echoed, DATA),
    Client("pipe-proxy", "--proxy-protocol 2 {proxied}", echoed, DATA),
    Client("pipe-keylog", "--cacert {pki}/ca.pem --keylog {dir}/keys --resume={dir}/session {tls}", echoed,
           DATA),
    Client("pipe-none", "--expect none {tcp}", echoed, DATA),
    Client("pipe-none-tls", "--expect none --cacert {pki}/ca.pem {tls}", echoed, DATA),
    Client("pipe-name", "{tcp-by-name}", echoed, DATA),
    Client("pipe-hello", "--expect hello --cacert {pki}/ca.pem {hello}", echoed, DATA),
    Client("prompt-tcp", "{tcp}", shown, typed=LINE),
    Client("prompt-tls", "--cacert {pki}/ca.pem --json {tls}", shown, typed=LINE),
    Client("prompt-udp", "{udp}", shown, typed=LINE),
    Client("prompt-dtls", "--cacert {pki}/ca.pem --json {dtls}", shown, typed=LINE),
    Client("pipe-mutual", "--cacert {pki}/ca.pem --cert {pki}/client.pem --key {pki}/client.key {tls}",
           echoed, DATA),
    Client("ping-tcp", "--ping -c2 -i0 --json {tcp}", pinged),
    Client("ping-tls", "--ping -c2 -i0 --json --cacert {pki}/ca.pem {tls}", pinged),
    Client("ping-udp", "--ping -c2 -i0 --json {udp}", pinged),
    Client("ping-dtls", "--ping -c2 -i0 --json --cacert {pki}/ca.pem {dtls}", pinged),
    Client("ping-stamp", "--ping -c2 -i0 --json --expect stamp {stamp}", pinged),
    Client("ping-hello", "--ping -c2 -i0 --json --expect hello --cacert {pki}/ca.pem {hello}", pinged),
    Client("ping-unix", "--ping -c2 -i0 --json {unix}", pinged),
    Client("ping-reconnect", "--ping -c2 -i0 --reconnect --json {once}", pinged),
    Client("ping-reconnect-dtls", "--ping -c2 -i0 --reconnect --json --cacert {pki}/ca.pem {dtls}", pinged),
    Client("check-tcp", "--check --json {tcp}", says(result="ok", exit=0)),
    Client("check-tls", "--check --groups X25519 --json --cacert {pki}/ca.pem {tls}", says(result="ok", exit=0)),
    Client("check-piped", "--check --json --cacert /dev/stdin {tls}", says(result="ok", exit=0)),
    Client("check-dtls", "--check --json --cacert {pki}/ca.pem {dtls}", says(result="ok", exit=0)),
    Client("check-udp", "--check --json {udp}", says(result="ok", exit=0)),
    Client("check-nagios", "--check --nagios --expiry-warn 1 --cacert {pki}/ca.pem {tls}", prints("^TLSECHO OK - ")),
    Client("check-nagios-udp", "--check --nagios {udp}", prints("^TLSECHO OK - ")),
    Client("check-hello", "--check -c2 --expect hello --json --cacert {pki}/ca.pem {hello}",
           says(result="ok", exit=0)),
    Client("check-resume", "--check -c2 --resume --json --cacert {pki}/ca.pem {tls}",
           says(result="ok", exit=0)),
    Client("report-tcp", "--report --json {report}", says(result="ok", exit=0)),
    Client("report-tls", "--report --json --cacert {pki}/ca.pem {report-tls}", says(result="ok", exit=0)),
    Client("report-udp", "--report --json {report-udp}", says(result="ok", exit=0)),
    Client("report-dtls", "--report --json --cacert {pki}/ca.pem {report-dtls}", says(result="ok", exit=0)),
    Client("report-unix", "--report {report-unix}", prints("verdict")),
    Client("path", "--path --only client-hello,names --json {tls}",
           says(result="ok", exit=0)),
    Client("path-size", "--path --only size --json {tcp}", says(result="ok", exit=0)),
    Client("path-syn", "--path --only syn --json {report}", says(result="ok", exit=0)),
    Client("bench-tcp", "--bench -P2 -n20 --json {tcp}", says(result="ok", exit=0)),
    Client("bench-tls", "--bench -P2 -n20 --threads 2 --json --cacert {pki}/ca.pem {tls}",
           says(result="ok", exit=0)),
    Client("bench-udp", "--bench -P2 -n20 --rate 1000 --json {udp}", says(result="ok", exit=0)),
    Client("bench-dtls", "--bench -P2 -n20 --rate 1000 --json --cacert {pki}/ca.pem {dtls}",
           says(result="ok", exit=0)),
    Client("bench-unix", "--bench -P2 -n20 --pipeline 2 --json {unix}", says(result="ok", exit=0)),
    Client("bench-rate", "--bench -P2 -n20 --rate 1000 --json {tcp}", says(result="ok", exit=0)),
    Client("bench-receive", "--bench --expect none -s0 -t 50ms --json {chargen}", says(result="ok", exit=0)),
    Client("bench-compare", "--bench -n9 --cacert {pki}/ca.pem --json {tcp} {tls}", says(result="ok", exit=0)),
    Client("bench-html", "--bench -n9 --report-html {dir}/page.html {tcp}", prints("messages")),
    Client("bench-handshakes", "--bench --handshakes -P1 -n3 --resume --json --cacert {pki}/ca.pem {tls}",
           says(result="ok", exit=0)),
    Client("html", "--ping -c2 -i0 --report-html {dir}/page.html {tcp}",
           prints("2 probes transmitted, 2 received")),
    Client("show-certs", "--show-certs --cacert {pki}/ca.pem {tls}",
           prints(r"(?s)(-----BEGIN CERT.*-----END CERT.*){2}")),
    Client("show-certs-dtls", "--show-certs --cacert {pki}/ca.pem {dtls}",
           prints(r"(?s)(-----BEGIN CERT.*-----END CERT.*){2}")),
    Client("merge", "--merge --json {dir}/bench.json {dir}/other.json", says(result="ok", exit=0)),
]


class Peer(support.Server):
    """SERVER, and beside it one that ends each connection after an answer."""

    def __init__(self):
        super().__init__(SERVER)
        self.once = stub_server.StubServer(self.answer_once)
        self.wait_for("ready")

    @staticmethod
    def answer_once(connection):
        connection.sendall(connection.recv(65536))
        connection.shutdown(socket.SHUT_WR)

    def endpoint(self, which="tcp"):
        if which == "once":
            return self.once.endpoint()
        if which == "tcp-by-name":
            return super().endpoint("tcp").replace("127.0.0.1", "localhost")
        return super().endpoint(which)

    def remove(self):
        self.once.__exit__(None, None, None)
        super().remove()


def at_terminal(command, typed, env):
    """Runs it with what was typed, and with the end of input, waiting at a terminal."""
    keyboard, terminal = pty.openpty()
    try:
        mode = termios.tcgetattr(terminal)
        mode[3] &= ~(termios.ICANON | termios.ECHO)
        termios.tcsetattr(terminal, termios.TCSANOW, mode)
        os.write(keyboard, typed + b"\x04")
        done = subprocess.run([str(word) for word in command], stdin=terminal, stdout=terminal, env=env,
                              stderr=subprocess.PIPE, timeout=HANGS_S, check=False)
        os.close(terminal)
        terminal = -1
        screen = b"".join(read_to_end(keyboard))
    finally:
        os.close(keyboard)
        if terminal >= 0:
            os.close(terminal)
    return support.Finished(done.returncode, screen, done.stderr.decode(errors="replace"))


def read_to_end(keyboard):
    """EIO: no program has the terminal open."""
    with contextlib.suppress(OSError):
        while True:
            yield os.read(keyboard, 65536)


class Runs:
    """A mode of the client, once for each fault."""

    lasting, varies = True, False

    def __init__(self, scenario, peer, book, program):
        self.scenario, self.peer, self.book, self.program = scenario, peer, book, program
        self.name = f"client:{scenario.name}"
        self.by_stack = scenario.name.startswith(MANY_CONNECTIONS)

    def run(self, control):
        """With no files from a run before."""
        for old in control.folder.iterdir():
            if old != control.path:
                old.unlink()
        if self.scenario.name == "merge":
            for name, run in self.summaries().items():
                (control.folder / name).write_bytes(run)
        data = self.scenario.data
        if "/dev/stdin" in self.scenario.args:
            data = (support.pki() / "ca.pem").read_bytes()
        places = {"pki": support.pki(), "dir": control.folder}
        words = [word.format(**places, **self.endpoints(word)) for word in self.scenario.args.split()]
        if self.scenario.typed:
            return at_terminal([self.program, *words], self.scenario.typed,
                               {**control.environment(), "TERM": "vt100", "LC_ALL": "C.UTF-8"})
        return support.run(self.program, *words, data=data, timeout=HANGS_S,
                           env=control.environment())

    @functools.lru_cache
    def summaries(self):
        """Of two runs."""
        return {name: support.client("--bench", "-n20", "--json", self.peer.endpoint("tcp")).stdout
                for name in ("bench.json", "other.json")}

    def endpoints(self, word):
        name = word.strip("{}")
        return {name: self.peer.endpoint(name)} if re.fullmatch(r"\{(?!pki|dir)[\w-]+\}", word) else {}

    def count(self, folder):
        control = faults.Control(folder)
        control.record(True)
        done = self.run(control)
        wrong = self.scenario.judge(done) if done.status == 0 else done.stderr or done.status
        if wrong:
            raise AssertionError(f"{self.name} fails without a fault: {wrong}")
        return control.calls(), control.sites()

    def judge(self, fault, done, control):
        made = control.system_calls()
        if made > MANY_CALLS:
            return f"it spins: {made} calls"
        if not 0 <= done.status <= 16:
            return f"exit status {done.status}"
        if done.status == 0:
            wrong = self.scenario.judge(done)
            return wrong and f"exit status 0, but {wrong}"
        said = done.stderr[-300:] + done.stdout.decode(errors="replace")[-300:]
        if not said.strip():
            return f"exit status {done.status} without a reason"
        local = fault.kind in LOCAL or fault.is_shortage() or fault.code == "EAI_MEMORY"
        word = self.result(done)
        misleading = word in MISLEADING.values() or (fault.code == "EAI_MEMORY" and word == "dns")
        if local and misleading and control.fired():
            return f"exit status {done.status}, {word}: {said}"
        return None

    def result(self, done):
        """The word of its exit status, or that of a plug-in's line."""
        if "--nagios" not in self.scenario.args:
            return {**MISLEADING, 3: "dns"}.get(done.status)
        line = re.match(r"TLSECHO (CRITICAL|UNKNOWN) - (?:([a-z-]+): )?", done.stdout.decode(errors="replace"))
        if not line:
            return None
        state, word = line.groups()
        return "critical" if state == "CRITICAL" and word == "local-io" else word

    def points(self, some):
        with tempfile.TemporaryDirectory(prefix="tlsecho-faults-") as folder:
            control = faults.Control(folder)
            for fault in some:
                self.point(fault, control)

    def point(self, fault, control, again=False):
        control.begin(fault)
        try:
            done = self.run(control)
            self.book.status(fault, done.status)
            wrong = control.sanitizer() or self.judge(fault, done, control)
        except subprocess.TimeoutExpired as error:
            if not control.fired() and not again:  # nothing has failed: other programs are in its way
                self.point(fault, control, again=True)
                return
            wrong = f"it hangs: {(error.stdout or b'')[-300:]} {(error.stderr or b'')[-300:]}"
        self.book.point(fault, control)
        if wrong and "LeakSanitizer" in wrong:
            control.whole_stacks = True
            control.begin(fault)
            self.run(control)
            wrong = control.sanitizer()
            control.whole_stacks = False
        if wrong:
            self.book.finding(self.name, fault, wrong, control.stack(), self.program)


def scenarios(book, program, peer):
    return [Runs(scenario, peer, book, program) for scenario in CLIENTS]
