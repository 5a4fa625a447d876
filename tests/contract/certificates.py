"""An authority and its certificates, made for a test."""

from __future__ import annotations

import datetime as dt
import ipaddress
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

if TYPE_CHECKING:
    from pathlib import Path

_LIFE = dt.timedelta(days=1)


class Authority:
    """Signs certificates for servers.

    Attributes:
        pem: Its own certificate, which clients trust.
    """

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "an authority for tests")])
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        self._certificate = self._sign(self._name, self._key, constraints)
        self.pem = self._certificate.public_bytes(serialization.Encoding.PEM).decode()

    def certify(self, folder: Path, address: str) -> tuple[Path, Path]:
        """Writes a certificate for a server at an IP address, and its key.

        Returns:
            Both files, the certificate first.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a server for tests")])
        certificate = self._sign(
            name, key, x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        )
        files = folder / f"{address}.crt", folder / f"{address}.key"
        files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        files[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return files

    def _sign(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, extension: x509.ExtensionType
    ) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC)
        builder = x509.CertificateBuilder(
            issuer_name=self._name,
            subject_name=subject,
            public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=now - _LIFE,
            not_valid_after=now + _LIFE,
        )
        return builder.add_extension(extension, critical=True).sign(self._key, hashes.SHA256())
