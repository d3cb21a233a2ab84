# SPDX-License-Identifier: MIT
"""Certificates, CRLs and OCSP responses beyond those of the development PKI."""

import contextlib
import datetime
import pathlib
import re
import tempfile

import support


def pki(name):
    return str(support.pki() / name)


def bundle():
    """The certificates of both CAs, for client_ca."""
    return b"".join((support.pki() / f"{ca}.pem").read_bytes() for ca in ("ca", "intermediate"))


def openssl(*words, data=b""):
    done = support.run("openssl", *words, data=data)
    assert done.status == 0, done.stderr
    return done.stdout


@contextlib.contextmanager
def folder():
    with tempfile.TemporaryDirectory(prefix="tlsecho-certificates-") as name:
        yield pathlib.Path(name)


def make_crls(*dates, extension=None):
    """Empty CRLs of both CAs, valid for 30 days, or for dates as in openssl-ca(1). extension: a line
    as in x509v3_config(5)."""
    with folder() as work:
        (work / "index").touch()
        (work / "cnf").write_text(f"[ca]\ndatabase = {work}/index\ndefault_md = sha256\n"
                                  "default_crl_days = 30\n" +
                                  (f"crl_extensions = more\n[more]\n{extension}\n"
                                   if extension else ""))
        return b"".join(openssl("ca", "-config", work / "cnf", "-name", "ca", "-gencrl", *dates,
                                "-cert", pki(f"{ca}.pem"), "-keyfile", pki(f"{ca}.key"))
                        for ca in ("ca", "intermediate"))


def not_after(name):
    """notAfter of a certificate of the PKI, as the client prints it."""
    text = openssl("x509", "-in", pki(f"{name}.pem"), "-noout", "-enddate", "-dateopt", "iso_8601")
    return text.decode().strip().partition("=")[2].replace(" ", "T")


def make_server(names):
    """An RSA server certificate for a subjectAltName, followed by its chain, and its key."""
    with folder() as work:
        (work / "extensions").write_text(f"subjectAltName = {names}\n"
                                         "extendedKeyUsage = serverAuth\n")
        request = openssl("req", "-new", "-nodes", "-newkey", "rsa:2048", "-keyout", work / "key",
                          "-subj", "/CN=server")
        leaf = openssl("x509", "-req", "-CA", pki("intermediate.pem"), "-CAkey",
                       pki("intermediate.key"), "-extfile", work / "extensions", data=request)
        chain = leaf + (support.pki() / "intermediate.pem").read_bytes()
        return chain, (work / "key").read_bytes()


def ticket_key_name(session):
    """The name of the key of a ticket, RFC 5077 section 4, in a file of the client's --resume."""
    text = openssl("sess_id", "-in", session, "-noout", "-text").decode()
    return re.search(r"0000 - ([0-9a-f]{2}(?:[ -][0-9a-f]{2}){15})", text)[1]


def make_staple(name):
    """An OCSP response in DER: a certificate of the intermediate CA is good for a day."""
    serial = openssl("x509", "-in", pki(f"{name}.pem"), "-noout", "-serial").decode()
    serial = serial.strip().partition("=")[2]
    with folder() as work:
        (work / "index").write_text(f"V\t400101000000Z\t\t{serial}\tunknown\t/CN={name}\n")
        openssl("ocsp", "-index", work / "index", "-CA", pki("intermediate.pem"), "-rsigner",
                pki("intermediate.pem"), "-rkey", pki("intermediate.key"), "-issuer",
                pki("intermediate.pem"), "-cert", pki(f"{name}.pem"), "-ndays", "1", "-respout",
                work / "response")
        return (work / "response").read_bytes()


class Authorities:
    """EC certificates with chosen dates, in a folder: NAME.pem and NAME.key."""

    def __init__(self, work):
        self.work = pathlib.Path(work)
        (self.work / "index").touch()
        (self.work / "cnf").write_text(
            f"[ca]\ndatabase = {self.work}/index\nnew_certs_dir = {self.work}\n"
            "default_md = sha256\nrand_serial = yes\npolicy = any\nunique_subject = no\n[any]\n"
            "commonName = supplied\n")

    def path(self, name, kind="pem"):
        return self.work / f"{name}.{kind}"

    def make(self, name, issuer=None, days=(-1, 100), extensions="", key=None, subject=None):
        """issuer: None = self-signed. key: the name of a certificate whose key is used again. days:
        start and end, from now, each plus half a day: whole days are left at any hour."""
        key = key or name
        if not self.path(key, "csr").exists():
            openssl("req", "-new", "-nodes", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-keyout", self.path(key, "key"), "-subj",
                    f"/CN={subject or name}", "-out", self.path(key, "csr"))
        self.path(name, "ext").write_text(extensions or "basicConstraints = critical, CA:true\n")
        now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=12)
        start, end = ((now + datetime.timedelta(days=n)).strftime("%Y%m%d%H%M%SZ") for n in days)
        signer = ("-selfsign", "-keyfile", self.path(key, "key")) if issuer is None else (
            "-cert", self.path(issuer), "-keyfile", self.path(issuer, "key"))
        openssl("ca", "-config", self.work / "cnf", "-name", "ca", "-batch", "-notext",
                "-in", self.path(key, "csr"), "-out", self.path(name), *signer,
                "-startdate", start, "-enddate", end, "-extfile", self.path(name, "ext"))

    def leaf(self, name, issuer, names="DNS:localhost, IP:127.0.0.1", **options):
        self.make(name, issuer, extensions=f"subjectAltName = {names}\n", **options)
