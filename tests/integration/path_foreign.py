# SPDX-License-Identifier: MIT
"""Servers and proxies of other projects, in the server's namespace of a netpath.Network, for the table of
--path. Each function starts one, waits until it listens, and returns the endpoints to examine; the
stack ends it.
"""

import shutil
import socket
import subprocess
import tempfile

import netpath
import proc
import support

SERVER = netpath.Network.SERVER
PORT = 8443  # the namespace has no others
HAPROXY = """
defaults
 mode tcp
 timeout connect 5s
 timeout client 30s
 timeout server 30s
frontend tls
 bind {server}:{port} {bind}
 {rules}
backend far
 server s {server}:{far}
"""
BY_NAME = """tcp-request inspect-delay 2s
 tcp-request content accept if { req.ssl_hello_type 1 }
 use_backend far if { req.ssl_sni -i localhost }"""
NGINX = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/log;
events {{ }}
http {{
    access_log off; client_body_temp_path {folder}; proxy_temp_path {folder};
    fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
    ssl_certificate {pair}.pem; ssl_certificate_key {pair}.key; ssl_protocols TLSv1.2 TLSv1.3;
    server {{ listen {server}:{port} ssl default_server; {default} }}
    server {{ listen {server}:{port} ssl; server_name localhost; }}
}}
"""
SSLH = """
foreground: true; numeric: true; timeout: 2; user: "root";
listen: ( {{ host: "{server}"; port: "{port}"; }} );
protocols: ( {{ name: "tls"; host: "{server}"; port: "{far}"; sni_hostnames: [ "localhost" ]; }},
             {{ name: "anyprot"; host: "127.0.0.1"; port: "1"; }} );
"""
TOOLS = {"haproxy", "sslh", "nginx", "gnutls-serv", "openssl"}


def is_installed(tool):
    return bool(shutil.which(tool, path=support.TOOL_PATH))


def _folder(stack):
    return stack.enter_context(tempfile.TemporaryDirectory(prefix="tlsecho-"))


def _accepts(network):
    with network.server.entered(), socket.socket() as probe:
        return probe.connect_ex((SERVER, PORT)) == 0


def _start(stack, network, tool, *args):
    process = subprocess.Popen(
        [*network.server.prefix, shutil.which(tool, path=support.TOOL_PATH), *map(str, args)],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env=support.environment())
    stack.callback(process.stdin.close)
    stack.callback(process.wait)
    stack.callback(process.terminate)
    proc.wait_until(lambda: _accepts(network), f"{tool} does not listen")
    return [f"tls://{SERVER}:{PORT}"]


def _configure(stack, network, tool, option, text, **values):
    file = _folder(stack) + "/conf"
    with open(file, "w", encoding="ascii") as out:
        out.write(text.format(folder=file.rpartition("/")[0], server=SERVER, port=PORT,
                              pair=support.pki() / "server-ecdsa", **values))
    return _start(stack, network, tool, *(option + file).split())


def _tlsecho(stack, network, scheme):
    """The port of a tlsecho-server behind a proxy."""
    server = support.Server(f"listeners: [ {{ listen: '{scheme}://{SERVER}:0' }} ]",
                            prefix=network.server.prefix)
    stack.callback(server.remove)
    stack.callback(server.process.kill)
    server.wait_for("ready")
    return server.address(scheme)[1]


def haproxy_by_name(stack, network):
    """It reads the server name of the first record."""
    return _configure(stack, network, "haproxy", "-f ", HAPROXY, bind="", rules=BY_NAME,
                      far=_tlsecho(stack, network, "tls"))


def haproxy_that_ends_tls(stack, network):
    pair = support.pki() / "server-ecdsa"
    pem = _folder(stack) + "/pair.pem"
    with open(pem, "wb") as out:
        out.write((pair.with_suffix(".pem")).read_bytes() + (pair.with_suffix(".key")).read_bytes())
    return _configure(stack, network, "haproxy", "-f ", HAPROXY, bind=f"ssl crt {pem}",
                      rules="default_backend far", far=_tlsecho(stack, network, "tcp"))


def sslh(stack, network):
    """It reads one record, and closes what it does not know. A process for each connection: sslh-select
    closes one of twenty connections if four come at once."""
    return _configure(stack, network, "sslh", "-F", SSLH, far=_tlsecho(stack, network, "tls"))


def nginx(stack, network):
    return _configure(stack, network, "nginx", "-c ", NGINX, default="")


def nginx_that_refuses_names(stack, network):
    return _configure(stack, network, "nginx", "-c ", NGINX, default="ssl_reject_handshake on;")


def gnutls(stack, network):
    pair = support.pki() / "server-ecdsa"
    return _start(stack, network, "gnutls-serv", "--echo", f"--port={PORT}",
                  f"--x509certfile={pair}.pem", f"--x509keyfile={pair}.key")


def openssl(stack, network):
    """It serves one connection at a time."""
    pair = support.pki() / "server-ecdsa"
    return _start(stack, network, "openssl", "s_server", "-rev", "-accept", f"{SERVER}:{PORT}", "-cert",
                  f"{pair}.pem", "-key", f"{pair}.key")
