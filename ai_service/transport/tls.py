"""TLS towards servers: whose certificates are trusted, and what is wrong with one that is not."""

from __future__ import annotations

import re
import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
EXPIRED = 10
WRONG_NAMES = frozenset({62, 64})
UNKNOWN_ISSUERS = frozenset({2, 7, 18, 19, 20, 21, 27})
"""Of OpenSSL's X509_V_ERR_* codes, those of a certificate that is no trusted authority's."""


def read_authorities(text: str) -> str:
    """Read the certificates of authorities.

    Args:
        text: In PEM format, with any comments between them; "" for none.

    Returns:
        The certificates alone: comments may hold letters that OpenSSL is not given.

    Raises:
        ValueError: They are in another format.
    """
    certificates = "\n".join(_CERTIFICATE.findall(text))
    try:
        if text:
            ssl.create_default_context().load_verify_locations(cadata=certificates)
    except (ssl.SSLError, ValueError):
        raise ValueError("expected certificates in PEM format") from None
    return certificates


def certificate_problem(error: BaseException, remedy: str) -> str:
    """Say what is wrong with a server's certificate.

    Args:
        error: Of a connection.
        remedy: What to do where the authority is unknown, in a sentence.

    Returns:
        A sentence or two about the server; "" where the error is not about its certificate.
    """
    found = next((each for each in causes(error) if isinstance(each, ssl.SSLCertVerificationError)), None)
    if found is None:
        return ""
    told = f"({found.verify_message.rstrip('.')})"
    if found.verify_code in WRONG_NAMES:
        return f"has a certificate for another name {told}. Use a name or an address that is in it."
    if found.verify_code == EXPIRED:
        return f"has a certificate that has expired {told}. Renew it."
    if found.verify_code in UNKNOWN_ISSUERS:
        return f"has a certificate from no trusted authority {told}. {remedy}"
    return f"has a certificate that is refused {told}."


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and, one after the other, what caused it."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
