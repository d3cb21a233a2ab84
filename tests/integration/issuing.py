# SPDX-License-Identifier: MIT
"""What a test wants from the CAs of the development PKI beyond what lies there."""

import contextlib
import pathlib
import tempfile

import support


def pki(name):
    return str(support.pki() / name)


def bundle():
    """Both CAs, as client_ca takes them."""
    return b"".join((support.pki() / f"{ca}.pem").read_bytes() for ca in ("ca", "intermediate"))


def openssl(*words, data=b""):
    done = support.run("openssl", *words, data=data)
    assert done.status == 0, done.stderr
    return done.stdout


@contextlib.contextmanager
def folder():
    with tempfile.TemporaryDirectory(prefix="tlsecho-issuing-") as name:
        yield pathlib.Path(name)


def make_crls(*dates):
    """CRLs of both CAs in which nobody is revoked, for 30 days; or dates as openssl-ca(1) takes
    them."""
    with folder() as work:
        (work / "index").touch()
        (work / "cnf").write_text(f"[ca]\ndatabase = {work}/index\ndefault_md = sha256\n"
                                  "default_crl_days = 30\n")
        return b"".join(openssl("ca", "-config", work / "cnf", "-name", "ca", "-gencrl", *dates,
                                "-cert", pki(f"{ca}.pem"), "-keyfile", pki(f"{ca}.key"))
                        for ca in ("ca", "intermediate"))


def make_server(names):
    """A server certificate for a subjectAltName, RSA, with its chain behind it, and its key."""
    with folder() as work:
        (work / "extensions").write_text(f"subjectAltName = {names}\n"
                                         "extendedKeyUsage = serverAuth\n")
        request = openssl("req", "-new", "-nodes", "-newkey", "rsa:2048", "-keyout", work / "key",
                          "-subj", "/CN=server")
        leaf = openssl("x509", "-req", "-CA", pki("intermediate.pem"), "-CAkey",
                       pki("intermediate.key"), "-extfile", work / "extensions", data=request)
        chain = leaf + (support.pki() / "intermediate.pem").read_bytes()
        return chain, (work / "key").read_bytes()


def make_staple(name):
    """The OCSP response, in DER, that a certificate of the intermediate CA is good for a day."""
    serial = openssl("x509", "-in", pki(f"{name}.pem"), "-noout", "-serial").decode()
    serial = serial.strip().partition("=")[2]
    with folder() as work:
        (work / "index").write_text(f"V\t400101000000Z\t\t{serial}\tunknown\t/CN={name}\n")
        openssl("ocsp", "-index", work / "index", "-CA", pki("intermediate.pem"), "-rsigner",
                pki("intermediate.pem"), "-rkey", pki("intermediate.key"), "-issuer",
                pki("intermediate.pem"), "-cert", pki(f"{name}.pem"), "-ndays", "1", "-respout",
                work / "response")
        return (work / "response").read_bytes()
