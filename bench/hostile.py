# SPDX-License-Identifier: MIT
"""Requests of unauthenticated clients that cost the server most: certificate chains that are expensive to
check, and ClientHellos that are expensive to answer. gate.py counts the cost of each in full handshakes.

This module encodes the certificates itself, since no tool makes such certificates. Only one needs a
valid signature; the private key of the others is 1.

Also the largest files of a CA that the server loads.
"""

import base64
import pathlib
import secrets
import socket
import ssl
import struct
import subprocess

CHAIN_BYTES = 32 * 1024   # how much of a client's chain the server reads, in bytes and certificates
CHAIN_COUNT = 8
CHAIN_ELEMENTS = 4096
HELLO_BYTES = 32 * 1024   # limits.client_hello
TIMEOUT_S = 60

NAMES = 1000              # by SNI, over several certificates
CERTIFICATES = 20
TICKET_KEYS = 8
ALPN = [f"p{i}" for i in range(16)]
REVOKED = 18000           # entries: a CRL may have 1 MiB of PEM
CRLS_OF_CA = 16           # with as many entries in all
STAPLED = 300             # responses: a staple may have 32 KiB


# DER

def tlv(tag, *contents):
    value = b"".join(contents)
    n = len(value)
    if n < 128:
        return bytes([tag, n]) + value
    length = n.to_bytes((n.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + value


def sequence(*contents):
    return tlv(0x30, *contents)


def integer(n):
    return tlv(2, n.to_bytes(n.bit_length() // 8 + 1, "big"))


def oid(text):
    first, second, *others = (int(word) for word in text.split("."))
    value = bytes([first * 40 + second])
    for n in others:
        digits = [n & 127]
        while n := n >> 7:
            digits.append(128 | n & 127)
        value += bytes(reversed(digits))
    return tlv(6, value)


def skip(der, at):
    """Where the element ends, and where its contents begin."""
    n, begin = der[at + 1], at + 2
    if n & 0x80:
        size = n & 0x7f
        n, begin = int.from_bytes(der[begin:begin + size], "big"), begin + size
    return begin + n, begin


# Certificates

EC, P256 = oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7")
POINT = bytes.fromhex("046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
                      "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5")
KEY = sequence(integer(1), tlv(4, (1).to_bytes(32, "big")), tlv(0xa0, P256),
               tlv(0xa1, tlv(3, b"\0" + POINT)))


def public_key(algorithm, *value):
    return sequence(sequence(*algorithm), tlv(3, b"\0", *value))


USUAL_KEY = public_key((EC, P256), POINT)


def rsa_key(bits):
    return public_key((oid("1.2.840.113549.1.1.1"), tlv(5)),
                      sequence(integer((1 << bits) - 1 - (1 << bits // 3)), integer(1 << bits - 1 | 1)))


def compressed_x(p, a, b):
    """The x of some point, with the tag of a compressed point."""
    x = next(x for x in range(2, 99) if pow(x ** 3 + a * x + b, (p - 1) // 2, p) == 1)
    return b"\x02" + x.to_bytes((p.bit_length() + 7) // 8, "big")


def p224_key():
    """P-224, on which y takes longest to compute: p - 1 is divisible by 2^96."""
    b = 0xb4050a850c04b3abf54132565044b0b7d7bfd8ba270b39432355ffb4
    return public_key((EC, oid("1.3.132.0.33")), compressed_x(2 ** 224 - 2 ** 96 + 1, -3, b))


def explicit_key():
    """An explicit curve over a prime p for which p - 1 is divisible by 2^600."""
    p = 0x800000000000541 << 600 | 1  # found by search
    size = (p.bit_length() + 7) // 8
    point = compressed_x(p, 3, 5)
    return public_key((EC, sequence(
        integer(1), sequence(oid("1.2.840.10045.1.1"), integer(p)),
        sequence(tlv(4, (3).to_bytes(size, "big")), tlv(4, (5).to_bytes(size, "big"))),
        tlv(4, point), integer(p - 2), integer(1))), point)


def name(text, count=1):
    return sequence(*[tlv(0x31, sequence(oid("2.5.4.3"), tlv(12, text.encode())))] * count)


def extension(kind, *value, critical=False):
    return sequence(oid(kind), tlv(1, b"\xff") if critical else b"", tlv(4, *value))


def names(count, one=tlv(0x82, b"a")):
    return extension("2.5.29.17", sequence(*[one] * count))


CA = extension("2.5.29.19", sequence(tlv(1, b"\xff")), critical=True)


def certificate(issuer, subject, *extensions, key=USUAL_KEY):
    algorithm = sequence(oid("1.2.840.10045.4.3.2"))
    dates = sequence(tlv(0x17, b"250101000000Z"), tlv(0x17, b"490101000000Z"))
    more = tlv(0xa3, sequence(*extensions)) if extensions else b""
    return sequence(sequence(tlv(0xa0, integer(2)), integer(1), algorithm, issuer, dates, subject,
                             key, more),
                    algorithm, tlv(3, b"\0", sequence(integer(1), integer(1))))


def sign(unsigned, ca_key):
    """Signs a certificate made by certificate() with that CA (P-256)."""
    begin = skip(unsigned, 0)[1]
    inner = unsigned[begin:skip(unsigned, begin)[0]]
    signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", ca_key], input=inner,
                               capture_output=True, check=True).stdout
    return sequence(inner, sequence(oid("1.2.840.10045.4.3.2")), tlv(3, b"\0", signature))


def is_prime(n):
    return all(pow(a, n - 1, n) == 1 for a in (2, 3, 5))


def long_rsa(bits, part=512):
    """An RSA key pair with the longest public exponent that the server accepts. The modulus is a product
    of many small primes, which are found fast; it signs like any other."""
    e = 2 ** 32 - 5
    halves, orders = [1, 1], [1, 1]
    for i in range(bits // part):
        p = secrets.randbits(part) | 3 << part - 2 | 1
        while p % e == 1 or not is_prime(p):
            p += 2
        halves[i % 2] *= p
        orders[i % 2] *= p - 1
    exponents = [pow(e, -1, order) for order in orders]
    p, q = halves
    d = pow(e, -1, orders[0] * orders[1])
    private = sequence(*map(integer, (0, p * q, e, d, p, q, *exponents, pow(q, -1, p))))
    return public_key((oid("1.2.840.113549.1.1.1"), tlv(5)), sequence(integer(p * q), integer(e))), private


def chain(count=CHAIN_COUNT, anchor=name("nobody"), extensions=(), key=USUAL_KEY):
    """Each issued by the next, the last by the anchor."""
    subjects = [name(f"c{i}") for i in range(count)] + [anchor]
    return [certificate(subjects[i + 1], subjects[i], *([CA] if i else []), *extensions,
                        key=key if i else USUAL_KEY) for i in range(count)]


def elements(der):
    """The number of ASN.1 elements, including those in OCTET STRINGs."""
    count, at = 0, 0
    while at < len(der):
        end, begin = skip(der, at)
        at = begin if der[at] & 0x20 or der[at] == 4 else end
        count += 1
    return count


def is_read(certificates):
    return (sum(map(len, certificates)) <= CHAIN_BYTES and
            sum(map(elements, certificates)) <= CHAIN_ELEMENTS)


def filled(make):
    """make(n) with the largest n that the server still reads."""
    low, high = 1, CHAIN_BYTES
    while low < high:
        n = (low + high + 1) // 2
        low, high = (n, high) if is_read(make(n)) else (low, n - 1)
    return make(low)


def subject_of(pem):
    der = ssl.PEM_cert_to_DER_cert(pem)
    at = skip(der, 0)[1]
    at = skip(der, at)[1]
    for _ in range(5):  # version, serial number, algorithm, issuer, validity
        at = skip(der, at)[0]
    return der[at:skip(der, at)[0]]


def chains(anchor):
    """Chains by name; anchor: the subject of a CA that the server trusts."""
    constraint = sequence(tlv(0x82, b"b"))
    relative = sequence(tlv(0xa0, tlv(0xa1, sequence(oid("2.5.4.3"), tlv(12, b"x")))))
    directory = tlv(0xa4, name("x", 20))
    p224 = p224_key()
    return {
        "many names and name constraints": filled(lambda n: [
            *chain(4, name("c4"), (names(n // 8),)),
            *[certificate(name(f"c{i + 1}"), name(f"c{i}"), CA,
                          extension("2.5.29.30", sequence(tlv(0xa1, *[constraint] * (n // 8)))))
              for i in range(4, 8)]]),
        "names, forged as a known CA's": filled(lambda n: chain(8, anchor, (names(n // 8),))),
        "directory names": filled(lambda n: chain(8, anchor, (names(n // 8, directory),))),
        "one long name": filled(lambda n: [certificate(name("y", n), name("z", n))]),
        "many extensions": filled(lambda n: chain(
            8, anchor, [extension(f"1.2.3.{i}") for i in range(n // 8)])),
        "relative distribution points": filled(lambda n: [
            certificate(name("y", n), name("z"), extension("2.5.29.31", sequence(*[relative] * n)))]),
        "all of one name": [certificate(name("x"), name("x"), CA)] * CHAIN_COUNT,
        "small certificates": chain(140, anchor),
        "more elements than are read": chain(8, anchor, (names(1200),)),
        "empty names": filled(lambda n: chain(8, anchor, (names(n // 8, tlv(0x82)),))),
        "short names": filled(lambda n: chain(8, sequence(*[tlv(0x31, sequence(
            oid("1.2"), tlv(12)))] * n))),
        "RSA-16384, its exponent as long": chain(8, anchor, key=rsa_key(16384)),
        "explicit curves": chain(8, anchor, key=explicit_key()),
        "compressed points of P-224, and names": filled(
            lambda n: chain(8, anchor, (names(n // 8),), key=p224)),
        "compressed points of P-224, and extensions": filled(lambda n: chain(
            8, anchor, [extension(f"1.2.3.{i}") for i in range(n // 8)], key=p224)),
    }


def issued_rsa(pki, bits):
    """A certificate of the CA for the most expensive key, and that key: the server verifies its
    signatures."""
    public, private = long_rsa(bits)
    anchor = subject_of((pki / "ca.pem").read_text())
    leaf = sign(certificate(anchor, name("rsa"), key=public), pki / "ca.key")
    return [leaf], ("RSA PRIVATE KEY", private)


def pem_of(kind, der):
    return f"-----BEGIN {kind}-----\n{base64.encodebytes(der).decode()}-----END {kind}-----\n"


def present(port, certificates, folder, key=("EC PRIVATE KEY", KEY)):
    """Makes a handshake with that chain, whatever its result."""
    path = folder / "chain.pem"
    path.write_text(pem_of(*key) + "".join(
        pem_of("CERTIFICATE", der) for der in certificates))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    context.load_cert_chain(path)
    try:
        with socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as plain, \
                context.wrap_socket(plain) as tls:
            tls.recv(1)
    except OSError:
        pass  # refused, as expected


# ClientHellos (RFC 8446 §4.1.2)

def counted(size, *contents):
    value = b"".join(contents)
    return len(value).to_bytes(size, "big") + value


def u16(*numbers):
    return struct.pack(f">{len(numbers)}H", *numbers)


def hello_extension(kind, *contents):
    return u16(kind) + counted(2, *contents)


X25519, ECDSA_P256 = 0x001d, 0x0403
UNKNOWN = [0xfe00 + i % 256 for i in range(HELLO_BYTES)]


def client_hello(groups=(X25519,), signatures=(ECDSA_P256,), shares=(X25519,), alpn=(), sni="",
                 tickets=(), ciphers=(0x1301,), more=()):
    extensions = [
        *more,
        hello_extension(43, counted(1, u16(0x0304))),
        hello_extension(10, counted(2, u16(*groups))),
        hello_extension(13, counted(2, u16(*signatures))),
        hello_extension(51, counted(2, *[u16(group) + counted(2, secrets.token_bytes(
            32 if group == X25519 else 1)) for group in shares])),
        hello_extension(45, counted(1, b"\x01")),
    ]
    if alpn:
        extensions.append(hello_extension(16, counted(2, *[counted(1, p) for p in alpn])))
    if sni:
        extensions.append(hello_extension(0, counted(2, b"\0", counted(2, sni.encode()))))
    if tickets:  # last, RFC 8446 §4.2.11
        extensions.append(hello_extension(
            41, counted(2, *[counted(2, t) + bytes(4) for t in tickets]),
            counted(2, *[counted(1, bytes(32)) for _ in tickets])))
    body = (u16(0x0303) + secrets.token_bytes(32) + counted(1) + counted(2, u16(*ciphers)) +
            counted(1, b"\0") + counted(2, *extensions))
    message = b"\x01" + counted(3, body)
    if len(message) > HELLO_BYTES:
        raise ValueError(f"a ClientHello of {len(message)} bytes")
    return b"".join(b"\x16\x03\x01" + counted(2, message[at:at + 16384])
                    for at in range(0, len(message), 16384))


def ticket(key_name, size):
    """A ticket with the name of a ticket key, so that the server decrypts it; the rest is random."""
    return key_name + secrets.token_bytes(size - len(key_name))


def hellos(key_names):
    """ClientHellos by name; key_names: the names of the ticket keys."""
    room = HELLO_BYTES - 400
    tickets = [ticket(key_names[i % len(key_names)], 200) for i in range(100)]
    small = [ticket(key_names[-1], 80) for _ in range(room // (80 + 6 + 33))]
    half = room // 2
    return {
        "100 tickets of 8 keys": client_hello(tickets=tickets),
        "tickets, as many as fit": client_hello(tickets=small),
        "1,000 names by SNI": client_hello(sni=f"n{NAMES - 1}.example"),
        "1,000 names and none of them": client_hello(sni="nobody.example"),
        "full ALPN list": client_hello(alpn=[b"x"] * (room // 2 - 2) + [ALPN[-1].encode()]),
        "full list of ciphers": client_hello(ciphers=UNKNOWN[:room // 2] + [0x1301]),
        "as many extensions as fit": client_hello(more=[hello_extension(0x8000 + i)
                                                        for i in range(room // 4)]),
        "full list of groups": client_hello(groups=UNKNOWN[:room // 2] + [X25519]),
        "full list of signatures": client_hello(signatures=UNKNOWN[:room // 2] + [ECDSA_P256]),
        "groups, and as many shares as are read": client_hello(
            groups=UNKNOWN[:room // 2 - 90] + [0xfdfd, X25519], shares=[0xfdfd] * 31 + [X25519]),
        "groups and shares": client_hello(groups=UNKNOWN[:half // 2] + [0xfdfd, X25519],
                                          shares=[0xfdfd] * (half // 5 - 20) + [X25519]),
    }


def say(port, hello):
    """Sends it, reads an answer, and closes."""
    with socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as connection:
        connection.sendall(hello)
        connection.recv(1)


# The server under test

def make_certificates(folder):
    """Makes CERTIFICATES certificates for NAMES names. Returns their lines of the configuration."""
    share = NAMES // CERTIFICATES
    lines = []
    for i in range(CERTIFICATES):
        path = folder / f"names{i}"
        wanted = ",".join(f"DNS:n{n}.example" for n in range(i * share, (i + 1) * share))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN=n{i}", "-days", "30",
                        "-keyout", f"{path}.key", "-out", f"{path}.pem", "-addext",
                        f"subjectAltName={wanted}"], check=True, capture_output=True)
        staple = f', ocsp: "{path}.ocsp"' if i == 0 else ""
        lines.append(f'{{ certificate: "{path}.pem", key: "{path}.key"{staple} }}')
    return lines


def write_database(folder, issuer, key, index):
    """Writes the database of a CA for `openssl ca`."""
    (folder / "index.txt").write_text(index)
    (folder / "crlnumber").write_text("01\n")
    (folder / "crl.cnf").write_text(
        f"[ca]\ndefault_ca=c\n[c]\ndatabase={folder}/index.txt\ncrlnumber={folder}/crlnumber\n"
        f"certificate={issuer}\nprivate_key={key}\ndefault_md=sha256\ndefault_crl_days=30\n")


def make_crl(folder, pki, revoked):
    """A CRL of the CA with so many entries, as PEM."""
    write_database(folder, f"{pki}/ca.pem", f"{pki}/ca.key", "".join(
        f"R\t490101000000Z\t250101000000Z\t{i + 0x10000:06X}\tunknown\t/CN=x\n" for i in range(revoked)))
    return subprocess.run(["openssl", "ca", "-config", folder / "crl.cnf", "-gencrl"], check=True,
                          capture_output=True, text=True).stdout


def make_staple(folder, answers):
    """A staple in DER: responses for the first certificate with names, and for others."""
    path = folder / "names0.pem"
    serial = subprocess.run(["openssl", "x509", "-in", path, "-noout", "-serial"], check=True,
                            capture_output=True, text=True).stdout.strip().partition("=")[2]
    serials = [f"{i + 0x10000:06X}" for i in range(answers - 1)] + [serial]
    (folder / "issued.txt").write_text("".join(
        f"V\t490101000000Z\t\t{number}\tunknown\t/CN={number}\n" for number in serials))
    subprocess.run(["openssl", "ocsp", "-index", folder / "issued.txt", "-CA", path, "-rsigner", path,
                    "-rkey", folder / "names0.key", "-issuer", path, "-ndays", "30", "-noverify",
                    "-respout", folder / "staple", *[f"-serial=0x{number}" for number in serials]],
                   check=True, capture_output=True)
    return (folder / "staple").read_bytes()


def fetched(folder, pki):
    """Files that are replaced before a reload, by name: (CRL, staple)."""
    small_crl, small_staple = make_crl(folder, pki, 0), make_staple(folder, 1)
    return {
        "small files": (small_crl, small_staple),
        "a CRL of 18,000 entries": (make_crl(folder, pki, REVOKED), small_staple),
        "16 CRLs of one CA": (make_crl(folder, pki, REVOKED // CRLS_OF_CA) * CRLS_OF_CA, small_staple),
        "a staple of 300 answers": (small_crl, make_staple(folder, STAPLED)),
    }


def put(folder, files):
    crl, staple = files
    (folder / "crl.pem").write_text(crl)
    (folder / "names0.ocsp").write_bytes(staple)


def configure(folder, pki, ports):
    """The configuration (ports: plain, visited), and the names of the ticket keys."""
    keys = secrets.token_bytes(80 * TICKET_KEYS)
    (folder / "tickets").write_bytes(keys)
    (folder / "tickets").chmod(0o600)
    lines = [f'{{ certificate: "{pki}/server-ecdsa.pem", key: "{pki}/server-ecdsa.key" }}',
             *make_certificates(folder)]
    put(folder, (make_crl(folder, pki, REVOKED), make_staple(folder, 1)))
    text = f"""
listeners:
  - {{ listen: "tcp://127.0.0.1:{ports["plain"]}" }}
  - {{ listen: "tls://127.0.0.1:{ports["visited"]}", tls: visited }}
tls:
  visited:
    certificates: [ {", ".join(lines)} ]
    client_auth: optional
    client_ca: "{pki}/ca.pem"
    crl: "{folder}/crl.pem"
    ticket_keys: "{folder}/tickets"
    alpn: [ {", ".join(ALPN)} ]
"""
    return text, [keys[i * 80:i * 80 + 16] for i in range(TICKET_KEYS)]


def anchor_of(pki):
    return subject_of(pathlib.Path(pki / "ca.pem").read_text())
