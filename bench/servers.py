# SPDX-License-Identifier: MIT
"""The servers that are compared: tlsecho-server, what users would deploy instead, and bare loops.

Each is started once, pinned to one core with its backend if it needs one, and listens on up to
three ports: plain, TLS with an ECDSA certificate (P-256), TLS with an RSA one (2048 bits). All run
as their documentation has it, with one thread, and session tickets.
"""

import os
import pathlib
import re
import shutil
import socket
import subprocess
import time

HERE = pathlib.Path(__file__).resolve().parent
KINDS = ("plain", "ecdsa", "rsa")
TLS_KINDS = KINDS[1:]
SERVER_CORE, LOAD_CORE = "0", "1"
START_S = 300  # on a busy machine

OURS = """
listeners:
  - { listen: "tcp://127.0.0.1:%(plain)d" }
  - { listen: "tls://127.0.0.1:%(ecdsa)d", tls: ecdsa }
  - { listen: "tls://127.0.0.1:%(rsa)d", tls: rsa }
tls:
  ecdsa: { certificates: [ { certificate: "%(pki)s/server-ecdsa.pem", key: "%(pki)s/server-ecdsa.key" } ] }
  rsa: { certificates: [ { certificate: "%(pki)s/server-rsa.pem", key: "%(pki)s/server-rsa.key" } ] }
limits: { connections: 0 }
timeouts: { idle: 1h }
log: { connections: %(log)s }
"""

NGINX = """
daemon off;
pid %(dir)s/nginx.pid;
error_log %(dir)s/nginx.log;
worker_processes 1;
worker_rlimit_nofile 65536;
events { worker_connections 32768; }
stream {
    server {
        listen 127.0.0.1:%(ecdsa)d ssl backlog=4096;
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_certificate %(pki)s/server-ecdsa.pem;
        ssl_certificate_key %(pki)s/server-ecdsa.key;
        proxy_pass 127.0.0.1:%(backend)d;
    }
    server {
        listen 127.0.0.1:%(rsa)d ssl backlog=4096;
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_certificate %(pki)s/server-rsa.pem;
        ssl_certificate_key %(pki)s/server-rsa.key;
        proxy_pass 127.0.0.1:%(backend)d;
    }
}
"""

HAPROXY = """
global
    nbthread 1
    maxconn 8000
defaults
    mode tcp
    timeout connect 10s
    timeout client 5m
    timeout server 5m
frontend ecdsa
    bind 127.0.0.1:%(ecdsa)d ssl crt %(dir)s/ecdsa.pem
    default_backend echo
frontend rsa
    bind 127.0.0.1:%(rsa)d ssl crt %(dir)s/rsa.pem
    default_backend echo
backend echo
    server echo 127.0.0.1:%(backend)d
"""

STUNNEL = """
foreground = yes
debug = err
pid =
[ecdsa]
accept = 127.0.0.1:%(ecdsa)d
connect = 127.0.0.1:%(backend)d
cert = %(pki)s/server-ecdsa.pem
key = %(pki)s/server-ecdsa.key
[rsa]
accept = 127.0.0.1:%(rsa)d
connect = 127.0.0.1:%(backend)d
cert = %(pki)s/server-rsa.pem
key = %(pki)s/server-rsa.key
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for_port(port, process):
    """Waits until a server accepts on the port."""
    end = time.monotonic() + START_S
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError(f"{process.args} does not listen")


class Place:
    """A system that servers run in, and the build of ours for it: this one, or another one in a folder, where
    the files of this clone have the same paths."""

    def __init__(self, build, root=None):
        self.build, self.root = build, root

    def command(self, *words):
        return [*(["chroot", self.root] if self.root else []), *words]

    def need(self, program):
        if self.first_line("sh", "-c", f"command -v {program}") == "":
            raise OSError(f"{program} is not installed")
        return program

    def first_line(self, *words, line=0):
        """The first line of a program's version, from standard output or error."""
        return first_line(*self.command(*words), line=line)

    def system(self):
        path = pathlib.Path(self.root or "/", "etc/os-release")
        found = re.search(r'PRETTY_NAME="(.*)"', path.read_text(encoding="utf-8"))
        return found.group(1).replace(" GNU/Linux", "") if found else "unknown"

    def openssl(self):
        """The library that ours runs with, and its release, as 3.5."""
        name = re.search(r"OpenSSL (\d+\.\d+)\.\S+", "\n".join(
            self.first_line(self.build / "src" / "tlsecho-server", "-V", line=n) for n in range(1, 4)))
        return (name.group(), name.group(1)) if name else ("unknown", "unknown")


class Server:
    """A running server: its ports by kind, and its processes. Several may have one role, each with another
    library."""

    def __init__(self, name, version="", suffix=""):
        self.role, self.name, self.version = name, name + suffix, version
        self.ports, self.processes = {}, {}  # by kind
        self.process = None  # the first one

    def add(self, process, ports, backend=None):
        self.process = self.process or process
        for kind, port in ports.items():
            wait_for_port(port, process)
            self.ports[kind] = port
            self.processes[kind] = [process.pid] + (backend.processes["plain"] if backend else [])

    def pids(self, kind):
        """Its processes of this kind, with all their descendants."""
        parents = {}
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    stat = pathlib.Path("/proc", entry, "stat").read_text()
                except OSError:
                    continue
                parents[int(entry)] = int(stat.rpartition(")")[2].split()[1])
        found = list(self.processes[kind])
        for pid in found:  # grows during the loop
            found += [child for child, parent in parents.items() if parent == pid]
        return found

    def cpu_s(self, kind):
        """The CPU time of its processes, in nanosecond resolution: clock_getcpuclockid(3)."""
        return sum(time.clock_gettime((~pid << 3) | 2) for pid in self.pids(kind))

    def memory_bytes(self, kind):
        total = 0
        for pid in self.pids(kind):
            for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Private_Dirty:"):
                    total += int(line.split()[1]) * 1024
        return total


class Fleet:
    """A context manager that starts servers and stops them at its end. Peers run in the first place, ours and
    the loops over libssl in each, named after the library in the others."""

    def __init__(self, places, pki, folder, peers=()):
        self.places, self.pki, self.folder = places, pki, folder
        self.peers = peers  # the names of those to start; empty = all
        self.running = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in reversed(self.running):
            process.terminate()
        for process in self.running:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def spawn(self, *command, log, place=None, **options):
        words = ["taskset", "-c", SERVER_CORE, *(place or self.places[0]).command(*command)]
        with open(self.folder / log, "ab") as output:
            process = subprocess.Popen(list(map(str, words)), stdin=subprocess.DEVNULL,
                                       **{"stdout": output, "stderr": output, **options})
        self.running.append(process)
        return process

    def configured(self, server, command, name, text, kinds=KINDS, backend=None, place=None, **values):
        """Starts one process for all kinds, with a configuration file."""
        ports = {kind: free_port() for kind in kinds}
        path = self.folder / f"{name}.conf"
        if backend:
            values["backend"] = backend.ports["plain"]
        path.write_text(text % {"dir": self.folder, "pki": self.pki, **values, **ports})
        process = self.spawn(*command, path, log=f"{name}.log", place=place)
        server.add(process, ports, backend)
        return server

    def suffix(self, place):
        return "" if place is self.places[0] else " " + place.openssl()[1]

    def ours(self, place, log="on"):
        program = place.build / "src" / "tlsecho-server"
        server = Server("tlsecho", place.first_line(program, "-V"), self.suffix(place))
        return self.configured(server, [program, "-c"], f"tlsecho-{len(self.running)}", OURS, place=place, log=log)

    def loop(self, server, kind, place, program, *words):
        process = self.spawn(place.build / "bench" / program, *words, log=f"{program}.log", place=place,
                             stdout=subprocess.PIPE)
        server.add(process, {kind: int(process.stdout.readline())})
        return server

    def libssl(self, place):
        """A bare loop over libssl."""
        server = Server("libssl", f"bench/libssl.c, {place.openssl()[0]}", self.suffix(place))
        for kind in TLS_KINDS:
            self.loop(server, kind, place, "libssl", self.pki / f"server-{kind}.pem", self.pki / f"server-{kind}.key")
        return server

    def limit(self, mode):
        """A bare loop, for plain and, under the name of the ECDSA kind, for TLS."""
        return self.loop(Server("limit", "bench/limit.c"), "ecdsa" if mode else "plain", self.places[0], "limit",
                         *mode)

    def limits(self):
        both = self.limit([])
        gcm = self.limit(["gcm"])
        both.ports.update(gcm.ports)
        both.processes.update(gcm.processes)
        return both

    def by_words(self, name, version, command, kinds=KINDS):
        """Starts one process per kind, with an address, and a certificate and key for TLS."""
        server = Server(name, version)
        for kind in kinds:
            files = [] if kind == "plain" else [self.pki / f"server-{kind}.pem", self.pki / f"server-{kind}.key"]
            port = free_port()
            server.add(self.spawn(*command(port, files), log=f"{name}.log"), {kind: port})
        return server

    def go(self):
        place = self.places[0]
        version = place.first_line(place.need("go"), "version")
        program = place.build / "bench" / "go-echo"
        subprocess.run(place.command("go", "build", "-o", program, HERE / "peers" / "echo.go"), check=True,
                       cwd=HERE / "peers", env={**os.environ, "HOME": str(self.folder), "GOCACHE": str(place.build / "go-cache")})
        return self.by_words("Go", version, lambda port, files: [program, f"127.0.0.1:{port}", *files])

    def rustls(self):
        """Built of Debian's crates, without a network."""
        place = self.places[0]
        place.need("cargo")
        crates = pathlib.Path("usr/share/cargo/registry")
        found = sorted(pathlib.Path(place.root or "/", crates).glob("rustls-0*"))
        if not found:
            raise OSError("librust-rustls-dev is not installed")
        target = place.build / "bench" / "rustls"
        shutil.copytree(HERE / "peers" / "rustls", target / "source", dirs_exist_ok=True)  # cargo writes beside it
        config = ["--config", "source.crates-io.replace-with='debian'",
                  "--config", f"source.debian.directory='/{crates}'"]
        subprocess.run(place.command(
            "cargo", "build", "--quiet", "--release", "--offline", *config,
            "--manifest-path", target / "source" / "Cargo.toml", "--target-dir", target),
            check=True, env={**os.environ, "HOME": str(self.folder), "CARGO_HOME": str(self.folder / "cargo")})
        return self.by_words("rustls", found[-1].name, lambda port, files:
                             [target / "release" / "rustls-echo", f"127.0.0.1:{port}", *files], TLS_KINDS)

    def node(self):
        version = "Node " + self.places[0].first_line(self.places[0].need("node"), "--version")
        return self.by_words("Node", version, lambda port, files: ["node", HERE / "peers" / "echo.js", port, *files])

    def socat(self):
        version = self.places[0].first_line(self.places[0].need("socat"), "-V", line=1)

        def command(port, files):
            listen = f"TCP-LISTEN:{port}"
            if files:
                listen = f"OPENSSL-LISTEN:{port},cert={files[0]},key={files[1]},verify=0"
            return ["socat", listen + ",bind=127.0.0.1,fork,reuseaddr,backlog=4096,nodelay", "PIPE"]
        return self.by_words("socat", version, command)

    def proxied(self, name, version, command, text):
        """A proxy that terminates TLS, in front of the cheapest echo server."""
        return self.configured(Server(name, version), command, name, text, TLS_KINDS,
                               self.limit([]))

    def nginx(self):
        version = self.places[0].first_line(self.places[0].need("nginx"), "-v")
        module = "/usr/lib/nginx/modules/ngx_stream_module.so"
        there = os.path.exists(f"{self.places[0].root or ''}{module}")
        load = f"load_module {module};\n" if there else ""
        return self.proxied("nginx", version, ["nginx", "-c"], load + NGINX)

    def haproxy(self):
        version = self.places[0].first_line(self.places[0].need("haproxy"), "-v")
        for kind in TLS_KINDS:
            parts = [(self.pki / f"server-{kind}.{end}").read_text() for end in ("pem", "key")]
            (self.folder / f"{kind}.pem").write_text("".join(parts))
        return self.proxied("haproxy", version, ["haproxy", "-f"], HAPROXY)

    def stunnel(self):
        version = self.places[0].first_line(self.places[0].need("stunnel"), "-version", line=1)
        return self.proxied("stunnel", version, ["stunnel"], STUNNEL)

    def all(self):
        """The installed servers, tlsecho first; and the names of the others with what is missing."""
        peers = (self.go, self.rustls, self.node, self.nginx, self.haproxy, self.stunnel, self.socat)
        started = [start(place) for place in self.places for start in (self.ours, self.libssl)]
        started.append(self.limits())
        missing = {}
        for start in (p for p in peers if not self.peers or p.__name__ in self.peers):
            try:
                started.append(start())
            except (OSError, RuntimeError, subprocess.CalledProcessError) as problem:
                missing[start.__name__] = str(problem)
        return started, missing


def first_line(*command, line=0):
    """The first line of a program's version, from standard output or error."""
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    lines = done.stdout.splitlines() or [""]
    return lines[min(line, len(lines) - 1)].strip()
