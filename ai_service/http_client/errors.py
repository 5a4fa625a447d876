"""Why a call has no answer, or not all of one."""

# ruff: noqa: N818 - named as what they stand for, without "Error" on every one

from __future__ import annotations


class HTTPClientError(Exception):
    """A call failed; says why in words."""


class ConnectFailed(HTTPClientError):
    """There is no connection: the name is unknown, nobody listens, the certificate is wrong, or it took too long."""


class ConnectionLost(HTTPClientError):
    """The connection ended before the answer did."""


class ProtocolViolated(HTTPClientError):
    """What the server sends is not HTTP/1.1, or is past all bounds."""
