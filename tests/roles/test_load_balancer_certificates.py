"""What is said of certificate files of the control node, before anything is changed."""

from __future__ import annotations

import datetime as dt
import ipaddress
from typing import Any

import pytest
from ansible_collections.alchemorsel.ai.plugins.filter.load_balancer_certificates import (
    certificate_problems,
    fingerprint,
)
from ansible_collections.alchemorsel.ai.plugins.module_utils.edge_process import fingerprint as fingerprint_on_the_host
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

CERTIFICATE, KEY, CA = "load_balancer_certificate_file", "load_balancer_key_file", "load_balancer_ca_file"
FILES = {CERTIFICATE: "/etc/edge.crt", KEY: "/etc/edge.key", CA: "/etc/ca.crt"}
NOW = dt.datetime(2026, 11, 28, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


class Holder:
    """A name with a key, which signs certificates."""

    def __init__(self, name: str) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])

    def certify(
        self,
        other: Holder,
        *names: str,
        is_authority: bool = False,
        begin: dt.datetime = NOW - DAY,
        end: dt.datetime = NOW + DAY,
    ) -> str:
        """Return a certificate for somebody in PEM format."""
        builder = x509.CertificateBuilder(
            issuer_name=self.name,
            subject_name=other.name,
            public_key=other.key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=begin,
            not_valid_after=end,
        ).add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        if names:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([_general(name) for name in names]), critical=False
            )
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    def private(self, passphrase: bytes = b"") -> str:
        """Return its key in PEM format."""
        protection = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection
        ).decode()


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


ROOT, MIDDLE, EDGE, OTHER = Holder("root"), Holder("middle"), Holder("edge"), Holder("other")
NAMES = ("ai.example.com", "*.lab.example.com", "10.0.0.5", "2001:db8::1")
CHAIN = MIDDLE.certify(EDGE, *NAMES) + ROOT.certify(MIDDLE, is_authority=True)
TRUSTED = ROOT.certify(ROOT, is_authority=True)


def told(names: tuple[str, ...] = NAMES, **texts: Any) -> list[str]:
    """Return the problems of a fit chain, except for what is given."""
    contents = {CERTIFICATE: CHAIN, KEY: EDGE.private(), CA: TRUSTED, **texts}
    found = certificate_problems(FILES, names, contents, NOW.timestamp())
    assert all(each["remedy"] for each in found)
    return [each["problem"] for each in found]


@pytest.mark.parametrize(
    ("names", "texts"),
    [
        (NAMES, {}),
        ((), {}),
        (("AI.example.com", "gpu.lab.example.com", "2001:DB8:0::1"), {}),
        (NAMES, {CA: ""}),
        (NAMES, {CA: OTHER.certify(OTHER, is_authority=True) + TRUSTED}),
        ((), {CERTIFICATE: EDGE.certify(EDGE), CA: ""}),
    ],
    ids=["all", "no names", "other spellings", "public CA", "bundle", "self-signed"],
)
def test_fit_files_have_no_problem(names: tuple[str, ...], texts: dict[str, str]) -> None:
    """Chains, wildcards and addresses; nothing is asked of a public CA."""
    assert told(names, **texts) == []


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ({KEY: OTHER.private()}, "/etc/edge.key is not the key of the certificate"),
        ({KEY: EDGE.private(b"secret")}, "/etc/edge.key is encrypted with a passphrase"),
        ({KEY: "no key"}, "/etc/edge.key holds no private key"),
        ({KEY: None}, "/etc/edge.key cannot be read"),
        ({CERTIFICATE: None}, "/etc/edge.crt cannot be read"),
        ({CERTIFICATE: "nothing"}, "/etc/edge.crt holds no certificate"),
        ({CERTIFICATE: EDGE.private()}, "/etc/edge.crt holds no certificate"),
        ({CA: None}, "/etc/ca.crt cannot be read"),
        ({CA: "nothing"}, "/etc/ca.crt holds no certificate"),
        ({CA: OTHER.certify(OTHER, is_authority=True)}, "does not lead to an authority in /etc/ca.crt"),
        ({CERTIFICATE: MIDDLE.certify(EDGE, *NAMES)}, "does not lead to an authority in /etc/ca.crt"),
        (
            {CERTIFICATE: ROOT.certify(EDGE, *NAMES, begin=NOW - 3 * DAY, end=NOW - DAY)},
            "CN=edge expired on 2026-11-27",
        ),
        (
            {CERTIFICATE: ROOT.certify(EDGE, *NAMES, begin=NOW + DAY, end=NOW + 2 * DAY)},
            "CN=edge is not valid before 2026-11-29 12:00 UTC",
        ),
        (
            {
                CERTIFICATE: MIDDLE.certify(EDGE, *NAMES)
                + ROOT.certify(MIDDLE, is_authority=True, begin=NOW - 3 * DAY, end=NOW - DAY)
            },
            "CN=middle expired on 2026-11-27",
        ),
        (
            {CERTIFICATE: ROOT.certify(EDGE, "ai.example.com", "*.lab.example.com", "10.0.0.5")},
            "does not cover 2001:db8::1 of load_balancer_tls_names; it names ai.example.com, *.lab.example.com, 10",
        ),
        ({CERTIFICATE: ROOT.certify(EDGE)}, "it names nobody"),
    ],
)
def test_what_cannot_work_is_told_with_its_file(texts: dict[str, Any], expected: str) -> None:
    """One thing at a time."""
    (problem,) = told(**texts)
    assert expected in problem


def test_wildcard_covers_one_label() -> None:
    """As clients take it."""
    for name in ("lab.example.com", "a.b.lab.example.com", ".lab.example.com"):
        assert "does not cover" in told((name,))[0]


def test_no_problem_shows_a_key() -> None:
    """A message may be logged."""
    texts: dict[str, Any] = {KEY: OTHER.private(), CA: OTHER.private()}
    assert not any("PRIVATE" in problem for problem in told(**texts))


def test_certificate_has_the_same_fingerprint_here_and_on_the_host() -> None:
    """By it the role knows what the running edge has loaded."""
    assert len(fingerprint(CHAIN)) == 40
    assert fingerprint(CHAIN) == fingerprint_on_the_host(CHAIN)
    assert fingerprint("") == fingerprint_on_the_host("") == ""
