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
_SIGNS = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


class Authority:
    """Signs certificates for servers.

    Attributes:
        pem: Its own certificate, which clients trust.
    """

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "an authority for tests")])
        certificate = self._builder(self._name, self._key.public_key(), dt.datetime.now(dt.UTC) + _LIFE)
        certificate = certificate.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        certificate = certificate.add_extension(_SIGNS, critical=True)
        self.pem = self._pem(certificate)

    def certify(self, folder: Path, *names: str, expired: bool = False) -> tuple[Path, Path]:
        """Write a server's certificate and private key.

        Args:
            folder: Where the files go.
            names: IP addresses and host names of the server.
            expired: Whether it is not valid any more.

        Returns:
            Both files, the certificate first.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a server for tests")])
        until = dt.datetime.now(dt.UTC) + (-_LIFE / 2 if expired else _LIFE)
        certificate = self._builder(subject, key.public_key(), until)
        certificate = certificate.add_extension(
            x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False
        )
        files = folder / f"{names[0]}.crt", folder / f"{names[0]}.key"
        files[0].write_text(self._pem(certificate))
        files[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return files

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, until: dt.datetime
    ) -> x509.CertificateBuilder:
        """Return a builder of certificates conforming to RFC 5280, as OpenSSL's strict mode (Python 3.13) requires."""
        own = self._key.public_key()
        builder = x509.CertificateBuilder(
            issuer_name=self._name,
            subject_name=subject,
            public_key=key,
            serial_number=x509.random_serial_number(),
            not_valid_before=dt.datetime.now(dt.UTC) - _LIFE,
            not_valid_after=until,
        )
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        return builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(own), critical=False)

    def _pem(self, certificate: x509.CertificateBuilder) -> str:
        return certificate.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
