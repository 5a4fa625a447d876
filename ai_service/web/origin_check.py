"""Refuse requests that a foreign site has a browser send: by the names in Host, Origin and Sec-Fetch-Site."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from ai_service.config.environment import PREFIX
from ai_service.web.error_response import error_response

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""They change and ask nothing (RFC 9110, section 9.2.1)."""
MAX_NAME = 253
"""Longest host name (RFC 1035)."""
_AUTHORITY = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]/@\\\s]+)(?::\d{1,5})?")
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


class OriginCheck:
    """Pass on what a page of this server may have sent, and refuse the rest.

    - `Host` is a name of the list, localhost, or an address. A site can make its own name resolve to this server's
      address, and is then of this server's origin for a browser (DNS rebinding); it needs a name for that.
    - A request that is not safe has the `Origin` of that host, or none: browsers always send one.
    - `Sec-Fetch-Site` is `same-origin` where a browser sends it, which is over TLS and on loopback.

    Args:
        app: The application.
        hosts: Host names that the page is served under, in lower case.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self._app = app
        self._hosts = {"localhost", *hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        refusal = self._refuse(scope) if scope["type"] == "http" else None
        await (refusal or self._app)(scope, receive, send)

    def _refuse(self, scope: Scope) -> Response | None:
        host = _value(scope["headers"], b"host")
        authority = _AUTHORITY.fullmatch(host)
        if authority is None:
            return error_response(400, "invalid_host", "Invalid Host header: expected one host name or address.")
        if not self._is_served(authority[1].lower().removesuffix(".")):
            return error_response(
                421,
                "unknown_host",
                f"The page is not served under the host name {authority[1][:MAX_NAME]!r}. Use an address of the server,"
                f" or add the name to {PREFIX}WEB_HOSTS there.",
            )
        site = _value(scope["headers"], b"sec-fetch-site")
        is_own = site in {"", "same-origin"} and _is_same(_value(scope["headers"], b"origin"), host)
        if scope["method"] in SAFE_METHODS or is_own:
            return None
        return error_response(
            403, "cross_site", "Only the page itself may ask through its server; other programs ask the API."
        )

    def _is_served(self, name: str) -> bool:
        if name in self._hosts:
            return True
        try:
            ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return False
        return True


def _value(headers: Iterable[tuple[bytes, bytes]], wanted: bytes) -> str:
    """Return a header's value, "" without one; several are joined to what no check accepts."""
    return "\n".join(value.decode("latin-1") for name, value in headers if name == wanted)


def _is_same(origin: str, host: str) -> bool:
    """Compare an origin with a host. The edge may end TLS, so the scheme of the origin says nothing here."""
    scheme, _, authority = origin.lower().partition("://")
    port = _DEFAULT_PORTS.get(scheme, "")
    return not origin or (bool(port) and authority.removesuffix(port) == host.lower().removesuffix(port))
