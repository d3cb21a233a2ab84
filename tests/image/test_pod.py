# SPDX-License-Identifier: MIT
"""The pods of packaging/kubernetes under runc: their files, user, variables and probes, as a kubelet
would set them up. scripts/test-image runs this."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import container
import support

try:
    import yaml
except ModuleNotFoundError:
    yaml = None

KUBERNETES = support.REPOSITORY / "packaging" / "kubernetes"
KUBECTL = shutil.which("kubectl", path=support.TOOL_PATH)
FIELDS = {"metadata.name": "tlsecho-0", "spec.nodeName": "node-1"}


def secrets():
    """{name of a Secret: {file: content}}"""
    return {"tlsecho-tls": {f"tls.{end}": (support.pki() / f"server-ecdsa.{kind}").read_bytes()
                            for end, kind in (("crt", "pem"), ("key", "key"))},
            "tlsecho-ticket-keys": {"keys": os.urandom(80)}}


def fill(folder, files, mode, group):
    """A volume as the kubelet writes it: files are links through ..data, which it replaces at once."""
    data = folder / "..2026_11_29"
    data.mkdir(parents=True)
    for name, content in files.items():
        (data / name).write_bytes(content)
        (data / name).chmod(mode)
        os.chown(data / name, 0, group)
        (folder / name).symlink_to(f"..data/{name}")
    (folder / "..data").symlink_to(data.name)
    folder.chmod(0o1777)


@unittest.skipUnless(yaml and KUBECTL, "PyYAML and kubectl are not installed")
class Pod(container.TestCase):
    def objects(self, overlay):
        done = support.run(KUBECTL, "kustomize", KUBERNETES / overlay)
        self.assertEqual(done.status, 0, done.stderr)
        return list(yaml.safe_load_all(done.stdout))

    def pod(self, overlay, folder):
        """(the container of the server, started and ready; its description)"""
        found = self.objects(overlay)
        maps = {one["metadata"]["name"]: {key: text.encode() for key, text in one["data"].items()}
                for one in found if one["kind"] == "ConfigMap"}
        spec = next(one["spec"]["template"]["spec"] for one in found
                    if one["kind"] in ("Deployment", "DaemonSet"))
        rules, described = spec["securityContext"], spec["containers"][0]
        for volume in spec["volumes"]:
            if "configMap" in volume:
                files, mode = maps[volume["configMap"]["name"]], 0o644
            else:
                files, mode = secrets()[volume["secret"]["secretName"]], volume["secret"]["defaultMode"]
            fill(folder / volume["name"], files, mode, rules["fsGroup"])
        entry, _ = container.image()
        server = self.container(
            args=entry["Entrypoint"] + described["args"],
            user=(rules["runAsUser"], rules["runAsGroup"], rules["fsGroup"]),
            binds={one["mountPath"]: folder / one["name"] for one in described["volumeMounts"]},
            env=[f"{one['name']}={FIELDS[one['valueFrom']['fieldRef']['fieldPath']]}"
                 for one in described["env"]])
        return server, described

    def probe(self, server, described, kind):
        """The status of that probe, from the network of the pod."""
        ports = {one["name"]: one["containerPort"] for one in described["ports"]}
        target = described[kind]["httpGet"]
        state = subprocess.run([container.RUNC, "state", server.name], check=True, capture_output=True)
        done = support.run("nsenter", "--net", "--target", str(json.loads(state.stdout)["pid"]), "curl", "-s",
                           "-o", "/dev/null", "-w", "%{http_code}",
                           f"http://127.0.0.1:{ports[target['port']]}{target['path']}")
        return done.stdout

    def test_each_overlay_gives_a_pod_that_serves(self):
        for overlay in ("base", "overlays/self-signed", "overlays/cert-manager", "overlays/gateway",
                        "overlays/daemonset"):
            with self.subTest(overlay), tempfile.TemporaryDirectory(prefix="tlsecho-pod-") as folder:
                pathlib.Path(folder).chmod(0o755)
                server, described = self.pod(overlay, pathlib.Path(folder))
                for kind in "startupProbe", "readinessProbe", "livenessProbe":
                    self.assertEqual(self.probe(server, described, kind), b"200", kind)
                self.assertEqual(server.lines("ready")[0]["env_POD_NAME"], "tlsecho-0")
                self.assertEqual(server.client("tcp://127.0.0.1:7007", data=b"x").stdout, b"x")
                self.assertEqual(server.client("--insecure", "tls://127.0.0.1:7443", data=b"x").stdout, b"x")
                server.signal(15)
                server.wait_for("lame_duck")
                self.assertEqual(self.probe(server, described, "readinessProbe"), b"503")
                self.assertEqual(self.probe(server, described, "livenessProbe"), b"200")
                self.assertEqual(server.client("tcp://127.0.0.1:7007", data=b"y").stdout, b"y")
                server.signal(15)
                self.assertEqual(server.wait(), 0)


if __name__ == "__main__":
    unittest.main()
