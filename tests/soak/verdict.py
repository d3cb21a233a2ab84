# SPDX-License-Identifier: MIT
"""Judges a week from its log: each warning and each error has a cause, warnings come when they have to,
memory and descriptors stay what they were."""

import collections

import ledger
import week_calendar as week
import week_files

GROWTH_KIB = 1024    # of the memory within the last half: one arena of malloc(3) more or less
MOMENT = {"connections_refused", "connection_failed", "accept_failed", "reload_refused", "descriptor_limit_low"}
MOMENT_AFTER_S = 5   # real time, until the last retry
ALWAYS = {"privilege", "connections_not_logged"}
SELF_SIGNED_HOURS = 24 * (week_files.SELF_SIGNED_DAYS - 30)
TICKET_KEY_HOURS = 12
RENEWAL_HOURS = 1 / 6  # how often the server looks at its own certificate


class Judge:
    def __init__(self, run):
        self.run, self.start = run, run.clock.start()
        self.edge, self.after = run.calendar.edge, MOMENT_AFTER_S * run.clock.factor
        never = dict.fromkeys(("neglected", "crl", "staple"), (week.HOURS, week.HOURS, week.HOURS))
        lapses = {**never, **run.calendar.lapses}
        until = lapses["neglected"][0]
        # event, profile: hours from which it is announced, until the renewal, until the reload
        self.lapses = {
            ("certificate_expired", "abandoned"): (-1, week.HOURS, 2 * week.HOURS),
            # for the last third of its life
            ("certificate_expiring", "neglected"): (until - week_files.NEGLECTED_HOURS / 3, until, until),
            ("certificate_expired", "neglected"): lapses["neglected"],
            ("crl_expired", "mutual"): lapses["crl"],
            ("staple_expired", "stapled"): lapses["staple"],
        }

    def hour(self, fields):
        return (ledger.seconds(fields["time"]) - self.start) / 3600

    def _within(self, fields, spans, after):
        at = ledger.seconds(fields["time"])
        return any(begin - 1 <= at <= end + after for begin, end in spans)

    def explains(self, fields):
        """Whether a warning or an error has a cause that is known."""
        event, hour = fields["event"], self.hour(fields)
        begin, _, end = self.lapses.get((event, fields.get("profile")), (1, 0, -week.HOURS))
        if event in ALWAYS or begin - self.edge <= hour <= end + self.edge:
            return True
        if event == "certificate_expiring" and fields.get("profile") == "selfmade":
            return -self.edge <= hour - SELF_SIGNED_HOURS <= RENEWAL_HOURS + self.edge
        if event == "reload_refused" and self._within(fields, self.run.calendar.mistakes, 0):
            return True
        return event in MOMENT and self._within(fields, self.run.calendar.moments, self.after)

    def unexplained(self):
        bad = [fields for fields in self.run.log.lines
               if fields.get("level") in ("warning", "error") and not self.explains(fields)]
        return [f"unexplained at hour {self.hour(fields):.2f}: {fields}" for fields in bad[:30]]

    def announcements(self):
        """All is announced at the start, after a reload, and every day: what has expired before the week
        tells when."""
        log = self.run.log
        hours = [self.hour(fields) for fields in log.of("certificate_expired") if fields["profile"] == "abandoned"]
        days = int(self.hour(log.of("draining")[-1]) / 24)
        faults = []
        if len(hours) != 1 + log.events["reloaded"] + days:
            faults.append(f"{len(hours)} announcements after {log.events['reloaded']} reloads in {days} days")
        for (event, profile), (begin, end, _) in self.lapses.items():
            told = [self.hour(fields) for fields in log.of(event) if fields["profile"] == profile]
            inside = [[hour for hour in which if begin + self.edge < hour < end - self.edge]
                      for which in (hours, told)]
            if len(inside[0]) != len(inside[1]) or not inside[1]:
                faults.append(f"{event} of {profile}: {len(inside[1])} of {len(inside[0])} announcements")
        return faults

    def self_signed(self):
        renewals = [self.hour(fields) for fields in self.run.log.of("reloading") if "self-signed" in fields["reason"]]
        if len(renewals) != 1 or not 0 <= renewals[0] - SELF_SIGNED_HOURS <= RENEWAL_HOURS + self.edge:
            return [f"the self-signed certificate was renewed at {renewals}"]
        return []

    def clients(self, total, relayed, families):
        accepted = ledger.by(families["tlsecho_connections_accepted_total"], "listener")
        refused = sum(ledger.by(families["tlsecho_connections_refused_total"], "reason").values())
        ours = sum(accepted[(name,)] for name in ("plain", "tls", "keylogged"))
        faults = []
        if not 0 <= total["connected"] + relayed - ours <= refused:
            faults.append(f"clients: {total['connected'] + relayed}; accepted: {ours}; refused: {refused}")
        unseen = [sha256 for sha256 in self.run.calendar.renewed if not total[f"certificate {sha256}"]]
        if unseen:
            faults.append(f"certificates that no client has seen: {unseen}")
        faults += [f"the server's own ticket key was the same at {before} and {after}"
                   for n, (_, before, name) in enumerate(self.run.calendar.ticket_names)
                   for after, _, later in self.run.calendar.ticket_names[n + 1:]
                   if name == later and after - before > TICKET_KEY_HOURS + self.edge]
        whole, _, foreign = self.run.calendar.keylogged()
        served = self.run.log.versions["keylogged", "TLSv1.3"]
        if foreign or not served <= whole <= accepted[("keylogged",)]:
            faults.append(f"key log: {whole} connections of {served}, {foreign} other lines")
        return faults

    def growth_kib(self):
        """Of the memory within the last half: the slope of a line through it, times its length."""
        half = [sample for sample in self.run.samples if sample.hours > self.run.samples[-1].hours / 2]
        mean = sum(sample.hours for sample in half) / len(half)
        height = sum(sample.memory_kib for sample in half) / len(half)
        square = sum((sample.hours - mean) ** 2 for sample in half)
        slope = sum((sample.hours - mean) * (sample.memory_kib - height) for sample in half) / square
        return slope * (half[-1].hours - half[0].hours)

    def resources(self):
        first, last = self.run.samples[0], self.run.samples[-1]
        faults = []
        pipes = 2 * int(self.run.log.of("ready")[0]["workers"])  # for splice(2), opened once
        more = collections.Counter(last.kinds)
        more.subtract(first.kinds)
        if not 0 <= more.pop("pipe", 0) <= pipes or any(more.values()):
            faults.append(f"descriptors at the start: {dict(first.kinds)}, at the end: {dict(last.kinds)}")
        if self.growth_kib() > GROWTH_KIB:
            faults.append(f"the memory grew by {self.growth_kib():.0f} KiB within the last half")
        return faults


def faults(run, total, relayed, families):
    judge = Judge(run)
    return (judge.unexplained() + judge.announcements() + judge.self_signed() +
            judge.clients(total, relayed, families) + judge.resources())


def tell(run, total, relayed, instruments, families):
    """Prints the figures."""
    judge = Judge(run)
    for name, counts in (("clients", total), ("tools", instruments.counts)):
        for key, count in sorted(counts.items()):
            if not key.startswith("certificate "):
                print(f"{name}: {count:9} {key}")
    print(f"relay: {relayed} connections to the server")
    ended = ledger.by(families["tlsecho_connections_ended_total"], "end")
    accepted = sum(ledger.by(families["tlsecho_connections_accepted_total"], "listener").values())
    print(f"accepted {accepted} = " + " + ".join(f"{count} {end[0]}" for end, count in ended.most_common()))
    print("refused:", dict(ledger.by(families["tlsecho_connections_refused_total"], "reason")))
    samples = run.samples
    for quarter in range(5):
        at = samples[round(quarter * (len(samples) - 1) / 4)]
        print(f"hour {at.hours:6.1f}: {at.memory_kib} KiB, {at.descriptors} descriptors")
    print(f"memory within the last half: {judge.growth_kib():+.0f} KiB")
    levels = collections.Counter((fields["level"], fields["event"], fields.get("profile", fields.get("cause", "")))
                                 for fields in run.log.lines if fields.get("level") in ("warning", "error"))
    for words, count in levels.most_common():
        print(f"log: {count:6} {' '.join(words)}")
    print("events:", dict(run.log.events.most_common()))
