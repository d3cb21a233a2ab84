# SPDX-License-Identifier: MIT
"""What the log and the metrics of a server say, added up and compared."""

import collections
import datetime
import http.client
import re
import socket
import threading
import time

import scrape
import support

ANSWER_S = 10
TRIES = 20   # the time-out of the admin address is short where the clock runs fast
QUIET = {"connection", "certificate", "listening", "datagrams"}
ORDINARY = {"closed", "cut", "reset", "handshake_failed"}
RECENT = 20_000  # connections that can be asked about
SOURCE = re.compile(r" from (\S+:\d+) ")


def seconds(text):
    """Since 1970."""
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class Log:
    """Reads the log, and counts. Keeps the lines of all events but the most frequent ones, and copies all
    but those of connections that ended as most do."""

    def __init__(self, stream, copy):
        self.events, self.ends = collections.Counter(), collections.Counter()
        self.bytes, self.versions, self.unlogged = collections.Counter(), collections.Counter(), 0
        self.lines, self.unknown, self.addresses, self.transports = [], [], {}, {}
        self._recent = collections.OrderedDict()  # source of a connection: its line
        self._news, self._over = threading.Condition(), False
        self._reader = threading.Thread(target=self._read, args=(stream, copy))
        self._reader.start()

    def _read(self, stream, copy):
        for line in stream:
            fields = support.parse(line)
            if fields:
                self._count(fields)
            else:
                self.unknown.append(line.rstrip())
            if fields.get("event") == "connection":
                self._remember(fields["source"], line)
            if fields.get("end") not in ORDINARY and fields.get("event") != "datagrams":
                copy.write(line)
            if fields.get("event") not in ("connection", "datagrams"):
                with self._news:
                    self._news.notify_all()
        with self._news:
            self._over = True
            self._news.notify_all()

    def _remember(self, source, line):
        with self._news:
            self._recent.pop(source, None)
            self._recent[source] = line.rstrip()
            if len(self._recent) > RECENT:
                self._recent.popitem(last=False)

    def about(self, failure):
        """The line of the connection that the text is about; None: there is none, or not yet."""
        named = SOURCE.search(failure)
        with self._news:
            return self._recent.get(named[1]) if named else None

    def _count(self, fields):
        event, listener = fields["event"], fields.get("listener")
        if event in ("connection", "datagrams"):
            self.bytes[listener, "received"] += int(fields["received_bytes"])
            self.bytes[listener, "sent"] += int(fields["sent_bytes"])
        if event == "connection":
            self.ends[listener, fields["end"]] += 1
            self.versions[listener, fields.get("version")] += 1
        elif event == "connections_not_logged":
            self.unlogged += int(fields["count"])
        elif event == "listening":
            self.addresses[listener], self.transports[listener] = fields["address"], fields["transport"]
        if event not in QUIET:
            self.lines.append(fields)
        self.events[event] += 1

    def wait(self, event, before, timeout_s):
        """Whether there are more lines of that event than before, within this time."""
        end = time.monotonic() + timeout_s
        with self._news:
            while self.events[event] <= before and not self._over and time.monotonic() < end:
                self._news.wait(min(1, end - time.monotonic()))
        return self.events[event] > before

    def connections(self):
        return sum(self.ends.values())

    def of(self, event):
        return [fields for fields in self.lines if fields["event"] == event]

    def join(self):
        self._reader.join()


def ask(path, place):
    """(status, body) of a GET of the admin address, a Unix socket."""
    for attempt in range(TRIES):
        try:
            with socket.socket(socket.AF_UNIX) as sock:
                sock.settimeout(ANSWER_S)
                sock.connect(path)
                sock.sendall(f"GET {place} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
                answer = http.client.HTTPResponse(sock)
                answer.begin()
                return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException):
            if attempt == TRIES - 1:
                raise
            time.sleep(0.05)


def metrics(path):
    return scrape.parse(ask(path, "/metrics")[1])


def by(family, *labels):
    """{(values of these labels): sum}, without zeros."""
    found = collections.Counter()
    for sample in family.samples:
        found[tuple(sample.labels[label] for label in labels)] += int(sample.value)
    return +found


def compare(log, families):
    """What does not add up, as texts. No connection may be open."""
    accepted = by(families["tlsecho_connections_accepted_total"], "listener")
    ended = by(families["tlsecho_connections_ended_total"], "listener", "end")
    sums, faults = collections.Counter(), []
    for (listener, _), count in ended.items():
        sums[(listener,)] += count
    if sums != accepted:
        faults.append(f"accepted {dict(accepted)}, but ended {dict(sums)}")
    logged = collections.Counter(log.ends)
    told = collections.Counter({key: count for key, count in ended.items() if key[1] != "probe"})
    missing, more = told - logged, logged - told
    if more or sum(missing.values()) != log.unlogged:
        faults.append(f"ended, but not logged: {dict(missing)} of {log.unlogged} that say so; logged, but "
                      f"not counted: {dict(more)}")
    for way in ("received", "sent"):
        counted = by(families[f"tlsecho_{way}_bytes_total"], "listener")
        lines = collections.Counter({(listener,): count for (listener, which), count in log.bytes.items()
                                     if which == way})
        if counted != +lines:
            faults.append(f"bytes {way}: counted {dict(counted)}, logged {dict(+lines)}")
    for (listener,), count in by(families["tlsecho_datagrams_received_total"], "listener").items():
        answered = families["tlsecho_datagrams_sent_total"].value(listener=listener)
        drops = families["tlsecho_datagrams_dropped_total"]
        dropped = drops.value(listener=listener) - drops.value(listener=listener, reason="receive_buffer")
        if log.transports[listener] == "udp" and count != answered + dropped:
            faults.append(f"datagrams: {count} received, {answered} answered, {dropped} dropped")
    if families["tlsecho_log_lines_dropped_total"].value():
        faults.append("lines of the log were dropped")
    return faults
