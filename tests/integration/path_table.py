# SPDX-License-Identifier: MIT
"""The table of --path: what stands on the path, and what has to be found there, no more and no less.

    path_table.py RUNS [ROW...]     # every row, or those, so many times; exit status 1 if one differs

Each row has client, router and server in network namespaces of its own; several run at once. Those of
FOREIGN have a server or proxy of another project, and only run where that is installed.
"""

import collections
import concurrent.futures
import contextlib
import faulthandler
import os
import re
import sys
import time
from typing import NamedTuple

import boxes
import netpath
import path_foreign
import relay
import support

SERVER = netpath.Network.SERVER
AT_ONCE = 4 * (os.cpu_count() or 1)
TIME_OUT_S = 120
CONFIG = f"""
timeouts: {{ drain: 1s, linger: 1s }}
listeners:
  - {{ listen: 'tls://{SERVER}:0', name: echo }}
  - {{ listen: 'tcp://{SERVER}:0', name: discard, service: discard }}
  - {{ listen: 'tcp://{SERVER}:0', name: chargen, service: chargen }}
  - {{ listen: 'tls://{SERVER}:0', name: report, service: report }}
""" + support.PROFILE
LISTENERS = "echo", "discard", "chargen", "report"


def serve(stack, network):
    """All services of tlsecho-server, as those of path_foreign."""
    server = support.Server(CONFIG, prefix=network.server.prefix)
    stack.callback(server.remove)
    stack.callback(server.process.kill)
    server.wait_for("ready")
    return [server.endpoint(name) for name in LISTENERS]


class Row(NamedTuple):
    between: object         # returns new boxes
    found: frozenset = frozenset()
    args: tuple = ()
    values: dict = {}       # of Namespace.set in the client
    serve: object = serve   # starts the servers
    tool: str = ""          # that has to be installed


def row(between, *found, args=(), values=None):
    return Row(between, frozenset(found), args, values or {})


def foreign(tool, start, *found):
    return Row(lambda: [], frozenset(found), serve=start, tool=tool)


class WholeHello(relay.Way):
    """Resets a connection whose ClientHello does not come in one piece and one record."""

    def forward(self, data):
        if boxes.is_short(data):
            raise ConnectionResetError
        return data


IDLE = "--idle-max", "5s"
DSCP = "--dscp", "46"
ECN = {"ipv4__tcp_ecn": 1}

ROWS = {
    "nothing": row(lambda: [], args=DSCP, values=ECN),
    "nothing, and silence": row(lambda: [], args=IDLE),
    "2 % loss": row(lambda: [boxes.Lose(2)], args=DSCP, values=ECN),
    "large packets to the server are dropped": row(
        lambda: [boxes.DropAbove(1340)], "path-mtu-black-hole"),
    "large ClientHellos are dropped": row(
        lambda: [boxes.Censor(boxes.is_larger(1300))], "hello-lost-above"),
    "large packets to the client are dropped": row(
        lambda: [boxes.DropAbove(1340, boxes.TO_CLIENT)], "path-mtu-black-hole"),
    "split ClientHellos are dropped": row(
        lambda: [boxes.Censor(boxes.is_short)], "hello-split-refused"),
    "split ClientHellos are reset": row(
        lambda: [boxes.Censor(boxes.is_short, reset=True)], "hello-split-refused"),
    "a server name is dropped": row(
        lambda: [boxes.Censor(boxes.names("other.invalid"))], "sni-filtered"),
    "a server name is reset": row(
        lambda: [boxes.Censor(boxes.names("other.invalid"), reset=True)], "sni-filtered"),
    "TLS 1.2 is dropped": row(
        lambda: [boxes.Censor(boxes.lacks_13)], "version-intolerant"),
    "idle connections are forgotten": row(
        lambda: [boxes.ForgetIdle(2)], "idle-timeout", args=IDLE),
    "idle connections are reset": row(
        lambda: [boxes.ForgetIdle(2, reset=True)], "idle-timeout", args=IDLE),
    "a small MSS": row(lambda: [boxes.ClampMss(1200)], "mss-clamped"),
    "no SACK": row(lambda: [boxes.StripOptions("sack-perm")], "options-stripped"),
    "no timestamps": row(lambda: [boxes.StripOptions("timestamp")], "options-stripped"),
    "another window scale": row(lambda: [boxes.RewriteSyn({3: b"\0"})], "options-changed"),
    "another DSCP": row(lambda: [boxes.RewriteDscp(8)], "dscp-rewritten", args=DSCP),
    "no ECN": row(lambda: [boxes.StripEcn()], "ecn-stripped", values=ECN),
    "a proxy": row(lambda: [boxes.Proxy()], "tcp-proxy"),
    "a proxy that resets split ClientHellos": row(
        lambda: [boxes.Proxy(WholeHello())], "tcp-proxy", "hello-split-refused"),
    "a small MSS and no ECN": row(
        lambda: [boxes.ClampMss(1200), boxes.StripEcn()], "mss-clamped", "ecn-stripped", values=ECN),
    "large packets dropped and a server name reset": row(
        lambda: [boxes.DropAbove(1340), boxes.Censor(boxes.names("other.invalid"), reset=True)],
        "path-mtu-black-hole", "sni-filtered"),
    "idle connections forgotten and another DSCP": row(
        lambda: [boxes.ForgetIdle(2), boxes.RewriteDscp(8)], "idle-timeout", "dscp-rewritten",
        args=(*IDLE, *DSCP)),
}


FOREIGN = {
    "haproxy that reads the name in mode tcp": foreign(
        "haproxy", path_foreign.haproxy_by_name, "hello-split-refused", "hello-lost-above"),
    "haproxy that ends TLS": foreign("haproxy", path_foreign.haproxy_that_ends_tls),
    "sslh": foreign("sslh", path_foreign.sslh, "hello-split-refused"),
    "nginx": foreign("nginx", path_foreign.nginx),
    "nginx that refuses other names": foreign("nginx", path_foreign.nginx_that_refuses_names),
    "gnutls-serv": foreign("gnutls-serv", path_foreign.gnutls),
    "openssl s_server": foreign("openssl", path_foreign.openssl),
}
ALL = {**ROWS, **FOREIGN}


def is_possible(name):
    return not ALL[name].tool or path_foreign.is_installed(ALL[name].tool)


def known():
    """The names of all findings."""
    source = support.REPOSITORY / "src" / "client" / "path" / "path_findings.c"
    return set(re.findall(r'\.name = "([a-z-]+)"', source.read_text(encoding="ascii")))


def run(name, user=None):
    """One run of a row: (what was found, the whole answer as text)."""
    this = ALL[name]
    with netpath.Network(*this.between()) as network, contextlib.ExitStack() as stack:
        if this.values:
            network.client.set(**this.values)
        done = network.run_client("--path", "--json", "--servername", "localhost", *this.args,
                                  *this.serve(stack, network), user=user, timeout=TIME_OUT_S)
    text = f"{name}: exit {done.status}\n{done.stdout.decode()}{done.stderr}"
    if not done.stdout:
        return frozenset({"no answer"}), text
    names = [one["finding"] for one in done.summary()["findings"]]
    if done.status != (16 if names else 0) or len(set(names)) != len(names):
        names.append(f"exit {done.status}")
    return frozenset(names), text


def run_all(names, runs=1, user=None):
    """Yields (name, what was found, text) as they come; AT_ONCE at a time."""
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        jobs = {pool.submit(run, name, user): name for _ in range(runs) for name in names}
        for job in concurrent.futures.as_completed(jobs):
            yield (jobs[job], *job.result())


def main(runs, names):
    faulthandler.cancel_dump_traceback_later()  # of support, which expects a test: this may take hours
    right, wrong, begun = collections.Counter(), collections.Counter(), time.monotonic()
    names = names or list(ALL)
    possible = [name for name in names if is_possible(name)]
    for name, found, text in run_all(possible, runs):
        if found == ALL[name].found:
            right[name] += 1
            continue
        wrong[name] += 1
        print(f"WRONG, found {', '.join(sorted(found)) or 'nothing'}: {text}", flush=True)
    for name in set(names) - set(possible):
        print(f"skipped, since {ALL[name].tool} is not installed: {name}")
    for name in possible:
        expected = ", ".join(sorted(ALL[name].found)) or "nothing"
        print(f"{right[name]:4} of {runs} {'ok' if not wrong[name] else 'WRONG':5} {name}: {expected}")
    print(f"{sum(right.values())} passed, {sum(wrong.values())} failed, "
          f"{time.monotonic() - begun:.0f} s")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
