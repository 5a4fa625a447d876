#!/usr/bin/python3
# Copyright: Alchemorsel contributors
# MIT License (see LICENSE)
"""Renew the edge's certificate from this host's own issuer, and reload the edge.

A program of the host (alchemorsel-edge-certificate.timer runs it) and a library of the role's modules. Standard library
and the program openssl only.

The site's authority signs an issuer for each host once, limited to the host's names. The issuer's key never leaves the
host, so the host renews its short-lived certificate without the authority.
"""

from __future__ import annotations

import ipaddress
import json
import os
import pwd
import re
import secrets
import ssl
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

DEADLINE_SECONDS = 30
DAY = 86400
RENEWED_BELOW = 1 / 3
"""Part of the lifetime that is left when a certificate is renewed."""
SETTINGS = "/etc/alchemorsel/tls/issuer/settings.json"
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", re.DOTALL)


class CertificateError(Exception):
    """No certificate can be issued; the message is the reason."""


def openssl(*arguments: str, given: str = "") -> str:
    """Return what openssl prints.

    Args:
        arguments: Of the program.
        given: Its standard input.

    Raises:
        CertificateError: It failed, or is not installed.
    """
    try:
        done = subprocess.run(
            ["openssl", *arguments], input=given, capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=False
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise CertificateError(f"openssl {arguments[0]}: {error}") from error
    if done.returncode != 0:
        raise CertificateError(f"openssl {arguments[0]}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def write(path: Path, text: str, mode: int, user: str = "") -> None:
    """Replace a file at once; with a user, it is that user's."""
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.chmod(mode)
    if user:
        account = pwd.getpwnam(user)
        os.chown(draft, account.pw_uid, account.pw_gid)
    draft.replace(path)


def read(path: Path) -> str:
    """Return the text of a file; an empty string where there is none."""
    return path.read_text() if path.is_file() else ""


def normal(name: str) -> str:
    """Return a name as it is compared: an address in its shortest form, a host name in lower case."""
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name.lower()


def entry(name: str) -> str:
    """Return a name as openssl writes it into a certificate: `DNS:host` or `IP:address`."""
    try:
        return f"IP:{ipaddress.ip_address(name)}"
    except ValueError:
        return f"DNS:{name}"


def new_key() -> str:
    """Return a new private key (P-256) in PEM format."""
    return openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")


def first_certificate(text: str) -> str:
    """Return the first certificate in PEM text; an empty string where there is none."""
    match = _CERTIFICATE.search(text)
    return match[0] if match else ""


def lifetime(certificate: str) -> tuple[float, float]:
    """Return when a certificate begins and when it ends, in seconds since the epoch."""
    told = dict(
        line.split("=", 1)
        for line in openssl("x509", "-noout", "-dates", given=certificate).splitlines()
        if "=" in line
    )
    return ssl.cert_time_to_seconds(told["notBefore"]), ssl.cert_time_to_seconds(told["notAfter"])


def names_in(certificate: str, extension: str) -> set[str]:
    """Return the names of a certificate.

    Args:
        certificate: In PEM format.
        extension: `subjectAltName`, or `nameConstraints` for those that an issuer may sign.
    """
    text = openssl("x509", "-noout", "-ext", extension, given=certificate)
    found = re.findall(r"(?:DNS|IP(?: Address)?):([^\s,/]+)", text.partition("Excluded:")[0])
    return {normal(name) for name in found}


def fits(certificate: str, key: str) -> bool:
    """Return whether a key belongs to a certificate."""
    return openssl("x509", "-noout", "-pubkey", given=certificate) == openssl("pkey", "-pubout", given=key)


def verify(certificate: str, issuer: str, authority: str) -> None:
    """Check that a certificate is valid now.

    Args:
        certificate: In PEM format.
        issuer: The certificate between it and the authority; empty for an issuer itself.
        authority: Certificate of the authority.

    Raises:
        CertificateError: It is not.
    """
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "ca.pem").write_text(authority)
        (Path(folder) / "issuer.pem").write_text(issuer)
        between = ["-untrusted", f"{folder}/issuer.pem"] if issuer else []
        openssl("verify", "-CAfile", f"{folder}/ca.pem", *between, given=certificate)


def request(key: str, name: str) -> str:
    """Return a certificate signing request for a key in PEM format."""
    with tempfile.TemporaryDirectory() as folder:
        _keep(folder, key=key, cnf="[req]\nprompt=no\ndistinguished_name=name\n[name]\n")
        return openssl("req", "-new", "-key", f"{folder}/key", "-config", f"{folder}/cnf", "-subj", f"/CN={name[:64]}")


def sign(asked: str, certificate: str, key: str, extensions: list[str], days: int) -> str:
    """Return a new certificate, which ends with its issuer at the latest.

    Args:
        asked: Certificate signing request.
        certificate: Of the issuer.
        key: Of the issuer.
        extensions: Lines of openssl's configuration, `name=value`.
        days: Lifetime.
    """
    left = int((lifetime(certificate)[1] - time.time()) // DAY)
    if left < 1:
        raise CertificateError("the issuing certificate ends within a day")
    lines = [*extensions, "subjectKeyIdentifier=hash", "authorityKeyIdentifier=keyid"]
    with tempfile.TemporaryDirectory() as folder:
        _keep(folder, key=key, ca=certificate, csr=asked, ext="\n".join(lines))
        paths = ["-in", f"{folder}/csr", "-CA", f"{folder}/ca", "-CAkey", f"{folder}/key", "-extfile", f"{folder}/ext"]
        serial = f"0x{secrets.randbits(126) | 1 << 126:x}"
        return openssl("x509", "-req", "-sha256", *paths, "-days", str(min(days, left)), "-set_serial", serial)


def _keep(folder: str, **files: str) -> None:
    for name, text in files.items():
        write(Path(folder) / name, text, 0o600)


class Issuer:
    """The issuer of this host, and the certificate that it renews.

    Args:
        settings: `folder` of the TLS files, `names` and `days` of the certificate, `user` that owns it, `unit` that is
            reloaded.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        self.folder = Path(settings["folder"])
        self.key_file = self.folder / "issuer" / "issuer.key"
        self.file = self.folder / "issuer" / "issuer.pem"
        self.certificate_file = self.folder / "edge.pem"
        self.authority_file = self.folder / "issuer" / "ca.pem"
        self._trusted_file = self.folder / "ca.pem"
        self._names: list[str] = settings["names"]
        self._days: int = settings["days"]
        self._user: str = settings["user"]
        self._unit: str = settings["unit"]

    def problem(self) -> str:
        """Return why the authority has to sign a new issuer; an empty string where the present one will do."""
        certificate, authority = read(self.file), read(self.authority_file)
        if not certificate or not authority or not self.key_file.is_file():
            return "there is none"
        try:
            verify(certificate, "", authority)
            if not fits(certificate, read(self.key_file)):
                return "its key does not fit"
            allowed = names_in(certificate, "nameConstraints")
        except CertificateError as error:
            return str(error)
        wanted = {name.removeprefix("*.") for name in self._wanted()}
        return "" if allowed == wanted else "the names have changed"

    def certificate_problem(self) -> str:
        """Return why the certificate has to be renewed; an empty string where the present one will do."""
        text = read(self.certificate_file)
        certificate = first_certificate(text)
        if not certificate:
            return "there is none"
        try:
            verify(certificate, read(self.file), read(self.authority_file))
            begin, end = lifetime(certificate)
            names = names_in(certificate, "subjectAltName")
        except CertificateError as error:
            return str(error)
        if names != self._wanted():
            return "the names have changed"
        if read(self._trusted_file) != read(self.authority_file):
            return f"{self._trusted_file} is another authority's"
        if end - time.time() < (end - begin) * RENEWED_BELOW:
            return "less than a third of its lifetime is left"
        return ""

    def request(self) -> str:
        """Return a signing request for a new key, which waits beside the present one."""
        key = new_key()
        write(self._next_key, key, 0o600)
        return request(key, f"Edge issuer of {self._names[0]}")

    def install(self, certificate: str, authority: str) -> None:
        """Take a signed issuer into use.

        Raises:
            CertificateError: It is not for the key that waits.
        """
        key = read(self._next_key)
        if not fits(certificate, key):
            raise CertificateError("the signed issuer is for another key; run the role again")
        write(self.authority_file, authority, 0o644)
        write(self.key_file, key, 0o600)
        write(self.file, certificate, 0o600)
        self._next_key.unlink()

    def renew(self) -> None:
        """Issue a certificate with a key of its own."""
        issuer, key = read(self.file), new_key()
        extensions = [
            "basicConstraints=critical,CA:FALSE",
            "keyUsage=critical,digitalSignature",
            "extendedKeyUsage=serverAuth",
            "subjectAltName=" + ",".join(entry(name) for name in self._names),
        ]
        certificate = sign(request(key, self._names[0]), issuer, read(self.key_file), extensions, self._days)
        verify(certificate, issuer, read(self.authority_file))
        write(self._trusted_file, read(self.authority_file), 0o644)
        write(self.certificate_file, certificate + issuer + key, 0o600, self._user)

    def reload(self) -> None:
        """Have the edge read the certificate, where it runs."""
        asked = ["systemctl", "--quiet", "is-active", self._unit]
        if subprocess.run(asked, check=False, timeout=DEADLINE_SECONDS).returncode == 0:
            subprocess.run(["systemctl", "reload", self._unit], check=True, timeout=DEADLINE_SECONDS)

    @property
    def _next_key(self) -> Path:
        return self.key_file.with_name("next.key")

    def _wanted(self) -> set[str]:
        return {normal(name) for name in self._names}


def main() -> None:
    """Renew the certificate where it is due."""
    issuer = Issuer(json.loads(Path(sys.argv[1] if len(sys.argv) > 1 else SETTINGS).read_text()))
    try:
        reason = issuer.certificate_problem()
        if reason:
            issuer.renew()
            issuer.reload()
    except (CertificateError, subprocess.SubprocessError) as error:
        raise SystemExit(f"The certificate was not renewed: {error}") from error
    end = time.strftime("%Y-%m-%d", time.gmtime(lifetime(read(issuer.certificate_file))[1]))
    sys.stdout.write(f"renewed ({reason}); valid until {end}\n" if reason else f"valid until {end}\n")


if __name__ == "__main__":
    main()
