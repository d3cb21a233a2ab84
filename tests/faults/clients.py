# SPDX-License-Identifier: MIT
"""Every mode of tlsecho-client as a scenario: its arguments, its input, and what it has to print if it
says that all went well."""

import functools
import json
import re
import subprocess
import tempfile
from typing import Callable, NamedTuple

import control as faults
from control import support

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
  - { listen: 'udp://127.0.0.1:0', name: stamp, service: stamp }
  - { listen: 'tls://127.0.0.1:0', name: hello, service: hello }
  - { listen: 'tcp://127.0.0.1:0', name: proxied, proxy_protocol: required, proxy_from: [ 127.0.0.0/8 ] }
limits: { datagram_rate: 0 }
log: { connections: off }
""" + support.PROFILE

# Results that would blame the command line, the peer's certificate or the peer's data.
MISLEADING = {2: "usage", 7: "handshake", 8: "untrusted", 9: "name-mismatch", 10: "expired",
              11: "client-certificate", 14: "corrupt"}
# Failures that are none of the peer's.
LOCAL = {"alloc", "socket", "epoll_create1", "epoll_ctl", "eventfd", "timerfd_create", "signalfd",
         "pipe2", "thread", "mmap", "poll", "flush"}


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


class Client(NamedTuple):
    name: str
    args: str  # {NAME} stands for an endpoint of SERVER, {pki} and {dir} for folders
    judge: Callable
    data: bytes = b""


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
    Client("pipe-mutual", "--cacert {pki}/ca.pem --cert {pki}/client.pem --key {pki}/client.key {tls}",
           echoed, DATA),
    Client("ping-tcp", "--ping -c2 -i0 --json {tcp}", pinged),
    Client("ping-tls", "--ping -c2 -i0 --json --cacert {pki}/ca.pem {tls}", pinged),
    Client("ping-udp", "--ping -c2 -i0 --json {udp}", pinged),
    Client("ping-dtls", "--ping -c2 -i0 --json --cacert {pki}/ca.pem {dtls}", pinged),
    Client("ping-stamp", "--ping -c2 -i0 --json --expect stamp {stamp}", pinged),
    Client("ping-hello", "--ping -c2 -i0 --json --expect hello --cacert {pki}/ca.pem {hello}", pinged),
    Client("check-tcp", "--check --json {tcp}", says(result="ok", exit=0)),
    Client("check-tls", "--check --groups X25519 --json --cacert {pki}/ca.pem {tls}", says(result="ok", exit=0)),
    Client("check-piped", "--check --json --cacert /dev/stdin {tls}", says(result="ok", exit=0)),
    Client("check-dtls", "--check --json --cacert {pki}/ca.pem {dtls}", says(result="ok", exit=0)),
    Client("check-resume", "--check -c2 --resume --json --cacert {pki}/ca.pem {tls}",
           says(result="ok", exit=0)),
    Client("report-tcp", "--report --json {report}", says(result="ok", exit=0)),
    Client("report-tls", "--report --json --cacert {pki}/ca.pem {report-tls}", says(result="ok", exit=0)),
    Client("report-udp", "--report --json {report-udp}", says(result="ok", exit=0)),
    Client("path", "--path --only client-hello,names --json {tls}",
           says(result="ok", exit=0)),
    Client("path-size", "--path --only size --json {tcp}", says(result="ok", exit=0)),
    Client("path-syn", "--path --only syn --json {report}", says(result="ok", exit=0)),
    Client("bench-tcp", "--bench -P2 -n20 --json {tcp}", says(result="ok", exit=0)),
    Client("bench-tls", "--bench -P2 -n20 --threads 2 --json --cacert {pki}/ca.pem {tls}",
           says(result="ok", exit=0)),
    Client("bench-udp", "--bench -P2 -n20 --rate 1000 --json {udp}", says(result="ok", exit=0)),
    Client("bench-handshakes", "--bench --handshakes -P1 -n3 --resume --json --cacert {pki}/ca.pem {tls}",
           says(result="ok", exit=0)),
    Client("html", "--ping -c2 -i0 --report-html {dir}/page.html {tcp}",
           prints("2 probes transmitted, 2 received")),
    Client("show-certs", "--show-certs --cacert {pki}/ca.pem {tls}",
           prints(r"(?s)(-----BEGIN CERT.*-----END CERT.*){2}")),
    Client("merge", "--merge --json {dir}/bench.json {dir}/other.json", says(result="ok", exit=0)),
]


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
        local = fault.kind in LOCAL or fault.is_shortage()
        if local and done.status in MISLEADING and control.fired():
            return f"exit status {done.status}, {MISLEADING[done.status]}: {said}"
        return None

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
