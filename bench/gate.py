# SPDX-License-Identifier: MIT
"""A performance gate without noise: the instructions of the server for each echo, connection and reload.

callgrind counts them while a fixed script runs; recorded/openssl-RELEASE.json has the counts with that release
of OpenSSL. Growth of more than 3 % fails and names the functions that grew. What is compared depends on the
machine:

    memory     bytes of an idle TLS connection (memory.py): with the release of OpenSSL that was recorded
    calls      system calls, clock reads and allocations: likewise
    own        instructions of the server's functions: with the compiler that was recorded
    libraries  instructions of OpenSSL and libc: with the versions that were recorded

No request of an unauthenticated client (hostile.py) may cost more than so many full handshakes, on any
machine. callgrind emulates the same CPU on every machine with AVX2.
"""

import argparse
import collections
import concurrent.futures
import contextlib
import itertools
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

import hostile
import memory
import tool
from servers import OURS, Place, first_line, free_port, wait_for_port

RECORDED = pathlib.Path(__file__).with_name("recorded")
GROWTH = 1.03
KEPT = 40      # of the functions of libraries, the most expensive ones
CALLS = ("recv", "send", "recvmmsg", "sendmmsg", "read", "write", "epoll_wait", "epoll_ctl", "accept4", "close",
         "shutdown", "clock_gettime", "splice", "malloc", "calloc", "realloc")
TIMEOUT_S = 300  # on a busy machine
MORE = "watch: off\nworkers: 1\nsecurity: { sandbox: off }\n"  # callgrind cannot write its files in a sandbox


FULL_HANDSHAKE = "TLS 1.3 connection, full handshake"
HOSTILE_MAX = 20  # full handshakes
RELOAD_MAX = 1000  # likewise: a third of a second, not on the data path


class Script(NamedTuple):
    name: str
    kind: str
    load: tuple  # arguments of bench/load, of dtls of bench/dtls; of udp and hello: how many datagrams arrive at once
    warm: int   # units before counting
    units: int  # units that are counted
    size: int   # units of the load in one unit here
    chance: float  # tolerated additional calls per unit, with what is around them: scheduling varies


AROUND_A_CALL = 100  # instructions
AT_ONCE = 0.1  # of 32 datagrams: on a busy machine they arrive in several turns of the loop

SCRIPTS = (
    Script("plain echo of 64 B", "plain", ("plain", "stream", 1), 200, 2000, 64, 0.02),
    Script("TLS echo of 64 B", "ecdsa", ("1.3", "stream", 1), 200, 1000, 64, 0.02),
    Script(FULL_HANDSHAKE, "ecdsa", ("1.3", "full", 1), 5, 25, 1, 0.6),
    Script("TLS 1.3 connection, resumed", "ecdsa", ("1.3", "resumed", 1), 5, 25, 1, 0.6),
    Script("TLS 1.2 connection, resumed", "ecdsa", ("1.2", "resumed", 1), 5, 25, 1, 0.6),
    Script("UDP echo of 64 B", "udp", (1,), 200, 1000, 64, 0.02),
    Script("UDP echo of 64 B, 32 at once", "udp", (32,), 20 * 32, 100 * 32, 64, AT_ONCE),
    Script("DTLS echo of 64 B", "dtls", (1, 1), 200, 1000, 64, 0.02),
    Script("DTLS ClientHello without a cookie, 32 at once", "hello", (32,), 20 * 32, 100 * 32, 64, AT_ONCE),
)

RELOAD = Script("reload", "reload", (), 1, 3, 1, 40)

DATAGRAMS = 'listeners: [ { listen: "udp://127.0.0.1:%(udp)d" } ]\n'
DTLS = """
listeners: [ { listen: "dtls://127.0.0.1:%(dtls)d" } ]
tls: { default: { certificates: [ { certificate: "%(pki)s/server-ecdsa.pem", key: "%(pki)s/server-ecdsa.key" } ] } }
"""
PORT_OF = {"hello": "dtls"}  # of the kinds that share one; the others have their own
# RFC 6347 §4.1, §4.2.2: a record and a message with the beginning of a ClientHello that has no cookie
HELLO = bytes((22, 0xfe, 0xff, *bytes(8), 0, 83, 1, 0, 0, 71, *bytes(6), 0, 71, 0xfe, 0xfd, *bytes(69)))


class Profile:
    """A dump of callgrind: instructions by (object, function), and calls by function."""

    def __init__(self, path):
        self.instructions = collections.Counter()
        self.calls = collections.Counter()
        place = {"ob": "", "fn": ""}
        called = None
        inclusive = False  # the next line has the cost of a call, which is also counted in the callee
        for line in path.read_text().splitlines():
            key, equals, value = line.partition("=")
            if equals and key in ("ob", "fn", "cfn"):
                called = value if key == "cfn" else called
                place[key] = value
            elif equals and key == "calls":
                self.calls[plain_name(called)] += int(value.split()[0])
                inclusive = True
            elif re.match(r"[-+*\d]", line):
                if not inclusive:
                    at = pathlib.Path(place["ob"]).name, plain_name(place["fn"])
                    self.instructions[at] += int(line.split()[1])
                inclusive = False


def plain_name(function):
    """The name without suffixes of the compiler and the linker."""
    return re.sub(r"(@@?|\.|').*", "", function)


class Counted(NamedTuple):
    """Counts per unit."""
    calls: dict
    own: float      # instructions
    libraries: float
    functions: dict  # instructions of the server's functions, and of the most expensive ones of libraries


def count(profile, units):
    own, others = collections.Counter(), collections.Counter()
    for (program, function), n in profile.instructions.items():
        if program == "tlsecho-server":
            own[function] += n
        else:
            others[f"{program}:{function}"] += n
    functions = [(f, n) for f, n in own.most_common() if n >= units] + others.most_common(KEPT)
    return Counted({name: round(profile.calls[name] / units, 2) for name in CALLS},
                   round(sum(own.values()) / units, 1), round(sum(others.values()) / units, 1),
                   {name: round(n / units, 1) for name, n in functions})


class Counting:
    """The server under callgrind. A with block."""

    def __init__(self, build, folder, ports, text):
        self.build, self.folder, self.ports = build, folder, ports
        self.dumps = 0
        config = folder / "server.yaml"
        config.write_text(text + MORE)
        with open(folder / "server.log", "wb") as log:
            self.process = subprocess.Popen(
                ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/counted",
                 "--compress-strings=no", "--compress-pos=no", "--trace-children=no",
                 build / "src" / "tlsecho-server", "-c", config], stderr=log)

    def __enter__(self):
        for kind, port in self.ports.items():
            if kind not in ("udp", "dtls"):
                wait_for_port(port, self.process)
        log = self.folder / "server.log"
        while "event=ready" not in log.read_text():
            if self.process.poll() is not None:
                raise RuntimeError(log.read_text())
            time.sleep(0.05)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def dump(self):
        """The counts since the previous dump."""
        self.dumps += 1
        subprocess.run(["callgrind_control", "--dump", str(self.process.pid)], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=TIMEOUT_S)
        path = self.folder / f"counted.{self.dumps}"
        end = time.monotonic() + TIMEOUT_S
        while "totals:" not in (path.read_text() if path.exists() else ""):
            if time.monotonic() > end:
                raise RuntimeError("callgrind wrote no dump")
            time.sleep(0.05)
        return Profile(path)

    @contextlib.contextmanager
    def streams(self, script):
        """A function that has so many units of the script done."""
        command = [self.build / "bench" / "load", self.ports[script.kind], *script.load]
        with subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True) as load:
            def work(units):
                load.stdin.write(f"{TIMEOUT_S} {units * script.size} {script.size} {script.size}\n")
                load.stdin.flush()
                if load.stdout.readline().split() != ["done", str(units * script.size)]:
                    raise RuntimeError(f"{script.name}: the load ended early")
            if load.stdout.readline() != "ready\n":
                raise RuntimeError(f"{script.name}: the load did not start")
            yield work
            load.stdin.close()

    @contextlib.contextmanager
    def associations(self, script):
        """Likewise, over DTLS."""
        command = [self.build / "bench" / "dtls", "load", self.ports["dtls"], *script.load]
        with subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True) as load:
            def work(units):
                load.stdin.write(f"{TIMEOUT_S} {units}\n")
                load.stdin.flush()
                if int(load.stdout.readline()) != units:
                    raise RuntimeError(f"{script.name}: the load ended early")
            load.stdout.readline()  # it has connected
            yield work
            load.stdin.close()

    @contextlib.contextmanager
    def paused(self):
        self.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED)
        yield
        self.process.send_signal(signal.SIGCONT)

    @contextlib.contextmanager
    def datagrams(self, script):
        """Likewise. The server takes a payload that is repeated for a loop."""
        numbers = itertools.count()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(TIMEOUT_S)
            client.connect(("127.0.0.1", self.ports[PORT_OF.get(script.kind, script.kind)]))
            at_once, = script.load

            def work(units):
                for _ in range(units // at_once):
                    with self.paused() if at_once > 1 else contextlib.nullcontext():
                        for _ in range(at_once):
                            client.send(HELLO if script.kind == "hello" else next(numbers).to_bytes(script.size, "big"))
                    for _ in range(at_once):
                        client.recv(script.size)
            yield work

    @contextlib.contextmanager
    def reloads(self, _script):
        def work(units):
            for _ in range(units):
                self.reload_once()
        yield work

    def run(self, script):
        begin = {"udp": self.datagrams, "hello": self.datagrams, "dtls": self.associations,
                 "reload": self.reloads}.get(script.kind, self.streams)
        with begin(script) as work:
            work(script.warm)
            self.dump()
            work(script.units)
            return count(self.dump(), script.units)

    def spent(self, visit, *arguments):
        """Instructions of the second of two calls: the first one fills caches."""
        visit(*arguments)
        self.settle()
        visit(*arguments)
        return self.settle()

    def reload(self):
        """The instructions of a reload."""
        self.reload_once()
        return self.settle()

    def reload_once(self):
        log = self.folder / "server.log"
        before = log.read_text().count("event=reloaded")
        self.process.send_signal(signal.SIGHUP)
        end = time.monotonic() + TIMEOUT_S
        while log.read_text().count("event=reloaded") == before:
            refused = re.search("event=reload_refused.*", log.read_text())
            if refused or time.monotonic() > end:
                raise RuntimeError(refused.group() if refused else "the reload does not end")
            time.sleep(0.05)

    def settle(self):
        """The counts since the previous dump, once the server is idle: it has answered a later
        connection."""
        with socket.create_connection(("127.0.0.1", self.ports["plain"]), TIMEOUT_S) as after:
            after.sendall(b"x")
            after.recv(1)
        return sum(self.dump().instructions.values())


def environment():
    """The versions on which the counts depend."""
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        avx2 = " avx2 " in f.read()
    return {
        "compiler": first_line("cc", "--version"),
        "machine": first_line("uname", "-m") + (" with AVX2" if avx2 else ""),
        "openssl": first_line("openssl", "version"),
        "libc": first_line("ldd", "--version"),
        "valgrind": first_line("valgrind", "--version"),
    }


def grown(before, now, libraries):
    """The three functions that grew most."""
    more = {f: n - before.get(f, 0) for f, n in now.items() if (":" in f) == libraries}
    worst = sorted((f for f in more if more[f] > 0), key=more.get, reverse=True)[:3]
    return ", ".join(f"{f} {before.get(f, 0):g} -> {now[f]:g}" for f in worst)


def differences(script, before, now, same_compiler, same_libraries):
    """Descriptions of what grew."""
    for call in CALLS:
        calls = before["calls"].get(call, 0)
        if now.calls[call] > calls * GROWTH + script.chance:
            yield f"{call} is called {now.calls[call]:g} times, not {calls:g}"
    by_chance = script.chance * AROUND_A_CALL
    if same_compiler and now.own > before["own"] * GROWTH + by_chance:
        told = grown(before["functions"], now.functions, libraries=False)
        yield f"{now.own:g} own instructions, not {before['own']:g}: {told}"
    if same_libraries and now.libraries > before["libraries"] * GROWTH + by_chance:
        told = grown(before["functions"], now.functions, libraries=True)
        yield f"{now.libraries:g} instructions of libraries, not {before['libraries']:g}: {told}"


def count_scripts(build, pki, folder):
    """Datagrams have a server of their own: a socket for them adds to each turn of the loop."""
    ports = {kind: free_port() for kind in ("plain", "ecdsa", "rsa", "udp", "dtls")}
    counted = {}
    for kinds, text in ((("plain", "ecdsa", "rsa"), OURS), (("udp",), DATAGRAMS), (("dtls",), DTLS)):
        own = folder / kinds[0]
        own.mkdir()
        with Counting(build, own, {kind: ports[kind] for kind in kinds},
                      text % {"pki": pki, "log": "on", **ports}) as counting:
            counted |= {script.name: counting.run(script) for script in SCRIPTS
                        if PORT_OF.get(script.kind, script.kind) in kinds}
            if "plain" in kinds:
                counted[RELOAD.name] = counting.run(RELOAD)
    return counted


def count_hostile(build, pki, folder):
    """The instructions of each hostile request and of each reload, by name. The log is off: its rate limit
    would make them vary."""
    ports = {kind: free_port() for kind in ("plain", "visited")}
    text, key_names = hostile.configure(folder, pki, ports)
    costs, reloads = {}, {}
    with Counting(build, folder, ports, text) as counting:
        for name, chain in hostile.chains(hostile.anchor_of(pki)).items():
            costs[f"chain: {name}"] = counting.spent(hostile.present, ports["visited"], chain, folder)
        for bits in (8192, 16384):
            chain, key = hostile.issued_rsa(pki, bits)
            costs[f"chain: RSA-{bits}, issued by a known CA"] = counting.spent(
                hostile.present, ports["visited"], chain, folder, key)
        for name, hello in hostile.hellos(key_names).items():
            costs[f"hello: {name}"] = counting.spent(hostile.say, ports["visited"], hello)
        for name, files in hostile.fetched(folder, pki).items():
            hostile.put(folder, files)
            counting.settle()
            reloads[f"reload: {name}"] = counting.reload()
    return costs, reloads


def costly(costs, handshake, most):
    """Prints all costs; returns descriptions of those above the limit."""
    for name, cost in sorted(costs.items(), key=lambda item: -item[1]):
        shakes = cost / handshake
        print(f"{shakes:5.1f} full handshakes: {name}")
        if shakes > most:
            yield f"COSTLY {name}: {shakes:.1f} full handshakes, at most {most} are allowed"


def count_all(build, pki, record):
    """At the same time: the scripts; the memory of a connection; and, as they are not recorded, hostile
    requests and reloads only to compare."""
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor() as all_three:
        folders = [pathlib.Path(folder, name) for name in ("scripts", "hostile")]
        for each in folders:
            each.mkdir()
        weight = all_three.submit(memory.weigh, build, pki)
        scripts = all_three.submit(count_scripts, build, pki, folders[0])
        visits = ({}, {}) if record else all_three.submit(count_hostile, build, pki, folders[1]).result()
        return scripts.result(), *visits, weight.result()


def show(now, weight):
    for name, counted in now.items():
        calls = ", ".join(f"{call} {n:g}" for call, n in counted.calls.items() if n)
        print(f"{name}: {counted.own:g} own + {counted.libraries:g} of libraries; {calls}")
    print(f"idle TLS connection: {weight['tlsecho']} bytes; the loop over libssl: {weight['libssl']}")


def compare(recorded, now, here):
    """Prints what is not compared; returns descriptions of what grew."""
    there = recorded["environment"]
    same = {key: here[key] == there[key] for key in there}
    for key in (key for key in there if not same[key]):
        print(f"{key} is \"{here[key]}\", recorded with \"{there[key]}\"")
    same_compiler = same["compiler"] and same["machine"]
    same_libraries = same_compiler and all(same.values())
    if not same_libraries:
        print("not compared here: instructions of " + ("libraries" if same_compiler else "any kind"))
    return [f"GREW {script.name}: {text}" for script in (*SCRIPTS, RELOAD) for text in differences(
        script, recorded["works"][script.name], now[script.name], same_compiler, same_libraries)]


def gate(build, pki, record):
    """The exit status."""
    now, attacks, reloads, weight = count_all(build, pki, record)
    full = now[FULL_HANDSHAKE].own + now[FULL_HANDSHAKE].libraries
    too_much = [*costly(attacks, full, HOSTILE_MAX), *costly(reloads, full, RELOAD_MAX)]
    here = environment()
    path = RECORDED / f"openssl-{Place(build).openssl()[1]}.json"
    show(now, weight)
    if record:
        works = {name: counted._asdict() for name, counted in now.items()}
        path.write_text(json.dumps({"environment": here, "memory": weight, "works": works}, indent=1) + "\n")
        return 0
    recorded = json.loads(path.read_text()) if path.exists() else None
    if not recorded:
        print(f"nothing is recorded for this OpenSSL: there is no {path.name}")
    more = [f"GREW {text}" for text in memory.differences(recorded and recorded["memory"], weight)]
    more += compare(recorded, now, here) if recorded else []
    print("\n".join(more or ["nothing grew by more than 3 %"]))
    print("\n".join(too_much or [f"no hostile request costs more than {HOSTILE_MAX} full handshakes"]))
    return 1 if more or too_much else 0


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench --gate")
    parser.add_argument("--build", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--pki", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--record", action="store_true", help="keep what is counted now")
    options = parser.parse_args()
    return gate(options.build.resolve(), options.pki.resolve(), options.record)


if __name__ == "__main__":
    tool.run(main)
