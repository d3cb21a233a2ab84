# SPDX-License-Identifier: MIT
"""--path against servers and proxies of other projects that not every machine has: all stages that a
TLS server alone can answer."""

import shutil
import socket
import subprocess
import tempfile
import unittest

import proc
import support

NGINX = """
daemon off; worker_processes 1; pid {dir}/pid; error_log {dir}/log;
events {{ }}
http {{
    access_log off;
    ssl_certificate {pair}.pem; ssl_certificate_key {pair}.key; ssl_protocols TLSv1.2 TLSv1.3;
    server {{ listen 127.0.0.1:{port} ssl default_server; {default} }}
    server {{ listen 127.0.0.1:{port} ssl; server_name localhost; }}
}}
"""
SSLH = """
foreground: true; numeric: true; timeout: 2; user: "root";
listen: ( {{ host: "127.0.0.1"; port: "{port}"; }} );
protocols: ( {{ name: "tls"; host: "127.0.0.1"; port: "{to}"; sni_hostnames: [ "localhost" ]; }},
             {{ name: "anyprot"; host: "127.0.0.1"; port: "1"; }} );
"""


def has(tool):
    return unittest.skipUnless(shutil.which(tool, path=support.TOOL_PATH), f"{tool} is not installed")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def accepts(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Foreign(support.TestCase):
    def start(self, tool, option, text, port, **values):
        folder = tempfile.TemporaryDirectory(prefix="tlsecho-")
        self.addCleanup(folder.cleanup)
        with open(f"{folder.name}/conf", "w", encoding="ascii") as file:
            file.write(text.format(dir=folder.name, port=port, **values))
        process = subprocess.Popen([shutil.which(tool, path=support.TOOL_PATH),
                                    option + f"{folder.name}/conf"], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, env=support.environment())
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        proc.wait_until(lambda: accepts(port), f"{tool} does not listen")

    def found(self, port):
        done = support.client("--path", "--json", "--servername", "localhost",
                              f"tls://127.0.0.1:{port}", timeout=90)
        return [finding["finding"] for finding in done.summary()["findings"]], done.summary()

    @has("nginx")
    def test_nginx_that_takes_all_names_and_one_that_refuses_others_by_an_alert(self):
        for default in "", "ssl_reject_handshake on;":
            port = free_port()
            self.start("nginx", "-c", NGINX, port, default=default,
                       pair=support.pki() / "server-ecdsa")
            self.assertEqual(self.found(port)[0], [])

    @has("sslh-select")
    def test_sslh_which_reads_one_record_and_closes_what_it_does_not_know(self):
        server = self.server("listeners: [ { listen: 'tls://127.0.0.1:0' } ]")
        port = free_port()
        self.start("sslh-select", "-F", SSLH, port, to=server.address("tls")[1])
        found, summary = self.found(port)
        self.assertEqual(found, ["hello-split-refused"], summary)
        names, = [stage for stage in summary["stages"] if stage["stage"] == "names"]
        self.assertTrue(any("closed without an alert" in note for note in names["notes"]), names)


if __name__ == "__main__":
    unittest.main()
