"""TLS towards what is measured: whose certificates are trusted, and what is wrong with one that is not."""

from __future__ import annotations

import ssl
from functools import cached_property
from typing import TYPE_CHECKING

from bench.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

EXPIRED = 10
WRONG_NAMES = frozenset({62, 64})
UNKNOWN_ISSUERS = frozenset({2, 7, 18, 19, 20, 21, 27})
"""Of OpenSSL's X509_V_ERR_* codes, those of a certificate that is no trusted authority's."""


class Trust:
    """The authorities whose certificates are accepted.

    Args:
        ca_file: File with their certificates in PEM format; "" for those of the operating system.

    Raises:
        UsageError: The file cannot be read, or holds no certificate.
    """

    def __init__(self, ca_file: str = "") -> None:
        self.ca_file = ca_file
        if ca_file:
            _ = self.context

    @cached_property
    def context(self) -> ssl.SSLContext:
        """Checks certificates and names."""
        try:
            return ssl.create_default_context(cafile=self.ca_file or None)
        except ssl.SSLError as error:
            raise UsageError(f"--ca-file {self.ca_file} holds no certificates in PEM format") from error
        except OSError as error:
            raise UsageError(f"--ca-file: cannot read {self.ca_file}: {error.strerror}") from error

    def explain(self, error: BaseException) -> str:
        """Say what is wrong with a certificate, and what to do.

        Args:
            error: Of a connection.

        Returns:
            Half a sentence; "" where it is not about TLS.
        """
        found = next((each for each in _causes(error) if isinstance(each, ssl.SSLError)), None)
        if found is None:
            return ""
        if not isinstance(found, ssl.SSLCertVerificationError):
            return f"no TLS connection can be made ({found.reason or found}); does the port speak TLS?"
        problem, remedy = self._judge(found.verify_code)
        return f"the certificate {problem} ({found.verify_message.rstrip('.')}){remedy}"

    def _judge(self, code: int) -> tuple[str, str]:
        if code in WRONG_NAMES:
            return "is for another name", "; use a name or an address that is in it"
        if code == EXPIRED:
            return "has expired", "; it has to be renewed"
        if code not in UNKNOWN_ISSUERS:
            return "is refused", ""
        if self.ca_file:
            return f"is not from an authority of --ca-file {self.ca_file}", ""
        return "is from no trusted authority", "; name its CA bundle with --ca-file FILE"


SYSTEM = Trust()
"""The authorities of the operating system."""


def add_ca_file(parser: argparse.ArgumentParser) -> None:
    """Add the option."""
    parser.add_argument(
        "--ca-file", default="", metavar="FILE", help="CA bundle for https:// URLs (default: the operating system's)"
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
