# SPDX-License-Identifier: MIT
"""What packaging/ has for a fleet: the container image, the Kubernetes manifests, examples. Their configurations are valid, every
option that they name exists, and the pods are what the restricted profile of the Pod Security
Standards asks for. With the npm packages of the Kubernetes schemas, which scripts/check-manifests installs, every
object is valid."""

import calendar
import functools
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time
import unittest

import support

try:
    import yaml
except ModuleNotFoundError:
    if os.environ.get("TLSECHO_TOOLS") == "required":
        raise
    yaml = None

PACKAGING = support.REPOSITORY / "packaging"
KUBERNETES = PACKAGING / "kubernetes"
OVERLAYS = [path.parent for path in sorted(KUBERNETES.rglob("kustomization.yaml"))]
CONTAINERFILE = PACKAGING / "container" / "Containerfile"
MODULES = os.environ.get("TLSECHO_NODE_MODULES")  # of scripts/check-manifests, which skips nothing
STAND_IN = pathlib.Path(__file__).resolve().parent / "stand_in_kubectl.py"
SECONDS_UNTIL_START = 100
OLDEST_KUBECTL = (1, 27)
TICKET_KEY_BYTES = 80
# How the secrets of the manifests are called in the development PKI.
IN_PKI = {"/run/secrets/tlsecho/tls/tls.crt": "server-ecdsa.pem",
          "/run/secrets/tlsecho/tls/tls.key": "server-ecdsa.key"}
TICKET_KEYS = "/run/secrets/tlsecho/ticket-keys/keys"


@functools.cache
def kubectl():
    """The path of a kubectl that is new enough; None: there is none."""
    path = shutil.which("kubectl", path=support.TOOL_PATH)
    if not path:
        return None
    shown = json.loads(support.run(path, "version", "--client", "-o", "json").stdout or "{}")
    version = shown.get("clientVersion", {})
    numbers = tuple(int(re.match(r"\d*", version.get(key, "")).group() or 0) for key in ("major", "minor"))
    return path if numbers >= OLDEST_KUBECTL else None


@functools.cache
def objects(overlay):
    """Everything that `kubectl kustomize` makes of that folder."""
    done = support.run(kubectl(), "kustomize", overlay)
    assert done.status == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def of_kind(overlay, *kinds):
    return [one for one in objects(overlay) if one["kind"] in kinds]


def workloads(overlay):
    """(name, pod) of everything that runs pods."""
    return [(f"{overlay.name}/{one['kind']}", one["spec"]["template"]["spec"])
            for one in of_kind(overlay, "Deployment", "DaemonSet", "Job")]


@functools.cache
def known_options(variable):
    """All that --help lists."""
    shown = support.run(support.program(variable), "--help").stdout.decode()
    return set(re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", shown))


def options_of(command):
    return [word.partition("=")[0] for word in command if re.fullmatch(r"--?[a-zA-Z][\w-]*(=.*)?", word)]


def seconds(text):
    number, unit = re.fullmatch(r"(\d+)(ms|s|m)?", str(text)).groups()
    return int(number) * {"ms": 0.001, "s": 1, "m": 60, None: 1}[unit]


class Commands(support.TestCase):
    def assert_options_exist(self, program, command):
        variable = "TLSECHO_CLIENT" if program.endswith("client") else "TLSECHO_SERVER"
        for option in options_of(command):
            with self.subTest(program, option=option):
                self.assertIn(option, known_options(variable))


class Image(Commands):
    @staticmethod
    def instructions():
        text = CONTAINERFILE.read_text().replace("\\\n", " ")
        lines = [line.split(None, 1) for line in text.splitlines() if line and not line.startswith("#")]
        last = max(i for i, (word, _) in enumerate(lines) if word == "FROM")
        return lines, lines[last:]

    def exec_form(self, instruction):
        _, final = self.instructions()
        text = next(rest for word, rest in final if word == instruction)
        return json.loads(text[text.index("["):])

    def test_options_of_its_commands_exist(self):
        program, = self.exec_form("ENTRYPOINT")
        self.assert_options_exist(program, self.exec_form("CMD"))
        program, *words = self.exec_form("HEALTHCHECK")
        self.assert_options_exist(program, words)

    def test_it_is_for_an_ordinary_user_and_stops_at_TERM(self):
        _, final = self.instructions()
        self.assertIn(["USER", "65532:65532"], final)
        self.assertIn(["STOPSIGNAL", "SIGTERM"], final)
        self.assertEqual(final[0], ["FROM", "scratch"])

    def test_files_that_it_copies_exist(self):
        for word, rest in self.instructions()[0]:
            if word == "COPY" and not rest.startswith("--from"):
                self.assertTrue((support.REPOSITORY / rest.split()[0]).exists(), rest)

    @unittest.skipUnless(yaml, "there is no PyYAML")
    def test_its_health_check_asks_a_listener_of_its_configuration(self):
        path = PACKAGING / "container" / "server.yaml"
        listeners = yaml.safe_load(path.read_text())["listeners"]
        ports = {one["listen"].rpartition(":")[2] for one in listeners}
        self.assertIn(self.exec_form("HEALTHCHECK")[-1].rpartition(":")[2], ports)
        done = support.run(support.program("TLSECHO_SERVER"), "-t", "-c", path)
        self.assertEqual(done.status, 0, done.stderr)


def tool(name):
    return shutil.which(name, path=support.TOOL_PATH)


class Examples(support.TestCase):
    """Configurations of other programs around the server, which these programs check themselves."""

    def need(self, *tools):
        missing = [name for name in tools if not tool(name)]
        if missing:
            (self.fail if MODULES else self.skipTest)(f"not installed: {', '.join(missing)}")

    def test_haproxy_accepts_its_configuration(self):
        self.need("haproxy")
        done = support.run(tool("haproxy"), "-c", "-f", PACKAGING / "haproxy" / "haproxy.cfg")
        self.assertEqual((done.status, done.stderr), (0, ""))

    def test_keepalived_accepts_its_configuration(self):
        # It complains in a file, and needs the interface. Some versions exit by a signal in any case.
        self.need("keepalived", "unshare", "ip")
        with tempfile.TemporaryDirectory(prefix="tlsecho-") as folder:
            log = pathlib.Path(folder) / "log"
            command = (f"ip link add eth0 type veth peer name other && echo made >&2 && "
                       f"{tool('keepalived')} --config-test={log} -f {PACKAGING}/keepalived/keepalived.conf")
            done = support.run("unshare", "--net", "--pid", "--fork", "sh", "-c", command)
            if "made" not in done.stderr:
                self.skipTest("needs root: a network namespace cannot be made")
            self.assertEqual(log.read_text(), "")

    def test_systemd_accepts_the_units(self):
        self.need("systemd-analyze")
        with tempfile.TemporaryDirectory(prefix="tlsecho-") as folder:
            units = [pathlib.Path(folder) / f"tlsecho-ticket-keys.{kind}" for kind in ("service", "timer")]
            for unit in units:
                text = (PACKAGING / "systemd" / unit.name).read_text()
                unit.write_text(text.replace("/usr/libexec/tlsecho", str(PACKAGING / "systemd")))
            done = support.run("systemd-analyze", "verify", "--man=no", *units)
            faults = [line for line in done.stderr.splitlines() if folder in line or "tlsecho" in line]
            self.assertEqual((done.status, faults), (0, []))

    def test_the_server_accepts_its_configurations(self):
        for path in (PACKAGING / "haproxy" / "server.yaml", PACKAGING / "keepalived" / "server.yaml"):
            with self.subTest(path.parent.name), tempfile.TemporaryDirectory(prefix="tlsecho-") as folder:
                keys = pathlib.Path(folder) / "tls"
                keys.mkdir()
                for end, name in (("pem", "server.pem"), ("key", "server.key")):
                    shutil.copy(support.pki() / f"server-ecdsa.{end}", keys / name)
                (keys / "tickets.key").touch(mode=0o600)
                (keys / "tickets.key").write_bytes(os.urandom(TICKET_KEY_BYTES))
                shutil.copy(path, folder)
                done = support.run(support.program("TLSECHO_SERVER"), "-t", "-c",
                                   pathlib.Path(folder) / path.name)
                self.assertEqual(done.status, 0, done.stderr)


@unittest.skipUnless(yaml, "there is no PyYAML")
@unittest.skipUnless(kubectl() or MODULES, "there is no kubectl 1.27 or later")
class Kubernetes(Commands):
    def checked(self, text, env):
        """tlsecho-server -t of that configuration with secrets of the development PKI."""
        with tempfile.TemporaryDirectory(prefix="tlsecho-") as folder:
            keys = pathlib.Path(folder) / "keys"
            keys.write_bytes(os.urandom(TICKET_KEY_BYTES))
            keys.chmod(0o600)
            for path, name in IN_PKI.items():
                text = text.replace(path, str(support.pki() / name))
            path = pathlib.Path(folder) / "server.yaml"
            path.write_text(text.replace(TICKET_KEYS, str(keys)))
            return support.run(support.program("TLSECHO_SERVER"), "-t", "-c", path,
                               env=support.environment(**env))

    def servers(self):
        """(name, pod, text of its configuration) of each overlay with a server."""
        for overlay in OVERLAYS:
            for name, pod in workloads(overlay):
                for volume in pod["volumes"]:
                    if "configMap" in volume:
                        maps = [one for one in of_kind(overlay, "ConfigMap")
                                if one["metadata"]["name"] == volume["configMap"]["name"]]
                        self.assertEqual(len(maps), 1, name)
                        yield name, pod, maps[0]["data"]["server.yaml"]

    def test_each_overlay_has_a_server_or_a_load(self):
        self.assertGreaterEqual(len(OVERLAYS), 5)
        for overlay in OVERLAYS:
            self.assertTrue(workloads(overlay), overlay)

    def test_configurations_are_valid_with_the_variables_of_the_pod(self):
        for name, pod, text in self.servers():
            with self.subTest(name):
                env = {one["name"]: "x" for one in pod["containers"][0].get("env", [])}
                done = self.checked(text, env)
                self.assertEqual(done.status, 0, done.stderr)

    def test_files_of_configurations_are_in_volumes(self):
        for name, pod, text in self.servers():
            mounts = [one["mountPath"] for one in pod["containers"][0]["volumeMounts"]]
            self.assertIn("/etc/tlsecho", mounts)
            for path in re.findall(r"/run/secrets/[\w./-]+", text):
                with self.subTest(name, path=path):
                    self.assertIn(os.path.dirname(path), mounts)

    def test_ports_are_those_of_the_listeners(self):
        for name, pod, text in self.servers():
            with self.subTest(name):
                config = yaml.safe_load(text)
                wanted = {one["name"]: int(one["listen"].rpartition(":")[2]) for one in config["listeners"]}
                wanted["admin"] = int(config["admin"]["listen"].rpartition(":")[2])
                ports = {one["name"]: one["containerPort"] for one in pod["containers"][0]["ports"]}
                self.assertEqual(ports, wanted)

    def test_services_routes_and_probes_name_ports_that_exist(self):
        for overlay in OVERLAYS:
            ports = {port["name"] for _, pod in workloads(overlay)
                     for port in pod["containers"][0].get("ports", [])}
            offered = {}
            for service in of_kind(overlay, "Service"):
                numbers = {port["port"] for port in service["spec"]["ports"]}
                offered[service["metadata"]["name"]] = numbers
                self.assertLessEqual({port["targetPort"] for port in service["spec"]["ports"]}, ports)
            for route in of_kind(overlay, "TCPRoute", "TLSRoute"):
                for rule in route["spec"]["rules"]:
                    for backend in rule["backendRefs"]:
                        self.assertIn(backend["port"], offered[backend["name"]])
            for name, pod in workloads(overlay):
                for kind in "startupProbe", "readinessProbe", "livenessProbe":
                    probe = pod["containers"][0].get(kind)
                    self.assertEqual(bool(probe), "Job" not in name, name)
                    if probe:
                        self.assertEqual(probe["httpGet"]["port"], "admin")
                        self.assertIn(probe["httpGet"]["path"], ("/readyz", "/healthz"))

    def test_pods_live_longer_than_the_server_takes_to_stop(self):
        for name, pod, text in self.servers():
            timeouts = yaml.safe_load(text)["timeouts"]
            with self.subTest(name):
                self.assertGreater(pod["terminationGracePeriodSeconds"], sum(map(seconds, timeouts.values())))

    def test_pods_meet_the_restricted_profile(self):
        for overlay in OVERLAYS:
            for name, pod in workloads(overlay):
                with self.subTest(name):
                    self.assertTrue(pod["securityContext"]["runAsNonRoot"])
                    self.assertEqual(pod["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
                    self.assertFalse(pod["automountServiceAccountToken"])
                    self.assertLessEqual({key for one in pod["volumes"] for key in one} - {"name"},
                                         {"configMap", "secret"})
                    for one in pod["containers"]:
                        self.assertEqual(one["securityContext"], {
                            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                            "capabilities": {"drop": ["ALL"]}})

    def test_options_exist(self):
        for overlay in OVERLAYS:
            for name, pod in workloads(overlay):
                for one in pod["containers"]:
                    program, *words = [*one.get("command", ["/usr/sbin/tlsecho-server"]), *one.get("args", [])]
                    self.assertTrue(options_of(words), name)
                    self.assert_options_exist(program, words)

    @unittest.skipUnless(MODULES, "the Kubernetes schemas are not installed: scripts/check-manifests")
    def test_objects_are_valid(self):
        everything = [[overlay.name, one] for overlay in OVERLAYS for one in objects(overlay)]
        done = support.run("node", support.REPOSITORY / "tests/integration/kubernetes_schemas.js", MODULES,
                           data=json.dumps(everything).encode())
        self.assertEqual(done.status, 0, done.stderr)
        self.assertEqual(int(done.stdout), len(everything))


@unittest.skipUnless(yaml, "there is no PyYAML")
@unittest.skipUnless(kubectl() or MODULES, "there is no kubectl 1.27 or later")
class RunLoad(support.TestCase):
    """packaging/kubernetes/run-load, with pods that are processes."""

    def load(self, folder, pods, **replace):
        server = self.server(support.LISTENERS + support.PROFILE)
        (folder / "replace").write_text(json.dumps({
            "/usr/bin/tlsecho-client": support.program("TLSECHO_CLIENT"),
            "/run/secrets/tlsecho/ca/ca.crt": str(support.pki() / "ca.pem"),
            "tls://tlsecho-pods:7443": server.endpoint("tls"),
            "--connections=100": "--connections=2", "--time=30s": "--time=200ms", **replace}))
        programs = os.path.dirname(support.program("TLSECHO_CLIENT"))
        env = support.environment(CLUSTER=str(folder), REAL=kubectl(), KUBECTL=str(STAND_IN),
                                  PATH=f"{programs}{os.pathsep}{support.TOOL_PATH}")
        return support.run("env", "-C", folder, KUBERNETES / "run-load", pods, SECONDS_UNTIL_START, env=env)

    def test_pods_begin_together_and_their_results_are_added_up(self):
        with tempfile.TemporaryDirectory(prefix="tlsecho-") as folder:
            folder = pathlib.Path(folder)
            before = time.time()
            done = self.load(folder, 3)
            self.assertEqual(done.status, 0, done.stderr)
            self.assertIn("3 clients, 6 connections", done.stdout.decode())
            summaries = [json.loads(path.read_text()) for path in sorted(folder.glob("load-*/*.json"))]
            self.assertEqual([one["result"] for one in summaries], ["ok"] * 3)
            self.assertEqual(len({one["load"]["start_at"] for one in summaries}), 1)
            job = yaml.safe_load((folder / "applied").read_text())
            self.assertEqual((job["spec"]["completions"], job["spec"]["parallelism"]), (3, 3))
            start_at, = [one["value"] for one in job["spec"]["template"]["spec"]["containers"][0]["env"]]
            seconds = calendar.timegm(time.strptime(start_at, "%Y-%m-%dT%H:%M:%SZ")) - before
            self.assertTrue(SECONDS_UNTIL_START - 1 <= seconds <= SECONDS_UNTIL_START + support.DEADLINE_S)

    def test_a_pod_that_fails_fails_the_load(self):
        with tempfile.TemporaryDirectory(prefix="tlsecho-") as folder:
            done = self.load(pathlib.Path(folder), 2, **{"--json": "--servername=other.example"})
            self.assertEqual(done.status, 1)
            self.assertIn("other.example", done.stderr)
            self.assertIn("run-load: the Job failed", done.stderr)


if __name__ == "__main__":
    unittest.main()
