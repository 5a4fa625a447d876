"""Whether what a browser sends can be read on its way: not over TLS, and not on this host."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from starlette.datastructures import Headers

if TYPE_CHECKING:
    from starlette.types import Scope

REFUSAL = (
    "The operator's page is served over TLS and on loopback only: the administrator's key would cross the network in"
    " plaintext. Turn TLS on (load_balancer_tls), or open it through SSH: ssh -L 3011:127.0.0.1:3011 HOST, then"
    " http://127.0.0.1:3011/operator."
)


def is_private(scope: Scope) -> bool:
    """Return whether a request came over TLS, or from this host.

    What the edge says of its callers counts where the caller is the edge: on its Unix socket, or another proxy of this
    host. A remote caller may send the same headers.
    """
    if not _is_loopback(_peer(scope)):
        return False
    headers = Headers(scope=scope)
    if headers.get("x-forwarded-proto") == "https":
        return True
    return all(map(_is_loopback, _forwarded(headers)))


def caller_of(scope: Scope) -> str:
    """Return the network that a caller's attempts are counted for: its address, of IPv6 the first 64 bits."""
    peer = _peer(scope)
    forwarded = _forwarded(Headers(scope=scope)) if _is_loopback(peer) else []
    text = forwarded[-1] if forwarded else peer
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return "local"
    return str(address if address.version == 4 else ipaddress.ip_network((address, 64), strict=False))


def _peer(scope: Scope) -> str:
    """Return the address of the connection's other end; "" on a Unix socket."""
    return (scope.get("client") or ("", 0))[0]


def _forwarded(headers: Headers) -> list[str]:
    return [part.strip() for value in headers.getlist("x-forwarded-for") for part in value.split(",")]


def _is_loopback(address: str) -> bool:
    try:
        return not address or ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
