# SPDX-License-Identifier: MIT
"""What tlsecho-server does while calls fail, as scenarios: start, a connection of each transport and
service, reload, drain."""

import collections
import contextlib
import os
import re
import signal
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import clients
import control as faults
import talks
from control import support

import test_activation
import test_service_manager

BATCH = 60          # points for one server before it has to end without a leak
MUTE_S = 2          # for a line that a server whose log fails does not write
MANY_CALLS = 20000  # more system calls than any scenario makes
SERVICES = {"tcp": "echo upper discard chargen report hello http".split(),
            "tls": "echo upper discard chargen report hello http".split(),
            "unix": "echo upper discard chargen report hello http".split(),
            "udp": "echo upper discard report stamp".split(),
            "dtls": "echo upper discard report".split()}
BASE = """
workers: 1
timeouts: { handshake: 5m, idle: 5m, write: 5m, linger: 10s, drain: 2s }
limits: { datagram_rate: 0 }
security: { sandbox: off }
""" + support.PROFILE


def configuration(extra="", services=None):
    text = "listeners:\n"
    for transport, services in (services or SERVICES).items():
        for service in services:
            where = f"unix://{{dir}}/{service}.sock" if transport == "unix" else f"{transport}://127.0.0.1:0"
            text += f"  - {{ listen: '{where}', name: {transport}-{service}, service: {service} }}\n"
    return text + extra + BASE


FEW = {transport: ["echo"] for transport in SERVICES}
ADMIN = "admin: { listen: 'unix://{dir}/admin.sock' }\n"
PROXIED = """
  - { listen: 'tcp://127.0.0.1:0', name: tcp-proxied, proxy_protocol: required, proxy_from: [ 127.0.0.0/8 ] }
"""
MUTUAL = """
    client_auth: required
    client_ca: "{pki}/ca.pem"
    crl: "{pki}/crl.pem"
    keylog: "{dir}/keys"
"""
USER = "nobody"
OWN_PAIR = ("server-ecdsa.pem", "server-ecdsa.key")
RELOADED = "  - { listen: 'unix://{dir}/first.sock', name: moving }\n"


def descriptors(pid):
    """What each descriptor refers to, without numbers."""
    found = []
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            found.append(re.sub(r"\d+", "#", os.readlink(f"/proc/{pid}/fd/{fd}")))
        except FileNotFoundError:
            continue
    return sorted(found)


def idle(server):
    """The descriptors once their number no longer changes."""
    found = [descriptors(server.process.pid)]
    while len(found) < 20 or found[-1] != found[-20]:
        time.sleep(0.002)
        found.append(descriptors(server.process.pid))
    return found[-1]


def until(is_so, seconds=talks.PATIENCE_S):
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end:
            return False
        time.sleep(0.001)
    return True


class Scenario:
    """act(server) uses the server once: it raises Broken if its connection was not whole, and Wrong for
    what must not happen. by_stack, lasting: see faults_of()."""

    by_stack, lasting = False, True
    own_frames = 0   # see control.Control
    varies = False   # see at_each_call()

    def __init__(self, name, act, book, program, config):
        self.name, self.act, self.book, self.program, self.config = name, act, book, program, config

    @contextlib.contextmanager
    def server(self, control):
        server = support.Server(self.config, env=control.environment())
        try:
            yield server
        finally:
            server.remove()

    def finding(self, fault, what, server, control):
        log = "\n".join(server.log().splitlines()[-5:])
        self.book.finding(self.name, fault, f"{what}\n{log}", control.stack(), self.program)


class Live(Scenario):
    """A server that runs: it is used while a call fails, and then again(server). Many points share one
    server, which must end without a leak. Who lets a connection run depends on the moment: its stacks are
    told by what it does."""

    own_frames, varies = 5, True

    def __init__(self, name, act, *others, again=None):
        super().__init__(name, act, *others)
        self.again = again or act

    def count(self, folder):
        control = faults.Control(folder, self.own_frames)
        with self.server(control) as server:
            server.wait_for("ready")
            at_rest = idle(server)
            self.act(server)  # what is done once only
            until(lambda: descriptors(server.process.pid) == at_rest)
            before = control.calls()
            control.record(True)
            self.act(server)
            until(lambda: descriptors(server.process.pid) == at_rest)
            control.record(False)
            after = control.calls()
        return {kind: after[kind] - before[kind] for kind in after if after[kind] > before[kind]}, control.sites()

    def points(self, some, most=BATCH):
        left = list(some)
        while left:
            with tempfile.TemporaryDirectory(prefix="tlsecho-faults-") as folder:
                control = faults.Control(folder, self.own_frames)
                control.whole_stacks = most == 1
                done = self.batch(control, left[:most])
                left = left[done:]

    def batch(self, control, some):
        """Returns how many it did: no further than the first finding."""
        done = 0
        with self.server(control) as server:
            server.wait_for("ready")
            self.at_rest = idle(server)
            self.act(server)
            for fault in some:
                done += 1
                if not self.one(server, control, fault) or fault.kind == "uptime":
                    break
            leaks = server.process.poll() is None and self.end(server, control, fault)
        if leaks:
            self.points(some[:done], most=1)
        return done

    def one(self, server, control, fault):
        wrong = None
        try:
            self.use(server, control, fault)
        except (talks.Wrong, AssertionError) as error:
            wrong = str(error)
        except (talks.Broken, OSError, subprocess.TimeoutExpired) as error:
            wrong = f"afterwards: {error!r}"
        if server.process.poll() is not None:
            wrong = f"the server ended: {server.wait()} {control.sanitizer()}"
        self.book.point(fault, control)
        if wrong:
            self.finding(fault, wrong, server, control)
        return not wrong

    def use(self, server, control, fault):
        calls = control.system_calls()
        control.arm(fault)
        server.patience_s = 0.5 if fault.repeat > 1 and fault.kind not in faults.TIMES else talks.PATIENCE_S
        server.aged = fault.kind == "uptime"
        server.lossy = fault.kind == "write"
        server.mute = server.lossy and fault.repeat > 1
        try:
            self.act(server)
        except talks.Stuck:
            if fault.repeat == 1:
                raise
        except talks.Broken as broken:
            if not control.fired():
                raise talks.Wrong(f"broken without a fault: {broken}") from broken
        finally:
            self.rests(server, server.patience_s)  # its client may have gone before it makes the last calls
            if fault.kind != "uptime":  # which never goes back
                control.disarm()
            server.patience_s, server.mute = talks.PATIENCE_S, False
            if server.lossy:
                catch_up(server)
        self.use_again(server, fault)
        if not self.rests(server):
            left = collections.Counter(descriptors(server.process.pid))
            left.subtract(self.at_rest)
            raise talks.Wrong(f"descriptors: { {name: n for name, n in left.items() if n} }")
        made = control.system_calls() - calls
        if made > MANY_CALLS:
            raise talks.Wrong(f"it spins: {made} calls")

    def rests(self, server, seconds=talks.PATIENCE_S):
        return until(lambda: descriptors(server.process.pid) == self.at_rest, seconds)

    def use_again(self, server, fault):
        """A shortage refuses all that are in the backlog, this one too if it is quick. If the clock jumps
        as late as now, this one has lasted an hour."""
        try:
            self.again(server)
        except talks.Broken:
            if fault.kind not in ("accept4", "uptime"):
                raise
            self.again(server)

    def end(self, server, control, fault):
        """Whether it has to be found out which of many points leaks."""
        try:
            status = server.stop()
        except subprocess.TimeoutExpired:
            status = "none"
        report = control.sanitizer()
        if "LeakSanitizer" in report and not control.whole_stacks:
            return True
        if report or status != 0:
            self.finding(fault, f"at the end: exit status {status} {report}", server, control)
        return False


class Crowd(Live):
    """Connections at the same time, of which no more may be broken than calls have failed. Allocations
    fail in groups, and alone if a group does harm."""

    by_stack, lasting = True, False

    def points(self, some, most=BATCH):
        alone = [fault for fault in some if fault.kind != "alloc" or most == 1]
        left = sorted((fault for fault in some if fault not in alone), key=lambda fault: fault.skip)
        groups = [left[at:at + faults.GROUP_COUNT] for at in range(0, len(left), faults.GROUP_COUNT)]
        together = [group[0]._replace(site=0, group=tuple(fault.site for fault in group)) for group in groups]
        super().points(alone + together, most)

    def one(self, server, control, fault):
        server.may_break = len(fault.group) or 1
        return super().one(server, control, fault)

    def finding(self, fault, what, server, control):
        """Of a group: whichever of it does the harm alone."""
        before = self.book.harm()
        if fault.group:
            super().points([fault._replace(site=site, group=()) for site in fault.group])
        if self.book.harm() == before:
            super().finding(fault, what, server, control)


class Start(Scenario):
    """A server that starts, serves and stops, once for each fault."""

    def count(self, folder):
        control = faults.Control(folder, self.own_frames)
        control.record(True)
        with self.server(control) as server:
            server.wait_for("ready")
            control.record(False)
            return control.calls(), control.sites()

    def points(self, some):
        for fault in some:
            with tempfile.TemporaryDirectory(prefix="tlsecho-faults-") as folder:
                self.point(faults.Control(folder, self.own_frames), fault)

    def begin(self, control, fault):
        control.begin(fault)

    def point(self, control, fault):
        self.begin(control, fault)
        with self.server(control) as server:
            try:
                wrong = self.judge(fault, server, control)
            except (talks.Wrong, talks.Broken, AssertionError, OSError,
                    subprocess.TimeoutExpired) as error:
                wrong = f"{error!r}"
        report = control.sanitizer()
        if "LeakSanitizer" in report and not control.whole_stacks:
            control.whole_stacks = True
            self.point(control, fault)
            return
        self.book.point(fault, control)
        if report or wrong:
            self.finding(fault, f"{wrong} {report}", server, control)

    def judge(self, fault, server, control):
        try:
            server.wait_for("ready")
        except AssertionError:
            return self.judge_end(fault, server)
        control.disarm()
        if "event=log_dropped" not in server.log():  # it says where the server listens
            self.act(server)
        status = server.stop()
        self.book.status(fault, status)
        return f"exit status {status} after it was ready" if status else None

    def judge_end(self, fault, server):
        """It did not become ready, or could not log it."""
        status = server.stop() if fault.kind == "write" else server.wait()
        self.book.status(fault, status)
        if fault.kind == "write" and status == 0:
            return None
        if status not in (1, 78):
            return f"not ready, exit status {status}"
        if status == 78 and (fault.kind in clients.LOCAL or fault.is_shortage()):
            return "exit status 78, although the configuration is right"
        if "level=error" not in server.log() and "tlsecho-server: " not in server.log():
            return f"exit status {status} without a reason"
        return None


class StartWith(Start):
    """Likewise, with arguments of support.Server, and in another way: how(control, env) is a context that
    yields them."""

    def __init__(self, name, act, book, program, config, how):
        super().__init__(name, act, book, program, config)
        self.how = how

    @contextlib.contextmanager
    def server(self, control):
        with self.how(self, control) as arguments:
            server = support.Server(self.config, **{"env": control.environment(), **arguments})
            try:
                yield server
            finally:
                server.remove()


@contextlib.contextmanager
def with_state(_, control):
    """In which a certificate is kept."""
    yield {"env": {**control.environment(), "STATE_DIRECTORY": "{dir}"}}


@contextlib.contextmanager
def as_user(_, control):
    """A sanitizer reports as the user too."""
    control.folder.chmod(0o777)
    yield {"files": {name: (support.pki() / name).read_bytes() for name in OWN_PAIR},
           "prepare": lambda folder: support.open_to(USER, folder)}


@contextlib.contextmanager
def in_sandbox(scenario, control):
    """No sanitizer tolerates a sandbox."""
    with as_user(scenario, control) as arguments:
        yield {**arguments, "path": scenario.program}


@contextlib.contextmanager
def managed(_, control):
    """By a service manager, which passes a socket, and is told of the start."""
    env = control.environment()
    library = env.pop("LD_PRELOAD")
    with (contextlib.closing(test_service_manager.Manager()) as manager,
          socket.create_server(("127.0.0.1", 0)) as made):
        yield {"prefix": [sys.executable, "-c", test_activation.HAND_OVER, str(made.fileno()),
                          shutil.which("env"), f"LD_PRELOAD={library}"],
               "env": {**env, **manager.environment, "LISTEN_FDS": "1", "LISTEN_FDNAMES": "tcp-echo"},
               "pass_fds": [made.fileno()]}


class Stop(Start):
    """Likewise, and the fault comes after TERM, while the server waits for a connection of each stream."""

    def drain(self, server, begin):
        """Returns the exit status, and whether the connections were whole; begin() comes before TERM."""
        server.wait_for("ready")
        self.act(server)
        held = [talks.Held(server, transport, "echo") for transport in ("tcp", "tls", "unix")]
        begin()
        server.signal(signal.SIGTERM)
        whole = [one.finish() for one in held]
        return server.wait(), all(whole)

    def count(self, folder):
        control = faults.Control(folder, self.own_frames)
        before = {}
        with self.server(control) as server:
            self.drain(server, lambda: (control.record(True), before.update(control.calls())))
            after = control.calls()
        return {kind: after[kind] - before[kind] for kind in after}, control.sites()

    def begin(self, control, fault):
        control.begin(fault)
        control.disarm()

    def judge(self, fault, server, control):
        status, whole = self.drain(server, lambda: control.arm(fault))
        self.book.status(fault, status)
        if not whole and not control.fired():
            return "a connection was broken without a fault"
        return None if status in (0, 1) else f"exit status {status}"


def client_of(transport, service):
    """An act: one connection."""
    return lambda server: talks.connection(server, transport, service)


def each_transport(server):
    for transport in ("tcp", "tls", "unix", "udp"):
        talks.connection(server, transport, "echo")


def each_stream(server):
    for transport in ("tcp", "tls"):
        talks.connection(server, transport, "echo")


def reload_again(server):
    """With the files that the start has read."""
    each_stream(server)
    answer = hang_up(server, "reloaded")
    if answer["event"] != "reloaded":
        raise talks.Wrong(f"it has given up what a reload needs: {answer}")
    each_stream(server)


def reload(server):
    """A good reload, then a bad one. The second listener changes its path with each good one."""
    file = server.folder / "server.yaml"
    if getattr(server, "tried_again", False):
        server.tried_again = False
        server.wait_for("reloaded", timeout=2 * talks.PATIENCE_S)
    text = file.read_text()
    was, now = ("first", "second") if "first.sock" in text else ("second", "first")
    good = text.replace(f"{was}.sock", f"{now}.sock")
    file.write_text(good)
    answer = hang_up(server, "reloaded")
    if answer["event"] == "reload_refused":
        check_paths(server, was, now)
        file.write_text(text)
        server.tried_again = "retry_in" in answer
        raise talks.Broken(answer["reason"])
    check_paths(server, now, was)
    file.write_text("listeners: 1\n")
    try:
        answer = hang_up(server, "reload_refused")
        if answer["event"] != "reload_refused":
            raise talks.Wrong("a bad configuration was taken")
        check_paths(server, now, was)
        server.tried_again = "retry_in" in answer
    finally:
        file.write_text(good)


def signals(server):
    """What is told in the log then, of a connection too. A line that is lost is told with the next one."""
    try:
        held = talks.Held(server, "tcp", "echo")
    except OSError as error:
        raise talks.Broken(str(error)) from error
    server.signal(signal.SIGUSR2)
    server.signal(signal.SIGUSR1)
    whole = held.finish()
    try:
        outcome(server, "summary", "log_dropped", seconds=MUTE_S)
    except talks.Stuck:
        talks.stream(server, "tcp", "echo")
        outcome(server, "summary", "log_dropped")
    if not whole:
        raise talks.Broken("the connection was not whole")


def outcome(server, *events, seconds=talks.PATIENCE_S):
    """The next line of one of them."""
    if getattr(server, "mute", False):
        seconds = MUTE_S
    try:
        found = server._wait(" or ".join(events), lambda entry: entry[1].get("event") in events, seconds)
    except AssertionError as error:
        raise talks.Stuck(str(error)) from error
    return found[1]


def hang_up(server, expected):
    """What has become of a reload. Where the log may lose that the metrics say that there was one."""
    lossy = getattr(server, "lossy", False)
    before = lossy and talks.reloads(server)
    server.signal(signal.SIGHUP)
    if not lossy:
        return outcome(server, "reloaded", "reload_refused")
    if not until(lambda: talks.reloads(server) != before):
        raise talks.Stuck("no answer to HUP")
    return {"event": expected}


def catch_up(server):
    """What is told in the log from now on is news."""
    server.lossy = False
    server.signal(signal.SIGUSR1)
    server.wait_for("summary")
    server.forget()


def check_paths(server, there, gone):
    with contextlib.suppress(talks.Broken):
        talks.stream(server, "unix", "echo")
    for name, wanted in ((there, True), (gone, False)):
        path = server.folder / f"{name}.sock"
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(talks.PATIENCE_S)
            try:
                sock.connect(str(path))
                found = True
            except OSError:
                found = False
        if found != wanted:
            raise talks.Wrong(f"{name}.sock is {'not ' * wanted}served")


def over_tls(**how):
    """An act: one connection, by a talks.Tls."""
    tls = []

    def act(server):
        tls[:] = tls or [talks.Tls(**how)]
        talks.stream(server, "tls", "echo", tls=tls[0])

    return act


def proxied(server):
    talks.stream(server, "tcp", "proxied", before=b"PROXY TCP4 192.0.2.1 192.0.2.2 1000 2000\r\n")


def scenarios(book, program):
    few = configuration(ADMIN, FEW)
    found = [Start("start", each_transport, book, program, few),
             Stop("stop", each_transport, book, program, few),
             Crowd("crowd", talks.crowd, book, program, few, again=each_stream),
             Live("reload", reload, book, program, configuration(RELOADED + ADMIN, FEW))]
    for transport, services in SERVICES.items():
        found += [Live(f"live:{transport}-{service}", client_of(transport, service), book, program,
                       configuration("", {transport: [service]})) for service in services]
    tcp, tls = (configuration("", {transport: ["echo"]}) for transport in ("tcp", "tls"))
    streams = configuration("", {"tcp": ["echo"], "tls": ["echo"]})
    found += [StartWith("start-managed", each_stream, book, program, streams, managed),
              StartWith("start-self-signed", over_tls(verify=False), book, program,
                        streams.replace(support.PROFILE, ""), with_state)]
    as_nobody = streams.replace("{pki}/", "").replace("sandbox: off", f"sandbox: off, user: {USER}")
    if os.geteuid() == 0:
        found += [StartWith("start-user", reload_again, book, program, as_nobody, as_user)]
    plain = os.environ.get("TLSECHO_PLAIN_SERVER")
    if os.geteuid() == 0 and (plain or not support.has_sanitizer("TLSECHO_SERVER")):
        found += [StartWith("start-sandbox", reload_again, book, plain or program,
                            as_nobody.replace("sandbox: off", "sandbox: auto"), in_sandbox)]
    return found + [Live("live:proxied", proxied, book, program, configuration(PROXIED, {"tcp": ["echo"]})),
                    Live("live:admin", talks.scrape, book, program, tcp + ADMIN),
                    Live("live:signals", signals, book, program, tcp),
                    Live("live:tls-1.2", over_tls(version="1.2"), book, program, tls),
                    Live("live:tls-resumed", over_tls(resume=True), book, program, tls),
                    Live("live:tls-mutual", over_tls(certificate=True), book, program, tls + MUTUAL)]
