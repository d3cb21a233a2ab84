# SPDX-License-Identifier: MIT
"""What happens in a week: certificates, CRLs, staples and ticket keys are renewed, or not in time; the
key log is rotated; mistakes are made and mended; now and then there are no descriptors. Everything is
checked as it happens."""

import collections
import contextlib
import functools
import os
import random
import resource
import shutil
import signal
import socket
import threading
import time

import certificates
import crowd
import support
import week_files

HOURS = 24 * 7
EDGE_S = 10       # real time between the look of the server at the clock and ours, on a busy machine
OUTCOME_S = 90    # on a busy machine
TICKET_HOURS = 2  # OpenSSL's lifetime of a session
# Hours after a full handshake for which its session holds, and after which it does not: what a client has
# proved by its certificate holds for 24; the server's certificate, for 24 hours, is renewed every 12.
PROOF_HOURS = {"mutual": (24, 24), "tools_tls": (11, 24)}
NEGLECTED_UNTIL = 120
CRL_LAPSE, STAPLE_LAPSE = (88, 96), (64, 70)
KEYLOG_LABELS = 5      # of a connection with TLS 1.3
MOMENT_S = 1.5
FLOOD, FLOOD_SOURCE = 3000, "127.2.0.1"
DATAGRAM_S, DATAGRAM_TRIES = 0.2, 100  # until another one is sent; it may find no room or be above the limit
SPARE_DESCRIPTORS = 12


class Calendar:
    """clock: a fast_clock.Clock, which all children of this process share. Makes the files in the
    folder; between start() and stop() it does what is due."""

    def __init__(self, folder, clock):
        self.folder, self.clock = folder, clock
        self.counts, self.failures = collections.Counter(), []
        self.moments, self.mistakes = [], []  # [(begin, end)], in seconds since 1970
        self.renewed, self.ticket_names = [], []
        self.edge = EDGE_S * clock.factor / 3600
        self.lapses = {}                  # of what: hours of its end, of the renewal, of the reload
        self._full, self._saved = {}, {}   # hours around the last full handshake, and the last ticket
        self._ending = threading.Event()
        self.files = week_files.Files(folder, clock)

    def start(self, server, log, endpoint, moment):
        self._server, self._log, self._endpoint, self._moment = server, log, endpoint, moment
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self):
        self._ending.set()
        self._thread.join()

    def _plan(self, hours):
        """[(hour, action)] until then."""
        plan = [(hour, action) for first, every, action in (
            (0.5, 1.5, self.visit), (6, 12, self.renew), (9, 12, self.rotate_keylog),
            (20, 24, self.rotate_tickets_twice), (4, 12, self.run_out_of_descriptors),
            (3, 6, self.log_counters), (31, 48, self.make_a_mistake), (3.7, 12, self.save_a_ticket),
            (3.2, 12, self.look_at_ticket_name), (2.5, 6, self.flood_with_datagrams))
            for hour in (first + every * n for n in range(int(hours / every) + 1))]
        crls = [(40, 48)] + [(hour, 72) for hour in (CRL_LAPSE[1], 144)]
        plan += [(hour, functools.partial(self.renew_crl, last)) for hour, last in crls]
        staples = [hour for hour in range(20, int(hours) + 20, 20)
                   if not STAPLE_LAPSE[0] - 20 < hour < STAPLE_LAPSE[1]] + [STAPLE_LAPSE[1]]
        plan += [(hour, self.renew_staple) for hour in staples]
        plan.append((NEGLECTED_UNTIL, self.renew_neglected))
        return sorted((entry for entry in plan if entry[0] < hours), key=lambda entry: entry[0])

    def _run(self):
        for hour, action in self._plan(HOURS):
            while not self._ending.is_set() and self.clock.hours() < hour:
                self._ending.wait(min(1, (hour - self.clock.hours()) * 3600 / self.clock.factor))
            if self._ending.is_set():
                return
            name = getattr(action, "func", action).__name__
            try:
                action()
                self.counts[name] += 1
            except Exception as failure:  # reported at the end; the week goes on
                self.fail(f"{name}: {failure!r}")

    def fail(self, text):
        self.failures.append(f"hour {self.clock.hours():.2f}: {text}")

    def expect(self, holds, text):
        if not holds:
            self.fail(text)

    @contextlib.contextmanager
    def _expecting(self, event):
        before = self._log.events[event]
        yield
        self.expect(self._log.wait(event, before, OUTCOME_S), f"no event={event} within {OUTCOME_S} s")

    def check(self, name, *more):
        """(exit status, JSON) of tlsecho-client --check."""
        done = support.client("--check", "--json", "--connect-timeout", "10h", "--idle-timeout", "10h",
                              "--cacert", support.pki() / "ca.pem", *more, self._endpoint(name),
                              timeout=OUTCOME_S)
        return done.status, done.summary()

    # Certificates.

    def renew(self):
        with self._expecting("reloaded"):
            self.files.issue("server.pem", (-1, 24))
        leaf = certificates.openssl("x509", "-in", self.folder / "server.pem", "-noout", "-fingerprint", "-sha256")
        sha256 = leaf.decode().strip().partition("=")[2].replace(":", "").lower()
        before = self._log.events["reloaded"]
        status, summary = self.check("tools_tls")
        if summary["tls"]["peer"]["sha256"] != sha256:
            # rename(2) changes the old file, which loses its name, before the name is that of the new one; a
            # reload may begin between the two, and another one follows
            self._log.wait("reloaded", before, OUTCOME_S)
            status, summary = self.check("tools_tls")
            self.counts["renewals that took two reloads"] += 1
        self.expect(status == 0 and summary["tls"]["peer"]["sha256"] == sha256,
                    f"after a renewal of {sha256}: {summary}")
        self.renewed.append(sha256)

    @contextlib.contextmanager
    def _renewing(self, what):
        """Keeps when it was not in force."""
        until, now = self.files.until[what], self.clock.hours()
        with self._expecting("reloaded"):
            yield
        if until < now:
            self.expect(what not in self.lapses, f"{what} has lapsed again")
            self.lapses[what] = until, now, self.clock.hours()

    def renew_neglected(self):
        with self._renewing("neglected"):
            self.files.renew_neglected(-1, 24 * 60)

    def renew_crl(self, hours):
        with self._renewing("crl"):
            self.files.renew_crl(hours)
        self._saved.pop("mutual", None)  # a ticket is of one CRL only

    def renew_staple(self):
        with self._renewing("staple"):
            self.files.renew_staple()

    # Clients that come again and again.

    def _is_in_force(self, what, begun):
        """What was, from begun until now; None if it ended meanwhile."""
        until = self.files.until[what]
        return None if begun - self.edge < until < self.clock.hours() + self.edge else begun < until

    def visit(self):
        begun = self.clock.hours()
        status, summary = self.check("neglected")
        good = self._is_in_force("neglected", begun)
        if good is not None:
            self.expect(status == (0 if good else 10), f"neglected: {summary['result']}")
            self.counts[f"visits of neglected: {summary['result']}"] += 1
        begun = self.clock.hours()
        status, summary = self.check("stapled")
        good = self._is_in_force("staple", begun)
        if good is not None:
            self.expect(status == 0 and summary["tls"]["staple"] == ("good" if good else "none"),
                        f"staple: {summary['result']}, {summary['tls'].get('staple')}")
            self.counts[f"visits of stapled: {summary['tls'].get('staple')}"] += 1
        status, summary = self.check("abandoned")
        self.expect(status == 10, f"abandoned: {summary['result']}")
        self._come_again("tools_tls")
        self._come_again("mutual", "--cert", certificates.pki("client.pem"), "--key", certificates.pki("client.key"))

    def _come_again(self, name, *more):
        """With the session of the last time."""
        begun = self.clock.hours()
        status, summary = self.check(name, "--resume=" + str(self.folder / f"{name}.session"), *more)
        now = self.clock.hours()
        good = self._is_in_force("crl", begun) if name == "mutual" else True
        if not good:
            self.expect(status == 11 or good is None, f"out-of-date CRL: {summary['result']}")
            self.counts[f"visits of mutual: {summary['result']}"] += 1
            self._saved.pop(name, None)
            return
        self.expect(status == 0, f"{name}: {summary}")
        if status:
            return
        resumed = summary["tls"]["resumed"]
        good_hours, ended_hours = PROOF_HOURS[name]
        saved, full = self._saved.get(name), self._full.get(name)
        ages = [(begun - end, now - begin) for begin, end in (saved, full)] if saved else []
        if ages and ages[0][1] < TICKET_HOURS and ages[1][1] < good_hours:
            self.expect(resumed, f"{name}: not resumed at these ages of ticket and proof: {ages}")
        if not ages or ages[0][0] > TICKET_HOURS or ages[1][0] > ended_hours:
            self.expect(not resumed, f"{name}: resumed at these ages of ticket and proof: {ages}")
        self.counts[f"{name} {'resumed' if resumed else 'full'}"] += 1
        self._saved[name] = begun, now
        if not resumed:
            self._full[name] = begun, now

    # Tickets.

    def rotate_tickets_twice(self):
        """A ticket of the current key is good after one rotation, and not after the second one."""
        session, copy = self.folder / "cluster.session", self.folder / "copy.session"
        session.unlink(missing_ok=True)
        begun, told = self.clock.hours(), []
        status, _ = self.check("cluster", f"--resume={session}")
        self.expect(status == 0, "no session of the cluster")
        for _ in range(2):
            with self._expecting("reloaded"):
                self.files.rotate_tickets()
            shutil.copy(session, copy)
            status, summary = self.check("cluster", f"--resume={copy}")
            told.append(status == 0 and summary["tls"]["resumed"])
        in_time = self.clock.hours() - begun < TICKET_HOURS
        self.counts["tickets judged by their keys" if in_time else "tickets too old to judge"] += 1
        self.expect(told == [True, False] if in_time else not told[1], f"after each rotation resumed: {told}")

    def save_a_ticket(self):
        """And offers the previous one, which is half a day old: refused, and a full handshake follows."""
        session, old = self.folder / "old.session", self.folder / "older.session"
        if session.exists():
            session.replace(old)
            status, summary = self.check("tools_tls", f"--resume={old}")
            self.expect(status == 0 and not summary["tls"]["resumed"], f"an old ticket: {summary}")
        self.expect(self.check("tools_tls", f"--resume={session}")[0] == 0, "no ticket")

    def look_at_ticket_name(self):
        """The name of the server's own key, which changes every 12 hours."""
        session = self.folder / "name.session"
        session.unlink(missing_ok=True)
        begun = self.clock.hours()
        self.check("tools_tls", f"--resume={session}")
        self.ticket_names.append((begun, self.clock.hours(), certificates.ticket_key_name(session)))

    # Log, signals, mistakes.

    def rotate_keylog(self):
        number = self.counts["rotate_keylog"]
        os.rename(self.folder / "keys.log", self.folder / f"keys.log.{number}")
        with self._expecting("reloaded"):
            self._server.send_signal(signal.SIGHUP)
        self.expect((self.folder / "keys.log").exists(), "no new key log")

    def keylogged(self):
        """How many connections are whole in all key logs, and what else is there."""
        labels, faults = collections.Counter(), 0
        for path in self.folder.glob("keys.log*"):
            for line in path.read_text().splitlines():
                words = line.split(" ")
                faults += len(words) != 3
                labels[words[1]] += 1
        whole = sum(count == KEYLOG_LABELS for count in labels.values())
        return whole, len(labels) - whole, faults

    def log_counters(self):
        for number, event in ((signal.SIGUSR1, "summary"), (signal.SIGUSR2, "live")):
            with self._expecting(event):
                self._server.send_signal(number)

    def make_a_mistake(self):
        good = (self.folder / "clients.crl").read_bytes()
        begun = self.clock.now()
        with self._expecting("reload_refused"):
            self.files.configure("unknown: key")
            self._server.send_signal(signal.SIGHUP)
        with self._expecting("reload_refused"):
            self.files.put("clients.crl", b"nonsense")
        with self._expecting("reloaded"):
            self.files.put("clients.crl", good)
        with self._expecting("reloaded"):
            self.files.configure()
            self._server.send_signal(signal.SIGHUP)
        self.mistakes.append((begun, self.clock.now()))

    def flood_with_datagrams(self):
        """As many are answered as the limit allows within the time of the clock, and what comes later."""
        last, answers, buffer_bytes = b"last", 0, 1 << 20
        with socket.socket(type=socket.SOCK_DGRAM) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
            sock.bind((FLOOD_SOURCE, random.choice(crowd.DATAGRAM_PORTS)))
            host, _, port = self._log.addresses["datagrams"].rpartition(":")
            sock.connect((host, int(port)))
            begun = self.clock.now()
            for number in range(FLOOD):
                sock.send(b"%d" % number)
            sock.settimeout(DATAGRAM_S)
            for _ in range(DATAGRAM_TRIES):
                sock.send(last)
                with contextlib.suppress(TimeoutError):
                    while sock.recv(len(last)) != last:
                        answers += 1
                    break
            else:
                self.fail("no answer after a flood")
            most = week_files.DATAGRAM_RATE * (1 + self.clock.now() - begun)
        self.expect(week_files.DATAGRAM_RATE <= answers <= most,
                    f"{answers} of a flood of {FLOOD} datagrams were answered, {most:.0f} at most are right")
        self.counts["datagrams of floods, answered"] += answers

    def run_out_of_descriptors(self):
        """For a moment the server can open hardly any. A certificate is renewed meanwhile."""
        pid, address = self._server.pid, self._log.addresses["h_plain"].rsplit(":", 1)
        used = len(os.listdir(f"/proc/{pid}/fd"))
        before, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        begun, reloads = self.clock.now(), self._log.events["reloaded"]
        self._moment[:] = [time.monotonic(), time.monotonic() + OUTCOME_S]
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (used + SPARE_DESCRIPTORS, hard))
        try:
            with contextlib.ExitStack() as stack:
                for _ in range(3 * SPARE_DESCRIPTORS):
                    stack.enter_context(socket.create_connection((address[0], int(address[1]))))
                self._renew_staple_if_in_date()
                time.sleep(MOMENT_S)
        finally:
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (before, hard))
            self._moment[1] = time.monotonic()
            self.moments.append((begun, self.clock.now()))
        self.expect(self._log.wait("reloaded", reloads, OUTCOME_S), "not reloaded after descriptors ran out")

    def _renew_staple_if_in_date(self):
        if STAPLE_LAPSE[0] - 22 < self.clock.hours() < STAPLE_LAPSE[1]:
            self.files.put("lasting.crl", (support.pki() / "crl.pem").read_bytes())
        else:
            self.files.renew_staple()
