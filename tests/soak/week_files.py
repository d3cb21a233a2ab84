# SPDX-License-Identifier: MIT
"""The files of a server for a week: its configuration, and all that expires or is renewed."""

import os
import pathlib
import shutil
import socket

import certificates
import support

NEGLECTED_HOURS = 72   # of the certificate that is renewed too late
SELF_SIGNED_DAYS = 33  # are left; it is renewed 30 days before its end
CERTIFICATE_AUTHORITY, EXTENSIONS = "intermediate", "subjectAltName = DNS:localhost, IP:127.0.0.1\n"
ROTATE = support.REPOSITORY / "packaging/systemd/rotate-ticket-keys"

LISTENERS = ("plain tcp", "tls tls default", "tools_plain tcp", "tools_tls tls default", "bench_plain tcp",
             "bench_tls tls lasting", "h_plain tcp", "h_tls tls lasting", "h_mutual tls hostile",
             "keylogged tls keylogged", "neglected tls neglected", "selfmade tls selfmade",
             "cluster tls cluster", "mutual tls mutual", "stapled tls stapled",
             "abandoned tls abandoned", "datagrams udp", "tools_dtls dtls lasting")
PROFILES = {
    "default": "certificates: [ { certificate: server.pem, key: server.pem } ]",
    "lasting": "certificates: [ { certificate: lasting.pem, key: lasting.key } ]",
    "hostile": "certificates: [ { certificate: lasting.pem, key: lasting.key } ], client_auth: optional,"
               " client_ca: clients.pem, crl: lasting.crl",
    "keylogged": "certificates: [ { certificate: server.pem, key: server.pem } ], keylog: keys.log",
    "neglected": "certificates: [ { certificate: neglected.pem, key: neglected.pem } ]",
    "selfmade": "",
    "cluster": "certificates: [ { certificate: lasting.pem, key: lasting.key } ], ticket_keys: tickets.key",
    "mutual": "certificates: [ { certificate: lasting.pem, key: lasting.key } ], client_auth: required,"
              " client_ca: clients.pem, crl: clients.crl",
    "stapled": "certificates: [ { certificate: lasting.pem, key: lasting.key, ocsp: staple.der } ]",
    "abandoned": "certificates: [ { certificate: abandoned.pem, key: abandoned.key } ]",
}
DATAGRAM_RATE = 100  # a second of the clock, for each source
REAL_S = {"handshake": 10, "idle": 40, "write": 20, "linger": 5, "drain": 20}


def configuration(factor, more=""):
    """Time-outs are in real time, whatever the clock does."""
    lines = ["listeners:"]
    for words in LISTENERS:
        name, scheme, *profile = words.split()
        more_keys = f", tls: {profile[0]}" if profile else ""
        lines.append(f'  - {{ listen: "{scheme}://127.0.0.1:0", name: {name}{more_keys} }}')
    lines.append('  - { listen: "tcp://127.0.0.1:0", name: h_proxied, proxy_protocol: required, '
                 'proxy_from: [ 127.0.0.0/8 ] }')
    lines.append("tls:")
    lines += [f"  {name}: {{ {keys} }}" for name, keys in PROFILES.items()]
    lines.append(f"limits: {{ datagram_rate: {DATAGRAM_RATE} }}")
    times = ", ".join(f"{name}: {real_s * factor}s" for name, real_s in REAL_S.items())
    return "\n".join([*lines, f"timeouts: {{ {times} }}", 'admin: { listen: "unix:///{dir}/admin" }',
                      more, ""])


class Files:
    """In a folder. until: the hours of the clock at which what is renewed too late ends."""

    def __init__(self, folder, clock):
        self.folder, self.clock, self.until = folder, clock, {}
        self._make()

    def put(self, name, content):
        (self.folder / f"{name}.new").write_bytes(content)
        (self.folder / f"{name}.new").chmod(0o600)
        os.replace(self.folder / f"{name}.new", self.folder / name)

    def issue(self, name, hours, extensions=EXTENSIONS, issuer=CERTIFICATE_AUTHORITY):
        """A certificate with its chain and key, from and until so many hours from now. issuer: None =
        self-signed. In one file: two would be read between their replacements, as files are looked at
        every 250 ms of the fast clock."""
        with certificates.folder() as work:
            (work / "index").touch()
            (work / "ext").write_text(extensions)
            (work / "cnf").write_text(
                f"[ca]\ndatabase = {work}/index\nnew_certs_dir = {work}\ndefault_md = sha256\n"
                "rand_serial = yes\npolicy = any\n[any]\ncommonName = supplied\n")
            certificates.openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", work / "key")
            certificates.openssl("req", "-new", "-key", work / "key", "-subj", f"/CN={pathlib.Path(name).stem}",
                                 "-out", work / "csr")
            signer = ("-cert", certificates.pki(f"{issuer}.pem"), "-keyfile",
                      certificates.pki(f"{issuer}.key")) if issuer else ("-selfsign", "-keyfile", work / "key")
            certificates.openssl(
                "ca", "-config", work / "cnf", "-name", "ca", "-batch", "-notext", "-in", work / "csr",
                "-out", work / "leaf", *signer, "-extfile", work / "ext",
                "-startdate", self.clock.asn1(hours[0]), "-enddate", self.clock.asn1(hours[1]))
            chain = (support.pki() / f"{issuer}.pem").read_bytes() if issuer else b""
            self.put(name, (work / "leaf").read_bytes() + chain + (work / "key").read_bytes())

    def _make_self_signed(self):
        """As the server makes it, but almost a year ago."""
        (self.folder / "state").mkdir(mode=0o700)
        host, days = socket.gethostname(), (SELF_SIGNED_DAYS - 365, SELF_SIGNED_DAYS)
        self.issue("state/self-signed.pem", [24 * day for day in days], "basicConstraints = critical,CA:FALSE\n"
                    f"extendedKeyUsage = serverAuth\nsubjectAltName = DNS:{host}, DNS:localhost\n", None)

    def _make(self):
        for suffix in (".pem", ".key"):
            for name, source in (("lasting", "server-ecdsa"), ("abandoned", "expired"),
                                 ("client-revoked", "client-revoked")):
                shutil.copy(support.pki() / f"{source}{suffix}", self.folder / f"{name}{suffix}")
        self.issue("server.pem", (-1, 24))
        self.renew_neglected(0, NEGLECTED_HOURS)
        self._make_self_signed()
        self.put("clients.pem", certificates.bundle())
        self.put("lasting.crl", (support.pki() / "crl.pem").read_bytes())
        self.renew_crl(48)
        self.renew_staple()
        self.rotate_tickets()
        self.configure()

    def configure(self, more=""):
        text = configuration(self.clock.factor, more).replace("{dir}", str(self.folder).lstrip("/"))
        self.put("server.yaml", text.encode())

    def renew_neglected(self, start, hours):
        self.until["neglected"] = self.clock.hours() + hours
        self.issue("neglected.pem", (start, hours))

    def renew_staple(self):
        self.until["staple"] = self.clock.hours() + 24
        self.put("staple.der", certificates.make_staple("server-ecdsa"))

    def renew_crl(self, hours):
        self.until["crl"] = self.clock.hours() + hours
        self.put("clients.crl", certificates.make_crls("-crl_lastupdate", self.clock.asn1(-1),
                                                       "-crl_nextupdate", self.clock.asn1(hours)))

    def rotate_tickets(self):
        done = support.run(ROTATE, self.folder / "tickets.key")
        assert done.status == 0, done.stderr
