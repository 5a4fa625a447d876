"""Filters that look into the certificate files of the control node, before anything is changed."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

with suppress(ImportError):  # ansible-core brings it along; ansible-test reads plugins without it
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

Problem = dict[str, str]

CERTIFICATE = "load_balancer_certificate_file"
KEY = "load_balancer_key_file"
CA = "load_balancer_ca_file"


def certificate_problems(
    files: dict[str, str], names: Sequence[str], texts: dict[str, str | None], now: float
) -> list[Problem]:
    """Find what is wrong with a certificate, its key and the CA bundle that clients trust.

    Args:
        files: Paths by variable, for messages.
        names: Names and addresses that the certificate has to cover.
        texts: Contents by variable; None for a file that cannot be read, "" for the CA bundle where none is named.
        now: Seconds since the epoch.
    """
    unread = [name for name, text in texts.items() if text is None]
    if unread:
        return [
            _problem(f"{name}: {files[name]} cannot be read", "correct the path or its permissions") for name in unread
        ]
    try:
        chain = x509.load_pem_x509_certificates((texts[CERTIFICATE] or "").encode())
    except ValueError:
        return [
            _problem(f"{CERTIFICATE}: {files[CERTIFICATE]} holds no certificate in PEM format", "convert it to PEM")
        ]
    return [
        *_key_problems(chain[0], files[KEY], texts[KEY] or ""),
        *_time_problems(chain, files[CERTIFICATE], datetime.fromtimestamp(now, UTC)),
        *_name_problems(chain[0], files[CERTIFICATE], names),
        *_chain_problems(chain, files, texts[CA] or ""),
    ]


def fingerprint(text: str) -> str:
    """Return the SHA-1 of the first certificate in PEM text, upper-case, as HAProxy prints it."""
    if not text:
        return ""
    certificate = x509.load_pem_x509_certificates(text.encode())[0]
    return certificate.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303 - a name, no protection


def _key_problems(certificate: x509.Certificate, path: str, text: str) -> Iterable[Problem]:
    try:
        key = load_pem_private_key(text.encode(), None)
    except TypeError:
        yield _problem(
            f"{KEY}: {path} is encrypted with a passphrase, which cannot be entered at the edge's start",
            "decrypt it (openssl pkey), and encrypt the file with ansible-vault instead",
        )
        return
    except ValueError:
        yield _problem(f"{KEY}: {path} holds no private key in PEM format", "convert it to PEM")
        return
    if _public(key) != _public(certificate):
        yield _problem(f"{KEY}: {path} is not the key of the certificate", "name the two files that belong together")


def _time_problems(chain: Sequence[x509.Certificate], path: str, now: datetime) -> Iterable[Problem]:
    for certificate in chain:
        subject = certificate.subject.rfc4514_string() or "the certificate"
        begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        if now > end:
            yield _problem(f"{CERTIFICATE}: {path}: {subject} expired on {end:%Y-%m-%d}", "have it renewed")
        elif now < begin:
            yield _problem(
                f"{CERTIFICATE}: {path}: {subject} is not valid before {begin:%Y-%m-%d %H:%M} UTC",
                "wait, or use another",
            )


def _name_problems(certificate: x509.Certificate, path: str, names: Sequence[str]) -> Iterable[Problem]:
    try:
        alternative = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        hosts, addresses = [], []
    else:
        hosts = [name.lower() for name in alternative.get_values_for_type(x509.DNSName)]
        addresses = [str(address) for address in alternative.get_values_for_type(x509.IPAddress)]
    missing = [name for name in map(str, names) if not _covers(name, hosts, addresses)]
    if missing:
        yield _problem(
            f"{CERTIFICATE}: {path} does not cover {', '.join(missing)} of load_balancer_tls_names; it names "
            f"{', '.join(hosts + addresses) or 'nobody'}",
            "have a certificate with these names issued, or correct load_balancer_tls_names",
        )


def _chain_problems(chain: Sequence[x509.Certificate], files: dict[str, str], text: str) -> Iterable[Problem]:
    if not text:
        return
    try:
        trusted = x509.load_pem_x509_certificates(text.encode())
    except ValueError:
        yield _problem(f"{CA}: {files[CA]} holds no certificate in PEM format", "convert it to PEM")
        return
    certificate = chain[0]
    for _link in range(len(chain)):
        if certificate in trusted or any(_issued(certificate, authority) for authority in trusted):
            return
        certificate = next((each for each in chain[1:] if _issued(certificate, each)), certificate)
    yield _problem(
        f"{CERTIFICATE}: {files[CERTIFICATE]} does not lead to an authority in {files[CA]}",
        "add the intermediate certificates after the server's, or correct load_balancer_ca_file",
    )


def _issued(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _covers(name: str, hosts: Sequence[str], addresses: Sequence[str]) -> bool:
    try:
        return str(ip_address(name)) in addresses
    except ValueError:
        first, _dot, rest = name.lower().partition(".")
        return name.lower() in hosts or (bool(first) and f"*.{rest}" in hosts)


def _public(holder: Any) -> bytes:
    found: bytes = holder.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return found


def _problem(problem: str, remedy: str) -> Problem:
    return {"problem": problem, "remedy": remedy}


class FilterModule:
    """Ansible's entry point to the filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by the name that templates use."""
        return {"load_balancer_certificate_problems": certificate_problems, "load_balancer_fingerprint": fingerprint}
