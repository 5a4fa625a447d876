"""Which requests nobody on the way can read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ai_service.web.secure_channel import caller_of, is_private

if TYPE_CHECKING:
    from starlette.types import Scope

EDGE = ""
"""The peer on a Unix socket."""


def scope(peer: str, **headers: str) -> Scope:
    """Return a request's scope."""
    listed = [(f"x-forwarded-{name}".encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "client": (peer, 1) if peer else None, "headers": listed}


@pytest.mark.parametrize(
    ("peer", "headers", "expected"),
    [
        ("127.0.0.1", {}, True),
        ("::1", {}, True),
        ("192.0.2.7", {}, False),
        ("192.0.2.7", {"proto": "https", "for": "127.0.0.1"}, False),
        (EDGE, {"proto": "http", "for": "127.0.0.1"}, True),
        (EDGE, {"proto": "http", "for": "192.0.2.7"}, False),
        (EDGE, {"proto": "http", "for": "127.0.0.1, 192.0.2.7"}, False),
        (EDGE, {"proto": "http", "for": "nobody"}, False),
        (EDGE, {"proto": "https", "for": "192.0.2.7"}, True),
        ("127.0.0.1", {"proto": "http", "for": "192.0.2.7"}, False),
        ("127.0.0.1", {"proto": "https", "for": "192.0.2.7"}, True),
    ],
)
def test_tls_and_loopback_are_private(peer: str, headers: dict[str, str], expected: bool) -> None:
    """What a proxy of this host says counts; what a remote caller says does not."""
    assert is_private(scope(peer, **headers)) is expected


@pytest.mark.parametrize(
    ("peer", "headers", "expected"),
    [
        ("192.0.2.7", {"for": "203.0.113.1"}, "192.0.2.7"),
        (EDGE, {"for": "203.0.113.1, 192.0.2.7"}, "192.0.2.7"),
        (EDGE, {}, "local"),
        (EDGE, {"for": "2001:db8:1:2:3::4"}, "2001:db8:1:2::/64"),
    ],
)
def test_attempts_are_counted_for_the_callers_network(peer: str, headers: dict[str, str], expected: str) -> None:
    """As the edge saw it; a caller cannot choose another one."""
    assert caller_of(scope(peer, **headers)) == expected
