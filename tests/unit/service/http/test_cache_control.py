"""What is read of `Cache-Control`."""

from __future__ import annotations

import math

import pytest

from ai_service.http.cache_control import Directives, parse_cache_control


@pytest.mark.parametrize(
    ("header", "meaning"),
    [
        (b"max-stale", Directives(max_stale_s=math.inf)),
        (b"max-stale=60, only-if-cached", Directives(max_stale_s=60.0, only_if_cached=True)),
        (b'Max-Stale="60"', Directives(max_stale_s=60.0)),
        (b"max-stale=soon", Directives()),
        (b"max-stale=-1", Directives()),
        (b"no-cache=x,no-store , max-age=0", Directives(no_cache=True, no_store=True)),
        (b"no-cached, x-no-store", Directives()),
        (b"", Directives()),
        (b'ext="a, no-store"', Directives()),
        (rb'ext="a\", no-store"', Directives()),
        (b'ext="a, no-store', Directives(no_store=True)),
        (b'"no-store"', Directives()),
        (b"no-store no-cache", Directives()),
        (b"max-stale=60, max-stale", Directives(max_stale_s=60.0)),
        (b"max-stale, max-stale=60, max-stale=30", Directives(max_stale_s=30.0)),
        (rb'max-stale="6\0"', Directives(max_stale_s=60.0)),
        (b"max-stale=", Directives()),
        (b"NO-STORE", Directives(no_store=True)),
        (b", ,no-cache,", Directives(no_cache=True)),
        (b"x" * 10_000 + b", no-store", Directives(no_store=True)),
    ],
)
def test_cache_control_is_read_as_http_wants_it(header: bytes, meaning: Directives) -> None:
    """Any case, quoted or not; what is unknown or malformed is ignored."""
    assert parse_cache_control(header) == meaning
