# SPDX-License-Identifier: MIT
"""tlsecho-client beside a crowd: as a pipe, direct and through a relay that breaks connections, as a load of
connections and of messages, and with probes over DTLS."""

import collections
import random
import threading
import time

import support

TIMEOUT_S = 300  # a busy machine
RUN = 500        # connections or messages of a load
MOST_BYTES = 200_000
PAUSE_S = 0.2
LOADS = {  # name: (weight, listener, options)
    "connections, plain": (4, "bench_plain", "--handshakes"),
    "handshakes": (1, "bench_tls", "--handshakes"),
    "handshakes, resumed": (2, "bench_tls", "--handshakes", "--resume"),
    "handshakes, resumed, TLS 1.2": (1, "bench_tls", "--handshakes", "--resume", "--tls-max", "1.2"),
    "messages, plain": (1, "bench_plain", "-s", "1000"),
    "messages, TLS": (1, "bench_tls", "-s", "1000"),
}
PROBES = 60  # with those of a handshake less than the limit of datagrams


class Tools:
    """endpoint: of the name of a listener. relayed: the relay's, plain and TLS. moment: while the server
    has no descriptors. The loads make so many connections a second."""

    def __init__(self, clock, endpoint, relayed, moment, rate):
        self.counts, self.failures = collections.Counter(), []
        self._clock, self._endpoint, self._relayed, self._moment = clock, endpoint, relayed, moment
        self._rate, self._begun, self._ending = rate, time.monotonic(), threading.Event()
        self._counting = threading.Lock()
        self._threads = [threading.Thread(target=self._repeat, args=(act,))
                         for act in (self._pipe, self._load, self._load, self._ping)]

    def start(self):
        for thread in self._threads:
            thread.start()

    def end(self):
        self._ending.set()
        for thread in self._threads:
            thread.join()

    def _repeat(self, act):
        while not self._ending.is_set():
            try:
                act()
            except Exception as failure:  # reported at the end; the others go on
                self.failures.append(f"{act.__name__}: {failure!r}")
            self._ending.wait(PAUSE_S)

    def _count(self, more):
        with self._counting:
            self.counts.update(more)

    def _judge(self, what, begun, status, holds, told):
        """Success has to be true, and what is not broken has to succeed."""
        begin, end = self._moment[:]
        self._count({f"{what}: {status}": 1})
        excused = "relay" in what or (begun <= end + 1 and time.monotonic() >= begin - 1)
        if (status == 0 and not holds) or (status != 0 and not excused):
            self.failures.append(f"{what}: exit status {status}: {told}")

    def _pipe(self):
        data, begun = random.randbytes(int(MOST_BYTES ** random.random())), time.monotonic()
        tls = random.randrange(2)
        names = (self._endpoint("tools_plain"), self._endpoint("tools_tls"))
        what, endpoint = random.choice((("pipe", names[tls]), ("pipe, relay", self._relayed[tls])))
        patience = f"{TIMEOUT_S * self._clock.factor}s"
        trust = ("--cacert", support.pki() / "ca.pem") if tls else ()
        done = support.client("--connect-timeout", patience, "--idle-timeout", patience, *trust, endpoint,
                              data=data, timeout=TIMEOUT_S)
        self._judge(what, begun, done.status, done.stdout == data, done.stderr)

    def _ping(self):
        """Over DTLS: no probe is lost. A handshake as a whole may be, in a moment without descriptors."""
        begun = time.monotonic()
        done = self._client("--ping", "-q", "-c", PROBES, "-i0", "-W0", "--idle-timeout", f"{TIMEOUT_S}s",
                            "-s", random.randrange(16, 16_000), "--cacert", support.pki() / "ca.pem",
                            self._endpoint("tools_dtls"))
        summary = done.summary()
        self._judge("ping, DTLS", begun, done.status, summary["probes"]["received"] == PROBES, summary)

    @staticmethod
    def _client(*args):
        """With the real clock."""
        env = support.environment()
        del env["LD_PRELOAD"]
        return support.client("--json", *args, env=env, timeout=TIMEOUT_S)

    def _load(self):
        """With the real clock, which its certificate has as well."""
        if self.counts["connections"] > (time.monotonic() - self._begun) * self._rate:
            return
        [what] = random.choices(list(LOADS), [load[0] for load in LOADS.values()])
        begun = time.monotonic()
        _, name, *options = LOADS[what]
        trust = ("--cacert", support.pki() / "ca.pem") if name.endswith("tls") else ()
        done = self._client("--bench", "-n", RUN, "-P", "8", *options, *trust, self._endpoint(name))
        summary = done.summary()
        self._count({count: summary.get(count, 0) for count in ("connections", "messages")})
        made = summary.get("handshakes" if "--handshakes" in options else "messages")
        self._judge(what, begun, done.status, made == RUN, summary)
