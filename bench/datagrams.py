# SPDX-License-Identifier: MIT
"""CPU time of the server for each 64-byte UDP echo, against a bare loop of recvmmsg and sendmmsg.

scripts/bench --datagrams runs it. Both get the same load in turn, ROUNDS times; the result is the
median of the ratios. It fails if that is above --limit. On a busy machine the times mean little.
"""

import argparse
import contextlib
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

CLIENTS, WINDOW = 8, 16
CONFIG = "listeners: [ { listen: 'udp://127.0.0.1:0' } ]\nlimits: { datagram_rate: 0 }\nworkers: 1\n"


def cpu_ns(process):
    tasks = pathlib.Path(f"/proc/{process.pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks)


@contextlib.contextmanager
def running(command, port, **arguments):
    """(process, its port), which the pattern finds in a line that it prints."""
    with subprocess.Popen(command, text=True, **arguments) as process:
        try:
            stream = process.stdout or process.stderr
            for line in stream:
                found = re.search(port, line)
                if found:
                    yield process, found[1]
                    return
            sys.exit(f"{command[0]} has ended")
        finally:
            process.kill()


def measure(process, port, tool, seconds):
    """Nanoseconds of CPU for each echo."""
    before = cpu_ns(process)
    done = subprocess.run([tool, "load", port, str(seconds), str(CLIENTS), str(WINDOW)], text=True,
                          stdout=subprocess.PIPE, check=True).stdout
    return (cpu_ns(process) - before) / int(done)


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench --datagrams")
    parser.add_argument("--build", required=True)
    parser.add_argument("--pki", help="unused: datagrams are plain")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--limit", type=float, default=1.15)
    options = parser.parse_args()
    tool = f"{options.build}/bench/datagrams"
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as config:
        config.write(CONFIG)
        config.flush()
        server = [f"{options.build}/src/tlsecho-server", "-c", config.name]
        with running(server, r"address=127.0.0.1:(\d+) transport=udp", stderr=subprocess.PIPE) as ours, \
                running([tool, "echo"], r"(\d+)", stdout=subprocess.PIPE) as bare:
            ratios = []
            for number in range(options.rounds):
                costs = [measure(process, port, tool, options.seconds) for process, port in (ours, bare)]
                ratios.append(costs[0] / costs[1])
                print(f"round {number + 1}: {costs[0]:.0f} ns, bare loop {costs[1]:.0f} ns, "
                      f"ratio {ratios[-1]:.2f}", flush=True)
    median = statistics.median(ratios)
    print(f"median ratio {median:.2f}, at most {options.limit:.2f}")
    return median > options.limit


if __name__ == "__main__":
    sys.exit(main())
